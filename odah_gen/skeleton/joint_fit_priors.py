"""What is believed of scale factors and marker offsets before any motion is seen.

Without these beliefs any marker error can be reached by a wrong skeleton: offsets that move all markers of a segment
together stand for a turn of its joint, and factors wander along directions that the markers hardly see.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

FACTOR_SD = 0.05
"""Spread of a factor about the subject's common size."""
RIGID_SHIFT_SD_M, RIGID_TURN_SD_RAD = 0.002, float(np.deg2rad(1.0))
"""Spread of what the offsets of a segment have in common: a shift and a turn of all its markers together."""
LARGEST_OFFSET_M = 0.025
LARGEST_SD = 3.0
"""No offset is longer than either."""


@dataclass(frozen=True)
class Belief:
    """A quadratic with its minimum's pull: curvature [n, n], right-hand side [n], cost at the present values."""

    curvature: Float[Tensor, "n n"]
    right: Float[Tensor, " n"]
    cost: float


@dataclass(frozen=True)
class Segment:
    """Markers that one body carries, and what their offsets have in common.

    Attributes:
        body: its name.
        markers: indices of its weighted markers.
        modes: [6, 3 m] shift (m) and turn (rad, about the markers' weighted mean) from their offsets.
    """

    body: str
    markers: list[int]
    modes: Float[np.ndarray, "6 coordinates"]


@dataclass(frozen=True)
class OffsetPrior:
    """Offsets are small, end at a limit, and hardly move a segment as a whole.

    Attributes:
        sd_m: [M] spread of each marker's offset per axis; next to nothing for points that must not move.
        limit_m: [M] length that no offset reaches.
        curvature: [3 M, 3 M] of the rigid parts.
    """

    sd_m: Float[Tensor, " markers"]
    limit_m: Float[Tensor, " markers"]
    curvature: Float[Tensor, "coordinates coordinates"]

    def belief(self, offsets_m: Float[Tensor, "markers 3"]) -> Belief:
        """The logarithmic barrier −½ (L/sd)² log(1 − |o|²/L²), which is ½ |o|²/sd² near zero, and the rigid parts."""
        share = offsets_m.square().sum(dim=-1) / self.limit_m.square()
        stiffness = 1 / (self.sd_m.square() * (1 - share))
        along = offsets_m / (self.limit_m.square() * (1 - share))[:, None]
        bent = torch.eye(3, dtype=share.dtype) + 2 * along[:, :, None] * offsets_m[:, None]
        curvature = self.curvature + torch.block_diag(*(stiffness[:, None, None] * bent))
        flat = offsets_m.flatten()
        pull = -(stiffness[:, None] * offsets_m).flatten() - self.curvature @ flat
        barrier = -(self.limit_m / self.sd_m).square() * torch.log1p(-share)
        return Belief(curvature, pull, 0.5 * float(barrier.sum() + flat @ self.curvature @ flat))

    def within(self, offsets_m: Float[Tensor, "markers 3"]) -> Float[Tensor, "markers 3"]:
        """Offsets drawn back inside their limits."""
        length = offsets_m.norm(dim=-1).clamp(min=1e-12)
        return offsets_m * (0.98 * self.limit_m / length).clamp(max=1.0)[:, None]


def factor_belief(factors: Float[Tensor, " groups"], sd: float = FACTOR_SD) -> Belief:
    """Factors scatter about their own mean, which is free."""
    count = len(factors)
    curvature = (torch.eye(count, dtype=factors.dtype) - 1 / count) / sd**2
    return Belief(curvature, -curvature @ factors, 0.5 * float(factors @ curvature @ factors))


def offset_prior(
    sd_m: Float[np.ndarray, " markers"], segments: Sequence[Segment], count: int, dtype: torch.dtype
) -> OffsetPrior:
    """The prior of `count` markers, of which those beyond `sd_m` must not move."""
    fixed_m = 1e-5
    sd = np.concatenate([sd_m, np.full(count - len(sd_m), fixed_m)])
    strength = np.repeat([RIGID_SHIFT_SD_M, RIGID_TURN_SD_RAD], 3) ** -2.0
    curvature = np.zeros((count, 3, count, 3))
    for segment in segments:
        own = np.einsum("ri,r,rj->ij", segment.modes, strength, segment.modes)
        index = np.array(segment.markers)
        curvature[np.ix_(index, range(3), index, range(3))] += own.reshape(len(index), 3, len(index), 3)
    return OffsetPrior(
        torch.as_tensor(sd, dtype=dtype),
        torch.as_tensor(np.minimum(LARGEST_SD * sd, LARGEST_OFFSET_M), dtype=dtype),
        torch.as_tensor(curvature.reshape(3 * count, 3 * count), dtype=dtype),
    )


def segments_of(
    bodies: Sequence[str], places_m: Float[np.ndarray, "markers 3"], weights: Float[np.ndarray, " markers"]
) -> list[Segment]:
    """The bodies with weighted markers, and the rigid parts that these markers can have.

    Args:
        bodies: the body of each marker.
        places_m: where the markers lie in the frames of their bodies, scaled.
        weights: of inverse kinematics, so that the rigid part is what inverse kinematics would take for a motion.
    """
    found = []
    for body in dict.fromkeys(bodies):
        markers = [index for index, own in enumerate(bodies) if own == body and weights[index] > 0]
        if markers:
            found.append(Segment(body, markers, rigid_modes(places_m[markers], weights[markers])))
    return found


def rigid_modes(
    places_m: Float[np.ndarray, "points 3"], weights: Float[np.ndarray, " points"]
) -> Float[np.ndarray, "6 coordinates"]:
    """The matrix that finds shift and turn about the weighted mean in offsets, by weighted least squares.

    Turns that the points cannot show (about the line through two) come out as zero.
    """
    share = np.repeat(weights / weights.sum(), 3)
    arms = places_m - np.average(places_m, axis=0, weights=weights)
    shift = np.tile(np.eye(3), (len(arms), 1))
    turn = np.concatenate([np.cross(np.eye(3), arm).T for arm in arms])
    spin = np.linalg.pinv(turn.T @ (share[:, None] * turn), rcond=1e-3, hermitian=True)
    return np.concatenate([shift.T, spin @ turn.T]) * share
