# SPDX-License-Identifier: GPL-3.0-or-later
"""The person of a clip: skin, and all that is worn, at every frame, as plain arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .description import GARMENT_ARRAYS, Description, SceneError, read_arrays
from .skinning import Body, blend, correctives, load_body, pose_joints, vertex_normals

DRAPED = ("lower", "upper")
"""Garments that can be simulated, from the inner to the outer."""
EVEN_STEPS = 3
MOST_PUSH_M = 0.08


@dataclass(frozen=True)
class Garment:
    """A garment at rest.

    Attributes:
        vertices: [N, 3], m.
        faces: [F, 3].
        weights: [N, 55].
        body_ids, body_weights: [N, 4], the skin below.
        hold_m: [N], least distance from that skin; negative where cloth is not held off.
        uv_m: [F, 3, 2], places of the faces' corners on the flat cloth, m.
        part: [F], of which material each face is.
    """

    vertices: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    body_ids: np.ndarray
    body_weights: np.ndarray
    hold_m: np.ndarray
    uv_m: np.ndarray
    part: np.ndarray


@dataclass(frozen=True)
class Subject:
    """A dressed body and its motion.

    Attributes:
        body: skin and eyes at rest.
        visible: [F], which faces of the body are not hidden by what is worn.
        regions: by name [V], how much each vertex of the body has the region's colour.
        garments: by name.
        poses: [T, 165], rad.
        trans: [T, 3], m, world frame.
        draped: by name [T, N, 3], m, world frame: garments whose place was simulated.
    """

    body: Body
    visible: np.ndarray
    regions: dict[str, np.ndarray]
    garments: dict[str, Garment]
    poses: np.ndarray
    trans: np.ndarray
    draped: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """How many frames the motion has."""
        return len(self.poses)


def load_subject(description: Description) -> Subject:
    """Read body model, motion and clothes of a scene.

    Raises:
        SceneError: a file cannot be read, or they do not belong together.
    """
    motion = read_arrays(description.motion, ("poses", "trans", "betas"))
    if len(motion["poses"]) != description.frames or not all(np.isfinite(array).all() for array in motion.values()):
        raise SceneError(
            f"{description.motion}: {description.frames} frames of finite numbers were expected. "
            "Run the fit and scene stages again."
        )
    body = load_body(description.model, motion["betas"])
    hidden = read_arrays(description.clothes, ("hidden_faces",))["hidden_faces"]
    if len(hidden) != len(body.faces):
        raise SceneError(f"{description.clothes}: was cut for another body model. Run the scene stage again.")
    names = list(description.content["regions"])
    shares = read_arrays(description.clothes, tuple(f"region_{name}" for name in names))
    regions = dict(zip(names, shares.values()))
    garments = {name: load_garment(description, name, body.weights.shape[1]) for name in description.content["wear"]}
    draped = read_draped(description, garments)
    return Subject(body, ~hidden, regions, garments, motion["poses"], motion["trans"], draped)


def load_garment(description: Description, name: str, joints: int) -> Garment:
    """Read one garment."""
    arrays = read_arrays(description.clothes, tuple(f"{name}_{array}" for array in GARMENT_ARRAYS))
    vertices, faces, strongest, shares, *others = arrays.values()
    weights = np.zeros((len(vertices), joints), np.float32)
    np.put_along_axis(weights, strongest.astype(np.int64), shares.astype(np.float32), axis=1)
    return Garment(vertices, faces, weights, *others)


def read_draped(description: Description, garments: Mapping[str, Garment]) -> dict[str, np.ndarray]:
    """Where simulated garments are, by name [T, N, 3] (m, world frame); nothing where clothes move with the body."""
    if description.cloth is None:
        return {}
    if not description.cloth.is_file():
        raise SceneError(f"{description.cloth}: is not there. Make it with: odah-gen drape.")
    arrays = read_arrays(description.cloth, tuple(f"{name}_m" for name in DRAPED))
    draped = dict(zip(DRAPED, arrays.values()))
    for name, places in draped.items():
        if places.shape != (description.frames, *garments[name].vertices.shape):
            raise SceneError(f"{description.cloth}: was made for other clothes. Make it again with: odah-gen drape.")
    return draped


def posed_vertices(subject: Subject, frame: int) -> dict[str, np.ndarray]:
    """Vertices [N, 3] (m, world frame) of the body and of every garment in a frame."""
    pose = pose_joints(subject.body, subject.poses[frame], subject.trans[frame])
    moved = correctives(subject.body, pose)
    skin = blend(subject.body.vertices + moved, subject.body.weights, pose)
    normals = vertex_normals(skin, subject.body.faces)
    vertices = {"body": skin}
    for name, garment in subject.garments.items():
        if name in subject.draped:
            vertices[name] = subject.draped[name][frame]
            continue
        follow = below(garment, moved)
        cloth = blend(garment.vertices + follow, garment.weights, pose)
        vertices[name] = hold_off(garment, cloth, skin, normals) if garment.hold_m.max() >= 0 else cloth
    return vertices


def below(garment: Garment, values: np.ndarray) -> np.ndarray:
    """Mean of the skin's values [V, C] below each vertex of a garment."""
    return np.einsum("nk,nkc->nc", garment.body_weights, values[garment.body_ids])


def hold_off(garment: Garment, cloth: np.ndarray, skin: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Push cloth [N, 3] along the skin's normals until it is as far from the skin as it must be.

    Skinning alone lets a bent joint sink into the cloth around it, and a thigh into the hem of a shirt. The push is
    evened out over the cloth, so that it leaves no dents.
    """
    outward = below(garment, normals)
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-6)
    distance = ((cloth - below(garment, skin)) * outward).sum(axis=1)
    least = np.clip(garment.hold_m - distance, 0, MOST_PUSH_M)
    push = least
    for _ in range(EVEN_STEPS):
        push = np.maximum(least, face_mean(garment.faces, push))
    return (cloth + outward * push[:, None]).astype(np.float32)


def face_mean(faces: np.ndarray, values: np.ndarray) -> np.ndarray:
    """For each vertex the mean over its faces of their mean value; 0 where a vertex has no face."""
    of_face = np.repeat(values[faces].mean(axis=1), 3)
    count = np.bincount(faces.ravel(), minlength=len(values))
    return np.bincount(faces.ravel(), of_face, len(values)) / np.maximum(count, 1)
