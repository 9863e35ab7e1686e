"""Training of a joint regressor: non-negative weights with sum 1, and their error on samples that are left out.

The least squares of a joint enter through normal equations that are summed group by group, so that leaving a body or
a share of the poses out costs a subtraction instead of a new system.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import nnls
from scipy.sparse import csr_array

SUM_WEIGHT = 10.0
"""Weight (m) of the row that asks for a sum of 1, against residuals in metres."""
RIDGE = 0.002
"""Penalty (m) on the weights, which spreads a centre over several vertices; below the error of the targets."""
SMALLEST_WEIGHT = 1e-4


@dataclass(frozen=True)
class RowSums:
    """What the least squares of one joint need of some samples.

    Attributes:
        matrix: [n, n] products of the candidates' places, summed over samples and axes (m²).
        right: [n] products of the candidates' places with the centre's (m²).
        samples: how many.
    """

    matrix: Float[np.ndarray, "candidates candidates"]
    right: Float[np.ndarray, " candidates"]
    samples: int

    def without(self, others: "RowSums") -> "RowSums":
        """The sums of the samples that are not among the others."""
        return RowSums(self.matrix - others.matrix, self.right - others.right, self.samples - others.samples)


def candidate_vertices(
    vertices: Float[np.ndarray, "samples vertices 3"],
    center: Float[np.ndarray, "samples 3"],
    owner_weights: Float[np.ndarray, " vertices"],
    radius_m: float,
    count: int,
    generator: np.random.Generator,
) -> Int[np.ndarray, " candidates"]:
    """At most `count` vertices of a ring, drawn evenly from all of it: the nearest alone would lie on one side.

    Args:
        vertices: meshes in many shapes and poses (m).
        center: the joint's centre in each (m).
        owner_weights: skinning weight of each vertex on the ring's joints.
        radius_m: greatest mean distance from the centre.
        count: most candidates.
        generator: for the draw.
    """
    distance = np.linalg.norm(vertices - center[:, None], axis=-1).mean(0)
    ring = np.flatnonzero((distance < radius_m) & (owner_weights >= 0.5))
    return ring if len(ring) <= count else np.sort(generator.choice(ring, count, replace=False))


def row_sums(vertices: Float[np.ndarray, "samples candidates 3"], center: Float[np.ndarray, "samples 3"]) -> RowSums:
    """Sum up samples.

    Everything is taken relative to the mean candidate of its sample, which changes nothing when the weights sum to 1
    and keeps the problem well scaled.
    """
    origin = vertices.mean(1, dtype=np.float64)
    rows = (vertices - origin[:, None]).transpose(0, 2, 1).reshape(-1, vertices.shape[1])
    return RowSums(rows.T @ rows, rows.T @ (center - origin).ravel(), len(vertices))


def solve_sums(sums: RowSums) -> Float[np.ndarray, " candidates"]:
    """Non-negative weights with sum 1 that carry the candidates to the centre, by least squares (Lawson and Hanson)."""
    count, share = len(sums.right), 1 / (3 * sums.samples)
    matrix = share * sums.matrix + SUM_WEIGHT**2 + RIDGE**2 * np.eye(count)
    factor = np.linalg.cholesky(matrix)
    weights, _ = nnls(factor.T, np.linalg.solve(factor, share * sums.right + SUM_WEIGHT**2))
    weights[weights < SMALLEST_WEIGHT] = 0.0
    return weights / weights.sum()


def solve_row(
    vertices: Float[np.ndarray, "samples candidates 3"], center: Float[np.ndarray, "samples 3"]
) -> Float[np.ndarray, " candidates"]:
    """The weights of one joint, see `solve_sums`."""
    return solve_sums(row_sums(vertices, center))


def train_weights(
    vertices: Float[np.ndarray, "samples vertices 3"],
    centers: Float[np.ndarray, "samples joints 3"],
    candidates: Sequence[Int[np.ndarray, " candidates"]],
) -> csr_array:
    """Solve every joint on its candidates; the result is sparse, [joints, vertices]."""
    rows = [solve_row(vertices[:, ids], centers[:, joint]) for joint, ids in enumerate(candidates)]
    joints = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    weights = csr_array(
        (np.concatenate(rows), (joints, np.concatenate(candidates))), shape=(len(rows), vertices.shape[1])
    )
    weights.eliminate_zeros()
    weights.sort_indices()
    return weights


def held_out_centers(
    vertices: Float[np.ndarray, "samples vertices 3"],
    centers: Float[np.ndarray, "samples joints 3"],
    candidates: Sequence[Int[np.ndarray, " candidates"]],
    groups: Int[np.ndarray, " samples"],
) -> Float[np.ndarray, "samples joints 3"]:
    """The joint centres of every sample (m), by weights that were trained without the sample's group."""
    found = np.empty(centers.shape)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    for joint, ids in enumerate(candidates):
        points, wanted = vertices[:, ids], centers[:, joint]
        sums, parts = row_sums(points, wanted), [row_sums(points[rows], wanted[rows]) for rows in members]
        for rows, part in zip(members, parts):
            found[rows, joint] = np.einsum("v,svc->sc", solve_sums(sums.without(part)), points[rows])
    return found
