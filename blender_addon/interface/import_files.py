# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown without a run, as a clip's files: an AMASS motion on a body, or an OpenSim model with a motion. numpy only."""

from pathlib import Path

import numpy as np

from ..description import SceneError, read_arrays
from ..imported import read_imported_body, read_skeleton_motion
from ..skinning import load_body
from ..subject import Subject
from .clip_files import ClipFiles, Kinematics, read_clip

RECORDING = "recording.npz"
"""In the folder of an imported OpenSim motion."""


def read_shown(folder: Path, clip: str, subject: str, project: Path | None) -> ClipFiles:
    """Read a clip of a run or data set, or what an import wrote to a folder.

    Raises:
        SceneError: it cannot be shown.
    """
    if (folder / "import.json").is_file():
        return read_body(folder)
    if (folder / RECORDING).is_file():
        return read_recording(folder / RECORDING)
    return read_clip(folder, clip, subject, project)


def read_body(folder: Path) -> ClipFiles:
    """A body in motion, undressed and without a skeleton."""
    found = read_imported_body(folder)
    motion = read_arrays(found.motion, ("poses", "trans", "betas"))
    body = load_body(found.model, motion["betas"])
    person = Subject(body, np.ones(len(body.faces), bool), {}, {}, motion["poses"], motion["trans"])
    return ClipFiles(folder, None, None, person, {}, {}, found.fps, ("An AMASS file has no skeleton and no markers.",))


def read_recording(path: Path) -> ClipFiles:
    """A skeleton in motion; each body hangs on the joint that moves it.

    Raises:
        SceneError: it is no recording, or a body has no joint.
    """
    motion = read_skeleton_motion(path)
    missing = [name for name in motion.body_names if name not in motion.joint_children]
    if missing:
        raise SceneError(f"{path}: no joint moves {missing[0]}. Give every body of the model a joint.")
    joints = [motion.joint_children.index(name) for name in motion.body_names]
    kinematics = Kinematics(
        motion.body_names,
        motion.marker_names,
        motion.time_s,
        motion.joint_centers_m[:, joints],
        motion.mass_centers_m,
        motion.body_rotations,
        motion.body_rotations[:, 0],
        motion.markers_m,
        None,
        np.ones((len(motion.body_names), 3)),
    )
    return ClipFiles(path.parent, kinematics, None, None, {}, {}, motion.fps, ("An OpenSim motion has no body.",))
