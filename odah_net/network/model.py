"""The whole network: frame features, their refinement over time, and what they mean."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from odah_net.configuration import ANGLES, BODIES, NetworkSize
from odah_net.network.frame_encoder import FrameEncoder
from odah_net.network.temporal import TemporalUNet

SCALE_DIVISOR = 8.0
"""A raw scale of 0 means a factor of 1, and a raw scale of 1 a factor of 1.125: factors vary less than angles do."""


@dataclass(frozen=True)
class Prediction:
    """Kinematics of frames.

    Attributes:
        angles_rad: coordinates without the pelvis translations.
        scales: factors of each body along its axes.
    """

    angles_rad: Float[Tensor, "*batch angles"]
    scales: Float[Tensor, "*batch bodies 3"]


def read_features(features: Float[Tensor, "*batch features"]) -> Prediction:
    """What features say: the angles, then the scale factors."""
    angles, scales = features.split([ANGLES, 3 * BODIES], -1)
    return Prediction(angles, scales.unflatten(-1, (BODIES, 3)) / SCALE_DIVISOR + 1.0)


def features_that_say(prediction: Prediction) -> Float[Tensor, "*batch features"]:
    """The inverse of `read_features`."""
    scales = (prediction.scales - 1.0) * SCALE_DIVISOR
    return torch.cat([prediction.angles_rad, scales.flatten(-2)], -1)


class SequenceNetwork(nn.Module):
    """Features of a sequence → angles of each frame and one set of scale factors."""

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.size = size
        self.unet = TemporalUNet(size)
        self.one_scale = mean_over_time(size.frames)

    def forward(self, features: Float[Tensor, "batch frames features"]) -> Prediction:
        """The prediction of sequences of the configured length; the scale factors are the same in every frame."""
        refined = self.unet(features)
        angles, scales = refined.split([ANGLES, 3 * BODIES], -1)
        same = self.one_scale(scales).expand_as(scales)
        return read_features(torch.cat([angles, same], -1))


def mean_over_time(frames: int) -> nn.Conv1d:
    """A weighted sum over the frames of a sequence, which starts as their mean."""
    found = nn.Conv1d(frames, 1, 1)
    with torch.no_grad():
        found.weight.fill_(1.0 / frames)
        found.bias.zero_()  # type: ignore[union-attr]
    return found


class Network(nn.Module):
    """Frame encoder and refinement."""

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.size = size
        self.frame = FrameEncoder(size)
        self.sequence = SequenceNetwork(size)
