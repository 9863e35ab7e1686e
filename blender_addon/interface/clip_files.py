# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of one clip say of its skeleton, markers and videos. numpy only; world frame, metres."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..description import Description, SceneError, read_arrays, read_cameras, read_description
from ..skinning import load_body
from ..subject import Subject, load_subject
from .run_folder import find_model

POINTS = (
    "joint_names",
    "body_names",
    "marker_names",
    "joint_centers_m",
    "mass_centers_m",
    "markers_m",
    "valid",
    "time_s",
)
METRES_PER_UNIT = {"m": 1.0, "mm": 0.001, "cm": 0.01}
WORLD_FROM_GROUND = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
PLAIN_SKIN = {"color_linear": (0.45, 0.3, 0.22), "roughness": 0.6, "glow": 0.0}


@dataclass(frozen=True)
class Kinematics:
    """The OpenSim skeleton and its markers over time; frames without a pose are NaN.

    Attributes:
        body_names, marker_names: B and M of them; joint i moves body i.
        time_s: [T].
        joint_centers_m, mass_centers_m: [T, B, 3].
        rotations: [T, B, 3, 3], world ← body; None where the files do not hold them (data sets).
        pelvis_rotation: [T, 3, 3].
        markers_m: [T, M, 3], on the model.
        measured_m: [T, M, 3], as inverse kinematics was given them; None where the files do not hold them.
        scales: [B, 3], size of each body against the generic model along its axes.
    """

    body_names: tuple[str, ...]
    marker_names: tuple[str, ...]
    time_s: np.ndarray
    joint_centers_m: np.ndarray
    mass_centers_m: np.ndarray
    rotations: np.ndarray | None
    pelvis_rotation: np.ndarray
    markers_m: np.ndarray
    measured_m: np.ndarray | None
    scales: np.ndarray

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.time_s)

    @property
    def residuals_mm(self) -> np.ndarray | None:
        """[T, M], from each marker on the model to the measured one; NaN where there is none."""
        if self.measured_m is None:
            return None
        return 1000 * np.linalg.norm(self.measured_m - self.markers_m, axis=2)


@dataclass(frozen=True)
class ClipFiles:
    """All of a clip that can be shown.

    Attributes:
        folder: the clip's.
        kinematics: skeleton and markers; None of an imported body.
        description: scene.json; None before the scene stage and in data sets.
        subject: dressed person, or undressed where there is no scene.json; None where its body model is not to be had.
        cameras: by name.
        videos: by camera.
        fps: frame rate (Hz).
        notes: what is missing, a sentence each.
    """

    folder: Path
    kinematics: Kinematics | None
    description: Description | None
    subject: Subject | None
    cameras: dict
    videos: dict[str, Path]
    fps: float
    notes: tuple[str, ...]

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return self.kinematics.frames if self.kinematics is not None else self.subject.frames

    @property
    def middle_m(self) -> np.ndarray:
        """The person's middle [3] over all frames (m, world)."""
        if self.kinematics is not None:
            return np.nanmean(self.kinematics.mass_centers_m, axis=(0, 1))
        return self.subject.trans.mean(0) + self.subject.body.joints[0]


def read_clip(folder: Path, clip: str, subject: str, project: Path | None) -> ClipFiles:
    """Read a clip of a run or data set; what is not there yet becomes a note.

    Raises:
        SceneError: there is no skeleton yet, or a file is damaged or of another schema.
    """
    place = folder / "clips" / clip
    if not place.is_dir():
        raise SceneError(f"{place}: is not there any more. Read the folder again.")
    kinematics = read_kinematics(place, folder / "subjects" / subject)
    notes: list[str] = []
    description, person = read_person(folder, place, subject, project, notes)
    if person is not None and person.frames != kinematics.frames:
        raise SceneError(
            f"{place}: body.npz has {person.frames} frames and the skeleton {kinematics.frames}. "
            "Run the fit stage of this clip again."
        )
    cameras = read_cameras(place / "cameras.json") if (place / "cameras.json").is_file() else {}
    if not cameras:
        notes.append("There are no cameras before the scene stage.")
    videos = {name: place / f"{name}.mp4" for name in cameras if (place / f"{name}.mp4").is_file()}
    notes += [f"{name}.mp4 is missing; render the clip to see it." for name in cameras if name not in videos]
    return ClipFiles(place, kinematics, description, person, cameras, videos, frame_rate(kinematics), tuple(notes))


def frame_rate(kinematics: Kinematics) -> float:
    """Frames per second of a clip, from the times of its frames."""
    step = np.diff(kinematics.time_s)
    return round(1 / float(np.median(step)), 6) if len(step) else 30.0


def read_person(
    folder: Path, place: Path, subject: str, project: Path | None, notes: list[str]
) -> tuple[Description | None, Subject | None]:
    """The dressed person of scene.json, else the fitted body alone; what is missing is added to the notes."""
    if (place / "scene.json").is_file():
        description = read_description(place / "scene.json")
        return description, load_subject(description)
    notes.append("There is no scene.json here: no clothes and no room.")
    if not (place / "body.npz").is_file():
        notes.append("There is no body.npz before the fit stage: no skin.")
        return None, None
    motion = read_arrays(place / "body.npz", ("poses", "trans", "betas", "gender"))
    name = str(read_arrays(folder / "subjects" / subject / "body.npz", ("model",))["model"])
    model = find_model(folder, name, str(motion["gender"]), project)
    if model is None:
        notes.append(f"The body model {name} was not found: no skin. Tell the add-on's preferences where odah-gen is.")
        return None, None
    body = load_body(model, motion["betas"])
    return None, Subject(body, np.ones(len(body.faces), bool), {}, {}, motion["poses"], motion["trans"])


def read_kinematics(place: Path, subject: Path) -> Kinematics:
    """Skeleton and markers of keypoints.npz with markers.trc (runs), or of labels.npz (data sets).

    Raises:
        SceneError: there is neither, or one is damaged.
    """
    rotations = measured = None
    if (place / "keypoints.npz").is_file():
        arrays = read_arrays(place / "keypoints.npz", (*POINTS, "body_rotations"))
        rotations = arrays["body_rotations"]
        pelvis = rotations[:, 0]
        if (place / "markers.trc").is_file():
            measured = read_markers(place / "markers.trc", arrays["marker_names"].tolist())
    elif (place / "labels.npz").is_file():
        arrays = read_arrays(place / "labels.npz", (*POINTS, "pelvis_rotation"))
        pelvis = arrays["pelvis_rotation"]
    else:
        raise SceneError(f"{place}: is half finished (no keypoints.npz or labels.npz). Run the ik stage first.")
    names = tuple(map(str, arrays["body_names"]))
    return Kinematics(
        names,
        tuple(map(str, arrays["marker_names"])),
        arrays["time_s"],
        arrays["joint_centers_m"],
        arrays["mass_centers_m"],
        rotations,
        pelvis,
        arrays["markers_m"],
        measured,
        read_scales(subject / "scales.json", names),
    )


def read_scales(path: Path, bodies: Sequence[str]) -> np.ndarray:
    """Scale factors [B, 3] of the bodies; 1 where the file does not tell."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return np.array([content.get(name, (1.0, 1.0, 1.0)) for name in bodies], dtype=np.float64)
    except (OSError, ValueError, AttributeError):
        return np.ones((len(bodies), 3))


def read_markers(path: Path, names: Sequence[str]) -> np.ndarray:
    """Markers [T, M, 3] of a .trc in the order of `names`, turned into the world frame; NaN where one was not seen.

    Raises:
        SceneError: the file is no .trc, or is cut off.
    """
    try:
        rows = path.read_text(encoding="utf-8").splitlines()
        unit = METRES_PER_UNIT[dict(zip(rows[1].split("\t"), rows[2].split("\t")))["Units"]]
        columns = [name for name in rows[3].split("\t")[2:] if name]
        width = 3 * len(columns)
        table = np.array(
            [[field or "nan" for field in row.split("\t")[2 : 2 + width]] for row in rows[5:] if row.strip()],
            np.float64,
        )
        points = unit * table.reshape(len(table), len(columns), 3)
        order = [columns.index(name) if name in columns else -1 for name in names]
    except (OSError, KeyError, IndexError, ValueError) as error:
        raise SceneError(f"{path}: is no whole .trc ({error}). Run the markers stage again.") from error
    world = points @ WORLD_FROM_GROUND.T
    return np.concatenate([world, np.full((len(world), 1, 3), np.nan)], 1)[:, order]
