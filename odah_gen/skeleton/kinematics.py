"""What OpenSim computes for us, as plain arrays, and the choice among equivalent Euler angles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

TRIPLES = (
    ("pelvis_tilt", "pelvis_list", "pelvis_rotation"),
    ("arm_flex_r", "arm_add_r", "arm_rot_r"),
    ("arm_flex_l", "arm_add_l", "arm_rot_l"),
)
"""Free ball joints: three angles about body-fixed orthogonal axes, for which two triples mean one rotation."""

SHARE_OF_MARKERS = 0.5
STARTS: tuple[Mapping[str, float], ...] = (
    {},
    {"arm_add_r": -1.5, "arm_add_l": -1.5},
    {"arm_flex_r": 1.5, "arm_flex_l": 1.5, "elbow_flex_r": 1.5, "elbow_flex_l": 1.5},
    {"hip_flexion_r": 1.4, "hip_flexion_l": 1.4, "knee_angle_r": 1.4, "knee_angle_l": 1.4, "elbow_flex_r": 0.8},
)
"""Poses (rad) from which a frame without a neighbour is solved: standing, arms raised aside, arms forward, seated."""
THUMBS_FORWARD = {"pro_sup_r": 1.4, "pro_sup_l": 1.4}
ROUNDING = 1e-9
GOOD_RMS_M = 0.03
"""A frame solved this well needs no other start."""


@dataclass(frozen=True)
class Replay:
    """A model moved through given coordinates; positions in m and rotations in OpenSim ground.

    Attributes:
        body_names, joint_names, marker_names: names of the rows, in the model's order.
        joint_centers_m: [T, J, 3] origins of the child joint frames.
        mass_centers_m: [T, B, 3].
        markers_m: [T, M, 3].
        body_origins_m: [T, B, 3].
        body_rotations: [T, B, 3, 3] ground from body.
    """

    body_names: tuple[str, ...]
    joint_names: tuple[str, ...]
    marker_names: tuple[str, ...]
    joint_centers_m: Float[np.ndarray, "frames joints 3"]
    mass_centers_m: Float[np.ndarray, "frames bodies 3"]
    markers_m: Float[np.ndarray, "frames markers 3"]
    body_origins_m: Float[np.ndarray, "frames bodies 3"]
    body_rotations: Float[np.ndarray, "frames bodies 3 3"]


@dataclass(frozen=True)
class Solution:
    """Inverse kinematics of a trial.

    Attributes:
        coordinate_names: in the model's order.
        coordinates: [T, N] in rad and m, unwrapped over time; interpolated where not valid.
        valid: [T] frames that were solved.
        replay: the model at these coordinates.
    """

    coordinate_names: tuple[str, ...]
    coordinates: Float[np.ndarray, "frames coordinates"]
    valid: Bool[np.ndarray, " frames"]
    replay: Replay


def nearest_branch(
    names: Sequence[str],
    coordinates: Float[np.ndarray, "frames coordinates"],
    limits: tuple[Float[np.ndarray, " coordinates"], Float[np.ndarray, " coordinates"]] | None = None,
) -> Float[np.ndarray, "frames coordinates"]:
    """Follow pelvis and arms through the equivalent angles (a, b, c) ~ (a + π, π − b, c + π) and whole turns.

    The first frame takes the triple nearest to zero, every later one the triple nearest to the frame before. A triple
    that would leave its range on the way stays as it was solved.

    Args:
        names: of the coordinates.
        coordinates: in rad and m.
        limits: lowest and highest value of each coordinate, infinite where there is none; None for no limits.
    """
    followed = np.array(coordinates, dtype=np.float64)
    for triple in TRIPLES:
        if set(triple) <= set(names):
            columns = [list(names).index(name) for name in triple]
            nearest = nearest_triples(followed[:, columns])
            if limits is None or within(nearest, limits[0][columns], limits[1][columns]):
                followed[:, columns] = nearest
    return followed


def within(
    values: Float[np.ndarray, "frames some"], lower: Float[np.ndarray, " some"], upper: Float[np.ndarray, " some"]
) -> bool:
    """Whether all values lie within limits, but for rounding."""
    return bool(((values >= lower - ROUNDING) & (values <= upper + ROUNDING)).all())


def nearest_triples(angles: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
    """The same rotations (rad), each as the triple nearest to that of the frame before; the first nearest to zero."""
    angles = np.concatenate([np.zeros((1, 3)), angles])
    other = other_triple(angles)
    # Exchanging both triples of a pair of frames keeps their distance, so each pair alone tells whether to exchange.
    stays, changes = angle_distance(angles[1:], angles[:-1]), angle_distance(other[1:], angles[:-1])
    exchanged = np.logical_xor.accumulate(changes < stays)
    angles[1:][exchanged] = other[1:][exchanged]
    return np.unwrap(angles, axis=0)[1:]


def other_triple(angles: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
    """The other three angles (rad) that mean the same rotations."""
    return np.array([1.0, -1.0, 1.0]) * angles + np.pi


def angle_distance(left: Float[np.ndarray, "frames 3"], right: Float[np.ndarray, "frames 3"]) -> np.ndarray:
    """Sum of the three differences (rad), whole turns taken away, [frames]."""
    difference = left - right
    return np.abs(difference - 2 * np.pi * np.round(difference / (2 * np.pi))).sum(axis=1)


def nearest_triple(angles: Float[np.ndarray, " 3"], reference: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:
    """The triple that means the same rotation as `angles` (rad) and lies nearest to `reference`."""
    candidates = np.stack([angles, other_triple(angles[None])[0]])
    candidates = candidates - 2 * np.pi * np.round((candidates - reference) / (2 * np.pi))
    return candidates[np.abs(candidates - reference).sum(axis=1).argmin()]


def fill_invalid(
    coordinates: Float[np.ndarray, "frames coordinates"], valid: Bool[np.ndarray, " frames"]
) -> Float[np.ndarray, "frames coordinates"]:
    """Interpolate the frames that are not valid between their valid neighbours; hold the first and last valid one."""
    frames, known = np.arange(len(valid)), np.flatnonzero(valid)
    return np.stack([np.interp(frames, known, column[known]) for column in coordinates.T], axis=1)


def enough_markers(
    points: Float[np.ndarray, "frames markers 3"], on_root: Bool[np.ndarray, " markers"]
) -> Bool[np.ndarray, " frames"]:
    """Frames that can be solved: half of the markers, and three of those on the pelvis."""
    seen = np.isfinite(points).all(axis=2)
    return (seen.mean(axis=1) >= SHARE_OF_MARKERS) & (seen[:, on_root].sum(axis=1) >= 3)


def rigid_fit(
    source: Float[np.ndarray, "points 3"], target: Float[np.ndarray, "points 3"]
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, " 3"]]:
    """The rotation R and shift t that bring source nearest to target, R source + t (Kabsch 1976)."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    left, _, right = np.linalg.svd((target - target_mean).T @ (source - source_mean))
    rotation = left @ np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))]) @ right
    return rotation, target_mean - rotation @ source_mean


def pelvis_angles(rotation: Float[np.ndarray, "*frames 3 3"]) -> Float[np.ndarray, "*frames 3"]:
    """Tilt, list and rotation (rad) of the pelvis from ground ← pelvis = Rz(tilt) Rx(list) Ry(rotation)."""
    tilt = np.arctan2(-rotation[..., 0, 1], rotation[..., 1, 1])
    list_ = np.arcsin(np.clip(rotation[..., 2, 1], -1.0, 1.0))
    turn = np.arctan2(-rotation[..., 2, 0], rotation[..., 2, 2])
    return np.stack([tilt, list_, turn], axis=-1)
