"""Two views and points in space → the feature of a frame, which is also the frame's own prediction."""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from odah_net.configuration import FEATURES, NetworkSize
from odah_net.network.hourglass import StackedHourglass


class FrameEncoder(nn.Module):
    """Stacked hourglass, local features of projected points, a shared MLP for points and one for the frame.

    Both views share the hourglass. A point's feature is its place (m, about the mean of the frame's points), then for
    each view the local features of all stacks. On CUDA the hourglasses compute in bfloat16 and everything after them,
    whose rounding would be seen in the angles, in float32.
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.by_height = size.points_by_height
        self.hourglass = StackedHourglass(size)
        self.heads = nn.ModuleList(
            [nn.Conv2d(size.hourglass_channels, size.head_channels, 1) for _ in range(size.stacks)]
        )
        hidden, features = size.point_hidden, size.point_features
        self.point_mlp = nn.Sequential(
            *pointwise(size.point_inputs, hidden), *pointwise(hidden, hidden), *pointwise(hidden, features)
        )
        self.frame_mlp = nn.Sequential(
            *pointwise(size.points * features, size.frame_hidden),
            *pointwise(size.frame_hidden, size.frame_hidden),
            weight_norm(nn.Conv1d(size.frame_hidden, FEATURES, 1)),
        )
        self.hourglass.apply(small_weights)
        self.heads.apply(small_weights)

    def begin_with(self, feature: Float[Tensor, " features"]) -> None:
        """Let an encoder that has learnt nothing say about this feature of every frame: it is the last layer's bias."""
        with torch.no_grad():
            cast(nn.Conv1d, self.frame_mlp[-1]).bias.copy_(feature)  # type: ignore[union-attr]

    def forward(
        self,
        pictures: Float[Tensor, "batch 2 3 side side"],
        points_m: Float[Tensor, "batch points 3"],
        places: Float[Tensor, "batch 2 points 2"],
    ) -> Float[Tensor, "batch features"]:
        """The features of frames.

        Args:
            pictures: crops of both views, normalised, background zero.
            points_m: points in space about their mean, metres, world axes.
            places: the points in each crop, from -1 (first pixel's centre) to 1 (last pixel's centre).
        """
        with torch.autocast("cuda", torch.bfloat16, enabled=pictures.is_cuda):
            maps = [head(each) for head, each in zip(self.heads, self.hourglass(pictures.flatten(0, 1)))]
        if self.by_height:
            points_m, places = from_the_highest(points_m, places)
        local = torch.cat([sampled(each, places.flatten(0, 1)) for each in maps], 1)
        local = local.unflatten(0, pictures.shape[:2]).flatten(1, 2)
        points = self.point_mlp(torch.cat([points_m.mT, local], 1))
        return self.frame_mlp(points.flatten(1)[..., None])[..., 0]


def from_the_highest(
    points_m: Float[Tensor, "batch points 3"], places: Float[Tensor, "batch 2 points 2"]
) -> tuple[Float[Tensor, "batch points 3"], Float[Tensor, "batch 2 points 2"]]:
    """The points in order of height, the world's Z, so that the frame MLP finds a height at about the same place."""
    order = points_m[..., 2].argsort(dim=1, descending=True)[..., None]
    return points_m.take_along_dim(order, 1), places.take_along_dim(order[:, None], 2)


def sampled(
    maps: Float[Tensor, "batch channels height width"], places: Float[Tensor, "batch points 2"]
) -> Float[Tensor, "batch channels points"]:
    """Bilinear values of maps at places."""
    return nn.functional.grid_sample(maps.to(places.dtype), places[:, :, None], align_corners=True)[..., 0]


def pointwise(channels: int, out_channels: int) -> tuple[nn.Module, nn.Module]:
    """A weight-normed linear layer for each point, and ReLU."""
    return weight_norm(nn.Conv1d(channels, out_channels, 1)), nn.ReLU()


def small_weights(module: nn.Module) -> None:
    """Weights of convolutions normal with sd 0.02, biases zero, as published."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
