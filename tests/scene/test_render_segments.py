"""A clip that was interrupted goes on at its last whole segment, and comes out as if nothing had happened."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from odah_gen.body.model import BodyModel
from odah_gen.config import paper_views
from odah_gen.dataset.video import inspect_video, read_frames
from odah_gen.errors import InputError
from odah_gen.run import Run
from odah_gen.scene import render_stage, video
from odah_gen.scene.render_stage import SCRATCH, Progress, job_of, note_renderer, render_clips
from odah_gen.scene.rendered import BOXES, FACTS
from odah_gen.scene.stage import write_scene
from odah_gen.scene.video import SEGMENT_FRAMES, join_segments, segment_file, whole_segments, write_segment
from tests.scene.scene_clip import CLIP, SQUAT_DEG, make_run, pose_of

FRAMES = SEGMENT_FRAMES + 3
VIDEOS = [f"{camera}{end}" for camera in paper_views() for end in (".mp4", "_mask.mkv")]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, model: BodyModel) -> Run:
    """A rendered clip."""
    run = workbench_run(tmp_path_factory.mktemp("finished"), model)
    render_clips(run, [CLIP])
    return run


def workbench_run(folder: Path, model: BodyModel) -> Run:
    """A squat of a little more than a segment, drawn flat, which takes a fraction of a second per frame."""
    return squat(folder, model, FRAMES, {"engine": "workbench", "quality": "preview"})


def eevee_run(folder: Path, model: BodyModel) -> Run:
    """Two frames of a squat, as they are by default."""
    return squat(folder, model, 2, {})


def squat(folder: Path, model: BodyModel, frames: int, render: dict[str, str]) -> Run:
    poses = np.stack([pose_of(SQUAT_DEG, share) for share in np.linspace(0, 1, frames)])
    run = make_run(folder, model, poses, np.zeros(16), camera={"width": 60, "height": 40}, render=render)
    write_scene(run, CLIP)
    return run


def interrupt_after(pictures: int) -> Callable[[Progress], None]:
    """Breaks a render off when so many pictures are done."""

    def interrupt(progress: Progress) -> None:
        if progress.done == pictures:
            raise KeyboardInterrupt

    return interrupt


def test_pictures_come_in_short_closed_groups_without_b_frames(finished: Run) -> None:
    """Every group can be decoded by itself: it begins with a key frame, and nothing is shown in another order than stored."""
    with av.open(str(finished.clip(CLIP) / "front.mp4")) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert [number for number, packet in enumerate(packets) if packet.is_keyframe] == [0, SEGMENT_FRAMES]
    assert all(packet.pts == packet.dts for packet in packets)


def test_what_an_earlier_render_left_beside_is_gone(finished: Run) -> None:
    """Depth of other pictures must not be taken for that of these."""
    folder = finished.clip(CLIP)
    (folder / "front_depth.mkv").write_bytes(b"of other pictures")
    (folder / BOXES).write_bytes(b"of other pictures")
    (folder / FACTS).unlink()
    render_clips(finished, [CLIP])
    assert not (folder / "front_depth.mkv").exists()
    assert not (folder / BOXES).exists()


def test_half_a_clip_of_another_renderer_is_not_gone_on_with(finished: Run, tmp_path: Path) -> None:
    job = job_of(finished, CLIP)
    note_renderer(job, tmp_path, "a processor, Blender 5.0.1")
    note_renderer(job, tmp_path, "a GPU, Blender 5.0.1")  # nothing is drawn yet
    for name in job.videos:
        segment_file(tmp_path, name, 0).write_bytes(b"whole")
    with pytest.raises(InputError, match=r"begun by a GPU, Blender 5.0.1, and a processor, Blender 5.0.1 draws now"):
        note_renderer(job, tmp_path, "a processor, Blender 5.0.1")
    assert not tmp_path.exists()


def test_an_interrupted_clip_goes_on_and_has_the_same_bytes(finished: Run, tmp_path: Path, model: BodyModel) -> None:
    broken = workbench_run(tmp_path, model)
    with pytest.raises(KeyboardInterrupt):
        render_clips(broken, [CLIP], interrupt_after(2 * FRAMES - 2))
    folder = broken.clip(CLIP)
    assert not any((folder / name).exists() for name in VIDEOS)
    told: list[int] = []
    render_clips(broken, [CLIP], lambda progress: told.append(progress.done))
    assert told == list(range(2 * SEGMENT_FRAMES, 2 * FRAMES + 1)), "told once when it starts, then for each picture"
    for name in VIDEOS:
        assert (folder / name).read_bytes() == (finished.clip(CLIP) / name).read_bytes()
        facts = inspect_video(folder / name)
        assert (facts.frames, facts.fps, facts.steady) == (FRAMES, 12, True)
    assert not list(folder.glob(f"{SCRATCH}*"))


def test_so_does_one_that_eevee_draws(tmp_path: Path, model: BodyModel, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (render_stage, video):
        monkeypatch.setattr(module, "SEGMENT_FRAMES", 1)
    through, broken = (eevee_run(tmp_path / name, model) for name in ("through", "broken"))
    render_clips(through, [CLIP])
    with pytest.raises(KeyboardInterrupt):
        render_clips(broken, [CLIP], interrupt_after(3))
    render_clips(broken, [CLIP])
    for name in VIDEOS:
        assert (broken.clip(CLIP) / name).read_bytes() == (through.clip(CLIP) / name).read_bytes()


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
