"""`odah-gen motion`: put source motion on the subject's body, in the world frame."""

import argparse
import sys

from odah_gen.cli import add_clip_arguments
from odah_gen.motion.stage import write_motion
from odah_gen.run import open_run

EPILOG = """\
Brings each clip's source motion to the run's frame rate, puts it on the subject's body, and into the world frame: Z up,
X the heading, the floor at 0 (docs/motion.md). Writes motion.npz, in AMASS's format. Next stage: odah-gen markers.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run and its clips."""
    add_clip_arguments(parser)
    parser.epilog = EPILOG


def main(arguments: argparse.Namespace) -> None:
    """Write motion.npz of every named clip."""
    run = open_run(arguments.run)
    for clip_id in arguments.clips:
        sys.stderr.write(f"{write_motion(run, clip_id)}\n")
