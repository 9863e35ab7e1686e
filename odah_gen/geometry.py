"""Vectors and surfaces: the few formulae that several stages share."""

import numpy as np
from jaxtyping import Float, Int


def unit(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Vectors scaled to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def shortest_arc(
    start: Float[np.ndarray, "*batch 3"], end: Float[np.ndarray, "*batch 3"]
) -> Float[np.ndarray, "*batch 3 3"]:
    """The smallest rotations that take directions to directions; not defined for opposite ones.

    Rodrigues' formula with (1 − cos) / sin² = 1 / (1 + cos), which has no pole at equal directions.
    """
    start, end = unit(start), unit(end)
    cross = np.cross(np.eye(3), np.cross(start, end)[..., None, :])
    cosine = np.sum(start * end, axis=-1)[..., None, None]
    return np.eye(3) + cross + cross @ cross / (1 + cosine)


def vertex_normals(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]
) -> Float[np.ndarray, "vertices 3"]:
    """Unit normals, each the area-weighted mean of its faces' normals; zero where a vertex has no face."""
    first, second, third = (vertices[faces[:, corner]] for corner in range(3))
    of_face = np.cross(second - first, third - first)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], of_face)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
