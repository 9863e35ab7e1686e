"""The cost of inverse kinematics and its quadratic model, against torch's automatic derivatives."""

import dataclasses

import numpy as np
import pytest
import torch

from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.marker_problem import MarkerProblem
from odah_gen.skeleton.skeleton import GROUND
from odah_gen.skeleton.worker import call
from tests.skeleton.dense_matrices import dense
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
        np.testing.assert_allclose(found.gradient[frame, problem.places], gradient, atol=1e-11)
        hessian = torch.autograd.functional.hessian(half, free)
        ours = dense(found.hessian)[frame][problem.places[:, None], problem.places]
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
    np.testing.assert_allclose(found.gradient[:, problem.places], gradient, atol=1e-9)


@pytest.mark.parametrize("locked", [{}, {"hip_rotation_r": 0.1, "lumbar_bending": 0.0, "wrist_dev_l": 0.2}])
def test_gauss_newton_is_the_square_of_the_jacobian(skeleton, locked):
    """Also with limbs of unequal length."""
    kinematics, pose, points, weights = drawn(skeleton.with_locked(locked))
    problem = MarkerProblem(kinematics)
    measured = problem.measured(points, weights)
    found = problem.quadratic(problem.state(pose, measured), measured, torch.zeros(FRAMES, dtype=torch.float64))

    def markers(free):
        full = pose[1].index_copy(0, problem.free, free)
        return kinematics.markers(kinematics.move(kinematics.complete(full[None])))[0]

    jacobian = torch.autograd.functional.jacobian(markers, pose[1, problem.free])
    square = torch.einsum("mki,m,mkj->ij", jacobian, weights[1], jacobian)
    places = problem.places
    np.testing.assert_allclose(dense(found.hessian)[1][places[:, None], places], square, atol=1e-9)
    np.testing.assert_allclose(found.gauss_newton[1, places], square.diagonal(), atol=1e-9)
