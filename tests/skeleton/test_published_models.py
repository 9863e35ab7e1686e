"""The kinematics of models that other projects publish, held against OpenSim."""

import numpy as np
import opensim
import pytest

from odah_gen.paths import ROOT
from tests.skeleton.held_against_opensim import assert_as_opensim
from tests.skeleton.random_models import grow, random_factors

pytestmark = pytest.mark.models

MODELS = ROOT / ".odah" / "models"
SIZES = {
    "nimblephysics/models/rajagopal_data/Rajagopal2015.osim": (22, 39, 2),
    "Pose2Sim/OpenSim_Setup/Model_Pose2Sim_simple.osim": (22, 40, 0),
    "Pose2Sim/OpenSim_Setup/Model_Pose2Sim_muscles_flex.osim": (30, 62, 20),
}
"""Bodies, coordinates and couplers."""
MARKERS = 20


def without_muscles(path, tasks):
    """The model's text, without forces, with markers in some of its frames where it has none."""
    model = opensim.Model(str(path))
    model.updForceSet().clearAndDestroy()
    model.updControllerSet().clearAndDestroy()
    if not model.getMarkerSet().getSize():
        random = np.random.default_rng(0)
        bodies = [body.getName() for body in model.getBodySet()]
        for number in range(MARKERS):
            frame = model.getBodySet().get(str(random.choice(bodies)))
            model.addMarker(opensim.Marker(f"m{number}", frame, opensim.Vec3(*map(float, random.normal(0, 0.1, 3)))))
    model.finalizeConnections()
    return tasks.model_text(model)


def test_every_published_model_is_in_the_table():
    assert {str(path.relative_to(MODELS)) for path in MODELS.rglob("*.osim")} == set(SIZES)


@pytest.mark.parametrize("name", SIZES)
def test_equals_opensim(tasks, name):
    text = without_muscles(MODELS / name, tasks)
    skeleton = tasks.read_skeleton(text)
    assert (len(skeleton.body_names), len(skeleton.coordinate_names), len(skeleton.coupled)) == SIZES[name]
    random = np.random.default_rng(0)
    coordinates = random.uniform(-2, 2, (20, len(skeleton.coordinate_names)))
    assert_as_opensim(text, skeleton, coordinates)
    factors = random_factors(random, skeleton)
    grown = tasks.model_text(grow(tasks.read_model(text), factors))
    assert_as_opensim(grown, skeleton, coordinates, factors)


@pytest.mark.parametrize("name", SIZES)
def test_muscles_change_nothing(tasks, name):
    whole = tasks.read_skeleton((MODELS / name).read_text())
    bare = tasks.read_skeleton(without_muscles(MODELS / name, tasks))
    assert whole.joint_names == bare.joint_names
    np.testing.assert_array_equal(whole.curve_coefficients, bare.curve_coefficients)
    np.testing.assert_array_equal(whole.parent_offsets_m, bare.parent_offsets_m)
