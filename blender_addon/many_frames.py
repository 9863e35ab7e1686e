# SPDX-License-Identifier: GPL-3.0-or-later
"""The vertices of many frames at once: what subject.posed_vertices says of each, several times faster. numpy only.

Arrays here have the frames last, [N, 3, T]: the correctives of all frames are then one matrix product, and looking up
the skin below a garment copies whole rows. tests/scene/test_many_frames.py holds every vertex against posed_vertices.
"""

import numpy as np

from .skinning import Body, Pose, pose_joints
from .subject import EVEN_STEPS, MOST_PUSH_M, Garment, Subject


class Around:
    """Sums over the faces around each vertex of a mesh."""

    def __init__(self, faces: np.ndarray, vertices: int) -> None:
        """Look up the faces [F, 3] around each of so many vertices."""
        counts = np.bincount(faces.ravel(), minlength=vertices)
        self.counts = np.maximum(counts, 1).astype(np.float32)
        self._order = np.argsort(-counts, kind="stable")
        of_vertex = np.argsort(faces.ravel(), kind="stable") // 3
        starts = np.concatenate([[0], np.cumsum(counts)])[self._order]
        counts = counts[self._order]
        self._layers = [of_vertex[starts[counts > layer] + layer] for layer in range(counts.max(initial=0))]

    def sum(self, of_face: np.ndarray) -> np.ndarray:
        """Sum [N, ...] of the values [F, ...] of the faces around each vertex; 0 where there is none."""
        total = np.zeros((len(self._order), *of_face.shape[1:]), of_face.dtype)
        for faces in self._layers:
            total[: len(faces)] += of_face[faces]
        by_vertex = np.empty_like(total)
        by_vertex[self._order] = total
        return by_vertex


class Mover:
    """Moves a subject's body and garments to any frames."""

    def __init__(self, subject: Subject) -> None:
        """Prepare what all frames share."""
        self._subject = subject
        self._moving = {name: item for name, item in subject.garments.items() if name not in subject.draped}
        held = {name: garment for name, garment in self._moving.items() if garment.hold_m.max() >= 0}
        self._around = {name: Around(garment.faces, len(garment.vertices)) for name, garment in held.items()}
        below_cloth = np.unique(np.concatenate([[0], *(garment.body_ids.ravel() for garment in held.values())]))
        self._faces = subject.body.faces[np.isin(subject.body.faces, below_cloth).any(axis=1)]
        self._around_skin = Around(self._faces, len(subject.body.vertices))

    def vertices(self, frames: range) -> dict[str, np.ndarray]:
        """Vertices [T, N, 3] (m, world frame, single precision) of the body and of every garment."""
        body = self._subject.body
        poses = [pose_joints(body, self._subject.poses[frame], self._subject.trans[frame]) for frame in frames]
        moved = correctives(body, poses)
        skin = blend(body.vertices[..., None] + moved, body.weights, poses)
        normals = self._normals(skin) if self._around else skin
        found = {"body": skin}
        for name, garment in self._moving.items():
            rest = garment.vertices[..., None].astype(np.float32) + below(garment, moved)
            cloth = blend(rest, garment.weights, poses)
            found[name] = self._hold_off(name, garment, cloth, skin, normals) if name in self._around else cloth
        draped = {name: places[frames.start : frames.stop] for name, places in self._subject.draped.items()}
        return {name: np.ascontiguousarray(np.moveaxis(points, 2, 0)) for name, points in found.items()} | draped

    def _normals(self, skin: np.ndarray) -> np.ndarray:
        """Unit normals [V, 3, T] of the skin [V, 3, T] where cloth is held off it; other vertices' are not to be used."""
        first, second, third = (skin[self._faces[:, corner]] for corner in range(3))
        return unit(self._around_skin.sum(cross(second - first, third - first)), 1e-12)

    def _hold_off(
        self, name: str, garment: Garment, cloth: np.ndarray, skin: np.ndarray, normals: np.ndarray
    ) -> np.ndarray:
        """subject.hold_off for cloth [N, 3, T]."""
        outward, around = unit(below(garment, normals), 1e-6), self._around[name]
        distance = dot(cloth - below(garment, skin), outward)
        least = np.clip(garment.hold_m[:, None].astype(np.float32) - distance, 0, MOST_PUSH_M)
        push = least
        for _ in range(EVEN_STEPS):
            corners = [push[garment.faces[:, corner]] for corner in range(3)]
            mean = around.sum((corners[0] + corners[1] + corners[2]) / 3) / around.counts[:, None]
            push = np.maximum(least, mean)
        return cloth + outward * push[:, None]


def correctives(body: Body, poses: list[Pose]) -> np.ndarray:
    """Displacements at rest [V, 3, T] that the poses ask for."""
    return (body.posedirs @ np.stack([pose.feature for pose in poses], 1)).reshape(-1, 3, len(poses))


def blend(vertices: np.ndarray, weights: np.ndarray, poses: list[Pose]) -> np.ndarray:
    """skinning.blend for vertices [N, 3, T] at rest: points [N, 3, T]."""
    transforms = np.stack([np.concatenate([pose.rotations.reshape(-1, 9), pose.shifts], 1) for pose in poses], 2)
    blended = (weights @ transforms.reshape(len(transforms), -1)).reshape(len(weights), 12, len(poses))
    points = blended[:, 9:].copy()
    for row in range(3):
        points[:, row] += dot(blended[:, 3 * row : 3 * row + 3], vertices)
    return points


def below(garment: Garment, values: np.ndarray) -> np.ndarray:
    """Mean [N, C, T] of the skin's values [V, C, T] below each vertex of a garment."""
    weights = garment.body_weights.astype(np.float32)[:, :, None, None]
    total = values[garment.body_ids[:, 0]] * weights[:, 0]
    for near in range(1, weights.shape[1]):
        total += values[garment.body_ids[:, near]] * weights[:, near]
    return total


def cross(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cross products of [F, 3, T]."""
    result = np.empty_like(first)
    for axis, (after, last) in enumerate(((1, 2), (2, 0), (0, 1))):
        result[:, axis] = first[:, after] * second[:, last] - first[:, last] * second[:, after]
    return result


def dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Inner products [N, T] of [N, 3, T]."""
    return first[:, 0] * second[:, 0] + first[:, 1] * second[:, 1] + first[:, 2] * second[:, 2]


def unit(vectors: np.ndarray, least: float) -> np.ndarray:
    """Vectors [N, 3, T] of length 1; those shorter than `least` are divided by that."""
    return vectors / np.maximum(np.sqrt(dot(vectors, vectors)), least)[:, None]
