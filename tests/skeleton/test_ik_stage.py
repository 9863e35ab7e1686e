import numpy as np
import pandas as pd
import pytest
from scipy.spatial.transform import Rotation

from odah_gen.body.model import JOINT_NAMES
from odah_gen.body.static_trial import standing_translation, static_poses
from odah_gen.body.trajectories import skin_trajectories
from odah_gen.config import Config, InverseKinematics
from odah_gen.dataset.schema import json_problems
from odah_gen.errors import InputError
from odah_gen.frames import ground_to_world
from odah_gen.run import Run
from odah_gen.skeleton.cross_check import compared, coordinate_differences
from odah_gen.skeleton.ik_stage import solve_clip
from odah_gen.skeleton.mot import read_mot
from odah_gen.skeleton.table import body_names, joint_names
from odah_gen.skeleton.trc import MarkerTrajectories, read_trc, write_trc
from odah_gen.skeleton.worker import call
from odah_gen.storage import read_json, read_npz, write_json

BETAS = np.zeros(16)


@pytest.fixture
def run(tmp_path, scaled_woman):
    """A run of one subject and one clip of two frames, scaled."""
    run = Run(tmp_path, Config(ik=InverseKinematics(check_frames=2)))
    announce(run, 2)
    run.subject("a").mkdir(parents=True)
    (run.subject("a") / "model.osim").write_text(scaled_woman.text)
    write_json(run.subject("a") / "scaling.json", scaled_woman.report)
    return run


def moved(woman, layout, *turns, yaw_deg=0.0, frames=4):
    """The mean woman going from the static pose to one with some joints turned (model joint, rotation vector in deg)."""
    start = static_poses(woman, BETAS).reshape(55, 3)
    shares = np.linspace(0, 1, frames)
    poses = np.tile(start, (frames, 1, 1))
    for joint, turn in turns:
        index = JOINT_NAMES.index(joint)
        extra = Rotation.from_rotvec(np.deg2rad(turn) * shares[:, None])
        poses[:, index] = (extra * Rotation.from_rotvec(start[index])).as_rotvec()
    facing = Rotation.from_rotvec([0, 0, np.deg2rad(yaw_deg)])
    poses[:, 0] = (facing * Rotation.from_rotvec(poses[:, 0])).as_rotvec()
    trans = np.tile(standing_translation(woman, BETAS, start.reshape(1, 165)), (frames, 1))
    points = (layout.names, layout.vertex_ids(woman))
    return skin_trajectories(woman, BETAS, poses.reshape(frames, 165), trans, np.arange(frames) / 12, points)


def announce(run, frames, fps=12.0):
    """Let the catalogue have this clip."""
    run.remember_clips(pd.DataFrame({"clip_id": ["a-b-01"], "subject": ["a"], "frames": [frames], "fps": [fps]}))


def solved(run, trial):
    announce(run, len(trial.time_s))
    write_trc(run.clip("a-b-01") / "markers.trc", trial)
    solve_clip(run, "a-b-01")
    return read_npz(run.clip("a-b-01") / "keypoints.npz")


def change_deg(keypoints, name):
    values = keypoints["coordinates"][:, list(keypoints["coordinate_names"]).index(name)]
    return float(np.rad2deg(np.abs(values - values[0]).max()))


def rms_mm(keypoints, layout):
    return 1000 * np.sqrt(np.mean(keypoints["marker_error_m"][:, layout.weights > 0] ** 2))


def test_files_replay_in_a_fresh_process_to_the_same_places(run, woman, layout):
    turns = [("right_hip", (-30, 0, 0)), ("right_knee", (40, 0, 0)), ("left_elbow", (0, -50, 0))]
    keypoints = solved(run, moved(woman, layout, *turns))
    motion = read_mot(run.clip("a-b-01") / "kinematics.mot")
    text = (run.subject("a") / "model.osim").read_text()
    replay = call("replay", text=text, names=motion.names, coordinates=motion.values)
    for array, places in (("joint_centers_m", replay.joint_centers_m), ("mass_centers_m", replay.mass_centers_m)):
        np.testing.assert_allclose(ground_to_world(places), keypoints[array], atol=1e-4)
    assert tuple(keypoints["body_names"]) == body_names()
    assert tuple(keypoints["joint_names"]) == joint_names()
    np.testing.assert_allclose(keypoints["time_s"], np.arange(4) / 12, atol=1e-6)
    assert rms_mm(keypoints, layout) < 8
    assert change_deg(keypoints, "hip_flexion_r") == pytest.approx(30, abs=2.5)
    assert change_deg(keypoints, "knee_angle_r") == pytest.approx(40, abs=2.5)
    assert change_deg(keypoints, "elbow_flex_l") == pytest.approx(50, abs=2.5)


def test_body_rotations_turn_body_points_into_the_world(run, woman, layout):
    keypoints = solved(run, moved(woman, layout, yaw_deg=40, frames=2))
    rotations = keypoints["body_rotations"]
    np.testing.assert_allclose(
        rotations @ np.swapaxes(rotations, -1, -2), np.broadcast_to(np.eye(3), rotations.shape), atol=1e-9
    )
    pelvis = rotations[0, list(body_names()).index("pelvis")]
    # Forward is the body's x axis, up its y axis.
    assert np.rad2deg(np.arctan2(pelvis[1, 0], pelvis[0, 0])) == pytest.approx(40, abs=1)
    assert pelvis[2, 1] > 0.97


@pytest.mark.parametrize("yaw_deg", [150, -170])
def test_a_subject_may_face_any_way(run, woman, layout, yaw_deg):
    keypoints = solved(run, moved(woman, layout, yaw_deg=yaw_deg, frames=2))
    assert rms_mm(keypoints, layout) < 4
    turned = keypoints["coordinates"][0, list(keypoints["coordinate_names"]).index("pelvis_rotation")]
    assert np.rad2deg(turned) == pytest.approx(yaw_deg, abs=1)


def test_a_nod_is_no_bend_of_the_trunk(run, woman, layout):
    keypoints = solved(run, moved(woman, layout, ("neck", (20, 0, 0)), ("head", (20, 0, 0))))
    assert change_deg(keypoints, "lumbar_extension") < 1.5


def test_a_raised_arm_bends_the_trunk_little(run, woman, layout):
    """An arm raised by 120° with 25° of the collar bone."""
    turns = [("right_collar", (0, 0, -25)), ("right_shoulder", (0, 0, -120))]
    keypoints = solved(run, moved(woman, layout, *turns, frames=7))
    for name in ("lumbar_extension", "lumbar_bending", "lumbar_rotation"):
        assert change_deg(keypoints, name) < 4
    arm = np.rad2deg(np.diff(keypoints["coordinates"][:, 25:28], axis=0))
    assert np.abs(arm).max() < 90


def test_unfit_trials_are_refused_in_one_sentence(run, woman, layout):
    trial = moved(woman, layout, frames=2)
    path = run.clip("a-b-01") / "markers.trc"
    few = MarkerTrajectories(trial.names[2:], trial.time_s, trial.points_m[:, 2:])
    giant = MarkerTrajectories(trial.names, trial.time_s, 1.6 * trial.points_m)
    for wrong, told in (
        (few, "no marker C7 .and 1 more"),
        (giant, "are 1.6 times those of the subject's model, so it is another subject's"),
    ):
        write_trc(path, wrong)
        with pytest.raises(InputError, match=told) as error:
            solve_clip(run, "a-b-01")
        assert "markers.trc" in str(error.value)
    write_trc(path, MarkerTrajectories(trial.names, trial.time_s, 1000 * trial.points_m))
    with pytest.raises(InputError, match="millimetres"):
        solve_clip(run, "a-b-01")
    assert not (run.clip("a-b-01") / "keypoints.npz").exists()


def test_a_model_without_a_marker_body_or_coordinate_or_none_at_all_is_refused(run, woman, layout):
    write_trc(run.clip("a-b-01") / "markers.trc", moved(woman, layout, frames=2))
    model = run.subject("a") / "model.osim"
    whole = model.read_text()
    changes = {
        "no marker T10": whole.replace('name="T10"', 'name="T11"'),
        "no body toes_r": whole.replace('<Body name="toes_r"', '<Body name="toe"').replace("/toes_r<", "/toe<"),
        "no coordinate wrist_flex_r": whole.replace("wrist_flex_r", "bend"),
        "cannot read this model": whole[:2000],
    }
    for told, text in changes.items():
        model.write_text(text)
        with pytest.raises(InputError, match=rf"subjects/a/model\.osim: .*{told}"):
            solve_clip(run, "a-b-01")
    model.unlink()
    with pytest.raises(InputError, match="no such file"):
        solve_clip(run, "a-b-01")


def test_a_marker_without_weight_may_be_absent(run, woman, layout):
    trial = moved(woman, layout, frames=2)
    kept = [index for index, name in enumerate(trial.names) if name != "RFHD"]
    keypoints = solved(
        run, MarkerTrajectories(tuple(trial.names[i] for i in kept), trial.time_s, trial.points_m[:, kept])
    )
    column = list(keypoints["marker_names"]).index("RFHD")
    assert np.isnan(keypoints["marker_error_m"][:, column]).all()
    assert np.isfinite(keypoints["markers_m"]).all()


def test_opensim_agrees_and_ik_json_says_so(run, woman, layout):
    keypoints = solved(run, moved(woman, layout, ("right_hip", (-30, 0, 0)), ("left_elbow", (0, -50, 0))))
    facts = read_json(run.clip("a-b-01") / "ik.json")
    assert json_problems(facts, "ik.json") == []
    assert (facts["engine"], facts["opensim_frames"], facts["opensim_restarts"]) == ("fast", 2, 0)
    assert facts["opensim_difference_deg"] < 0.02
    assert facts["opensim_difference_mm"] < 0.01
    assert facts["objective_excess"] < 1e-6
    slow = Run(run.folder, Config(ik=InverseKinematics(engine="opensim", accuracy=1e-9)))
    again = solved(slow, read_trc(run.clip("a-b-01") / "markers.trc"))
    assert read_json(run.clip("a-b-01") / "ik.json")["opensim_difference_deg"] is None
    names = tuple(keypoints["coordinate_names"])
    apart = coordinate_differences(names, keypoints["coordinates"], again["coordinates"])[:, compared(names)]
    assert np.rad2deg(apart).max() < 0.05
    np.testing.assert_allclose(keypoints["joint_centers_m"], again["joint_centers_m"], atol=1e-5)


def test_a_low_pass_filter_takes_noise_from_the_angles(run, woman, layout):
    still = moved(woman, layout, frames=60)
    rate = 1.0 / (still.time_s[1] - still.time_s[0])
    noisy = MarkerTrajectories(
        still.names, still.time_s, still.points_m + np.random.default_rng(1).normal(0, 0.004, still.points_m.shape)
    )
    spread = []
    for cut_off in (None, rate / 10):
        wanted = InverseKinematics(check_frames=0, low_pass_hz=cut_off)
        keypoints = solved(Run(run.folder, Config(ik=wanted)), noisy)
        legs = [list(keypoints["coordinate_names"]).index(f"{name}_r") for name in ("hip_flexion", "ankle_angle")]
        spread.append(keypoints["coordinates"][:, legs].std(axis=0).mean())
        # Errors are told against what was measured, not against what the filter left of it.
        assert rms_mm(keypoints, layout) > 4
    assert spread[1] < 0.6 * spread[0]
    with pytest.raises(InputError, match=r"ik\.low_pass_hz: 60 is too high"):
        solved(Run(run.folder, Config(ik=InverseKinematics(low_pass_hz=60.0))), noisy)


def test_trials_of_another_length_side_or_axis_are_refused_before_they_are_solved(run, woman, layout):
    trial = moved(woman, layout, frames=2)
    path = run.clip("a-b-01") / "markers.trc"
    sides = {"R": "L", "L": "R"}
    exchanged = [sides[name[0]] + name[1:] if name[0] in sides else name for name in trial.names]
    exchanged = tuple(new if new in trial.names else name for new, name in zip(exchanged, trial.names))
    lying = trial.points_m @ np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]).T
    wrong = {
        "left and right are exchanged": MarkerTrajectories(exchanged, trial.time_s, trial.points_m),
        r"stands along \+Z": MarkerTrajectories(trial.names, trial.time_s, lying),
        "runs at 24 frames per second": MarkerTrajectories(trial.names, trial.time_s / 2, trial.points_m),
        "has 1 frames; the clip has 2": MarkerTrajectories(trial.names, trial.time_s[:1], trial.points_m[:1]),
    }
    for told, trial in wrong.items():
        write_trc(path, trial)
        with pytest.raises(InputError, match=rf"markers\.trc: .*{told}"):
            solve_clip(run, "a-b-01")
    assert not (run.clip("a-b-01") / "keypoints.npz").exists()
