"""The check against OpenSim tells agreement from difference, and worse minima from better ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odah_gen.config import InverseKinematics
from odah_gen.skeleton.cross_check import (
    FrameSolutions,
    compared,
    coordinate_differences,
    spread_frames,
    summarise,
    weighted_objective,
    worse_frames,
)
from odah_gen.skeleton.ik_stage import against_opensim, solver_facts
from odah_gen.skeleton.table import coordinate_names
from odah_gen.skeleton.trc import MarkerTrajectories

NAMES = tuple(coordinate_names())
COLUMN = {name: index for index, name in enumerate(NAMES)}


@given(st.lists(st.booleans(), min_size=1, max_size=200).filter(any), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_chosen_frames_are_valid_spread_and_always_the_same(valid, count):
    valid = np.array(valid)
    chosen = spread_frames(valid, count)
    assert valid[chosen].all()
    assert len(chosen) == len(set(chosen)) == min(count, valid.sum())
    known = np.flatnonzero(valid)
    assert chosen[0] == known[0]
    assert count == 1 or chosen[-1] == known[-1]
    ranks = np.searchsorted(known, chosen)
    assert len(chosen) < 3 or np.ptp(np.diff(ranks)) <= 1
    assert (spread_frames(valid, count) == chosen).all()


def other_branch(coordinates, triple, turns=(0, 0, 0)):
    """The same pose, its triple written the other way and some whole turns away."""
    changed = coordinates.copy()
    columns = [COLUMN[name] for name in triple]
    first, middle, last = coordinates[columns]
    changed[columns] = np.array([first + np.pi, np.pi - middle, last + np.pi]) + 2 * np.pi * np.array(turns)
    return changed


def test_a_pose_does_not_differ_from_itself_written_another_way(random_pose):
    ours = random_pose(5, seed=3)
    theirs = np.array(
        [
            other_branch(row, ("arm_flex_r", "arm_add_r", "arm_rot_r"), (0, 1, -1))
            for row in (other_branch(row, ("pelvis_tilt", "pelvis_list", "pelvis_rotation"), (1, 0, 0)) for row in ours)
        ]
    )
    assert np.abs(theirs - ours).max() > 3
    assert coordinate_differences(NAMES, ours, theirs).max() < 1e-12


def solutions(coordinates, objectives, names=NAMES):
    return FrameSolutions(tuple(names), np.asarray(coordinates), np.asarray(objectives, dtype=float))


def test_the_summary_names_the_largest_difference_of_an_angle(random_pose):
    ours = random_pose(4, seed=4)
    theirs = ours.copy()
    theirs[1, COLUMN["hip_flexion_r"]] += np.deg2rad(0.03)
    theirs[2, COLUMN["arm_rot_l"]] -= np.deg2rad(0.2)
    theirs[3, COLUMN["pelvis_ty"]] += 0.0007
    theirs[3, COLUMN["knee_angle_l_beta"]] += 1.0
    order = list(reversed(range(len(NAMES))))
    found = summarise(
        np.array([0, 5, 9, 14]),
        solutions(ours, [1.0, 2.0, 3.0, 4.0]),
        solutions(theirs[:, order], [1.0, 2.2, 3.0, 3.9], [NAMES[index] for index in order]),
        restarts=1,
    )
    assert (found.frames, found.restarts, found.coordinate, found.frame) == (4, 1, "arm_rot_l", 9)
    assert found.angle_deg == pytest.approx(0.2)
    assert found.translation_mm == pytest.approx(0.7)
    assert found.objective_excess == pytest.approx(0.1 / 3.9)


def test_frames_that_opensim_could_not_solve_are_left_out(random_pose):
    ours = random_pose(3, seed=5)
    theirs = ours + np.deg2rad(0.01) * compared(NAMES)
    theirs[1] = np.nan
    objectives = [1.0, np.inf, 1.0]
    assert worse_frames(np.ones(3), np.array(objectives)).tolist() == [False, True, False]
    found = summarise(np.arange(3), solutions(ours, np.ones(3)), solutions(theirs, objectives), 1)
    assert (found.frames, found.restarts) == (2, 1)
    assert found.angle_deg == pytest.approx(0.01)
    nothing = summarise(np.arange(3), solutions(ours, np.ones(3)), solutions(theirs * np.nan, [np.inf] * 3), 3)
    assert (nothing.frames, nothing.angle_deg, nothing.objective_excess) == (0, None, None)


def test_worse_is_worse_than_rounding():
    ours = np.array([1.0, 1.0, 1.0, 1e-15])
    theirs = np.array([1.0 + 5e-7, 1.0 + 1e-5, 0.5, 1e-13])
    assert worse_frames(ours, theirs).tolist() == [False, True, False, False]


@pytest.fixture
def trial(generic, layout, tasks, random_pose):
    """Markers of three poses that differ much, each a few millimetres off, one of them unseen."""
    replay = tasks.replay(generic, NAMES, random_pose(3, seed=11, spread=0.5))
    noise = np.random.default_rng(2).normal(0, 0.004, replay.markers_m.shape)
    points = replay.markers_m + noise
    points[1, list(replay.marker_names).index("RTH1")] = np.nan
    return MarkerTrajectories(replay.marker_names, np.arange(3) / 60, points)


@pytest.fixture
def weights(layout):
    return {name: float(weight) for name, weight in zip(layout.names, layout.weights)}


def slow_objective(tasks, text, trial, weights, names, coordinates, frame):
    """OpenSim's objective, marker by marker."""
    replay = tasks.replay(text, names, coordinates[None])
    total = 0.0
    for name, weight in weights.items():
        gap = replay.markers_m[0, replay.marker_names.index(name)] - trial.column(name)[frame]
        total += weight * float(gap @ gap) if np.isfinite(gap).all() else 0.0
    return total


def test_opensim_s_frames_are_minima_that_no_frame_around_them_changes(generic, trial, weights, tasks):
    found = tasks.check_frames(generic, trial, weights, [0, 1, 2])
    alone = tasks.check_frames(generic, trial, weights, [2, 1])
    np.testing.assert_array_equal(alone.coordinates[1], found.coordinates[1])
    np.testing.assert_array_equal(alone.coordinates[0], found.coordinates[2])
    for frame in range(3):
        slow = slow_objective(tasks, generic, trial, weights, NAMES, found.coordinates[frame], frame)
        assert found.objectives[frame] == pytest.approx(slow, rel=1e-9)
    # Any small step away costs something: the square of the step, where no range ends.
    step = np.deg2rad(0.05)
    for name in ("hip_flexion_r", "lumbar_bending", "pelvis_list", "arm_rot_l"):
        for sign in (1, -1):
            moved = found.coordinates[0].copy()
            moved[COLUMN[name]] += sign * step
            assert slow_objective(tasks, generic, trial, weights, NAMES, moved, 0) > found.objectives[0]


def test_started_from_its_own_result_opensim_stays(generic, trial, weights, tasks):
    found = tasks.check_frames(generic, trial, weights, [0, 2])
    again = tasks.check_frames(generic, trial, weights, [0, 2], starts=(NAMES, found.coordinates))
    moved = coordinate_differences(NAMES, found.coordinates, again.coordinates)
    assert np.rad2deg(moved[:, compared(NAMES)]).max() < 1e-3


def test_held_coordinates_stay(generic, trial, weights, tasks):
    found = tasks.check_frames(generic, trial, weights, [0], locked={"pro_sup_r": 1.2})
    assert found.coordinates[0, COLUMN["pro_sup_r"]] == pytest.approx(1.2, abs=1e-9)
    assert found.objectives[0] > tasks.check_frames(generic, trial, weights, [0]).objectives[0]


def test_a_loose_solution_is_found_out_and_a_tight_one_passes(generic, trial, weights, tasks):
    loose, tight = (tasks.solve(generic, trial, weights, accuracy) for accuracy in (1e-5, 1e-9))
    np.testing.assert_allclose(
        weighted_objective(weights, trial, tight)[1],
        slow_objective(tasks, generic, trial, weights, NAMES, tight.coordinates[1], 1),
    )
    far, near = (against_opensim(generic, trial, weights, solution, 20) for solution in (loose, tight))
    assert (far.frames, near.frames) == (3, 3)
    assert far.angle_deg > 0.1 > 0.02 > near.angle_deg
    assert far.objective_excess > 1e-4 > 1e-6 > near.objective_excess


def test_where_opensim_ends_higher_than_ours_it_is_started_from_ours(generic, trial, weights, tasks, monkeypatch):
    """OpenSim, stopped early on its way from the neutral start, agrees when it is started from ours."""
    solution, started = tasks.solve(generic, trial, weights, 1e-9), []

    def call(name, **arguments):
        started.append(arguments.get("starts"))
        monkeypatch.setattr(tasks, "REFERENCE_ACCURACY", 1e-4 if arguments.get("starts") is None else 1e-10)
        return getattr(tasks, name)(**arguments)

    monkeypatch.setattr("odah_gen.skeleton.ik_stage.call", call)
    found = against_opensim(generic, trial, weights, solution, 2)
    assert (found.frames, found.restarts) == (2, 2)
    assert found.angle_deg < 0.02
    assert started[0] is None
    np.testing.assert_array_equal(started[1][1], solution.coordinates[[0, 2]])


def test_a_clip_that_opensim_solved_is_not_checked(generic, trial, weights, tasks):
    solution = tasks.solve(generic, trial, weights, 1e-7)
    for wanted in (InverseKinematics(engine="opensim"), InverseKinematics(engine="fast", check_frames=0)):
        facts = solver_facts(wanted, generic, trial, weights, solution)
        assert facts["engine"] == wanted.engine
        assert facts["opensim_frames"] == 0
        assert facts["opensim_difference_deg"] is None
