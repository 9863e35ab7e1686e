"""Limits of knees and elbows in the body fit: a correction that bends a joint beyond its range costs.

Angles are those of the joint's rotation about its axes at rest, one after another, as in the bank. How a correction
changes them is taken from the source's rotation and is linear, so the term is a one-sided quadratic with exact
derivatives. What the source itself does is always allowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation
from torch import Tensor

from odah_gen.body.model import JOINT_NAMES
from odah_gen.registration.bank import JointRange

# fmt: off
RANGES = {
    "knee": JointRange("XYZ", (-5, 160), (-25, 25), (-15, 15)),      # +x bends
    "elbow": JointRange("YXZ", (-160, 5), (-100, 100), (-15, 15)),   # −y bends the left elbow, x turns the forearm
}
# fmt: on
LIMIT_SD_RAD = 0.035
"""Spread of an angle beyond its range: 2°."""
SMALLEST_COSINE = 0.3
"""Of the second angle; below it the angles say little (gimbal lock), and nothing is limited."""


@dataclass(frozen=True)
class Limits:
    """How far corrections may go in every frame.

    Attributes:
        unknowns: the rotation vector of each limited joint among a frame's unknowns.
        slopes: derivative of the three angles by the rotation vector; zero where nothing is limited.
        lowest, highest: smallest and greatest change of the angles (rad), never above and never below zero.
    """

    unknowns: Int[Tensor, "limited 3"]
    slopes: Float[Tensor, "frames limited 3 3"]
    lowest: Float[Tensor, "frames limited 3"]
    highest: Float[Tensor, "frames limited 3"]

    def excess(self, rows: Float[Tensor, "frames size"]) -> Float[Tensor, "frames limited 3"]:
        """How far each angle is beyond its range, in standard deviations, with its sign."""
        angles = (self.slopes * rows[:, self.unknowns][:, :, None]).sum(-1)
        return (angles - angles.clamp(self.lowest, self.highest)) / LIMIT_SD_RAD

    def gradient(self, rows: Float[Tensor, "frames size"]) -> Float[Tensor, "frames size"]:
        """Gradient of half the sum of squares of `excess`."""
        pulls = (self.slopes * self.excess(rows)[..., None]).sum(-2) / LIMIT_SD_RAD
        gradient = torch.zeros_like(rows)
        gradient[:, self.unknowns] = pulls
        return gradient

    def add_to(self, blocks: Float[Tensor, "frames size size"], rows: Float[Tensor, "frames size"]) -> None:
        """Add the second derivative, which is constant while the same angles are beyond their range."""
        active = (self.excess(rows) != 0).to(rows) / LIMIT_SD_RAD**2
        for joint in torch.nonzero(active.sum((0, 2))).flatten().tolist():
            slopes, first = self.slopes[:, joint], int(self.unknowns[joint, 0])
            own = (slopes * active[:, joint, :, None]).transpose(1, 2) @ slopes
            blocks[:, first : first + 3, first : first + 3] += own.to(blocks)


def correction_limits(local: Float[Tensor, "frames 55 3 3"], joints: Sequence[int]) -> Limits:
    """The limits of corrections of some joints, by the rotations that the corrections start from."""
    limited = [joint for joint in joints if JOINT_NAMES[joint].split("_")[-1] in RANGES]
    parts = [joint_limits(local[:, joint].numpy(), JOINT_NAMES[joint]) for joint in limited]
    slopes, lowest, highest = (torch.as_tensor(np.stack(values, 1)) for values in zip(*parts))
    first = torch.tensor([3 + 3 * list(joints).index(joint) for joint in limited])
    return Limits(first[:, None] + torch.arange(3), slopes, lowest, highest)


def joint_limits(rotations: Float[np.ndarray, "frames 3 3"], name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slopes [frames, 3, 3], and smallest and greatest change [frames, 3] of a joint's angles (rad)."""
    side, part = name.split("_")
    ranges = RANGES[part]
    low, high = np.deg2rad([ranges.first, ranges.second, ranges.third]).T
    if side == "right":
        mirrored = np.array([axis != "X" for axis in ranges.order])
        low, high = np.where(mirrored, -high, low), np.where(mirrored, -low, high)
    angles = Rotation.from_matrix(rotations).as_euler(ranges.order)
    clear = np.abs(np.cos(angles[:, 1])) > SMALLEST_COSINE
    slopes = np.zeros((len(angles), 3, 3))
    slopes[clear] = np.linalg.inv(turning_axes(angles[clear], ranges.order))
    return slopes, np.minimum(low - angles, 0.0), np.maximum(high - angles, 0.0)


def turning_axes(angles: Float[np.ndarray, "frames 3"], order: str) -> Float[np.ndarray, "frames 3 3"]:
    """The axes (columns) about which each of three intrinsic angles turns, in the turned frame."""
    axes = [np.eye(3)["XYZ".index(letter)] for letter in order]
    third = Rotation.from_rotvec(angles[:, 2:] * axes[2])
    second = Rotation.from_rotvec(angles[:, 1:2] * axes[1]) * third
    last = np.broadcast_to(axes[2], (len(angles), 3))
    return np.stack([second.inv().apply(axes[0]), third.inv().apply(axes[1]), last], -1)
