"""Rendering a clip: pictures from Blender, encoded as they come, moved into place when all are complete."""

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odah_gen.errors import InputError
from odah_gen.motion.amass import read_world_motion
from odah_gen.run import CAMERAS, Run
from odah_gen.scene.blender import Picture, blender_python, render_pictures, require_egl
from odah_gen.scene.stage import check_scene
from odah_gen.scene.video import encoding
from odah_gen.storage import read_json, write_json

SCRATCH = ".render-"
PNG_END = b"IEND\xaeB`\x82"
LOG = "blender.log"
"""What Blender said; it stays only when rendering failed."""


@dataclass(frozen=True)
class Progress:
    """How far a clip is: frames done of all, counted per camera, and the seconds that are left (None: not known)."""

    clip_id: str
    done: int
    total: int
    seconds_left: float | None


def render_clip(run: Run, clip_id: str, report: Callable[[Progress], None] = lambda progress: None) -> None:
    """Render a clip: `C/scene.json` in; `C/<camera>.mp4`, `C/<camera>_mask.mkv` and `C/render.json` out.

    Nothing appears under its final name before every video is complete.

    Args:
        run: the run.
        clip_id: which clip.
        report: called after each frame of each camera.

    Raises:
        InputError: Blender or a file that it needs is missing, Blender breaks off, or the folder cannot be written.
    """
    folder = run.clip(clip_id)
    scene = read_scene(folder / "scene.json")
    blender_python()
    require_egl()
    with scratch_folder(folder) as scratch:
        clock = Clock(clip_id, scene["frames"] * len(CAMERAS), report)
        facts = render_videos(folder / "scene.json", scene, scratch, run.config.render.device, clock)
        for video in video_files():
            os.replace(scratch / video, folder / video)
        write_json(folder / "render.json", facts)


def read_scene(path: Path) -> dict[str, Any]:
    """Read and check scene.json and the files that it names.

    Raises:
        InputError: one of them is missing or not as expected.
    """
    scene = read_json(path)
    check_scene(path, scene)
    for name in (scene["body"]["model"], scene["body"]["motion"], scene["clothes"], scene["cameras"]):
        if not (path.parent / name).is_file():
            raise InputError(f"{path}: names {name}, which is not there. Run `odah-gen scene` again.")
    motion = path.parent / scene["body"]["motion"]
    if len(read_world_motion(motion)["poses"]) != scene["frames"]:
        raise InputError(f"{motion}: has not the {scene['frames']} frames of scene.json. Run `odah-gen scene` again.")
    return scene


def video_files() -> list[str]:
    """File names of all videos of a clip, pictures and masks."""
    return [name for camera in CAMERAS for name in (f"{camera}.mp4", f"{camera}_mask.mkv")]


@contextlib.contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """An empty hidden folder beside the results; those that killed jobs left are removed.

    Raises:
        InputError: the folder cannot be written, or the disk is full.
    """
    scratch = folder / f"{SCRATCH}{os.getpid()}"
    try:
        for leftover in folder.glob(f"{SCRATCH}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        scratch.mkdir()
        yield scratch
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}). Free space or change the folder."
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def read_picture(path: Path) -> bytes:
    """A picture that Blender has written. Blender does not say when the disk is full, so the file's end is looked at.

    Raises:
        OSError: the file is cut off.
    """
    content = path.read_bytes()
    if not content.endswith(PNG_END):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return content


class Clock:
    """Counts pictures, tells progress, and measures seconds per frame without the first frame's preparations."""

    def __init__(self, clip_id: str, total: int, report: Callable[[Progress], None]) -> None:
        """Start with nothing done of `total` frames."""
        self._clip_id, self._total, self._report = clip_id, total, report
        self._done = 0
        self._times = [time.monotonic()]

    def tick(self) -> None:
        """One more frame of one camera is done."""
        self._done += 1
        self._times.append(time.monotonic())
        per_frame = self.seconds_per_frame if self._done > 1 else None
        left = None if per_frame is None else per_frame * (self._total - self._done)
        self._report(Progress(self._clip_id, self._done, self._total, left))

    @property
    def seconds_per_frame(self) -> float:
        """Mean seconds for a frame of one camera, its mask included."""
        start = 1 if self._done > 1 else 0
        return (self._times[-1] - self._times[start]) / max(self._done - start, 1)


def render_videos(
    scene_file: Path, scene: Mapping[str, Any], scratch: Path, device: str, clock: Clock
) -> dict[str, Any]:
    """Encode every picture that Blender makes; returns the content of render.json."""
    last: Picture | None = None
    log = scene_file.with_name(LOG)
    with contextlib.ExitStack() as stack:
        encoders = {
            Path(name).stem: stack.enter_context(encoding(scratch / name, scene["fps"], name.endswith(".mkv")))
            for name in video_files()
        }
        stream = stack.enter_context(contextlib.closing(render_pictures(scene_file, scratch, CAMERAS, device, log)))
        for last in stream:
            encoders[last.video].add(read_picture(last.file))
            last.file.unlink()
            if last.video.endswith("_mask"):
                clock.tick()
        for encoder in encoders.values():
            encoder.finish()
    log.unlink()
    if last is None:
        raise InputError(f"{scene_file}: Blender made no picture. Run `odah-gen scene` again.")
    return {
        "seconds_per_frame": round(clock.seconds_per_frame, 4),
        "engine": scene["render"]["engine"],
        "device": last.renderer,
        "samples": scene["render"]["samples"],
        "blender": last.blender,
    }
