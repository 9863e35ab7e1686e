"""Volume of a body's mesh and the mass that follows from it."""

import numpy as np
import torch
import trimesh
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from odah_gen.body.model import BodyModel
from odah_gen.body.skinning import shape_body

DENSITY_KG_PER_M3 = 1010.0


def body_mass(model: BodyModel, betas: Float[torch.Tensor, " betas"] | Float[np.ndarray, " betas"]) -> float:
    """Mass (kg) of a shape: volume of its skin times 1010 kg/m³, the density of a living body with half-full lungs.

    Raises:
        InputError: there are more shape coefficients than the model has.
    """
    vertices = shape_body(model, torch.as_tensor(betas)).vertices
    return DENSITY_KG_PER_M3 * skin_volume(vertices.detach().numpy().astype(np.float64), model.faces)


def mass_direction(model: BodyModel, betas: int) -> Float[np.ndarray, " betas"]:
    """The direction among shape coefficients, one standard deviation long, in which mass grows and height does not.

    It is the gradient of the volume at the mean shape (a sixth of b × c for a corner of a triangle with the others b and
    c) without its part along the gradient of the height.
    """
    vertices, shape = model.v_template.double().numpy(), model.shapedirs[..., :betas].double().numpy()
    areas = np.zeros_like(vertices)
    for corner in range(3):
        after, last = (vertices[model.faces[:, (corner + step) % 3]] for step in (1, 2))
        np.add.at(areas, model.faces[:, corner], np.cross(after, last) / 6)
    mass = np.einsum("vc,vcs->s", areas, shape)
    height = shape[vertices[:, 1].argmax(), 1] - shape[vertices[:, 1].argmin(), 1]
    mass -= mass @ height / max(height @ height, 1e-12) * height
    return mass / np.linalg.norm(mass)


def skin_volume(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> float:
    """Volume (m³) inside the largest connected part of a mesh; eyeballs are other parts and lie inside."""
    _, part = connected_components(
        coo_matrix((np.ones(3 * len(faces)), (faces.ravel(), np.roll(faces, 1, axis=1).ravel())), [len(vertices)] * 2)
    )
    skin = faces[part[faces[:, 0]] == np.bincount(part[faces[:, 0]]).argmax()]
    vertices, skin = close_holes(vertices, skin)
    return float(trimesh.Trimesh(vertices, skin, process=False).volume)


def close_holes(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]
) -> tuple[Float[np.ndarray, "more 3"], Int[np.ndarray, "more 3"]]:
    """Fill every hole with a fan around the mean of its rim, so that the mesh encloses a volume."""
    edges = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    count = len(vertices)
    opposite = np.isin(edges[:, 0] * count + edges[:, 1], edges[:, 1] * count + edges[:, 0])
    rim = edges[~opposite]
    if not len(rim):
        return vertices, faces
    _, hole = connected_components(coo_matrix((np.ones(len(rim)), tuple(rim.T)), [count] * 2))
    holes, member = np.unique(hole[rim[:, 0]], return_inverse=True)
    centers = np.stack([vertices[rim[member == at, 0]].mean(0) for at in range(len(holes))])
    fan = np.column_stack([rim[:, 1], rim[:, 0], count + member])
    return np.concatenate([vertices, centers]), np.concatenate([faces, fan])
