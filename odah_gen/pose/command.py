"""`odah-gen pose`: a model at any coordinates, asked over pipes; or in every frame of a .mot, as a file."""

import argparse
import sys
from pathlib import Path

import torch

from odah_gen.command_line import version
from odah_gen.errors import InputError
from odah_gen.pose.child import Child
from odah_gen.pose.mesh_poser import MeshPoser
from odah_gen.pose.recording import read_recording, write_recording
from odah_gen.pose.skeleton_poser import SkeletonPoser, load_poser
from odah_gen.run import Run, open_run

NO_SUBJECT = "There is no body for an .osim alone; start with --run DIR --subject S to see one."
EPILOG = """\
Without --mot it lives as long as its standard input and answers requests, one JSON object a line:

  {"id": 1, "do": "pose", "coordinates": {"knee_angle_r": 60, "pelvis_ty": 0.9}, "vertices": true}
  {"id": 2, "do": "row", "file": "kinematics.mot", "row": 12}      a row of a .mot, counted from 0
  {"id": 3, "do": "default"}    {"id": 4, "do": "limits"}

Coordinates have OpenSim's names and the units of a .mot: degrees and metres. Those not named have their defaults; a
locked one stays, one beyond its range is put on its end, and the answer's notes say so; coupled ones follow. An answer is
a line of JSON: id, ok, coordinates, notes, body_rotations, body_origins_m, joint_centers_m, mass_centers_m, markers_m
(metres, world frame, Z up) and bytes, the number of bytes of vertices (float32 x, y, z) that follow the line. With
"vertices": true a subject's fitted body comes along; "near": [CLIP, FRAME] names the frame it starts from. A bad
request is answered by {"ok": false, "error": one sentence}. The first message, before any request, has ready: true
and all names, units and ranges. docs/formats.md, "The pose child", has the whole of it.

With --mot FILE --out FILE.npz it writes where the model is in every frame, and ends.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The model, and what to do with it."""
    parser.add_argument("--run", type=Path, metavar="DIR", help="run or exported data set, with --subject")
    parser.add_argument("--subject", metavar="S", help="its model.osim, and its fitted body where the run has one")
    parser.add_argument("--model", type=Path, metavar="FILE", help="any .osim instead")
    parser.add_argument("--mot", type=Path, metavar="FILE", help="a motion of the model (.mot, or .sto with states)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="with --mot: the .npz to write")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG


def main(arguments: argparse.Namespace) -> None:
    """Serve, or write a file.

    Raises:
        InputError: options do not go together, or a file cannot be read or written.
    """
    run, model = chosen_model(arguments)
    if (arguments.mot is None) != (arguments.out is None):
        raise InputError("odah-gen pose: --mot and --out go together. Give both, or neither to answer requests.")
    if arguments.out is not None and arguments.out.suffix != ".npz":
        raise InputError(f"{arguments.out}: --out takes a file name that ends in .npz.")
    poser = load_poser(model)
    if arguments.mot is not None:
        write_recording(arguments.out, poser, read_recording(arguments.mot, poser.skeleton))
        sys.stderr.write(f"{arguments.out}\n")
        return
    mesh, no_mesh = (None, NO_SUBJECT) if run is None else find_mesh(run, arguments.subject, poser)
    torch.set_num_threads(1)  # one pose is too little to share out, and Blender wants the other cores
    Child(poser, mesh, no_mesh, version()).serve(sys.stdin.buffer, sys.stdout.buffer)


def chosen_model(arguments: argparse.Namespace) -> tuple[Run | None, Path]:
    """The run, where one is named, and the .osim.

    Raises:
        InputError: neither or both are named, or the run has no such subject.
    """
    named = (arguments.run is not None, arguments.subject is not None, arguments.model is not None)
    if named not in ((True, True, False), (False, False, True)):
        raise InputError("odah-gen pose: give --run DIR with --subject S, or --model FILE alone.")
    if arguments.model is not None:
        return None, arguments.model
    run = open_run(arguments.run)
    return run, run.subject(arguments.subject) / "model.osim"


def find_mesh(run: Run, subject: str, poser: SkeletonPoser) -> tuple[MeshPoser | None, str]:
    """The subject's fitted body, or why there is none."""
    try:
        return MeshPoser(run, subject, poser), ""
    except InputError as error:
        return None, str(error)
