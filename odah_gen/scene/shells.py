"""What is worn at the ends of the body: shoes, hair, caps; and the eyes. Shells of an even grid around the skin.

No vertex of the body model is named: the skin is found by skinning weights and by its place at rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import ConvexHull, cKDTree

from odah_gen.body.model import JOINT_NAMES
from odah_gen.geometry import unit, vertex_normals
from odah_gen.scene.cutting import border_edges, compact, cut, neighbour_mean, split, split_quads
from odah_gen.scene.garments import NOT_HELD_M, Garment, skin_below, smooth, strongest_joints
from odah_gen.scene.rest_body import RestBody
from odah_gen.scene.skin_regions import above_hairline, ears

SHOE_GAP_M = 0.007
SOLE_HEIGHT_M, SOLE_EDGE_M = 0.02, 0.004
TYPICAL_FOOT_M = 0.26
LACE_EDGE_M, LACE_WIDTH_M, LACE_SPACING_M, LACE_REACH_M = 0.0025, 0.006, 0.016, 0.02
LACES_M = (0.118, 0.166)
"""From the last lace to the first, from the heel of a foot of typical length."""
TOE_CAP_M = 0.225
SHOES = {"trainer": 0.074, "canvas": 0.068, "boot": 0.105}
"""Kinds of shoe: height of the collar behind, for a foot of typical length."""
COLLAR_SLOPE = 0.16
HIDE_BELOW_COLLAR_M = 0.012
COLUMNS, ROWS = 57, 30
SKULL_CENTRE = (0.0, 0.75, -1.6)
"""Middle of the skull from between the eyes, in distances between the eyes."""


@dataclass(frozen=True)
class Hair:
    """A way to wear hair, lengths in metres.

    Attributes:
        top, side: how far it stands off.
        rough: share of that by which tufts differ.
        part: 0 none, 1 parted and brushed to the left, −1 to the right.
        bun: radius of a knot at the back of the head; 0 for none.
    """

    top: float
    side: float
    rough: float
    part: float = 0.0
    bun: float = 0.0


HAIRS = {
    "cropped": Hair(0.007, 0.005, 0.1),
    "short": Hair(0.018, 0.009, 0.15),
    "tousled": Hair(0.028, 0.014, 0.25),
    "parted": Hair(0.026, 0.012, 0.12, part=1.0),
    "swept": Hair(0.03, 0.01, 0.12, part=-1.0),
    "curly": Hair(0.036, 0.028, 0.2),
    "tied": Hair(0.008, 0.007, 0.1, bun=0.034),
}
HATS = ("cap", "beanie")
HAT_GAP_M = {"cap": 0.012, "beanie": 0.013}
VISOR_M, VISOR_HALF_WIDTH = 0.072, 1.25
EYE_COLUMNS = 33
PUPIL_RADIUS_M, IRIS_RADIUS_M = 0.0021, 0.0059
TAPER = 0.5
"""Hair reaches its full length this far inside the hairline (distances between the eyes)."""


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
    walk = np.concatenate([np.linspace(*ends, COLUMNS // 4, endpoint=False) for ends in pairwise(knots)])
    walk = np.append(walk, knots[-1])
    place = np.interp(walk, knots, [0, 1, 1, 0, 0])
    angle = np.interp(walk, knots, [np.pi / 2, np.pi / 2, -np.pi / 2, -np.pi / 2, -3 * np.pi / 2])
    level = np.cos(angle)[:, None] * along + np.sin(angle)[:, None] * aside
    height = np.linspace(np.pi / 2, -np.pi / 2, ROWS)
    directions = np.cos(height)[:, None, None] * level + np.sin(height)[:, None, None] * np.array([0.0, 1, 0])
    origins = np.broadcast_to(core[0] + place[:, None] * (core[1] - core[0]), directions.shape)
    u, v = np.meshgrid(-walk, radius * height)
    return origins.reshape(-1, 3), directions.reshape(-1, 3), np.stack([u, v], -1).reshape(-1, 2)


def ring_faces(rows: int = ROWS, columns: int = COLUMNS) -> Int[np.ndarray, "faces 3"]:
    """Triangles between the rings of a grid whose columns go clockwise, seen from outside counter-clockwise."""
    grid = np.arange(rows * columns).reshape(rows, columns)
    quads = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], -1).reshape(-1, 4)
    return split_quads(quads)


def weld(
    values: Float[np.ndarray, "corners 5"], faces: Int[np.ndarray, "faces 3"], part: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Make vertices at one place one, and leave out faces that have no area then.

    Returns:
        vertices [N, 3], faces [F, 3], their places on the flat cloth [F, 3, 2], and their parts [F].
    """
    _, first, same = np.unique(np.round(values[:, :3], 7), axis=0, return_index=True, return_inverse=True)
    joined = same.ravel()[faces]
    whole = (joined != np.roll(joined, 1, axis=1)).all(1)
    vertices, renumbered = compact(values[first, :3], joined[whole])
    return vertices, renumbered, values[faces[whole], 3:], part[whole]


def shell(
    body: RestBody,
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    joints: Sequence[str],
    uv_m: Float[np.ndarray, "faces 3 2"],
    part: Int[np.ndarray, " faces"],
) -> Garment:
    """A garment that some joints alone move, in the shares of the skin below."""
    ids, shares = skin_below(body, vertices, vertex_normals(vertices, faces))
    others = [i for i, name in enumerate(JOINT_NAMES) if name not in joints]
    weights = np.einsum("nk,nkj->nj", shares, body.weights[ids])
    weights[:, JOINT_NAMES.index(joints[0])] += weights[:, others].sum(1)
    weights[:, others] = 0
    strongest, kept = strongest_joints(smooth(weights, neighbour_mean(len(vertices), faces), 8))
    hold = np.full(len(vertices), NOT_HELD_M)
    return Garment(vertices, faces, strongest, kept, ids, shares, hold, uv_m, part)


def hair(body: RestBody, style: Hair, generator: np.random.Generator) -> Garment:
    """Hair as a shell over the scalp, thin at the hairline, in tufts that `generator` places."""
    base, outward, uv = skull_grid(body)
    across, up, forward = body.on_face(base)
    inside = above_hairline(across, up, forward) + 0.1 * tufts(outward, 16, generator)
    on_top = np.clip((up - 1.0) / 1.2, 0, 1)
    length = style.side + (style.top - style.side) * on_top * on_top * (3 - 2 * on_top)
    if style.part:
        beside = style.part * across + 0.45
        length = (
            length * (1 - 0.75 * np.exp(-((beside / 0.12) ** 2)) * (up > 1.2)) * (1 + 0.25 * np.tanh(beside) * on_top)
        )
    length = length * (
        1 + style.rough * 2 * tufts(outward, 8, generator) + 2 * style.rough * tufts(outward, 16, generator)
    )
    length = 0.0015 + np.maximum(length, 0.001) * np.clip(inside / TAPER, 0, 1) ** 0.6
    values, faces = cut(np.column_stack([base + outward * length[:, None], uv]), ring_faces(), inside)
    vertices, faces, uv_m, part = weld(values, faces, np.zeros(len(faces), int))
    made = shell(body, vertices, faces, ["head"], uv_m, part)
    return joined(made, bun(body, style.bun)) if style.bun else made


def hat(body: RestBody, kind: str) -> Garment:
    """A cap with a visor, or a knitted hat with a turned-up brim."""
    base, outward, uv = skull_grid(body)
    _, up, forward = body.on_face(base)
    inside = up - 0.95 - 0.2 * forward
    gap = np.full(len(base), HAT_GAP_M[kind])
    if kind == "beanie":
        gap += 0.006 * (np.abs(inside - 0.3) < 0.3) + 0.012 * np.clip((up - 2.0) / 0.8, 0, 1)
    values, faces = cut(np.column_stack([base + outward * gap[:, None], uv]), ring_faces(), inside)
    vertices, faces, uv_m, part = weld(values, faces, np.zeros(len(faces), int))
    made = shell(body, vertices, faces, ["head"], uv_m, part)
    return joined(made, visor(body, made)) if kind == "cap" else made


def skull_grid(body: RestBody) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points on the head without ears, as a grid of ROWS × COLUMNS around the skull, from the crown down.

    Returns:
        points and outward directions [N, 3], and places on the unrolled shell [N, 2] (m).
    """
    left, right = body.joint("left_eye"), body.joint("right_eye")
    apart = np.linalg.norm(left - right)
    centre = (left + right) / 2 + apart * np.array(SKULL_CENTRE)
    skin = (body.held_by("head") > 0.5) & (ears(*body.on_face(body.vertices)) < 0.01)
    away = body.vertices - centre
    skin &= (vertex_normals(body.vertices, body.faces) * unit(away)).sum(1) > 0.3
    turn, height = np.linspace(-np.pi, np.pi, COLUMNS), np.linspace(np.pi / 2, -0.4 * np.pi, ROWS)
    level = np.stack([-np.sin(turn), np.zeros(COLUMNS), np.cos(turn)], 1)
    outward = np.cos(height)[:, None, None] * level + np.sin(height)[:, None, None] * np.array([0.0, 1, 0])
    outward = outward.reshape(-1, 3)
    distance, near = cKDTree(unit(away[skin])).query(outward, k=8)
    shares = 1 / (distance + 0.01)
    radius = (np.linalg.norm(away[skin], axis=1)[near] * shares).sum(1) / shares.sum(1)
    mean = neighbour_mean(len(outward), ring_faces())
    radius = smooth(radius[:, None], mean, 2)[:, 0]
    u, v = np.meshgrid(-turn * radius.mean(), height * radius.mean())
    return centre + outward * radius[:, None], outward, np.stack([u, v], -1).reshape(-1, 2)


def tufts(directions: Float[np.ndarray, "rays 3"], size: float, generator: np.random.Generator) -> np.ndarray:
    """Smooth noise over directions from −1 to 1, the mean of waves; `size` is about the number around."""
    waves = unit(generator.normal(size=(8, 3))) * size * generator.uniform(0.7, 1.3, size=(8, 1))
    phases = generator.uniform(0, 2 * np.pi, 8)
    return np.sin(directions @ waves.T + phases).mean(1)


def bun(body: RestBody, radius: float) -> Garment:
    """A knot at the back of the head."""
    left, right = body.joint("left_eye"), body.joint("right_eye")
    place = (left + right) / 2 + np.linalg.norm(left - right) * np.array([0.0, 1.35, -3.35])
    turn, height = np.linspace(-np.pi, np.pi, COLUMNS), np.linspace(np.pi / 2, -np.pi / 2, ROWS)
    level = np.stack([-np.sin(turn), np.zeros(COLUMNS), np.cos(turn)], 1)
    outward = np.cos(height)[:, None, None] * level + np.sin(height)[:, None, None] * np.array([0.0, 1, 0])
    u, v = np.meshgrid(-turn * radius, height * radius)
    points = place + radius * outward.reshape(-1, 3) * np.array([1.0, 1.0, 0.8])
    values = np.column_stack([points, u.ravel(), v.ravel()])
    vertices, faces, uv_m, part = weld(values, ring_faces(), np.zeros(len(ring_faces()), int))
    return shell(body, vertices, faces, ["head"], uv_m, part)


def visor(body: RestBody, cap: Garment) -> Garment:
    """A curved visor on the front of a cap's border."""
    border = cap.vertices[np.unique(border_edges(cap.faces))]
    across, _, forward = body.on_face(border)
    front = border[(np.abs(across) < VISOR_HALF_WIDTH + 0.2) & (forward > -1.5)]
    order = np.argsort(front[:, 0])
    across = np.linspace(-1, 1, 25)
    half = VISOR_HALF_WIDTH * np.linalg.norm(body.joint("left_eye") - body.joint("right_eye"))
    inner = np.stack([np.interp(across * half, front[order, 0], front[order, axis]) for axis in range(3)], 1)
    reach = np.sqrt(1 - across**2)
    outer = np.stack([0 * reach, -0.3 * reach, reach], 1) * VISOR_M - np.outer(across**2 * reach, [0, 0.012, 0])
    share = np.linspace(0, 1, 9)[:, None, None]
    points = (inner - [0, 0, 0.002]) + share * outer
    u, v = np.meshgrid(across * half, np.linspace(0, 1, 9) * VISOR_M)
    values = np.column_stack([points.reshape(-1, 3), u.ravel(), v.ravel()])
    faces = ring_faces(9, 25)[:, ::-1]
    vertices, faces, uv_m, part = weld(values, faces, np.zeros(len(faces), int))
    return shell(body, vertices, faces, ["head"], uv_m, part)


def eyes(body: RestBody) -> Garment:
    """Both eyeballs as round shells at the place and of the size of the model's own; parts 0 white, 1 iris, 2 pupil."""
    return joined(*(eye(body, side) for side in ("left", "right")))


def eye(body: RestBody, side: str) -> Garment:
    """One eyeball, its rings around the direction in which it looks."""
    own = body.vertices[body.held_by(f"{side}_eye") > 0.5]
    low, high = (
        (own.min(0), own.max(0)) if len(own) else (body.joint(f"{side}_eye") - 0.012, body.joint(f"{side}_eye") + 0.012)
    )
    radius = (high - low)[1] / 2
    pupil, iris = np.arcsin(np.array([PUPIL_RADIUS_M, IRIS_RADIUS_M]) / radius)
    turn = np.linspace(0, 2 * np.pi, EYE_COLUMNS)
    rings = np.concatenate(
        [np.linspace(*ends) for ends in ((0, pupil, 3, False), (pupil, iris, 4, False), (iris, np.pi, 14))]
    )
    level = np.stack([np.cos(turn), np.sin(turn), 0 * turn], 1)
    directions = np.sin(rings)[:, None, None] * level + np.cos(rings)[:, None, None] * np.array([0.0, 0, 1])
    points = (low + high) / 2 + directions * radius
    faces = ring_faces(len(rings), EYE_COLUMNS)[:, ::-1]
    u, v = np.meshgrid(turn, rings)
    values = np.column_stack([points.reshape(-1, 3), u.ravel() * 0.01, v.ravel() * 0.01])
    angle = v.ravel()[faces].max(1)
    part = (angle < iris + 1e-6).astype(int) + (angle < pupil + 1e-6)
    vertices, faces, uv_m, part = weld(values, faces, part)
    return shell(body, vertices, faces, [f"{side}_eye"], uv_m, part)


def joined(first: Garment, second: Garment) -> Garment:
    """Two garments as one."""
    together = {
        entry.name: np.concatenate([getattr(first, entry.name), getattr(second, entry.name)]) for entry in fields(first)
    }
    together["faces"] = np.concatenate([first.faces, second.faces + len(first.vertices)])
    return Garment(**together)
