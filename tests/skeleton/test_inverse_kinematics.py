import numpy as np
import opensim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from odah_gen.errors import InputError
from odah_gen.skeleton.kinematics import fill_invalid, nearest_branch, pelvis_angles, rigid_fit
from odah_gen.skeleton.mot import write_mot
from odah_gen.skeleton.table import coordinate_names
from odah_gen.skeleton.trc import MarkerTrajectories

NAMES = list(coordinate_names())
COLUMN = {name: index for index, name in enumerate(NAMES)}
ROTATIONS = [index for name, index in COLUMN.items() if not name.startswith("pelvis_t") or name == "pelvis_tilt"]


def smooth_motion(random_pose, frames=6, seed=1):
    """A motion between two random poses, so that frames follow each other as in a recording."""
    ends = random_pose(2, seed=seed, spread=0.6)
    share = np.linspace(0, 1, frames)[:, None]
    return (1 - share) * ends[:1] + share * ends[1:]


def trial_of(tasks, text, motion):
    replay = tasks.replay(text, NAMES, motion)
    return MarkerTrajectories(replay.marker_names, np.arange(len(motion)) / 60, replay.markers_m)


def weights_of(layout):
    return dict(zip(layout.names, np.maximum(layout.weights, 0.01)))


@pytest.mark.parametrize("yaw", [0.0, 2.6, -3.1])
def test_known_poses_come_back_whichever_way_the_subject_faces(generic, layout, tasks, random_pose, yaw):
    motion = smooth_motion(random_pose)
    motion[:, COLUMN["pelvis_rotation"]] = yaw + np.linspace(0, 0.5, len(motion))
    solution = tasks.solve(generic, trial_of(tasks, generic, motion), weights_of(layout), 1e-7)
    difference = (solution.coordinates - motion + np.pi) % (2 * np.pi) - np.pi
    assert solution.coordinate_names == tuple(NAMES)
    assert np.rad2deg(np.abs(difference[:, ROTATIONS])).max() < 0.25
    assert np.abs(difference[:, [COLUMN[f"pelvis_t{axis}"] for axis in "xyz"]]).max() < 1e-4
    assert solution.valid.all()


def test_a_full_turn_is_followed_without_jumps(generic, layout, tasks):
    motion = np.zeros((14, 39))
    motion[:, COLUMN["pelvis_rotation"]] = np.linspace(0, 2 * np.pi, 14)
    motion[:, COLUMN["pelvis_tilt"]] = 0.3
    motion[:, COLUMN["elbow_flex_r"]] = motion[:, COLUMN["pro_sup_r"]] = 0.8
    solution = tasks.solve(generic, trial_of(tasks, generic, motion), weights_of(layout), 1e-7)
    turned = solution.coordinates[:, COLUMN["pelvis_rotation"]]
    assert np.rad2deg(np.abs(turned - motion[:, COLUMN["pelvis_rotation"]])).max() < 0.1
    assert np.rad2deg(np.abs(np.diff(solution.coordinates[:, ROTATIONS], axis=0))).max() < 35


def test_gaps_are_bridged_and_marked(generic, layout, tasks, random_pose):
    motion = smooth_motion(random_pose, frames=7)
    trial = trial_of(tasks, generic, motion)
    trial.points_m[2] = np.nan
    trial.points_m[6, 5:] = np.nan
    trial.points_m[4, 20:30] = np.nan
    solution = tasks.solve(generic, trial, weights_of(layout), 1e-7)
    assert solution.valid.tolist() == [True, True, False, True, True, True, False]
    np.testing.assert_allclose(solution.coordinates[2], (solution.coordinates[1] + solution.coordinates[3]) / 2)
    np.testing.assert_allclose(solution.coordinates[6], solution.coordinates[5])
    assert np.rad2deg(np.abs(solution.coordinates[4] - motion[4])[ROTATIONS]).max() < 0.5


def test_trials_that_cannot_be_solved_are_refused(generic, layout, tasks, random_pose):
    trial = trial_of(tasks, generic, random_pose(2))
    short = MarkerTrajectories(trial.names[1:], trial.time_s, trial.points_m[:, 1:])
    with pytest.raises(InputError, match="no marker C7"):
        tasks.solve(generic, short, weights_of(layout), 1e-7)
    with pytest.raises(InputError, match="no marker NOSE"):
        tasks.solve(generic, trial, {"NOSE": 1.0}, 1e-7)
    trial.points_m[:, :70] = np.nan
    with pytest.raises(InputError, match="No frame"):
        tasks.solve(generic, trial, weights_of(layout), 1e-7)


def test_a_written_mot_moves_the_patella_with_the_knee(generic, tasks, random_pose, tmp_path):
    """OpenSim's own way of replaying a .mot: what inDegrees=yes says is converted by the model's engine."""
    motion = random_pose(3, seed=5)
    write_mot(tmp_path / "motion.mot", NAMES, np.arange(3) / 60, motion)
    model = tasks.read_model(generic)
    state = model.initSystem()
    storage = opensim.Storage(str(tmp_path / "motion.mot"))
    model.getSimbodyEngine().convertDegreesToRadians(storage)
    wanted = tasks.replay(generic, NAMES, motion)
    for frame in range(3):
        for index, name in enumerate(NAMES):
            model.getCoordinateSet().get(name).setValue(
                state, storage.getStateVector(frame).getData().get(index), False
            )
        model.realizePosition(state)
        for body in ("patella_r", "patella_l"):
            place = model.getBodySet().get(body).getPositionInGround(state).to_numpy()
            np.testing.assert_allclose(place, wanted.body_origins_m[frame, wanted.body_names.index(body)], atol=1e-6)


def matrix(angles, axes="ZXY"):
    return Rotation.from_euler(axes, angles).as_matrix()


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
@settings(max_examples=60, deadline=None)
def test_following_a_branch_keeps_the_rotation(angles):
    names = ("pelvis_tilt", "pelvis_list", "pelvis_rotation")
    first, middle, last = angles
    far = np.array([angles, [first + np.pi, np.pi - middle, last + np.pi]])
    followed = nearest_branch(names, far)
    np.testing.assert_allclose(matrix(followed), matrix(far), atol=1e-9)
    np.testing.assert_allclose(followed[0], followed[1], atol=1e-9)


def test_an_arm_past_the_top_is_continuous():
    names = ("arm_flex_r", "arm_add_r", "arm_rot_r")
    true = np.linspace([0.0, 0.0, 0.0], [-3.0, -0.1, -3.3], 40)
    wrapped = true.copy()
    wrapped[20:] = np.stack([true[20:, 0] + np.pi, np.pi - true[20:, 1], true[20:, 2] - np.pi], axis=1)
    np.testing.assert_allclose(nearest_branch(names, wrapped), true, atol=1e-9)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_a_rigid_motion_is_found(seed):
    random = np.random.default_rng(seed)
    points, shift = random.normal(size=(4, 3)), random.normal(size=3)
    turn = Rotation.random(random_state=seed).as_matrix()
    rotation, moved = rigid_fit(points, points @ turn.T + shift)
    np.testing.assert_allclose(rotation, turn, atol=1e-9)
    np.testing.assert_allclose(moved, shift, atol=1e-9)
    np.testing.assert_allclose(matrix(pelvis_angles(turn)), turn, atol=1e-9)


def test_invalid_frames_are_interpolated_and_held():
    filled = fill_invalid(np.array([[9.0], [1.0], [9.0], [3.0], [9.0]]), np.array([False, True, False, True, False]))
    assert filled.ravel().tolist() == [1, 1, 2, 3, 3]
