"""Sewing patterns: panels of cloth laid flat without stretch, so that a weave has the same size everywhere.

Reference: Liu et al., A Local/Global Approach to Mesh Parameterization, 2008 (as rigid as possible).
"""

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float, Int
from scipy.sparse.linalg import splu

ROUNDS = 12
LEAST_COTANGENT, MOST_COTANGENT = 0.02, 10.0
"""Slivers along a cut would otherwise pull as hard as all others together."""


def flatten(
    vertices: Float[np.ndarray, "vertices 3"],
    faces: Int[np.ndarray, "faces 3"],
    start: Float[np.ndarray, "vertices 2"],
) -> Float[np.ndarray, "vertices 2"]:
    """Coordinates (m) of each vertex on the flat cloth: every triangle keeps its size and shape as well as it can.

    Args:
        vertices: m.
        faces: triangles; each connected part is a panel.
        start: a rough layout (m), turned as `faces`; the result is laid over it without turning or shift.
    """
    count = len(vertices)
    corners = lay_triangles(vertices[faces])
    pull = cotangents(corners)
    first, second = faces, np.roll(faces, -1, axis=1)
    stiff = sparse.coo_matrix((pull.ravel(), (first.ravel(), second.ravel())), (count, count)).tocsr()
    stiff = stiff + stiff.T
    part = sparse.csgraph.connected_components(stiff, directed=False)[1]
    pinned = np.unique(part, return_index=True)[1]
    hold = sparse.coo_matrix((np.ones(len(pinned)), (pinned, pinned)), (count, count))
    solve = splu((sparse.diags(np.asarray(stiff.sum(1)).ravel()) - stiff + hold).tocsc()).solve
    edges = corners - np.roll(corners, -1, axis=1)
    flat = start.astype(np.float64)
    for _ in range(ROUNDS):
        turned = np.einsum("fab,fkb->fka", best_turns(flat[first] - flat[second], edges, pull), edges)
        forces = np.zeros((count, 2))
        np.add.at(forces, first, pull[..., None] * turned)
        np.add.at(forces, second, -pull[..., None] * turned)
        forces[pinned] += flat[pinned]
        flat = solve(forces)
    return laid_over(flat, start, part)


def lay_triangles(corners: Float[np.ndarray, "faces 3 3"]) -> Float[np.ndarray, "faces 3 2"]:
    """Each triangle by itself in the plane: first corner at the origin, second on the positive axis."""
    along, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    length = np.maximum(np.linalg.norm(along, axis=1), 1e-9)
    across = np.linalg.norm(np.cross(along, other), axis=1) / length
    flat = np.zeros((len(corners), 3, 2))
    flat[:, 1, 0] = length
    flat[:, 2] = np.stack([(along * other).sum(1) / length, across], 1)
    return flat


def cotangents(corners: Float[np.ndarray, "faces 3 2"]) -> Float[np.ndarray, "faces 3"]:
    """Half the cotangent of the angle opposite each edge (corner i to corner i + 1)."""
    away = np.roll(corners, -2, axis=1)
    one, two = corners - away, np.roll(corners, -1, axis=1) - away
    area = np.abs(one[..., 0] * two[..., 1] - one[..., 1] * two[..., 0])
    return np.clip((one * two).sum(-1) / np.maximum(area, 1e-12), LEAST_COTANGENT, MOST_COTANGENT) / 2


def best_turns(
    flat: Float[np.ndarray, "faces 3 2"], edges: Float[np.ndarray, "faces 3 2"], pull: Float[np.ndarray, "faces 3"]
) -> Float[np.ndarray, "faces 2 2"]:
    """The rotations that take each triangle's own edges nearest to its flat ones."""
    spread = np.einsum("fk,fka,fkb->fab", pull, flat, edges)
    angle = np.arctan2(spread[:, 1, 0] - spread[:, 0, 1], spread[:, 0, 0] + spread[:, 1, 1])
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([cosine, -sine, sine, cosine], 1).reshape(-1, 2, 2)


def laid_over(
    flat: Float[np.ndarray, "vertices 2"], start: Float[np.ndarray, "vertices 2"], part: Int[np.ndarray, " vertices"]
) -> Float[np.ndarray, "vertices 2"]:
    """Turn and shift every panel to where its rough layout was (Procrustes)."""
    laid = np.empty_like(flat)
    for panel in range(part.max() + 1):
        own = part == panel
        here, there = flat[own] - flat[own].mean(0), start[own] - start[own].mean(0)
        spread = there.T @ here
        angle = np.arctan2(spread[1, 0] - spread[0, 1], spread[0, 0] + spread[1, 1])
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        laid[own] = here @ turn.T + start[own].mean(0)
    return laid
