"""`odah-gen fidelity`: does the fitted body show the label?"""

import argparse
import sys

from odah_gen.cli import add_run_argument
from odah_gen.errors import InputError
from odah_gen.fidelity.stage import measure_clips
from odah_gen.run import open_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-gen fidelity`."""
    parser.epilog = (
        "Needs the ik and fit stages of the clip. Writes fidelity.json: angles that inverse kinematics reads off the "
        "fitted body again, from its markers and from skin points that no stage has seen; where these points drift; "
        "rotations of segments; joint centres; hips, knees and ankles by landmarks of the skin. The labels stage holds "
        "them against the thresholds of the configuration. A clip whose inputs have not changed since is left as it is. "
        "docs/fidelity.md explains each figure."
    )
    add_run_argument(parser)
    parser.add_argument("clips", nargs="*", metavar="CLIP", help="clip ids, as in clips.parquet")
    parser.add_argument("--subject", action="append", default=[], metavar="S", help="all clips of this subject")


def main(arguments: argparse.Namespace) -> None:
    """Measure the clips that are named, and those of the subjects that are named.

    Raises:
        InputError: neither a subject nor a clip is named.
    """
    if not arguments.subject and not arguments.clips:
        raise InputError("odah-gen fidelity: names no clip and no subject. Give clip ids, or --subject S.")
    run = open_run(arguments.run)
    clips = [*arguments.clips, *(clip for subject in arguments.subject for clip in run.clips_of(subject))]
    measure_clips(run, clips, tell)


def tell(sentence: str) -> None:
    """Progress."""
    sys.stderr.write(f"odah-gen: {sentence}\n")
