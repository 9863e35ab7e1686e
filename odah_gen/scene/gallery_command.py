"""`odah-gen gallery`: who and what a configuration will draw, as one picture."""

import argparse
import dataclasses
import sys
from pathlib import Path

from odah_gen.cli import add_config_argument
from odah_gen.config import load_config
from odah_gen.errors import InputError
from odah_gen.scene.gallery import write_gallery
from odah_gen.scene.render_command import ProgressLine

FORMATS = (".png", ".jpg")
EPILOG = """\
Before a run is made: draws one clip of each subject at one moment of its source motion, in the clothes, room and light
that the run will give it, from every camera. Neither skeleton nor fit is needed, so the pose is the source's. The
cameras frame that moment only and stand nearer than in the clip. Try other seeds, rooms or cameras in the
configuration and look again. Example:

    odah-gen gallery --config config/demo.yaml --subjects 12 --out people.png
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which configuration, how many people, how large, and where to."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    add_config_argument(parser)
    parser.add_argument(
        "--subjects", type=int, metavar="N", help="how many people (default: those of the configuration)"
    )
    parser.add_argument(
        "--size",
        metavar="WxH",
        help="size of each picture in pixels, for instance 240x320 (default: camera.width x camera.height)",
    )
    parser.add_argument("--columns", type=int, default=4, metavar="N", help="people in a row (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("people.png"),
        metavar="FILE",
        help="the picture, .png or .jpg (default: %(default)s)",
    )


def main(arguments: argparse.Namespace) -> None:
    """Draw the gallery, with progress on standard error.

    Raises:
        InputError: a number or size is not as expected, or the picture has another ending.
    """
    if arguments.out.suffix not in FORMATS:
        raise InputError(f"{arguments.out}: --out ends neither in .png nor in .jpg. Choose one of them.")
    for name in ("subjects", "columns"):
        if getattr(arguments, name) is not None and getattr(arguments, name) < 1:
            raise InputError(f"--{name} {getattr(arguments, name)}: at least 1 is expected. Give a larger number.")
    config = load_config(arguments.config)
    motion = dataclasses.replace(config.motion, clips_per_subject=1)
    if arguments.subjects is not None:
        motion = dataclasses.replace(motion, subjects=arguments.subjects)
    camera = config.camera
    if arguments.size is not None:
        width, height = picture_size(arguments.size)
        camera = dataclasses.replace(camera, width=width, height=height)
    config = dataclasses.replace(config, motion=motion, camera=camera)
    people = write_gallery(
        config, arguments.out, arguments.columns, ProgressLine("gallery", cameras=len(config.camera.names)).show
    )
    sys.stderr.write(f"{arguments.out}: {people} people\n")


def picture_size(text: str) -> tuple[int, int]:
    """Width and height (px) of "240x320".

    Raises:
        InputError: it is not two even numbers of at least 16.
    """
    parts = text.lower().split("x")
    if len(parts) == 2 and all(part.isdecimal() and int(part) >= 16 and int(part) % 2 == 0 for part in parts):
        return int(parts[0]), int(parts[1])
    raise InputError(f"--size {text}: two even numbers of at least 16 are expected, as in 240x320.")
