"""A data set of ours in the authors' layout: videos, cameras, models and motions, and the labels made from them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from odah_gen.body.layout import load_layout
from odah_gen.errors import InputError
from odah_gen.frames import world_to_ground
from odah_gen.skeleton.mot import write_mot
from odah_gen.skeleton.table import body_names, coordinate_names
from odah_gen.skeleton.worker import call
from odah_gen.storage import atomic, read_text
from odah_net.configuration import VIEWS
from odah_net.convert.camera_info import write_camera_info
from odah_net.convert.layout import AuthorsClip
from odah_net.convert.model_scales import body_scales
from odah_net.convert.pelvis import turn, turned
from odah_net.data.clips import ClipData, labelled_coordinates, labelled_points, subject_model

SCALES_AGREE = 1e-5


def export(clips: Sequence[ClipData], out: Path) -> list[AuthorsClip]:
    """Write clips in the authors' layout below `out`.

    Raises:
        InputError: `out` is not empty, a file is missing, or a subject's model is none of our generic one.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out}: is not empty. Choose another folder with --out, or remove it.")
    written = []
    for clip in clips:
        theirs = AuthorsClip(out, dashed(clip.subject), dashed(clip.clip_id.removeprefix(f"{clip.subject}-")))
        write_models(clip, theirs)
        write_clip(clip, theirs)
        written.append(theirs)
    return written


def dashed(name: str) -> str:
    """A name without underscores, at which their program takes file names apart."""
    return name.replace("_", "-")


def write_models(clip: ClipData, theirs: AuthorsClip) -> None:
    """The generic model and the subject's; their program takes scale factors from the meshes of both.

    Raises:
        InputError: the meshes do not have the label's scale factors.
    """
    layout = load_layout()
    if not theirs.generic.is_file():
        places = {"names": layout.names, "bodies": layout.bodies, "locations_m": layout.locations_m}
        write_text(theirs.generic, call("generic_model", **places, locked=()))
    write_text(theirs.model, read_text(subject_model(clip)))
    found = body_scales(theirs.model, theirs.generic, body_names())
    if np.abs(found - clip.labels["scales"]).max() > SCALES_AGREE:
        raise InputError(
            f"{subject_model(clip)}: its meshes are not scaled as its bodies are, which their program expects; a model of "
            "the generic one was expected. Export a run without a model of your own."
        )
    write_array(theirs.scales, clip.labels["scales"])


def write_clip(clip: ClipData, theirs: AuthorsClip) -> None:
    """Videos, cameras (theirs are always called front and side), motion, and the labels of every frame in their frame."""
    for called, camera in zip(VIEWS, clip.views):
        with atomic(theirs.video(called)) as temporary:
            shutil.copyfile(clip.folder / f"{camera}.mp4", temporary)
    write_camera_info(theirs.cameras, dict(zip(VIEWS, (clip.cameras[camera] for camera in clip.views))))
    names = coordinate_names()
    coordinates = labelled_coordinates(clip, names)
    write_mot(theirs.motion, names, np.arange(clip.frames) / clip.fps, coordinates, degrees=False)
    points = world_to_ground(labelled_points(clip)) @ turn(1).T
    for frame, (row, places) in enumerate(zip(turned(names, coordinates, 1), points)):
        write_array(theirs.coordinates(frame), row)
        write_array(theirs.points(frame), places)


def write_text(path: Path, text: str) -> None:
    """Write a text whole."""
    with atomic(path) as temporary:
        temporary.write_text(text)


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an .npy whole."""
    with atomic(path) as temporary:
        np.save(temporary, array)
