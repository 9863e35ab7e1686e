"""`odah-gen render`: videos and masks of clips."""

import argparse
import functools
import sys
import time
from collections.abc import Callable

from odah_gen.cli import add_clip_arguments
from odah_gen.estimate import render_seconds
from odah_gen.run import open_run
from odah_gen.scene.blender import is_software
from odah_gen.scene.render_stage import Progress, leave_finished, render_clips

LOG_INTERVAL_S = 5.0
ERASE_LINE = "\r\x1b[K"
EPILOG = """\
Needs the scene stage. One Blender without a window draws clip after clip and writes front.mp4, side.mp4 (H264; one
for each of camera.views), a lossless mask for each (255 where the person is) and render.json. A clip that was killed goes on at its last whole
segment; a finished one whose inputs have not changed since is left as it is (delete its render.json to draw it again). Without a GPU it draws in software: seconds per frame, and half a minute more the first time, when shaders are
compiled. ODAH_BLENDER_PYTHON names another Python that has bpy.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run folder and the clips."""
    add_clip_arguments(parser)
    parser.epilog = EPILOG


def main(arguments: argparse.Namespace) -> None:
    """Render every clip that is not up to date, with progress on standard error."""
    run = open_run(arguments.run)
    waiting = leave_finished(run, arguments.clips, tell)
    clip_s = functools.partial(render_seconds, run.config, 1)
    render_clips(run, waiting, ProgressLine(clip_s=clip_s, cameras=len(run.config.camera.names)).show)


def tell(sentence: str) -> None:
    """What happens to a clip."""
    sys.stderr.write(f"render {sentence}\n")


class ProgressLine:
    """Progress on standard error: one line written over in a terminal, in a log a line every few seconds."""

    def __init__(
        self,
        command: str = "render",
        clip_s: Callable[[int], float] | None = None,
        cameras: int = 1,
        what: str = "picture",
    ) -> None:
        """Nothing of the command's work has been shown yet; `clip_s` tells the seconds for a clip of so many frames
        without a GPU, of each of which there is a picture per camera; `what` is counted."""
        self._command, self._clip_s, self._cameras, self._what = command, clip_s, cameras, what
        self._shown_s = -LOG_INTERVAL_S
        self._renderer = ""

    def show(self, progress: Progress) -> None:
        """Show how far the clip is; first, what draws."""
        if self._renderer != progress.renderer:
            self._renderer = progress.renderer
            frames = progress.total // self._cameras
            clip_s = None if self._clip_s is None else self._clip_s(frames)
            line = describe_renderer(progress.renderer, frames, clip_s)
            sys.stderr.write(f"{ERASE_LINE if sys.stderr.isatty() else ''}{line}\n")
        terminal, last = sys.stderr.isatty(), progress.done == progress.total
        if not (terminal or last) and time.monotonic() - self._shown_s < LOG_INTERVAL_S:
            return
        self._shown_s = time.monotonic()
        end = "\n" if last or not terminal else ""
        sys.stderr.write(f"{ERASE_LINE if terminal else ''}{self._command} {describe(progress, self._what)}{end}")
        sys.stderr.flush()


def describe_renderer(renderer: str, frames: int, clip_s: float | None) -> str:
    """What draws, in words; a renderer without a GPU is said plainly, with the seconds that a clip takes with it."""
    if not is_software(renderer):
        return f"render: {renderer} draws"
    takes = "" if clip_s is None else f"; a clip of {frames} frames takes about {duration(clip_s)} on two idle cores"
    return f"render: no GPU, {renderer} draws in software{takes}"


def describe(progress: Progress, what: str = "picture") -> str:
    """Progress in words."""
    left = "" if progress.seconds_left is None else f", about {duration(progress.seconds_left)} left"
    return f"{progress.clip_id}: {what} {progress.done} of {progress.total}{left}"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 40 s, 5 min, 2.5 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
