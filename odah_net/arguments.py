"""Options that several commands have, and what is asked of their numbers."""

import argparse
from pathlib import Path

from odah_gen.errors import InputError
from odah_net.configuration import VIEWS


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


def add_views_argument(parser: argparse.ArgumentParser) -> None:
    """Which two cameras."""
    told = f"two cameras of the data set (default: {' '.join(VIEWS)})"
    parser.add_argument("--views", nargs=2, default=VIEWS, metavar="CAMERA", help=told)


def check_at_least(least: int, arguments: argparse.Namespace, *names: str) -> None:
    """See that numbers are not too small.

    Raises:
        InputError: one is; names the option.
    """
    for name in names:
        value = getattr(arguments, name)
        lowest = min(value) if isinstance(value, (list, tuple)) else value
        if lowest < least:
            raise InputError(f"--{name.replace('_', '-')} {lowest:g}: must be at least {least}.")
