"""Feet and floor: how deep the body sinks, and how fast a foot on the floor slides. The floor is z = 0."""

import numpy as np
import trimesh
from jaxtyping import Float

TOUCH_M = 0.01
FLOOR_NORMAL, FLOOR_ORIGIN = np.array([0.0, 0.0, 1.0]), np.zeros(3)


def heights_above_floor(points_m: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch"]:
    """Signed distance (m) of points from the floor; negative below it."""
    flat = points_m.reshape(-1, 3)
    return trimesh.points.point_plane_distance(flat, FLOOR_NORMAL, FLOOR_ORIGIN).reshape(points_m.shape[:-1])


def skate_speed(feet_m: Float[np.ndarray, "frames vertices 3"], fps: float) -> float | None:
    """Mean horizontal speed (m/s) of foot vertices over the steps in which they touch the floor at both ends.

    None when no vertex does.
    """
    touching = heights_above_floor(feet_m) < TOUCH_M
    both = touching[1:] & touching[:-1]
    if not both.any():
        return None
    steps = np.linalg.norm(np.diff(feet_m[..., :2], axis=0), axis=-1)
    return float(steps[both].mean() * fps)


def penetration_depth(lowest_m: Float[np.ndarray, " frames"]) -> float:
    """Depth (m) of the deepest vertex below the floor, 0 when none is; from each frame's lowest height."""
    return float(max(0.0, -lowest_m.min()))
