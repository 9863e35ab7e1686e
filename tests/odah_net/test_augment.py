"""Augmented crops still agree with their cameras."""

import numpy as np
import pytest
import torch

from odah_net.data.augment import augmented, hide
from odah_net.data.clips import open_clips
from odah_net.data.crops_of_clip import Crops
from odah_net.data.dataset import Sequences
from tests.odah_net.conftest import TINY

SIDE = 64


def spot(row: int, column: int, frames: int = 3) -> Crops:
    """Crops of one white blob each."""
    pictures = np.zeros((frames, 2, SIDE, SIDE, 3), dtype=np.uint8)
    pictures[:, :, row - 1 : row + 2, column - 1 : column + 2] = 255
    intrinsics = np.tile(np.array([[200.0, 0, 32], [0, 200, 32], [0, 0, 1]]), (frames, 2, 1, 1))
    return Crops(pictures, pictures[..., 0] > 0, intrinsics)


@pytest.mark.parametrize("seed", range(5))
def test_a_point_stays_on_what_it_showed(seed):
    crops = spot(20, 40)
    found = augmented(crops, np.random.default_rng(seed))
    ray = np.linalg.inv(crops.intrinsics[0, 0]) @ [40.5, 20.5, 1.0]
    for view in range(2):
        light = found.pictures[1, view].astype(float).sum(-1)
        light -= light.min()
        rows, columns = np.indices(light.shape) + 0.5
        seen = np.array([(light * columns).sum(), (light * rows).sum()]) / light.sum()
        assert np.abs(found.intrinsics[1, view] @ ray - [*seen, 1.0]).max() < 0.5


def test_frames_change_alike_and_views_each_by_itself():
    found = augmented(spot(30, 30), np.random.default_rng(1))
    assert np.array_equal(found.pictures[0], found.pictures[2])
    assert not np.allclose(found.intrinsics[0, 0], found.intrinsics[0, 1])


def test_little_enough_is_hidden():
    masks = np.ones((1, 10, 10), dtype=bool)
    assert hide(masks, (0, 0, 10, 4)).sum() == 60
    assert hide(masks, (0, 0, 10, 5)).sum() == 100


def test_epochs_differ_and_repeat_and_points_stay_on_the_person(drawn):
    frames = Sequences(open_clips(drawn), TINY, 1, 1, augment=True)
    first = frames[7]
    frames.epoch = 1
    second = frames[7]
    frames.epoch = 0
    assert torch.equal(first["pictures"], frames[7]["pictures"])
    assert not torch.equal(first["pictures"], second["pictures"])
    assert torch.equal(first["angles"], second["angles"])
    pixels = ((second["places"][0] + 1) / 2 * (TINY.image_px - 1) + 0.5).floor().long()
    on_person = second["pictures"][0].abs().sum(1) > 0
    assert all(on_person[view, pixels[view, :, 1], pixels[view, :, 0]].all() for view in range(2))
