"""Metrics undo what they should undo and see what they should see."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from odah_net.metrics import (
    angle_errors_deg,
    geodesic_deg,
    mean_angle_error_deg,
    pa_mpjpe_mm,
    pa_mpjpe_sequence_mm,
    pa_mpjve_mm_per_s,
    procrustes,
)


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_angles_are_compared_round_the_circle():
    assert angle_errors_deg(np.array([3.1]), np.array([-3.1]))[0] == pytest.approx(np.rad2deg(2 * np.pi - 6.2))
    assert angle_errors_deg(np.array([7.0]), np.array([7.0 - 2 * np.pi]))[0] == pytest.approx(0.0, abs=1e-9)


def test_coordinates_can_be_left_out_of_the_mean():
    errors = np.array([[1.0, 5.0, 3.0], [3.0, 50.0, 1.0]])
    assert mean_angle_error_deg(errors, ("a", "b", "c"), without=("b",)) == 2.0


def test_geodesic_angle_is_that_of_the_turn_between(generator):
    for angle in (0.0, 1e-4, 30.0, 179.9):
        axis = generator.standard_normal(3)
        turn = Rotation.from_rotvec(np.deg2rad(angle) * axis / np.linalg.norm(axis))
        base = Rotation.random(random_state=1)
        assert geodesic_deg((base * turn).as_matrix(), base.as_matrix()) == pytest.approx(angle, abs=1e-6)


def test_a_similarity_per_frame_is_undone(generator):
    truth = generator.standard_normal((6, 44, 3))
    turns = Rotation.random(6, random_state=2).as_matrix()
    moved = generator.uniform(0.5, 2.0, (6, 1, 1)) * truth @ np.swapaxes(turns, 1, 2) + generator.standard_normal(
        (6, 1, 3)
    )
    assert pa_mpjpe_mm(moved, truth) < 1e-9
    assert pa_mpjpe_sequence_mm(moved, truth) > 100
    one = 1.3 * truth @ turns[0].T + 2.0
    assert pa_mpjpe_sequence_mm(one, truth) < 1e-9


def test_a_reflection_is_not_undone(generator):
    truth = generator.standard_normal((1, 20, 3))
    assert pa_mpjpe_mm(truth * np.array([1.0, 1.0, -1.0]), truth) > 100


def test_no_similarity_is_nearer(generator):
    points, truth = generator.standard_normal((2, 1, 15, 3))
    best = ((procrustes(points, truth) - truth) ** 2).sum()
    for _ in range(100):
        turn = Rotation.from_rotvec(0.05 * generator.standard_normal(3)).as_matrix()
        tried = procrustes(points, truth) @ turn.T * generator.uniform(0.95, 1.05) + 0.05 * generator.standard_normal(3)
        assert ((tried - truth) ** 2).sum() >= best


def test_velocity_error_of_a_jitter(generator):
    truth = np.repeat(generator.standard_normal((1, 44, 3)), 10, 0)
    jitter = truth.copy()
    jitter[1::2, 0, 0] += 0.01
    assert pa_mpjve_mm_per_s(truth, truth, 60.0) == pytest.approx(0.0, abs=1e-9)
    # Aligning a frame spreads a part of one point's error over all others.
    assert 1.0 <= pa_mpjve_mm_per_s(jitter, truth, 60.0) / (10 * 60 / 44) <= 2.0


def test_coincident_points_are_only_shifted():
    target = np.zeros((1, 4, 3)) + np.array([1.0, 2.0, 3.0])
    assert np.allclose(procrustes(np.zeros((1, 4, 3)), target), target)
