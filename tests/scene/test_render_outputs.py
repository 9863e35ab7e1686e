"""The optional outputs of a true render: complete, lossless, and in agreement with the masks."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.config import View
from odah_gen.dataset.clip_checks import ClipFiles, clip_problems
from odah_gen.dataset.video import read_frames
from odah_gen.errors import InputError
from odah_gen.run import Run
from odah_gen.scene.boxes import mask_box
from odah_gen.scene.cameras import read_cameras
from odah_gen.scene.render_stage import render_clip
from odah_gen.scene.rendered import OUTPUTS, SEGMENTS, WORN, optional_files, rendered_files
from odah_gen.scene.stage import WEAR, write_scene
from odah_gen.storage import read_npz, write_npz
from tests.scene.scene_clip import CLIP, FRAMES, SQUAT_DEG, make_run, pose_of

VIEWS = {
    "front": {"azimuth_deg": 0},
    "side": {"azimuth_deg": -90},
    "back_high-1": {"azimuth_deg": 160, "lens_mm": 50, "height_m": 1.8, "look_at_m": [0, 0, 0.8]},
}
CAMERAS = tuple(VIEWS)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, model: BodyModel) -> Run:
    """A squat with all optional outputs, seen by three cameras, drawn flat and small."""
    poses = np.stack([pose_of(SQUAT_DEG, share) for share in np.linspace(0.4, 1, FRAMES)])
    render = {"engine": "workbench", "quality": "preview", "outputs": list(OUTPUTS)}
    camera = {"width": 60, "height": 40, "views": VIEWS}
    run = make_run(tmp_path_factory.mktemp("run"), model, poses, np.zeros(16), camera=camera, render=render)
    write_scene(run, CLIP)
    render_clip(run, CLIP)
    return run


def checked(run: Run) -> list[str]:
    """What is wrong with the rendered files, in sentences."""
    clip = ClipFiles(run.clip(CLIP), run.folder, FRAMES, run.config.fps, run.config)
    return [problem.sentence for problem in clip_problems(clip, ["cameras.json", *rendered_files(CAMERAS, OUTPUTS)])]


def test_all_optional_files_are_there_and_sound(measured: Run) -> None:
    assert all((measured.clip(CLIP) / name).is_file() for name in optional_files(CAMERAS))
    assert checked(measured) == []
    assert list(read_cameras(measured.clip(CLIP) / "cameras.json")) == list(CAMERAS)


def test_every_camera_has_a_picture_of_its_own(measured: Run) -> None:
    masks = {name: next(read_frames(measured.clip(CLIP) / f"{name}_mask.mkv", "gray")) for name in CAMERAS}
    boxes = read_npz(measured.clip(CLIP) / "boxes.npz")
    for name, mask in masks.items():
        assert tuple(boxes[f"{name}_box_px"][0]) == mask_box(mask)
        assert 0.02 < (mask > 0).mean() < 0.5
        assert not any(np.array_equal(mask, masks[other]) for other in CAMERAS if other != name)


def test_a_camera_that_the_scene_has_not_is_one_sentence(measured: Run) -> None:
    camera = dataclasses.replace(measured.config.camera, views={"front": View(0), "top": View(90)})
    run = Run(measured.folder, dataclasses.replace(measured.config, camera=camera))
    with pytest.raises(
        InputError, match=r"cameras\.json: has no camera top; it has front, side, back_high-1\. Run the"
    ):
        render_clip(run, CLIP)


@pytest.mark.parametrize("camera", CAMERAS)
def test_depth_and_normals_face_the_camera(measured: Run, camera: str) -> None:
    folder = measured.clip(CLIP)
    depth_mm = np.stack(list(read_frames(folder / f"{camera}_depth.mkv", "gray16le")))
    normals = np.stack(list(read_frames(folder / f"{camera}_normals.mkv", "rgb24"))).astype(float)
    assert 500 < depth_mm.min() < depth_mm.max() < 20000
    assert np.abs(np.linalg.norm((normals - 128) / 127, axis=-1) - 1).max() < 0.02


def test_a_box_that_is_not_the_mask_s_is_found(measured: Run, tmp_path: Path) -> None:
    path = measured.clip(CLIP) / "boxes.npz"
    sound = read_npz(path)
    try:
        write_npz(path, **(sound | {"front_box_px": sound["front_box_px"] + 1}))
        assert len(checked(measured)) == 1
    finally:
        write_npz(path, **sound)


def test_a_box_holds_what_is_there_and_no_more() -> None:
    mask = np.zeros((20, 30), np.uint8)
    assert mask_box(mask) == (0, 0, 0, 0)
    mask[4, 7] = mask[9, 11] = 255
    assert mask_box(mask) == (7, 4, 12, 10)


def test_segments_and_what_is_worn_have_numbers() -> None:
    assert len(JOINT_NAMES) == SEGMENTS
    assert set(WORN) == set(WEAR)
