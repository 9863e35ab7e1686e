"""`odah-net evaluate`: scores of a trained network on a data set."""

import argparse
import sys
from pathlib import Path

from odah_net.arguments import add_comparison_arguments, check_at_least
from odah_net.evaluation.evaluate import evaluate, table
from odah_net.training.checkpoint import read_checkpoint
from odah_net.training.command import add_device_argument, chosen_device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-net evaluate`."""
    parser.epilog = (
        "Prints a table of three methods: the sequence, its frames by themselves, and the mean pose of the training set, "
        "which any network must beat. docs/network.md defines the figures."
    )
    parser.add_argument(
        "--checkpoint", type=Path, required=True, metavar="FILE", help="checkpoint.pt of odah-net train"
    )
    add_comparison_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write evaluation.json, table.txt and pictures here")
    parser.add_argument("--workers", type=int, default=0, help="processes that read videos (default: 0, none)")
    add_device_argument(parser)


def main(arguments: argparse.Namespace) -> None:
    """Evaluate, and print the table."""
    check_at_least(0, arguments, "workers", "curves")
    report = evaluate(
        read_checkpoint(arguments.checkpoint),
        arguments.data,
        arguments.out,
        arguments.subjects,
        chosen_device(arguments.device),
        arguments.workers,
        arguments.curves,
        arguments.beside,
    )
    sys.stdout.write(f"{report['clips']} clips, {report['frames']} frames\n{table(report['methods'])}")
