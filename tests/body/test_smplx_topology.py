"""The path of a user's own SMPL-X, on a stand-in with its number of vertices."""

import numpy as np
import pytest
import torch

from odah_gen.body.layout import load_layout
from odah_gen.body.model import find_body_model
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.body.volume import body_mass
from odah_gen.config import Body


@pytest.fixture(scope="module")
def models(smplx_folder):
    return find_body_model(Body(model_dir=str(smplx_folder)), "female"), find_body_model(Body(), "neutral")


def test_the_users_folder_is_taken_and_known_by_its_topology(models, smplx_folder):
    model, _ = models
    assert (model.name, model.gender) == ("smplx", "neutral")
    assert model.path.parent.parent == smplx_folder
    assert len(model.v_template) == 10_475
    assert model.faces.max() < 10_475


def test_markers_lie_at_the_same_places_on_both_topologies(models):
    model, free = models
    layout = load_layout()
    both = layout.on(model)
    assert len(both.names) >= 60
    rest = shape_body(model, torch.zeros(1)).vertices
    expected = dict(zip(layout.names, shape_body(free, torch.zeros(1), layout.vertex_ids(free)).vertices))
    for name, point in zip(both.names, rest[torch.as_tensor(both.vertex_ids(model))]):
        assert torch.equal(point, expected[name]), name


def test_joints_and_mass_are_those_of_the_same_person(models):
    generator = np.random.default_rng(3)
    poses = torch.tensor(generator.normal(0, 0.3, (2, 165)), dtype=torch.float32)
    betas = torch.tensor(generator.normal(size=10))
    posed = [pose_body(shape_body(model, betas), poses) for model in models]
    assert float((posed[0].joints - posed[1].joints).abs().max()) < 1e-3
    assert body_mass(models[0], betas) == pytest.approx(body_mass(models[1], betas), rel=0.02)
