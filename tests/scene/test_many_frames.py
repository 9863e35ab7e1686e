"""All frames at once give the vertices that posed_vertices gives one by one."""

import numpy as np
import pytest

from blender_addon.description import read_description
from blender_addon.many_frames import Around, Mover
from blender_addon.subject import Subject, load_subject, posed_vertices
from odah_gen.run import Run
from tests.scene.scene_clip import CLIP, FRAMES

TOLERANCE_M = 1e-5


@pytest.fixture(scope="module")
def subject(run: Run) -> Subject:
    return load_subject(read_description(run.clip(CLIP) / "scene.json"))


def test_every_vertex_of_body_and_clothes_is_where_posed_vertices_puts_it(subject: Subject) -> None:
    found = Mover(subject).vertices(range(FRAMES))
    for frame in range(FRAMES):
        wanted = posed_vertices(subject, frame)
        assert wanted.keys() == found.keys()
        for name, vertices in wanted.items():
            assert np.abs(found[name][frame] - vertices).max() < TOLERANCE_M, name
    assert np.abs(found["upper"][-1] - found["upper"][0]).max() > 0.05


def test_a_part_of_the_frames_is_that_part(subject: Subject) -> None:
    assert np.allclose(Mover(subject).vertices(range(1, 2))["upper"][0], posed_vertices(subject, 1)["upper"], atol=1e-5)


def test_sums_over_faces_are_those_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    faces, values = rng.integers(0, 9, (20, 3)), rng.normal(size=(20, 2, 4))
    wanted = np.zeros((10, 2, 4))
    for face, value in zip(faces, values):
        for corner in face:
            wanted[corner] += value
    assert np.allclose(Around(faces, 10).sum(values), wanted)
