"""The skin has its colours where they belong, and the person in Blender is whole."""

import numpy as np
import pytest

from blender_addon.description import read_description
from blender_addon.skinning import vertex_normals
from blender_addon.subject import Subject, face_mean, load_subject, posed_vertices
from odah_gen import geometry
from odah_gen.body.model import BodyModel
from odah_gen.run import Run
from odah_gen.scene.rest_body import RestBody, rest_body
from odah_gen.scene.skin_regions import skin_regions
from tests.scene.scene_clip import CLIP


@pytest.fixture(scope="module")
def subject(run: Run) -> Subject:
    return load_subject(read_description(run.clip(CLIP) / "scene.json"))


@pytest.fixture(scope="module")
def body(model: BodyModel) -> RestBody:
    return rest_body(model, np.zeros(3))


def test_hair_is_on_top_and_nowhere_below_the_head(body: RestBody) -> None:
    share = skin_regions(body)["hair"]
    eyes = (body.joint("left_eye") + body.joint("right_eye")) / 2
    top = body.vertices[:, 1] > eyes[1] + 0.09
    assert share[top].min() > 0.9
    assert share[body.vertices[:, 1] < eyes[1] - 0.12].max() == 0
    face = (body.vertices[:, 2] > eyes[2] - 0.02) & (np.abs(body.vertices[:, 1] - eyes[1] + 0.02) < 0.015)
    assert share[face].max() == 0


def test_regions_are_where_their_names_say(body: RestBody) -> None:
    regions = skin_regions(body)
    for share in regions.values():
        assert share.min() >= 0
        assert share.max() <= 1
        left, right = (share[body.vertices[:, 0] * side > 0.005].sum() for side in (1, -1))
        assert left == pytest.approx(right, rel=0.05)
    middle = {name: (body.vertices * share[:, None]).sum(0) / share.sum() for name, share in regions.items()}
    eyes, jaw = body.joint("left_eye"), body.joint("jaw")
    assert jaw[1] - 0.08 < middle["lip"][1] < eyes[1] - 0.04
    assert middle["lip"][2] > eyes[2] - 0.01
    assert regions["sock"][body.vertices[:, 1] < body.joint("left_ankle")[1]].min() == 1
    assert regions["sock"][body.vertices[:, 1] > body.joint("left_ankle")[1] + 0.07].max() == 0
    palm = regions["palm"] > 0.5
    assert (geometry.vertex_normals(body.vertices, body.faces)[palm, 1] < 0).all()
    assert body.held_by("left_hip", "right_hip", "spine1", "head")[palm].max() < 0.1


def test_the_eyes_of_the_model_give_way_to_round_ones(subject: Subject) -> None:
    eye = subject.body.weights[:, [23, 24]].sum(1) > 0.5
    assert not eye[subject.body.faces[subject.visible]].all(1).any()
    for joint in (23, 24):
        near = np.linalg.norm(subject.garments["eyes"].vertices - subject.body.joints[joint], axis=1) < 0.02
        assert near.sum() > 300


def test_the_body_itself_never_moves_for_its_clothes(subject: Subject) -> None:
    bare = Subject(subject.body, subject.visible, {}, {}, subject.poses, subject.trans)
    for frame in range(subject.frames):
        assert np.array_equal(posed_vertices(subject, frame)["body"], posed_vertices(bare, frame)["body"])


def test_normals_are_those_of_odah_gen(subject: Subject) -> None:
    found = vertex_normals(subject.body.vertices, subject.body.faces)
    wanted = geometry.vertex_normals(subject.body.vertices.astype(float), subject.body.faces)
    assert np.allclose(found, wanted, atol=1e-4)


def test_face_means_keep_a_constant_and_spread_a_peak() -> None:
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    assert np.allclose(face_mean(faces, np.array([2.0, 2, 2, 2, 5])), [2, 2, 2, 2, 0])
    assert np.allclose(face_mean(faces, np.array([0.0, 3, 0, 0, 0])), [0.5, 1, 0.5, 0, 0])
