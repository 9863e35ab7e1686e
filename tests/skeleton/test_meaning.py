"""What a scaled model means to an anatomist, on a few of the bodies that the pipeline draws and on two extremes."""

import numpy as np
import pytest
import torch

from odah_gen.body.model import load_body_model
from odah_gen.body.subject import draw_betas
from odah_gen.body.volume import body_mass
from odah_gen.paths import ASSETS
from odah_gen.skeleton.anatomy import PROPORTIONS, QUIET, stance_figures
from odah_gen.skeleton.static import static_with_centers
from odah_gen.skeleton.subject import scale_to_static

SEED, BODIES = 3, 20
SAMPLE = (4, 9, 10, 14)
"""The bodies of the twenty that read furthest from zero in one figure or another."""
EXTREMES = {"large woman": ("female", 0, 3.0), "man of little muscle": ("male", 1, -3.0)}
TRUNK_AND_LEGS = tuple(PROPORTIONS)


def drawn(count):
    """Gender and shape of the first bodies, drawn as the pipeline draws them."""
    random = np.random.default_rng(SEED)
    return [(("female", "male")[index % 2], draw_betas(random, 16, 1.0)) for index in range(count)]


def figures_of(gender, betas, layout):
    model = load_body_model(ASSETS / "body" / f"free_{gender}.npz", torch.float64)
    subject = scale_to_static(layout, static_with_centers(model, betas, layout), body_mass(model, betas))
    return stance_figures(model, betas, subject, layout)


@pytest.fixture(scope="module", params=SAMPLE)
def figures(request, layout):
    return figures_of(*drawn(BODIES)[request.param], layout)


def test_quiet_standing_reads_zero(figures):
    assert {name: figures[name] for name in QUIET if abs(figures[name]) > 5} == {}


def test_joint_centres_lie_between_their_landmarks(figures):
    assert figures["hip_center_mm"] < 10
    assert figures["knee_center_mm"] < 8
    assert figures["ankle_center_mm"] < 8
    # The shoulder's landmarks move with the arm; here the mesh's own joint is the measure.
    assert figures["shoulder_center_mm"] < 12


def test_trunk_and_legs_grow_with_stature(figures):
    assert {name: figures[name] for name in TRUNK_AND_LEGS if not 0.85 <= figures[name] <= 1.15} == {}


def test_head_and_arm_leave_the_trunk_alone(figures):
    assert figures["nod_lumbar_deg"] < 3
    assert figures["raised_arm_lumbar_deg"] < 3


@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_bodies_stay_near(name, layout):
    """Three standard deviations along one axis of shape: wider limits."""
    gender, axis, deviation = EXTREMES[name]
    betas = np.zeros(16)
    betas[axis] = deviation
    found = figures_of(gender, betas, layout)
    assert max(abs(found[angle]) for angle in QUIET) < 8
    assert found["hip_center_mm"] < 16
    assert max(found["knee_center_mm"], found["ankle_center_mm"]) < 10
    assert max(found["nod_lumbar_deg"], found["raised_arm_lumbar_deg"]) < 3
