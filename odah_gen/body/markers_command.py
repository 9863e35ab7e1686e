"""`odah-gen markers`: virtual markers of clips."""

import argparse

from odah_gen.body.markers_stage import write_markers
from odah_gen.cli import add_clip_arguments
from odah_gen.run import open_run

EPILOG = """\
Reads motion.npz of each clip and follows the vertices of the marker list (assets/markers.yaml, or skeleton.markers of
the configuration) on the subject's skin. Writes markers.trc, and held_out.trc with points that are kept for checks:
OpenSim ground (X forward, Y up, Z right), metres. Both open in the OpenSim GUI. docs/markers.md shows where each
marker lies. Next stage: odah-gen ik.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run folder and the clips."""
    add_clip_arguments(parser)
    parser.epilog = EPILOG


def main(arguments: argparse.Namespace) -> None:
    """Write the markers of every clip."""
    run = open_run(arguments.run)
    for clip_id in arguments.clips:
        write_markers(run, clip_id)
