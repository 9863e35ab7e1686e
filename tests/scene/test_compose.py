"""A frame from parts: what the parts say is what comes out."""

import numpy as np
import pytest

from blender_addon.compose import FEATHER_PX, enlarge, lay_over, light_change, paste, to_display


def test_light_that_nobody_changes_stays() -> None:
    room = np.random.default_rng(0).random((9, 14, 3), np.float32)
    assert np.allclose(light_change(room, room), 1)


def test_a_shadow_darkens_by_its_factor() -> None:
    room = np.full((9, 14, 3), 0.8, np.float32)
    assert np.allclose(light_change(0.4 * room, room), 0.4, atol=2e-3)


@pytest.mark.parametrize(("coarse", "whole"), [((40, 60), (80, 120)), ((53, 80), (160, 240)), ((27, 40), (80, 120))])
def test_enlarging_keeps_a_slope_about_the_middle(coarse: tuple[int, int], whole: tuple[int, int]) -> None:
    def slope(shape: tuple[int, int]) -> np.ndarray:
        rows, columns = (np.arange(count) + 0.5 - count / 2 for count in shape)
        plane = (0.3 * rows[:, None] - 0.7 * columns[None, :]) * whole[1] / shape[1]
        return np.repeat(plane[..., None], 3, 2).astype(np.float32)

    inside = (slice(6, -6), slice(6, -6))
    assert np.allclose(enlarge(slope(coarse), whole[1], whole[0])[inside], slope(whole)[inside], atol=1e-3)


def test_an_opaque_person_hides_the_room_and_a_clear_pixel_shows_it() -> None:
    frame, person = np.full((4, 5, 3), 0.5, np.float32), np.zeros((2, 2, 4), np.float32)
    person[0, 0], person[0, 1] = (0.1, 0.2, 0.3, 1), (0.05, 0.1, 0.15, 0.5)
    lay_over(frame, person, top=1, left=2)
    assert np.allclose(frame[1, 2], (0.1, 0.2, 0.3))
    assert np.allclose(frame[1, 3], (0.3, 0.35, 0.4))
    frame[1, 2:4] = 0.5
    assert np.allclose(frame, 0.5)


def test_a_pasted_part_fades_at_its_sides_but_not_at_the_pictures_edge() -> None:
    frame = np.zeros((40, 50, 3), np.float32)
    paste(frame, np.ones((30, 20, 3), np.float32), top=10, left=0)
    assert frame[39, 0, 0] == 1
    assert 0 < frame[10, 5, 0] < 0.2
    assert (frame[10 + FEATHER_PX :, : 20 - FEATHER_PX] == 1).all()


def test_display_bytes_are_those_of_srgb() -> None:
    light = np.array([0, 0.002, 0.2158605, 1, 1.7], np.float32)
    assert to_display(light).tolist() == [0, 7, 128, 255, 255]
