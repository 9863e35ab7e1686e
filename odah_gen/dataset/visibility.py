"""What a camera sees of points in and on a body: rays against the posed skin (embree, through trimesh).

Only the body hides its own points; clothes lie close to the skin and count as skin.
"""

from dataclasses import dataclass

import numpy as np
import trimesh
from jaxtyping import Bool, Float, Int

ON_SKIN_MARGIN_M = 0.015
INSIDE_MARGIN_M = 0.005


@dataclass(frozen=True)
class Crossings:
    """How often the way from the eye to each point goes into and out of the surface."""

    entering: Int[np.ndarray, " points"]
    leaving: Int[np.ndarray, " points"]


def body_mesh(vertices_m: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> trimesh.Trimesh:
    """The mesh as it is, without merging or dropping anything; faces are seen counter-clockwise from outside."""
    return trimesh.Trimesh(vertices_m, faces, process=False)


def count_crossings(
    mesh: trimesh.Trimesh, eye_m: Float[np.ndarray, "3"], points_m: Float[np.ndarray, "points 3"], margin_m: float
) -> Crossings:
    """Count where the rays from the eye to each point cross the surface, ending `margin_m` before the point.

    Args:
        mesh: the surface.
        eye_m: where the rays start.
        points_m: where they lead; the ray to a point that is NaN crosses nothing.
        margin_m: crossings this close to the point, or beyond it, do not count.
    """
    known = np.flatnonzero(np.isfinite(points_m).all(axis=1))
    offsets = points_m[known] - eye_m
    distance = np.linalg.norm(offsets, axis=1)
    directions = offsets / np.maximum(distance, 1e-12)[:, None]
    places, rays, faces = mesh.ray.intersects_location(np.broadcast_to(eye_m, directions.shape), directions)
    rays, faces = np.asarray(rays, dtype=int), np.asarray(faces, dtype=int)
    before = np.linalg.norm(np.reshape(places, (-1, 3)) - eye_m, axis=1) < distance[rays] - margin_m
    outward = (mesh.face_normals[faces] * directions[rays]).sum(axis=1) > 0
    entering, leaving = (
        np.bincount(known[rays[before & chosen]], minlength=len(points_m)) for chosen in (~outward, outward)
    )
    return Crossings(entering, leaving)


def inside_visible(
    mesh: trimesh.Trimesh, eye_m: Float[np.ndarray, "3"], points_m: Float[np.ndarray, "points 3"]
) -> Bool[np.ndarray, " points"]:
    """Which points inside the body (joint and mass centres) are covered by nothing but their own skin.

    The ray to such a point goes into the body and does not come out before it; where another part stands in between, it
    comes out of that part first. Going in twice is allowed: at bent joints a skinned mesh reaches into itself.
    """
    return count_crossings(mesh, eye_m, points_m, INSIDE_MARGIN_M).leaving == 0


def on_skin_visible(
    mesh: trimesh.Trimesh, eye_m: Float[np.ndarray, "3"], points_m: Float[np.ndarray, "points 3"]
) -> Bool[np.ndarray, " points"]:
    """Which points on the skin (markers) have no skin before them, 15 mm of their own surroundings apart."""
    crossings = count_crossings(mesh, eye_m, points_m, ON_SKIN_MARGIN_M)
    return crossings.entering + crossings.leaving == 0
