"""Newton's method on many frames at once: each ends as if it were alone, at a minimum within its limits."""

import numpy as np
import pytest
import torch

from odah_gen.skeleton.arrowhead import Arrowhead
from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.marker_problem import MarkerProblem
from odah_gen.skeleton.minimise import bounded_solve, bounds_of, minimise
from odah_gen.skeleton.worker import call

FRAMES = 40


@pytest.fixture(scope="session")
def skeleton(generic):
    return call("read_skeleton", text=generic)


@pytest.fixture(scope="session")
def noisy(skeleton):
    """A problem, measured markers 15 mm off, and the pose that they are of."""
    kinematics = ForwardKinematics(skeleton)
    random = np.random.default_rng(2)
    lower, upper = (
        np.where(skeleton.clamped, limit, sign) for limit, sign in ((skeleton.lower, -1), (skeleton.upper, 1))
    )
    pose = kinematics.complete(torch.tensor(random.uniform(lower, upper, (FRAMES, len(lower)))))
    points = kinematics.markers(kinematics.move(pose))
    points = points + 0.015 * torch.tensor(random.normal(size=points.shape))
    problem = MarkerProblem(kinematics)
    return problem, problem.measured(points, torch.ones(points.shape[:2], dtype=torch.float64)), pose


def test_what_is_free_has_no_slope_and_what_is_at_a_limit_presses_outwards(noisy):
    problem, measured, pose = noisy
    found = minimise(problem, measured, pose)
    state = problem.state(found.coordinates, measured)
    slope = problem.quadratic(state, measured, torch.zeros(FRAMES, dtype=torch.float64)).gradient
    values, bounds = found.coordinates[:, problem.padded], bounds_of(problem)
    at_lower, at_upper = values <= bounds.lower, values >= bounds.upper
    assert found.done.all()
    assert (values >= bounds.lower).all()
    assert (values <= bounds.upper).all()
    assert (at_lower | at_upper).sum() > FRAMES
    assert slope[~at_lower & ~at_upper].abs().max() < 1e-6
    assert slope[at_lower].min() > -1e-9
    assert slope[at_upper].max() < 1e-9
    np.testing.assert_allclose(found.cost, state.cost, rtol=1e-12)


def test_a_frame_ends_where_it_ends_alone(noisy):
    problem, measured, pose = noisy
    together = minimise(problem, measured, pose)
    for frame in (3, 17):
        rows = torch.tensor([frame])
        alone = minimise(problem, measured.frames(rows), pose[rows])
        np.testing.assert_allclose(alone.coordinates[0], together.coordinates[frame], atol=1e-5)


def test_a_start_that_is_far_costs_no_more_in_the_end(noisy):
    problem, measured, pose = noisy
    from_truth = minimise(problem, measured, pose)
    shaken = pose + 0.2 * torch.tensor(np.random.default_rng(0).normal(size=pose.shape))
    from_far = minimise(problem, measured, shaken)
    same = (from_far.cost - from_truth.cost).abs() < 1e-6 * from_truth.cost
    assert same.sum() >= FRAMES - 2


def test_too_few_steps_are_told(noisy):
    problem, measured, pose = noisy
    found = minimise(problem, measured, pose, most_steps=1)
    assert not found.done.all()
    assert (found.cost <= problem.state(pose, measured).cost + 1e-12).all()


def as_trunk(matrix):
    """Matrices without limbs."""
    empty = torch.zeros(len(matrix), 0, 0, 0, dtype=matrix.dtype)
    return Arrowhead(empty, torch.zeros(len(matrix), 0, matrix.shape[1], dtype=matrix.dtype), matrix.tril())


def boxed(gradient_size):
    random = np.random.default_rng(0)
    root = torch.tensor(random.normal(size=(50, 6, 6)))
    matrix = root @ root.mT + 0.5 * torch.eye(6, dtype=torch.float64)
    gradient = gradient_size * torch.tensor(random.normal(size=(50, 6)))
    reach = (torch.full_like(gradient, -0.4), torch.full_like(gradient, 0.3))
    stiffness = torch.full((50, 1), 1e9, dtype=torch.float64)
    found, solved, _ = bounded_solve(as_trunk(matrix), gradient, stiffness, reach)
    assert solved.all()
    return matrix, gradient, reach, found


def test_a_step_that_meets_no_bound_is_newtons():
    matrix, gradient, _, found = boxed(0.01)
    np.testing.assert_allclose(found, -torch.linalg.solve(matrix, gradient), rtol=1e-9)


def test_a_step_that_meets_bounds_is_the_least_within_them():
    """What is free has no slope; what is at a bound presses against it (Karush, Kuhn and Tucker)."""
    matrix, gradient, (down, up), found = boxed(1.0)
    slope = (matrix @ found[..., None])[..., 0] + gradient
    at_lower, at_upper = found < down + 1e-7, found > up - 1e-7
    assert (found >= down - 1e-7).all()
    assert (found <= up + 1e-7).all()
    assert (at_lower | at_upper).any(dim=1).float().mean() > 0.5
    assert slope[~at_lower & ~at_upper].abs().max() < 1e-9
    assert slope[at_lower].min() > 0
    assert slope[at_upper].max() < 0
