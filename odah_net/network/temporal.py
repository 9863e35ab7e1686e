"""Spatio-temporal refinement: a transformer U-Net over a sequence of frame features.

The sequence is a picture of one channel: rows are features, columns are frames. Transformer blocks are those of Zamir
et al. 2022 (Restormer, doi 10.1109/CVPR52688.2022.00564): attention between channels, then a gated convolution. Down-
and upsampling change time only, and nothing leads from input to output directly (ODAH paper, section 3.2).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from odah_net.configuration import TEMPORAL_STEPS, NetworkSize

EXPANSION = 2.66


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, maps: Float[Tensor, "batch channels rows frames"]) -> Tensor:
        """Normed maps."""
        return self.norm(maps.movedim(1, -1)).movedim(-1, 1)


class ChannelAttention(nn.Module):
    """Attention between channels: its matrix is channels × channels, whatever the length of the sequence."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.project = nn.Sequential(nn.Conv2d(channels, 3 * channels, 1), depthwise(3 * channels))
        self.output = nn.Conv2d(channels, channels, 1)

    def forward(self, maps: Float[Tensor, "batch channels rows frames"]) -> Tensor:
        """Maps of the same size."""
        parts = self.project(maps).chunk(3, 1)
        queries, keys, values = (part.unflatten(1, (self.heads, -1)).flatten(3) for part in parts)
        queries, keys = (nn.functional.normalize(part, dim=-1) for part in (queries, keys))
        attention = (queries @ keys.mT * self.temperature).softmax(-1)
        return self.output((attention @ values).flatten(1, 2).unflatten(2, maps.shape[2:]))


class GatedFeedForward(nn.Module):
    """Two depthwise branches, one of which gates the other through GELU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = int(EXPANSION * channels)
        self.project = nn.Sequential(nn.Conv2d(channels, 2 * hidden, 1), depthwise(2 * hidden))
        self.output = nn.Conv2d(hidden, channels, 1)

    def forward(self, maps: Float[Tensor, "batch channels rows frames"]) -> Tensor:
        """Maps of the same size."""
        gate, values = self.project(maps).chunk(2, 1)
        return self.output(nn.functional.gelu(gate) * values)


class TransformerBlock(nn.Module):
    """Attention and feed-forward, each after a norm and beside a shortcut."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(ChannelNorm(channels), ChannelAttention(channels, heads))
        self.feed_forward = nn.Sequential(ChannelNorm(channels), GatedFeedForward(channels))

    def forward(self, maps: Float[Tensor, "batch channels rows frames"]) -> Tensor:
        """Maps of the same size."""
        maps = maps + self.attention(maps)
        return maps + self.feed_forward(maps)


class TemporalUNet(nn.Module):
    """Three levels, the second and third at a half and an eighth of the frame rate."""

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        top = size.temporal_channels
        middle, deep = top * TEMPORAL_STEPS[0], top * TEMPORAL_STEPS[0] * TEMPORAL_STEPS[1]
        channels, heads, blocks = (top, middle, deep), size.temporal_heads, size.temporal_blocks
        self.embed = convolution(1, top)
        self.encoders = nn.ModuleList([level(*each) for each in zip(channels, heads, blocks)])
        self.downs = nn.ModuleList([convolution(width, width) for width in (top, middle)])
        self.ups = nn.ModuleList([convolution(width, width) for width in (deep, middle)])
        self.join = nn.Conv2d(2 * middle, middle, 1)
        self.decoders = nn.ModuleList([level(middle, heads[1], blocks[1]), level(2 * top, heads[0], blocks[0])])
        self.fuse = nn.Conv2d(2 * top, 1, 3, padding=1)

    def forward(self, features: Float[Tensor, "batch frames features"]) -> Float[Tensor, "batch frames features"]:
        """The refined features.

        Raises:
            ValueError: the number of frames is no multiple of eight.
        """
        fast, slow = TEMPORAL_STEPS
        if features.shape[1] % (fast * slow):
            raise ValueError(f"a sequence of {features.shape[1]} frames is no multiple of {fast * slow}")
        first = self.encoders[0](self.embed(features.mT[:, None]))
        second = self.encoders[1](shorten(self.downs[0](first), fast))
        third = self.encoders[2](shorten(self.downs[1](second), slow))
        second = self.decoders[0](self.join(torch.cat([lengthen(self.ups[0](third), slow), second], 1)))
        first = self.decoders[1](torch.cat([lengthen(self.ups[1](second), fast), first], 1))
        return self.fuse(first)[:, 0].mT


def level(channels: int, heads: int, blocks: int) -> nn.Sequential:
    """The transformer blocks of a level."""
    return nn.Sequential(*(TransformerBlock(channels, heads) for _ in range(blocks)))


def depthwise(channels: int) -> nn.Conv2d:
    """A 3 × 3 convolution of each channel by itself."""
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels)


def convolution(channels: int, out_channels: int) -> nn.Conv2d:
    """A 3 × 3 convolution without bias."""
    return nn.Conv2d(channels, out_channels, 3, padding=1, bias=False)


def shorten(maps: Float[Tensor, "batch channels rows frames"], factor: int) -> Float[Tensor, "batch more rows fewer"]:
    """Move neighbouring frames into channels."""
    return maps.unflatten(3, (-1, factor)).movedim(4, 2).flatten(1, 2)


def lengthen(maps: Float[Tensor, "batch channels rows frames"], factor: int) -> Float[Tensor, "batch fewer rows more"]:
    """Move channels into neighbouring frames; the inverse of `shorten`."""
    return maps.unflatten(1, (-1, factor)).movedim(2, 4).flatten(3, 4)
