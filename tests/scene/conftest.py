"""A run of one clip on the free body: three frames of a squat, and its real render, tiny."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odah_gen.body.model import BodyModel, load_body_model
from odah_gen.paths import ASSETS
from odah_gen.run import Run
from odah_gen.scene.blender import MODULE
from odah_gen.scene.render_stage import Progress, render_clip
from odah_gen.scene.stage import write_scene
from tests.scene.blenders import run_lines
from tests.scene.scene_clip import CLIP, squat_run


@pytest.fixture(scope="session")
def model() -> BodyModel:
    return load_body_model(ASSETS / "body" / "free_female.npz")


@pytest.fixture
def fresh_run(tmp_path: Path, model: BodyModel) -> Run:
    """A run whose scene is not written yet."""
    return squat_run(tmp_path, model)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, model: BodyModel) -> Run:
    """A run whose scene is written."""
    made = squat_run(tmp_path_factory.mktemp("run"), model)
    write_scene(made, CLIP)
    return made


@pytest.fixture(scope="session")
def rendered(run: Run) -> tuple[Path, list[Progress]]:
    """The folder of the rendered clip, and the progress that was told."""
    told: list[Progress] = []
    render_clip(run, CLIP, told.append)
    return run.clip(CLIP), told


@pytest.fixture(scope="session")
def blender() -> Callable[..., Any]:
    """Runs lines of Python in Blender's environment; gives back the JSON that they print last."""

    return functools.partial(run_lines, MODULE)
