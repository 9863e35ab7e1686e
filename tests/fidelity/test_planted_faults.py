"""Wrong labels are caught by at least one figure, and the true one passes.

The faults of the skeleton are planted as a wrong pipeline would make them: everything after scaling is done again, with
marker offsets that fit without any bound. The closed loop over the markers accepts them all.
"""

import dataclasses
import shutil

import numpy as np
import pytest
from planted_faults import (
    figures_of,
    fit_again,
    moved_centers,
    refitted,
    relabel,
    shifted_by_a_frame,
    sides_exchanged,
    tilted_pelvis,
)

from odah_gen.config import Fidelity
from odah_gen.fidelity.measure import measure
from odah_gen.fidelity.verdict import objections, shown_frames
from odah_gen.run import open_run
from odah_gen.skeleton.trc import read_trc
from odah_gen.storage import read_json
from tests.fidelity.conftest import Walk

LIMITS = Fidelity()
LOOP = ("angle_deg", "leg_angle_deg")
FAULTS = {
    "knees 20 mm too far back": lambda skeleton: moved_centers(skeleton, "walker_knee", (-0.02, 0.0, 0.0)),
    "hips 25 mm too far back": lambda skeleton: moved_centers(skeleton, "hip", (-0.025, 0.0, 0.0)),
}
"""Of all directions, those in which knees and hips are hardest to catch."""


def reasons(figures, limits=LIMITS):
    return objections(limits, "locomotion", figures)


def fit_figures(walk):
    return {"fit": read_json(walk.run.clip(walk.clip_id) / "fit.json")}


def without_loop():
    """The limits with a closed loop that nothing can exceed."""
    endless = {name: dataclasses.replace(getattr(LIMITS, name), locomotion=1e9) for name in LOOP}
    return dataclasses.replace(LIMITS, **endless)


@pytest.fixture(scope="module")
def label(walk, watched):
    return walk.label(watched)


def test_the_true_label_passes_in_every_frame(walk, watched, standing, label):
    figures = measure(watched, standing, label, walk.body()) | fit_figures(walk)
    assert reasons(figures) == []
    assert shown_frames(LIMITS, "locomotion", figures, label.valid).all()


@pytest.mark.parametrize("wrong", [sides_exchanged, shifted_by_a_frame])
def test_a_label_of_another_side_or_frame_is_caught_in_nearly_every_frame(walk, watched, standing, label, wrong):
    planted = wrong(label)
    figures = measure(watched, standing, planted, walk.body()) | fit_figures(walk)
    assert reasons(figures, without_loop())
    assert shown_frames(LIMITS, "locomotion", figures, planted.valid).mean() < 0.1


@pytest.fixture
def trial(walk):
    return read_trc(walk.run.clip(walk.clip_id) / "markers.trc")


@pytest.fixture
def copy(walk, tmp_path):
    """The walk in a folder that a test may change."""
    shutil.copytree(walk.run.folder, tmp_path / "walk")
    return Walk(open_run(tmp_path / "walk"))


@pytest.mark.parametrize("tilt_deg", [6.0, -6.0])
def test_a_tilted_pelvis_changes_nothing_but_angles_and_is_caught(watched, standing, label, copy, trial, tilt_deg):
    """Markers and joint centres stay, so the fit stays, too: no distance on the mesh can tell."""
    skeleton = tilted_pelvis(standing.skeleton, tilt_deg)
    relabel(copy.run, copy.clip_id, skeleton, trial, standing.weights)
    wrong = copy.label(watched)
    assert np.abs(wrong.joint_centers_m - label.joint_centers_m).max() < 1e-4
    assert np.abs(wrong.markers_m - label.markers_m).max() < 1e-4
    hip = list(label.coordinate_names).index("hip_flexion_r")
    turned = np.rad2deg(wrong.coordinates - label.coordinates)[:, hip].mean()
    assert abs(turned) == pytest.approx(6.0, abs=0.5)
    figures = figures_of(copy.run, copy.clip_id, watched, skeleton, standing.weights)
    assert figures["closed_loop"]["angle_mean_deg"] < 1.0
    assert reasons(figures, without_loop())


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_joint_centre_fools_the_loop_and_not_the_rest(watched, standing, copy, trial, name):
    skeleton = refitted(FAULTS[name](standing.skeleton), trial, standing.weights)
    relabel(copy.run, copy.clip_id, skeleton, trial, standing.weights)
    fit_again(copy.run, copy.clip_id, skeleton, standing.weights)
    figures = figures_of(copy.run, copy.clip_id, watched, skeleton, standing.weights)
    assert figures["closed_loop"]["angle_mean_deg"] < 1.0
    caught = " ".join(reasons(figures, without_loop()))
    assert "regressed joint centres: distance of" in caught
    assert "landmarks: distance of" in caught
