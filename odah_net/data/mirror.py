"""A sample as if the scene stood in a mirror: left becomes right.

The mirror is the plane of heading and up (the world's X and Z, OpenSim's X and Y), so the person still heads along X, and
a camera at some angle from the heading then stands at the opposite one. A pair of cameras whose angles are each other's
opposites changes places, so that each view is again where the network has it; a front camera stays the front one, and a
camera at the right side becomes one at the left.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from odah_gen.scene.cameras import Camera

Arrays = dict[str, np.ndarray]
SIDES = {"_r": "_l", "_l": "_r"}
NEGATED = ("pelvis_list", "pelvis_rotation", "lumbar_bending", "lumbar_rotation")
"""Coordinates of the middle that turn the other way; a limb's are defined alike on both sides and change places only."""
WORLD = np.array([1.0, -1.0, 1.0])
GROUND = np.array([1.0, 1.0, -1.0])
"""Signs of the axes in the mirror, in the world and in OpenSim ground."""


def other_sides(names: Sequence[str]) -> list[int]:
    """For each name of a coordinate, body or joint, where the one of the other side stands among them."""
    found = []
    for name in names:
        parts = name.split("_")
        swapped = "_".join(SIDES.get(f"_{part}", f"_{part}")[1:] for part in parts)
        found.append(list(names).index(swapped))
    return found


def mirrored_angles(
    angles_rad: Float[np.ndarray, "*frames angles"], names: Sequence[str]
) -> Float[np.ndarray, "*frames angles"]:
    """Angles of the mirrored person."""
    signs = np.where(np.isin(names, NEGATED), -1.0, 1.0)
    return angles_rad[..., other_sides(names)] * signs


def mirrored_points(
    points_m: Float[np.ndarray, "*frames points 3"], names: Sequence[str]
) -> Float[np.ndarray, "*frames points 3"]:
    """Key points (OpenSim ground), named by body or joint, of the mirrored person."""
    return points_m[..., other_sides(names), :] * GROUND


def mirrored_camera(camera: Camera) -> Camera:
    """The camera whose picture of the mirrored scene is the picture of the scene, flipped from left to right."""
    flip = np.array([[-1.0, 0, camera.width], [0, 1, 0], [0, 0, 1]])
    turn = np.diag([-1.0, 1, 1])
    fields = dict(vars(camera))
    fields["intrinsics"] = flip @ camera.intrinsics @ turn
    fields["rotation"] = turn @ camera.rotation @ np.diag(WORLD)
    fields["translation_m"] = turn @ camera.translation_m
    return Camera(**fields)


def azimuth_rad(camera: Camera) -> float:
    """Direction on the floor from what a camera looks at to the camera; 0 is the heading, positive to the left."""
    back = -camera.rotation[2]
    return float(np.arctan2(back[1], back[0]))


def change_places(first: Camera, second: Camera) -> bool:
    """Whether two cameras are clearly nearer to each other's mirrored directions than to their own ones."""
    ours, theirs = azimuth_rad(first), azimuth_rad(second)
    own = abs(wrapped(2 * ours)) + abs(wrapped(2 * theirs))
    return 2 * abs(wrapped(ours + theirs)) < own / 2


def wrapped(angle_rad: float) -> float:
    """The angle in (−π, π]."""
    return float(np.arctan2(np.sin(angle_rad), np.cos(angle_rad)))


def mirrored(sample: Arrays, labels: Mapping[str, np.ndarray], exchange: bool) -> Arrays:
    """The sample of the mirrored scene.

    Args:
        sample: the arrays of a sample, frames in front (odah_net.data.dataset).
        labels: of its clip, whose names say which column is whose other side.
        exchange: whether the two views change places (`change_places`).
    """
    views = [1, 0] if exchange else [0, 1]
    coordinates, bodies, joints = (labels[f"{kind}_names"].tolist() for kind in ("coordinate", "body", "joint"))
    return {
        "pictures": sample["pictures"][:, views, ..., ::-1],
        "points": sample["points"] * WORLD,
        "places": sample["places"][:, views] * [-1.0, 1.0],
        "angles": mirrored_angles(sample["angles"], coordinates),
        "scales": sample["scales"][:, other_sides(bodies)],
        "key_points": mirrored_points(sample["key_points"], [*bodies, *joints]),
    }
