"""A crop's camera sees in the crop what the whole camera sees in the picture."""

import numpy as np
import pytest

from odah_net.data.crop import Crop, crop_about, normalised


@pytest.mark.parametrize(("row", "column"), [(3, 60), (40, 7), (30, 30)])
def test_a_pixel_is_found_where_the_matrix_says(row, column):
    picture = np.zeros((80, 90, 3), dtype=np.uint8)
    picture[row, column] = 255
    mask = np.zeros((80, 90), dtype=bool)
    mask[row - 3 : row + 4, column - 3 : column + 4] = True
    crop = crop_about(mask, 64)
    light = crop.cut(picture)[..., 0].astype(float)
    rows, columns = np.indices(light.shape) + 0.5
    found = np.array([(light * columns).sum(), (light * rows).sum()]) / light.sum()
    expected = crop.matrix @ [column + 0.5, row + 0.5, 1.0]
    assert np.abs(found - expected[:2]).max() < 0.5


def test_the_person_fills_the_square_up_to_the_margin():
    mask = np.zeros((100, 100), dtype=bool)
    mask[10:90, 40:60] = True
    cut = crop_about(mask, 110).cut(mask.astype(np.uint8) * 255, smooth=False) > 0
    rows = np.flatnonzero(cut.any(1))
    assert rows[-1] - rows[0] + 1 == pytest.approx(110 / 1.1, abs=2)
    assert abs(rows[0] - (109 - rows[-1])) <= 1


def test_outside_the_picture_is_black():
    cut = Crop(-20.0, -20.0, 60.0, 60).cut(np.full((30, 30), 255, dtype=np.uint8), smooth=False)
    assert (cut[21:49, 21:49] == 255).all()
    assert not cut[:19].any()
    assert not cut[51:].any()


def test_an_empty_mask_has_no_crop():
    assert crop_about(np.zeros((5, 5), dtype=bool), 8) is None


def test_background_is_zero_after_normalising():
    picture, mask = np.full((4, 4, 3), 200, dtype=np.uint8), np.eye(4, dtype=bool)
    values = normalised(picture, mask)
    assert values.shape == (3, 4, 4)
    assert not values[:, ~mask].any()
    assert values[0, 0, 0] == pytest.approx((200 / 255 - 0.485) / 0.229)
