"""`odah-gen labels`: labels and quality of clips."""

import argparse

from odah_gen.cli import add_clip_arguments
from odah_gen.dataset.labels_stage import write_labels
from odah_gen.run import open_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-gen labels`."""
    parser.epilog = (
        "Needs the ik, fit, scene and render stages of the clip. Writes labels.npz (joint angles, scales, joint and mass "
        "centres, markers, their places in both pictures and whether they are visible) and quality.json (measured "
        "figures and the verdict). docs/formats.md lists every array."
    )
    add_clip_arguments(parser)


def main(arguments: argparse.Namespace) -> None:
    """Write labels and quality of each clip."""
    run = open_run(arguments.run)
    for clip_id in arguments.clips:
        write_labels(run, clip_id)
