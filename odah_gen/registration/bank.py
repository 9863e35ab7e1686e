"""The seeded bank of bodies and poses that trains a joint regressor; never the subjects of a run.

Bodies are drawn over the shape space of every gender that the body model has, poses within anatomical ranges about a
relaxed stance, with the arms outside the trunk.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation, Slerp

from odah_gen.body.collar import collar_rise_rad
from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.body.skinning import chain_joints, rotvec_to_matrix, shape_body
from odah_gen.body.static_trial import static_poses
from odah_gen.frames import WORLD_FROM_MODEL

SHAPE_LIMIT_SD = 1.5
SHAPE_COEFFICIENTS = 10
SMALLEST_AMPLITUDE = 0.3
TRUNK_RADIUS_M = 0.17
THIGH_RADIUS_M = 0.12
HAND_GAP_M = 0.12
STEPS_BETWEEN_POSES = 4
"""Frames from one pose to the next, so that a solver that starts from the frame before keeps up."""
ATTEMPTS = 200

Angles = tuple[float, float]
"""Smallest and greatest angle, degrees."""


@dataclass(frozen=True)
class JointRange:
    """Ranges of a joint's rotation about its x, y and z axes (deg), applied as intrinsic rotations in `order`.

    Axes are those of SMPL-X at rest in a T-pose: x left, y up, z forward. Ranges of the left side; for the right
    side y and z change sign. `natural` are the angles of relaxed standing.
    """

    order: str
    first: Angles
    second: Angles
    third: Angles
    natural: tuple[float, float, float] = (0.0, 0.0, 0.0)


# fmt: off
SIDE_RANGES = {
    "hip": JointRange("XZY", (-95, 20), (-8, 35), (-25, 25)),        # −x lifts the thigh, +z spreads the left leg
    "knee": JointRange("XYZ", (0, 110), (-8, 8), (-3, 3)),
    "ankle": JointRange("XYZ", (-20, 30), (-8, 8), (-8, 8)),
    "foot": JointRange("XYZ", (-25, 5), (0, 0), (0, 0)),
    "collar": JointRange("ZYX", (-4, 4), (-4, 4), (0, 0)),           # about where the arm lets it stand
    "shoulder": JointRange("YZX", (-80, 15), (-75, 40), (-35, 35), (0, -60, 0)),  # −y swings forward, −z lowers the left arm
    "elbow": JointRange("YXZ", (-120, 0), (-35, 35), (-3, 3), (-20, 0, 0)),       # −y bends, x turns the forearm
    "wrist": JointRange("ZYX", (-35, 35), (-15, 15), (-15, 15)),
}
MIDDLE_RANGES = {
    "spine1": JointRange("XZY", (-6, 18), (-8, 8), (-8, 8)),
    "spine2": JointRange("XZY", (-6, 12), (-6, 6), (-8, 8)),
    "spine3": JointRange("XZY", (-6, 12), (-6, 6), (-8, 8)),
    "neck": JointRange("XZY", (-10, 15), (-8, 8), (-15, 15)),
    "head": JointRange("XZY", (-10, 10), (-8, 8), (-15, 15)),
}
# fmt: on


@dataclass(frozen=True)
class BankBody:
    """A body of the bank in its poses, and the frames on the way from each pose to the next.

    Attributes:
        model: the body model.
        betas: its shape.
        poses: rotation vectors (rad), that of the static trial first.
        trans: translation that puts the pelvis at hip height over the origin (m).
        is_pose: the frames that are poses of the bank, not on the way.
    """

    model: BodyModel
    betas: Float[np.ndarray, " betas"]
    poses: Float[np.ndarray, "frames 165"]
    trans: Float[np.ndarray, "frames 3"]
    is_pose: Bool[np.ndarray, " frames"]


def draw_bank(models: Sequence[BodyModel], bodies: int, poses: int, seed: int) -> list[BankBody]:
    """Draw the bank: body i has gender i of `models`, in turn; the same seed gives the same bank.

    Args:
        models: one body model per gender, all of one topology.
        bodies: how many bodies.
        poses: how many poses of each.
        seed: of the bank.
    """
    return [
        draw_body(models[index % len(models)], poses, np.random.default_rng([seed, index])) for index in range(bodies)
    ]


def draw_body(model: BodyModel, poses: int, generator: np.random.Generator) -> BankBody:
    """Draw one body and its poses, and join the poses by short ways."""
    betas = np.zeros(min(SHAPE_COEFFICIENTS, model.num_betas))
    betas[:] = generator.uniform(-SHAPE_LIMIT_SD, SHAPE_LIMIT_SD, len(betas))
    keys = [static_poses(model, betas), *(draw_clear_pose(model, betas, generator) for _ in range(poses))]
    joined, is_key = join_poses(np.stack(keys), STEPS_BETWEEN_POSES)
    return BankBody(
        model=model,
        betas=betas,
        poses=joined,
        trans=np.tile([0.0, 0.0, 1.0], (len(joined), 1)),
        is_pose=is_key & (np.arange(len(joined)) > 0),
    )


def draw_clear_pose(
    model: BodyModel, betas: Float[np.ndarray, " betas"], generator: np.random.Generator
) -> Float[np.ndarray, " 165"]:
    """The first drawn pose whose arms are clear of trunk and thighs; the last drawn one when none is."""
    for _ in range(ATTEMPTS):
        pose = draw_pose(generator)
        if arms_clear(joints_of(model, betas, pose)):
            return pose
    return pose


def draw_pose(generator: np.random.Generator) -> Float[np.ndarray, " 165"]:
    """Draw every joint of a body within its range, all of them nearer to or farther from relaxed standing."""
    amplitude = generator.uniform(SMALLEST_AMPLITUDE, 1.0)
    pose = np.zeros((55, 3))
    lean = Rotation.from_euler("YXZ", amplitude * generator.uniform((-20, -15, -20), (30, 15, 20)), degrees=True)
    pose[0] = (lean * Rotation.from_matrix(WORLD_FROM_MODEL)).as_rotvec()
    for name, ranges in MIDDLE_RANGES.items():
        pose[JOINT_NAMES.index(name)] = draw_rotation(ranges, amplitude, generator).as_rotvec()
    for side, mirror in (("left", (1, 1, 1)), ("right", (1, -1, -1))):
        turns = {part: draw_rotation(ranges, amplitude, generator) for part, ranges in SIDE_RANGES.items()}
        turns["collar"] = risen(turns["shoulder"]) * turns["collar"]
        for part, turn in turns.items():
            pose[JOINT_NAMES.index(f"{side}_{part}")] = turn.as_rotvec() * mirror
    return pose.ravel()


def risen(shoulder: Rotation) -> Rotation:
    """Where the left collar bone stands when the shoulder is turned so from rest, where the arm points to the side."""
    elevation = np.arccos(np.clip(-shoulder.apply([1.0, 0.0, 0.0])[1], -1.0, 1.0))
    return Rotation.from_rotvec([0.0, 0.0, float(collar_rise_rad(elevation))])


def draw_rotation(ranges: JointRange, amplitude: float, generator: np.random.Generator) -> Rotation:
    """Draw the three angles of a joint evenly within `amplitude` (0 to 1) of the way from natural to the range."""
    low, high = np.array([ranges.first, ranges.second, ranges.third]).T
    drawn = generator.uniform(low, high)
    return Rotation.from_euler(ranges.order, ranges.natural + amplitude * (drawn - ranges.natural), degrees=True)


def joints_of(
    model: BodyModel, betas: Float[np.ndarray, " betas"], pose: Float[np.ndarray, " 165"]
) -> Float[np.ndarray, "55 3"]:
    """Joint centres of one pose (m)."""
    local = rotvec_to_matrix(torch.as_tensor(pose, dtype=model.dtype).reshape(1, 55, 3))
    rest = shape_body(model, torch.as_tensor(betas), []).joints
    return chain_joints(local, rest[None], model.parents)[1][0].numpy()


def arms_clear(joints: Float[np.ndarray, "55 3"]) -> bool:
    """Whether forearms and hands stay outside trunk and thighs, taken as capsules, and apart from each other."""
    at = {name: joints[index] for index, name in enumerate(JOINT_NAMES)}
    trunk = (at["pelvis"], at["neck"], TRUNK_RADIUS_M)
    thighs = [(at[f"{side}_hip"], at[f"{side}_knee"], THIGH_RADIUS_M) for side in ("left", "right")]
    hands = [at[f"{side}_middle3"] for side in ("left", "right")]
    points = [
        at[f"{side}_elbow"] * (1 - along) + hand * along
        for side, hand in zip(("left", "right"), hands)
        for along in (0.4, 0.7, 1.0)
    ]
    clear = all(distance_to_segment(point, *part[:2]) > part[2] for part in (trunk, *thighs) for point in points)
    return clear and float(np.linalg.norm(hands[0] - hands[1])) > HAND_GAP_M


def distance_to_segment(
    point: Float[np.ndarray, " 3"], start: Float[np.ndarray, " 3"], end: Float[np.ndarray, " 3"]
) -> float:
    """Distance of a point from a line segment."""
    along = np.clip((point - start) @ (end - start) / ((end - start) @ (end - start)), 0.0, 1.0)
    return float(np.linalg.norm(point - start - along * (end - start)))


def join_poses(keys: Float[np.ndarray, "poses 165"], steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Lay poses one after another with `steps` frames from each to the next, every joint turning evenly (slerp).

    Returns:
        The frames [(poses − 1) · steps + 1, 165], and which of them are the given poses.
    """
    times = np.arange(len(keys)) * steps
    frames = np.arange(times[-1] + 1)
    joints = keys.reshape(len(keys), 55, 3)
    turned = [Slerp(times, Rotation.from_rotvec(joints[:, joint]))(frames).as_rotvec() for joint in range(55)]
    return np.stack(turned, 1).reshape(len(frames), 165), np.isin(frames, times)
