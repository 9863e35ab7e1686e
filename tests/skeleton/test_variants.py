"""Skeletons of body-shape variants that keep the bones of the subject they are variants of."""

import numpy as np
import pytest

from odah_gen.body.markers_stage import write_markers
from odah_gen.body.volume import body_mass, mass_direction
from odah_gen.config import from_mapping
from odah_gen.errors import InputError
from odah_gen.motion.catalogue import create_run
from odah_gen.motion.stage import write_motion
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.scale_stage import scale_subject
from odah_gen.skeleton.static import static_with_centers
from odah_gen.skeleton.subject import held_standing, marker_errors, scale_to_static
from odah_gen.skeleton.trc import read_trc
from odah_gen.skeleton.worker import call
from odah_gen.storage import read_json, read_text

KEPT = {
    "fps": 30,
    "shape": {"bmi_offsets": [0, 1], "variant_skeleton": "kept"},
    "motion": {"actions": ["walking"], "subjects": 1, "clips_per_subject": 1, "genders": ["female"], "max_frames": 3},
}


def rms_mm(text, static, layout):
    """How far a standing body's skin is from a model's markers."""
    weights = dict(zip(layout.names, layout.weights))
    solved = fast_ik.solve(call("read_skeleton", text=text), static, weights, held_standing(static))
    errors = marker_errors(layout.names, static, solved)[:, layout.weights > 0.05]
    return 1000 * np.sqrt(np.mean(errors**2))


def same_bones(text, other):
    """Whether two models have the same joint centres in their bodies."""
    first, second = (call("read_skeleton", text=part) for part in (text, other))
    return all(
        np.allclose(getattr(first, name), getattr(second, name), atol=1e-9)
        for name in ("parent_offsets_m", "child_offsets_m")
    )


def test_a_heavier_body_on_kept_bones_has_its_own_markers_and_mass(scaled_woman, woman, layout):
    heavy = mass_direction(woman, 16)
    static = static_with_centers(woman, heavy, layout)
    kept = scale_to_static(layout, static, body_mass(woman, heavy), kept=scaled_woman.scales)
    assert kept.scales == scaled_woman.scales
    assert same_bones(kept.text, scaled_woman.text)
    assert not same_bones(kept.text, scale_to_static(layout, static, body_mass(woman, heavy)).text)
    assert rms_mm(kept.text, static, layout) < 0.75 * rms_mm(scaled_woman.text, static, layout)
    assert kept.report["mass_kg"] > scaled_woman.report["mass_kg"] + 5


def test_the_stage_takes_bones_from_the_subject_and_places_markers_by_static_trial_and_motion(tmp_path):
    run = create_run(from_mapping(KEPT), tmp_path)
    for clip in run.clips.index:
        write_motion(run, clip)
        write_markers(run, clip)
    with pytest.raises(InputError, match=r"s01/scales\.json"):
        scale_subject(run, "s01b2")
    for subject in ("s01", "s01b2"):
        scale_subject(run, subject)
    first, variant = run.subject("s01"), run.subject("s01b2")
    own, kept = read_json(first / "scales.json"), read_json(variant / "scales.json")
    np.testing.assert_allclose([kept[body] for body in own], list(own.values()), atol=1e-12)
    assert same_bones(read_text(first / "model.osim"), read_text(variant / "model.osim"))
    fit = read_json(variant / "scaling.json")["joint_fit"]
    assert all(row["start"] == row["fitted"] for row in fit["factors"].values())
    offsets = [read_json(path / "scaling.json")["marker_offsets_mm"]["T10"] for path in (first, variant)]
    assert offsets[1][0] < offsets[0][0] - 2  # A broader back carries its marker further back.
    assert read_trc(variant / "static.trc").names == read_trc(first / "static.trc").names
