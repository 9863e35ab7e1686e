"""scene.json says what the schema asks for, is drawn from the seed alone, and travels with the clone."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blender_addon.description import SceneError, read_description
from odah_gen.body.model import BodyModel
from odah_gen.config import from_mapping
from odah_gen.errors import InputError
from odah_gen.paths import ASSETS, ROOT
from odah_gen.run import Run
from odah_gen.scene.appearance import MONK_SKIN_TONES, draw_skin, linear
from odah_gen.scene.render_stage import read_scene
from odah_gen.scene.stage import check_scene, portable, write_scene
from odah_gen.storage import read_json, read_npz, write_json, write_npz
from tests.scene.scene_clip import CLIP, FRAMES, SQUAT_DEG, make_run, pose_of, squat_run

FILES = ("scene.json", "cameras.json", "clothes.npz")


def test_same_seed_same_scene_wherever_it_is_made(run: Run, tmp_path: Path, model: BodyModel) -> None:
    again = squat_run(tmp_path, model)
    write_scene(again, CLIP)
    for name in FILES[:2]:
        assert (again.clip(CLIP) / name).read_bytes() == (run.clip(CLIP) / name).read_bytes()
    first, second = (read_npz(one.clip(CLIP) / "clothes.npz") for one in (run, again))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    other = Run(tmp_path, replace(again.config, seed=2))
    write_scene(other, CLIP)
    assert read_json(other.clip(CLIP) / "cameras.json") != read_json(run.clip(CLIP) / "cameras.json")


def test_room_holds_the_body_and_both_cameras(run: Run) -> None:
    description = read_description(run.clip(CLIP) / "scene.json")
    room = description.content["room"]
    low, high = np.array(room["min_m"]), np.array(room["max_m"])
    assert low[2] == 0
    for camera in description.cameras.values():
        position = -camera.rotation.T @ camera.translation_m
        assert (position > low + 0.4).all()
        assert (position < high - 0.4).all()
    for light in description.content["lights"]:
        assert (np.array(light["position_m"]) < high).all()
        assert light["position_m"][2] > high[2] - 0.1
    assert description.frames == FRAMES


def test_people_differ_and_stay_themselves() -> None:
    run = Run(Path("nowhere"), from_mapping({}))
    tones = {draw_skin(run.generator(f"s{i:03d}", "skin"))["skin"].color_linear for i in range(40)}
    assert len(tones) == 40
    assert draw_skin(run.generator("s001", "skin")) == draw_skin(run.generator("s001", "skin"))
    brightness = [sum(linear(tone)) for tone in MONK_SKIN_TONES]
    assert max(brightness) > 10 * min(brightness)


def test_paths_inside_the_clone_are_relative() -> None:
    model = ASSETS / "body" / "free_female.npz"
    inside = ROOT / "results" / "demo" / "clips" / "a"
    assert portable(model, inside) == "../../../../assets/body/free_female.npz"
    assert portable(model, Path("/elsewhere")) == str(model)


def test_a_moved_clone_still_finds_the_body(run: Run, tmp_path: Path) -> None:
    clone = tmp_path / "moved"
    (clone / "assets").mkdir(parents=True)
    clip = clone / "results" / "clips" / CLIP
    shutil.copytree(run.clip(CLIP), clip)
    scene = read_json(clip / "scene.json")
    shutil.copy(scene["body"]["model"], clone / "assets" / "body.npz")
    write_json(clip / "scene.json", scene | {"body": {"model": "../../../assets/body.npz", "motion": "body.npz"}})
    assert read_description(clip / "scene.json").model.samefile(clone / "assets" / "body.npz")


@pytest.mark.parametrize("name", ["poses", "trans", "betas"])
def test_a_body_that_is_not_a_number_is_refused(fresh_run: Run, name: str) -> None:
    path = fresh_run.clip(CLIP) / "body.npz"
    motion = read_npz(path)
    motion[name].flat[1] = np.nan
    write_npz(path, **motion)
    with pytest.raises(InputError, match=f"{name} holds NaN"):
        write_scene(fresh_run, CLIP)
    assert not any((fresh_run.clip(CLIP) / file).exists() for file in FILES)


def test_a_clip_without_frames_or_body_is_refused(fresh_run: Run) -> None:
    path = fresh_run.clip(CLIP) / "body.npz"
    write_npz(path, **read_npz(path) | {"poses": np.zeros((0, 165)), "trans": np.zeros((0, 3))})
    with pytest.raises(InputError, match="at least one frame"):
        write_scene(fresh_run, CLIP)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        write_scene(fresh_run, CLIP)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("frames", 0, "frames"),
        ("lights", [], "lights"),
        ("surprise", 1, "surprise"),
        ("render", {"engine": "povray", "samples": 1, "shadows": True}, "povray"),
    ],
)
def test_schema_refuses_what_it_does_not_know(run: Run, key: str, value: object, words: str) -> None:
    scene = read_json(run.clip(CLIP) / "scene.json")
    with pytest.raises(InputError, match=words):
        check_scene(Path("scene.json"), scene | {key: value})


def test_a_scene_of_an_older_version_is_named_as_such(run: Run) -> None:
    scene = read_json(run.clip(CLIP) / "scene.json")
    del scene["regions"]
    with pytest.raises(InputError, match=r"^scene\.json: is of schema 1, 2 was expected; another version .* again\.$"):
        check_scene(Path("scene.json"), scene | {"schema": 1})


def test_render_refuses_a_scene_of_other_frames(tmp_path: Path, model: BodyModel) -> None:
    run = squat_run(tmp_path, model)
    write_scene(run, CLIP)
    make_run(tmp_path, model, np.stack([pose_of(SQUAT_DEG)] * 2), np.zeros(4))
    with pytest.raises(InputError, match="has not the 3 frames"):
        read_scene(run.clip(CLIP) / "scene.json")


def test_addon_tells_what_is_missing(run: Run, tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="cannot be read"):
        read_description(tmp_path / "scene.json")
    (tmp_path / "scene.json").write_text("{")
    with pytest.raises(SceneError, match="not valid JSON"):
        read_description(tmp_path / "scene.json")
    (tmp_path / "scene.json").write_text(json.dumps({"schema": 99}))
    with pytest.raises(SceneError, match="no scene of schema 2"):
        read_description(tmp_path / "scene.json")
    shutil.copy(run.clip(CLIP) / "scene.json", tmp_path / "scene.json")
    with pytest.raises(SceneError, match="which is not there"):
        read_description(tmp_path / "scene.json")
