"""What the paper's tables say, with definitions: angle error, Procrustes-aligned position and velocity error.

The paper released no evaluation code. Equation 7 prints a sum over coordinates; its tables only make sense as means.
Equation 8 divides by the number of key points.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

MM = 1000.0


def angle_errors_deg(
    found_rad: Float[np.ndarray, "*frames angles"], truth_rad: Float[np.ndarray, "*frames angles"]
) -> Float[np.ndarray, "*frames angles"]:
    """Absolute difference of angles, whole turns taken away, 0 to 180°."""
    difference = np.asarray(found_rad) - np.asarray(truth_rad)
    return np.rad2deg(np.abs(np.arctan2(np.sin(difference), np.cos(difference))))


def mean_angle_error_deg(
    errors_deg: Float[np.ndarray, "frames angles"], names: Sequence[str], without: Sequence[str] = ()
) -> float:
    """MAE: mean over frames and coordinates, some of them left out."""
    columns = [column for column, name in enumerate(names) if name not in without]
    return float(errors_deg[:, columns].mean())


def geodesic_deg(
    found: Float[np.ndarray, "*frames 3 3"], truth: Float[np.ndarray, "*frames 3 3"]
) -> Float[np.ndarray, "*frames"]:
    """Angle of the rotation between two rotations."""
    relative = np.swapaxes(found, -1, -2) @ truth
    skew = np.stack([relative[..., i, j] - relative[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0))], -1)
    trace = np.trace(relative, axis1=-2, axis2=-1)
    return np.rad2deg(np.arctan2(np.linalg.norm(skew, axis=-1), trace - 1.0))


def procrustes(
    points: Float[np.ndarray, "*sets points 3"], target: Float[np.ndarray, "*sets points 3"]
) -> Float[np.ndarray, "*sets points 3"]:
    """Points after the similarity (scale, rotation without reflection, shift) that brings them nearest to the target.

    Umeyama 1991 (doi 10.1109/34.88573). A set whose points coincide is only shifted.
    """
    mean, goal = points.mean(-2, keepdims=True), target.mean(-2, keepdims=True)
    centred, wanted = points - mean, target - goal
    left, values, right = np.linalg.svd(np.swapaxes(wanted, -1, -2) @ centred)
    signs = np.ones_like(values)
    signs[..., 2] = np.sign(np.linalg.det(left @ right))
    rotation = (left * signs[..., None, :]) @ right
    spread = (centred**2).sum((-2, -1))
    scale = np.divide((values * signs).sum(-1), spread, out=np.ones_like(spread), where=spread > 0)
    return scale[..., None, None] * centred @ np.swapaxes(rotation, -1, -2) + goal


def pa_mpjpe_mm(found_m: Float[np.ndarray, "frames points 3"], truth_m: Float[np.ndarray, "frames points 3"]) -> float:
    """Mean distance of key points, every frame aligned by itself."""
    return float(MM * np.linalg.norm(procrustes(found_m, truth_m) - truth_m, axis=-1).mean())


def aligned_sequence(
    found_m: Float[np.ndarray, "frames points 3"], truth_m: Float[np.ndarray, "frames points 3"]
) -> Float[np.ndarray, "frames points 3"]:
    """The points after one similarity for the whole sequence."""
    return procrustes(found_m.reshape(-1, 3), truth_m.reshape(-1, 3)).reshape(found_m.shape)


def pa_mpjpe_sequence_mm(
    found_m: Float[np.ndarray, "frames points 3"], truth_m: Float[np.ndarray, "frames points 3"]
) -> float:
    """Mean distance of key points, the sequence aligned as a whole."""
    return float(MM * np.linalg.norm(aligned_sequence(found_m, truth_m) - truth_m, axis=-1).mean())


def pa_mpjve_mm_per_s(
    found_m: Float[np.ndarray, "frames points 3"], truth_m: Float[np.ndarray, "frames points 3"], fps: float
) -> float:
    """Mean difference of key points' velocities, every frame aligned by itself before (which adds motion of its own)."""
    difference = np.diff(procrustes(found_m, truth_m) - truth_m, axis=0)
    return float(MM * fps * np.linalg.norm(difference, axis=-1).mean())
