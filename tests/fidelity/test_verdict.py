"""Limits by class of action, reasons in words, frames."""

import numpy as np
import pytest

from odah_gen.config import ByClass, Fidelity, from_mapping
from odah_gen.fidelity.verdict import class_of, objections, shown_frames

LIMITS = Fidelity(joint_center_mm=ByClass(6.0, 5.0, 7.0, 9.0), angle_deg=ByClass(1.0, 1.0, 1.0, 1.0), frame_factor=2.0)
FIGURES = {
    "stance": None,
    "closed_loop": {"angle_mean_deg": 0.5, "leg_angle_mean_deg": None},
    "held_out": None,
    "segments": None,
    "landmark_frames": None,
    "landmarks": {"leg_worst_mm": 3.0, "leg_worst_joint": "hip_r"},
    "joint_centers": {"mean_mm": 5.5, "leg_worst_mm": 2.0, "leg_worst_joint": "ankle_l"},
    "markers": {"fitted_rms_mm": 3.0, "source_rms_mm": 4.0},
    "fit": {"source_vertex_mean_mm": 4.0},
    "frame_joint_center_mm": [5.0, 11.0, 13.0, None],
    "frame_angle_deg": [2.5, 0.5, 0.5, None],
    "frame_held_out_mm": None,
}


@pytest.mark.parametrize(
    ("action", "expected"),
    [("walk", "locomotion"), ("waving", "arms"), ("backflip", "acrobatic"), ("sitting", "default")],
)
def test_an_action_belongs_to_the_class_that_names_it(action, expected):
    assert class_of(Fidelity(), action) == expected


def test_a_limit_holds_for_its_class():
    assert objections(LIMITS, "default", FIGURES) == []
    assert objections(LIMITS, "acrobatic", FIGURES) == []
    sentence = "regressed joint centres: mean distance is 5.5 mm; at most 5 mm is allowed."
    assert objections(LIMITS, "locomotion", FIGURES) == [sentence]


def test_the_worst_joint_is_named():
    far = FIGURES | {"landmarks": {"leg_worst_mm": 30.0, "leg_worst_joint": "hip_r"}}
    assert objections(LIMITS, "default", far)[0].startswith("landmarks: distance of hip_r is 30 mm")


def test_a_fit_that_leaves_the_label_is_told():
    worse = FIGURES | {"markers": {"fitted_rms_mm": 4.1, "source_rms_mm": 4.0}}
    assert "4.1 mm (RMS) from the label's" in objections(LIMITS, "default", worse)[0]


def test_a_frame_is_shown_unless_one_of_its_figures_is_far_above_the_limit():
    valid = np.array([True, True, True, False])
    assert shown_frames(LIMITS, "default", FIGURES, valid).tolist() == [False, True, False, False]


def test_one_limit_of_a_class_may_be_set_alone():
    config = from_mapping({"fidelity": {"angle_deg": {"arms": 2.5}}})
    assert config.fidelity.angle_deg.arms == 2.5
    assert config.fidelity.angle_deg.default == Fidelity().angle_deg.default
    assert config.fidelity.locomotion == Fidelity().locomotion
