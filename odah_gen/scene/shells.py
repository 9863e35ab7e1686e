"""Shells of an even grid around the skin: what shoes, hair, hats and eyes have in common.

No vertex of the body model is named: the skin is found by skinning weights and by its place at rest.
"""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from jaxtyping import Float, Int

from odah_gen.body.model import JOINT_NAMES
from odah_gen.geometry import vertex_normals
from odah_gen.scene.cutting import compact, neighbour_mean, split_quads
from odah_gen.scene.garments import NOT_HELD_M, Garment, skin_below, smooth, strongest_joints
from odah_gen.scene.rest_body import RestBody

COLUMNS, ROWS = 57, 30


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


def joined(first: Garment, second: Garment) -> Garment:
    """Two garments as one."""
    together = {
        entry.name: np.concatenate([getattr(first, entry.name), getattr(second, entry.name)]) for entry in fields(first)
    }
    together["faces"] = np.concatenate([first.faces, second.faces + len(first.vertices)])
    return Garment(**together)
