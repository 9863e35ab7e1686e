"""`odah-gen fidelity`: does the fitted body show the label?"""

import argparse

from odah_gen.cli import add_clip_arguments
from odah_gen.fidelity.stage import measure_clip
from odah_gen.run import open_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-gen fidelity`."""
    parser.epilog = (
        "Needs the ik and fit stages of the clip. Writes fidelity.json: angles that inverse kinematics reads off the "
        "fitted body again, from its markers and from skin points that no stage has seen; where these points drift; "
        "rotations of segments; joint centres; hips, knees and ankles by landmarks of the skin. The labels stage holds "
        "them against the thresholds of the configuration. docs/fidelity.md explains each figure."
    )
    add_clip_arguments(parser)


def main(arguments: argparse.Namespace) -> None:
    """Measure each clip."""
    run = open_run(arguments.run)
    for clip_id in arguments.clips:
        measure_clip(run, clip_id)
