# SPDX-License-Identifier: GPL-3.0-or-later
"""What a folder offers: the clips of a run or of an exported data set, with verdict, frames and residual. numpy only."""

import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..description import SceneError

MODEL_FILES = {
    "smplx": ("SMPLX_{gender}.npz", "smplx/SMPLX_{gender}.npz", "SMPLX_NEUTRAL.npz", "smplx/SMPLX_NEUTRAL.npz")
}
KINEMATICS = ("keypoints.npz", "labels.npz")


@dataclass(frozen=True)
class ClipEntry:
    """A clip in a list.

    Attributes:
        name: clip id.
        subject: who moves.
        verdict: pass or fail; empty where there is none yet.
        frames: how many; 0 where no stage has told yet.
        residual_mm: inverse kinematics, root mean square over markers; None where there is none yet.
        reasons: why the clip failed.
    """

    name: str
    subject: str
    verdict: str
    frames: int
    residual_mm: float | None
    reasons: tuple[str, ...] = ()


def list_clips(folder: Path) -> list[ClipEntry]:
    """The clips of a run or data set, by name.

    Raises:
        SceneError: the folder is neither.
    """
    if not folder.is_dir():
        raise SceneError(f"{folder}: is no folder. Choose results/<run>, or what odah-gen export wrote.")
    clips = folder / "clips"
    if not (folder / "config.yaml").is_file() or not clips.is_dir():
        raise SceneError(
            f"{folder}: is neither a run nor a data set (config.yaml and clips/ were expected). "
            "Choose results/<run>, or what odah-gen export wrote."
        )
    subjects = sorted((each.name for each in (folder / "subjects").glob("*")), key=len, reverse=True)
    entries = [read_entry(each, subjects) for each in sorted(clips.iterdir()) if each.is_dir()]
    if not entries:
        raise SceneError(f"{clips}: holds no clip yet. Run the motion stage first.")
    return entries


def read_entry(clip: Path, subjects: list[str]) -> ClipEntry:
    """What is known of a clip; a damaged quality.json counts as none."""
    subject = next((name for name in subjects if clip.name.startswith(f"{name}-")), clip.name.split("-")[0])
    quality = known_json(clip / "quality.json")
    ik = quality.get("ik", {})
    residual = ik.get("marker_rms_mm") if isinstance(ik, dict) else None
    return ClipEntry(
        clip.name,
        subject,
        str(quality.get("verdict", "")),
        count_frames(clip),
        None if residual is None else float(residual),
        tuple(map(str, quality.get("reasons", ()))),
    )


def known_json(path: Path) -> Mapping[str, Any]:
    """The content of a JSON file, empty where there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def count_frames(clip: Path) -> int:
    """Frames of a clip, from the header of an array over time; 0 where there is none."""
    for name in (*KINEMATICS, "body.npz", "motion.npz"):
        try:
            with zipfile.ZipFile(clip / name) as archive, archive.open("time_s.npy") as stream:
                np.lib.format.read_magic(stream)
                return int(np.lib.format.read_array_header_1_0(stream)[0][0])
        except (OSError, KeyError, ValueError, IndexError, zipfile.BadZipFile):
            continue
    return 0


def find_model(folder: Path, name: str, gender: str, project: Path | None) -> Path | None:
    """The body model that a subject's body.npz names: of the project's assets, or of body.model_dir in config.yaml."""
    if name == "free":
        homes = [*folder.resolve().parents, *([project] if project else [])]
        found = (home / "assets" / "body" / f"free_{gender}.npz" for home in homes)
        return next((path for path in found if path.is_file()), None)
    match = re.search(r"^  model_dir: *(.+)$", (folder / "config.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    home = Path(match.group(1).strip(" '\"")) if match else folder
    names = (pattern.format(gender=gender.upper()) for pattern in MODEL_FILES["smplx"])
    return next((home / each for each in names if (home / each).is_file()), None)
