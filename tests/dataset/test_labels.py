"""Labels of arrays, and of the miniature run whose motion is known."""

from dataclasses import replace

import numpy as np
import pytest

from odah_gen.body.model import find_body_model
from odah_gen.config import View, to_mapping
from odah_gen.dataset.labels import angle_columns, confidence, kinematic_labels, pelvis_translation
from odah_gen.dataset.labels_stage import frame_vertices, write_labels
from odah_gen.dataset.schema import LABEL_ARRAYS, array_problems, expand_cameras, finished_clip_files, json_problems
from odah_gen.dataset.verify import verify_clip
from odah_gen.errors import InputError
from odah_gen.run import open_run
from odah_gen.scene.cameras import in_picture, place_cameras, project, to_camera, write_cameras
from odah_gen.skeleton.mot import read_mot
from odah_gen.skeleton.table import body_names, coordinate_names, joint_names
from odah_gen.storage import read_json, read_npz, write_json, write_npz, write_yaml
from tests.dataset.conftest import write_pictures


def test_angles_are_all_coordinates_but_the_pelvis_translations():
    names = coordinate_names()
    kept = [names[column] for column in angle_columns(names)]
    assert len(kept) == 36
    assert set(names) - set(kept) == {"pelvis_tx", "pelvis_ty", "pelvis_tz"}


def test_pelvis_translations_are_found_by_name():
    names = ("pelvis_tz", "knee", "pelvis_tx", "pelvis_ty")
    np.testing.assert_array_equal(pelvis_translation(names, np.array([[3.0, 9.0, 1.0, 2.0]])), [[1, 2, 3]])


def test_confidence_is_low_where_markers_say_little_and_zero_where_locked():
    names = ("knee_angle_r", "pro_sup_l", "arm_rot_r", "mtp_angle_r", "pro_sup_r")
    assert confidence(names, {"mtp_angle_r", "pro_sup_r"}).tolist() == [1, 0.25, 0.25, 0, 0]


def test_scales_follow_the_bodies_by_name():
    frames = 2
    keypoints = {
        "time_s": np.zeros(frames),
        "valid": np.ones(frames, bool),
        "coordinate_names": np.array(coordinate_names()),
        "coordinates": np.zeros((frames, 39)),
        "body_names": np.array(body_names()),
        "joint_names": np.array(joint_names()),
        "marker_names": np.array(["C7"]),
        "joint_centers_m": np.zeros((frames, 22, 3)),
        "mass_centers_m": np.zeros((frames, 22, 3)),
        "markers_m": np.zeros((frames, 1, 3)),
        "body_rotations": np.tile(np.eye(3), (frames, 22, 1, 1)),
    }
    scales = {body: [number, 1, 1] for number, body in enumerate(body_names(), 1)}
    labels = kinematic_labels(keypoints, dict(reversed(scales.items())), set())
    assert labels["scales"][:, 0].tolist() == list(range(1, 23))
    assert labels["coordinates_rad"].shape == (frames, 36)
    with pytest.raises(KeyError):
        kinematic_labels(keypoints, {"pelvis": [1, 1, 1]}, set())


def test_the_stage_writes_the_specified_arrays(finished_run):
    for clip_id in finished_run.clips.index:
        labels = read_npz(finished_run.clip(clip_id) / "labels.npz")
        assert array_problems(labels, expand_cameras(LABEL_ARRAYS, ("front", "side"))) == []
        assert json_problems(read_json(finished_run.clip(clip_id) / "quality.json"), "quality.json") == []


def test_the_stage_keeps_what_inverse_kinematics_found(finished_run):
    folder = finished_run.clip("s02-walking-00")
    labels, keypoints = read_npz(folder / "labels.npz"), read_npz(folder / "keypoints.npz")
    motion = read_mot(folder / "kinematics.mot")
    for name, values in zip(labels["coordinate_names"], labels["coordinates_rad"].T):
        np.testing.assert_allclose(values, motion.values[:, motion.names.index(str(name))], atol=1e-9)
    np.testing.assert_array_equal(labels["joint_centers_m"], keypoints["joint_centers_m"])
    np.testing.assert_allclose(labels["pelvis_ground_m"][:, 0], 0.12 * labels["time_s"])
    np.testing.assert_allclose(labels["pelvis_yaw_first_rad"], 0, atol=1e-12)
    np.testing.assert_allclose(labels["scales"], 1.1)
    locked = labels["confidence"][[str(name).startswith("mtp") for name in labels["coordinate_names"]]]
    assert locked.tolist() == [0, 0]


def test_the_side_camera_sees_the_right_leg_before_the_left(finished_run):
    labels = read_npz(finished_run.clip("s01-walking-00") / "labels.npz")
    seen = dict(zip(map(str, labels["joint_names"]), labels["side_joint_centers_visible"].T))
    assert seen["walker_knee_r"].all()
    assert not seen["walker_knee_l"].any()
    front = dict(zip(map(str, labels["joint_names"]), labels["front_joint_centers_visible"].T))
    assert front["walker_knee_r"].all()
    assert front["walker_knee_l"].all()


def test_the_pictures_have_the_right_side_on_the_left_from_the_front(finished_run):
    labels = read_npz(finished_run.clip("s01-walking-00") / "labels.npz")
    names = [str(name) for name in labels["joint_names"]]
    right, left = (labels["front_joint_centers_px"][:, names.index(name)] for name in ("hip_r", "hip_l"))
    assert (right[:, 0] < left[:, 0]).all()
    assert (labels["front_joint_centers_px"][:, names.index("mtp_r"), 1] > right[:, 1]).all()


def test_quality_of_the_known_motion(finished_run):
    quality = read_json(finished_run.clip("s01-walking-00") / "quality.json")
    assert (quality["verdict"], quality["reasons"]) == ("pass", [])
    assert quality["ik"]["marker_rms_mm"] == pytest.approx(7)
    assert quality["ik"]["at_limit"]["knee_angle_r"] == 1
    assert quality["ik"]["at_limit"]["knee_angle_l"] == 0
    assert "arm_flex_r" not in quality["ik"]["at_limit"], "arms are not clamped"
    assert quality["contact"]["skate_m_per_s"] == pytest.approx(0.12, rel=1e-3)
    assert quality["contact"]["source_skate_m_per_s"] == quality["contact"]["skate_m_per_s"]
    assert quality["contact"]["floating_mm"] == pytest.approx(0, abs=1)
    assert quality["contact"]["penetration_mm"] == pytest.approx(0, abs=1)
    assert quality["in_mask_fraction"] == 1
    assert quality["fit"]["joint_center_p95_mm"] == 9


def test_a_camera_that_misses_a_part_of_the_body_says_how_much(run_copy):
    folder = run_copy.clip("s01-walking-00")
    views = {"front": View(0.0), "near_by": View(-60.0, distance_m=0.9, look_at_m=(1.5, 0.0, 0.3), height_m=1.4)}
    config = replace(run_copy.config, camera=replace(run_copy.config.camera, views=views))
    write_yaml(run_copy.folder / "config.yaml", to_mapping(config))
    run = open_run(run_copy.folder)
    model = find_body_model(config.body, "neutral")
    vertices = np.stack(list(frame_vertices(model, read_npz(folder / "body.npz"))))
    generator = np.random.default_rng(0)
    cameras = place_cameras(config.camera, vertices.reshape(-1, 3), lambda name: generator)
    write_cameras(folder / "cameras.json", 12.0, cameras)
    write_pictures(folder, vertices, model.faces)
    write_labels(run, "s01-walking-00")
    quality, labels = read_json(folder / "quality.json"), read_npz(folder / "labels.npz")
    assert quality["in_frame"]["front"] == {"joint_centers": 1, "skin": 1, "whole_frames": 1}
    near = cameras["near_by"]
    inside = in_picture(near, project(near, vertices))
    assert quality["in_frame"]["near_by"]["skin"] == pytest.approx(inside.mean())
    assert 0 <= inside.mean() < 0.7
    assert quality["in_frame"]["near_by"]["whole_frames"] == inside.all(1).mean()
    assert quality["in_frame_fraction"] == quality["in_frame"]["near_by"]["joint_centers"] < 0.98
    assert any("inside the picture of near_by are" in reason for reason in quality["reasons"])
    behind = ~(to_camera(near, labels["joint_centers_m"])[..., 2] > 0)
    assert np.array_equal(np.isnan(labels["near_by_joint_centers_px"]).all(-1), behind)
    assert verify_clip(run, "s01-walking-00", finished_clip_files(tuple(views))).problems == ()
    (folder / "labels.npz").unlink()
    write_cameras(folder / "cameras.json", 12.0, {"front": cameras["front"]})
    with pytest.raises(InputError, match=r"cameras\.json: has no camera near_by; it has front"):
        write_labels(run, "s01-walking-00")


def test_the_stage_names_the_damaged_file_and_writes_nothing(run_copy):
    folder = run_copy.clip("s01-walking-00")
    before = (folder / "labels.npz").read_bytes()
    arrays = read_npz(folder / "keypoints.npz")
    write_npz(folder / "keypoints.npz", **{**arrays, "coordinates": arrays["coordinates"][:, :5]})
    with pytest.raises(InputError, match=r"keypoints\.npz: coordinates has shape \[4, 5\]"):
        write_labels(run_copy, "s01-walking-00")
    assert (folder / "labels.npz").read_bytes() == before


def test_the_stage_refuses_measures_and_masks_of_another_length(run_copy):
    folder = run_copy.clip("s01-walking-00")
    for name in ("keypoints.npz", "motion.npz", "body.npz"):
        arrays = read_npz(folder / name)
        write_npz(
            folder / name,
            **{
                key: array[:3] if array.shape[:1] == (4,) and key != "world_from_source" else array
                for key, array in arrays.items()
            },
        )
    fidelity = read_json(folder / "fidelity.json")
    with pytest.raises(InputError, match=r"fidelity\.json: holds another number of frames; the clip has 3"):
        write_labels(run_copy, "s01-walking-00")
    write_json(folder / "fidelity.json", fidelity | {"frame_joint_center_mm": [4.0] * 3})
    with pytest.raises(InputError, match=r"front_mask\.mkv: has not the clip's 3 frames"):
        write_labels(run_copy, "s01-walking-00")


def test_a_frame_in_which_the_body_is_elsewhere_is_not_valid(run_copy):
    folder = run_copy.clip("s01-walking-00")
    fidelity = read_json(folder / "fidelity.json")
    write_json(folder / "fidelity.json", fidelity | {"frame_joint_center_mm": [4.0, 50.0, 4.0, 4.0]})
    write_labels(run_copy, "s01-walking-00")
    quality = read_json(folder / "quality.json")
    assert read_npz(folder / "labels.npz")["valid"].tolist() == [True, False, True, True]
    assert (quality["invalid_frames"], quality["valid_fraction"], quality["verdict"]) == ([1], 0.75, "fail")


def test_the_stage_refuses_a_mask_of_another_size(run_copy):
    path = run_copy.clip("s01-walking-00") / "cameras.json"
    content = read_json(path)
    content["cameras"]["front"]["width"] += 40
    write_json(path, content)
    with pytest.raises(InputError, match=r"front_mask\.mkv: is \d+ x \d+ px; its camera is"):
        write_labels(run_copy, "s01-walking-00")
