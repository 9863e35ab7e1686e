"""`odah-net convert`: to and from the layout of the paper authors' program."""

import argparse
import sys
from pathlib import Path

from odah_net.arguments import add_views_argument
from odah_net.convert.export import export
from odah_net.convert.read import read_all
from odah_net.data.clips import open_clips


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-net convert`."""
    parser.epilog = (
        "With --data a data set is written as train_data and the labels of train_data_yolo; with --authors such a folder is "
        "read, and its clips are written in the layout of a run. docs/network.md tells what either does not hold."
    )
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--data", type=Path, metavar="DIR", help="data set by odah-gen export, to convert")
    given.add_argument("--authors", type=Path, metavar="DIR", help="folder in their layout, to read")
    add_views_argument(parser)
    parser.add_argument("--subjects", nargs="+", metavar="SUBJECT", help="only these of the data set")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")


def main(arguments: argparse.Namespace) -> None:
    """Convert, and say what was written."""
    if arguments.data:
        count = len(export(open_clips(arguments.data, arguments.subjects, tuple(arguments.views)), arguments.out))
    else:
        count = len(read_all(arguments.authors, arguments.out))
    sys.stdout.write(f"{arguments.out}: {count} clips\n")
