"""`odah-gen export`: a self-contained data set of one split."""

import argparse
import sys
from pathlib import Path

from odah_gen.config import SPLITS
from odah_gen.dataset.export import counted, export_split, find_run
from odah_gen.run import open_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-gen export`."""
    parser.epilog = (
        "Copies videos, masks, labels, cameras, quality, body.npz, .osim, .mot, scales.json and clips.parquet of the split, with a "
        "manifest (sha256) and a README. Every file is read and checked first; a data set appears complete or not at all. "
        "Clips that failed are left out and named."
    )
    parser.add_argument("--split", choices=SPLITS, required=True, help="which split; a subject is in one only")
    parser.add_argument("--run", type=Path, metavar="DIR", help="run folder; default: results/default, or the only run")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write; default: dataset/SPLIT")
    parser.add_argument("--include-failed", action="store_true", help="keep clips whose verdict is fail")


def main(arguments: argparse.Namespace) -> None:
    """Export the split, and name what was left out."""
    run = open_run(arguments.run or find_run())
    out = arguments.out or Path("dataset") / arguments.split
    export = export_split(run, arguments.split, out, arguments.include_failed)
    for clip, reason in export.left_out.items():
        sys.stderr.write(f"odah-gen: left out {clip}: {reason}\n")
    sys.stdout.write(f"{export.folder}: {counted(len(export.clips), 'clip')}\n")
