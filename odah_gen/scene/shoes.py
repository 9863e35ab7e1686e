"""Shoes around the feet's convex hulls, with soles and laces; they stand where the bare foot stood."""

from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import ConvexHull

from odah_gen.geometry import unit, vertex_normals
from odah_gen.scene.cutting import cut, neighbour_mean, split
from odah_gen.scene.garments import Garment, smooth
from odah_gen.scene.rest_body import RestBody
from odah_gen.scene.shells import COLUMNS, ROWS, ring_faces, shell, weld

SHOE_GAP_M = 0.007
SOLE_HEIGHT_M, SOLE_EDGE_M = 0.02, 0.004
TYPICAL_FOOT_M = 0.26
LACE_EDGE_M, LACE_WIDTH_M, LACE_SPACING_M, LACE_REACH_M = 0.0025, 0.006, 0.016, 0.02
LACES_M = (0.118, 0.166)
"""From the last lace to the first, from the heel of a foot of typical length."""
TOE_CAP_M = 0.225
SHOES = {"trainer": 0.074, "canvas": 0.068, "boot": 0.096}
"""Kinds of shoe: height of the collar behind, for a foot of typical length."""
COLLAR_SLOPE = 0.16
HIDE_BELOW_COLLAR_M = 0.012


def shoe(body: RestBody, side: str, kind: str) -> Garment:
    """A shoe around the foot's convex hull, flat below; part 0 is the upper, 1 the sole, 2 the laces.

    The sole ends where the skin does, so that the shoe stands where the foot stood.
    """
    foot = body.vertices[body.held_by(f"{side}_ankle", f"{side}_foot") > 0.5]
    floor = foot[:, 1].min()
    heel, along, length = foot_axis(foot)
    scale = length / TYPICAL_FOOT_M
    leg = body.vertices[body.held_by(f"{side}_knee", f"{side}_ankle", f"{side}_foot") > 0.5]
    inner = leg[below_collar(body, side, kind, leg) > -0.008]
    normals, offsets = hull_planes(inner, SHOE_GAP_M)
    normals, offsets = np.vstack([normals, [0.0, -1, 0]]), np.append(offsets, -floor)
    core = np.stack([heel + along * share * length for share in (0.25, 0.68)])
    core[:, 1] = floor + 0.03 * scale
    origins, directions, uv = capsule_rays(core, radius=0.045)
    points = origins + directions * reach_hull(origins, directions, normals, offsets)[:, None]
    values, faces = cut(np.column_stack([points, uv]), ring_faces(), below_collar(body, side, kind, points))
    values, faces, part = shoe_parts(values, faces, heel, along, floor, scale, kind)
    vertices, faces, uv, part = weld(values, faces, part)
    vertices = smooth(vertices, neighbour_mean(len(vertices), faces), 2)
    outward = vertex_normals(vertices, faces)
    for number, (direction, edge) in enumerate((([1, 1, 1], 0.0), ([1, 0, 1], SOLE_EDGE_M), ([1, 1, 1], LACE_EDGE_M))):
        inner = np.setdiff1d(faces[part == number], faces[part != number])
        vertices[inner] += edge * outward[inner] * direction
    vertices = np.maximum(vertices, [-np.inf, floor, -np.inf])
    return shell(body, vertices, faces, [f"{side}_ankle", f"{side}_foot"], uv, part)


def shoe_parts(
    values: Float[np.ndarray, "vertices 5"],
    faces: Int[np.ndarray, "faces 3"],
    heel: Float[np.ndarray, "3"],
    along: Float[np.ndarray, "3"],
    floor: float,
    scale: float,
    kind: str,
) -> tuple[np.ndarray, np.ndarray, Int[np.ndarray, " faces"]]:
    """Edges where upper, sole and laces meet; values, faces, and the part of each: 0 upper, 1 sole, 2 lace."""
    aside = np.cross([0.0, 1, 0], along)

    def places(points: np.ndarray) -> np.ndarray:
        away = points[:, :3] - heel
        return np.stack([away @ aside, points[:, 1] - floor, away @ along], 1) / scale

    def lace(points: np.ndarray) -> np.ndarray:
        across, up, forward = places(points).T
        row = np.abs((forward - LACES_M[0]) / LACE_SPACING_M - np.round((forward - LACES_M[0]) / LACE_SPACING_M))
        ends = np.minimum(forward - LACES_M[0], LACES_M[1] - forward) + LACE_WIDTH_M
        return np.minimum.reduce(
            [LACE_WIDTH_M / 2 - row * LACE_SPACING_M, LACE_REACH_M - np.abs(across), ends, up - 0.03]
        )

    for bound in lace_bounds():
        values, faces, _, _ = split(values, faces, places(values)[:, 2] - bound)
    for bound in (-LACE_REACH_M, LACE_REACH_M):
        values, faces, _, _ = split(values, faces, places(values)[:, 0] - bound)
    toe = places(values)[:, 2] - TOE_CAP_M if kind == "canvas" else np.full(len(values), -1.0)
    values, faces, lower, _ = split(values, faces, np.maximum(SOLE_HEIGHT_M - places(values)[:, 1], toe))
    laced = lace(values[faces].mean(1)) > 0
    return values, faces, np.where(lower, 1, np.where(laced, 2, 0))


def lace_bounds() -> list[float]:
    """Places along the foot where a lace begins or ends, metres from the heel."""
    middles = np.arange(LACES_M[0], LACES_M[1] + 1e-6, LACE_SPACING_M)
    return [middle + end for middle in middles for end in (-LACE_WIDTH_M / 2, LACE_WIDTH_M / 2)]


def below_collar(
    body: RestBody, side: str, kind: str, points: Float[np.ndarray, "points 3"]
) -> Float[np.ndarray, " points"]:
    """Depth (m) below the collar of a shoe, a plane that rises to the front."""
    foot = body.vertices[body.held_by(f"{side}_ankle", f"{side}_foot") > 0.5]
    heel, along, length = foot_axis(foot)
    collar = foot[:, 1].min() + SHOES[kind] * length / TYPICAL_FOOT_M + COLLAR_SLOPE * ((points - heel) @ along)
    return collar - points[:, 1]


def in_shoe(body: RestBody, kind: str) -> Bool[np.ndarray, " vertices"]:
    """Which skin a pair of shoes covers for good."""
    sides = ("left", "right")
    deep = [below_collar(body, side, kind, body.vertices) > HIDE_BELOW_COLLAR_M for side in sides]
    own = [body.held_by(f"{side}_ankle", f"{side}_foot", f"{side}_knee") > 0.5 for side in sides]
    return (deep[0] & own[0]) | (deep[1] & own[1])


def foot_axis(foot: Float[np.ndarray, "points 3"]) -> tuple[np.ndarray, np.ndarray, float]:
    """Heel (m), direction to the toes and length (m) of a foot, by its longest horizontal extent."""
    flat = foot * [1, 0, 1]
    _, _, axes = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    along = axes[0] * np.sign(axes[0, 2])
    reach = (flat - flat.mean(0)) @ along
    return flat.mean(0) + along * reach.min(), along, float(np.ptp(reach))


def hull_planes(points: Float[np.ndarray, "points 3"], gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Outward normals [K, 3] and offsets [K] of the convex hull, moved outward by `gap` metres."""
    equations = ConvexHull(points).equations
    return equations[:, :3], gap - equations[:, 3]


def reach_hull(
    origins: Float[np.ndarray, "rays 3"],
    directions: Float[np.ndarray, "rays 3"],
    normals: Float[np.ndarray, "planes 3"],
    offsets: Float[np.ndarray, " planes"],
) -> Float[np.ndarray, " rays"]:
    """How far each ray runs until it leaves the convex body n·x ≤ offset that it starts in."""
    speed = directions @ normals.T
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where(speed > 1e-9, (offsets - origins @ normals.T) / speed, np.inf)
    return distance.min(1)


def capsule_rays(core: Float[np.ndarray, "2 3"], radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rays in all directions from a level line, as a grid of ROWS × COLUMNS.

    Returns:
        origins and directions [N, 3], and places on the unrolled shell [N, 2] (m). Rows go from the top down, columns
        clockwise as seen from above, the last at the place of the first.
    """
    along = unit(core[1] - core[0])
    aside = np.cross([0.0, 1, 0], along)
    straight, bend = np.linalg.norm(core[1] - core[0]), np.pi * radius
    knots = np.cumsum([0, straight, bend, straight, bend])
    # As many columns on the left as on the right, so that both meet in the same points on top and below.
    walk = np.concatenate([np.linspace(one, two, COLUMNS // 4, endpoint=False) for one, two in pairwise(knots)])
    walk = np.append(walk, knots[-1])
    place = np.interp(walk, knots, [0, 1, 1, 0, 0])
    angle = np.interp(walk, knots, [np.pi / 2, np.pi / 2, -np.pi / 2, -np.pi / 2, -3 * np.pi / 2])
    level = np.cos(angle)[:, None] * along + np.sin(angle)[:, None] * aside
    height = np.linspace(np.pi / 2, -np.pi / 2, ROWS)
    directions = np.cos(height)[:, None, None] * level + np.sin(height)[:, None, None] * np.array([0.0, 1, 0])
    origins = np.broadcast_to(core[0] + place[:, None] * (core[1] - core[0]), directions.shape)
    u, v = np.meshgrid(-walk, radius * height)
    return origins.reshape(-1, 3), directions.reshape(-1, 3), np.stack([u, v], -1).reshape(-1, 2)
