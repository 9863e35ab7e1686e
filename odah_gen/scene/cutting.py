"""Cloth as a mesh: subdividing, cutting along a line, smoothing. Pure mathematics on arrays.

Every vertex carries a row of values (position, then anything else that varies linearly over the cloth), so cutting
needs no bookkeeping: a new vertex is a weighted sum of rows.
"""

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Bool, Float, Int

ON_LINE = 1e-7
"""Vertices as near as this to a cut are on it, so that no slivers are made."""


def subdivide_quads(
    values: Float[np.ndarray, "vertices columns"], quads: Int[np.ndarray, "quads 4"]
) -> tuple[Float[np.ndarray, "more columns"], Int[np.ndarray, "fourfold 4"]]:
    """Split each quad into four at its edge middles and its centre; positions are not smoothed."""
    edges = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], -1).reshape(-1, 2), axis=1)
    unique, of_edge = np.unique(edges, axis=0, return_inverse=True)
    middle = len(values) + of_edge.reshape(-1, 4)
    center = len(values) + len(unique) + np.arange(len(quads))
    corners = [np.stack([quads[:, i], middle[:, i], center, middle[:, i - 1]], 1) for i in range(4)]
    rows = np.concatenate([values, values[unique].mean(1), values[quads].mean(1)])
    return rows, np.concatenate(corners)


def split_quads(quads: Int[np.ndarray, "quads 4"]) -> Int[np.ndarray, "triangles 3"]:
    """Two triangles from each quad."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def cut(
    values: Float[np.ndarray, "vertices columns"],
    faces: Int[np.ndarray, "faces 3"],
    field: Float[np.ndarray, " vertices"],
) -> tuple[Float[np.ndarray, "kept columns"], Int[np.ndarray, "triangles 3"]]:
    """Keep the part of a mesh where `field` is positive; the border runs exactly along its zero line.

    Returns:
        rows of the remaining vertices, and the triangles, with unused vertices left out.
    """
    rows, triangles, inside, _ = split(values, faces, field)
    return compact(rows, triangles[inside])


def split(
    values: Float[np.ndarray, "vertices columns"],
    faces: Int[np.ndarray, "faces 3"],
    field: Float[np.ndarray, " vertices"],
) -> tuple[
    Float[np.ndarray, "more columns"],
    Int[np.ndarray, "triangles 3"],
    Bool[np.ndarray, " triangles"],
    Int[np.ndarray, " triangles"],
]:
    """Cut a mesh along the zero line of `field` and keep both parts, which share the line's vertices.

    Returns:
        rows of all vertices, old ones first; the triangles; which of them lie where `field` is positive; and of which
        old triangle each is.
    """
    side = np.where(np.abs(field) > ON_LINE, np.sign(field), 0).astype(int)
    crossed = (side[faces].min(1) < 0) & (side[faces].max(1) > 0)
    rows: list[np.ndarray] = list(values)
    made: dict[tuple[int, int], int] = {}
    triangles, inside = [faces[~crossed]], [side[faces[~crossed]].max(1) > 0]
    source = [np.flatnonzero(~crossed)]
    for index in np.flatnonzero(crossed):
        for sign in (1, -1):
            polygon = part_of_triangle(faces[index], sign * side, field, values, rows, made)
            fan = [[polygon[0], polygon[i], polygon[i + 1]] for i in range(1, len(polygon) - 1)]
            triangles.append(np.array(fan).reshape(-1, 3))
            inside.append(np.full(len(fan), sign > 0))
            source.append(np.full(len(fan), index))
    return np.array(rows), np.concatenate(triangles), np.concatenate(inside), np.concatenate(source)


def part_of_triangle(
    face: Int[np.ndarray, "3"],
    side: Int[np.ndarray, " vertices"],
    field: Float[np.ndarray, " vertices"],
    values: Float[np.ndarray, "vertices columns"],
    rows: list[np.ndarray],
    made: dict[tuple[int, int], int],
) -> list[int]:
    """Corners of the part of one triangle where `side` is positive; new vertices are added to `rows` and `made`."""
    polygon = []
    corners = face.tolist()
    for first, second in zip(corners, corners[1:] + corners[:1]):
        if side[first] >= 0:
            polygon.append(first)
        if side[first] * side[second] < 0:
            edge = (min(first, second), max(first, second))
            if edge not in made:
                share = field[edge[0]] / (field[edge[0]] - field[edge[1]])
                made[edge] = len(rows)
                rows.append((1 - share) * values[edge[0]] + share * values[edge[1]])
            polygon.append(made[edge])
    return polygon


def compact(
    values: Float[np.ndarray, "vertices columns"], faces: Int[np.ndarray, "faces 3"]
) -> tuple[Float[np.ndarray, "used columns"], Int[np.ndarray, "faces 3"]]:
    """Leave out vertices that no face uses; the others keep their order."""
    used, renumbered = np.unique(faces, return_inverse=True)
    return values[used], renumbered.reshape(-1, 3)


def adjacency(count: int, faces: Int[np.ndarray, "faces 3"]) -> sparse.csr_matrix:
    """Which vertices share an edge, as a symmetric 0/1 matrix."""
    first, second = directed_edges(faces).T
    matrix = sparse.coo_matrix((np.ones(len(first)), (first, second)), (count, count)).tocsr()
    return ((matrix + matrix.T) > 0).astype(float)


def directed_edges(faces: Int[np.ndarray, "faces 3"]) -> Int[np.ndarray, "edges 2"]:
    """The three edges of every face, in its own sense of rotation."""
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def border_edges(faces: Int[np.ndarray, "faces 3"]) -> Int[np.ndarray, "edges 2"]:
    """Edges with one face only."""
    unique, count = np.unique(np.sort(directed_edges(faces), axis=1), axis=0, return_counts=True)
    return unique[count == 1]


def neighbour_mean(count: int, faces: Int[np.ndarray, "faces 3"]) -> sparse.csr_matrix:
    """A matrix that replaces each row by the mean of its neighbours; a border averages along the border only."""
    border = border_edges(faces)
    on_border = np.zeros(count, bool)
    on_border[border] = True
    first, second = np.concatenate([border, border[:, ::-1]]).T
    along = sparse.coo_matrix((np.ones(len(first)), (first, second)), (count, count)).tocsr()
    matrix = sparse.diags((~on_border).astype(float)) @ adjacency(count, faces) + along
    neighbours = np.asarray(matrix.sum(1)).ravel()
    return (sparse.diags(1 / np.maximum(neighbours, 1)) @ matrix).tocsr()
