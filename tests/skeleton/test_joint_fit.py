import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.known_scales import known_scales
from odah_gen.body.trajectories import skin_trajectories
from odah_gen.registration.bank import draw_body
from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.joint_fit import Prior, fit_jointly
from odah_gen.skeleton.joint_fit_priors import (
    LARGEST_SHIFT_M,
    LARGEST_TURN_RAD,
    FactorPrior,
    barrier,
    offset_prior,
    rigid_modes,
    segments_of,
)
from odah_gen.skeleton.joint_fit_problem import MarkerFit, Observations, Unknowns, turned
from odah_gen.skeleton.joint_fit_slopes import AngleSlopes
from odah_gen.skeleton.sampled_frames import spread_frames
from odah_gen.skeleton.scale_groups import FOLLOWED, scale_groups
from odah_gen.skeleton.scaled_skeleton import scaled_skeleton
from odah_gen.skeleton.scaling import LARGEST_OFFSET_M
from odah_gen.skeleton.static import static_with_centers
from odah_gen.skeleton.subject import scale_to_static
from odah_gen.skeleton.trc import MarkerTrajectories

STEP = 1e-6


@pytest.fixture(scope="module")
def skeleton(generic, tmp_path_factory):
    from odah_gen.skeleton import opensim_tasks

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("skeleton"))
        return opensim_tasks.read_skeleton(generic)


@pytest.fixture(scope="module")
def groups(skeleton):
    return scale_groups(skeleton.body_names)


@pytest.fixture(scope="module")
def prior(skeleton, groups, layout):
    segments = segments_of(layout.bodies, skeleton.marker_locations_m, layout.weights)
    count = len(groups.names)
    free = torch.full((count,), torch.inf, dtype=torch.float64)
    factors = FactorPrior(torch.ones(count, dtype=torch.float64), -free, free)
    return Prior(factors, offset_prior(layout.offset_sd_m, segments, len(layout.names), torch.float64))


@pytest.fixture
def draw(skeleton, groups, random_pose):
    """Draws unknowns and the markers that they give, seen with a standard deviation."""

    def drawn(frames, sd_m, seed=0):
        random = np.random.default_rng(seed)
        truth = Unknowns(
            torch.as_tensor(1 + random.normal(0, 0.04, len(groups.names))),
            torch.as_tensor(random.normal(0, 0.0002, (len(skeleton.marker_names), 3))),
            torch.as_tensor(random_pose(frames, seed)),
        )
        kinematics, scales = ForwardKinematics(skeleton), torch.as_tensor(groups.spread) @ truth.factors
        pose = kinematics.move(truth.coordinates, scales)
        points = kinematics.markers(pose, scales) + turned(pose.rotations[:, kinematics.marker_bodies], truth.offsets_m)
        return truth, problem_of(skeleton, groups, points, sd_m)

    return drawn


def problem_of(skeleton, groups, points, sd_m):
    clamped = torch.as_tensor(skeleton.clamped)
    frames, coordinates = len(points), len(skeleton.coordinate_names)
    observations = Observations(
        points_m=points,
        information=torch.full(points.shape[:2], sd_m**-2.0, dtype=torch.float64),
        free=torch.ones(frames, coordinates, dtype=torch.bool),
        lower=torch.where(clamped, torch.as_tensor(skeleton.lower), -torch.inf),
        upper=torch.where(clamped, torch.as_tensor(skeleton.upper), torch.inf),
        neutral=torch.zeros(frames, coordinates, dtype=torch.float64),
    )
    return MarkerFit(ForwardKinematics(skeleton), torch.as_tensor(groups.spread), observations)


def nudged(unknowns, seed=1, size=0.01):
    random = np.random.default_rng(seed)

    def near(values):
        return values + size * torch.as_tensor(random.normal(0, 1, tuple(values.shape)))

    return Unknowns(near(unknowns.factors), unknowns.offsets_m, near(unknowns.coordinates))


def test_slopes_are_those_of_finite_differences(skeleton, random_pose):
    random = np.random.default_rng(0)
    kinematics = ForwardKinematics(skeleton)
    columns = [c for c in range(39) if c not in skeleton.coupled]
    scales = torch.as_tensor(1 + random.normal(0, 0.1, (22, 3)))
    at = torch.as_tensor(random_pose(3))

    def markers(coordinates):
        return kinematics.markers(kinematics.move(kinematics.complete(coordinates), scales), scales)

    pose = kinematics.move(at, scales)
    slopes = AngleSlopes(kinematics, columns)(at, scales, pose, markers(at))
    for index, column in enumerate(columns):
        ahead = torch.zeros(39, dtype=torch.float64)
        ahead[column] = STEP
        expected = (markers(at + ahead) - markers(at - ahead)) / (2 * STEP)
        torch.testing.assert_close(slopes[..., index], expected, atol=1e-8, rtol=0)


def test_the_normal_equations_pull_down_the_cost(draw, prior):
    """Right-hand sides are the negative slopes of the whole cost in every direction."""
    truth, problem = draw(2, 0.005)
    at = nudged(truth)
    normal = problem.normal(at, problem.misses(at))
    pull = torch.cat([normal.shared_right + shared_pull(prior, at), (normal.angles_right).flatten()])
    random = np.random.default_rng(3)
    count, shared = len(at.factors), len(normal.shared_right)
    for _ in range(5):
        way = torch.as_tensor(random.normal(0, 1, len(pull)))

        def cost(length, way=way):
            turn = way[shared:].reshape(len(at.coordinates), -1)
            moved = Unknowns(
                at.factors + length * way[:count],
                at.offsets_m + length * way[count:shared].reshape(-1, 3),
                at.coordinates.index_add(1, problem.columns, length * turn),
            )
            own = prior.factors.belief(moved.factors).cost + prior.offsets.belief(moved.offsets_m).cost
            return problem.cost(moved, problem.misses(moved)) + own

        slope = (cost(1e-7) - cost(-1e-7)) / 2e-7
        assert slope == pytest.approx(-float(pull @ way), rel=1e-4)


def shared_pull(prior, at):
    return torch.cat([prior.factors.belief(at.factors).right, prior.offsets.belief(at.offsets_m).right])


def test_exact_markers_give_the_truth_back(draw, prior):
    """Nearly noise-free markers outweigh what is believed beforehand."""
    truth, problem = draw(30, 1e-6)
    start = dataclasses.replace(nudged(truth, size=0.05), factors=torch.ones_like(truth.factors))
    start = dataclasses.replace(start, offsets_m=torch.zeros_like(start.offsets_m))
    found = fit_jointly(problem, prior, start).unknowns
    assert float((problem.misses(found)).abs().max()) < 1e-4
    long = [
        name.split()[1] == "Y" and name.split()[0] in ("femur", "tibia", "humerus") for name in scale_names(problem)
    ]
    np.testing.assert_allclose(found.factors[long], truth.factors[long], atol=0.01)


def scale_names(problem):
    return scale_groups(problem.kinematics.skeleton.body_names).names


def test_a_coordinate_ends_at_its_range(draw, prior, skeleton):
    truth, problem = draw(4, 0.002)
    knee, tight = skeleton.coordinate_names.index("knee_angle_r"), problem.observations.upper.clone()
    tight[knee] = float(truth.coordinates[:, knee].min()) - 0.1
    problem.observations = dataclasses.replace(problem.observations, upper=tight)
    truth.coordinates[:, knee] = tight[knee] - 0.1
    found = fit_jointly(problem, prior, truth).unknowns
    assert float(found.coordinates[:, knee].max()) == pytest.approx(float(tight[knee]), abs=1e-9)


def test_a_factor_ends_at_its_limit(draw, prior, groups):
    truth, problem = draw(4, 0.002)
    femur, upper = groups.names.index("femur Y"), prior.factors.upper.clone()
    upper[femur] = truth.factors[femur] - 0.03
    limited = dataclasses.replace(prior, factors=dataclasses.replace(prior.factors, upper=upper))
    found = fit_jointly(problem, limited, dataclasses.replace(truth, factors=truth.factors.clamp(max=upper))).unknowns
    assert float(found.factors[femur]) == pytest.approx(float(upper[femur]))


@given(st.lists(st.floats(-0.0045, 0.0045), min_size=3, max_size=3))
def test_the_barrier_is_quadratic_inside_and_infinite_from_the_limit_on(vector):
    at = torch.tensor([vector], dtype=torch.float64)
    sd, limit = torch.tensor([0.002], dtype=torch.float64), torch.tensor([0.01], dtype=torch.float64)
    own = barrier(at, sd, limit)
    assert own.cost >= 0.5 * float(at.square().sum()) / 0.002**2 * (1 - 1e-9)
    way = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64)
    ahead, back = (barrier(at + sign * 1e-8 * way, sd, limit) for sign in (1, -1))
    assert (ahead.cost - back.cost) / 2e-8 == pytest.approx(-float((own.pull * way).sum()), rel=1e-4, abs=1e-3)
    bend = (back.pull - ahead.pull) / 2e-8
    np.testing.assert_allclose(bend[0], own.curvature[0] @ way[0], rtol=1e-3, atol=1)
    assert barrier(torch.tensor([[0.01, 0, 0]], dtype=torch.float64), sd, limit).cost == torch.inf


def test_rigid_modes_find_a_shift_and_a_turn():
    random = np.random.default_rng(0)
    places, weights = random.normal(0, 0.1, (6, 3)), random.uniform(0.1, 10, 6)
    shift, turn = np.array([0.001, -0.002, 0.003]), np.array([0.01, 0.02, -0.01])
    field = shift + np.cross(turn, places - np.average(places, axis=0, weights=weights))
    np.testing.assert_allclose(rigid_modes(places, weights) @ field.ravel(), [*shift, *turn], atol=1e-12)


def test_a_turn_about_the_line_through_two_markers_counts_for_nothing():
    places = np.array([[0.0, 0.0, 0.0], [0.0, 0.2, 0.0]])
    modes = rigid_modes(places, np.ones(2))
    np.testing.assert_allclose(modes[4], 0, atol=1e-9)
    assert np.abs(modes[3]).max() > 1


def test_small_bodies_follow_and_sides_are_equal(groups, skeleton):
    factors = np.random.default_rng(0).uniform(0.9, 1.1, len(groups.names))
    scales = dict(zip(skeleton.body_names, groups.scales(factors)))
    for body in skeleton.body_names:
        np.testing.assert_array_equal(scales[body], scales[body.replace("_l", "_r")])
    for first, others in FOLLOWED.items():
        for other, axis in (name.split() for name in others):
            assert scales[f"{other}_r"]["XYZ".index(axis)] == scales[f"{first}_r"]["XYZ".index(axis)]
    np.testing.assert_allclose(groups.gather(np.array(list(scales.values()))), factors)


def test_a_scaled_skeleton_is_opensims_scaled_model(skeleton, generic, tasks, random_pose):
    random = np.random.default_rng(1)
    scales, offsets = 1 + random.normal(0, 0.1, (22, 3)), random.normal(0, 0.01, (len(skeleton.marker_names), 3))
    factors = dict(zip(skeleton.body_names, scales.tolist()))
    text = tasks.apply_scales(generic, factors, 70.0, skeleton.marker_names, offsets)
    poses = random_pose(4)
    theirs = tasks.replay(text, skeleton.coordinate_names, poses)
    ours = ForwardKinematics(scaled_skeleton(skeleton, scales, offsets))
    pose = ours.move(torch.as_tensor(poses))
    np.testing.assert_allclose(ours.markers(pose), theirs.markers_m, atol=1e-12)
    np.testing.assert_allclose(pose.joint_centers_m, theirs.joint_centers_m, atol=1e-12)
    np.testing.assert_allclose(ours.mass_centers(pose), theirs.mass_centers_m, atol=1e-12)
    model = tasks.read_model(text)
    assert model.getTotalMass(model.initSystem()) == pytest.approx(70.0)


def test_frames_are_spread_over_poses_and_gaps_are_passed(skeleton, random_pose):
    kinematics = ForwardKinematics(skeleton)
    poses = torch.as_tensor(np.repeat(random_pose(4), 10, axis=0))
    points = kinematics.markers(kinematics.move(poses)).numpy() + np.random.default_rng(0).normal(0, 1e-4, (40, 85, 3))
    points[5] = np.nan
    clip = MarkerTrajectories(skeleton.marker_names, np.arange(40) / 30, points)
    shown = spread_frames(skeleton, [clip], skeleton.marker_names, 4)
    nearest = [int(np.abs(points[::10] - row).sum(axis=(1, 2)).argmin()) for row in shown.points_m]
    assert sorted(nearest) == [0, 1, 2, 3]
    np.testing.assert_array_equal(spread_frames(skeleton, [clip], skeleton.marker_names, 4).points_m, shown.points_m)
    assert len(spread_frames(skeleton, [clip], skeleton.marker_names, 100).time_s) == 39
    assert len(spread_frames(skeleton, [], skeleton.marker_names, 4).time_s) == 0


@pytest.mark.parametrize("seed", [3, 8])
def test_known_scales_come_back_from_displaced_markers(seed):
    found = known_scales(seed, frames=150)
    assert found["fit"].factor_error < 0.025
    assert found["fit"].center_error_m < 0.006
    assert found["fit"].factor_error < 0.5 * found["tool"].factor_error
    assert found["fit"].center_error_m < 0.7 * found["tool"].center_error_m


@pytest.fixture(scope="module")
def moving_woman(woman, layout):
    """A woman's markers in poses of the bank, a tenth of them unseen, and her model with and without them."""
    body = draw_body(woman, 8, np.random.default_rng(4))
    points = (layout.names, layout.vertex_ids(woman))
    clip = skin_trajectories(woman, body.betas, body.poses, body.trans, np.arange(float(len(body.poses))), points)
    clip.points_m[np.random.default_rng(0).random(clip.points_m.shape[:2]) < 0.1] = np.nan
    return scale_to_static(layout, static_with_centers(woman, body.betas, layout), 60.0, motions=[clip])


def test_offsets_of_a_moving_subject_are_held(moving_woman, layout):
    report = moving_woman.report["joint_fit"]
    offsets = np.linalg.norm(list(moving_woman.report["marker_offsets_mm"].values()), axis=1)
    assert offsets.max() <= 1000 * LARGEST_OFFSET_M
    assert np.median(offsets) < 10
    assert report["offset_median_mm"] < 10
    for part in report["rigid_offsets"].values():
        assert part["shift_mm"] < 1000 * LARGEST_SHIFT_M
        assert part["turn_deg"] < np.rad2deg(LARGEST_TURN_RAD)


def test_a_moving_subject_follows_its_markers_better_and_still_stands(moving_woman):
    report = moving_woman.report["joint_fit"]
    assert report["marker_rms_after_mm"] < 0.85 * report["marker_rms_before_mm"]
    angles = moving_woman.report["static_angles_deg"]
    assert max(abs(angles[name]) for name in angles if name.startswith(("hip", "knee", "ankle", "lumbar"))) < 5.5


def test_the_model_file_has_the_factors_and_places_that_are_reported(moving_woman, generic, tasks, layout):
    offsets = np.array(list(moving_woman.report["marker_offsets_mm"].values())) / 1000
    again = tasks.apply_scales(generic, moving_woman.scales, 60.0, layout.names, offsets)
    poses = np.zeros((1, 39))
    theirs, ours = (
        tasks.replay(text, tasks.read_skeleton(text).coordinate_names, poses) for text in (again, moving_woman.text)
    )
    np.testing.assert_allclose(ours.joint_centers_m, theirs.joint_centers_m, atol=1e-9)
    np.testing.assert_allclose(ours.markers_m, theirs.markers_m, atol=2e-5)
