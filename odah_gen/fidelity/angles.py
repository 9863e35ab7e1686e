"""Angles that inverse kinematics reads off a mesh, against the label's."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from odah_gen.skeleton.cross_check import compared, coordinate_differences
from odah_gen.skeleton.kinematics import TRIPLES

LEGS = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle", "subtalar_angle")
WEAK = ("arm_rot", "pro_sup", "wrist_flex", "wrist_dev", "mtp_angle")
"""Coordinates that a few skin points determine badly: held-out points leave wrist and toes with one or none."""
LOCK_COSINE = 0.2
"""Below this cosine of a triple's middle angle (within 12° of gimbal lock) its first and third angle are not compared:
they change by tens of degrees where the rotation does not."""


def angle_errors(
    names: Sequence[str],
    label: Float[np.ndarray, "frames coordinates"],
    found: Float[np.ndarray, "frames coordinates"],
    counted: Bool[np.ndarray, " frames"],
    locked: Bool[np.ndarray, " coordinates"],
) -> Float[np.ndarray, "frames coordinates"]:
    """Absolute differences (rad) of angles; NaN for places, followers, locked coordinates, and near gimbal lock.

    Args:
        names: of the coordinates.
        label: the label (rad, m).
        found: what was read off the mesh.
        counted: frames that both were solved in.
        locked: coordinates that cannot move.
    """
    errors = np.full(label.shape, np.nan)
    errors[counted] = coordinate_differences(names, label[counted], found[counted])
    errors[:, ~compared(names) | locked] = np.nan
    for triple in TRIPLES:
        first, middle, third = (list(names).index(name) for name in triple)
        near = np.abs(np.cos(label[:, middle])) < LOCK_COSINE
        errors[np.ix_(near, [first, third])] = np.nan
    return errors


def columns_of(names: Sequence[str], stems: Sequence[str]) -> Bool[np.ndarray, " coordinates"]:
    """Which coordinates have one of these names, on either side."""
    return np.array([name.startswith(tuple(stems)) for name in names], dtype=bool)
