"""Reading the authors' layout: each clip as videos, cameras, motion and scale factors in files of ours."""

import shutil
from pathlib import Path

import numpy as np
from jaxtyping import Float

from odah_gen.dataset.video import VideoFacts, inspect_video, is_steady
from odah_gen.errors import InputError
from odah_gen.scene.cameras import write_cameras
from odah_gen.skeleton.mot import read_mot, write_mot
from odah_gen.skeleton.table import body_names, coordinate_names
from odah_gen.storage import atomic, write_json
from odah_net.configuration import VIEWS
from odah_net.convert.camera_info import read_camera_info
from odah_net.convert.layout import LABELS, SHAPE, SOURCE, AuthorsClip, find_clips
from odah_net.convert.model_scales import body_scales
from odah_net.convert.pelvis import turned

CURE = "Copy the file again."


def read_all(root: Path, out: Path) -> list[str]:
    """Write every clip of a data folder in the layout of a run below `out`; returns their ids.

    What their layout does not have is not made: masks, visibility, confidence.

    Raises:
        InputError: there is no clip, or a file is missing or damaged.
    """
    clips = find_clips(root)
    if not clips:
        raise InputError(
            f"{root}: holds no clip ({SOURCE}/video/SUBJECT/{SHAPE}/SUBJECT_ACTION_front.mp4 was expected). Give the folder "
            f"that holds {SOURCE}."
        )
    return [write_ours(clip, out) for clip in clips]


def write_ours(clip: AuthorsClip, out: Path) -> str:
    """Write one clip; returns its id."""
    clip_id = f"{clip.subject}-{clip.action}"
    folder, subject = out / "clips" / clip_id, out / "subjects" / clip.subject
    facts = {camera: inspect_video(clip.video(camera), CURE) for camera in VIEWS}
    sizes = {camera: (fact.width, fact.height) for camera, fact in facts.items()}
    scales = body_scales(clip.model, clip.generic, body_names())
    coordinates = read_coordinates(clip, facts["front"])
    for source, target in (
        *((clip.video(camera), folder / f"{camera}.mp4") for camera in VIEWS),
        (clip.model, subject / "model.osim"),
    ):
        with atomic(target) as temporary:
            shutil.copyfile(source, temporary)
    write_cameras(folder / "cameras.json", facts["front"].fps, read_camera_info(clip.cameras, sizes))
    time_s = np.arange(len(coordinates)) / facts["front"].fps
    write_mot(folder / "kinematics.mot", coordinate_names(), time_s, coordinates)
    write_json(subject / "scales.json", dict(zip(body_names(), scales.tolist())))
    return clip_id


def read_coordinates(clip: AuthorsClip, video: VideoFacts) -> Float[np.ndarray, "frames coordinates"]:
    """The motion of a clip in OpenSim ground (rad, m), from its .mot, or where there is none from the labels.

    Raises:
        InputError: neither is there, a coordinate is absent, or the motion's times are not those of the video's frames.
    """
    files = sorted(clip.model.parent.glob(f"*/{clip.name}_rad.mot"))
    if not files:
        return labelled(clip, video.frames)
    motion = read_mot(files[0])
    absent = [name for name in coordinate_names() if name not in motion.names]
    if absent:
        raise InputError(f"{files[0]}: has no coordinate {absent[0]}; all 39 were expected. Export the motion again.")
    if len(motion.time_s) != video.frames or not is_steady(motion.time_s, video.fps):
        raise InputError(
            f"{files[0]}: has {len(motion.time_s)} rows from {motion.time_s[0]:g} to {motion.time_s[-1]:g} s; one for each of "
            f"{video.frames} frames at {video.fps:g} a second was expected. Export the motion at the video's times."
        )
    return motion.values[:, [motion.names.index(name) for name in coordinate_names()]]


def labelled(clip: AuthorsClip, frames: int) -> Float[np.ndarray, "frames coordinates"]:
    """The motion of a clip from its labels, turned back from the authors' frame.

    Raises:
        InputError: a frame has no label.
    """
    paths = [clip.coordinates(frame) for frame in range(frames)]
    absent = [path for path in paths if not path.is_file()]
    if absent:
        raise InputError(
            f"{absent[0]}: is missing, and so is {clip.name}_rad.mot below {clip.model.parent}; one of them was expected. "
            f"Give the folder that holds {SOURCE} or {LABELS}."
        )
    return turned(coordinate_names(), np.stack([np.load(path) for path in paths]), -1)
