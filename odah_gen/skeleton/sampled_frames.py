"""A few frames that show as much as possible of what a subject does."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from odah_gen.farthest_points import farthest_points
from odah_gen.skeleton.kinematics import enough_markers
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.trc import MarkerTrajectories

CANDIDATES = 1500
"""Frames looked at, evenly spaced over all clips."""


def spread_frames(
    skeleton: Skeleton, motions: Sequence[MarkerTrajectories], names: Sequence[str], count: int
) -> MarkerTrajectories:
    """The frames of all clips whose poses differ most from each other.

    Poses are compared as the root body sees its markers. The order is that of the clips, so that neighbours are alike.

    Args:
        skeleton: tells which body carries each marker.
        motions: clips; those without some of the markers are left out.
        names: markers to keep.
        count: frames wanted; fewer where there are not so many.
    """
    points = candidates([motion for motion in motions if set(names) <= set(motion.names)], names)
    on_root = np.array([skeleton.marker_bodies[skeleton.marker_names.index(name)] == skeleton.root for name in names])
    points = points[enough_markers(points, on_root)]
    chosen = farthest_points(seen_from_root(points, on_root), count)
    return MarkerTrajectories(tuple(names), np.arange(float(len(chosen))), points[chosen])


def candidates(motions: Sequence[MarkerTrajectories], names: Sequence[str]) -> Float[np.ndarray, "frames markers 3"]:
    """Evenly spaced frames of the clips, one after another."""
    total = sum(len(motion.time_s) for motion in motions)
    stride = max(1, -(-total // CANDIDATES))
    parts = [motion.points_m[::stride, [motion.names.index(name) for name in names]] for motion in motions]
    return np.concatenate([np.zeros((0, len(names), 3)), *parts])


def seen_from_root(
    points_m: Float[np.ndarray, "frames markers 3"], on_root: np.ndarray
) -> Float[np.ndarray, "frames markers 3"]:
    """Markers relative to the root's, turned so that the root's markers lie as in the first frame; zero for unseen."""
    centered = points_m - np.nanmean(points_m[:, on_root], axis=1, keepdims=True) if len(points_m) else points_m
    root = np.nan_to_num(centered[:, on_root])
    left, _, right = np.linalg.svd(np.einsum("fmi,mj->fij", root, root[0] if len(root) else np.zeros(root.shape[1:])))
    left[..., -1] *= np.linalg.det(left @ right)[:, None]
    return np.nan_to_num(centered @ (left @ right))
