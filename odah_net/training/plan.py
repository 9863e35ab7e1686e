"""How a network is trained: all that decides its weights, besides the data."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from odah_net.configuration import VIEWS
from odah_net.losses import LossTerms

FRAME, SEQUENCE = "frame", "sequence"
LEAST_RATE = 0.01
"""Where the cosine schedule ends, as a share of the rate at the beginning."""


@dataclass(frozen=True)
class Plan:
    """What a training run does; the same plan and data give the same weights.

    Attributes:
        config: name of the network's size.
        frame_batch, sequence_batch: frames and sequences per step.
        learning_rate: of Adam, at the first step of each stage.
        schedule: constant, or cosine: down to a hundredth over a stage.
        from_mean: whether a new network says the mean pose of its training set.
        seed: of first weights, order and points in space.
        terms: which losses are trained with.
        subjects: trained on; all where none is named.
        augment: whether the frames of the first stage are augmented.
        mirror: whether left and right are exchanged in half of them.
        feature_noise_rad: standard deviation of what is added to the features of the second stage.
        unfreeze: whether the encoder learns on in the second stage.
        views: the two cameras that are looked at.
        window_step: windows of the second stage begin every so many frames.
    """

    config: str
    frame_batch: int = 8
    sequence_batch: int = 2
    learning_rate: float = 5e-5
    schedule: str = "constant"
    from_mean: bool = False
    seed: int = 0
    terms: LossTerms = field(default_factory=LossTerms)
    subjects: tuple[str, ...] = ()
    augment: bool = False
    mirror: bool = False
    feature_noise_rad: float = 0.0
    unfreeze: bool = False
    views: tuple[str, str] = VIEWS
    window_step: int = 8

    def rate(self, step: int, steps: int) -> float:
        """Adam's learning rate at a step of a stage."""
        if self.schedule == "constant":
            return self.learning_rate
        share = (1 + math.cos(math.pi * step / steps)) / 2
        return self.learning_rate * (LEAST_RATE + (1 - LEAST_RATE) * share)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> "Plan":
        """The plan in a checkpoint."""
        return Plan(**{**content, "terms": LossTerms(**content["terms"])})

    def differences(self, before: "Plan") -> list[str]:
        """In what a plan was another one, in words."""
        ours, theirs = self.as_dict(), before.as_dict()
        return [f"{name} was {theirs[name]} and is {ours[name]}" for name in ours if ours[name] != theirs[name]]


@dataclass(frozen=True)
class Length:
    """How long each stage is, in steps or in passes over the data.

    Attributes:
        frame, sequence: steps or epochs of each stage.
        in_steps: which of the two.
    """

    frame: int
    sequence: int
    in_steps: bool

    def steps(self, stage: str, steps_per_epoch: int) -> int:
        """Steps of a stage."""
        count = self.frame if stage == FRAME else self.sequence
        return count if self.in_steps else count * steps_per_epoch
