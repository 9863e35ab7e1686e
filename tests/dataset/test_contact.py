"""Feet and floor, on motions whose sliding, hovering and depth are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odah_gen.dataset.contact import (
    SLOW_M_PER_S,
    TOUCH_M,
    foot_contact,
    heights_above_floor,
    penetration_depth,
    stance_frames,
    stance_steps,
)

FPS = 30.0


def standing(frames: int = 12) -> list[np.ndarray]:
    """Left and right foot of four points each: they stand, then the right one is lifted and swings."""
    square = np.array([[0.0, 0, 0], [0.2, 0, 0], [0.2, 0.08, 0], [0, 0.08, 0.0]])
    left, right = (np.repeat((square + np.array([0, shift, 0]))[None], frames, 0) for shift in (0.1, -0.1))
    half = frames // 2
    right[half:] += np.linspace(1, 6, frames - half)[:, None, None] * [0.05, 0, 0.02]
    return [left, right]


def test_heights_are_the_distance_from_the_floor():
    points = np.random.default_rng(0).normal(size=(4, 7, 3))
    np.testing.assert_allclose(heights_above_floor(points), points[..., 2])


def test_stance_is_near_the_floor_and_slow():
    left, right = standing()
    assert stance_steps(left, FPS).all()
    assert stance_steps(right, FPS)[:5].all()
    assert not stance_steps(right, FPS)[5:].any()
    assert stance_frames(right, FPS).all(1).tolist() == [True] * 6 + [False] * 6
    dragged = left + np.arange(12)[:, None, None] * [1.1 * SLOW_M_PER_S / FPS, 0, 0]
    assert not stance_steps(dragged, FPS).any()
    assert not stance_steps(left + np.array([0, 0, 1.01 * TOUCH_M]), FPS).any()


def test_a_fit_that_is_the_source_neither_slides_nor_floats():
    contact = foot_contact(standing(), standing(), FPS)
    assert (contact.skate_m_per_s, contact.source_skate_m_per_s, contact.floating_m) == (0, 0, 0)


@given(speed=st.floats(0.0, 2.0), direction=st.floats(0, 6.3), lift_m=st.floats(-0.05, 0.2))
def test_a_planted_slide_is_seen_at_any_height_of_the_fit(speed, direction, lift_m):
    way = np.array([np.cos(direction), np.sin(direction), 0]) * speed / FPS
    fitted = [foot + np.arange(12)[:, None, None] * way + [0, 0, lift_m] for foot in standing()]
    contact = foot_contact(standing(), fitted, FPS)
    assert contact.skate_m_per_s == pytest.approx(speed, abs=1e-9)
    assert contact.source_skate_m_per_s == 0
    assert contact.floating_m == pytest.approx(lift_m, abs=1e-12)


def test_a_foot_that_swings_in_the_source_may_do_anything_in_the_fit():
    fitted = standing()
    fitted[1][6:] += np.random.default_rng(1).normal(size=(6, 1, 3))
    assert foot_contact(standing(), fitted, FPS) == foot_contact(standing(), standing(), FPS)


def test_a_buried_source_and_a_fit_on_the_floor_are_compared_over_the_same_steps():
    slide = np.arange(12)[:, None, None] * [0.1 / FPS, 0, 0]
    source = [foot - [0, 0, 0.04] + slide for foot in standing()]
    contact = foot_contact(source, standing(), FPS)
    assert contact.source_skate_m_per_s == pytest.approx(0.1, abs=0.02)
    assert contact.floating_m == pytest.approx(0, abs=0.03)


def test_without_stance_there_are_no_figures():
    flying = [foot + np.array([0, 0, 0.5]) for foot in standing()]
    contact = foot_contact(flying, standing(), FPS)
    assert (contact.skate_m_per_s, contact.source_skate_m_per_s, contact.floating_m) == (None, None, None)


def test_depth_is_that_of_the_deepest_vertex():
    assert penetration_depth(np.array([0.01, -0.02, 0.0])) == pytest.approx(0.02)
    assert penetration_depth(np.array([0.01, 0.02])) == 0
