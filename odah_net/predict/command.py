"""`odah-net predict`: joint angles of a person from two videos."""

import argparse
import sys
from pathlib import Path

from odah_gen.errors import InputError
from odah_net.configuration import VIEWS
from odah_net.predict.kinematics import motion_of
from odah_net.predict.outputs import write_outputs
from odah_net.predict.recording import open_recording
from odah_net.predict.segmenter import Segmenter
from odah_net.training.checkpoint import read_checkpoint
from odah_net.training.command import add_device_argument, chosen_device
from odah_net.training.plan import SEQUENCE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-net predict`."""
    parser.epilog = (
        "Writes kinematics.mot, model.osim and overlay.mp4. Without --masks or --segmenter the person is what differs from the median "
        "frame of each static camera. The cameras' world is that of the training data: Z up, the person near facing X."
    )
    parser.add_argument(
        "--checkpoint", type=Path, required=True, metavar="FILE", help="checkpoint.pt of odah-net train"
    )
    for camera in VIEWS:
        parser.add_argument(
            f"--{camera}", type=Path, required=True, metavar="FILE", help=f"video of the {camera} camera"
        )
    parser.add_argument("--cameras", type=Path, required=True, metavar="FILE", help="cameras.json (docs/formats.md)")
    found = parser.add_mutually_exclusive_group()
    found.add_argument("--masks", type=Path, nargs=2, metavar=("FRONT", "SIDE"), help="videos, white on the person")
    found.add_argument("--segmenter", type=Path, metavar="FILE", help="your own network (.onnx) that finds the person")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    add_device_argument(parser)


def main(arguments: argparse.Namespace) -> None:
    """Predict, write, and say what was written."""
    checkpoint = read_checkpoint(arguments.checkpoint)
    if checkpoint.stage != SEQUENCE:
        raise InputError(f"{arguments.checkpoint}: has not begun its second stage. Go on by odah-net train --resume.")
    videos = {camera: getattr(arguments, camera) for camera in VIEWS}
    masks = dict(zip(VIEWS, arguments.masks)) if arguments.masks else None
    segmenter = Segmenter(arguments.segmenter) if arguments.segmenter else None
    recording = open_recording(videos, arguments.cameras, masks, segmenter)
    device = chosen_device(arguments.device)
    kinematics = checkpoint.kinematics(device)
    motion = motion_of(checkpoint.build(device), kinematics, recording, device)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_outputs(arguments.out, kinematics, recording, motion)
    sys.stdout.write(f"{arguments.out}: {int(motion.seen.sum())} of {recording.frames} frames show the person\n")
