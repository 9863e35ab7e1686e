"""Feet and floor: how deep the body sinks, and whether feet that stand in the source stand in the fit. The floor is z = 0.

A point of a foot is in stance while it is near the floor and slow, which is how contact is found from kinematics where
there is no force plate. Stance is read from the source motion alone, and the same points over the same steps are then
looked at in the source and in the fit: a foot that the fit lifts out of the floor or lets hover is not left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import trimesh
from jaxtyping import Bool, Float

TOUCH_M = 0.01
"""A point lower than this is near the floor."""
SLOW_M_PER_S = 0.3
"""A point that moves slower than this over the floor may stand on it; in a swing the foot is several times as fast."""
FLOATING_QUANTILE = 0.95
FLOOR_NORMAL, FLOOR_ORIGIN = np.array([0.0, 0.0, 1.0]), np.zeros(3)


@dataclass(frozen=True)
class Contact:
    """Feet of source and fit where the source's stand; all are None when they never do.

    Attributes:
        skate_m_per_s: mean horizontal speed of the fit's points.
        source_skate_m_per_s: of the same points in the source.
        floating_m: by how much the fit's standing feet are higher than the source's, at most, in 95 % of the frames; a
            foot's height is that of its lowest point, and a source's foot in the floor counts as on it.
    """

    skate_m_per_s: float | None
    source_skate_m_per_s: float | None
    floating_m: float | None


def heights_above_floor(points_m: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch"]:
    """Signed distance (m) of points from the floor; negative below it."""
    flat = points_m.reshape(-1, 3)
    return trimesh.points.point_plane_distance(flat, FLOOR_NORMAL, FLOOR_ORIGIN).reshape(points_m.shape[:-1])


def stance_steps(
    source_m: Float[np.ndarray, "frames points 3"], fps: float, near_m: float = TOUCH_M
) -> Bool[np.ndarray, "steps points"]:
    """Points in stance, for each step from one frame to the next: near the floor at both ends, and slow between."""
    near = source_m[..., 2] < near_m
    return near[1:] & near[:-1] & (horizontal_speeds(source_m, fps) < SLOW_M_PER_S)


def stance_frames(
    source_m: Float[np.ndarray, "frames points 3"], fps: float, near_m: float = TOUCH_M
) -> Bool[np.ndarray, "frames points"]:
    """Points in stance in each frame: over the step before or after it."""
    steps = stance_steps(source_m, fps, near_m)
    none = np.zeros((1, steps.shape[1]), bool)
    return np.vstack([none, steps]) | np.vstack([steps, none])


def horizontal_speeds(points_m: Float[np.ndarray, "frames points 3"], fps: float) -> Float[np.ndarray, "steps points"]:
    """Speed over the floor (m/s) from each frame to the next."""
    return np.linalg.norm(np.diff(points_m[..., :2], axis=0), axis=-1) * fps


def foot_contact(
    source_m: Sequence[Float[np.ndarray, "frames points 3"]],
    fitted_m: Sequence[Float[np.ndarray, "frames points 3"]],
    fps: float,
) -> Contact:
    """How the feet of a fit stand where those of its source do.

    Args:
        source_m: points of each foot in the source motion.
        fitted_m: the same points in the fitted motion.
        fps: frames per second.
    """
    steps = np.hstack([stance_steps(foot, fps) for foot in source_m])
    if not steps.any():
        return Contact(None, None, None)
    speeds = [np.hstack([horizontal_speeds(foot, fps) for foot in feet])[steps].mean() for feet in (fitted_m, source_m)]
    lifts = [
        (fitted[..., 2].min(1) - source[..., 2].min(1).clip(0.0))[stance_frames(source, fps).any(1)]
        for source, fitted in zip(source_m, fitted_m, strict=True)
    ]
    return Contact(float(speeds[0]), float(speeds[1]), float(np.quantile(np.concatenate(lifts), FLOATING_QUANTILE)))


def penetration_depth(lowest_m: Float[np.ndarray, " frames"]) -> float:
    """Depth (m) of the deepest vertex below the floor, 0 when none is; from each frame's lowest height."""
    return float(max(0.0, -lowest_m.min()))
