# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps simulated cloth off what lies below it, wherever it has swung to."""

from collections.abc import Sequence

import numpy as np
from mathutils.bvhtree import BVHTree

from .subject import EVEN_STEPS, MOST_PUSH_M, Garment, face_mean

ROUNDS = 3
REACH_M = 0.1


class Surface:
    """A surface that cloth lies on, with its outside where its normals point."""

    def __init__(self, meshes: Sequence[tuple[np.ndarray, np.ndarray]], reach_m: float = REACH_M) -> None:
        """Look up meshes, each of vertices [N, 3] and faces [F, 3]; what is farther than `reach_m` does not count."""
        self._reach_m = reach_m
        starts = np.cumsum([0, *(len(vertices) for vertices, _ in meshes)])
        vertices = np.concatenate([vertices for vertices, _ in meshes])
        faces = np.concatenate([faces + start for (_, faces), start in zip(meshes, starts)])
        self._tree = BVHTree.FromPolygons(vertices.tolist(), faces.tolist())

    def distances(self, points: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far outside (m, negative inside) points are, by the face that is nearest, and its normal.

        Args:
            points: [N, 3], m.
            asked: [N], of which points; others are infinitely far.

        Returns:
            Distances [N] and normals [N, 3].
        """
        distances, normals = np.full(len(points), np.inf), np.zeros((len(points), 3))
        for number in np.flatnonzero(asked).tolist():
            point = points[number].tolist()
            place, normal, _, _ = self._tree.find_nearest(point, self._reach_m)
            if place is not None:
                normals[number] = normal
                distances[number] = np.subtract(point, place) @ normals[number]
        return distances, normals


def push_out(garment: Garment, places: np.ndarray, surface: Surface, least_m: np.ndarray) -> np.ndarray:
    """Push cloth [N, 3] out of a surface until it is at least so far [N] from it (m).

    The push is evened out over the cloth, as in subject.hold_off, but against whatever is nearest now: loose cloth
    does not stay over the skin that it was cut on.
    """
    near = np.ones(len(places), bool)
    for _ in range(ROUNDS):
        distances, normals = surface.distances(places, near)
        least = np.clip(least_m - distances, 0, MOST_PUSH_M)
        push = least
        for _ in range(EVEN_STEPS):
            push = np.maximum(least, face_mean(garment.faces, push))
        places = places + normals * push[:, None]
        near = distances < 2 * least_m
    return places.astype(np.float32)
