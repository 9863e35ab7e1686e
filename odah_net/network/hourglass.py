"""Stacked hourglass encoder: one view's picture → feature maps, one per stack.

After Newell et al. 2016 (doi 10.1007/978-3-319-46484-8_29) in the form that the ODAH paper uses: group norm before each
convolution, one stride of two only, so that every map has half the side of the picture.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from odah_net.configuration import NetworkSize

NORM_GROUPS = 32
DEPTH = 2


def group_norm(channels: int) -> nn.GroupNorm:
    """Group norm with 32 groups, or as many as there are channels where they are fewer."""
    return nn.GroupNorm(min(NORM_GROUPS, channels), channels)


class ResidualBlock(nn.Module):
    """Three 3 × 3 convolutions of 1/2, 1/4 and 1/4 of the output's channels, concatenated, beside a shortcut.

    The shortcut's norm has no use where the width stays. It is kept, without gradient, because the published network has
    it: so parameter counts agree.
    """

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        half, quarter = out_channels // 2, out_channels // 4
        self.first = normed_convolution(channels, half, 3)
        self.second = normed_convolution(half, quarter, 3)
        self.third = normed_convolution(quarter, quarter, 3)
        self.shortcut = normed_convolution(channels, out_channels, 1)
        if channels == out_channels:
            self.shortcut = nn.Sequential(self.shortcut[0].requires_grad_(False))
        self.same_width = channels == out_channels

    def forward(self, maps: Float[Tensor, "batch channels height width"]) -> Tensor:
        """Maps of the same side with `out_channels` channels."""
        first = self.first(maps)
        second = self.second(first)
        found = torch.cat([first, second, self.third(second)], 1)
        return found + (maps if self.same_width else self.shortcut(maps))


def normed_convolution(channels: int, out_channels: int, side: int) -> nn.Sequential:
    """Group norm, ReLU, convolution without bias."""
    convolution = nn.Conv2d(channels, out_channels, side, padding=side // 2, bias=False)
    return nn.Sequential(group_norm(channels), nn.ReLU(), convolution)


class Hourglass(nn.Module):
    """Down by average pooling and up again, bicubic, with a branch that stays at each side."""

    def __init__(self, channels: int, depth: int = DEPTH) -> None:
        super().__init__()
        self.stays = ResidualBlock(channels, channels)
        self.down = ResidualBlock(channels, channels)
        self.below = Hourglass(channels, depth - 1) if depth > 1 else ResidualBlock(channels, channels)
        self.up = ResidualBlock(channels, channels)

    def forward(self, maps: Float[Tensor, "batch channels height width"]) -> Tensor:
        """Maps of the same size."""
        low = self.up(self.below(self.down(nn.functional.avg_pool2d(maps, 2))))
        return self.stays(maps) + nn.functional.interpolate(low, scale_factor=2, mode="bicubic", align_corners=True)


class Stack(nn.Module):
    """One hourglass, its output, and what it hands to the next."""

    def __init__(self, channels: int, last: bool) -> None:
        super().__init__()
        self.hourglass = Hourglass(channels)
        self.top = ResidualBlock(channels, channels)
        self.before_output = nn.Sequential(nn.Conv2d(channels, channels, 1), group_norm(channels), nn.ReLU())
        self.output = nn.Conv2d(channels, channels, 1)
        self.back: nn.ModuleList | None = None
        if not last:
            self.back = nn.ModuleList([nn.Conv2d(channels, channels, 1) for _ in range(2)])

    def forward(self, maps: Float[Tensor, "batch channels height width"]) -> tuple[Tensor, Tensor]:
        """The stack's output, and the next stack's input."""
        found = self.before_output(self.top(self.hourglass(maps)))
        output = self.output(found)
        if self.back is None:
            return output, maps
        from_found, from_output = self.back
        return output, maps + from_found(found) + from_output(output)


class StackedHourglass(nn.Module):
    """Pictures → one feature map per stack, at half the picture's side."""

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        stem, channels = size.stem_channels, size.hourglass_channels
        self.stem = nn.Sequential(
            nn.Conv2d(3, stem, 7, stride=2, padding=3),
            group_norm(stem),
            nn.ReLU(),
            ResidualBlock(stem, 2 * stem),
            ResidualBlock(2 * stem, 2 * stem),
            ResidualBlock(2 * stem, channels),
        )
        self.stacks = nn.ModuleList([Stack(channels, number == size.stacks - 1) for number in range(size.stacks)])

    def forward(self, pictures: Float[Tensor, "batch 3 side side"]) -> list[Float[Tensor, "batch channels half half"]]:
        """One map per stack."""
        maps, outputs = self.stem(pictures), []
        for stack in self.stacks:
            output, maps = stack(maps)
            outputs.append(output)
        return outputs
