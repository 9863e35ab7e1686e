import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from odah_gen.frames import (
    WORLD_FROM_GROUND,
    WORLD_FROM_MODEL,
    ground_to_world,
    matrix_to_rotvec,
    rotvec_to_matrix,
    world_to_ground,
)

VECTORS = st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=3).map(np.array)


def test_ground_maps_to_the_world_as_documented():
    up, forward, right = np.eye(3)[1], np.eye(3)[0], np.eye(3)[2]
    assert np.array_equal(ground_to_world(up), [0, 0, 1])
    assert np.array_equal(ground_to_world(forward), [1, 0, 0])
    assert np.array_equal(ground_to_world(right), [0, -1, 0])
    assert np.isclose(np.linalg.det(WORLD_FROM_GROUND), 1)


def test_the_model_faces_along_the_heading():
    left, up, forward = np.eye(3)
    assert np.array_equal(WORLD_FROM_MODEL @ forward, [1, 0, 0])
    assert np.array_equal(WORLD_FROM_MODEL @ up, [0, 0, 1])
    assert np.array_equal(WORLD_FROM_MODEL @ left, [0, 1, 0])


@given(VECTORS)
def test_maps_are_each_other_s_inverse(point):
    assert np.allclose(world_to_ground(ground_to_world(point)), point)


@given(VECTORS.filter(lambda v: np.linalg.norm(v) < 3.1))
def test_rotation_vectors_come_back(vector):
    assert np.allclose(matrix_to_rotvec(rotvec_to_matrix(vector)), vector, atol=1e-7)
