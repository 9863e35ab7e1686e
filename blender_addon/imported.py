# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown without a run: an OpenSim motion (`odah-gen pose --mot`) and an AMASS file (`odah-gen import`). numpy only."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .description import SceneError, read_arrays, read_json

SCHEMA = 1
NAMES = ("body_names", "joint_names", "joint_parents", "joint_children", "marker_names", "marker_bodies")
PLACES = ("time_s", "body_rotations", "body_origins_m", "joint_centers_m", "mass_centers_m", "markers_m")


@dataclass(frozen=True)
class SkeletonMotion:
    """An OpenSim model over time; positions in m, world frame.

    Attributes:
        body_names, joint_names, marker_names: names of the rows.
        joint_parents, joint_children: bodies that each joint hangs on and moves, "ground" for ground.
        marker_bodies: body of each marker.
        time_s: [T].
        body_rotations: [T, B, 3, 3], world ← body.
        body_origins_m, mass_centers_m: [T, B, 3].
        joint_centers_m: [T, J, 3].
        markers_m: [T, M, 3].
    """

    body_names: tuple[str, ...]
    joint_names: tuple[str, ...]
    joint_parents: tuple[str, ...]
    joint_children: tuple[str, ...]
    marker_names: tuple[str, ...]
    marker_bodies: tuple[str, ...]
    time_s: np.ndarray
    body_rotations: np.ndarray
    body_origins_m: np.ndarray
    joint_centers_m: np.ndarray
    mass_centers_m: np.ndarray
    markers_m: np.ndarray

    @property
    def fps(self) -> float:
        """Frames per second, the mean over the file; 1 for a single frame."""
        span = float(self.time_s[-1] - self.time_s[0])
        return (len(self.time_s) - 1) / span if span > 0 else 1.0


@dataclass(frozen=True)
class ImportedBody:
    """An AMASS file on a body.

    Attributes:
        clip: name of the file.
        fps: frames per second.
        frames: how many.
        model, motion: body model, and body.npz with poses, trans and betas in the world frame.
    """

    clip: str
    fps: float
    frames: int
    model: Path
    motion: Path


def read_skeleton_motion(path: Path) -> SkeletonMotion:
    """Read what `odah-gen pose --mot FILE --out PATH` wrote.

    Raises:
        SceneError: the file cannot be read, lacks an array, or holds numbers that are not finite.
    """
    arrays = read_arrays(Path(path), (*NAMES, *PLACES))
    if not len(arrays["time_s"]) or not all(np.isfinite(arrays[name]).all() for name in PLACES):
        raise SceneError(f"{path}: frames of finite numbers were expected. Import the motion again.")
    names = {name: tuple(str(entry) for entry in arrays[name]) for name in NAMES}
    return SkeletonMotion(**names, **{name: arrays[name] for name in PLACES})


def read_imported_body(folder: Path) -> ImportedBody:
    """Read import.json of a folder that `odah-gen import FILE --out FOLDER` wrote.

    Raises:
        SceneError: it is missing or names files that are.
    """
    path = Path(folder) / "import.json"
    content = read_json(path)
    try:
        if content["schema"] != SCHEMA:
            raise SceneError(f"{path}: is of schema {content['schema']}, not {SCHEMA}. Import the file again.")
        files = [path.parent / content["body"][name] for name in ("model", "motion")]
        found = ImportedBody(str(content["clip"]), float(content["fps"]), int(content["frames"]), *files)
    except (KeyError, TypeError, ValueError) as error:
        raise SceneError(f"{path}: is no import of odah-gen ({error!r}). Import the file again.") from error
    absent = [file for file in files if not file.is_file()]
    if absent:
        raise SceneError(f"{path}: names {absent[0]}, which is not there. Import the file again.")
    return found
