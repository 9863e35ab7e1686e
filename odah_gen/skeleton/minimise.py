"""Newton's method with bounds and Levenberg's damping, on the marker problems of many frames at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from odah_gen.skeleton.arrowhead import Arrowhead
from odah_gen.skeleton.marker_problem import MarkerProblem, Measured, State

TOLERANCE = 1e-6
"""A frame is done after a step in which no coordinate moved farther than this (rad, m). Convergence is quadratic: what
is left after such a step is smaller by several orders of magnitude."""
LAST_STEP = 3e-4
"""So is a frame after a nearly undamped step of second order that is no longer than this: its error is near the square."""
UNDAMPED = 1e-4
LONGEST_STEP = 0.7
"""The farthest that a coordinate moves in one step (rad, m), so that a far start stays in its basin."""
NEAR_STEP = 0.2
"""Below this step the curvature of second order is trusted; farther away Gauss and Newton's is."""
ROUNDING = 1e-15
"""Change of the cost that rounding alone can make, relative to the sums that it is the difference of."""
HELD = 1e9
"""Relative stiffness that keeps a coordinate at its bound."""
FAR_DAMPING, NEAR_DAMPING = 1e-2, 1e-5
"""Damping of the first step, relative to the diagonal of the curvature."""
SMALLEST_DAMPING, LARGEST_DAMPING = 1e-10, 1e6
BOUND_ROUNDS = 10
"""How often a step is solved again because more coordinates met a bound."""
MOST_STEPS = 100
COMPACT_BELOW = 0.7
"""When less than this share of the frames is left, the others are taken out of the arrays."""


@dataclass(frozen=True)
class Minimum:
    """Where the search ended.

    Attributes:
        coordinates: [F, N] rad and m.
        cost: [F] Σ weight |model − measured|² (m²).
        done: [F] frames that came to rest; the others ran out of steps.
    """

    coordinates: Float[Tensor, "frames coordinates"]
    cost: Float[Tensor, " frames"]
    done: Bool[Tensor, " frames"]

    def write(self, index: Tensor, state: State, done: Tensor) -> None:
        """Write down where some of the frames are."""
        self.coordinates[index], self.cost[index], self.done[index] = state.coordinates, state.cost, done

    @classmethod
    def join(cls, parts: Sequence["Minimum"]) -> "Minimum":
        """Results of one group of frames after another."""
        return cls(*(torch.cat(values) for values in zip(*(vars(part).values() for part in parts))))


@dataclass(frozen=True)
class Bounds:
    """Lowest and highest value of each free coordinate (rad, m) in the problem's order, infinite where there is none."""

    lower: Float[Tensor, " free"]
    upper: Float[Tensor, " free"]


def bounds_of(problem: MarkerProblem) -> Bounds:
    """The ranges of the clamped coordinates, as OpenSim's solver respects them."""
    kinematics = problem.kinematics
    limits = (torch.as_tensor(limit, dtype=kinematics.dtype) for limit in kinematics.skeleton.limits)
    none = torch.full((len(problem.padded),), torch.inf, dtype=kinematics.dtype, device=kinematics.device)
    lower, upper = (limit.to(kinematics.device)[problem.free] for limit in limits)
    return Bounds(none.neg().index_copy(0, problem.places, lower), none.index_copy(0, problem.places, upper))


def minimise(
    problem: MarkerProblem,
    measured: Measured,
    start: Float[Tensor, "frames coordinates"],
    near: bool = False,
    most_steps: int = MOST_STEPS,
    tolerance: float = TOLERANCE,
) -> Minimum:
    """The coordinates of least cost near `start`, each frame on its own.

    Args:
        problem: the skeleton and its markers.
        measured: the frames.
        start: [F, N]; locked coordinates keep their values.
        near: whether the start is close to the minimum, so that the first steps may be bold.
        most_steps: frames that are not done by then end where they are.
        tolerance: see TOLERANCE.
    """
    bounds = bounds_of(problem)
    inside = start[:, problem.padded].clamp(bounds.lower, bounds.upper)
    search = Search(problem, measured, problem.put(start, inside), bounds, near)
    state = search.state
    result = Minimum(state.coordinates.clone(), state.cost.clone(), torch.zeros(len(start), dtype=torch.bool))
    index = torch.arange(len(start), device=start.device)
    left = torch.ones_like(result.done)
    for _ in range(most_steps):
        if not len(index):
            break
        left = search.step(tolerance)
        if left.float().mean() < COMPACT_BELOW:
            result.write(index, search.state, ~left)
            rows = left.nonzero()[:, 0]
            index, left = index[rows], left[rows]
            search.keep(rows)
    result.write(index, search.state, ~left)
    return result


class Search:
    """The frames that are still moving, and how boldly each of them steps."""

    def __init__(self, problem: MarkerProblem, measured: Measured, start: Tensor, bounds: Bounds, near: bool) -> None:
        """Begin at `start`."""
        self.problem, self.measured, self.bounds = problem, measured, bounds
        self.state = problem.state(start, measured)
        self.slack = ROUNDING * (self.state.cost + measured.constant.sum(dim=-1))
        self.damping = torch.full_like(self.state.cost, NEAR_DAMPING if near else FAR_DAMPING)
        self.newton = torch.zeros_like(self.state.cost)
        self.quadratic = problem.quadratic(self.state, measured, self.newton)

    def step(self, tolerance: float) -> Bool[Tensor, " frames"]:
        """Try one step in each frame; true where the frame is not done."""
        moved, size, solved, bent = self._proposal()
        new = self.problem.state(moved, self.measured)
        better = solved & (new.cost <= self.state.cost + self.slack)
        bold = self.damping <= UNDAMPED
        done = better & bold & ((size <= tolerance) | ((self.newton > 0) & ~bent & (size < LAST_STEP)))
        self.state = new if bool(better.all()) else new.where(better, self.state)
        down, up = (self.damping * 0.1).clamp(min=SMALLEST_DAMPING), self.damping * 10
        self.damping = torch.where(better, down, up)
        self.newton = torch.where(better, torch.where(size < NEAR_STEP, 1.0, self.newton), 1.0 - self.newton) * solved
        left = ~done & (self.damping < LARGEST_DAMPING)
        if bool(left.any()):
            self.quadratic = self.problem.quadratic(self.state, self.measured, self.newton)
        return left

    def keep(self, index: Tensor) -> None:
        """Go on with some of the frames."""
        self.state, self.measured = self.state.frames(index), self.measured.frames(index)
        self.damping, self.newton, self.slack = self.damping[index], self.newton[index], self.slack[index]
        self.quadratic = self.quadratic.frames(index)

    def _proposal(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Coordinates to try, each frame's step, whether the damped curvature was positive, whether bounds bent the step."""
        bounds, quadratic, coordinates = self.bounds, self.quadratic, self.state.coordinates
        here, stiff = coordinates[:, self.problem.padded], quadratic.gauss_newton
        largest = stiff.amax(dim=1, keepdim=True).clamp(min=1e-30)
        extra = self.damping[:, None] * (stiff + 1e-6 * largest) + 1e-14 * largest
        reach = bounds.lower - here, bounds.upper - here
        curvature = quadratic.hessian.plus(extra)
        change, solved, bent = bounded_solve(curvature, quadratic.gradient, HELD * largest, reach)
        change = change * (LONGEST_STEP / change.abs().amax(dim=1, keepdim=True).clamp(min=LONGEST_STEP))
        there = torch.clamp(here + change, bounds.lower, bounds.upper)
        size = torch.where(solved, (there - here).abs().amax(dim=1), torch.inf)
        return self.problem.put(coordinates, there), size, solved, bent


def bounded_solve(
    curvature: Arrowhead,
    gradient: Float[Tensor, "frames free"],
    stiffness: Float[Tensor, "frames 1"],
    reach: tuple[Float[Tensor, "frames free"], Float[Tensor, "frames free"]],
) -> tuple[Float[Tensor, "frames free"], Bool[Tensor, " frames"], Bool[Tensor, " frames"]]:
    """The step within bounds that makes a quadratic model least.

    The method of primal and dual active sets (Hintermueller, Ito, Kunisch 2002, doi 10.1137/S1052623401383558): what
    would leave its range is held at the bound and all else solved again; what is held but presses inwards is let go.
    A held coordinate yields by its force over the stiffness, so that both show as a step beyond the bound.

    Args:
        curvature: damped.
        gradient: of the halved cost.
        stiffness: a large number, by which coordinates are held.
        reach: how far down and up each coordinate may go.

    Returns:
        The step, zero where the curvature was not positive; whether it was; whether the step met a bound.
    """
    down, up = reach
    side = ((up <= 0) & (gradient < 0)).to(gradient) - ((down >= 0) & (gradient > 0)).to(gradient)
    change, solved = held_solve(curvature, gradient, side, stiffness, reach)
    bent = torch.zeros_like(solved)
    for _ in range(BOUND_ROUNDS):
        beyond = (change > up).to(gradient) - (change < down).to(gradient)
        rows = ((beyond != side).any(dim=1) & solved).nonzero()[:, 0]
        if not len(rows):
            break
        side[rows], bent[rows] = beyond[rows], True
        some = down[rows], up[rows]
        again, fine = held_solve(curvature.frames(rows), gradient[rows], side[rows], stiffness[rows], some)
        change, solved = change.index_copy(0, rows, again), solved.index_copy(0, rows, fine)
    return change, solved, bent


def held_solve(
    curvature: Arrowhead, gradient: Tensor, side: Tensor, stiffness: Tensor, reach: tuple[Tensor, Tensor]
) -> tuple[Float[Tensor, "frames free"], Bool[Tensor, " frames"]]:
    """The step with some coordinates at the lower (side -1) or upper bound (1); zero and false where not positive."""
    pull = side.abs() * stiffness
    target = torch.where(side > 0, reach[1], torch.where(side < 0, reach[0], 0.0))
    change, positive = curvature.plus(pull).solve(pull * target - gradient)
    solved = positive & change.isfinite().all(dim=1)
    return torch.where(solved[:, None], change, 0.0), solved
