"""Shape components: principal components of many people at rest."""

import numpy as np
from jaxtyping import Float

from odah_gen.body.free.makehuman import SKIN, MakeHuman
from odah_gen.body.free.phenotypes import draw_phenotypes, shape_vertices, target_coefficients
from odah_gen.body.free.smoothing import Patch, smooth_patch
from odah_gen.body.free.tpose import rest_pose

COMPONENTS = 20


def rest_people(
    source: MakeHuman, gender: str, people: int, generator: np.random.Generator
) -> tuple[Float[np.ndarray, "people vertices 3"], Float[np.ndarray, "people 55 3"]]:
    """Random adults of a gender in the rest pose: all vertices, helpers included, and joints (m)."""
    coefficients = target_coefficients(source, draw_phenotypes(people, gender, generator))
    patch = smooth_patch(source.groups["body"].quads)
    posed = [rest_person(source, patch, row) for row in coefficients]
    return np.stack([vertices for vertices, _ in posed]), np.stack([joints for _, joints in posed])


def rest_person(
    source: MakeHuman, patch: Patch, coefficients: Float[np.ndarray, " targets"]
) -> tuple[Float[np.ndarray, "vertices 3"], Float[np.ndarray, "55 3"]]:
    """One person in the rest pose, with smooth nipples."""
    posed, joints = rest_pose(source, patch.smooth(shape_vertices(source, coefficients)))
    return posed.astype(np.float32), joints


def principal_components(
    source: MakeHuman, people: Float[np.ndarray, "people vertices 3"]
) -> tuple[Float[np.ndarray, "vertices 3"], Float[np.ndarray, "vertices 3 components"]]:
    """Mean and components of unit-variance coefficients, by size; positive means taller.

    The components are those of skin and eyes; the helpers (tights) follow by regression on the same coefficients.
    """
    mean = people.mean(0)
    spread = (people[:, source.body] - mean[source.body]).reshape(len(people), -1).astype(np.float64)
    _, scores = np.linalg.eigh(spread @ spread.T)
    kept = min(COMPONENTS, len(people) - 1)
    scores = scores[:, ::-1][:, :kept] * np.sqrt(len(people))
    components = np.einsum("pk,pvc->vck", scores, people - mean) / len(people)
    return mean, components * taller(mean, components)


def taller(
    mean: Float[np.ndarray, "vertices 3"], components: Float[np.ndarray, "vertices 3 components"]
) -> Float[np.ndarray, " components"]:
    """The sign of each component that makes a positive coefficient the taller body."""
    height, gain = mean[:SKIN, 1], components[:SKIN, 1]
    difference = np.ptp(height[:, None] + gain, axis=0) - np.ptp(height[:, None] - gain, axis=0)
    return np.where(difference < 0, -1.0, 1.0)
