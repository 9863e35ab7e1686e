import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from benchmarks.measures import angle_errors, carried, excess, place_errors
from odah_gen.skeleton.cross_check import NEGLIGIBLE_M2
from odah_gen.skeleton.kinematics import Replay

NAMES = ("pelvis_tilt", "pelvis_list", "pelvis_rotation", "pelvis_tx", "knee_angle_r", "knee_angle_r_beta")


def test_angles_of_the_same_rotation_have_no_error():
    """(a, b, c) and (a + π, π − b, c + π) are one rotation, and so are whole turns."""
    truth = np.array([[0.1, 0.2, 0.3, 5.0, 1.0, 1.0], [0.1, 0.2, 0.3, 5.0, 1.0, 1.0]])
    found = truth.copy()
    found[0, :3] = 0.1 + np.pi, np.pi - 0.2, 0.3 - np.pi
    found[1, :3] += 0.0, 0.0, 4 * np.pi
    np.testing.assert_allclose(angle_errors(NAMES, truth, found)[:, [0, 1, 2, 4]], 0, atol=1e-12)


def test_only_free_angles_count():
    truth = np.zeros((3, len(NAMES)))
    errors = angle_errors(NAMES, truth, truth + np.array([0.01, -0.02, 0.03, 9.0, -0.04, 9.0]))
    np.testing.assert_allclose(errors[:, [0, 1, 2, 4]], np.tile([0.01, 0.02, 0.03, 0.04], (3, 1)), atol=1e-12)
    assert np.isnan(errors[:, [3, 5]]).all()


def test_excess_is_a_share_of_the_other_objective():
    assert excess(np.array([1.1e-4, 0.9e-4]), np.array([1e-4, 1e-4])) == pytest.approx([0.1, -0.1])
    assert excess(np.array([NEGLIGIBLE_M2 / 100]), np.array([0.0])) == pytest.approx([0.01])
    assert np.isnan(excess(np.array([1.0]), np.array([np.inf]))).all()


def test_a_point_that_moves_with_its_body_has_no_error():
    generator = np.random.default_rng(0)
    rotations = Rotation.random(20, random_state=0).as_matrix()[:, None]
    origins = generator.normal(size=(20, 1, 3))
    place, slip = np.array([0.1, -0.2, 0.3]), generator.normal(size=(20, 3))
    nothing = np.zeros((20, 0, 3))
    replay = Replay(("femur_r",), (), (), nothing, nothing, nothing, origins, rotations)
    still = rotations[:, 0] @ place + origins[:, 0]
    np.testing.assert_allclose(carried(replay, 0, still), np.tile(place, (20, 1)), atol=1e-12)
    np.testing.assert_allclose(place_errors(replay, 0, still, place), 0, atol=1e-12)
    np.testing.assert_allclose(place_errors(replay, 0, still + slip, place), np.linalg.norm(slip, axis=1))
