"""The person in Blender has eyes that look forward and hair where hair grows."""

import numpy as np
import pytest

from blender_addon.description import read_description
from blender_addon.subject import BODY_MATERIALS, EYE_JOINTS, Subject, body_materials, hair_share, load_subject
from odah_gen.run import Run
from tests.scene.scene_clip import CLIP


@pytest.fixture(scope="module")
def subject(run: Run) -> Subject:
    return load_subject(read_description(run.clip(CLIP) / "scene.json"))


def test_both_eyes_look_forward(subject: Subject) -> None:
    body, materials = subject.body, body_materials(subject)
    centers = body.vertices[body.faces[subject.visible]].mean(1)
    for joint in EYE_JOINTS:
        near = np.linalg.norm(centers - body.joints[joint], axis=1) < 0.03
        parts = {name: centers[near & (materials == index)] for index, name in enumerate(BODY_MATERIALS)}
        depth = [parts[name][:, 2].mean() for name in ("eyeball", "iris", "pupil")]
        assert depth == sorted(depth)
        assert len(parts["eyeball"]) > len(parts["iris"]) > 0
        assert abs(parts["pupil"][:, 0].mean() - body.joints[joint, 0]) < 0.004


def test_hair_is_on_top_and_nowhere_below_the_head(subject: Subject) -> None:
    body, share = subject.body, hair_share(subject.body)
    eyes = body.joints[list(EYE_JOINTS)].mean(0)
    top = body.vertices[:, 1] > eyes[1] + 0.09
    assert share[top].min() > 0.9
    assert share[body.vertices[:, 1] < eyes[1] - 0.12].max() == 0
    face = (body.vertices[:, 2] > eyes[2] - 0.02) & (np.abs(body.vertices[:, 1] - eyes[1] + 0.02) < 0.015)
    assert share[face].max() == 0
    left, right = (share[body.vertices[:, 0] * side > 0.005].sum() for side in (1, -1))
    assert left == pytest.approx(right, rel=0.05)
