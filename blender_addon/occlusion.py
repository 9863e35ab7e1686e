# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of each ceiling light the person hides from places of the room, from geometry alone. numpy only.

A light is a set of points. From each of them the person, as points spread over its surface, is drawn into a map of
depths; a place lies in its shadow where the map is less deep than the place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SPACING_M = 0.012
"""Between the points on the person."""
CELL_M = 0.016
"""Side of a map's cell at the person's middle: more than the points' spacing, so that the map has few holes."""
LATTICE, LATTICE_STEP = 16, 7
"""Points of a light, and the step of the lattice that they form: no two in a row or column."""
LEAST_DEPTH_M = 0.05
WIDEST = 1.5
"""A map reaches this far beside its axis, per away: 56 degrees."""
COLOR_STEPS = 4
LIFT_M, OWN_BIAS_M, BIAS_M = 0.01, 0.03, 0.005
"""Skin and cloth are held off along their normal by so much. Then a surface hides nothing of itself that lies less than
`OWN_BIAS_M` below it, so that it does not lie in its own shadow; another one, a hem over a thigh or a cap's peak over a
face, hides what lies more than `BIAS_M` below.
"""
PARTS = 16
"""So many surfaces can be told apart in a map."""
FAINT = 1e-4
"""Of a lamp's power, irradiance (1/m²) that needs no shadow."""


@dataclass(frozen=True)
class SurfacePoints:
    """Points that move with a mesh: vertices [N, 3] of the triangle that each lies in, and its weights there [N, 3]."""

    vertices: np.ndarray
    weights: np.ndarray

    def places(self, vertices: np.ndarray) -> np.ndarray:
        """Where they are [N, 3] for vertices [V, 3]."""
        return np.einsum("nk,nkc->nc", self.weights, vertices[self.vertices])


@dataclass(frozen=True)
class LightMap:
    """The person as each point of a light sees it.

    Attributes:
        axes: [3, 3], rows right, up and away of all maps, world frame; away is towards the person.
        origins: [K, 3], the light's points in these axes, m.
        low: [2], the maps' first corner: right and up per away.
        cell: side of a cell, in the same measure.
        depths: [K, rows, columns], how far away the person begins, m; infinite where it is not. The last four bits of
            such a number tell which surface begins there (`owners`).
    """

    axes: np.ndarray
    origins: np.ndarray
    low: np.ndarray
    cell: float
    depths: np.ndarray


def spread_points(vertices: np.ndarray, faces: np.ndarray, spacing_m: float = SPACING_M) -> SurfacePoints:
    """Points on triangles `faces` [F, 3], about one for each cube of `spacing_m` that the surface passes through."""
    edges = vertices[faces] - vertices[np.roll(faces, 1, axis=1)]
    cuts = np.maximum(np.ceil(np.linalg.norm(edges, axis=2).max(axis=1) / spacing_m), 1).astype(int)
    parts = []
    for count in np.unique(cuts):
        chosen, inside = faces[cuts == count], barycentric_grid(count)
        parts.append((np.repeat(chosen, len(inside), axis=0), np.tile(inside, (len(chosen), 1))))
    points = SurfacePoints(*(np.concatenate(arrays) for arrays in zip(*parts)))
    cubes = np.floor(points.places(vertices) / spacing_m).astype(np.int64)
    cubes -= cubes.min(axis=0)
    _, first = np.unique(cubes @ np.cumprod([1, *(cubes.max(axis=0)[:2] + 1)]), return_index=True)
    return SurfacePoints(points.vertices[first], points.weights[first])


def barycentric_grid(count: int) -> np.ndarray:
    """Weights [P, 3] of points evenly inside a triangle whose sides are cut `count` times."""
    first, second = (index.ravel() for index in np.mgrid[:count, :count])
    inside = first + second < count
    weights = (np.stack([first, second], 1)[inside] + 1 / 3) / count
    return np.column_stack([weights, 1 - weights.sum(1)]).astype(np.float32)


def light_points(middle: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Points [K, 3] (m, world frame) of a light that shines down: a rectangle about `middle` with sides `size` [2]."""
    first = np.arange(LATTICE)
    lattice = (np.stack([first, first * LATTICE_STEP % LATTICE], 1) + 0.5) / LATTICE - 0.5
    return middle + np.column_stack([lattice * size, np.zeros(LATTICE)])


def draw_light_map(points: np.ndarray, origins: np.ndarray, parts: np.ndarray | None = None) -> LightMap:
    """Draw points [N, 3] of the person as seen from the points [K, 3] of a light; all m, world frame.

    `parts` [N], numbers below 16, tell which surface each point lies on; without it all lie on surface 0.

    Raises:
        ValueError: there are more surfaces than a map can tell apart.
    """
    if parts is not None and parts.max() >= PARTS:
        raise ValueError(f"{parts.max() + 1} surfaces; a map tells {PARTS} apart.")
    axes = facing(points.mean(axis=0) - origins.mean(axis=0))
    turned, seen_from = (points @ axes.T).astype(np.float32), (origins @ axes.T).astype(np.float32)
    order = np.argsort(-turned[:, 2], kind="stable")
    turned, parts = turned[order], np.zeros(len(points), int) if parts is None else parts[order]
    cell = CELL_M / float(max(turned[:, 2].mean() - seen_from[:, 2].mean(), LEAST_DEPTH_M))
    seen = [project_points(turned, origin, cell) for origin in seen_from]
    low = np.min([cells.min(axis=1) for cells, _ in seen], axis=0) - 2
    columns, rows = np.max([cells.max(axis=1) for cells, _ in seen], axis=0) - low + 3
    depths = np.full((len(origins), rows * columns), np.inf, np.float32)
    for map_depths, (cells, away) in zip(depths, seen):
        # The nearest comes last and stays.
        map_depths[(cells[1] - low[1]) * columns + cells[0] - low[0]] = owned(away, parts)
    return LightMap(axes, seen_from, low * cell, cell, close_holes(depths.reshape(-1, rows, columns)))


def owned(depths: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Depths [N] whose last bits tell the surface: micrometres less exact, and in the same order."""
    return (depths.astype(np.float32).view(np.int32) & -PARTS | parts.astype(np.int32)).view(np.float32)


def owners(depths: np.ndarray) -> np.ndarray:
    """The surfaces that `owned` wrote into depths."""
    return depths.view(np.int32) & PARTS - 1


def project_points(turned: np.ndarray, origin: np.ndarray, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """Cells [2, N] that points [N, 3] fall into as seen from a lamp's point, and how far away they are [N], m."""
    away = np.maximum(turned[:, 2] - origin[2], LEAST_DEPTH_M)
    slopes = np.stack([(turned[:, axis] - origin[axis]) / away for axis in (0, 1)])
    return np.floor(np.clip(slopes, -WIDEST, WIDEST) / np.float32(cell)).astype(np.int32), away


def facing(direction: np.ndarray) -> np.ndarray:
    """Right-handed unit axes as rows [3, 3], the last along `direction`."""
    away = direction / np.linalg.norm(direction)
    right = np.cross(away, np.eye(3)[np.argmin(np.abs(away))])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(away, right), away])


def close_holes(depths: np.ndarray) -> np.ndarray:
    """Fill the gaps of maps [K, rows, columns] that are less than three cells wide; their outlines stay."""
    for choose in (np.minimum, np.maximum):
        for axis in (1, 2):
            moved = np.moveaxis(depths, axis, 0)
            chosen = moved.copy()
            choose(chosen[1:], moved[:-1], out=chosen[1:])
            choose(chosen[:-1], moved[1:], out=chosen[:-1])
            depths = np.moveaxis(chosen, 0, axis)
    return np.ascontiguousarray(depths)


def light_left(
    maps: Sequence[LightMap],
    powers_w: Sequence[float],
    ambient: float,
    places: np.ndarray,
    normals: np.ndarray,
    parts: np.ndarray | int = 0,
) -> np.ndarray:
    """What share of their light the person leaves places of its own skin and clothes: [M], between 0 and 1.

    Args:
        maps: of each lamp.
        powers_w: of each lamp.
        ambient: radiance from all around.
        places: [M, 3], m, world frame.
        normals: [M, 3], world frame.
        parts: [M], numbers of the surfaces that they lie on.
    """
    full = np.full(len(places), np.pi * ambient, np.float32)
    left, of_place = full.copy(), np.broadcast_to(parts, len(places))
    for light, power_w in zip(maps, powers_w):
        towards = light.origins.mean(axis=0) @ light.axes - places
        distance = np.linalg.norm(towards, axis=1)
        slopes = np.maximum((towards * normals).sum(axis=1), 0) * np.maximum(towards[:, 2], 0)
        given = (power_w / np.pi * slopes / distance**4).astype(np.float32)
        lit = given > FAINT * power_w
        full += given
        left += given
        left[lit] -= given[lit] * hidden_share(light, places[lit] + LIFT_M * normals[lit], of_place[lit])
    return left / np.maximum(full, 1e-6)


def hidden_share(light: LightMap, places: np.ndarray, parts: np.ndarray | None = None) -> np.ndarray:
    """What share of the light's points the person hides from places [M, 3] (m, world frame): [M].

    Places on the person itself tell their surface: `parts` [M].
    """
    turned = places.astype(np.float32) @ light.axes.T.astype(np.float32)
    size = np.array(light.depths.shape[:0:-1])
    middle = light.origins.mean(axis=0)
    away = np.maximum(turned[:, 2] - middle[2], LEAST_DEPTH_M)
    reach = np.linalg.norm(light.origins - middle, axis=1).max() / away / light.cell
    about = ((turned[:, :2] - middle[:2]) / away[:, None] - light.low) / light.cell
    near = ((about > -reach[:, None]) & (about < size + reach[:, None])).all(axis=1) & (away > LEAST_DEPTH_M)
    shares = np.zeros(len(places), np.float32)
    parts = None if parts is None else parts[near]
    shares[near] = sum(hidden(light, number, turned[near], parts) for number in range(len(light.origins)))
    return shares / len(light.origins)


def hidden(light: LightMap, number: int, turned: np.ndarray, parts: np.ndarray | None) -> np.ndarray:
    """Whether the person hides one point of a light from places [M, 3], given in the map's axes: 0 or 1, [M]."""
    origin, depths = light.origins[number], light.depths[number]
    away = np.maximum(turned[:, 2] - origin[2], LEAST_DEPTH_M)
    place = []
    for axis, size in ((0, depths.shape[1]), (1, depths.shape[0])):
        start, scale = np.float32(light.low[axis] / light.cell), np.float32(1 / light.cell)
        cells = (turned[:, axis] - origin[axis]) / away * scale - start
        place.append(np.clip(cells, 0, size - 1).astype(np.int32))  # the outermost cells are empty
    begins = depths[place[1], place[0]]
    if parts is not None:
        away = away - np.where(owners(begins) == parts, np.float32(OWN_BIAS_M), np.float32(BIAS_M))
    return (begins < away).astype(np.float32)


def light_shares(answers: np.ndarray, channels: np.ndarray, colors: np.ndarray, ambient: np.ndarray) -> np.ndarray:
    """What share of a picture's light comes from each lamp: [L, h, w, 3].

    Args:
        answers: [L, h, w], the picture in a lamp's channel when only that lamp shines, with 1 there, over the picture
            in that channel with all light.
        channels: [L], that channel.
        colors: [L, 3], of the lamps.
        ambient: [3], colour of the light that no lamp gives.
    """
    whole = np.ones((*answers.shape[1:], 3), np.float32)
    for _ in range(COLOR_STEPS):
        lamps = answers[..., None] * whole[..., channels].transpose(2, 0, 1)[..., None] * colors[:, None, None, :]
        rest = np.maximum(1 - lamps.sum(axis=0)[..., 1:2], 0) * ambient / ambient[1]
        whole = np.maximum(lamps.sum(axis=0) + rest, 1e-6)
    return lamps / whole
