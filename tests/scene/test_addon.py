"""The zip installs in Blender; the panel's buttons load a subject that follows time, and take it away again."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blender_addon.description import read_description
from blender_addon.subject import load_subject, posed_vertices
from odah_gen.run import Run
from odah_gen.scene.addon_command import build_addon
from odah_gen.storage import read_json
from tests.scene.scene_clip import CLIP, FRAMES

PRESS = """
import json, sys
import bpy, numpy as np
import addon_utils
bpy.ops.wm.read_factory_settings(use_empty=True)
kinds = ("objects", "meshes", "materials", "lights", "cameras", "collections", "worlds", "images")
count = lambda: {kind: len(getattr(bpy.data, kind)) for kind in kinds}
before, result = count(), {}
for time in range(2):
    assert addon_utils.enable("odah") is not None
    scene = bpy.context.scene
    scene.odah.scene_file = sys.argv[1] + ".wrong"
    try:
        bpy.ops.odah.load_subject()
    except RuntimeError as error:
        result["sentence"] = str(error)
    scene.odah.scene_file = sys.argv[1]
    result["load"] = list(bpy.ops.odah.load_subject())
    objects = bpy.context.scene.collection.children[0].objects
    result["names"] = [item.name for item in objects]
    result["frames"] = [scene.frame_start, scene.frame_end, scene.render.fps / scene.render.fps_base]
    result["vertices"] = {}
    for frame in (0, scene.frame_end):
        scene.frame_set(frame)
        for name in ("body", "upper", "lower", "shoes", "hair", "eyes"):
            points = np.array([vertex.co for vertex in objects[name].data.vertices])
            result["vertices"][f"{name} {frame}"] = points[::500].tolist()
    result["matrix"] = [list(row) for row in objects["front"].matrix_world]
    bpy.ops.odah.unload_subjects()
    result["left"] = {kind: number for kind, number in count().items() if number != before[kind]}
    addon_utils.disable("odah")
    result["registered"] = hasattr(bpy.types.Scene, "odah")
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def pressed(run: Run, blender: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a Blender with the installed add-on shows."""
    folder = tmp_path_factory.mktemp("blender")
    with zipfile.ZipFile(build_addon(folder)) as archive:
        archive.extractall(folder / "scripts" / "addons")
    return blender(PRESS, run.clip(CLIP) / "scene.json", BLENDER_USER_RESOURCES=str(folder))


def test_the_subject_moves_with_time(run: Run, pressed: dict[str, Any]) -> None:
    assert pressed["load"] == ["FINISHED"]
    assert pressed["frames"] == [0, FRAMES - 1, 12]
    subject = load_subject(read_description(run.clip(CLIP) / "scene.json"))
    for frame in (0, FRAMES - 1):
        meshes = posed_vertices(subject, frame)
        for name in ("body", "upper", "lower", "shoes", "hair", "eyes"):
            vertices = meshes[name]
            assert np.allclose(pressed["vertices"][f"{name} {frame}"], vertices[::500], atol=1e-5)
    assert not np.allclose(pressed["vertices"]["body 0"], pressed["vertices"][f"body {FRAMES - 1}"], atol=0.01)


def test_both_cameras_stand_where_the_file_says(run: Run, pressed: dict[str, Any]) -> None:
    assert {"front", "side", "body", "upper", "lower", "floor", "walls", "ceiling"} <= set(pressed["names"])
    entry = read_json(run.clip(CLIP) / "cameras.json")["cameras"]["front"]
    matrix = np.array(pressed["matrix"])
    assert np.allclose(matrix[:3, 3], -np.array(entry["R"]).T @ entry["t_m"], atol=1e-5)
    assert np.allclose(-matrix[:3, 2], np.array(entry["R"])[2], atol=1e-5)


def test_a_wrong_file_gives_one_sentence(pressed: dict[str, Any]) -> None:
    assert "cannot be read" in pressed["sentence"]
    assert "Traceback" not in pressed["sentence"]


def test_nothing_stays_behind(pressed: dict[str, Any]) -> None:
    assert pressed["left"] == {}
    assert not pressed["registered"]


def test_zip_is_repeatable_and_complete(tmp_path: Path) -> None:
    first = build_addon(tmp_path / "a").read_bytes()
    os.utime(build_addon(tmp_path / "b"), (0, 0))
    assert first == (tmp_path / "b" / "odah-addon.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a" / "odah-addon.zip") as archive:
        names = set(archive.namelist())
        assert {"odah/__init__.py", "odah/blender_manifest.toml", "odah/LICENSE", "odah/render.py"} <= names
        assert b"GNU GENERAL PUBLIC LICENSE" in archive.read("odah/LICENSE")
        assert json.loads(archive.read("odah/scene.schema.json"))["title"]
