# SPDX-License-Identifier: GPL-3.0-or-later
"""The person of a clip: skin, eyes and garments at every frame, as plain arrays."""

from dataclasses import dataclass

import numpy as np

from .description import GARMENT_ARRAYS, GARMENTS, Description, SceneError, read_arrays
from .skinning import Body, blend, correctives, load_body, pose_joints

EYE_JOINTS = (23, 24)
PUPIL_COSINE = 0.965
IRIS_COSINE = 0.87
BODY_MATERIALS = ("skin", "eyeball", "iris", "pupil")
HEAD_JOINTS = (15, 22)
HAIRLINE = np.array([[-4.0, -1.1], [-2.9, -0.75], [-2.2, 0.3], [-1.45, 0.35], [-1.15, 0.2], [-0.8, 1.0], [0.5, 1.25]])
"""Height of the hairline over the eyes against the place behind them, in distances between the eyes, nape to brow."""
BROW_HEIGHT, BROW_WIDTH, BROW_THICKNESS = 0.36, 0.34, 0.07
SCALP_EDGE, BROW_EDGE = 0.3, 0.12


@dataclass(frozen=True)
class Garment:
    """A garment at rest: vertices [N, 3], faces [F, 3], weights [N, 55], and the skin below it [N, 4]."""

    vertices: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    body_ids: np.ndarray
    body_weights: np.ndarray


@dataclass(frozen=True)
class Subject:
    """A dressed body and its motion.

    Attributes:
        body: skin and eyes at rest.
        visible: [F], which faces of the body clothes do not hide.
        garments: by name.
        poses: [T, 165], rad.
        trans: [T, 3], m, world frame.
    """

    body: Body
    visible: np.ndarray
    garments: dict[str, Garment]
    poses: np.ndarray
    trans: np.ndarray

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
    garments = {name: load_garment(description, name, body.weights.shape[1]) for name in GARMENTS}
    return Subject(body, ~hidden, garments, motion["poses"], motion["trans"])


def load_garment(description: Description, name: str, joints: int) -> Garment:
    """Read one garment."""
    arrays = read_arrays(description.clothes, tuple(f"{name}_{array}" for array in GARMENT_ARRAYS))
    vertices, faces, strongest, shares, ids, below = arrays.values()
    weights = np.zeros((len(vertices), joints), np.float32)
    np.put_along_axis(weights, strongest.astype(np.int64), shares.astype(np.float32), axis=1)
    return Garment(vertices, faces, weights, ids, below)


def posed_vertices(subject: Subject, frame: int) -> dict[str, np.ndarray]:
    """Vertices [N, 3] (m, world frame) of the body and of every garment in a frame."""
    pose = pose_joints(subject.body, subject.poses[frame], subject.trans[frame])
    moved = correctives(subject.body, pose)
    vertices = {"body": blend(subject.body.vertices + moved, subject.body.weights, pose)}
    for name, garment in subject.garments.items():
        follow = np.einsum("nk,nkc->nc", garment.body_weights, moved[garment.body_ids])
        vertices[name] = blend(garment.vertices + follow, garment.weights, pose)
    return vertices


def body_materials(subject: Subject) -> np.ndarray:
    """For each visible face of the body the index in BODY_MATERIALS.

    An eye is what its eye joint moves; iris and pupil are the faces around its forward axis (+Z at rest).
    """
    body = subject.body
    faces = body.faces[subject.visible]
    materials = np.zeros(len(faces), np.int32)
    for joint in EYE_JOINTS:
        of_eye = body.weights[:, joint] > 0.5
        chosen = of_eye[faces].all(axis=1)
        if not chosen.any():
            continue
        center = (body.vertices[of_eye].min(0) + body.vertices[of_eye].max(0)) / 2
        outward = body.vertices[faces[chosen]].mean(1) - center
        forward = outward[:, 2] / np.linalg.norm(outward, axis=1)
        materials[chosen] = 1 + (forward > IRIS_COSINE) + (forward > PUPIL_COSINE)
    return materials


def hair_share(body: Body) -> np.ndarray:
    """How much each vertex [V] is hair: 1 on the scalp, most on the brows, 0 elsewhere, soft at the edges."""
    left, right = body.joints[EYE_JOINTS[0]], body.joints[EYE_JOINTS[1]]
    apart = np.linalg.norm(left - right)
    across, up, forward = ((body.vertices - (left + right) / 2) / apart).T
    on_head = np.clip(2 * body.weights[:, HEAD_JOINTS].sum(axis=1) - 0.5, 0, 1)
    scalp = step(up - np.interp(forward, *HAIRLINE.T), SCALP_EDGE)
    # Ears stand out from the head, between the eyes' height and the mouth's.
    ear = step(np.abs(across) - 1.28, SCALP_EDGE) * (np.abs(up + 0.35) < 0.9) * (np.abs(forward + 1.7) < 0.7)
    off_middle = (np.abs(across) - 0.52) / BROW_WIDTH
    off_brow = np.abs(up - BROW_HEIGHT + 0.06 * off_middle**2)
    brow = step(BROW_THICKNESS - off_brow, BROW_EDGE) * (np.abs(off_middle) < 1) * (forward > 0)
    return on_head * np.maximum(scalp * (1 - ear), 0.7 * brow)


def step(distance: np.ndarray, width: float) -> np.ndarray:
    """A step from 0 to 1 around distance 0, `width` wide (all in distances between the eyes)."""
    return np.clip(distance / width + 0.5, 0, 1)
