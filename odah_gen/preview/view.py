"""Views without perspective from the sides of the run's cameras, which follow the body along the floor."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

SIDES = {"front": np.array([1.0, 0.0]), "side": np.array([0.0, -1.0])}
"""Direction on the floor (X, Y) from the subject to who looks."""
SMALLEST_M = 0.1


@dataclass(frozen=True)
class View:
    """A parallel projection; the floor is a horizontal line, one scale holds in the whole picture.

    Attributes:
        width, height: picture size (px).
        rotation: world → view (X right, Y down, Z forward, as a camera's).
        px_per_m: scale.
        floor_px: row of the floor, counted as positions in pictures are (docs/conventions.md).
    """

    width: int
    height: int
    rotation: Float[np.ndarray, "3 3"]
    px_per_m: float
    floor_px: float

    def project(
        self, points_m: Float[np.ndarray, "*batch 3"], middle_m: Float[np.ndarray, "2"]
    ) -> tuple[Float[np.ndarray, "*batch 2"], Float[np.ndarray, "*batch"]]:
        """Picture positions (px) and depths (m, larger is further away) of points in the world (m).

        Args:
            points_m: the points.
            middle_m: the place on the floor (X, Y) that stands in the middle of the picture's width.
        """
        seen = (points_m - np.array([*middle_m, 0.0])) @ self.rotation.T
        return self.px_per_m * seen[..., :2] + [self.width / 2, self.floor_px], seen[..., 2]


@dataclass(frozen=True)
class Extent:
    """How far a moving body reaches in all frames (m): from its middle along X and Y, and in height."""

    reach_m: Float[np.ndarray, "2"]
    low_m: float
    high_m: float


def extent_of(
    parts: Iterable[tuple[Float[np.ndarray, "frames points 3"], Float[np.ndarray, "frames 2"]]],
) -> Extent:
    """The extent of a body whose points (m, world) come some frames at a time, with the middle of each frame."""
    reach, low, high = np.zeros(2), 0.0, SMALLEST_M
    for points, middles in parts:
        reach = np.maximum(reach, np.abs(points[..., :2] - middles[:, None]).max(axis=(0, 1)))
        low, high = min(low, float(points[..., 2].min())), max(high, float(points[..., 2].max()))
    return Extent(reach, low, high)


def place_views(extent: Extent, size: tuple[int, int], above_px: int, below_px: int) -> dict[str, View]:
    """The views from the front and from the side, of one scale, that hold a body in every frame.

    Args:
        extent: how far the body reaches.
        size: width and height of each view (px).
        above_px, below_px: rows that stay free for text.
    """
    width, height = size
    rotations = {name: look_along(-side) for name, side in SIDES.items()}
    reach_m = max(float(np.abs(rotation[0, :2]) @ extent.reach_m) for rotation in rotations.values())
    rows = height - above_px - below_px
    px_per_m = min(width / (2 * max(reach_m, SMALLEST_M)), rows / (extent.high_m - extent.low_m))
    floor_px = height - below_px + px_per_m * extent.low_m
    return {name: View(width, height, rotation, px_per_m, floor_px) for name, rotation in rotations.items()}


def look_along(direction: Float[np.ndarray, "2"]) -> Float[np.ndarray, "3 3"]:
    """Rotation world → view (right, down, forward) of a level look along a direction on the floor (X, Y)."""
    forward = np.array([*direction, 0.0])
    right = np.cross(forward, [0.0, 0.0, 1.0])
    return np.stack([right, np.cross(forward, right), forward])
