"""A clip that was interrupted goes on at its last whole segment, and comes out as if nothing had happened."""

from pathlib import Path

import numpy as np
import pytest

from odah_gen.body.model import BodyModel
from odah_gen.config import paper_views
from odah_gen.dataset.video import inspect_video, read_frames
from odah_gen.run import Run
from odah_gen.scene.render_stage import SCRATCH, Progress, render_clips
from odah_gen.scene.stage import write_scene
from odah_gen.scene.video import SEGMENT_FRAMES, join_segments, segment_file, whole_segments, write_segment
from tests.scene.scene_clip import CLIP, SQUAT_DEG, make_run, pose_of

FRAMES = SEGMENT_FRAMES + 3
VIDEOS = [f"{camera}{end}" for camera in paper_views() for end in (".mp4", "_mask.mkv")]


def workbench_run(folder: Path, model: BodyModel) -> Run:
    """A squat of a little more than a segment, drawn flat, which takes a fraction of a second per frame."""
    poses = np.stack([pose_of(SQUAT_DEG, share) for share in np.linspace(0, 1, FRAMES)])
    render = {"engine": "workbench", "quality": "preview"}
    run = make_run(folder, model, poses, np.zeros(16), camera={"width": 60, "height": 40}, render=render)
    write_scene(run, CLIP)
    return run


def test_an_interrupted_clip_goes_on_and_has_the_same_bytes(tmp_path: Path, model: BodyModel) -> None:
    through, broken = (workbench_run(tmp_path / name, model) for name in ("through", "broken"))
    render_clips(through, [CLIP])

    def interrupt(progress: Progress) -> None:
        if progress.done == 2 * FRAMES - 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_clips(broken, [CLIP], interrupt)
    folder = broken.clip(CLIP)
    assert not any((folder / video).exists() for video in VIDEOS)
    told: list[int] = []
    render_clips(broken, [CLIP], lambda progress: told.append(progress.done))
    assert told == list(range(2 * SEGMENT_FRAMES + 1, 2 * FRAMES + 1))
    for video in VIDEOS:
        assert (folder / video).read_bytes() == (through.clip(CLIP) / video).read_bytes()
        facts = inspect_video(folder / video)
        assert (facts.frames, facts.fps, facts.steady) == (FRAMES, 12, True)
    assert not list(folder.glob(f"{SCRATCH}*"))


@pytest.mark.parametrize("fps", [12, 59.94])
def test_joined_masks_are_lossless_and_steady(tmp_path: Path, fps: float) -> None:
    frames = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (2 * SEGMENT_FRAMES + 1, 16, 16))
    for number, start in enumerate(range(0, len(frames), SEGMENT_FRAMES)):
        part = [frame.tobytes() for frame in frames[start : start + SEGMENT_FRAMES]]
        write_segment(segment_file(tmp_path, "front_mask", number), part, (16, 16), fps, kind="mask")
    assert whole_segments(tmp_path, ["front_mask"]) == 3
    assert whole_segments(tmp_path, ["front_mask", "front"]) == 0
    join_segments(tmp_path, "front_mask", 3, fps, tmp_path / "front_mask.mkv")
    assert (np.stack(list(read_frames(tmp_path / "front_mask.mkv", "gray"))) == frames).all()
    assert inspect_video(tmp_path / "front_mask.mkv").steady
