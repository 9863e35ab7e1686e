"""A clip under the user's own sky, drawn by EEVEE."""

from pathlib import Path

import numpy as np
import pytest

from odah_gen.body.model import BodyModel
from odah_gen.dataset.video import read_frames
from odah_gen.errors import InputError
from odah_gen.run import Run
from odah_gen.scene.render_stage import render_clip
from odah_gen.scene.stage import write_scene
from tests.scene.scene_clip import CLIP, SQUAT_DEG, make_run, pose_of

RED_RGBE = bytes([250, 25, 25, 129])


def under(sky: bytes, folder: Path, model: BodyModel) -> Run:
    """A run of one frame in surroundings."""
    (folder / "skies").mkdir()
    (folder / "skies" / "red.hdr").write_bytes(sky)
    room = {"kinds": ["hdri"], "hdri_dir": str(folder / "skies")}
    camera = {"width": 60, "height": 40}
    run = make_run(folder / "run", model, pose_of(SQUAT_DEG)[None], np.zeros(16), camera=camera, room=room)
    write_scene(run, CLIP)
    return run


def test_the_sky_is_behind_the_person_and_lights_it(tmp_path: Path, model: BodyModel) -> None:
    run = under(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 4\n" + 8 * RED_RGBE, tmp_path, model)
    render_clip(run, CLIP)
    picture = next(read_frames(run.clip(CLIP) / "front.mp4", "rgb24")).astype(float)
    person = next(read_frames(run.clip(CLIP) / "front_mask.mkv", "gray")) > 0
    red, others = picture[..., 0], picture[..., 1:].max(-1)
    assert (red - others)[0].min() > 50, "the sky fills the picture's top"
    assert 0.02 < person.mean() < 0.5
    assert np.median((red - others)[person]) > 5


def test_a_sky_that_is_no_picture_is_named(tmp_path: Path, model: BodyModel) -> None:
    run = under(b"no picture", tmp_path, model)
    with pytest.raises(InputError, match=r"red\.hdr: is no \.hdr or \.exr picture that can be read"):
        render_clip(run, CLIP)
