"""Measures of error, pure arrays."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from odah_gen.skeleton.cross_check import NEGLIGIBLE_M2, compared, coordinate_differences
from odah_gen.skeleton.kinematics import Replay


def angle_errors(
    names: Sequence[str], truth: Float[np.ndarray, "frames coordinates"], found: Float[np.ndarray, "frames coordinates"]
) -> Float[np.ndarray, "frames coordinates"]:
    """Absolute errors of angles (rad); NaN for places, for coordinates that a coupler ties, and where none was found.

    Pelvis and arms are compared through the nearest Euler triple of the same rotation.
    """
    errors = coordinate_differences(names, truth, found)
    errors[:, ~compared(names)] = np.nan
    return errors


def excess(ours: Float[np.ndarray, " frames"], theirs: Float[np.ndarray, " frames"]) -> Float[np.ndarray, " frames"]:
    """How far our objectives are above others, as shares of these; NaN where there is no other.

    Others below NEGLIGIBLE_M2 count as that.
    """
    known = np.where(np.isfinite(theirs), theirs, np.nan)
    return (ours - known) / np.maximum(known, NEGLIGIBLE_M2)


def carried(replay: Replay, body: int, points_m: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
    """Points in ground in the frame of a body (m)."""
    return np.einsum("fji,fj->fi", replay.body_rotations[:, body], points_m - replay.body_origins_m[:, body])


def place_errors(
    replay: Replay, body: int, points_m: Float[np.ndarray, "frames 3"], place_m: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, " frames"]:
    """Distances (m) of a point from where a body carries it."""
    return np.linalg.norm(carried(replay, body, points_m) - place_m, axis=1)
