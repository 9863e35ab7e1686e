"""A triangle mesh on pixels: what is nearest at each pixel's centre, all triangles at once in numpy."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class Surface:
    """The nearest surface at the centre of every pixel.

    Attributes:
        depth_m: infinite where there is none.
        shade: 0 for a surface seen along its edge to 1 for one that faces the viewer; 0 where there is none.
    """

    depth_m: Float[np.ndarray, "height width"]
    shade: Float[np.ndarray, "height width"]

    @property
    def covered(self) -> Bool[np.ndarray, "height width"]:
        """Where there is a surface."""
        return np.isfinite(self.depth_m)

    def hides(
        self, places_px: Float[np.ndarray, "points 2"], depths_m: Float[np.ndarray, " points"], margin_m: float
    ) -> Bool[np.ndarray, " points"]:
        """Which points the surface stands before by more than a margin; none outside of the picture, and no NaN."""
        height, width = self.depth_m.shape
        column, row = np.nan_to_num(np.floor(places_px), nan=-1.0).astype(int).T
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        before = self.depth_m[np.where(inside, row, 0), np.where(inside, column, 0)]
        return inside & (before < depths_m - margin_m)


def draw_surface(
    places_px: Float[np.ndarray, "vertices 2"],
    depths_m: Float[np.ndarray, " vertices"],
    px_per_m: float,
    faces: Int[np.ndarray, "faces 3"],
    size: tuple[int, int],
) -> Surface:
    """Draw the triangles of a parallel projection that face the viewer.

    Args:
        places_px, depths_m: the vertices, as View.project gives them.
        px_per_m: scale of the projection.
        faces: triangles, seen counter-clockwise from outside.
        size: width and height (px).
    """
    points = np.concatenate([places_px, px_per_m * depths_m[:, None]], axis=1)
    corners = points[faces[turns_left(places_px[faces])]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    owner, column, row = pixels_in_boxes(corners[..., :2], size)
    second, third = corner_shares(corners[..., :2], owner, column + 0.5, row + 0.5)
    inside = (second >= 0) & (third >= 0) & (second + third <= 1)
    owner, column, row, second, third = (array[inside] for array in (owner, column, row, second, third))
    first, *others = corners[..., 2].T / px_per_m
    depth = first[owner] + second * (others[0] - first)[owner] + third * (others[1] - first)[owner]
    # Of several values for one pixel numpy keeps the last: the nearest.
    order = np.argsort(-depth, kind="stable")
    surface = Surface(np.full(size[::-1], np.inf), np.zeros(size[::-1]))
    at = row[order], column[order]
    surface.depth_m[at] = depth[order]
    surface.shade[at] = (-normals[:, 2] / np.linalg.norm(normals, axis=1))[owner[order]]
    return surface


def turns_left(corners_px: Float[np.ndarray, "faces 3 2"]) -> Bool[np.ndarray, " faces"]:
    """Which triangles face the viewer: those that run counter-clockwise to the eye (rows grow downwards)."""
    first, second = corners_px[:, 1] - corners_px[:, 0], corners_px[:, 2] - corners_px[:, 0]
    return np.asarray(first[:, 0] * second[:, 1] < first[:, 1] * second[:, 0])


def pixels_in_boxes(
    corners_px: Float[np.ndarray, "faces 3 2"], size: tuple[int, int]
) -> tuple[Int[np.ndarray, " pixels"], Int[np.ndarray, " pixels"], Int[np.ndarray, " pixels"]]:
    """Every pixel of the picture whose centre lies in a triangle's bounding box: the triangle, column and row."""
    # Three corners one by one: many times faster than reducing an axis of three.
    one, two, three = corners_px[:, 0], corners_px[:, 1], corners_px[:, 2]
    low, high = np.minimum(np.minimum(one, two), three), np.maximum(np.maximum(one, two), three)
    first = np.clip(np.ceil(low - 0.5), 0, size).astype(int)
    last = np.clip(np.floor(high - 0.5), -1, np.array(size) - 1).astype(int)
    columns, rows = np.maximum(last - first + 1, 0).T
    counts = columns * rows
    owner = np.repeat(np.arange(len(counts)), counts)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, first[owner, 0] + number % columns[owner], first[owner, 1] + number // columns[owner]


def corner_shares(
    corners_px: Float[np.ndarray, "faces 3 2"],
    owner: Int[np.ndarray, " places"],
    x_px: Float[np.ndarray, " places"],
    y_px: Float[np.ndarray, " places"],
) -> tuple[Float[np.ndarray, " places"], Float[np.ndarray, " places"]]:
    """Barycentric coordinates of places in their triangles: the shares of the second and the third corner.

    Args:
        corners_px: the triangles.
        owner: the triangle of each place.
        x_px, y_px: the places.
    """
    (startx, starty), (ax, ay), (bx, by) = (
        (corners_px[:, corner] - (corners_px[:, 0] if corner else 0)).T for corner in range(3)
    )
    area = ax * by - ay * bx
    x, y = x_px - startx[owner], y_px - starty[owner]
    return x * (by / area)[owner] - y * (bx / area)[owner], y * (ax / area)[owner] - x * (ay / area)[owner]
