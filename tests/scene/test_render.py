"""One true render, tiny: the videos are whole, the masks exact, and the picture agrees with the projection."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from blender_addon.description import read_description
from blender_addon.subject import load_subject, posed_vertices
from odah_gen.config import paper_views
from odah_gen.run import Run
from odah_gen.scene.cameras import Camera, project
from odah_gen.scene.render_stage import Progress
from odah_gen.storage import read_json
from tests.scene.scene_clip import CLIP, FRAMES

CAMERAS = tuple(paper_views())
Rendered = tuple[Path, list[Progress]]


def frames_of(path: Path, pixel_format: str) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format=pixel_format) for frame in container.decode(video=0)])


@pytest.mark.parametrize("camera", CAMERAS)
def test_video_has_every_frame_at_a_constant_rate(rendered: Rendered, camera: str) -> None:
    with av.open(str(rendered[0] / f"{camera}.mp4")) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert stream.codec_context.name == "h264"
        assert stream.average_rate == 12
        assert (stream.width, stream.height, frames[0].format.name) == (120, 80, "yuv420p")
        assert [round(float(frame.time) * 12, 3) for frame in frames] == list(range(FRAMES))


@pytest.mark.parametrize("camera", CAMERAS)
def test_mask_is_black_and_white_and_shows_the_projected_body(rendered: Rendered, camera: str) -> None:
    masks = frames_of(rendered[0] / f"{camera}_mask.mkv", "gray")
    assert masks.shape == (FRAMES, 80, 120)
    assert set(np.unique(masks)) == {0, 255}
    description = read_description(rendered[0] / "scene.json")
    subject, seen = load_subject(description), camera_of(rendered[0], camera)
    last, wanted = masks[-1] > 0, silhouette(seen, subject, FRAMES - 1)
    assert (wanted & last).sum() / (wanted | last).sum() > 0.985


def camera_of(folder: Path, name: str) -> Camera:
    entry = read_json(folder / "cameras.json")["cameras"][name]
    numbers = (np.array(entry[key]) for key in ("K", "R", "t_m"))
    return Camera(entry["width"], entry["height"], *numbers, entry["lens_mm"], entry["sensor_width_mm"])


def silhouette(camera: Camera, subject: Any, frame: int) -> np.ndarray:
    """Pixels whose centre lies in a projected face of body or clothes."""
    faces = {"body": subject.body.faces[subject.visible]} | {n: g.faces for n, g in subject.garments.items()}
    covered = np.zeros((camera.height, camera.width), bool)
    for name, vertices in posed_vertices(subject, frame).items():
        for triangle in project(camera, vertices)[faces[name]]:
            fill(covered, triangle)
    return covered


def fill(covered: np.ndarray, triangle: np.ndarray) -> None:
    """Mark the pixels whose centres lie inside one triangle."""
    low, high = np.floor(triangle.min(0)).astype(int), np.ceil(triangle.max(0)).astype(int)
    x, y = np.meshgrid(np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5)
    sides = []
    for first, second in zip(triangle, np.roll(triangle, -1, 0)):
        sides.append((second[0] - first[0]) * (y - first[1]) - (second[1] - first[1]) * (x - first[0]))
    inside = (np.minimum.reduce(sides) >= 0) | (np.maximum.reduce(sides) <= 0)
    covered[y[inside].astype(int), x[inside].astype(int)] = True


@pytest.mark.parametrize("camera", CAMERAS)
def test_picture_shows_a_lit_person_on_a_floor(rendered: Rendered, camera: str) -> None:
    pictures = frames_of(rendered[0] / f"{camera}.mp4", "rgb24").astype(float)
    masks = frames_of(rendered[0] / f"{camera}_mask.mkv", "gray") > 0
    assert 30 < pictures.mean() < 225
    assert (pictures.min(-1) > 250).mean() < 0.15  # little of it is burnt out
    person, around = pictures[masks].mean(0), pictures[~masks].mean(0)
    assert np.abs(person - around).max() > 15
    assert 0.02 < masks.mean() < 0.5


def test_the_clip_leaves_only_its_results(rendered: Rendered) -> None:
    folder, told = rendered
    wanted = {f"{camera}{end}" for camera in CAMERAS for end in (".mp4", "_mask.mkv")} | {"render.json"}
    before = {"body.npz", "scene.json", "cameras.json", "clothes.npz"}
    assert {file.name for file in folder.iterdir()} == wanted | before
    facts = read_json(folder / "render.json")
    assert set(facts) == {"seconds_per_frame", "engine", "device", "samples", "blender", "made_from"}
    assert facts["seconds_per_frame"] > 0
    assert [progress.done for progress in told] == list(range(2 * FRAMES + 1)), "once when it starts, then each picture"
    assert told[0].seconds_left is None
    assert told[-1].seconds_left == 0


WHOLE = """
import json, sys
from pathlib import Path
import bpy, numpy as np
from blender_addon import description, painter, scene_builder
told = description.read_description(Path(sys.argv[1]))
told.content["render"].update(engine="eevee", samples=4, shadows=True)
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
stage = scene_builder.build_stage(scene, told)
masks = scene_builder.new_mask_scene(stage.people.values())
whole = painter.Painter(stage, scene, masks, "front", None, Path(sys.argv[2]), on_gpu=True).picture().astype(float)
caster = painter.new_caster(stage, on_gpu=False)
composed = painter.Painter(stage, scene, masks, "front", caster, Path(sys.argv[2]))
caster.cast()
error = composed.picture() - whole
print(json.dumps([float(10 * np.log10(255**2 / (error**2).mean())), float(np.abs(error.mean()))]))
"""


def test_a_frame_from_parts_looks_like_a_whole_one(run: Run, blender: Callable[..., Any], tmp_path: Path) -> None:
    """Blender draws the same frame whole; benchmarks/render.py compares larger ones over a clip."""
    psnr_db, offset = blender(WHOLE, run.clip(CLIP) / "scene.json", tmp_path / "shot.exr")
    assert psnr_db > 36
    assert offset < 1
