"""`odah-gen render`: two-camera videos and masks of clips."""

import argparse
import sys
import time

from odah_gen.cli import add_clip_arguments
from odah_gen.run import open_run
from odah_gen.scene.render_stage import Progress, render_clip

LOG_INTERVAL_S = 5.0
ERASE_LINE = "\r\x1b[K"
EPILOG = """\
Needs the scene stage. Starts Blender without a window and writes front.mp4, side.mp4 (H264), a lossless mask for each
(255 where the person is) and render.json. Without a GPU it draws in software: seconds per frame, and half a minute
more the first time, when shaders are compiled. ODAH_BLENDER_PYTHON names another Python that has bpy.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run folder and the clips."""
    add_clip_arguments(parser)
    parser.epilog = EPILOG


def main(arguments: argparse.Namespace) -> None:
    """Render every clip, with progress on standard error."""
    run = open_run(arguments.run)
    for clip_id in arguments.clips:
        render_clip(run, clip_id, ProgressLine().show)


class ProgressLine:
    """Progress on standard error: one line written over in a terminal, in a log a line every few seconds."""

    def __init__(self, command: str = "render") -> None:
        """Nothing of the command's work has been shown yet."""
        self._command = command
        self._shown_s = -LOG_INTERVAL_S

    def show(self, progress: Progress) -> None:
        """Show how far the clip is."""
        terminal, last = sys.stderr.isatty(), progress.done == progress.total
        if not (terminal or last) and time.monotonic() - self._shown_s < LOG_INTERVAL_S:
            return
        self._shown_s = time.monotonic()
        end = "\n" if last or not terminal else ""
        sys.stderr.write(f"{ERASE_LINE if terminal else ''}{self._command} {describe(progress)}{end}")
        sys.stderr.flush()


def describe(progress: Progress) -> str:
    """Progress in words."""
    left = "" if progress.seconds_left is None else f", about {duration(progress.seconds_left)} left"
    return f"{progress.clip_id}: picture {progress.done} of {progress.total}{left}"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 40 s, 5 min, 2.5 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
