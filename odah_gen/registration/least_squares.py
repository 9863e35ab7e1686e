"""Levenberg-Marquardt on problems whose normal equations have a structure: banded in time, or an arrow.

A problem says how to measure its cost, how to linearise it and how to solve one damped step; the loop is the same.
"""

from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from jaxtyping import Float
from scipy.linalg import solveh_banded
from torch import Tensor

Equations = TypeVar("Equations")


class Problem(Protocol[Equations]):
    """A least-squares problem in one flat vector of unknowns."""

    def cost(self, unknowns: Float[Tensor, " unknowns"]) -> float:
        """Half the sum of squared, weighted residuals."""

    def linearise(self, unknowns: Float[Tensor, " unknowns"]) -> Equations:
        """The normal equations at `unknowns`."""

    def step(self, equations: Equations, damping: float) -> Float[Tensor, " unknowns"]:
        """The step that solves the damped normal equations."""

    def bound(self, unknowns: Float[Tensor, " unknowns"]) -> Float[Tensor, " unknowns"]:
        """The nearest allowed unknowns."""


@dataclass(frozen=True)
class Solution:
    """The best unknowns found, their cost, and how many linearisations it took."""

    unknowns: Float[Tensor, " unknowns"]
    cost: float
    iterations: int


def minimise(
    problem: Problem[Equations],
    start: Float[Tensor, " unknowns"],
    iterations: int,
    tolerance: float = 1e-5,
    damping: float = 1e-4,
) -> Solution:
    """Levenberg-Marquardt (Marquardt 1963) until a step that needed no more damping gains less than `tolerance` of the cost.

    A step is only taken when it lowers the cost; otherwise the damping grows tenfold and the step is solved again.
    """
    unknowns, cost = start, problem.cost(start)
    for iteration in range(1, iterations + 1):
        equations = problem.linearise(unknowns)
        found = descend(problem, equations, unknowns, cost, damping)
        if found is None:
            return Solution(unknowns, cost, iteration)
        unknowns, lower, used = found
        gain, cost, eased, damping = cost - lower, lower, used <= damping, max(used / 10, 1e-9)
        if eased and gain <= tolerance * cost:
            return Solution(unknowns, cost, iteration)
    return Solution(unknowns, cost, iterations)


def descend(
    problem: Problem[Equations], equations: Equations, unknowns: Tensor, cost: float, damping: float
) -> tuple[Tensor, float, float] | None:
    """The first damped step that lowers the cost, that cost, and its damping; None when no step does."""
    while damping < 1e6:
        candidate = problem.bound(unknowns + problem.step(equations, damping))
        lower = problem.cost(candidate)
        if lower < cost:
            return candidate, lower, damping
        damping *= 10
    return None


def solve_banded(
    blocks: Float[Tensor, "frames size size"],
    couplings: Float[Tensor, "lags frames size"],
    gradient: Float[Tensor, "frames size"],
    damping: float,
) -> Float[Tensor, "frames size"]:
    """Solve (blocks on the diagonal + what couples the frames) x = −gradient, the diagonal enlarged by `damping`.

    couplings[l, t, u] couples unknown u of frame t with itself in frame t + l.

    Raises:
        numpy.linalg.LinAlgError: the matrix is not positive definite.
    """
    frames, size = gradient.shape
    # Lower diagonals beside each other, the transpose of what LAPACK's pbsv takes: handed over without a copy.
    matrix = torch.zeros(frames, size, (len(couplings) - 1) * size + 1, dtype=torch.float64)
    matrix[..., :size] = block_diagonals(blocks)
    matrix[..., ::size] += couplings.movedim(0, -1)
    matrix[..., 0] *= 1 + damping
    solved = solveh_banded(
        matrix.flatten(0, 1).numpy().T, -gradient.numpy().ravel(), lower=True, check_finite=False, overwrite_ab=True
    )
    return torch.from_numpy(solved.reshape(frames, size))


def block_diagonals(blocks: Float[Tensor, "frames size size"]) -> Float[Tensor, "frames size size"]:
    """The lower diagonals of symmetric blocks: [t, j, i] = blocks[t, j, j + i], zero beyond the block.

    In memory the entry lies at (size + 1) j + i from the block's start, so the diagonals are a view with that stride.
    """
    frames, size, _ = blocks.shape
    flat = torch.nn.functional.pad(blocks.flatten(), (0, size))
    view = flat.as_strided((frames, size, size), (size * size, size + 1, 1))
    order = torch.arange(size)
    return view * (order[:, None] + order < size)


def acceleration_couplings(frames: int, weights: Float[Tensor, " size"]) -> Float[Tensor, "3 frames size"]:
    """What Σ (w · second difference over time)² couples: each unknown with itself 0, 1 and 2 frames later.

    With fewer than three frames there is no second difference and all is zero.
    """
    along = torch.zeros(3, frames, dtype=torch.float64)
    stencil, triples = (1.0, -2.0, 1.0), max(frames - 2, 0)
    for lag in range(3):
        for first in range(3 - lag):
            along[lag, first : first + triples] += stencil[first] * stencil[first + lag]
    return along[..., None] * weights**2


def solve_arrow(
    blocks: Float[Tensor, "frames size size"],
    borders: Float[Tensor, "frames size shared"],
    corner: Float[Tensor, "shared shared"],
    gradient: Float[Tensor, "frames size"],
    shared_gradient: Float[Tensor, " shared"],
    damping: float,
) -> tuple[Float[Tensor, "frames size"], Float[Tensor, " shared"]]:
    """Solve H x = −gradient for independent frames that share some unknowns, by the Schur complement.

    H has `blocks` on its diagonal, `borders` beside them and `corner` for the shared unknowns; diagonals are enlarged
    by `damping`.
    """
    factors = torch.linalg.cholesky(blocks + damping * diagonal_part(blocks))
    reduced_border = torch.cholesky_solve(borders, factors)
    reduced_gradient = torch.cholesky_solve(gradient[..., None], factors)
    schur = corner + damping * diagonal_part(corner) - torch.einsum("tsa,tsb->ab", borders, reduced_border)
    right = shared_gradient - torch.einsum("tsa,tsi->a", borders, reduced_gradient)
    shared = -torch.cholesky_solve(right[:, None], torch.linalg.cholesky(schur))[:, 0]
    return -(reduced_gradient[..., 0] + reduced_border @ shared), shared


def diagonal_part(matrices: Float[Tensor, "*batch size size"]) -> Float[Tensor, "*batch size size"]:
    """The same matrices with everything off the diagonal zero."""
    return torch.diag_embed(torch.diagonal(matrices, dim1=-2, dim2=-1))
