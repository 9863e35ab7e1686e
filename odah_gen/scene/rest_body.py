"""A subject's body at rest as plain arrays: what clothes, shoes and hair are cut and shaped on."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.body.skinning import shape_body


@dataclass(frozen=True)
class RestBody:
    """A subject's body at rest: metres, model axes (Y up, facing +Z, left arm on +X)."""

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    weights: Float[np.ndarray, "vertices 55"]
    joints: Float[np.ndarray, "55 3"]

    def joint(self, name: str) -> Float[np.ndarray, "3"]:
        """Centre of a joint at rest."""
        return self.joints[JOINT_NAMES.index(name)]

    def held_by(self, *names: str) -> Float[np.ndarray, " vertices"]:
        """Skinning weight of each vertex on some joints together."""
        return self.weights[:, [JOINT_NAMES.index(name) for name in names]].sum(1)

    def on_face(self, points: Float[np.ndarray, "points 3"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points from between the eyes: across to the left, up, forward; in distances between the eyes."""
        left, right = self.joint("left_eye"), self.joint("right_eye")
        across, up, forward = ((points - (left + right) / 2) / np.linalg.norm(left - right)).T
        return across, up, forward


def rest_body(model: BodyModel, betas: Float[np.ndarray, " betas"]) -> RestBody:
    """The subject's body at rest."""
    shaped = shape_body(model, torch.as_tensor(np.asarray(betas)))
    numbers = (shaped.vertices, model.weights, shaped.joints)
    vertices, weights, joints = (tensor.numpy().astype(np.float64) for tensor in numbers)
    return RestBody(vertices, model.faces, weights, joints)
