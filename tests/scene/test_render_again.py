"""A finished clip is drawn again only when something that decides its pictures has changed."""

import dataclasses
import os
from pathlib import Path

import pytest

from odah_gen.body.model import BodyModel
from odah_gen.config import Render, paper_views
from odah_gen.errors import InputError
from odah_gen.run import Run
from odah_gen.scene.render_stage import leave_finished, made_from, read_scene, render_clips
from odah_gen.scene.rendered import FACTS, rendered_files
from odah_gen.scene.stage import write_scene
from odah_gen.storage import read_json, write_json
from tests.scene.scene_clip import CLIP, squat_run

RENDERED = rendered_files(tuple(paper_views()), ())


@pytest.fixture
def finished(tmp_path: Path, model: BodyModel) -> Run:
    """A run whose clip has files as a finished render leaves them; what is in the videos plays no part."""
    run = squat_run(tmp_path, model)
    write_scene(run, CLIP)
    folder = run.clip(CLIP)
    for name in RENDERED:
        (folder / name).write_bytes(b"video")
    write_json(folder / FACTS, {"made_from": made_from(folder, read_scene(folder / "scene.json"), run.config.render)})
    for name in RENDERED:
        os.utime(folder / name, (1e9, 1e9))
    return run


def test_a_finished_clip_stays_and_counts_as_new(finished: Run) -> None:
    told: list[str] = []
    assert leave_finished(finished, [CLIP], told.append) == []
    assert told == [f"{CLIP}: nothing has changed"]
    inputs = max((finished.clip(CLIP) / name).stat().st_mtime for name in ("scene.json", "body.npz"))
    assert all((finished.clip(CLIP) / name).stat().st_mtime >= inputs for name in RENDERED)
    render_clips(finished, [])  # starts no Blender


@pytest.mark.parametrize("name", RENDERED)
def test_a_clip_that_lost_a_file_is_drawn_again(finished: Run, name: str) -> None:
    (finished.clip(CLIP) / name).unlink()
    assert leave_finished(finished, [CLIP], print) == [CLIP]


def test_another_picture_of_the_surroundings_draws_again(finished: Run) -> None:
    folder = finished.clip(CLIP)
    (folder / "sky.hdr").write_bytes(b"a sky")
    write_json(folder / "scene.json", read_json(folder / "scene.json") | {"hdri": {"file": "sky.hdr", "turn_rad": 0.0}})
    before = made_from(folder, read_scene(folder / "scene.json"), finished.config.render)
    (folder / "sky.hdr").write_bytes(b"another")
    assert made_from(folder, read_scene(folder / "scene.json"), finished.config.render) != before
    (folder / "sky.hdr").unlink()
    with pytest.raises(InputError, match=r"names sky\.hdr, which is not there"):
        read_scene(folder / "scene.json")


def test_a_clip_whose_scene_changed_is_drawn_again(finished: Run) -> None:
    path = finished.clip(CLIP) / "scene.json"
    write_json(path, read_json(path) | {"ambient_linear": [0.1, 0.2, 0.3]})
    assert leave_finished(finished, [CLIP], print) == [CLIP]


@pytest.mark.parametrize("render", [Render(blender="/usr/bin/blender"), Render(outputs=("boxes",))])
def test_another_blender_or_output_draws_again(finished: Run, render: Render) -> None:
    config = dataclasses.replace(finished.config, render=render)
    assert leave_finished(Run(finished.folder, config), [CLIP], print) == [CLIP]
