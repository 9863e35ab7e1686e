"""Volume and mass against known solids and against counting points inside."""

import numpy as np
import pytest
import torch
import trimesh

from odah_gen.body.model import find_body_model
from odah_gen.body.skinning import shape_body
from odah_gen.body.volume import body_mass, skin_volume
from odah_gen.config import Body


@pytest.fixture(scope="module")
def model():
    return find_body_model(Body(), "female")


def test_a_box_with_a_hole_and_a_ball_inside_keeps_its_volume():
    box = trimesh.creation.box(extents=[1, 2, 3]).subdivide().subdivide()
    middle = box.faces[(np.abs(box.triangles_center - [0, 0, 1.5]) > 0.4).any(1)]
    ball = trimesh.creation.icosphere(subdivisions=1, radius=0.1)
    vertices = np.concatenate([box.vertices, ball.vertices]) + np.array([5.0, 6.0, 7.0])
    faces = np.concatenate([middle, ball.faces + len(box.vertices)])
    assert len(middle) < len(box.faces)
    assert skin_volume(vertices, faces) == pytest.approx(6.0, rel=1e-6)


def test_volume_of_the_body_equals_the_share_of_points_inside(model):
    vertices = shape_body(model, torch.zeros(1)).vertices.numpy().astype(np.float64)
    mesh = trimesh.Trimesh(vertices, model.faces[(model.faces < 13_380).all(1)], process=False)
    points = np.random.default_rng(0).uniform(*mesh.bounds, (20_000, 3))
    share = mesh.contains(points).mean()
    counted = share * np.prod(mesh.extents)
    error = np.sqrt(share * (1 - share) / len(points)) * np.prod(mesh.extents)
    assert skin_volume(vertices, model.faces) == pytest.approx(counted, abs=5 * error)


@pytest.mark.parametrize("gender", ["female", "male", "neutral"])
def test_masses_are_those_of_adults(gender):
    model = find_body_model(Body(), gender)
    generator = np.random.default_rng(1)
    masses = [body_mass(model, generator.normal(size=16)) for _ in range(12)]
    assert 35 < min(masses) < max(masses) < 140
    assert 50 < np.mean(masses) < 90


def test_mass_grows_with_size(model):
    size = torch.eye(16)[0]
    masses = [body_mass(model, size * amount) for amount in (-2.0, -1.0, 0.0, 1.0, 2.0)]
    statures = [float(np.ptp(shape_body(model, size * amount).vertices.numpy()[:, 1])) for amount in (-2.0, 2.0)]
    assert masses == sorted(masses)
    assert statures[1] > statures[0] + 0.1
