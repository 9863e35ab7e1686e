# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading scene.json and the files that it names. numpy only; scene.schema.json tells what each entry is."""

import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA = 2
GARMENT_ARRAYS = ("vertices", "faces", "joints", "weights", "body_ids", "body_weights", "hold_m", "uv_m", "part")


class SceneError(Exception):
    """A scene that cannot be shown, told in one sentence."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera; rotation [3, 3] and translation [3] (m) map world → camera, axes as in OpenCV."""

    width: int
    height: int
    rotation: np.ndarray
    translation_m: np.ndarray
    lens_mm: float
    sensor_width_mm: float


@dataclass(frozen=True)
class Sky:
    """A picture of the surroundings (equirectangular, .hdr or .exr), turned about the Z axis."""

    file: Path
    turn_rad: float


@dataclass(frozen=True)
class Description:
    """scene.json with its cameras read and its paths resolved.

    Attributes:
        content: the JSON as it stands.
        model, motion, clothes: the files that it names.
        cloth: the file of simulated garments; None where clothes move with the body.
        cameras: by name.
        sky: surroundings instead of walls; None in a room.
    """

    content: Mapping[str, Any]
    model: Path
    motion: Path
    clothes: Path
    cameras: Mapping[str, Camera]
    sky: Sky | None = None
    cloth: Path | None = None

    @property
    def clip(self) -> str:
        """Clip id."""
        return str(self.content["clip"])

    @property
    def frames(self) -> int:
        """How many frames the clip has."""
        return int(self.content["frames"])


def read_description(path: Path) -> Description:
    """Read scene.json and cameras.json.

    Raises:
        SceneError: a file is missing or not of the schema that is read here.
    """
    path = Path(path)
    content = read_json(path)
    if not isinstance(content, dict) or content.get("schema") != SCHEMA or not content.keys() >= {"body", "wear"}:
        raise SceneError(f"{path}: is no scene of schema {SCHEMA}. Write it with: odah-gen scene.")
    folder = path.resolve().parent
    try:
        model, motion = (existing(folder / content["body"][name], path) for name in ("model", "motion"))
        clothes, cameras = (existing(folder / content[name], path) for name in ("clothes", "cameras"))
        cloth = folder / content["cloth"] if "cloth" in content else None
        sky = None
        if "hdri" in content:
            sky = Sky(existing(folder / content["hdri"]["file"], path), float(content["hdri"]["turn_rad"]))
        return Description(content, model, motion, clothes, read_cameras(cameras), sky, cloth)
    except KeyError as error:
        raise SceneError(f"{path}: lacks {error}. Write it again with: odah-gen scene.") from error


def read_json(path: Path) -> Any:
    """Read JSON, with one sentence for whatever is wrong."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({error.strerror}). Choose the scene.json of a clip.") from error
    except ValueError as error:
        raise SceneError(f"{path}: is not valid JSON ({error}). Write it again with: odah-gen scene.") from error


def existing(file: Path, scene: Path) -> Path:
    """The file, if it is there."""
    if not file.is_file():
        raise SceneError(f"{scene}: names {file}, which is not there. Write it again with: odah-gen scene.")
    return file


def read_cameras(path: Path) -> dict[str, Camera]:
    """Cameras by name."""
    return {
        name: Camera(
            width=int(entry["width"]),
            height=int(entry["height"]),
            rotation=np.array(entry["R"], dtype=np.float64),
            translation_m=np.array(entry["t_m"], dtype=np.float64),
            lens_mm=float(entry["lens_mm"]),
            sensor_width_mm=float(entry["sensor_width_mm"]),
        )
        for name, entry in read_json(path)["cameras"].items()
    }


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Read some arrays of an .npz, never unpickling anything.

    Raises:
        SceneError: the file cannot be read, lacks an array, or one is not of numbers.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except KeyError as error:
        raise SceneError(f"{path}: {error.args[0]}. Make the file again.") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise SceneError(f"{path}: cannot be read ({error}). Make the file again.") from error


def whole_frame_rate(fps: float) -> tuple[int, float]:
    """Blender's pair (fps, fps_base) whose quotient is the frame rate."""
    whole = max(1, math.ceil(fps))
    return whole, whole / fps
