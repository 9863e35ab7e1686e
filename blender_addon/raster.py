# SPDX-License-Identifier: GPL-3.0-or-later
"""Which point of a mesh each pixel of a camera shows, from geometry alone. numpy only."""

from dataclasses import dataclass

import numpy as np

from .description import Camera

LEAST_DEPTH_M = 0.1
"""Triangles that reach nearer to the camera are left out; Blender's cameras show nothing nearer."""
BLOCK = 2**21
"""About so many pixels of triangles are looked at at once, or those of one triangle."""


@dataclass(frozen=True)
class Seen:
    """What some pixels show.

    Attributes:
        pixels: [P], their numbers, row by row.
        triangles: [P], which triangle is nearest there.
        weights: [P, 3], of its corners, for the point that the pixel's middle shows.
    """

    pixels: np.ndarray
    triangles: np.ndarray
    weights: np.ndarray

    def values(self, faces: np.ndarray, of_vertex: np.ndarray) -> np.ndarray:
        """Values [P, C] at the points, from those of the vertices [V, C] of triangles [F, 3]."""
        return np.einsum("pk,pkc->pc", self.weights, of_vertex[faces[self.triangles]])


def project(camera: Camera, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels [N, 2] (x to the right, y down, from the picture's top-left corner) and depths [N] (m) of points [N, 3]."""
    seen = points @ camera.rotation.T + camera.translation_m
    focal = camera.lens_mm / camera.sensor_width_mm * camera.width
    middle = np.array([camera.width / 2, camera.height / 2])
    return focal * seen[:, :2] / np.maximum(seen[:, 2:], 1e-6) + middle, seen[:, 2]


def turned_to(camera: Camera, places: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Normals [N, 3] of surfaces at places [N, 3], on the side that the camera sees: the inside of a sleeve has its own."""
    away = places + camera.rotation.T @ camera.translation_m  # from where the camera stands
    return np.where((normals * away).sum(axis=1, keepdims=True) > 0, -normals, normals)


def see(pixels: np.ndarray, depths: np.ndarray, faces: np.ndarray, width: int, height: int) -> Seen:
    """Find the nearest triangle at the middle of each pixel of a picture, all at once.

    Args:
        pixels: [V, 2], where the vertices are in that picture.
        depths: [V], m.
        faces: [F, 3], triangles, seen from either side.
        width, height: of the picture.
    """
    numbers = np.flatnonzero(np.logical_and.reduce([depths[corner] > LEAST_DEPTH_M for corner in faces.T]))
    corners = pixels.astype(np.float32)[faces[numbers]]
    low, high = (choose.reduce([corners[:, corner] for corner in range(3)]) for choose in (np.minimum, np.maximum))
    first = np.maximum(np.ceil(low - 0.5), 0).astype(np.int64)
    last = np.minimum(np.floor(high - 0.5), [width - 1, height - 1]).astype(np.int64)
    sides = np.maximum(last - first + 1, 0)
    counts = sides[:, 0] * sides[:, 1]
    nearness = np.zeros(width * height, np.float32)  # the inverse of depth, which is even over a picture
    triangles, weights = np.full(width * height, -1), np.empty((width * height, 3), np.float32)
    for block in np.split(np.arange(len(numbers)), np.flatnonzero(np.diff(np.cumsum(counts) // BLOCK)) + 1):
        of = np.repeat(block, counts[block])
        inside = np.arange(len(of)) - np.repeat(np.cumsum(counts[block]) - counts[block], counts[block])
        columns, rows = first[of, 0] + inside % sides[of, 0], first[of, 1] + inside // sides[of, 0]
        shares = barycentric(corners, of, np.stack([columns, rows], 1).astype(np.float32) + np.float32(0.5))
        met = np.minimum(np.minimum(shares[:, 0], shares[:, 1]), shares[:, 2]) >= 0
        of, shares, places = of[met], shares[met], (rows * width + columns)[met]
        shares /= depths[faces[numbers[of]]].astype(np.float32)
        near = shares[:, 0] + shares[:, 1] + shares[:, 2]
        order = np.argsort(near, kind="stable")  # the nearest comes last and stays
        order = order[near[order] > nearness[places[order]]]
        nearness[places[order]], triangles[places[order]] = near[order], numbers[of[order]]
        weights[places[order]] = shares[order] / near[order, None]
    shown = np.flatnonzero(triangles >= 0)
    return Seen(shown, triangles[shown], weights[shown])


def barycentric(corners: np.ndarray, of: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Weights [P, 3] of the corners of triangle `of` [P] among `corners` [F, 3, 2] at points [P, 2]; below 0 outside it."""
    edges = np.roll(corners, -1, axis=1) - corners
    area = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
    scale = 1 / np.where(np.abs(area) < 1e-9, np.inf, area).astype(np.float32)
    weights = np.empty((len(of), 3), np.float32)
    for corner in range(3):
        edge = (corner + 1) % 3
        from_start = points - corners[of, edge]
        along = edges[of, edge]
        weights[:, corner] = (along[:, 0] * from_start[:, 1] - along[:, 1] * from_start[:, 0]) * scale[of]
    return weights
