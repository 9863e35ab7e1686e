"""Shoes, hair, hats and eyes fit the body, whatever its vertices are called."""

import numpy as np
import pytest
import trimesh

from odah_gen.body.model import JOINT_NAMES, BodyModel, load_body_model
from odah_gen.geometry import vertex_normals
from odah_gen.scene.cutting import border_edges
from odah_gen.scene.eyes import eyes
from odah_gen.scene.garments import Garment
from odah_gen.scene.hair import HAIRS, HATS, hair, hat
from odah_gen.scene.rest_body import RestBody, rest_body
from odah_gen.scene.shoes import SHOES, in_shoe, reach_hull, shoe
from tests.smplx_topology import write_smplx_topology

BETAS = np.array([0.8, -0.6, 0.4])


@pytest.fixture(scope="module", params=["free", "smplx"])
def body(request: pytest.FixtureRequest, model: BodyModel, tmp_path_factory: pytest.TempPathFactory) -> RestBody:
    if request.param == "free":
        return rest_body(model, BETAS)
    path = write_smplx_topology(tmp_path_factory.mktemp("models") / "SMPLX_FEMALE.npz", "female")
    return rest_body(load_body_model(path), BETAS)


def solid(garment: Garment) -> trimesh.Trimesh:
    return trimesh.Trimesh(garment.vertices, garment.faces, process=False)


def strongest(garment: Garment) -> set[str]:
    return {JOINT_NAMES[joint] for joint in garment.joints[garment.weights > 0.01]}


def test_rays_end_on_the_hull() -> None:
    box = np.vstack([np.eye(3), -np.eye(3)])
    directions = np.random.default_rng(0).normal(size=(50, 3))
    reach = reach_hull(np.full((50, 3), 0.1), directions, box, np.ones(6))
    assert np.allclose(np.abs(0.1 + directions * reach[:, None]).max(1), 1)


@pytest.mark.parametrize("kind", SHOES)
def test_a_shoe_holds_the_foot_and_stands_where_it_stood(body: RestBody, kind: str) -> None:
    covered = in_shoe(body, kind)
    for side, sign in (("left", 1), ("right", -1)):
        made = shoe(body, side, kind)
        foot = body.vertices[covered & (body.vertices[:, 0] * sign > 0)]
        assert made.vertices[:, 1].min() == pytest.approx(foot[:, 1].min(), abs=1e-6)
        assert strongest(made) <= {f"{side}_ankle", f"{side}_foot"}
        # All but the opening is closed, so the foot's skin lies within.
        edges = border_edges(made.faces)
        assert made.vertices[edges, 1].min() > foot[:, 1].min() + 0.05
        middle = made.vertices[edges].mean((0, 1))
        lid = np.column_stack([edges, np.full(len(edges), len(made.vertices))])
        closed = trimesh.Trimesh(np.vstack([made.vertices, middle]), np.vstack([made.faces, lid]), process=False)
        trimesh.repair.fix_normals(closed)
        above = foot[foot[:, 1] > foot[:, 1].min() + 0.002]
        assert closed.is_watertight
        assert closed.contains(above).mean() > 0.99
        assert 0.05 < np.ptp(made.vertices[:, 0]) / np.ptp(made.vertices[:, 2]) < 0.65


def test_a_sole_is_flat_and_below(body: RestBody) -> None:
    made = shoe(body, "left", "trainer")
    floor = made.vertices[:, 1].min()
    middle = made.vertices[made.faces].mean(1)
    assert set(made.part) == {0, 1, 2}
    assert middle[made.part == 1, 1].max() < floor + 0.03
    assert middle[made.part == 2, 1].min() > floor + 0.025
    flat = made.faces[(made.vertices[made.faces, 1] < floor + 1e-4).all(1)]
    assert trimesh.Trimesh(made.vertices, flat).area > 0.009


@pytest.mark.parametrize("style", HAIRS)
def test_hair_covers_the_scalp_and_leaves_the_face(body: RestBody, style: str) -> None:
    made = hair(body, HAIRS[style], np.random.default_rng(3))
    assert strongest(made) == {"head"}
    crown = (body.held_by("head") > 0.9) & (body.on_face(body.vertices)[1] > 1.6)
    points, normals = body.vertices[crown], vertex_normals(body.vertices, body.faces)[crown]
    _, ray, _ = solid(made).ray.intersects_location(points - 0.01 * normals, normals, multiple_hits=False)
    assert len(np.unique(ray)) > 0.98 * crown.sum()
    _, up, forward = body.on_face(made.vertices)
    assert not ((up < 0.6) & (forward > -0.6)).any()
    assert made.vertices[:, 1].max() < body.vertices[:, 1].max() + 0.08


@pytest.mark.parametrize("kind", HATS)
def test_hats_are_over_the_hair_below_them(body: RestBody, kind: str) -> None:
    worn, below = solid(hat(body, kind)), hair(body, HAIRS["cropped"], np.random.default_rng(0))
    _, up, forward = body.on_face(below.vertices)
    points = below.vertices[up > 1.2 + 0.2 * forward + 0.2]
    centre = body.joint("head") + np.array([0.0, 0.08, 0.02])
    away = points - centre
    _, ray, _ = worn.ray.intersects_location(points, away, multiple_hits=False)
    assert len(np.unique(ray)) > 0.99 * len(points)


def test_tufts_come_from_the_generator_alone(body: RestBody) -> None:
    first, again, other = (hair(body, HAIRS["curly"], np.random.default_rng(seed)).vertices for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.allclose(first, other, atol=1e-4)


def test_eyes_are_round_and_look_forward(body: RestBody) -> None:
    made = eyes(body)
    for side in ("left", "right"):
        own = np.sign(made.vertices[:, 0]) == np.sign(body.joint(f"{side}_eye")[0])
        ball = body.vertices[body.held_by(f"{side}_eye") > 0.5]
        centre = (ball.min(0) + ball.max(0)) / 2
        radius = np.linalg.norm(made.vertices[own] - centre, axis=1)
        assert np.ptp(radius) < 1e-9
        assert radius.mean() == pytest.approx(np.ptp(ball, axis=0)[1] / 2)
        faces = made.faces[own[made.faces].all(1)]
        part = made.part[own[made.faces].all(1)]
        depth = [made.vertices[faces[part == number]].mean((0, 1))[2] for number in range(3)]
        assert depth == sorted(depth)
        iris = made.vertices[np.unique(faces[part >= 1])]
        assert np.ptp(iris[:, 0]) == pytest.approx(0.0118, rel=0.02)
        assert np.ptp(iris[:, 0]) == pytest.approx(np.ptp(iris[:, 1]), rel=0.02)
    assert solid(made).volume > 0
