"""From a source file's frame to the world frame of a clip: Z up, X the heading, the floor at zero.

A rigid transform of the whole clip: a turn about the vertical and a shift. `trans` of AMASS is not the pelvis
(pelvis = trans + pelvis at rest), so the turn is made about the pelvis joint.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.body.model import BodyModel
from odah_gen.body.skinning import posed_vertices, shape_body
from odah_gen.frames import matrix_to_rotvec, rotvec_to_matrix
from odah_gen.geometry import unit
from odah_gen.motion.clip import MotionClip
from odah_gen.motion.kinematics import BODY_JOINTS, forward_kinematics

HEADING_S = 0.5
UPRIGHT = np.cos(np.radians(45))
FLOOR_PERCENTILE = 10.0
FLOOR_FRAMES = 400
FLIGHT_M = 0.06
"""A body whose lowest skin is higher than this flies: it says nothing of the floor."""
WANDER_HZ = 2.0
"""What goes up and down slower than this, while the body is on the floor, is the source's fault."""
SUNK_WEIGHT, FLIGHT_WEIGHT = 1e3, 1e-4
"""Weights of frames below the found floor and in flight, against 1 of a frame on it."""
LEVEL_ROUNDS = 30
PELVIS, NECK = 0, 12
LEFT, RIGHT = (1, 16), (2, 17)
LEG_BONES = ((1, 4), (4, 7), (2, 5), (5, 8))
UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class WorldMotion:
    """A clip in the world frame, and how it came there.

    A point p of the source is at world_from_source · (source_scale · p); of a source whose height wanders, x and y are,
    and z after the clip was levelled.
    """

    clip: MotionClip
    world_from_source: Float[np.ndarray, "4 4"]
    source_scale: float


def place_in_world(clip: MotionClip, model: BodyModel, betas: Float[np.ndarray, " betas"]) -> WorldMotion:
    """Put a clip (Z up) on a body and into the world frame.

    The pelvis path is scaled by leg length where the mover's is known, so that feet that stood still nearly do so on
    other legs; a clip whose height wanders is levelled; then the clip is turned to its heading, and shifted so that the
    pelvis of the first frame is above the origin and the lowest skin touches the floor.
    """
    joints = shape_body(model, torch.as_tensor(betas), vertex_ids=[0]).joints.double().numpy()
    scale = leg_length(joints) / clip.leg_length_m if clip.leg_length_m else 1.0
    pelvis = (clip.trans + joints[PELVIS]) * scale
    scaled = dataclasses.replace(clip, trans=pelvis - joints[PELVIS])
    if clip.height_wanders:
        scaled = levelled(scaled, model, betas)
        pelvis = scaled.trans + joints[PELVIS]
    turn = heading_turn(scaled, joints)
    shift = -turn @ pelvis[0]
    shift[2] = -floor_height(scaled, model, betas)
    root = rotvec_to_matrix(clip.poses[:, :3])
    poses = np.concatenate([matrix_to_rotvec(turn @ root), clip.poses[:, 3:]], axis=1)
    trans = pelvis @ turn.T + shift - joints[PELVIS]
    transform = np.eye(4)
    transform[:3, :3], transform[:3, 3] = turn, shift
    return WorldMotion(dataclasses.replace(clip, poses=poses, trans=trans), transform, scale)


def leg_length(joints: Float[np.ndarray, "joints 3"]) -> float:
    """Hip to knee to ankle, mean of both legs, m."""
    return float(sum(np.linalg.norm(joints[end] - joints[start]) for start, end in LEG_BONES) / 2)


def heading_turn(clip: MotionClip, joints: Float[np.ndarray, "joints 3"]) -> Float[np.ndarray, "3 3"]:
    """The rotation about the vertical that turns the heading of a clip (Z up) onto +X.

    The heading is the mean over the first half second. Upright: perpendicular to the lines right to left through hips
    and shoulders. Lying or crawling (the trunk leans by more than 45 degrees): where the trunk points, pelvis to neck.
    """
    count = max(1, min(clip.frames, round(HEADING_S * clip.fps)))
    rotations = rotvec_to_matrix(clip.poses[:count, : 3 * BODY_JOINTS].reshape(count, BODY_JOINTS, 3))
    centers, _ = forward_kinematics(rotations, np.zeros((count, 3)), joints)
    trunk = unit(centers[:, NECK] - centers[:, PELVIS]).mean(axis=0)
    across = sum(unit(centers[:, left] - centers[:, right]).mean(axis=0) for left, right in zip(LEFT, RIGHT))
    forward = np.cross(across, UP) if trunk[2] > UPRIGHT else trunk
    yaw = np.arctan2(forward[1], forward[0])
    cosine, sine = np.cos(yaw), np.sin(yaw)
    return np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def floor_height(clip: MotionClip, model: BodyModel, betas: Float[np.ndarray, " betas"]) -> float:
    """Height (m) of the floor under a clip: a low percentile, over frames, of the lowest skin.

    Other leg proportions make feet float or sink by centimetres, and files are not level to begin with. The lowest
    skin, not the feet, so that crawling and lying count; a percentile, so that a jump or a stray frame does not.
    """
    step = max(1, int(np.ceil(clip.frames / FLOOR_FRAMES)))
    lowest = lowest_skin(clip.poses[::step], clip.trans[::step], model, betas)
    return float(np.percentile(lowest, FLOOR_PERCENTILE))


def levelled(clip: MotionClip, model: BodyModel, betas: Float[np.ndarray, " betas"]) -> MotionClip:
    """The clip (Z up) on a floor that stays where it is: what its lowest skin wanders by is taken from its height.

    Nothing but the height of the whole body changes, and smoothly: joint angles stay as they are, and a flight keeps
    its height above the floor from which and to which it goes.
    """
    lowest = lowest_skin(clip.poses, clip.trans, model, betas)
    trans = clip.trans.copy()
    trans[:, 2] -= floor_under(lowest, clip.fps)
    return dataclasses.replace(clip, trans=trans)


def floor_under(lowest_m: Float[np.ndarray, " frames"], fps: float) -> Float[np.ndarray, " frames"]:
    """Height (m) of the floor under a body in every frame, from that of its lowest skin: a smooth curve from below.

    Asymmetric least squares (Eilers and Boelens 2005, "Baseline correction with asymmetric least squares smoothing"):
    the curve f minimises Σ w (z − f)² + λ Σ (second difference of f)². Frames below the curve weigh most, and flight
    nothing to speak of. λ = (fps / 2πf)⁴ halves what goes up and down at f hertz.
    """
    if len(lowest_m) < 3:
        return np.full(len(lowest_m), lowest_m.min())
    base = np.percentile(lowest_m, FLOOR_PERCENTILE)
    heights = np.minimum(lowest_m - base, FLIGHT_M)
    stiffness = (fps / (2 * np.pi * WANDER_HZ)) ** 4
    differences = np.diff(np.eye(len(heights)), 2, axis=0)
    bending = stiffness * differences.T @ differences
    floor = np.zeros(len(heights))
    for _ in range(LEVEL_ROUNDS):
        weights = np.where(heights < floor, SUNK_WEIGHT, np.where(heights < FLIGHT_M, 1.0, FLIGHT_WEIGHT))
        floor = np.linalg.solve(bending + np.diag(weights), weights * heights)
    return base + floor


def lowest_skin(
    poses: Float[np.ndarray, "frames 165"],
    trans: Float[np.ndarray, "frames 3"],
    model: BodyModel,
    betas: Float[np.ndarray, " betas"],
) -> Float[np.ndarray, " frames"]:
    """Height (m) of the lowest vertex of each frame.

    All vertices: a knee whose every fifth was looked at came out 14 mm too high.
    """
    shaped = shape_body(model, torch.as_tensor(betas))
    lowest = [vertices[..., 2].min(dim=1).values for vertices in posed_vertices(shaped, poses, trans)]
    return torch.cat(lowest).double().numpy()
