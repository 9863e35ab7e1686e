"""Rendering clips: pictures from one Blender, encoded in segments as they come, moved into place when all are complete."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odah_gen.config import Render
from odah_gen.errors import InputError
from odah_gen.motion.amass import read_world_motion
from odah_gen.paths import ROOT
from odah_gen.run import Run
from odah_gen.scene.blender import Blender, Picture, blender_running, require_egl
from odah_gen.scene.boxes import boxes_file, join_boxes, write_boxes
from odah_gen.scene.cameras import Camera, read_cameras
from odah_gen.scene.rendered import (
    BOXES,
    CLOTH,
    FACTS,
    MEASURED,
    camera_of,
    optional_files,
    rendered_files,
    video_file,
    videos,
)
from odah_gen.scene.stage import check_scene
from odah_gen.scene.video import FORMS, SEGMENT_FRAMES, join_segments, segment_file, whole_segments, write_segment
from odah_gen.storage import read_json, write_json, write_npz

SCRATCH = ".render-"
DRAWN_BY = "drawn_by.txt"


@dataclass(frozen=True)
class Progress:
    """How far a clip is: frames done of all, counted per camera, the seconds that are left (None: not known), and
    what draws."""

    clip_id: str
    done: int
    total: int
    seconds_left: float | None
    renderer: str


@dataclass(frozen=True)
class Job:
    """A clip to render: its folder, its scene, its cameras, the videos that are wanted with their kinds, and whether
    boxes are."""

    folder: Path
    scene: Mapping[str, Any]
    cameras: Mapping[str, Camera]
    videos: Mapping[str, str]
    boxes: bool


def render_clip(run: Run, clip_id: str, report: Callable[[Progress], None] = lambda progress: None) -> None:
    """Render one clip; see `render_clips`."""
    render_clips(run, [clip_id], report)


def render_clips(run: Run, clip_ids: Sequence[str], report: Callable[[Progress], None] = lambda progress: None) -> None:
    """Render clips with one Blender: `C/scene.json` in; `C/<camera>.mp4`, `C/<camera>_mask.mkv`, `C/render.json` out.

    Nothing appears under its final name before every video of the clip is complete. A clip that was interrupted goes
    on at its last whole segment, as long as its inputs and this code are the same.

    Args:
        run: the run.
        clip_ids: which clips.
        report: called after each frame of each camera.

    Raises:
        InputError: Blender or a file that it needs is missing, Blender breaks off, or a folder cannot be written.
    """
    if not clip_ids:
        return
    jobs = {clip_id: job_of(run, clip_id) for clip_id in clip_ids}
    render = run.config.render
    require_egl()
    log = run.folder / f".blender.{os.getpid()}.part.log"
    with blender_running(render.blender, render.device, log) as blender:
        for clip_id, job in jobs.items():
            clock = Clock(clip_id, job.scene["frames"] * len(job.cameras), report)
            origin = made_from(job.folder, job.scene, render)
            with scratch_folder(job.folder, with_code(origin)) as scratch:
                render_into(job, scratch, blender, clock, origin)


def job_of(run: Run, clip_id: str) -> Job:
    """What is to be drawn of a clip.

    Raises:
        InputError: a file is missing or not as expected, or a camera of the configuration is not in cameras.json.
    """
    folder, names, outputs = run.clip(clip_id), run.config.camera.names, run.config.render.outputs
    scene = read_scene(folder / "scene.json")
    cameras = read_cameras(folder / scene["cameras"], names)
    return Job(folder, scene, cameras, videos(names, outputs), "boxes" in outputs)


def leave_finished(run: Run, clip_ids: Sequence[str], tell: Callable[[str], None]) -> list[str]:
    """The clips that must be rendered: not those whose videos were made from the files and settings of today.

    Args:
        run: the run.
        clip_ids: which clips.
        tell: is told of each clip that stays as it is.

    Raises:
        InputError: a scene is missing or not as expected.
    """
    waiting = []
    for clip_id in clip_ids:
        folder = run.clip(clip_id)
        files = [folder / name for name in rendered_files(run.config.camera.names, run.config.render.outputs)]
        origin = made_from(folder, read_scene(folder / "scene.json"), run.config.render)
        if all(file.is_file() for file in files) and read_json(folder / FACTS).get("made_from") == origin:
            for file in files:
                os.utime(file)  # Snakemake takes a file that is older than its inputs for stale.
            tell(f"{clip_id}: nothing has changed")
        else:
            waiting.append(clip_id)
    return waiting


def render_into(job: Job, scratch: Path, blender: Blender, clock: "Clock", origin: str) -> None:
    """Render a clip by way of its scratch folder; render.json comes last, so that what it says is true."""
    facts = render_segments(job, scratch, blender, clock)
    count = -(-job.scene["frames"] // SEGMENT_FRAMES)
    files = {video: video_file(video, kind) for video, kind in job.videos.items()}
    for video, name in files.items():
        join_segments(scratch, video, count, job.scene["fps"], scratch / name)
    if job.boxes:
        write_npz(scratch / BOXES, **join_boxes(scratch, tuple(job.cameras), count))
    (job.folder / FACTS).unlink(missing_ok=True)
    for name in optional_files(tuple(job.cameras)):  # those of an earlier render show other pictures
        (job.folder / name).unlink(missing_ok=True)
    for name in [*files.values(), *([BOXES] if job.boxes else [])]:
        os.replace(scratch / name, job.folder / name)
    write_json(job.folder / FACTS, facts | {"made_from": origin})


def read_scene(path: Path) -> dict[str, Any]:
    """Read and check scene.json and the files that it names.

    Raises:
        InputError: one of them is missing or not as expected.
    """
    scene = read_json(path)
    check_scene(path, scene)
    for name in named_files(scene):
        if not (path.parent / name).is_file():
            again = "drape" if name == CLOTH else "scene"
            raise InputError(f"{path}: names {name}, which is not there. Run `odah-gen {again}` again.")
    motion = path.parent / scene["body"]["motion"]
    if len(read_world_motion(motion)["poses"]) != scene["frames"]:
        raise InputError(f"{motion}: has not the {scene['frames']} frames of scene.json. Run `odah-gen scene` again.")
    return scene


def named_files(scene: Mapping[str, Any]) -> tuple[str, ...]:
    """The files that a scene names."""
    more = [scene["hdri"]["file"]] if "hdri" in scene else []
    more += [scene["cloth"]] if "cloth" in scene else []
    return (scene["body"]["model"], scene["body"]["motion"], scene["clothes"], scene["cameras"], *more)


def made_from(folder: Path, scene: Mapping[str, Any], render: Render) -> str:
    """A hash of all that a user can change in the pictures: scene, files that it names, which Blender draws, and what."""
    digest = hashlib.sha256(json.dumps([scene, render.blender, sorted(render.outputs)], sort_keys=True).encode())
    for name in named_files(scene):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def with_code(origin: str) -> str:
    """A short name for a hash of `made_from` and the code that draws: half a clip cannot go on with other code."""
    digest = hashlib.sha256(origin.encode())
    for file in (*sorted((ROOT / "blender_addon").glob("*.py")), Path(__file__).with_name("video.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def scratch_folder(folder: Path, name: str) -> Iterator[Path]:
    """A hidden folder beside the results. Whole segments stay in it when this process is killed or something fails, so
    that the next one with the same name goes on from there; folders of other names are removed.

    Raises:
        InputError: the folder cannot be written, or the disk is full.
    """
    scratch = folder / f"{SCRATCH}{name}"
    try:
        for leftover in folder.glob(f"{SCRATCH}*"):
            if leftover != scratch:
                shutil.rmtree(leftover, ignore_errors=True)
        scratch.mkdir(exist_ok=True)
        yield scratch
    except OSError as error:
        keep_segments(scratch)
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}). Free space or change the folder."
        ) from error
    except InputError:
        keep_segments(scratch)
        raise
    shutil.rmtree(scratch, ignore_errors=True)


def keep_segments(scratch: Path) -> None:
    """Leave nothing but whole segments; without any, nothing."""
    for leftover in (*scratch.glob("*.raw"), *scratch.glob(".*")):
        leftover.unlink(missing_ok=True)
    if not any(scratch.glob("*.nut")):
        shutil.rmtree(scratch, ignore_errors=True)


def note_renderer(job: Job, scratch: Path, drawn_by: str) -> None:
    """Note what draws a clip, or hold it against what drew its first segments.

    Raises:
        InputError: another renderer drew them; they are removed.
    """
    note = scratch / DRAWN_BY
    before = (
        note.read_text(encoding="utf-8") if whole_segments(scratch, tuple(job.videos)) and note.is_file() else drawn_by
    )
    if before != drawn_by:
        shutil.rmtree(scratch, ignore_errors=True)
        raise InputError(
            f"{job.folder}: was begun by {before}, and {drawn_by} draws now, so nothing of it is kept. "
            "Run the render stage again."
        )
    note.write_text(drawn_by, encoding="utf-8")


def read_picture(path: Path, size: int) -> bytes:
    """A picture that Blender has written, `size` bytes; the file is removed.

    Raises:
        OSError: the file is cut off.
    """
    content = path.read_bytes()
    path.unlink()
    if len(content) != size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return content


class Clock:
    """Counts pictures, tells progress, and measures seconds per frame without the first frame's preparations."""

    def __init__(self, clip_id: str, total: int, report: Callable[[Progress], None]) -> None:
        """Start with nothing done of `total` frames."""
        self._clip_id, self._total, self._report = clip_id, total, report
        self._done = self._skipped = 0
        self._times = [time.monotonic()]

    def skip(self, frames: int) -> None:
        """So many frames of one camera are done already."""
        self._done = self._skipped = frames

    def start(self, renderer: str) -> None:
        """A renderer is ready."""
        self._report(Progress(self._clip_id, self._done, self._total, None, renderer))

    def tick(self, renderer: str = "") -> None:
        """One more frame of one camera is done, by a renderer if one draws."""
        self._done += 1
        self._times.append(time.monotonic())
        per_frame = self.seconds_per_frame if len(self._times) > 2 else None
        left = None if per_frame is None else per_frame * (self._total - self._done)
        self._report(Progress(self._clip_id, self._done, self._total, left, renderer))

    @property
    def seconds_per_frame(self) -> float:
        """Mean seconds for a frame of one camera, its mask included."""
        start = 1 if len(self._times) > 2 else 0
        return (self._times[-1] - self._times[start]) / max(len(self._times) - 1 - start, 1)


def render_segments(job: Job, scratch: Path, blender: Blender, clock: Clock) -> dict[str, Any]:
    """Encode every picture that Blender makes; returns the content of render.json."""
    scene, scene_file = job.scene, job.folder / "scene.json"
    facts_file = scratch / FACTS
    done = whole_segments(scratch, tuple(job.videos))
    first = min(done * SEGMENT_FRAMES, scene["frames"])
    clock.skip(first * len(job.cameras))
    if first == scene["frames"] and facts_file.is_file():
        return read_json(facts_file)
    frames: dict[str, list[bytes]] = {video: [] for video in job.videos}
    measured = [kind for kind in MEASURED if kind in job.videos.values()]
    last: Picture | None = None

    def started(renderer: str, version: str) -> None:
        note_renderer(job, scratch, f"{renderer}, Blender {version}")
        clock.start(renderer)

    for last in blender.pictures(scene_file, scratch, tuple(job.cameras), measured, first, started):
        kind = job.videos[last.video]
        camera = camera_of(last.video, kind)
        size = (job.cameras[camera].width, job.cameras[camera].height)
        frames[last.video].append(read_picture(last.file, size[0] * size[1] * FORMS[kind].pixel_bytes))
        if kind == "mask":
            clock.tick(last.renderer)
        if len(frames[last.video]) == SEGMENT_FRAMES or last.frame == scene["frames"] - 1:
            number, content = last.frame // SEGMENT_FRAMES, frames[last.video]
            if kind == "mask" and job.boxes:
                write_boxes(boxes_file(scratch, camera, number), content, size)
            write_segment(segment_file(scratch, last.video, number), content, size, scene["fps"], kind)
            frames[last.video] = []
    if last is None or last.frame != scene["frames"] - 1:
        raise InputError(f"{scene_file}: Blender made not all pictures. Run `odah-gen scene` again.")
    facts = {
        "seconds_per_frame": round(clock.seconds_per_frame, 4),
        "engine": scene["render"]["engine"],
        "device": last.renderer,
        "samples": scene["render"]["samples"],
        "blender": last.blender,
    }
    write_json(facts_file, facts)
    return facts
