"""Points in space that both views show on the person: where the network looks.

As in the ODAH paper (section 3.2): pixels of each mask are drawn, points taken every 50 mm along their rays, and those
kept that fall on both masks. The published program takes depths about the world's origin, and so fails for a person who
stands elsewhere; here they lie about the place where the rays through both masks' centres pass each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

RAYS = 500
STEP_M = 0.05
LEAST_ANGLE_DEG = 10.0
"""Rays that meet at a smaller angle do not tell how far away the person is."""


@dataclass(frozen=True)
class View:
    """A camera's crop of the person.

    Attributes:
        mask: where the person is.
        intrinsics: K of the crop (px, the first pixel's centre at 0.5).
        rotation, translation_m: world → camera.
    """

    mask: Bool[np.ndarray, "side side"]
    intrinsics: Float[np.ndarray, "3 3"]
    rotation: Float[np.ndarray, "3 3"]
    translation_m: Float[np.ndarray, "3"]

    @property
    def position_m(self) -> Float[np.ndarray, "3"]:
        """The camera's place in the world."""
        return -self.rotation.T @ self.translation_m

    def rays(self, pixels: Float[np.ndarray, "rays 2"]) -> Float[np.ndarray, "rays 3"]:
        """Unit directions in the world of the rays through places of the crop."""
        homogeneous = np.concatenate([pixels, np.ones((len(pixels), 1))], 1)
        directions = homogeneous @ np.linalg.inv(self.intrinsics).T @ self.rotation
        return directions / np.linalg.norm(directions, axis=1, keepdims=True)

    def project(self, points_m: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 2"]:
        """Places in the crop (px); NaN behind the camera."""
        seen = points_m @ (self.intrinsics @ self.rotation).T + self.intrinsics @ self.translation_m
        return seen[:, :2] / np.where(seen[:, 2:] > 0, seen[:, 2:], np.nan)

    def shows_along(
        self,
        origin_m: Float[np.ndarray, "3"],
        rays: Float[np.ndarray, "rays 3"],
        depths_m: Float[np.ndarray, " depths"],
    ) -> Bool[np.ndarray, "depths rays"]:
        """Which of the points `origin + depth × ray` fall on the mask."""
        matrix = self.intrinsics @ self.rotation
        start, slope = matrix @ origin_m + self.intrinsics @ self.translation_m, rays @ matrix.T
        x, y, z = (start[axis] + depths_m[:, None] * slope[:, axis] for axis in range(3))
        height, width = self.mask.shape
        inside = (z > 0) & (x >= 0) & (y >= 0) & (x < width * z) & (y < height * z)
        found = np.zeros(inside.shape, dtype=bool)
        column, row = ((axis[inside] / z[inside]).astype(int) for axis in (x, y))
        found[inside] = self.mask[row.clip(max=height - 1), column.clip(max=width - 1)]
        return found


def space_points(
    views: Sequence[View], count: int, generator: np.random.Generator, rays: int = RAYS
) -> Float[np.ndarray, "count 3"]:
    """Points that every view shows on the person (m, world), in random order.

    They lie on so many rays of each view. Where fewer than `count` are found, some stand there more than once.

    Raises:
        ValueError: a mask is empty, no point lies on both, or the views look along one line.
    """
    if not all(view.mask.any() for view in views):
        raise ValueError("the mask of a view is empty")
    middle = passing_place([view.position_m for view in views], [view.rays(centre(view.mask))[0] for view in views])
    found = np.concatenate([shown_points(view, views, middle, rays, generator) for view in views])
    if not len(found):
        raise ValueError("no point in space lies on the masks of both views: the cameras do not fit the masks")
    return found[generator.choice(len(found), count, replace=len(found) < count)]


def centre(mask: Bool[np.ndarray, "side side"]) -> Float[np.ndarray, "1 2"]:
    """The mean place of a mask (px)."""
    rows, columns = np.nonzero(mask)
    return np.array([[columns.mean() + 0.5, rows.mean() + 0.5]])


def passing_place(
    origins: Sequence[Float[np.ndarray, "3"]], directions: Sequence[Float[np.ndarray, "3"]]
) -> Float[np.ndarray, "3"]:
    """The place with the least sum of squared distances to lines with unit directions.

    Raises:
        ValueError: the lines are nearly parallel.
    """
    across = np.stack([np.eye(3) - np.outer(direction, direction) for direction in directions])
    # Of two lines at an angle the smallest eigenvalue is 1 - cos(angle).
    if np.linalg.eigvalsh(across.sum(0))[0] < 1 - np.cos(np.deg2rad(LEAST_ANGLE_DEG)):
        raise ValueError(f"the views look along one line, to within {LEAST_ANGLE_DEG:g}°: two more apart were expected")
    return np.linalg.solve(across.sum(0), sum(part @ origin for part, origin in zip(across, origins)))


def shown_points(
    view: View, views: Sequence[View], middle: Float[np.ndarray, "3"], count: int, generator: np.random.Generator
) -> Float[np.ndarray, "points 3"]:
    """The points on rays through a view's mask that the other views show too.

    They lie every 50 mm, from half to one and a half times the distance of `middle`.
    """
    places = np.argwhere(view.mask)[:, ::-1] + 0.5
    rays = view.rays(places[generator.choice(len(places), min(count, len(places)), replace=False)])
    distance = float(np.linalg.norm(middle - view.position_m))
    depths = np.arange(0.5 * distance, 1.5 * distance, STEP_M)
    others = [other.shows_along(view.position_m, rays, depths) for other in views if other is not view]
    depth, ray = np.nonzero(np.logical_and.reduce(others))
    return view.position_m + depths[depth, None] * rays[ray]


def places_in_crop(view: View, points_m: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 2"]:
    """Places as the frame encoder takes them: -1 at the first pixel's centre, 1 at the last one's."""
    side = len(view.mask)
    return 2 * (view.project(points_m) - 0.5) / (side - 1) - 1
