"""`odah-gen preview`: fitted body, skeleton and markers of clips from two sides, before anything is rendered."""

import argparse
from pathlib import Path

from odah_gen.cli import add_clip_arguments
from odah_gen.dataset.schema import PREVIEWS
from odah_gen.errors import InputError
from odah_gen.preview.stage import write_preview, write_preview_sheet
from odah_gen.run import open_run
from odah_gen.scene.render_command import ProgressLine

VIDEO, SHEET = PREVIEWS
EPILOG = """\
Needs the fit stage, but neither Blender nor a rendered clip. Writes preview.mp4 into the clip's folder: front and side
without perspective, following the pelvis; the floor has a tick every half metre. It shows the fitted body (body.npz),
the skeleton and the model's markers (keypoints.npz), the markers that inverse kinematics was given (markers.trc) and
those of the fitted body (fit.npz). Markers behind the body are faint.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run folder, the clips, and what to write."""
    add_clip_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the video of the one clip here instead (.mp4)")
    parser.add_argument(
        "--sheet",
        action="store_true",
        help="also write eight frames as one picture beside it: preview.png, or FILE's name",
    )
    parser.epilog = EPILOG


def main(arguments: argparse.Namespace) -> None:
    """Write the preview of every clip, with progress on standard error.

    Raises:
        InputError: --out is given for several clips, or is no .mp4.
    """
    out: Path | None = arguments.out
    if out is not None and (len(arguments.clips) > 1 or out.suffix != ".mp4"):
        raise InputError(f"{out}: --out takes one clip and a file name that ends in .mp4. Give both, or leave it out.")
    run = open_run(arguments.run)
    for clip_id in arguments.clips:
        path = out or run.clip(clip_id) / VIDEO
        frames = write_preview(run, clip_id, path, ProgressLine("preview").show)
        if arguments.sheet:
            write_preview_sheet(path, path.with_suffix(Path(SHEET).suffix), frames)
