"""Labels from key points and cameras: pure functions on arrays. The label itself is fixed by inverse kinematics."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from odah_gen.dataset.schema import LABEL_POINTS
from odah_gen.frames import world_to_ground
from odah_gen.scene.cameras import Camera, in_picture, project

PELVIS_TRANSLATIONS = ("pelvis_tx", "pelvis_ty", "pelvis_tz")
YAW_FIRST_NAMES = ("yaw", "list", "tilt")
HARDLY_DETERMINED = ("pro_sup", "arm_rot")
DETERMINED, WEAK, LOCKED = 1.0, 0.25, 0.0

Arrays = dict[str, np.ndarray]


def angle_columns(names: Sequence[str]) -> list[int]:
    """Columns of the coordinates that are labels: all but the pelvis translations."""
    return [index for index, name in enumerate(names) if name not in PELVIS_TRANSLATIONS]


def pelvis_translation(
    names: Sequence[str], coordinates: Float[np.ndarray, "frames coordinates"]
) -> Float[np.ndarray, "frames 3"]:
    """The pelvis translations in OpenSim ground (m)."""
    return coordinates[:, [list(names).index(name) for name in PELVIS_TRANSLATIONS]]


def pelvis_yaw_first(rotation: Float[np.ndarray, "*frames 3 3"]) -> Float[np.ndarray, "*frames 3"]:
    """Heading, list and tilt (rad) of the pelvis, in the order rotation, obliquity, tilt of Baker (2001).

    With R = OpenSim ground ← pelvis, R = Ry(yaw) Rx(list) Rz(tilt): first the heading about the vertical (positive to
    the left, 0 along world X), then list about the forward axis, then tilt about the pelvis' own side-to-side axis. A
    tilt so reads the same at every heading, which OpenSim's own order Z X Y does not give. In (−π, π], list in
    [−π/2, π/2]; only lying on the side is a gimbal lock. (doi 10.1016/S0966-6362(00)00083-7)

    Args:
        rotation: world ← pelvis.
    """
    ground = ground_from_body(rotation)
    yaw = np.arctan2(ground[..., 0, 2], ground[..., 2, 2])
    side = np.arcsin(np.clip(-ground[..., 1, 2], -1, 1))
    tilt = np.arctan2(ground[..., 1, 0], ground[..., 1, 1])
    return np.stack([yaw, side, tilt], axis=-1)


def ground_from_body(rotation: Float[np.ndarray, "*frames 3 3"]) -> Float[np.ndarray, "*frames 3 3"]:
    """Turn world ← body into OpenSim ground ← body, column by column."""
    columns = np.swapaxes(rotation, -1, -2)
    return np.swapaxes(world_to_ground(columns), -1, -2)


def confidence(names: Sequence[str], locked: Collection[str]) -> Float[np.ndarray, " coordinates"]:
    """How far the markers determine each coordinate: 0 locked, 0.25 hardly (pro_sup, arm_rot), 1 otherwise.

    On skin points that no stage had seen, pro_sup and arm_rot were off by up to 33°; the others by a few degrees.
    """
    return np.array([coordinate_confidence(name, name in locked) for name in names])


def coordinate_confidence(name: str, is_locked: bool) -> float:
    """The confidence of one coordinate."""
    if is_locked:
        return LOCKED
    return WEAK if name.startswith(HARDLY_DETERMINED) else DETERMINED


def picture_labels(
    cameras: Mapping[str, Camera],
    points_m: Mapping[str, Float[np.ndarray, "frames points 3"]],
    uncovered: Mapping[tuple[str, str], Bool[np.ndarray, "frames points"]],
) -> Arrays:
    """The `<camera>_<kind>_px` and `<camera>_<kind>_visible` arrays; kinds are joint_centers, mass_centers, markers.

    Args:
        cameras: by name.
        points_m: by kind (world, m).
        uncovered: by camera and kind, whether no part of the body stands before a point.
    """
    labels: Arrays = {}
    for name, camera in cameras.items():
        for kind in LABEL_POINTS:
            places = project(camera, points_m[kind])
            labels[f"{name}_{kind}_px"] = places
            labels[f"{name}_{kind}_visible"] = uncovered[name, kind] & in_picture(camera, places)
    return labels


def label_points(keypoints: Mapping[str, np.ndarray]) -> dict[str, Float[np.ndarray, "frames points 3"]]:
    """The points that are labelled in the pictures, by kind (world, m)."""
    return {kind: keypoints[f"{kind}_m"] for kind in LABEL_POINTS}


def kinematic_labels(
    keypoints: Mapping[str, np.ndarray], scales: Mapping[str, Sequence[float]], locked: Collection[str]
) -> Arrays:
    """Every label that does not need a camera.

    Args:
        keypoints: the arrays of keypoints.npz.
        scales: size of each body along x, y, z, by body name.
        locked: names of the locked coordinates.
    """
    names = [str(name) for name in keypoints["coordinate_names"]]
    columns = angle_columns(names)
    bodies = [str(name) for name in keypoints["body_names"]]
    pelvis = keypoints["body_rotations"][:, bodies.index("pelvis")]
    kept = ("time_s", "valid", "body_names", "joint_names", "marker_names", *(f"{kind}_m" for kind in LABEL_POINTS))
    return {
        **{name: keypoints[name] for name in kept},
        "coordinate_names": keypoints["coordinate_names"][columns],
        "coordinates_rad": keypoints["coordinates"][:, columns],
        "confidence": confidence([names[column] for column in columns], locked),
        "pelvis_ground_m": pelvis_translation(names, keypoints["coordinates"]),
        "pelvis_rotation": pelvis,
        "pelvis_yaw_first_names": np.array(YAW_FIRST_NAMES),
        "pelvis_yaw_first_rad": pelvis_yaw_first(pelvis),
        "scales": np.array([scales[body] for body in bodies], dtype=float),
    }
