"""Figures that are known, and verdicts."""

import json

import numpy as np
import pytest

from odah_gen.config import Fidelity, Quality
from odah_gen.dataset.masks import count_in_mask
from odah_gen.dataset.osim import CoordinateRange, read_outline
from odah_gen.dataset.quality import FIDELITY_SECTIONS, assemble, fraction, limit_fractions, marker_errors_mm
from odah_gen.dataset.schema import json_problems
from odah_gen.errors import InputError

CENTERS = {"mean_mm": 4.0, "p95_mm": 9.0, "leg_worst_mm": 3.0, "leg_worst_joint": "hip_r", "per_joint_mm": {}}
CONTACT = {"skate_m_per_s": 0.01, "source_skate_m_per_s": 0.01, "floating_mm": 4.0, "penetration_mm": 3.0}
SEEN = {"joint_centers": 1.0, "skin": 1.0, "whole_frames": 1.0}
GOOD = {
    "action_class": "locomotion",
    "shown": np.array([True] * 19 + [False]),
    "fidelity": dict.fromkeys(FIDELITY_SECTIONS)
    | {"joint_centers": CENTERS, "landmarks": CENTERS, "markers": {"fitted_rms_mm": 3.0, "source_rms_mm": 4.0}},
    "marker_rms_mm": 7.0,
    "marker_max_mm": 20.0,
    "at_limit": {"knee_angle_r": 0.5, "pro_sup_l": 0.51, "hip_flexion_r": 0.0},
    "solver": {
        "engine": "fast",
        "opensim_frames": 20,
        "opensim_restarts": 1,
        "opensim_difference_deg": 0.02,
        "opensim_difference_coordinate": "pro_sup_l",
        "opensim_difference_frame": 12,
        "opensim_difference_mm": 0.001,
        "objective_excess": -1e-7,
    },
    "in_frame": {"front": SEEN, "side": SEEN},
    "in_mask_fraction": 0.99,
    "contact": CONTACT,
    "fit": {
        "joint_center_mean_mm": 4.0,
        "joint_center_p95_mm": 9.0,
        "marker_mean_mm": 5.0,
        "source_vertex_mean_mm": 3.0,
        "more": 1,
    },
    "render": {"seconds_per_frame": 0.5, "engine": "eevee", "device": "none", "samples": 1},
}


def judged(**changes):
    return assemble(quality=Quality(), limits=Fidelity(), **{**GOOD, **changes})


def test_marker_rms_counts_weighted_markers_of_valid_frames():
    errors = np.array([[0.003, 0.004, 9.0], [0.003, np.nan, 9.0], [7.0, 7.0, 7.0]])
    rms, largest = marker_errors_mm(errors, np.array([1.0, 0.1, 0.05]), np.array([True, True, False]))
    assert rms == pytest.approx(1000 * np.sqrt((2 * 0.003**2 + 0.004**2) / 3))
    assert largest == pytest.approx(4.0)
    assert marker_errors_mm(errors, np.zeros(3), np.ones(3, bool)) == (None, None)


def test_limits_count_clamped_free_coordinates_at_their_ends():
    names = ["knee", "hip", "arm", "toe"]
    ranges = {
        "knee": CoordinateRange(0, 2, clamped=True, locked=False),
        "hip": CoordinateRange(-1, 1, clamped=True, locked=False),
        "arm": CoordinateRange(-1, 1, clamped=False, locked=False),
        "toe": CoordinateRange(0, 0, clamped=True, locked=True),
    }
    values = np.array([[0.0, -1.001, 3, 0], [0.001, 0, 3, 0], [0.5, 0.9999, 3, 0], [2.0, 0, 3, 0]])
    assert limit_fractions(names, values, ranges) == {"knee": 0.75, "hip": 0.5}


def is_near_the_person(mask, x, y):
    """Whether a pixel of the person has its centre less than a pixel away along both axes."""
    rows, columns = np.nonzero(mask)
    return bool(((np.abs(columns + 0.5 - x) < 1) & (np.abs(rows + 0.5 - y) < 1)).any())


def test_mask_counts_equal_a_slow_twin():
    generator = np.random.default_rng(0)
    masks = (generator.random((3, 8, 12)) < 0.2).astype(np.uint8) * 255
    points = generator.uniform(0, [12, 8], (3, 20, 2))
    counted = generator.random((3, 20)) < 0.7
    slow = [is_near_the_person(masks[t], x, y) for t in range(3) for (x, y), c in zip(points[t], counted[t]) if c]
    assert 0 < sum(slow) < len(slow)
    assert count_in_mask(masks, points, counted) == (sum(slow), len(slow))
    with pytest.raises(ValueError, match="zip"):
        count_in_mask(masks[:2], points, counted)


def test_a_good_clip_passes_and_agrees_with_the_schema():
    figures = judged()
    assert (figures["verdict"], figures["reasons"]) == ("pass", [])
    assert json_problems(json.loads(json.dumps(figures)), "quality.json") == []
    assert figures["ik"]["opensim_difference_deg"] == 0.02
    assert figures["ik"]["pinned"] == ["pro_sup_l"]
    assert figures["closed_loop"] is None
    assert (figures["valid_fraction"], figures["invalid_frames"]) == (0.95, [19])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"marker_rms_mm": 25.0}, "marker RMS is 25 mm; at most 20 mm is allowed."),
        (
            {"solver": GOOD["solver"] | {"opensim_difference_deg": 0.125}},
            "difference from OpenSim (pro_sup_l, frame 12) is 0.125 °; at most 0.1 ° is allowed.",
        ),
        ({"fit": {"source_vertex_mean_mm": 116.0}}, "mean distance from the source body is 116 mm"),
        (
            {"fidelity": GOOD["fidelity"] | {"landmarks": CENTERS | {"leg_worst_mm": 40.0}}},
            "landmarks: distance of hip_r is 40 mm",
        ),
        ({"shown": np.array([True, False])}, "the body shows the label are 50.0 %; at least 90 % is needed."),
        (
            {"in_frame": {"front": SEEN, "side": SEEN | {"joint_centers": 0.9}}},
            "inside the picture of side are 90.0 %; at least 98 % is needed.",
        ),
        ({"in_mask_fraction": 0.5}, "inside the mask are 50.0 %"),
        ({"in_mask_fraction": None}, "inside the mask were not measured."),
        ({"contact": CONTACT | {"penetration_mm": 60.0}}, "deepest vertex is 60 mm"),
        ({"contact": CONTACT | {"skate_m_per_s": 0.5}}, "feet on it is 0.5 m/s"),
    ],
)
def test_each_threshold_fails_a_clip_and_says_why(change, reason):
    figures = judged(**change)
    assert figures["verdict"] == "fail"
    assert [reason in sentence for sentence in figures["reasons"]] == [True]


def test_a_clip_without_feet_on_the_floor_may_pass():
    assert (
        judged(contact=CONTACT | dict.fromkeys(("skate_m_per_s", "source_skate_m_per_s", "floating_mm")))["verdict"]
        == "pass"
    )


def test_a_clip_that_was_not_held_against_opensim_may_pass():
    unchecked = dict.fromkeys(GOOD["solver"]) | {"engine": "opensim", "opensim_frames": 0, "opensim_restarts": 0}
    figures = judged(solver=unchecked)
    assert figures["verdict"] == "pass"
    assert json_problems(json.loads(json.dumps(figures)), "quality.json") == []
    assert json_problems(unchecked, "ik.json") == []


def test_a_share_of_nothing_is_not_measured():
    assert (fraction(1, 4), fraction(0, 0)) == (0.25, None)


def test_ranges_of_an_osim_with_opensim_defaults(tmp_path):
    path = tmp_path / "model.osim"
    path.write_text(
        '<OpenSimDocument><Body name="pelvis"/><Coordinate name="knee"><range> 0 2.5 </range><clamped>true</clamped>'
        '</Coordinate><Coordinate name="free"/></OpenSimDocument>'
    )
    outline = read_outline(path)
    assert outline.bodies == ("pelvis",)
    assert outline.coordinates["knee"] == CoordinateRange(0, 2.5, clamped=True, locked=False)
    assert not outline.coordinates["free"].clamped


@pytest.mark.parametrize("text", ["<OpenSimDocument><Body", "<OpenSimDocument/>"])
def test_an_osim_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "model.osim"
    path.write_text(text)
    with pytest.raises(InputError, match=r"model\.osim: "):
        read_outline(path)
