"""`odah-gen report`: pictures and figures of a run."""

import argparse
import sys

from odah_gen.cli import add_run_argument
from odah_gen.dataset.report import figures_table, write_pictures, write_report
from odah_gen.run import open_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-gen report`."""
    parser.epilog = (
        "Writes overlay.mp4 and contact_sheet.png (the projected skeleton over both videos) for every finished clip, and "
        "report.html in the run folder. Pictures that are newer than labels and videos are kept."
    )
    add_run_argument(parser)
    parser.add_argument("clips", nargs="*", metavar="CLIP", help="only write the pictures of these clips, not the page")
    parser.add_argument("--table", action="store_true", help="print the figures of every clip, and write nothing")


def main(arguments: argparse.Namespace) -> None:
    """Write pictures and page, or print the table."""
    run = open_run(arguments.run)
    if arguments.table:
        sys.stdout.write(figures_table(run) + "\n")
        return
    for clip_id in arguments.clips:
        write_pictures(run, clip_id)
    if not arguments.clips:
        sys.stdout.write(f"{write_report(run)}\n")
