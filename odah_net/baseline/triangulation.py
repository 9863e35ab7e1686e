"""Points in space from their places in pictures."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from odah_gen.scene.cameras import Camera


def triangulated(
    cameras: Sequence[Camera], places_px: Sequence[Float[np.ndarray, "*batch 2"]]
) -> Float[np.ndarray, "*batch 3"]:
    """The points whose pictures these are (world, m); NaN for a point that fewer than two cameras see.

    Each place gives two equations, x (p₃ · X) = p₁ · X and y (p₃ · X) = p₂ · X with the rows p of K [R | t]; their least
    squares are solved with X = (x, y, z, 1) (Hartley and Zisserman 2004, Multiple View Geometry, section 12.2). Rows are
    divided by the focal length, so that all cameras count alike.

    Args:
        cameras: two or more.
        places_px: of each camera; NaN where it does not see a point.
    """
    rows = np.concatenate([equations(camera, places) for camera, places in zip(cameras, places_px)], -2)
    enough = np.isfinite(rows).all(-1).sum(-1) >= 4
    kept = np.where(np.isfinite(rows), rows, 0.0)
    # A point with too few equations has no inverse; the unit matrix keeps the rest of the batch going.
    left = np.where(enough[..., None, None], np.swapaxes(kept[..., :3], -1, -2) @ kept[..., :3], np.eye(3))
    right = -np.swapaxes(kept[..., :3], -1, -2) @ kept[..., 3:]
    return np.where(enough[..., None], np.linalg.solve(left, right)[..., 0], np.nan)


def equations(camera: Camera, places_px: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2 4"]:
    """Two rows that vanish at (X, 1) for the point at a place of the picture."""
    matrix = np.concatenate([camera.rotation, camera.translation_m[:, None]], 1)
    rays = (places_px - camera.intrinsics[:2, 2]) / np.diag(camera.intrinsics)[:2]
    return rays[..., None] * matrix[2] - matrix[:2]
