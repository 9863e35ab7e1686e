"""An exported data set: its clips, their labels and cameras."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

from odah_gen.errors import InputError
from odah_gen.frames import world_to_ground
from odah_gen.run import read_table
from odah_gen.scene.cameras import Camera, read_cameras
from odah_gen.storage import read_npz
from odah_net.configuration import VIEWS
from odah_net.data.random_access import decode
from odah_net.kinematics import PELVIS_SHIFTS

LABELS = (
    "valid",
    "coordinate_names",
    "coordinates_rad",
    "confidence",
    "scales",
    "mass_centers_m",
    "joint_centers_m",
    "body_names",
    "joint_names",
    "pelvis_rotation",
)


@dataclass(frozen=True)
class ClipData:
    """One clip of a data set.

    Attributes:
        clip_id, subject, action: of the catalogue.
        folder: where its files are.
        frames, fps: length and rate.
        views: the two cameras that are looked at.
    """

    clip_id: str
    subject: str
    action: str
    folder: Path
    frames: int
    fps: float
    views: tuple[str, str] = VIEWS

    @cached_property
    def labels(self) -> dict[str, np.ndarray]:
        """Arrays of labels.npz (docs/formats.md)."""
        return read_npz(self.folder / "labels.npz", LABELS)

    @cached_property
    def cameras(self) -> dict[str, Camera]:
        """Both views' cameras."""
        return read_cameras(self.folder / "cameras.json", self.views)

    def pictures(self, camera: str, start: int, count: int) -> UInt8[np.ndarray, "count height width 3"]:
        """Some frames of a camera."""
        return decode(self.folder / f"{camera}.mp4", start, count)

    def masks(self, camera: str, start: int, count: int) -> Bool[np.ndarray, "count height width"]:
        """Where the person is in some frames of a camera."""
        return decode(self.folder / f"{camera}_mask.mkv", start, count, "gray") > 127


def open_clips(folder: Path, subjects: Sequence[str] | None = None, views: tuple[str, str] = VIEWS) -> list[ClipData]:
    """The clips of an exported data set, or of some of its subjects, seen by two of its cameras.

    Raises:
        InputError: this is no data set, it has no such subject, the views are one, or a clip has not both.
    """
    if views[0] == views[1]:
        raise InputError(f"--views {' '.join(views)}: is one camera; two different ones were expected.")
    if not (folder / "clips.parquet").is_file():
        raise InputError(f"{folder}: is no data set (no clips.parquet). Make one with: odah-gen export --split train.")
    table = read_table(folder / "clips.parquet")
    absent = sorted(set(subjects or ()) - set(table["subject"]))
    if absent:
        raise InputError(
            f"{folder}: has no subject {', '.join(absent)}; it has {', '.join(sorted(set(table.subject)))}."
        )
    rows = table.to_dict("records")
    clips = [clip_of(folder, row, views) for row in rows if subjects is None or row["subject"] in subjects]
    for clip in clips:
        check_views(clip)
    return clips


def clip_of(folder: Path, row: Mapping[Hashable, Any], views: tuple[str, str]) -> ClipData:
    """A clip from its row of the catalogue."""
    clip_id = str(row["clip_id"])
    place = folder / "clips" / clip_id
    frames, fps = int(row["frames"]), float(row["fps"])
    return ClipData(clip_id, str(row["subject"]), str(row["action"]), place, frames, fps, views)


def check_views(clip: ClipData) -> None:
    """See that both views are there.

    Raises:
        InputError: a video or mask is missing.
    """
    for name in (name for view in clip.views for name in (f"{view}.mp4", f"{view}_mask.mkv")):
        if not (clip.folder / name).is_file():
            there = ", ".join(sorted(path.stem for path in clip.folder.glob("*.mp4"))) or "none"
            raise InputError(
                f"{clip.folder / name}: this view is missing; the network sees {' and '.join(clip.views)}, and the clip has "
                f"{there}. Choose two that it has by --views (a network keeps those of its training), or export the data set again."
            )


def root_relative(labels: Mapping[str, np.ndarray]) -> Float[np.ndarray, "frames 44 3"]:
    """Mass centres, then joint centres, from the pelvis joint on (m, axes of OpenSim ground)."""
    points = np.concatenate([labels["mass_centers_m"], labels["joint_centers_m"]], 1)
    root = labels["joint_names"].tolist().index("ground_pelvis")
    return world_to_ground(points - labels["joint_centers_m"][:, [root]])


def subject_model(clip: ClipData) -> Path:
    """The scaled model of a clip's subject, in the same data set."""
    return clip.folder.parent.parent / "subjects" / clip.subject / "model.osim"


def labelled_points(clip: ClipData) -> Float[np.ndarray, "frames 44 3"]:
    """Mass centres, then joint centres, of a clip's label (world, m)."""
    return np.concatenate([clip.labels["mass_centers_m"], clip.labels["joint_centers_m"]], 1)


def labelled_coordinates(clip: ClipData, wanted: Sequence[str]) -> Float[np.ndarray, "frames coordinates"]:
    """Coordinates of a clip's label by name, pelvis translations too (rad, m; OpenSim ground)."""
    labels = clip.labels
    root = labels["joint_names"].tolist().index("ground_pelvis")
    pelvis_m = world_to_ground(labels["joint_centers_m"][:, root])
    names = [*labels["coordinate_names"].tolist(), *PELVIS_SHIFTS]
    values = np.concatenate([labels["coordinates_rad"], pelvis_m], 1)
    return values[:, [names.index(name) for name in wanted]]
