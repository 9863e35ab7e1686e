"""`odah-gen import`: an AMASS file on a body, without a run."""

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np
from jaxtyping import Float

from odah_gen.body.model import BodyModel, find_body_model
from odah_gen.config import Body
from odah_gen.errors import InputError
from odah_gen.motion.amass import read_amass
from odah_gen.motion.clip import MotionClip
from odah_gen.motion.resample import resample
from odah_gen.motion.stage import AMASS_LEG_M, write_world_motion
from odah_gen.motion.world import place_in_world
from odah_gen.storage import write_json

SCHEMA = 1
FILE, MOTION = "import.json", "body.npz"
EPILOG = """\
Puts the motion of an AMASS file (SMPL-H or SMPL-X) on a body, in the world frame: Z up, X the heading, the floor at 0. The
body is the free one of the file's gender, with its mean shape and the file's steps scaled to its legs; with --model-dir
it is SMPL-X, with the shape of the file where the file is SMPL-X, too. Writes body.npz, as a clip of a run has it, and
import.json, which says where the body model is (docs/formats.md). The Blender add-on shows the folder.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, the folder, and how."""
    parser.add_argument("file", type=Path, metavar="FILE.npz", help="motion in AMASS's format")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument("--model-dir", metavar="DIR", help="folder of SMPL-X models; the free body without it")
    parser.add_argument("--fps", type=float, metavar="HZ", help="frames per second; those of the file without it")
    parser.epilog = EPILOG


def main(arguments: argparse.Namespace) -> None:
    """Import the file and say where it is."""
    import_amass(arguments.file, arguments.out, Body(model_dir=arguments.model_dir), arguments.fps)
    sys.stderr.write(f"{arguments.out}\n")


def import_amass(path: Path, out: Path, body: Body, fps: float | None = None) -> None:
    """Write body.npz and import.json of an AMASS file.

    Args:
        path: the file.
        out: the folder.
        body: which body model.
        fps: frames per second; None keeps the file's.

    Raises:
        InputError: the file is no AMASS file, there is no such body model, or the folder cannot be written.
    """
    if fps is not None and not (np.isfinite(fps) and fps > 0):
        raise InputError(f"--fps: is {fps:g}; a positive number of frames per second was expected.")
    clip = read_amass(path)
    model = find_body_model(body, clip.gender)
    betas, own = shape_for(clip, model, body.num_betas)
    placed = place_in_world(clip if own else dataclasses.replace(clip, leg_length_m=AMASS_LEG_M), model, betas)
    if fps is not None:
        placed = dataclasses.replace(placed, clip=resample(placed.clip, fps))
    write_world_motion(out / MOTION, placed, betas, placed.clip.frames)
    content = {
        "schema": SCHEMA,
        "clip": path.stem,
        "fps": placed.clip.fps,
        "frames": placed.clip.frames,
        "body": {"model": str(model.path.resolve()), "motion": MOTION},
    }
    write_json(out / FILE, content)


def shape_for(clip: MotionClip, model: BodyModel, most: int) -> tuple[Float[np.ndarray, " betas"], bool]:
    """Shape coefficients, and whether they are the file's: betas belong to one shape space, of one model and gender."""
    count = min(most, model.num_betas)
    if clip.flavour != "smplx" or model.name != "smplx" or model.gender != clip.gender or not len(clip.betas):
        return np.zeros(count), False
    betas = clip.betas[:count]
    return np.pad(betas, (0, count - len(betas))), True
