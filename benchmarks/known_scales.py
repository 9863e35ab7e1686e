"""A subject whose size is known: drawn factors, displaced markers, and how well scaling finds the truth again.

Bodies are drawn independently of each other, equal on both sides, so the rule that the fit has for small bodies (as
the talus by the calcaneus) is wrong by what was drawn. Nobody is told a joint centre: where the pipeline's start wants
one, it is estimated from the displaced skin markers, and the fit does without.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from opensim_clock import in_child, run_scale_tool

from odah_gen.body.layout import load_layout
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.cross_check import compared, coordinate_differences
from odah_gen.skeleton.forward import ForwardKinematics, Pose
from odah_gen.skeleton.joint_scaling import scale_jointly
from odah_gen.skeleton.kinematics import Solution, rigid_fit
from odah_gen.skeleton.scale_groups import AXES, FOLLOWED
from odah_gen.skeleton.scaled_skeleton import scaled_skeleton
from odah_gen.skeleton.scaling import JOINTS_OF_CENTERS, MIDDLES, Measurements, shrunk_offsets, subject_measurements
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.subject import held_standing
from odah_gen.skeleton.trc import MarkerTrajectories
from odah_gen.skeleton.worker import call


def limbs(name: str, pairs: Sequence[tuple[str, str]], bodies: Sequence[str]) -> dict[str, tuple]:
    """A measurement of each side for all axes of some bodies of that side."""
    return {
        f"{name}_{side}": (
            [(side.upper() + first, side.upper() + second) for first, second in pairs],
            {f"{body}_{side}": "X Y Z" for body in bodies},
        )
        for side in "rl"
    }


COMMON_SIZE, FACTOR_SD = 0.97, 0.05
NOISE_M = 0.001
"""Noise of every frame, beside the constant displacement of each marker."""
STANDING_SD_RAD = float(np.deg2rad(1.0))
RATE_HZ = 30.0
SEEN_M = 0.12
"""Markers can see an axis along which a body's markers and joints are spread over more than this."""
SWINGS: Mapping[str, tuple[float, float]] = {
    "pelvis_tilt": (0.0, 0.3),
    "pelvis_list": (0.0, 0.3),
    "pelvis_rotation": (0.0, 1.0),
    "pelvis_tx": (0.0, 0.5),
    "pelvis_ty": (0.95, 0.1),
    "pelvis_tz": (0.0, 0.5),
    "hip_flexion": (0.4, 0.7),
    "hip_adduction": (-0.1, 0.3),
    "hip_rotation": (0.0, 0.4),
    "knee_angle": (0.8, 0.7),
    "ankle_angle": (0.0, 0.4),
    "subtalar_angle": (0.0, 0.2),
    "mtp_angle": (0.0, 0.2),
    "lumbar_extension": (-0.1, 0.4),
    "lumbar_bending": (0.0, 0.3),
    "lumbar_rotation": (0.0, 0.4),
    "arm_flex": (0.3, 0.9),
    "arm_add": (-0.6, 0.5),
    "arm_rot": (0.0, 0.6),
    "elbow_flex": (1.0, 0.8),
    "pro_sup": (1.2, 0.6),
    "wrist_flex": (0.0, 0.4),
    "wrist_dev": (0.0, 0.2),
}
"""Middle and half range of each coordinate's swing (rad, m)."""
STANDING: Mapping[str, float] = {"pelvis_ty": 0.95, "arm_add": -0.6, "elbow_flex": 0.2, "pro_sup": 1.5}


TOOL_PAIRS: Measurements = {
    "pelvis_breadth": ([("RASI", "LASI"), ("RPSI", "LPSI")], {"pelvis": "Z"}),
    "pelvis_depth": ([("RASI", "RPSI"), ("LASI", "LPSI")], {"pelvis": "X"}),
    "pelvis_height": ([("RASI", "LASI"), ("RASI", "RPSI"), ("LASI", "LPSI")], {"pelvis": "Y"}),
    "torso_height": ([("C7", "RPSI"), ("C7", "LPSI")], {"torso": "Y"}),
    "torso_breadth": ([("RACR", "LACR")], {"torso": "Z"}),
    "torso_depth": ([("C7", "CLAV")], {"torso": "X"}),
    **limbs("thigh", [("ASI", "LFC"), ("ASI", "MFC")], ("femur", "patella")),
    **limbs("shank", [("LFC", "LMAL"), ("MFC", "MMAL")], ("tibia",)),
    **limbs("foot", [("CAL", "TOE"), ("CAL", "MT5")], ("talus", "calcn", "toes")),
    **limbs("upper_arm", [("ACR", "LEL"), ("ACR", "MEL")], ("humerus",)),
    **limbs("forearm", [("LEL", "FAradius"), ("MEL", "FAulna")], ("ulna", "radius")),
    **limbs("hand", [("FAradius", "HM2"), ("FAulna", "HM5")], ("hand",)),
}
"""A usual set of measurements from skin markers: each limb evenly, the trunk by axis."""


@dataclass(frozen=True)
class KnownSubject:
    """A drawn subject.

    Attributes:
        skeleton: the generic one, with the markers of the list where the list puts them.
        scales: [B, 3] true factors.
        coordinates: [T, N] true motion (rad, m).
        static, motion: displaced and noisy markers; the static trial is one frame.
    """

    skeleton: Skeleton
    scales: Float[np.ndarray, "bodies 3"]
    coordinates: Float[np.ndarray, "frames coordinates"]
    static: MarkerTrajectories
    motion: MarkerTrajectories


@dataclass(frozen=True)
class Recovered:
    """How far a model is from the truth, in the mean.

    Attributes:
        factor_error: of factors along axes that markers can see.
        center_error_m: of all joint centres, when inverse kinematics follows the motion.
        angle_error_rad: of all angles then; places and coupled coordinates are left out.
    """

    factor_error: float
    center_error_m: float
    angle_error_rad: float


def known_scales(seed: int, displaced_m: float = 0.005, frames: int = 240) -> dict[str, Recovered]:
    """Draw a subject and scale to it in four ways.

    "tool" is OpenSim's Scale tool as it is commonly used: pairs of skin markers (TOOL_PAIRS), then its marker placer;
    "tool_only" is the same without the placer. "start" is the Scale tool with the pipeline's own measurements and bounded
    offsets, and "fit" the joint fit that begins there.

    Args:
        seed: of everything that is drawn.
        displaced_m: standard deviation of a marker's displacement per axis.
        frames: length of the motion, at 30 Hz.
    """
    layout = load_layout()
    text = call("generic_model", names=layout.names, bodies=layout.bodies, locations_m=layout.locations_m, locked=())
    subject = draw_subject(call("read_skeleton", text=text), seed, displaced_m, frames)
    measured, placed_m = by_the_tool(text, subject)
    start = factors_of(
        subject,
        call(
            "scale_model",
            text=text,
            static=with_estimated_centers(subject.skeleton, subject.static),
            measurements=subject_measurements(layout.names),
            mass_kg=70.0,
        )[1],
    )
    shown = shrunk_offsets(static_displacements(subject, start), layout.offset_sd_m)
    held = held_standing(subject.static)
    fit = scale_jointly(subject.skeleton, layout, subject.static, [subject.motion], start, held)
    return {
        "tool_only": recovered(subject, measured, np.zeros_like(placed_m)),
        "tool": recovered(subject, measured, placed_m),
        "start": recovered(subject, start, shown),
        "fit": recovered(subject, fit.scales, fit.offsets_m),
    }


def by_the_tool(
    text: str, subject: KnownSubject
) -> tuple[Float[np.ndarray, "bodies 3"], Float[np.ndarray, "markers 3"]]:
    """Factors of OpenSim's Scale tool, and how far its marker placer moves the markers in their bodies (m)."""
    layout, skeleton = load_layout(), subject.skeleton
    weights = dict(zip(layout.names, layout.weights))
    still, held = held_still(subject.static), held_standing(subject.static)
    scales, places = in_child(run_scale_tool, text, still, TOOL_PAIRS, weights, held)
    factors = factors_of(subject, scales)
    sized = scaled_skeleton(skeleton, factors).marker_locations_m
    return factors, np.array([places[name] for name in skeleton.marker_names]) - sized


def held_still(static: MarkerTrajectories) -> MarkerTrajectories:
    """A static trial of a few equal frames: the marker placer refuses a single one."""
    return MarkerTrajectories(static.names, np.arange(3) / RATE_HZ, np.repeat(static.points_m[:1], 3, axis=0))


def factors_of(subject: KnownSubject, scales: Mapping[str, list[float]]) -> Float[np.ndarray, "bodies 3"]:
    """Factors in the order of the skeleton's bodies."""
    return np.array([scales[body] for body in subject.skeleton.body_names])


def static_displacements(
    subject: KnownSubject, scales: Float[np.ndarray, "bodies 3"]
) -> Float[np.ndarray, "markers 3"]:
    """How far the static trial has each marker from the scaled skeleton's (body frame, m)."""
    posed = standing_pose(subject, scaled_skeleton(subject.skeleton, scales)).replay
    turned = posed.body_rotations[0, subject.skeleton.marker_bodies]
    return np.einsum("mij,mi->mj", turned, subject.static.points_m[0] - posed.markers_m[0])


def standing_pose(subject: KnownSubject, skeleton: Skeleton) -> Solution:
    """The static trial by inverse kinematics."""
    layout, static = load_layout(), subject.static
    weights = dict(zip(layout.names, layout.weights))
    return fast_ik.solve(skeleton, static, weights, held_standing(static))


def draw_subject(skeleton: Skeleton, seed: int, displaced_m: float, frames: int) -> KnownSubject:
    """Draw factors, a static trial, a motion, and markers displaced in their bodies."""
    random = np.random.default_rng(seed)
    scales = draw_scales(skeleton, random)
    displaced = random.normal(0, displaced_m, (len(skeleton.marker_names), 3))
    moving, standing = draw_motion(skeleton, frames, random), draw_standing(skeleton, random)
    static = seen_markers(skeleton, scales, standing[None], displaced, random)
    motion = seen_markers(skeleton, scales, moving, displaced, random)
    return KnownSubject(skeleton, scales, moving, static, motion)


def draw_scales(skeleton: Skeleton, random: np.random.Generator) -> Float[np.ndarray, "bodies 3"]:
    """Factors of every body and axis, equal on both sides."""
    bare = [body.removesuffix("_r").removesuffix("_l") for body in skeleton.body_names]
    drawn = {body: COMMON_SIZE * (1 + random.normal(0, FACTOR_SD, 3)) for body in dict.fromkeys(bare)}
    return np.array([drawn[body] for body in bare])


def draw_motion(skeleton: Skeleton, frames: int, random: np.random.Generator) -> Float[np.ndarray, "frames 39"]:
    """Every coordinate swings on its own, slowly, within its range."""
    time_s = np.arange(frames) / RATE_HZ
    motion = np.zeros((frames, len(skeleton.coordinate_names)))
    for column, name in enumerate(skeleton.coordinate_names):
        middle, half = SWINGS.get(name.removesuffix("_r").removesuffix("_l"), (0.0, 0.0))
        rates, phases = random.uniform(0.1, 0.6, 2), random.uniform(0, 2 * np.pi, 2)
        motion[:, column] = middle + half / 2 * np.sin(2 * np.pi * rates * time_s[:, None] + phases).sum(axis=1)
    return completed(skeleton, motion)


def draw_standing(skeleton: Skeleton, random: np.random.Generator) -> Float[np.ndarray, " 39"]:
    """Quiet standing with the arms abducted; feet and hands as they are held."""
    pose = np.zeros(len(skeleton.coordinate_names))
    for column, name in enumerate(skeleton.coordinate_names):
        bare = name.removesuffix("_r").removesuffix("_l")
        sways = bare.startswith(("hip", "ankle", "lumbar", "arm"))
        pose[column] = STANDING.get(bare, 0.0) + sways * random.normal(0, STANDING_SD_RAD)
    return completed(skeleton, pose[None])[0]


def completed(skeleton: Skeleton, coordinates: Float[np.ndarray, "frames 39"]) -> Float[np.ndarray, "frames 39"]:
    """Coordinates with the coupled ones set."""
    return ForwardKinematics(skeleton).complete(torch.as_tensor(coordinates)).numpy()


def moved(
    skeleton: Skeleton, scales: Float[np.ndarray, "bodies 3"], coordinates: Float[np.ndarray, "frames 39"]
) -> Pose:
    """Where the scaled skeleton is."""
    return ForwardKinematics(skeleton).move(torch.as_tensor(coordinates), torch.as_tensor(scales))


def seen_markers(
    skeleton: Skeleton,
    scales: Float[np.ndarray, "bodies 3"],
    coordinates: Float[np.ndarray, "frames 39"],
    displaced_m: Float[np.ndarray, "markers 3"],
    random: np.random.Generator,
) -> MarkerTrajectories:
    """Markers of the scaled skeleton, displaced in their bodies, with noise."""
    kinematics, pose = ForwardKinematics(skeleton), moved(skeleton, scales, coordinates)
    turned = pose.rotations[:, skeleton.marker_bodies].numpy() @ displaced_m[..., None]
    points = kinematics.markers(pose, torch.as_tensor(scales)).numpy() + turned[..., 0]
    noisy = points + random.normal(0, NOISE_M, points.shape)
    return MarkerTrajectories(skeleton.marker_names, np.arange(len(points)) / RATE_HZ, noisy)


def with_estimated_centers(skeleton: Skeleton, static: MarkerTrajectories) -> MarkerTrajectories:
    """The static trial with the virtual markers that scaling wants, all of them from skin markers."""
    found = {name: estimated_center(skeleton, static, joint) for name, joint in JOINTS_OF_CENTERS.items()}
    for name, group in MIDDLES.items():
        found[name] = np.mean([found[part] if part in found else static.column(part)[0] for part in group], axis=0)
    points = np.repeat(np.stack(list(found.values()))[None], len(static.time_s), axis=0)
    return MarkerTrajectories((*static.names, *found), static.time_s, np.concatenate([static.points_m, points], axis=1))


def estimated_center(skeleton: Skeleton, static: MarkerTrajectories, joint: str) -> Float[np.ndarray, " 3"]:
    """A joint's centre (m): mean of where the markers of its parent and of its child put it."""
    index = skeleton.joint_names.index(joint)
    sides = (
        (skeleton.joint_parents[index], skeleton.parent_offsets_m[index].sum(axis=-1)),
        (skeleton.joint_children[index], skeleton.child_offsets_m[index].sum(axis=-1)),
    )
    estimates = [placed(skeleton, static, int(body), place) for body, place in sides]
    return np.mean([point for point in estimates if point is not None], axis=0)


def placed(
    skeleton: Skeleton, static: MarkerTrajectories, body: int, place: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, " 3"] | None:
    """Where a similar copy of a body, fitted to its markers, has a place; None with less than four markers."""
    rows = np.flatnonzero(skeleton.marker_bodies == body)
    if len(rows) < 4:
        return None
    source = skeleton.marker_locations_m[rows]
    target = static.points_m[0, [static.names.index(skeleton.marker_names[row]) for row in rows]]
    size = np.linalg.norm(target - target.mean(axis=0)) / np.linalg.norm(source - source.mean(axis=0))
    rotation, shift = rigid_fit(size * source, target)
    return size * rotation @ place + shift


def recovered(
    subject: KnownSubject, scales: Float[np.ndarray, "bodies 3"], offsets_m: Float[np.ndarray, "markers 3"]
) -> Recovered:
    """Errors of factors, and of joint centres and angles when inverse kinematics follows the motion."""
    layout = load_layout()
    skeleton = scaled_skeleton(subject.skeleton, scales, offsets_m)
    solution = fast_ik.solve(skeleton, subject.motion, dict(zip(layout.names, layout.weights)))
    true = moved(subject.skeleton, subject.scales, subject.coordinates).joint_centers_m.numpy()
    centers = np.linalg.norm(solution.replay.joint_centers_m - true, axis=-1)
    names = solution.coordinate_names
    angles = coordinate_differences(names, subject.coordinates, solution.coordinates)[:, compared(names)]
    factors = np.abs(scales - subject.scales)[seen_axes(subject.skeleton)]
    return Recovered(float(factors.mean()), float(centers.mean()), float(angles.mean()))


def seen_axes(skeleton: Skeleton) -> Bool[np.ndarray, "bodies 3"]:
    """Bodies and axes that markers can see: spread over SEEN_M, and not following another body by a rule."""
    seen = np.zeros((len(skeleton.body_names), 3), dtype=bool)
    ruled = {name for others in FOLLOWED.values() for name in others}
    for body, name in enumerate(skeleton.body_names):
        places = np.concatenate(
            [
                skeleton.marker_locations_m[skeleton.marker_bodies == body],
                skeleton.parent_offsets_m[skeleton.joint_parents == body].sum(axis=-1),
                skeleton.child_offsets_m[skeleton.joint_children == body].sum(axis=-1),
            ]
        )
        bare = name.removesuffix("_r").removesuffix("_l")
        seen[body] = [f"{bare} {axis}" not in ruled for axis in AXES] & (np.ptp(places, axis=0) > SEEN_M)
    return seen
