"""`odah-gen verify`: re-read a run or a data set."""

import argparse
import sys
from pathlib import Path

from odah_gen.dataset.verify import findings_table, verify_folder
from odah_gen.errors import InputError

PROBLEMS, UNREADABLE = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-gen verify`."""
    parser.epilog = (
        "Reads every file: arrays against docs/formats.md, every frame of the videos and masks, projections, angles, and in "
        "an export the sha256 of the manifest. Exit code 0: nothing is wrong; 1: something is; 2: a file cannot be read, "
        "or there is no such folder."
    )
    parser.add_argument("--run", type=Path, metavar="DIR", help="a finished run, for instance results/demo")
    parser.add_argument(
        "dataset", nargs="?", type=Path, metavar="DATASET_DIR", help="an exported data set, for instance dataset/train"
    )


def main(arguments: argparse.Namespace) -> None:
    """Check, print a table and one sentence per problem, and exit with what was found."""
    if (arguments.run is None) == (arguments.dataset is None):
        raise InputError("verify: give either --run DIR or the folder of a data set.")
    folder = arguments.run or arguments.dataset
    findings = verify_folder(folder)
    problems = [problem for entry in findings for problem in entry.problems]
    sys.stdout.write(findings_table(findings) + "\n")
    for problem in problems:
        sys.stdout.write(f"{problem.sentence}\n")
    sys.stdout.write(f"{folder}: {len(problems)} problem{'' if len(problems) == 1 else 's'}.\n")
    if problems:
        raise SystemExit(UNREADABLE if any(problem.unreadable for problem in problems) else PROBLEMS)
