"""`odah-gen ik`: joint angles and key points of clips."""

import argparse

from odah_gen.cli import add_clip_arguments
from odah_gen.run import open_run
from odah_gen.skeleton.ik_stage import solve_clip

EPILOG = """\
Reads markers.trc of each clip and model.osim of its subject; solves the weighted markers with the engine that
ik.engine of the configuration names. Writes kinematics.mot (degrees, metres; the coupled columns knee_angle_*_beta in radians, as OpenSim
reads them; opens in the OpenSim GUI on model.osim) and keypoints.npz (joint centres, mass centres, markers and body
rotations in the world frame; docs/formats.md) and ik.json (with the fast engine: how far OpenSim's own solution of
ik.check_frames frames is from it). An own .trc may stand in place of markers.trc: Y up, X forward, the
markers of the list by name, empty fields where a marker was not seen. Next stage: odah-gen fit.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run folder and the clips."""
    add_clip_arguments(parser)
    parser.epilog = EPILOG


def main(arguments: argparse.Namespace) -> None:
    """Solve every clip."""
    run = open_run(arguments.run)
    for clip_id in arguments.clips:
        solve_clip(run, clip_id)
