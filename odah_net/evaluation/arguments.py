"""Options that every command has which holds methods against the labels of a data set."""

import argparse
from pathlib import Path


def add_comparison_arguments(parser: argparse.ArgumentParser) -> None:
    """Which clips, how many pictures, and what stands beside the method in the table."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="data set by odah-gen export")
    parser.add_argument("--subjects", nargs="+", metavar="SUBJECT", help="only these of the data set")
    parser.add_argument("--curves", type=int, default=4, metavar="CLIPS", help="clips with a picture (default: 4)")
    parser.add_argument(
        "--beside",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="evaluation.json of other methods on the same clips, to compare",
    )
