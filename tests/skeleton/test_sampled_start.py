"""Starts of inverse kinematics from sampled positions, frame by frame, without neighbours."""

import dataclasses

import numpy as np
import pytest
import torch

from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.marker_problem import MarkerProblem
from odah_gen.skeleton.minimise import minimise
from odah_gen.skeleton.sampled_start import SAMPLES, SampledStart, cost_factors, cost_terms
from odah_gen.skeleton.worker import call

FRAMES = 60


@pytest.fixture(scope="session")
def skeleton(generic):
    return call("read_skeleton", text=generic)


def unrelated(skeleton, seed):
    """Frames that have nothing to do with each other: all of the ranges, all headings, far away."""
    random = np.random.default_rng(seed)
    lower = np.where(skeleton.clamped, skeleton.lower, -np.pi)
    upper = np.where(skeleton.clamped, skeleton.upper, np.pi)
    pose = random.uniform(lower, upper, (FRAMES, len(lower)))
    pose[:, ~skeleton.rotational] *= 10
    kinematics = ForwardKinematics(skeleton)
    pose = kinematics.complete(torch.as_tensor(pose))
    return kinematics, pose, kinematics.markers(kinematics.move(pose))


def measured_by(problem, points):
    return problem.measured(points, torch.ones(points.shape[:2], dtype=points.dtype))


def test_frames_without_neighbours_reach_the_truth(skeleton):
    """From the default pose many do not."""
    kinematics, _, points = unrelated(skeleton, 0)
    problem = MarkerProblem(kinematics)
    measured = measured_by(problem, points)
    found = minimise(problem, measured, SampledStart(problem).coordinates(measured))
    standing = torch.as_tensor(skeleton.defaults).repeat(FRAMES, 1)
    assert (found.cost < 1e-8).sum() >= FRAMES - 2
    assert (minimise(problem, measured, standing).cost < 1e-8).sum() < 0.75 * FRAMES


def test_starts_obey_limits_and_locks_and_stay_at_defaults_where_nothing_was_seen(skeleton):
    held = skeleton.with_locked({"lumbar_bending": 0.2})
    kinematics, _, points = unrelated(held, 1)
    problem = MarkerProblem(kinematics)
    points[:, [number for number, name in enumerate(held.marker_names) if name in ("RTO1", "RTO3", "RTO5")]] = torch.nan
    start = SampledStart(problem).coordinates(measured_by(problem, points)).numpy()
    lower, upper = held.limits
    assert ((start >= lower - 1e-12) & (start <= upper + 1e-12)).all()
    assert (start[:, held.coordinate_names.index("lumbar_bending")] == 0.2).all()
    toes = held.coordinate_names.index("mtp_angle_r")
    assert (start[:, toes] == held.defaults[toes]).all()


def test_the_linear_cost_is_the_sum_over_markers(skeleton):
    problem = MarkerProblem(ForwardKinematics(skeleton))
    link = next(link for link in SampledStart(problem).links if len(link.sliding[0]) == 0)
    random = np.random.default_rng(0)
    model, seen = torch.tensor(random.normal(size=(5, 3))), torch.tensor(random.normal(size=(2, 5, 3)))
    weight = torch.tensor(random.uniform(1, 2, (2, 5)))
    total = weight.sum(dim=1)
    model_mean = (weight @ model) / total[:, None]
    seen_mean = (weight[..., None] * seen).sum(dim=1) / total[:, None]
    apart = model - model_mean[:, None], seen - seen_mean[:, None]
    product = torch.einsum("fm,fmi,fmj->fij", weight, *apart)
    costs = cost_factors(total, model_mean, seen_mean, product) @ cost_terms(link.placements, link.sliding[1])
    places = torch.einsum("kij,mj->kmi", link.placements.rotation, model) + link.placements.origin_m[:, None]
    expected = torch.einsum("fm,fkm->fk", weight, (places[None] - seen[:, None]).square().sum(dim=-1))
    assert costs.shape == (2, SAMPLES)
    np.testing.assert_allclose(costs - costs[:, :1], expected - expected[:, :1], atol=1e-9)


def test_a_root_that_cannot_slide_is_sampled_within_its_limits(skeleton):
    """The pelvis may be clamped in place, too; then shifts are looked up like angles."""
    arrays = {key: getattr(skeleton, key).copy() for key in ("lower", "upper", "clamped")}
    columns = [skeleton.coordinate_names.index(f"pelvis_t{axis}") for axis in "xyz"]
    arrays["lower"][columns], arrays["upper"][columns], arrays["clamped"][columns] = -1.0, 2.0, True
    boxed = dataclasses.replace(skeleton, **arrays)
    kinematics = ForwardKinematics(boxed)
    pose = torch.as_tensor(boxed.defaults).repeat(1, 1)
    pose[:, columns] = torch.tensor([1.5, 0.2, -0.7], dtype=pose.dtype)
    problem = MarkerProblem(kinematics)
    measured = measured_by(problem, kinematics.markers(kinematics.move(kinematics.complete(pose))))
    found = minimise(problem, measured, SampledStart(problem).coordinates(measured))
    np.testing.assert_allclose(found.coordinates[0, columns], pose[0, columns], atol=1e-5)
