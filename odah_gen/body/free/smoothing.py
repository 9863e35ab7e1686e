"""Smoothing away small details of the skin: MakeHuman's nipples."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from odah_gen.body.free.makehuman import SKIN

NIPPLES = (*range(1762, 1794), *range(8434, 8466))


@dataclass(frozen=True)
class Patch:
    """Vertices (`inside`) that are replaced by weighted sums of the two rings around them."""

    inside: Int[np.ndarray, " inside"]
    ring: Int[np.ndarray, " ring"]
    weights: Float[np.ndarray, "inside ring"]

    def smooth(self, vertices: Float[np.ndarray, "vertices 3"]) -> Float[np.ndarray, "vertices 3"]:
        """The mesh with the patch smoothed."""
        smoothed = vertices.copy()
        smoothed[self.inside] = self.weights @ vertices[self.ring]
        return smoothed


def smooth_patch(quads: Int[np.ndarray, "quads 4"], inside: tuple[int, ...] = NIPPLES) -> Patch:
    """Weights that solve the bi-Laplace equation on a patch, so that the skin stays curved and smooth."""
    neighbours = adjacency(quads)
    near = {n for v in inside for n in neighbours[v]} - set(inside)
    ring = sorted(({n for v in near for n in neighbours[v]} | near) - set(inside))
    column = {vertex: at for at, vertex in enumerate([*inside, *ring])}
    rows = [*inside, *sorted(near)]
    laplace = np.zeros((len(rows), len(column)))
    for row, vertex in enumerate(rows):
        laplace[row, column[vertex]] = 1
        laplace[row, [column[n] for n in neighbours[vertex]]] = -1 / len(neighbours[vertex])
    weights = -np.linalg.lstsq(laplace[:, : len(inside)], laplace[:, len(inside) :], rcond=None)[0]
    return Patch(np.array(inside), np.array(ring), weights)


def adjacency(quads: Int[np.ndarray, "quads 4"]) -> list[set[int]]:
    """The neighbours of each skin vertex along quad edges."""
    neighbours: list[set[int]] = [set() for _ in range(SKIN)]
    for quad in quads.tolist():
        for a, b in zip(quad, quad[1:] + quad[:1]):
            neighbours[a].add(b)
            neighbours[b].add(a)
    return neighbours
