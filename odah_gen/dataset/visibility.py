"""What a camera sees of points in and on a body: rays against the posed skin (embree, through trimesh).

Only the body hides its own points; clothes lie close to the skin and count as skin.
"""

import numpy as np
import trimesh
from jaxtyping import Bool, Float, Int

SKIN_CROSSINGS_INSIDE = 1
SKIN_CROSSINGS_ON_SKIN = 0
ON_SKIN_MARGIN_M = 0.015
INSIDE_MARGIN_M = 0.001


def body_mesh(vertices_m: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> trimesh.Trimesh:
    """The mesh as it is, without merging or dropping anything."""
    return trimesh.Trimesh(vertices_m, faces, process=False)


def count_crossings(
    mesh: trimesh.Trimesh, eye_m: Float[np.ndarray, "3"], points_m: Float[np.ndarray, "points 3"], margin_m: float
) -> Int[np.ndarray, " points"]:
    """How often the ray from the eye crosses the surface before it is within `margin_m` of each point.

    Args:
        mesh: the surface.
        eye_m: where the rays start.
        points_m: where they lead; points that are NaN are crossed 0 times.
        margin_m: crossings this close to the point, or beyond it, do not count.
    """
    known = np.isfinite(points_m).all(axis=1)
    offsets = points_m[known] - eye_m
    distance = np.linalg.norm(offsets, axis=1)
    directions = offsets / np.maximum(distance, 1e-12)[:, None]
    hits, rays, _ = mesh.ray.intersects_location(np.broadcast_to(eye_m, directions.shape), directions)
    before = np.linalg.norm(hits - eye_m, axis=1) < distance[rays] - margin_m if len(rays) else np.zeros(0, bool)
    counts = np.zeros(len(points_m), dtype=int)
    counts[known] = np.bincount(rays[before], minlength=int(known.sum()))
    return counts


def inside_visible(
    mesh: trimesh.Trimesh, eye_m: Float[np.ndarray, "3"], points_m: Float[np.ndarray, "points 3"]
) -> Bool[np.ndarray, " points"]:
    """Which points inside the body (joint and mass centres) are covered by nothing but their own skin.

    The ray into a solid crosses its skin once; with another body part before it, twice more. A point that lies just
    outside the skin (0 crossings) is seen as well.
    """
    return count_crossings(mesh, eye_m, points_m, INSIDE_MARGIN_M) <= SKIN_CROSSINGS_INSIDE


def on_skin_visible(
    mesh: trimesh.Trimesh, eye_m: Float[np.ndarray, "3"], points_m: Float[np.ndarray, "points 3"]
) -> Bool[np.ndarray, " points"]:
    """Which points on the skin (markers) have no skin before them, 15 mm of their own surroundings apart."""
    return count_crossings(mesh, eye_m, points_m, ON_SKIN_MARGIN_M) <= SKIN_CROSSINGS_ON_SKIN
