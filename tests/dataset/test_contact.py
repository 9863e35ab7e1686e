"""Feet and floor, on motions whose sliding and depth are known."""

import numpy as np
import pytest

from odah_gen.dataset.contact import heights_above_floor, penetration_depth, skate_speed


def test_heights_are_the_distance_from_the_floor():
    points = np.random.default_rng(0).normal(size=(4, 7, 3))
    np.testing.assert_allclose(heights_above_floor(points), points[..., 2])


def test_a_sliding_foot_has_its_speed_and_a_lifted_one_does_not_count():
    feet = np.zeros((5, 2, 3))
    feet[:, 0, 0] = 0.3 * np.arange(5) / 60
    feet[:, 0, 1] = 0.4 * np.arange(5) / 60
    feet[:, 1] = np.arange(5)[:, None] * 0.1 + [0, 0, 0.2]
    assert skate_speed(feet, fps=60) == pytest.approx(0.5)


def test_only_steps_that_begin_and_end_on_the_floor_count():
    feet = np.zeros((3, 1, 3))
    feet[2] = [1.0, 0, 0.5]
    assert skate_speed(feet, fps=10) == 0
    assert skate_speed(feet[1:], fps=10) is None


def test_depth_is_that_of_the_deepest_vertex():
    assert penetration_depth(np.array([0.01, -0.02, 0.0])) == pytest.approx(0.02)
    assert penetration_depth(np.array([0.01, 0.02])) == 0
