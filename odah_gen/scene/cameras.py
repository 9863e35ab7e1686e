"""Two static cameras: where they stand, what they see, how points become pixels, and cameras.json.

Axes as in OpenCV (X right, Y down, Z forward), world → camera, x_px = K (R X + t). The picture's origin is its
top-left corner, so the first pixel's centre is (0.5, 0.5); subtract 0.5 for OpenCV's functions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import ConvexHull, QhullError

from odah_gen.config import Camera as CameraConfig
from odah_gen.config import View
from odah_gen.errors import InputError
from odah_gen.paths import SCHEMAS
from odah_gen.schemas import schema_problems
from odah_gen.storage import read_json, write_json

SCHEMA = 1
CLOTHES_M = 0.04
"""Clothes reach this far beyond the skin; the skin is framed with this much around it."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion.

    Attributes:
        width, height: picture size, px.
        intrinsics: K, px.
        rotation: R, world → camera.
        translation_m: t, metres.
        lens_mm, sensor_width_mm: what Blender needs; K's focal length is lens / sensor width × width.
    """

    width: int
    height: int
    intrinsics: Float[np.ndarray, "3 3"]
    rotation: Float[np.ndarray, "3 3"]
    translation_m: Float[np.ndarray, "3"]
    lens_mm: float
    sensor_width_mm: float

    @property
    def position_m(self) -> Float[np.ndarray, "3"]:
        """Centre of projection in the world frame, −Rᵀt."""
        return -self.rotation.T @ self.translation_m


def project(camera: Camera, points_world: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
    """Map points (world frame, metres) to pixels; NaN for points that are not in front of the camera."""
    homogeneous = to_camera(camera, points_world) @ camera.intrinsics.T
    depth = homogeneous[..., 2:]
    return homogeneous[..., :2] / np.where(depth > 0, depth, np.nan)


def to_camera(camera: Camera, points_world: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Map points from the world frame to the camera's (metres)."""
    return np.asarray(points_world, dtype=np.float64) @ camera.rotation.T + camera.translation_m


def in_picture(camera: Camera, points_px: Float[np.ndarray, "*batch 2"]) -> Bool[np.ndarray, "*batch"]:
    """Whether picture positions (px) lie on a pixel of the picture; NaN does not."""
    inside = (points_px >= 0) & (points_px < [camera.width, camera.height])
    return np.asarray(inside.all(axis=-1))


def place_cameras(
    config: CameraConfig, points_world: Float[np.ndarray, "points 3"], generator: np.random.Generator
) -> dict[str, Camera]:
    """Place the front and the side camera so that all points stay in frame.

    Each camera's height is drawn evenly, it is shifted evenly to the side and away from the closest place that keeps
    everything in frame, and it is aimed at the centre of the points' bounding box. A camera of a fixed distance stands
    there instead, whatever it sees.

    Args:
        config: picture, lens, height and spread.
        points_world: everything that must be seen, over the whole clip (metres).
        generator: decides heights and shifts.
    """
    target = (points_world.min(0) + points_world.max(0)) / 2
    corners = outline(points_world)
    return {
        name: place_camera(own_settings(config, view), view, corners, target, generator)
        for name, view in (("front", config.front), ("side", config.side))
    }


def own_settings(config: CameraConfig, view: View) -> CameraConfig:
    """Settings of both cameras with those that one has of its own."""
    own = {name: getattr(view, name) for name in ("lens_mm", "sensor_width_mm", "height_m")}
    return replace(config, **{name: value for name, value in own.items() if value is not None})


def outline(points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "corners 3"]:
    """Corners of the convex hull; a picture that holds these holds all points."""
    try:
        return points[ConvexHull(points).vertices]
    except QhullError:  # fewer than four points, or all in one plane
        return points


def place_camera(
    config: CameraConfig,
    view: View,
    points: Float[np.ndarray, "points 3"],
    target: Float[np.ndarray, "3"],
    generator: np.random.Generator,
) -> Camera:
    """Place one camera on a side of the subject."""
    side = direction(view.azimuth_deg)
    height = config.height_m + generator.uniform(-1, 1) * config.height_spread_m
    shift = generator.uniform(-1, 1) * config.position_spread_m
    back = generator.uniform(0, 2) * config.position_spread_m
    across = np.array([-side[1], side[0]])

    def at(distance: float) -> Camera:
        floor = target[:2] + distance * side + shift * across
        return aim(config, np.array([*floor, height]), target)

    return at((closest(at, points, config.margin) if view.distance_m is None else view.distance_m) + back)


def direction(azimuth_deg: float) -> Float[np.ndarray, "2"]:
    """Direction on the floor (X, Y) from the subject to a camera; 0 is X, 90° is Y. Right angles are exact."""
    angle = np.deg2rad(azimuth_deg)
    return np.round([np.cos(angle), np.sin(angle)], 15)


def closest(at: Callable[[float], Camera], points: Float[np.ndarray, "points 3"], margin: float) -> float:
    """The smallest distance (m, by bisection to 1 mm) from which the camera `at(distance)` holds all points."""
    far = 1.0
    while not holds(at(far), points, margin):
        far *= 1.5
        if far > 1e4:
            raise InputError("camera: the body cannot be kept in frame from any distance. Use a shorter lens.")
    near = 0.3
    while far - near > 1e-3:
        middle = (near + far) / 2
        near, far = (near, middle) if holds(at(middle), points, margin) else (middle, far)
    return far


def holds(camera: Camera, points: Float[np.ndarray, "points 3"], margin: float) -> bool:
    """Whether all points, and the clothes around them, lie in the picture reduced by `margin`."""
    seen = to_camera(camera, points)
    if seen[:, 2].min() < 0.1:
        return False
    half = np.array([camera.width, camera.height]) / 2
    reach = camera.intrinsics[0, 0] * (np.abs(seen[:, :2]) + CLOTHES_M) / seen[:, 2:]
    return bool((reach <= half / margin).all())


def aim(config: CameraConfig, position: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"]) -> Camera:
    """A camera at `position` that looks at `target`, the world's Z axis upright in the picture."""
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return Camera(
        width=config.width,
        height=config.height,
        intrinsics=pinhole(config),
        rotation=rotation,
        translation_m=-rotation @ position,
        lens_mm=config.lens_mm,
        sensor_width_mm=config.sensor_width_mm,
    )


def pinhole(lens: CameraConfig | Camera) -> Float[np.ndarray, "3 3"]:
    """K (px) of a lens on a sensor, with square pixels and the picture's middle on the axis."""
    focal = lens.lens_mm / lens.sensor_width_mm * lens.width
    return np.array([[focal, 0.0, lens.width / 2], [0.0, focal, lens.height / 2], [0.0, 0.0, 1.0]])


def write_cameras(path: Path, fps: float, cameras: Mapping[str, Camera]) -> None:
    """Write cameras.json (docs/formats.md)."""
    content = {name: as_json(camera) for name, camera in cameras.items()}
    write_json(path, {"schema": SCHEMA, "fps": fps, "cameras": content})


def as_json(camera: Camera) -> dict[str, Any]:
    """One camera as plain data."""
    return {
        "width": camera.width,
        "height": camera.height,
        "K": camera.intrinsics.tolist(),
        "R": camera.rotation.tolist(),
        "t_m": camera.translation_m.tolist(),
        "lens_mm": camera.lens_mm,
        "sensor_width_mm": camera.sensor_width_mm,
    }


def read_cameras(path: Path) -> dict[str, Camera]:
    """The cameras of a clip, by name.

    Raises:
        InputError: the file is missing or does not agree with its schema.
    """
    content = read_json(path)
    problems = schema_problems(content, SCHEMAS / "cameras.schema.yaml")
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
