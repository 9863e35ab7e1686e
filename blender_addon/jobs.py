# SPDX-License-Identifier: GPL-3.0-or-later
"""What every Blender without a window does: job after job from standard input, progress told in lines of JSON."""

import argparse
import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

import bpy

from .description import SceneError

PR_SET_PDEATHSIG = 1
Job = Callable[[Mapping[str, Any], TextIO, int], None]
"""Does a job, telling its progress to a stream, as long as a process lives."""


def run_jobs(name: str, text: str | None, do_job: Job, arguments: Sequence[str] | None = None) -> int:
    """Do every job of standard input in an empty Blender; returns the exit status."""
    parsed = build_parser(name, text).parse_args(arguments)
    die_with_parent()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with open_progress(parsed.progress_fd) as progress:
        for line in sys.stdin:
            try:
                do_job(json.loads(line), progress, parsed.parent)
            except (SceneError, OSError) as error:
                tell(progress, event="error", message=str(error))
                return 2
    return 0


def build_parser(name: str, text: str | None) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=name, description=text)
    parser.add_argument("--parent", type=int, default=os.getppid(), help="process without which this one ends")
    parser.add_argument("--progress-fd", type=int, help="file descriptor for the progress lines")
    return parser


def die_with_parent() -> None:
    """Ask Linux to end this process when the one that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def open_progress(descriptor: int | None) -> TextIO:
    """Where progress lines go."""
    return os.fdopen(os.dup(1) if descriptor is None else descriptor, "w")


def tell(progress: TextIO, **event: Any) -> None:
    """Write one progress line."""
    print(json.dumps(event), file=progress, flush=True)
