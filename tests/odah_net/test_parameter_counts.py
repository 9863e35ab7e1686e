"""The network has the published sizes, part by part."""

import pytest
import torch
from torch import nn

from odah_net.configuration import SIZES
from odah_net.network.frame_encoder import FrameEncoder
from odah_net.network.model import SequenceNetwork
from odah_net.network.temporal import TemporalUNet


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(scope="module")
def encoder() -> FrameEncoder:
    with torch.device("meta"):
        return FrameEncoder(SIZES["paper"])


def test_frame_encoder_part_by_part(encoder: FrameEncoder) -> None:
    layers = [layer for mlp in (encoder.point_mlp, encoder.frame_mlp) for layer in mlp if isinstance(layer, nn.Conv1d)]
    assert count(encoder.hourglass) == 14_420_864
    assert count(encoder.heads) == 131_584
    assert [count(layer) for layer in layers] == [526_848, 263_168, 16_448, 2_048_256, 16_640, 13_260]
    assert count(encoder) == 17_437_068


@pytest.mark.parametrize(
    ("name", "total", "encoders", "decoders"),
    [
        ("paper", 13_615_241, [64_342, 478_640, 10_820_748], [478_640, 239_318]),
        ("code", 14_397_541, None, None),
    ],
)
def test_unet_part_by_part(name: str, total: int, encoders: list[int] | None, decoders: list[int] | None) -> None:
    with torch.device("meta"):
        unet = TemporalUNet(SIZES[name])
    assert count(unet) == total
    if encoders:
        assert [count(part) for part in unet.encoders] == encoders
        assert [count(part) for part in unet.decoders] == decoders
        assert [count(part) for part in (*unet.downs, *unet.ups)] == [20_736, 82_944, 1_327_104, 82_944]
        assert [count(part) for part in (unet.join, unet.embed, unet.fuse)] == [18_528, 432, 865]


def test_whole_model_of_the_published_code(encoder: FrameEncoder) -> None:
    # The authors' total holds 119,659 parameters of a refinement block that is never called.
    with torch.device("meta"):
        sequence = SequenceNetwork(SIZES["code"])
    assert count(sequence.one_scale) == 65
    assert count(encoder) + count(sequence) == 31_954_333 - 119_659
