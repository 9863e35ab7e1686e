"""Scale factors, marker offsets and the angles of some frames, all fitted at once.

Levenberg's and Marquardt's method on the whole problem: the angles of each frame are eliminated exactly (the Schur
complement, as in bundle adjustment: Triggs et al. 2000, doi 10.1007/3-540-44480-7_21), which leaves one small system
for what all frames share. It is the method of variable projection, with second-order terms left out.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from odah_gen.skeleton.joint_fit_priors import Belief, FactorPrior, OffsetPrior
from odah_gen.skeleton.joint_fit_problem import MarkerFit, Normal, Unknowns

ITERATIONS = 40
ENOUGH = 1e-4
"""A step that lowers the cost by a smaller share than this is the last."""
FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-3, 1e-9, 1e6
LARGEST_TURN_RAD = 0.5
BOUND_ROUNDS = 2


@dataclass(frozen=True)
class Prior:
    """What is believed of factors and offsets."""

    factors: FactorPrior
    offsets: OffsetPrior

    def inside(self, unknowns: Unknowns, change: Float[Tensor, " shared"]) -> Float[Tensor, " shared"]:
        """The part of a change of factors and offsets that stays inside all limits."""
        count = len(unknowns.factors)
        factors = self.factors.inside(unknowns.factors, change[:count])
        offsets = self.offsets.inside(unknowns.offsets_m, change[count:].unflatten(0, (-1, 3)))
        return torch.cat([factors, offsets.flatten()])


@dataclass(frozen=True)
class Progress:
    """Unknowns, the misses of the markers there [F, M, 3], and the cost with all beliefs."""

    unknowns: Unknowns
    misses: Float[Tensor, "frames markers 3"]
    cost: float


@dataclass(frozen=True)
class Fitted:
    """The end of a fit.

    Attributes:
        unknowns: factors, offsets, coordinates.
        factor_sd: [K] posterior standard deviation of the factors, given the stated spreads.
    """

    unknowns: Unknowns
    factor_sd: Float[Tensor, " groups"]


def fit_jointly(problem: MarkerFit, prior: Prior, start: Unknowns) -> Fitted:
    """Lower the cost until it stays.

    Args:
        problem: the markers.
        prior: what is believed beforehand.
        start: angles near the truth.
    """
    at, damping = measure(problem, prior, start), FIRST_DAMPING
    for _ in range(ITERATIONS):
        normal, beliefs = problem.normal(at.unknowns, at.misses), believed(prior, at.unknowns)
        reached = None
        while reached is None and damping < MOST_DAMPING:
            following = measure(problem, prior, step(problem, prior, at.unknowns, normal, beliefs, damping))
            if following.cost < at.cost:
                reached, damping = following, max(damping / 10, LEAST_DAMPING)
            else:
                damping *= 10
        if reached is None:
            break
        done = at.cost - reached.cost < ENOUGH * at.cost
        at = reached
        if done:
            break
    normal, beliefs = problem.normal(at.unknowns, at.misses), believed(prior, at.unknowns)
    return Fitted(at.unknowns, shared_sd(normal, beliefs)[: len(at.unknowns.factors)])


def measure(problem: MarkerFit, prior: Prior, unknowns: Unknowns) -> Progress:
    """Misses and cost at some unknowns."""
    misses = problem.misses(unknowns)
    cost = problem.cost(unknowns, misses) + believed(prior, unknowns).cost
    return Progress(unknowns, misses, cost)


def believed(prior: Prior, unknowns: Unknowns) -> Belief:
    """The beliefs about factors and offsets as one."""
    factors, offsets = prior.factors.belief(unknowns.factors), prior.offsets.belief(unknowns.offsets_m)
    return Belief(
        torch.block_diag(factors.curvature, offsets.curvature),
        torch.cat([factors.right, offsets.right]),
        factors.cost + offsets.cost,
    )


def step(
    problem: MarkerFit, prior: Prior, unknowns: Unknowns, normal: Normal, beliefs: Belief, damping: float
) -> Unknowns:
    """One damped step, kept inside all bounds."""
    angles = normal.angles + damping * torch.diag_embed(normal.angles.diagonal(dim1=-2, dim2=-1) + 1.0)
    normal = dataclasses.replace(normal, angles=angles)
    at = unknowns.coordinates[:, problem.columns]

    def inside(change: Float[Tensor, " shared"]) -> Float[Tensor, " shared"]:
        return prior.inside(unknowns, change)

    change, turn = solved(normal, beliefs, damping, inside)
    for _ in range(BOUND_ROUNDS):
        bounded = problem.bounded(at + turn) - at
        # Coordinates that would leave their range go to its end, and the others are found anew.
        change, turn = solved(stopped(normal, bounded, (bounded - turn).abs() > 1e-9), beliefs, damping, inside)
    turn = problem.bounded(at + turn) - at
    turn = turn * (LARGEST_TURN_RAD / turn.abs().amax(dim=-1, keepdim=True).clamp(min=1e-12)).clamp(max=1.0)
    change, count = inside(change), len(unknowns.factors)
    return Unknowns(
        unknowns.factors + change[:count],
        unknowns.offsets_m + change[count:].unflatten(0, (-1, 3)),
        unknowns.coordinates.index_add(1, problem.columns, turn),
    )


def solved(
    normal: Normal, beliefs: Belief, damping: float, inside: Callable[[Tensor], Tensor]
) -> tuple[Float[Tensor, " shared"], Float[Tensor, "frames n"]]:
    """Changes of what all frames share and of the angles.

    As for angles: what would leave its limits goes as far as `inside` lets it, and everything else is found anew.
    """
    matrix, right = reduced(normal, beliefs)
    matrix = matrix + damping * torch.diag(matrix.diagonal())
    change = torch.linalg.solve(matrix, right)
    which, given = torch.zeros_like(change, dtype=torch.bool), torch.zeros_like(change)
    for _ in range(BOUND_ROUNDS):
        held = inside(change)
        cut = ~which & ((held - change).abs() > 1e-9)
        which, given = which | cut, torch.where(cut, held, given)
        moving = (~which).to(matrix)
        rest = torch.where(which, given, right - matrix @ given)
        change = torch.linalg.solve(matrix * moving[:, None] * moving + torch.diag(which.to(matrix)), rest)
    return change, torch.linalg.solve(normal.angles, normal.angles_right - normal.mixed @ change)


def stopped(normal: Normal, turn: Float[Tensor, "frames n"], which: Bool[Tensor, "frames n"]) -> Normal:
    """The normal equations with some angles' changes given."""
    given, moving = turn * which, (~which).to(turn)
    left = normal.angles_right - (normal.angles @ given[..., None])[..., 0]
    return Normal(
        normal.angles * moving[:, :, None] * moving[:, None] + torch.diag_embed(which.to(turn)),
        torch.where(which, turn, left),
        normal.mixed * moving[..., None],
        normal.shared,
        normal.shared_right - torch.einsum("fns,fn->s", normal.mixed, given),
    )


def reduced(normal: Normal, beliefs: Belief) -> tuple[Tensor, Tensor]:
    """The system of what all frames share, with the angles eliminated: curvature and right-hand side."""
    factor = torch.linalg.cholesky(normal.angles)
    whitened = torch.linalg.solve_triangular(
        factor, torch.cat([normal.mixed, normal.angles_right[..., None]], dim=-1), upper=False
    ).flatten(0, 1)
    mixed, right = whitened[:, :-1], whitened[:, -1]
    matrix = normal.shared + beliefs.curvature - mixed.T @ mixed
    return matrix, normal.shared_right + beliefs.right - mixed.T @ right


def shared_sd(normal: Normal, beliefs: Belief) -> Float[Tensor, " shared"]:
    """Standard deviations of factors and offsets, from the inverse of the curvature."""
    angles = normal.angles + LEAST_DAMPING * torch.diag_embed(normal.angles.diagonal(dim1=-2, dim2=-1) + 1.0)
    normal = dataclasses.replace(normal, angles=angles)
    return torch.linalg.inv(reduced(normal, beliefs)[0]).diagonal().clamp(min=0).sqrt()
