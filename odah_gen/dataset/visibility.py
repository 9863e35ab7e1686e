"""What a camera sees of points in and on a body: rays against the posed skin (embree, through trimesh).

Only the body hides its own points; clothes lie close to the skin and count as skin.
"""

from dataclasses import dataclass

import numpy as np
import trimesh
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from odah_gen.body.model import JOINT_NAMES, BodyModel

ON_SKIN_MARGIN_M = 0.015
INSIDE_MARGIN_M = 0.005
PART_REACH_M = 0.025
LIMBS = {"hip": "thigh", "knee": "shank", "ankle": "foot", "foot": "foot", "shoulder": "upper arm", "elbow": "forearm"}
HEAD = ("head", "jaw", "left_eye", "right_eye")
NO_PART = -1


@dataclass(frozen=True)
class Crossings:
    """How often the way from the eye to each point goes into the surface, and out of it, its own part left out."""

    entering: Int[np.ndarray, " points"]
    leaving: Int[np.ndarray, " points"]


def parts_of_vertices(model: BodyModel) -> Int[np.ndarray, " vertices"]:
    """Which part of the body each vertex belongs to, by the joint that holds it most: a number for each name of `part_of`."""
    numbers = np.unique([part_of(name) for name in JOINT_NAMES], return_inverse=True)[1]
    return numbers[model.weights.argmax(dim=1).numpy()]


def part_of(joint: str) -> str:
    """Trunk, head, or a segment of a limb; a hand is one part with its fingers, a foot with its toes."""
    side, _, segment = joint.partition("_")
    if joint in HEAD:
        return "head"
    if side not in ("left", "right") or segment == "collar":
        return "trunk"
    return f"{side} {LIMBS.get(segment, 'hand')}"


def parts_of_points(
    mesh: trimesh.Trimesh, parts: Int[np.ndarray, " vertices"], points_m: Float[np.ndarray, "points 3"]
) -> Int[np.ndarray, " points"]:
    """The part of the nearest vertex, or NO_PART where none is within 25 mm.

    The label's skeleton and the skin agree to some millimetres, so that a joint of a thin forearm can lie up to a
    centimetre outside it, and the middle of a palm is under 2 cm deep.
    """
    known = np.where(np.isfinite(points_m), points_m, np.inf)
    found = np.full(len(points_m), NO_PART)
    near = np.flatnonzero(np.isfinite(known).all(axis=1))
    gap, nearest = cKDTree(mesh.vertices).query(known[near], distance_upper_bound=PART_REACH_M)
    found[near[np.isfinite(gap)]] = parts[nearest[np.isfinite(gap)]]
    return found


def body_mesh(vertices_m: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> trimesh.Trimesh:
    """The mesh as it is, without merging or dropping anything; faces are seen counter-clockwise from outside."""
    return trimesh.Trimesh(vertices_m, faces, process=False)


def count_crossings(
    mesh: trimesh.Trimesh,
    eye_m: Float[np.ndarray, "3"],
    points_m: Float[np.ndarray, "points 3"],
    margin_m: float,
    own: tuple[Int[np.ndarray, " vertices"], Int[np.ndarray, " points"]] | None = None,
) -> Crossings:
    """Count where the rays from the eye to each point cross the surface, ending `margin_m` before the point.

    Args:
        mesh: the surface.
        eye_m: where the rays start.
        points_m: where they lead; the ray to a point that is NaN crosses nothing.
        margin_m: crossings this close to the point, or beyond it, do not count.
        own: parts of vertices and of points; where a ray comes out of the part of its own point does not count.
    """
    known = np.flatnonzero(np.isfinite(points_m).all(axis=1))
    offsets = points_m[known] - eye_m
    distance = np.linalg.norm(offsets, axis=1)
    directions = offsets / np.maximum(distance, 1e-12)[:, None]
    places, rays, faces = mesh.ray.intersects_location(np.broadcast_to(eye_m, directions.shape), directions)
    rays, faces = np.asarray(rays, dtype=int), np.asarray(faces, dtype=int)
    before = np.linalg.norm(np.reshape(places, (-1, 3)) - eye_m, axis=1) < distance[rays] - margin_m
    outward = (mesh.face_normals[faces] * directions[rays]).sum(axis=1) > 0
    foreign = np.ones(len(rays), bool) if own is None else own[0][mesh.faces[faces, 0]] != own[1][known[rays]]
    entering, leaving = (
        np.bincount(known[rays[before & chosen]], minlength=len(points_m)) for chosen in (~outward, outward & foreign)
    )
    return Crossings(entering, leaving)


def inside_visible(
    mesh: trimesh.Trimesh,
    parts: Int[np.ndarray, " vertices"],
    eye_m: Float[np.ndarray, "3"],
    points_m: Float[np.ndarray, "points 3"],
) -> Bool[np.ndarray, " points"]:
    """Which points inside the body (joint and mass centres) are covered by nothing but their own part of it.

    The ray to such a point goes into the body and does not come out before it; where another part stands in between, it
    comes out of that part first. Going in twice is allowed: at bent joints a skinned mesh reaches into itself. So is
    coming out of the point's own part: a thumb does not hide its palm.
    """
    own = parts, parts_of_points(mesh, parts, points_m)
    return count_crossings(mesh, eye_m, points_m, INSIDE_MARGIN_M, own).leaving == 0


def on_skin_visible(
    mesh: trimesh.Trimesh, eye_m: Float[np.ndarray, "3"], points_m: Float[np.ndarray, "points 3"]
) -> Bool[np.ndarray, " points"]:
    """Which points on the skin (markers) have no skin before them, 15 mm of their own surroundings apart."""
    crossings = count_crossings(mesh, eye_m, points_m, ON_SKIN_MARGIN_M)
    return crossings.entering + crossings.leaving == 0
