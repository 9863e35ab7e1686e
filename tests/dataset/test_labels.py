"""Labels of arrays, and of the miniature run whose motion is known."""

import numpy as np
import pytest

from odah_gen.dataset.labels import angle_columns, confidence, kinematic_labels, pelvis_translation
from odah_gen.skeleton.table import body_names, coordinate_names, joint_names


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
