"""Wrong labels are caught by at least one figure, and the true one passes.

The three faults of the skeleton are planted as a wrong pipeline would make them: everything after scaling is done again,
with marker offsets that fit without any bound. The closed loop over the markers accepts all three.
"""

import dataclasses
import shutil

import pytest

from odah_gen.config import Fidelity
from odah_gen.fidelity.measure import measure
from odah_gen.fidelity.standing import stand
from odah_gen.fidelity.verdict import objections, shown_frames
from odah_gen.run import open_run
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.ik_stage import keypoints, marker_weights
from odah_gen.skeleton.subject import marker_errors
from odah_gen.skeleton.trc import read_trc
from odah_gen.storage import read_json, read_npz, write_npz
from tests.fidelity.conftest import Walk
from tests.fidelity.planted_faults import (
    moved_centers,
    refitted,
    shifted_by_a_frame,
    sides_exchanged,
    tilted_pelvis,
)

LIMITS = Fidelity()
LOOP = ("angle_deg", "leg_angle_deg")
FAULTS = {
    "pelvis tilted 6° backwards": lambda skeleton: tilted_pelvis(skeleton, 6.0),
    "pelvis tilted 6° forwards": lambda skeleton: tilted_pelvis(skeleton, -6.0),
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


def planted_run(walk, watched, standing, fault, folder):
    """The walk with a wrong skeleton: inverse kinematics, fit and measures as the wrong pipeline would make them."""
    shutil.copytree(walk.run.folder, folder)
    wrong, subject = Walk(open_run(folder)), walk.run.subject(walk.subject)
    trial, weights = read_trc(walk.run.clip(walk.clip_id) / "markers.trc"), marker_weights(walk.run, subject)
    skeleton = refitted(fault(standing.skeleton), trial, weights)
    solution, names = fast_ik.solve(skeleton, trial, weights), list(weights)
    arrays = keypoints(names, trial, solution, marker_errors(names, trial, solution))
    write_npz(wrong.run.clip(wrong.clip_id) / "keypoints.npz", **arrays)
    wrong.fit()
    betas = read_npz(subject / "body.npz")["betas"]
    stood = stand(watched, betas, skeleton, weights, read_json(subject / "scales.json"))
    return measure(watched, stood, wrong.label(watched), wrong.body()) | fit_figures(wrong)


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_skeleton_fools_the_loop_and_not_the_rest(walk, watched, standing, name, tmp_path):
    figures = planted_run(walk, watched, standing, FAULTS[name], tmp_path / "walk")
    assert figures["closed_loop"]["angle_mean_deg"] < 1.0
    assert reasons(figures, without_loop())
