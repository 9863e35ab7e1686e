"""What the network computes."""

import pytest
import torch

from odah_net.configuration import FEATURES, SIZES
from odah_net.network.frame_encoder import FrameEncoder, sampled
from odah_net.network.model import SequenceNetwork, read_features
from odah_net.network.temporal import TemporalUNet, lengthen, shorten

SMALL = SIZES["small"]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def inputs(batch: int) -> tuple[torch.Tensor, ...]:
    side, points = SMALL.image_px, SMALL.points
    return torch.rand(batch, 2, 3, side, side), torch.randn(batch, points, 3), 2 * torch.rand(batch, 2, points, 2) - 1


def test_frames_do_not_see_each_other():
    encoder = FrameEncoder(SMALL)
    pictures, points, places = inputs(3)
    together = encoder(pictures, points, places)
    alone = torch.cat([encoder(pictures[i : i + 1], points[i : i + 1], places[i : i + 1]) for i in range(3)])
    assert together.shape == (3, FEATURES)
    assert torch.allclose(together, alone, atol=1e-4)


def test_every_parameter_that_can_learn_does():
    encoder, network = FrameEncoder(SMALL), SequenceNetwork(SMALL)
    features = encoder(*inputs(1)).expand(SMALL.frames, -1)[None]
    found = network(features)
    (found.angles_rad.sum() + found.scales.sum()).backward()
    idle = [
        name
        for part in (encoder, network)
        for name, parameter in part.named_parameters()
        if parameter.requires_grad and (parameter.grad is None or not parameter.grad.abs().sum())
    ]
    assert not idle


def test_a_point_samples_the_pixel_it_falls_on():
    maps = torch.arange(12.0).reshape(1, 1, 3, 4)
    corners = torch.tensor([[[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]]])
    assert sampled(maps, corners).flatten().tolist() == [0.0, 3.0, 8.0, 11.0]


def test_scale_factors_are_the_same_in_every_frame():
    found = SequenceNetwork(SMALL)(torch.randn(2, SMALL.frames, FEATURES))
    assert found.angles_rad.shape == (2, SMALL.frames, 36)
    assert torch.equal(found.scales, found.scales[:, :1].expand_as(found.scales))


def test_a_zero_feature_means_the_generic_size():
    assert torch.equal(read_features(torch.zeros(FEATURES)).scales, torch.ones(22, 3))


def test_shortening_time_is_undone_by_lengthening():
    maps = torch.randn(2, 3, 5, 16)
    short = shorten(maps, 4)
    assert short.shape == (2, 12, 5, 4)
    assert torch.equal(short[:, 0, :, 1], maps[:, 0, :, 4])
    assert torch.equal(lengthen(short, 4), maps)


def test_time_that_eight_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="multiple of 8"):
        TemporalUNet(SMALL)(torch.zeros(1, 12, FEATURES))
