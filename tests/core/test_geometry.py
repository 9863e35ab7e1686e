import numpy as np
import trimesh
from hypothesis import given
from hypothesis import strategies as st

from odah_gen.frames import matrix_to_rotvec
from odah_gen.geometry import shortest_arc, unit, vertex_normals


@given(seed=st.integers(0, 10_000))
def test_the_shortest_arc_brings_one_direction_to_the_other_about_their_normal(seed):
    start, end = np.random.default_rng(seed).normal(size=(2, 6, 3))
    turns = shortest_arc(start, end)
    np.testing.assert_allclose(np.einsum("nab,nb->na", turns, unit(start)), unit(end), atol=1e-9)
    np.testing.assert_allclose(turns @ np.swapaxes(turns, 1, 2), np.tile(np.eye(3), (6, 1, 1)), atol=1e-9)
    angle = np.arccos(np.sum(unit(start) * unit(end), axis=1))
    np.testing.assert_allclose(np.linalg.norm(matrix_to_rotvec(turns), axis=1), angle, atol=1e-6)
    axis = np.cross(start, end)
    np.testing.assert_allclose(np.einsum("nab,nb->na", turns, axis), axis, atol=1e-9)


def test_equal_directions_need_no_turn():
    np.testing.assert_array_equal(shortest_arc(np.array([0.0, 2.0, 0.0]), np.array([0.0, 0.5, 0.0])), np.eye(3))


def test_normals_point_outward_and_a_vertex_without_faces_has_none():
    box = trimesh.creation.box((1, 2, 3))
    normals = vertex_normals(np.vstack([box.vertices, [[9.0, 9.0, 9.0]]]), box.faces)
    assert (np.sum(normals[:8] * box.vertices, axis=1) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(normals[:8], axis=1), 1.0)
    np.testing.assert_array_equal(normals[8], 0.0)
