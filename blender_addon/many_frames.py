# SPDX-License-Identifier: GPL-3.0-or-later
"""The vertices of many frames at once: what subject.posed_vertices says of each, several times faster. numpy only.

Arrays here have the frames last, [N, 3, T]: a matrix product then does all frames, and looking up the skin below a
garment copies whole rows. Points are moved in small groups that follow the same few joints: a group stays in the
processor's cache, and of weights and correctives only what is not zero is multiplied, so that a numpy without a fast
matrix product (Debian's) does as well. tests/scene/test_many_frames.py holds every vertex against posed_vertices.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .skinning import Body, rotvec_to_matrix
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
            total[: len(faces)] += of_face.take(faces, axis=0)
        by_vertex = np.empty_like(total)
        by_vertex[self._order] = total
        return by_vertex


GROUP = 128


@dataclass(frozen=True)
class Poses:
    """Some frames: per joint rotation and shift (x → R x + s), and what correctives need.

    Attributes:
        transforms: [55, 12, T]: for x, y, z in turn what the rotation makes of it, then the shift; world ← joint.
        features: [486, T], rotations relative to the parents minus identity.
    """

    transforms: np.ndarray
    features: np.ndarray


def pose_frames(body: Body, poses: np.ndarray, trans: np.ndarray) -> Poses:
    """skinning.pose_joints for frames: rotation vectors [T, 165] (rad), translations [T, 3] (m)."""
    frames = len(poses)
    local = rotvec_to_matrix(np.asarray(poses, np.float64).reshape(-1, 3)).reshape(frames, -1, 3, 3)
    joints = body.joints.astype(np.float64)
    rotations, centers = np.empty_like(local), np.empty(local.shape[:3])
    rotations[:, 0], centers[:, 0] = local[:, 0], joints[0]
    for joint, parent in list(enumerate(body.parents))[1:]:
        centers[:, joint] = centers[:, parent] + rotations[:, parent] @ (joints[joint] - joints[parent])
        rotations[:, joint] = rotations[:, parent] @ local[:, joint]
    shifts = centers - np.einsum("tjab,jb->tja", rotations, joints) + np.asarray(trans)[:, None]
    columns = np.concatenate([rotations.swapaxes(2, 3), shifts[:, :, None]], axis=2).reshape(frames, -1, 12)
    features = (local[:, 1:] - np.eye(3)).reshape(frames, -1)
    return Poses(np.moveaxis(columns, 0, 2).astype(np.float32, order="C"), features.T.astype(np.float32, order="C"))


@dataclass(frozen=True)
class Group:
    """Points that follow the same joints.

    Attributes:
        points: [n], which they are.
        joints: [j], those that move them.
        weights: [n, j].
    """

    points: np.ndarray
    joints: np.ndarray
    weights: np.ndarray


def groups(weights: np.ndarray) -> Iterator[Group]:
    """Sort all points with weights [N, 55] into small groups by the joint that they follow most."""
    strongest = weights.argmax(axis=1)
    for joint in np.unique(strongest):
        members = np.flatnonzero(strongest == joint)
        for first in range(0, len(members), GROUP):
            chosen = members[first : first + GROUP]
            joints = np.flatnonzero(weights[chosen].any(axis=0))
            yield Group(chosen, joints, weights[np.ix_(chosen, joints)].astype(np.float32))


class Blend:
    """skinning.blend for many frames."""

    def __init__(self, weights: np.ndarray) -> None:
        """Sort points by their weights [N, 55]."""
        self._groups = list(groups(weights))

    def move(self, rest: np.ndarray, poses: Poses) -> np.ndarray:
        """Points [N, 3, T] from those at rest, [N, 3, T] in single precision."""
        moved = np.empty_like(rest)
        for group in self._groups:
            transforms = poses.transforms[group.joints]
            blended = group.weights @ transforms.reshape(len(transforms), -1)
            columns, at_rest = blended.reshape(len(blended), 4, 3, -1), rest[group.points]
            points = columns[:, 3]
            for axis in range(3):
                points += columns[:, axis] * at_rest[:, axis, None]
            moved[group.points] = points
        return moved


class Correctives:
    """skinning.correctives for many frames."""

    def __init__(self, body: Body) -> None:
        """Find what of a body's correctives is not zero, group by group."""
        directions = body.posedirs.reshape(len(body.vertices), 3, -1)
        self._shape = directions.shape[:2]
        self._groups = []
        for group in groups(body.weights):
            own = directions[group.points]
            used = np.flatnonzero(own.any(axis=(0, 1)))
            self._groups.append((group.points, used, own[:, :, used].reshape(3 * len(own), len(used))))

    def move(self, poses: Poses) -> np.ndarray:
        """Displacements at rest [V, 3, T] that the poses ask for."""
        frames = poses.features.shape[1]
        found = np.empty((*self._shape, frames), np.float32)
        for points, used, directions in self._groups:
            found[points] = (directions @ poses.features[used]).reshape(-1, 3, frames)
        return found


class Mover:
    """Moves a subject's body and garments to any frames."""

    def __init__(self, subject: Subject) -> None:
        """Prepare what all frames share."""
        self._subject = subject
        self._moving = {name: item for name, item in subject.garments.items() if name not in subject.draped}
        self._correctives, self._skin = Correctives(subject.body), Blend(subject.body.weights)
        self._cloth = {name: Blend(garment.weights) for name, garment in self._moving.items()}
        held = {name: garment for name, garment in self._moving.items() if garment.hold_m.max() >= 0}
        self._around = {name: Around(garment.faces, len(garment.vertices)) for name, garment in held.items()}
        below_cloth = np.unique(np.concatenate([[0], *(garment.body_ids.ravel() for garment in held.values())]))
        self._faces = subject.body.faces[np.isin(subject.body.faces, below_cloth).any(axis=1)]
        self._around_skin = Around(self._faces, len(subject.body.vertices))

    def vertices(self, frames: range) -> dict[str, np.ndarray]:
        """Vertices [T, N, 3] (m, world frame, single precision) of the body and of every garment."""
        subject, chosen = self._subject, slice(frames.start, frames.stop)
        poses = pose_frames(subject.body, subject.poses[chosen], subject.trans[chosen])
        moved = self._correctives.move(poses)
        skin = self._skin.move(subject.body.vertices[..., None] + moved, poses)
        normals = self._normals(skin) if self._around else skin
        found = {"body": skin}
        for name, garment in self._moving.items():
            rest = garment.vertices[..., None].astype(np.float32) + below(garment, moved)
            cloth = self._cloth[name].move(rest, poses)
            found[name] = self._hold_off(name, garment, cloth, skin, normals) if name in self._around else cloth
        draped = {name: places[frames.start : frames.stop] for name, places in self._subject.draped.items()}
        return {name: np.ascontiguousarray(np.moveaxis(points, 2, 0)) for name, points in found.items()} | draped

    def _normals(self, skin: np.ndarray) -> np.ndarray:
        """Unit normals [V, 3, T] of the skin [V, 3, T] where cloth is held off it; other vertices' are not to be used."""
        first, second, third = (skin.take(self._faces[:, corner], axis=0) for corner in range(3))
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
            corners = [push.take(garment.faces[:, corner], axis=0) for corner in range(3)]
            mean = around.sum((corners[0] + corners[1] + corners[2]) / 3) / around.counts[:, None]
            push = np.maximum(least, mean)
        return cloth + outward * push[:, None]


def below(garment: Garment, values: np.ndarray) -> np.ndarray:
    """Mean [N, C, T] of the skin's values [V, C, T] below each vertex of a garment."""
    weights = garment.body_weights.astype(np.float32)[:, :, None, None]
    total = values.take(garment.body_ids[:, 0], axis=0) * weights[:, 0]
    for near in range(1, weights.shape[1]):
        total += values.take(garment.body_ids[:, near], axis=0) * weights[:, near]
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
