"""The cost of inverse kinematics and its quadratic model, against torch's automatic derivatives."""

import dataclasses

import numpy as np
import pytest
import torch

from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.marker_problem import MarkerProblem
from odah_gen.skeleton.minimise import bounded_solve
from odah_gen.skeleton.skeleton import GROUND
from odah_gen.skeleton.worker import call
from tests.skeleton.random_models import random_model

FRAMES = 3


@pytest.fixture(scope="session")
def skeleton(generic):
    return call("read_skeleton", text=generic)


@pytest.fixture(params=["skin", "patella"])
def carrying(request, skeleton):
    """The skeleton with the markers of the list, and with one on the kneecap, which follows the knee."""
    if request.param == "skin":
        return skeleton
    bodies = skeleton.marker_bodies.copy()
    bodies[-1] = skeleton.body_names.index("patella_l")
    return dataclasses.replace(skeleton, marker_bodies=bodies)


def drawn(skeleton, spread=0.7):
    kinematics = ForwardKinematics(skeleton)
    random = np.random.default_rng(4)
    pose = kinematics.complete(torch.tensor(random.uniform(-spread, spread, (FRAMES, len(skeleton.coordinate_names)))))
    points = kinematics.markers(kinematics.move(pose)) + torch.tensor(random.normal(0, 0.03, (FRAMES, 1, 3)))
    points = points + torch.tensor(random.normal(0, 0.02, points.shape))
    points[0, 3] = torch.nan
    weights = torch.tensor(random.uniform(0, 10, points.shape[:2]))
    return kinematics, pose, points, weights


def obvious_cost(kinematics, pose, points, weights):
    """Σ weight |model − measured|², marker by marker."""
    seen = torch.isfinite(points).all(dim=-1)
    apart = (kinematics.markers(kinematics.move(kinematics.complete(pose))) - points.nan_to_num()).square().sum(dim=-1)
    return (apart * weights * seen).sum(dim=-1)


def test_cost_gradient_and_curvature_are_those_of_the_sum_over_markers(carrying):
    kinematics, pose, points, weights = drawn(carrying)
    problem = MarkerProblem(kinematics)
    measured = problem.measured(points, weights)
    state = problem.state(pose, measured)
    np.testing.assert_allclose(state.cost, obvious_cost(kinematics, pose, points, weights), rtol=1e-12)
    found = problem.quadratic(state, measured, torch.ones(FRAMES, dtype=torch.float64))
    for frame in range(FRAMES):

        def half(free, frame=frame):
            full = pose[frame].index_copy(0, problem.free, free)
            return obvious_cost(kinematics, full[None], points[frame, None], weights[frame, None])[0] / 2

        free = pose[frame, problem.free]
        gradient = torch.autograd.functional.jacobian(half, free)
        np.testing.assert_allclose(found.gradient[frame], gradient, atol=1e-11)
        hessian = torch.autograd.functional.hessian(half, free)
        ours = found.hessian[frame].tril() + found.hessian[frame].tril(-1).T
        knees = [k for k, c in enumerate(problem.free.tolist()) if "knee" in carrying.coordinate_names[c]]
        apart = (ours - hessian).abs()
        # Several axes of a knee bend each other; that part is left out.
        assert apart[knees, knees].max() < 0.1 * hessian[knees, knees].abs().max()
        apart[knees, knees] = 0
        assert apart.max() < 1e-9, apart.max()


@pytest.mark.parametrize("seed", range(4))
def test_any_joint_and_function_has_its_gradient(seed, tasks):
    """Random models: oblique axes, splines, several axes of one coordinate, coupled shifts, markers on ground."""
    skeleton = tasks.read_skeleton(tasks.model_text(random_model(seed)))
    kinematics, pose, points, weights = drawn(skeleton)
    problem = MarkerProblem(kinematics)
    measured = problem.measured(points, weights)
    state = problem.state(pose, measured)
    still = (weights * torch.isfinite(points).all(dim=-1))[:, skeleton.marker_bodies == GROUND]
    apart = (points - kinematics.marker_locations)[:, skeleton.marker_bodies == GROUND].square().sum(dim=-1)
    ground = (still * apart.nan_to_num()).sum(dim=-1)
    np.testing.assert_allclose(state.cost + ground, obvious_cost(kinematics, pose, points, weights), rtol=1e-9)
    found = problem.quadratic(state, measured, torch.ones(FRAMES, dtype=torch.float64))

    def half(free):
        full = pose.index_copy(1, problem.free, free)
        return obvious_cost(kinematics, full, points, weights).sum() / 2

    gradient = torch.autograd.functional.jacobian(half, pose[:, problem.free])
    np.testing.assert_allclose(found.gradient, gradient, atol=1e-9)


def test_gauss_newton_is_the_square_of_the_jacobian(skeleton):
    kinematics, pose, points, weights = drawn(skeleton)
    problem = MarkerProblem(kinematics)
    measured = problem.measured(points, weights)
    found = problem.quadratic(problem.state(pose, measured), measured, torch.zeros(FRAMES, dtype=torch.float64))

    def markers(free):
        full = pose[1].index_copy(0, problem.free, free)
        return kinematics.markers(kinematics.move(kinematics.complete(full[None])))[0]

    jacobian = torch.autograd.functional.jacobian(markers, pose[1, problem.free])
    square = torch.einsum("mki,m,mkj->ij", jacobian, weights[1], jacobian)
    np.testing.assert_allclose(found.hessian[1].tril(), square.tril(), atol=1e-9)
    np.testing.assert_allclose(found.gauss_newton[1], square.diagonal(), atol=1e-9)


def boxed(gradient_size):
    random = np.random.default_rng(0)
    root = torch.tensor(random.normal(size=(50, 6, 6)))
    matrix = root @ root.mT + 0.5 * torch.eye(6, dtype=torch.float64)
    gradient = gradient_size * torch.tensor(random.normal(size=(50, 6)))
    reach = (torch.full_like(gradient, -0.4), torch.full_like(gradient, 0.3))
    stiffness = torch.full((50, 1), 1e9, dtype=torch.float64)
    found, solved, _ = bounded_solve(matrix.tril(), gradient, stiffness, reach)
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
