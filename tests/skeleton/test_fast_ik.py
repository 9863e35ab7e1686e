"""Inverse kinematics of whole clips: known motions come back, through turns, gimbal lock, gaps and limits."""

import dataclasses

import numpy as np
import pytest
import torch

from odah_gen.body.static_trial import standing_translation
from odah_gen.body.trajectories import skin_trajectories
from odah_gen.errors import InputError
from odah_gen.skeleton.anatomy import turned
from odah_gen.skeleton.cross_check import weighted_objective
from odah_gen.skeleton.fast_ik import solve, solve_clips
from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.kinematics import nearest_branch, nearest_triple, nearest_triples
from odah_gen.skeleton.trc import MarkerTrajectories
from odah_gen.skeleton.worker import call

FRAMES = 90
TIME_S = np.arange(FRAMES) / 30


@pytest.fixture(scope="session")
def skeleton(scaled_woman):
    return call("read_skeleton", text=scaled_woman.text)


@pytest.fixture(scope="session")
def weights(layout):
    return {name: float(weight) for name, weight in zip(layout.names, layout.weights) if weight > 0}


def swinging(skeleton, seed=0, share=0.25):
    """A motion of all coordinates about the middle of their ranges."""
    random = np.random.default_rng(seed)
    low = np.where(skeleton.clamped, skeleton.lower, -1.0)
    high = np.where(skeleton.clamped, skeleton.upper, 1.0)
    count = len(low)
    phase = 2 * np.pi * TIME_S[:, None] * random.uniform(0.1, 0.6, count) + random.uniform(0, 6, count)
    motion = (low + high) / 2 + share * (high - low) * np.sin(phase)
    motion[:, skeleton.locked] = skeleton.defaults[skeleton.locked]
    return motion


def moved(skeleton, motion, noise_m=0.0):
    """The coupled motion and the markers it gives."""
    kinematics = ForwardKinematics(skeleton)
    motion = kinematics.complete(torch.as_tensor(motion))
    points = kinematics.markers(kinematics.move(motion)).numpy()
    points = points + noise_m * np.random.default_rng(1).normal(size=points.shape)
    return motion.numpy(), MarkerTrajectories(skeleton.marker_names, TIME_S[: len(points)], points)


def column(skeleton, name):
    return skeleton.coordinate_names.index(name)


@pytest.mark.parametrize("seed", range(4))
def test_a_known_motion_comes_back(skeleton, weights, seed):
    truth, trial = moved(skeleton, swinging(skeleton, seed))
    found = solve(skeleton, trial, weights)
    errors = np.rad2deg(np.abs(found.coordinates - nearest_branch(skeleton.coordinate_names, truth)))
    assert found.valid.all()
    assert errors[:, skeleton.rotational].mean() < 0.001
    assert errors[:, skeleton.rotational].max() < 0.01


def test_the_minimum_is_opensims_and_not_higher(skeleton, scaled_woman, weights):
    _, trial = moved(skeleton, swinging(skeleton, 2), noise_m=0.008)
    found = solve(skeleton, trial, weights)
    frames = [0, 31, 62, 89]
    theirs = call("check_frames", text=scaled_woman.text, trial=trial, weights=weights, frames=frames)
    ours = weighted_objective(weights, trial, found)[frames]
    assert (ours <= theirs.objectives * (1 + 1e-9)).all()
    near = nearest_branch(found.coordinate_names, np.vstack([found.coordinates[frames], theirs.coordinates]))[4:]
    np.testing.assert_allclose(
        np.rad2deg(np.sin(near - found.coordinates[frames])), 0, atol=0.02, err_msg="angles differ"
    )


def test_two_full_circles_are_counted(skeleton, weights):
    motion = swinging(skeleton, 1, 0.1)
    motion[:, column(skeleton, "pelvis_rotation")] = np.linspace(0, 4 * np.pi, FRAMES)
    truth, trial = moved(skeleton, motion)
    found = solve(skeleton, trial, weights).coordinates
    np.testing.assert_allclose(found, truth, atol=1e-4)


@pytest.mark.parametrize("name", ["pelvis_list", "arm_add_r"])
def test_through_gimbal_lock_the_body_turns_steadily(skeleton, weights, name):
    """The middle angle passes 90°: orientations stay exact; the three angles are one of the two triples."""
    motion = swinging(skeleton, 3, 0.1)
    motion[:, column(skeleton, name)] = np.deg2rad(np.linspace(60, 121, FRAMES)) * (-1 if "arm" in name else 1)
    truth, trial = moved(skeleton, motion)
    found = solve(skeleton, trial, weights)
    kinematics = ForwardKinematics(skeleton)
    expected = kinematics.move(torch.as_tensor(truth)).rotations.numpy()
    np.testing.assert_allclose(found.replay.body_rotations, expected, atol=2e-4)


def test_any_heading_and_lying_down(skeleton, weights):
    motion = swinging(skeleton, 5, 0.1)
    motion[:, column(skeleton, "pelvis_rotation")] += np.linspace(0, 6, FRAMES) % 2 * 3
    motion[:, column(skeleton, "pelvis_tilt")] -= np.pi / 2
    _, trial = moved(skeleton, motion)
    found = solve(skeleton, trial, weights)
    assert weighted_objective(weights, trial, found).max() < 1e-8


def test_a_cartwheel_is_followed(skeleton, weights):
    """The pelvis goes through gimbal lock twice, head down, with arms and legs spread."""
    motion = swinging(skeleton, 8, 0.1)
    motion[:, column(skeleton, "pelvis_list")] = np.linspace(0, 2 * np.pi, FRAMES)
    motion[:, column(skeleton, "pelvis_tilt")] = 0.3
    for side in "rl":
        motion[:, column(skeleton, f"arm_add_{side}")] = -2.6
        motion[:, column(skeleton, f"hip_adduction_{side}")] = -0.8
    truth, trial = moved(skeleton, motion)
    found = solve(skeleton, trial, weights)
    expected = ForwardKinematics(skeleton).move(torch.as_tensor(truth)).rotations.numpy()
    np.testing.assert_allclose(found.replay.body_rotations, expected, atol=2e-4)


@pytest.mark.parametrize("raised_deg", [155, 175])
def test_an_arm_raised_to_overhead_with_the_collar_bone(skeleton, weights, woman, layout, raised_deg):
    """The free body's skin: the shoulder of the mesh rises, the model's cannot, and the trunk must not give way."""
    betas = np.zeros(16)
    turns = (("right_collar", (0, 0, -25)), ("right_shoulder", (-raised_deg, 0, 0)))
    poses = turned(woman, betas, turns, np.linspace(0, 1, FRAMES))
    trans = np.repeat(standing_translation(woman, betas, poses[:1]), FRAMES, 0)
    trial = skin_trajectories(woman, betas, poses, trans, TIME_S, (layout.names, layout.vertex_ids(woman)))
    found = np.rad2deg(solve(skeleton, trial, weights).coordinates)
    arm = found[:, [column(skeleton, name) for name in ("arm_flex_r", "arm_add_r", "arm_rot_r", "elbow_flex_r")]]
    trunk = found[:, [column(skeleton, f"lumbar_{name}") for name in ("extension", "bending", "rotation")]]
    assert np.abs(np.diff(arm, axis=0)).max() < 5
    np.testing.assert_allclose(arm[-1, 0], raised_deg, atol=12)
    assert np.abs(arm[:, 3] - arm[0, 3]).max() < 12
    assert np.abs(trunk - trunk[0]).max() < 3


def clamped(skeleton, names, limit):
    """The skeleton with some coordinates kept within ± limit (rad)."""
    columns = [column(skeleton, name) for name in names]
    arrays = {key: getattr(skeleton, key).copy() for key in ("lower", "upper", "clamped")}
    for key, value in (("lower", -limit), ("upper", limit), ("clamped", True)):
        arrays[key][columns] = value
    return dataclasses.replace(skeleton, **arrays)


def test_a_pelvis_that_is_clamped_stays_in_its_range(skeleton, weights):
    """Within the range nothing changes; a subject who faces beyond it cannot be followed, and is not flipped out."""
    pelvis = ("pelvis_tilt", "pelvis_list", "pelvis_rotation")
    narrow = clamped(skeleton, pelvis, np.pi / 2)
    motion = swinging(skeleton, 4, 0.1)
    motion[:, column(skeleton, "pelvis_rotation")] = np.deg2rad(np.linspace(-85, 85, FRAMES))
    truth, trial = moved(narrow, motion)
    np.testing.assert_allclose(solve(narrow, trial, weights).coordinates, truth, atol=1e-4)
    motion[:, column(skeleton, "pelvis_rotation")] += np.deg2rad(150)
    _, trial = moved(narrow, motion)
    found = solve(narrow, trial, weights).coordinates[:, [column(skeleton, name) for name in pelvis]]
    assert np.abs(found).max() < np.pi / 2 + 1e-9


def test_a_branch_is_not_followed_out_of_the_range():
    names = ("pelvis_tilt", "pelvis_list", "pelvis_rotation")
    angles = np.deg2rad([[80.0, 80, 80], [-80, 85, -80]])
    free = np.deg2rad([[80.0, 80, 80], [100, 95, 100]])
    limits = np.full(3, -np.pi / 2), np.full(3, np.pi / 2)
    np.testing.assert_allclose(nearest_branch(names, angles), free)
    np.testing.assert_array_equal(nearest_branch(names, angles, limits), angles)


@pytest.mark.parametrize("seed", range(3))
def test_wide_motions_end_in_no_wrong_minimum(skeleton, weights, seed):
    """All joints through their whole range, pelvis and arms through all orientations."""
    wide = clamped(skeleton, [name for name in skeleton.coordinate_names if name.startswith("arm_")], np.pi)
    motion = swinging(wide, 20 + seed, 0.5)
    for number, name in enumerate(("tilt", "list", "rotation")):
        motion[:, column(skeleton, f"pelvis_{name}")] += np.linspace(0, 2 + number, FRAMES)
    _, trial = moved(skeleton, motion)
    found = solve(skeleton, trial, weights)
    assert weighted_objective(weights, trial, found).max() < 1e-8


def test_limits_locks_and_couplers_hold(skeleton, weights):
    motion = swinging(skeleton, 6, 0.45)
    _, trial = moved(skeleton, motion, noise_m=0.02)
    held = {"subtalar_angle_r": 0.1}
    found = solve(skeleton, trial, weights, held).coordinates
    clamped = skeleton.clamped
    assert (found[:, clamped] >= skeleton.lower[clamped] - 1e-9).all()
    assert (found[:, clamped] <= skeleton.upper[clamped] + 1e-9).all()
    np.testing.assert_array_equal(found[:, column(skeleton, "subtalar_angle_r")], 0.1)
    np.testing.assert_allclose(
        found[:, column(skeleton, "knee_angle_l_beta")], found[:, column(skeleton, "knee_angle_l")], atol=1e-12
    )


def test_gaps_are_bridged_and_hopeless_frames_are_named(skeleton, weights):
    truth, trial = moved(skeleton, swinging(skeleton, 7, 0.15))
    random = np.random.default_rng(0)
    lost = random.uniform(size=trial.points_m.shape[:2]) < 0.1
    lost[:, skeleton.marker_bodies == skeleton.root] = False
    trial.points_m[lost] = np.nan
    trial.points_m[40:43] = np.nan
    found = solve(skeleton, trial, weights)
    assert not found.valid[40:43].any()
    assert found.valid.sum() == FRAMES - 3
    np.testing.assert_allclose(found.coordinates[found.valid], truth[found.valid], atol=1e-4)
    np.testing.assert_allclose(found.coordinates[41], (found.coordinates[39] + found.coordinates[43]) / 2, atol=1e-12)


def test_a_trial_without_markers_is_refused(skeleton, weights):
    _, trial = moved(skeleton, swinging(skeleton))
    trial.points_m[:] = np.nan
    with pytest.raises(InputError, match="No frame of the trial has half of the"):
        solve(skeleton, trial, weights)


def test_many_clips_are_solved_as_one_by_one(skeleton, weights):
    trials = [moved(skeleton, swinging(skeleton, seed))[1] for seed in (0, 1)]
    together = solve_clips(skeleton, trials, weights)
    for trial, solution in zip(trials, together):
        np.testing.assert_allclose(solution.coordinates, solve(skeleton, trial, weights).coordinates, atol=1e-5)


def test_triples_follow_as_frame_by_frame():
    random = np.random.default_rng(0)
    angles = np.cumsum(random.normal(0, 0.5, (200, 3)), axis=0)
    flipped = random.uniform(size=200) < 0.5
    mixed = np.where(flipped[:, None], angles * [1, -1, 1] + np.pi, angles) + 2 * np.pi * random.integers(
        -2, 3, (200, 3)
    )
    slow, previous = [], np.zeros(3)
    for row in mixed:
        previous = nearest_triple(row, previous)
        slow.append(previous)
    np.testing.assert_allclose(nearest_triples(mixed), slow, atol=1e-9)
