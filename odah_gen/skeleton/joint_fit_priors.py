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

from odah_gen.skeleton.scaling import LARGEST_OFFSET_M, WITHIN

FACTOR_SD, START_SD = 0.05, 0.03
"""Spread of a factor about the subject's common size, and about what the Scale tool found."""
RIGID_SHIFT_SD_M, RIGID_TURN_SD_RAD = 0.002, float(np.deg2rad(0.5))
"""Spread of what the offsets of a segment have in common: a shift and a turn of all its markers together."""
LARGEST_SHIFT_M, LARGEST_TURN_RAD = 0.005, float(np.deg2rad(2.0))
"""No segment's offsets have more than this in common."""
SHORTEST_ARM_M = 0.01
"""A turn counts about axes from which the markers lie farther than this on average."""
LARGEST_SD = 3.0
"""No offset is longer than this many standard deviations, nor than LARGEST_OFFSET_M."""


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
        modes: [R, 3, 3 M] shifts and turns of segments from the offsets.
        mode_sd, mode_limit: [R] of these (m or rad).
    """

    sd_m: Float[Tensor, " markers"]
    limit_m: Float[Tensor, " markers"]
    modes: Float[Tensor, "modes 3 coordinates"]
    mode_sd: Float[Tensor, " modes"]
    mode_limit: Float[Tensor, " modes"]

    def belief(self, offsets_m: Float[Tensor, "markers 3"]) -> Belief:
        """What offsets and the rigid parts of segments cost."""
        own = barrier(offsets_m, self.sd_m, self.limit_m)
        rigid = barrier(self.modes @ offsets_m.flatten(), self.mode_sd, self.mode_limit)
        return Belief(
            torch.block_diag(*own.curvature) + torch.einsum("rin,rij,rjm->nm", self.modes, rigid.curvature, self.modes),
            own.pull.flatten() + torch.einsum("rin,ri->n", self.modes, rigid.pull),
            own.cost + rigid.cost,
        )

    def inside(
        self, offsets_m: Float[Tensor, "markers 3"], change_m: Float[Tensor, "markers 3"]
    ) -> Float[Tensor, "markers 3"]:
        """A change of the offsets, of which each segment takes the share that keeps all its limits."""
        own = share_inside(offsets_m, change_m, self.limit_m)
        rigid = share_inside(self.modes @ offsets_m.flatten(), self.modes @ change_m.flatten(), self.mode_limit)
        member = self.modes.unflatten(-1, (-1, 3)).abs().sum(dim=(1, 3)) > 0
        together = torch.where(member, own, 1.0).amin(dim=1).minimum(rigid)
        return own.minimum(torch.where(member.T, together, 1.0).amin(dim=1))[:, None] * change_m


@dataclass(frozen=True)
class Barrier:
    """A belief about vectors: curvature [n, 3, 3], pull [n, 3] towards zero, cost."""

    curvature: Float[Tensor, "vectors 3 3"]
    pull: Float[Tensor, "vectors 3"]
    cost: float


def barrier(
    vectors: Float[Tensor, "vectors 3"], sd: Float[Tensor, " vectors"], limit: Float[Tensor, " vectors"]
) -> Barrier:
    """The logarithmic barrier −½ (L/sd)² log(1 − |v|²/L²): ½ |v|²/sd² near zero, infinite from the limit L on."""
    share = vectors.square().sum(dim=-1) / limit.square()
    left = 1 - share
    stiffness = 1 / (sd.square() * left)
    along = vectors / (limit.square() * left)[:, None]
    bent = torch.eye(3, dtype=share.dtype) + 2 * along[:, :, None] * vectors[:, None]
    cost = -0.5 * float(((limit / sd).square() * torch.log1p(-share)).sum()) if share.max() < 1 else torch.inf
    return Barrier(stiffness[:, None, None] * bent, -stiffness[:, None] * vectors, cost)


def share_inside(
    vectors: Float[Tensor, "vectors 3"], changes: Float[Tensor, "vectors 3"], limit: Float[Tensor, " vectors"]
) -> Float[Tensor, " vectors"]:
    """The share of each change, at most 1, that ends WITHIN the limit (vectors are inside the limit)."""
    square = changes.square().sum(dim=-1).clamp(min=1e-30)
    along = (vectors * changes).sum(dim=-1)
    room = ((WITHIN * limit).square() - vectors.square().sum(dim=-1)).clamp(min=0)
    return ((along.square() + square * room).sqrt() - along).div(square).clamp(max=1.0)


@dataclass(frozen=True)
class FactorPrior:
    """Factors are near each other and near those of the Scale tool, and within limits.

    Attributes:
        start: [K] factors of the Scale tool.
        lower, upper: [K] limits.
    """

    start: Float[Tensor, " groups"]
    lower: Float[Tensor, " groups"]
    upper: Float[Tensor, " groups"]

    def inside(self, factors: Float[Tensor, " groups"], change: Float[Tensor, " groups"]) -> Float[Tensor, " groups"]:
        """A change of the factors that ends inside their limits."""
        return change.clamp(self.lower - factors, self.upper - factors)

    def belief(self, factors: Float[Tensor, " groups"]) -> Belief:
        """Factors scatter about their own mean, which is free, and about the start."""
        same = torch.eye(len(factors), dtype=factors.dtype)
        about_mean = (same - 1 / len(factors)) / FACTOR_SD**2
        about_start = same / START_SD**2
        moved = factors - self.start
        pull = -about_mean @ factors - about_start @ moved
        cost = 0.5 * float(factors @ about_mean @ factors + moved @ about_start @ moved)
        return Belief(about_mean + about_start, pull, cost)


def offset_prior(
    sd_m: Float[np.ndarray, " markers"], segments: Sequence[Segment], count: int, dtype: torch.dtype
) -> OffsetPrior:
    """The prior of `count` markers, of which those beyond `sd_m` must not move."""
    fixed_m = 1e-5
    sd = np.concatenate([sd_m, np.full(count - len(sd_m), fixed_m)])
    modes = np.zeros((len(segments), 2, 3, count, 3))
    for row, segment in zip(modes, segments):
        row[:, :, segment.markers] = segment.modes.reshape(2, 3, len(segment.markers), 3)
    return OffsetPrior(
        *(
            torch.as_tensor(array, dtype=dtype)
            for array in (
                sd,
                np.minimum(LARGEST_SD * sd, LARGEST_OFFSET_M),
                modes.reshape(2 * len(segments), 3, 3 * count),
                np.tile([RIGID_SHIFT_SD_M, RIGID_TURN_SD_RAD], len(segments)),
                np.tile([LARGEST_SHIFT_M, LARGEST_TURN_RAD], len(segments)),
            )
        )
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

    Turns that the points hardly show (about the line through two) come out as zero.
    """
    share = np.repeat(weights / weights.sum(), 3)
    arms = places_m - np.average(places_m, axis=0, weights=weights)
    shift = np.tile(np.eye(3), (len(arms), 1))
    turn = np.concatenate([np.cross(np.eye(3), arm).T for arm in arms])
    moments, axes = np.linalg.eigh(turn.T @ (share[:, None] * turn))
    shown = axes[:, moments > SHORTEST_ARM_M**2]
    spin = shown / moments[moments > SHORTEST_ARM_M**2] @ shown.T
    return np.concatenate([shift.T, spin @ turn.T]) * share
