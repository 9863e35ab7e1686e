# SPDX-License-Identifier: GPL-3.0-or-later
"""The coarser mesh on which cloth is simulated, where it is held, and how its garment follows it. numpy only."""

import heapq
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from .subject import Garment, face_mean

HOLD_SHARE = 0.7
"""hold_m is this share of the distance from the skin at rest (odah_gen.scene.garments)."""
HELD_M, LOOSE_M = 0.010, 0.018
"""Cloth nearer to the skin at rest than the first is held, farther than the second it is loose."""
WAISTBAND_M = 0.04
LEG_DRAW = 0.5
"""Trousers are drawn after the legs, which are fast, by springs that their weight stretches by about 2 cm."""
LEASH_M = {"upper": 0.08, "lower": 0.04}
"""Cloth goes no farther from where skinning puts it."""
FOLLOW_STEPS = 3
MOST_STRETCH, STRETCHED_SHARE = 2.0, 0.05
"""A simulation has failed when more than this share of the edges is so many times longer than cloth and body explain."""


@dataclass(frozen=True)
class Coarse:
    """A garment's mesh with fewer vertices, evenly spaced.

    Attributes:
        chosen: [K], the garment's vertices that it has.
        faces: [F, 3], triangles of indices into `chosen`.
        corners, shares: [N, 3], between which of the chosen each vertex of the garment lies, and their shares in it.
    """

    chosen: np.ndarray
    faces: np.ndarray
    corners: np.ndarray
    shares: np.ndarray


def coarse_mesh(vertices: np.ndarray, faces: np.ndarray, spacing_m: float) -> Coarse:
    """Contract a mesh to vertices that are at least `spacing_m` apart along its edges, the border's first.

    Cutting leaves slivers at hems and seams, which no cloth solver likes.
    """
    neighbours = edge_lengths(vertices, faces)
    border = border_vertices(faces)
    used = np.unique(faces)
    order = [*used[np.isin(used, border)], *used[~np.isin(used, border)]]
    near = np.full(len(vertices), np.inf)
    cell = np.zeros(len(vertices), int)
    chosen: list[int] = []
    for vertex in order:
        if near[vertex] >= spacing_m:
            spread(neighbours, int(vertex), len(chosen), near, cell)
            chosen.append(int(vertex))
    corners = cell[faces]
    whole = (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    _, first = np.unique(np.sort(corners[whole], 1), axis=0, return_index=True)
    contracted = corners[whole][np.sort(first)]
    return Coarse(np.array(chosen), contracted, *bind(vertices, vertices[chosen], cell, contracted))


def edge_lengths(vertices: np.ndarray, faces: np.ndarray) -> dict[int, list[tuple[int, float]]]:
    """Of each vertex the neighbours, with their distances (m)."""
    edges = edges_of(faces)
    neighbours: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for (one, other), length in zip(edges.tolist(), lengths(vertices, edges).tolist()):
        neighbours[one].append((other, length))
        neighbours[other].append((one, length))
    return neighbours


def edges_of(faces: np.ndarray) -> np.ndarray:
    """Edges [E, 2] of triangles [F, 3], each once."""
    return np.unique(np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), 1), axis=0)


def lengths(places: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Lengths [E] of edges [E, 2] between places [N, 3] (m)."""
    return np.linalg.norm(places[edges[:, 0]] - places[edges[:, 1]], axis=1)


def fault(found_m: np.ndarray, longest_m: np.ndarray) -> str | None:
    """What is wrong with simulated edges [E], in a clause; None where cloth still hangs together.

    Args:
        found_m: their lengths.
        longest_m: their lengths at rest or skinned, whichever is longer.
    """
    if not np.isfinite(found_m).all():
        return "its places are no numbers"
    share = (found_m > MOST_STRETCH * longest_m).mean()
    return f"{share:.0%} of it is stretched more than {MOST_STRETCH:g} times" if share > STRETCHED_SHARE else None


def border_vertices(faces: np.ndarray) -> np.ndarray:
    """Vertices of edges that have one face only."""
    edges, counts = np.unique(np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), 1), axis=0, return_counts=True)
    return np.unique(edges[counts == 1])


def spread(
    neighbours: dict[int, list[tuple[int, float]]], start: int, number: int, near: np.ndarray, cell: np.ndarray
) -> None:
    """Give a new cell all vertices that lie nearer to its start than to any other's (Dijkstra's algorithm)."""
    waiting = [(0.0, start)]
    while waiting:
        distance, vertex = heapq.heappop(waiting)
        if distance >= near[vertex]:
            continue
        near[vertex], cell[vertex] = distance, number
        for other, length in neighbours[vertex]:
            if distance + length < near[other]:
                heapq.heappush(waiting, (distance + length, other))


def held_share(name: str, garment: Garment) -> np.ndarray:
    """How firmly each vertex [N] is held in its skinned place: 1 at shoulders and waistband, 0 where cloth hangs."""
    distance = garment.hold_m / HOLD_SHARE
    held = np.clip((LOOSE_M - distance) / (LOOSE_M - HELD_M), 0, 1)
    if name == "lower":
        height = garment.vertices[:, 1]
        top = height[np.unique(garment.faces)].max()  # What lies well under a shirt has been left out.
        held = np.maximum(held, np.clip((height - top) / WAISTBAND_M + 2, 0, 1))
        held = np.maximum(held, LEG_DRAW)
    return held


def follow(garment: Garment, coarse: Coarse, skinned: np.ndarray, simulated: np.ndarray, leash_m: float) -> np.ndarray:
    """All vertices [N, 3] of a garment, moved from where skinning puts them as the simulated ones [K, 3] have moved, but
    nowhere farther than the leash."""
    moved = np.einsum("nk,nkc->nc", coarse.shares, (simulated - skinned[coarse.chosen])[coarse.corners])
    for _ in range(FOLLOW_STEPS):
        moved = np.stack([face_mean(garment.faces, column) for column in moved.T], 1)
    far = np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9) / leash_m
    return skinned + moved * np.tanh(far) / far


def bind(points: np.ndarray, places: np.ndarray, cell: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The triangle that each point lies on, and the shares of its corners in it.

    Args:
        points: [N, 3], m.
        places: [K, 3], corners of the triangles, m.
        cell: [N], a corner near each point; only triangles around it are looked at.
        faces: [F, 3], triangles.

    Returns:
        Corners [N, 3] and their shares [N, 3], which sum to 1.
    """
    around = faces_around(faces, len(places))[cell]
    corners = faces[around]
    shares = barycentric(points[:, None], places[corners])
    found = np.einsum("nfk,nfkc->nfc", shares, places[corners])
    distance = np.where(around < 0, np.inf, np.linalg.norm(found - points[:, None], axis=2))
    best = np.argmin(distance, axis=1)[:, None]
    row = np.arange(len(points))[:, None]
    return corners[row, best][:, 0], shares[row, best][:, 0]


def faces_around(faces: np.ndarray, vertices: int) -> np.ndarray:
    """Faces around each vertex [K, most], filled up with -1."""
    order = np.argsort(faces.ravel(), kind="stable")
    counts = np.bincount(faces.ravel(), minlength=vertices)
    number = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    around = np.full((vertices, max(int(counts.max()), 1)), -1)
    around[faces.ravel()[order], number] = order // 3
    return around


def barycentric(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Shares [..., 3] of a triangle's corners [..., 3, 3] in the point of it that is near to a point [..., 3]."""
    first, second = corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :]
    offset = points - corners[..., 0, :]
    aa, ab, bb = ((one * other).sum(-1) for one, other in ((first, first), (first, second), (second, second)))
    pa, pb = (offset * first).sum(-1), (offset * second).sum(-1)
    area = np.maximum(aa * bb - ab**2, 1e-18)
    v, w = (bb * pa - ab * pb) / area, (aa * pb - ab * pa) / area
    shares = np.clip(np.stack([1 - v - w, v, w], -1), 0, None)
    return shares / shares.sum(-1, keepdims=True)
