"""Reading cameras.json, and checking that its cameras are what they say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from odah_gen.dataset.schema import json_problems
from odah_gen.errors import InputError
from odah_gen.scene.cameras import Camera
from odah_gen.storage import read_json

ORTHONORMAL = 1e-5
LENS_PX = 0.01


def read_cameras(path: Path) -> dict[str, Camera]:
    """The cameras of a clip, by name.

    Raises:
        InputError: the file is missing or does not agree with its schema.
    """
    content = read_json(path)
    problems = json_problems(content, path.name)
    if problems:
        raise InputError(f"{path}: {problems[0]}. Run the scene stage again.")
    return {name: camera_from(entry) for name, entry in content["cameras"].items()}


def camera_from(entry: Mapping[str, Any]) -> Camera:
    """One entry of cameras.json."""
    return Camera(
        width=int(entry["width"]),
        height=int(entry["height"]),
        intrinsics=np.array(entry["K"], dtype=float),
        rotation=np.array(entry["R"], dtype=float),
        translation_m=np.array(entry["t_m"], dtype=float),
        lens_mm=float(entry["lens_mm"]),
        sensor_width_mm=float(entry["sensor_width_mm"]),
    )


def in_picture(camera: Camera, points_px: Float[np.ndarray, "*batch 2"]) -> Bool[np.ndarray, "*batch"]:
    """Whether picture positions (px) lie on a pixel of the picture; NaN does not."""
    inside = (points_px >= 0) & (points_px < [camera.width, camera.height])
    return np.asarray(inside.all(axis=-1))


def camera_problems(camera: Camera) -> list[str]:
    """What is wrong with a camera: R no rotation, or K another lens than stated; one clause each."""
    problems = []
    product = camera.rotation @ camera.rotation.T
    if not np.allclose(product, np.eye(3), atol=ORTHONORMAL) or np.linalg.det(camera.rotation) < 0:
        problems.append("R is no rotation matrix")
    focal = camera.lens_mm / camera.sensor_width_mm * camera.width
    wanted = np.array([[focal, 0, camera.width / 2], [0, focal, camera.height / 2], [0, 0, 1]])
    if not np.allclose(camera.intrinsics, wanted, atol=LENS_PX):
        problems.append(f"K is not that of a {camera.lens_mm:g} mm lens on a {camera.sensor_width_mm:g} mm sensor")
    return problems
