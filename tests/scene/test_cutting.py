"""Cloth is cut where it should be: areas, borders and interpolated values are known for flat cloth."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odah_gen.geometry import vertex_normals
from odah_gen.scene.cutting import border_edges, cut, neighbour_mean, split_quads, subdivide_quads


def flat_cloth(cells: int) -> tuple[np.ndarray, np.ndarray]:
    """A unit square in the XY plane, in quads that turn about +Z."""
    grid = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    y, x = np.divmod(grid.ravel(), cells + 1)
    quads = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], -1).reshape(-1, 4)
    return np.stack([x / cells, y / cells, np.zeros(grid.size)], 1), quads


def area(vertices: np.ndarray, faces: np.ndarray) -> float:
    first, second, third = (vertices[faces[:, i]] for i in range(3))
    return float(np.cross(second - first, third - first)[:, 2].sum() / 2)


@given(st.floats(0.05, 0.95), st.floats(-0.4, 0.4))
@settings(max_examples=30, deadline=None)
def test_cut_leaves_exactly_the_inside(height: float, slope: float) -> None:
    vertices, quads = flat_cloth(7)
    line = height + slope * (vertices[:, 0] - 0.5)
    values = np.column_stack([vertices, vertices[:, 0] * 3 + vertices[:, 1]])
    kept, faces = cut(values, split_quads(quads), line - vertices[:, 1])
    xs = np.linspace(0, 1, 20001)
    wanted = np.clip(height + slope * (xs - 0.5), 0, 1).mean()
    assert abs(area(kept[:, :3], faces) - wanted) < 1e-4
    assert np.allclose(kept[:, 3], kept[:, 0] * 3 + kept[:, 1])
    assert (kept[:, 1] <= height + slope * (kept[:, 0] - 0.5) + 1e-9).all()
    assert set(np.unique(faces)) == set(range(len(kept)))


def test_subdivision_keeps_the_surface() -> None:
    vertices, quads = flat_cloth(3)
    fine, fine_quads = subdivide_quads(vertices, quads)
    assert len(fine_quads) == 4 * len(quads)
    assert len(fine) == 49
    assert np.isclose(area(fine, split_quads(fine_quads)), 1.0)
    assert np.allclose(vertex_normals(fine, split_quads(fine_quads)), [0, 0, 1])


def test_neighbour_mean_keeps_borders_on_their_line() -> None:
    vertices, quads = flat_cloth(6)
    faces = split_quads(quads)
    mean = neighbour_mean(len(vertices), faces)
    assert np.allclose(mean.sum(1), 1)
    moved = mean @ vertices
    border = np.unique(border_edges(faces))
    corners = np.isin(vertices[:, 0], (0, 1)) & np.isin(vertices[:, 1], (0, 1))
    side = border[~corners[border]]
    assert np.isin(vertices[border], (0, 1)).any(1).all()
    assert np.allclose(moved[side], vertices[side])
