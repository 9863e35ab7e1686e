"""Static cameras: where they stand, what they see, how points become pixels, and cameras.json.

Axes as in OpenCV (X right, Y down, Z forward), world → camera, x_px = K (R X + t). The picture's origin is its
top-left corner, so the first pixel's centre is (0.5, 0.5); subtract 0.5 for OpenCV's functions.
"""

from collections.abc import Callable, Mapping, Sequence
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
LEAST_GAP_M = 0.1
"""Between a camera and the hull of all that the body sweeps: Blender draws nothing that is nearer."""
STEEPEST_M = 1e-3
DRAWS_OF_A_CAMERA = 3
"""Random numbers that decide a camera's place."""
OWN_SETTINGS = ("lens_mm", "sensor_width_mm", "height_m", "height_spread_m", "position_spread_m")
"""What a view may have of its own instead of what all cameras have."""


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
    config: CameraConfig,
    points_world: Float[np.ndarray, "points 3"],
    generator_of: Callable[[str], np.random.Generator],
) -> dict[str, Camera]:
    """Place every camera about the middle of the points' bounding box.

    A camera's height is drawn evenly, it is shifted evenly to the side and away from the closest place that keeps
    everything in frame, and it is aimed at its point or at that middle. A camera of a fixed distance stands there
    instead, whatever it sees.

    Args:
        config: picture, lens, height and spread, and the views.
        points_world: everything that must be seen, over the whole clip (metres).
        generator_of: gives the generator that decides a camera's height and shift, by its name.

    Raises:
        InputError: a camera stands in the body's way, above or below what it looks at, or can never see all of the body.
    """
    middle = (points_world.min(0) + points_world.max(0)) / 2
    corners = outline(points_world)
    cameras = {}
    for name, view in config.views.items():
        try:
            cameras[name] = place_camera(own_settings(config, view), view, corners, middle, generator_of(name))
            check_apart(cameras[name], corners)
        except ValueError as error:
            raise InputError(f"camera.views.{name}: {error}.") from error
    return cameras


def own_settings(config: CameraConfig, view: View) -> CameraConfig:
    """Settings of all cameras with those that one has of its own."""
    own = {name: getattr(view, name) for name in OWN_SETTINGS}
    return replace(config, **{name: value for name, value in own.items() if value is not None})


def check_apart(camera: Camera, corners: Float[np.ndarray, "corners 3"]) -> None:
    """See that a camera stands outside of all that the body sweeps over the clip.

    Raises:
        ValueError: the body would walk into it, or around it.
    """
    try:
        planes = ConvexHull(corners).equations
    except QhullError:  # fewer than four points, or all in one plane
        return
    if (planes[:, :3] @ camera.position_m + planes[:, 3]).max() < LEAST_GAP_M:
        raise ValueError("it would stand where the body moves; give it a larger distance_m, or null for one that fits")


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
    middle: Float[np.ndarray, "3"],
    generator: np.random.Generator,
) -> Camera:
    """Place one camera on a side of the subject.

    Raises:
        ValueError: it cannot be aimed, or sees all points from nowhere.
    """
    side = direction(view.azimuth_deg)
    height = config.height_m + generator.uniform(-1, 1) * config.height_spread_m
    shift = generator.uniform(-1, 1) * config.position_spread_m
    back = generator.uniform(0, 2) * config.position_spread_m
    across = np.array([-side[1], side[0]])
    target = middle if view.look_at_m is None else np.array(view.look_at_m, dtype=float)

    def at(distance: float) -> Camera:
        floor = middle[:2] + distance * side + shift * across
        return aim(config, np.array([*floor, height]), target)

    return at((closest(at, points, config.margin) if view.distance_m is None else view.distance_m) + back)


def direction(azimuth_deg: float) -> Float[np.ndarray, "2"]:
    """Direction on the floor (X, Y) from the subject to a camera; 0 is X, 90° is Y. Right angles are exact."""
    angle = np.deg2rad(azimuth_deg)
    return np.round([np.cos(angle), np.sin(angle)], 15)


def closest(at: Callable[[float], Camera], points: Float[np.ndarray, "points 3"], margin: float) -> float:
    """The smallest distance (m, by bisection to 1 mm) from which the camera `at(distance)` holds all points.

    Raises:
        ValueError: there is none.
    """
    far = 1.0
    while not holds(at(far), points, margin):
        far *= 1.5
        if far > 1e4:
            raise ValueError(
                "the body cannot be kept in frame from any distance; use a shorter lens, or move look_at_m to the body"
            )
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
    """A camera at `position` that looks at `target`, the world's Z axis upright in the picture.

    Raises:
        ValueError: one stands above the other, so that Z points nowhere in the picture.
    """
    if np.linalg.norm((target - position)[:2]) < STEEPEST_M:
        raise ValueError("it stands straight above or below what it looks at; change distance_m or look_at_m")
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


def read_cameras(path: Path, names: Sequence[str] | None = None) -> dict[str, Camera]:
    """The cameras of a clip, by name.

    Args:
        path: cameras.json.
        names: which cameras, in this order; all where they are not given.

    Raises:
        InputError: the file is missing, does not agree with its schema, or lacks one of these cameras.
    """
    content = read_json(path)
    problems = schema_problems(content, SCHEMAS / "cameras.schema.yaml")
    if problems:
        raise InputError(f"{path}: {problems[0]}. Run the scene stage again.")
    found = content["cameras"]
    absent = [name for name in names or () if name not in found]
    if absent:
        raise InputError(
            f"{path}: has no camera {', '.join(absent)}; it has {', '.join(found)}. "
            "Run the scene stage again, or correct camera.views."
        )
    return {name: camera_from(found[name]) for name in (found if names is None else names)}


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
