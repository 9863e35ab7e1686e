"""The least squares that scale factors, marker offsets and the angles of some frames have in common.

Positions are linear in the scale factors at fixed angles, and in the offsets, so only the angles bend the problem.
Offsets are in metres in the frame of the body and are added after scaling, as they stand in the final model.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.joint_fit_slopes import AngleSlopes
from odah_gen.skeleton.skeleton import NO_COORDINATE


@dataclass(frozen=True)
class Observations:
    """What the frames show.

    Attributes:
        points_m: [F, M, 3] measured markers in OpenSim ground; anything where the information is zero.
        information: [F, M] 1 / variance of a measured marker, per axis (1/m²); zero where it was not seen.
        free: [F, N] coordinates that are sought.
        lower, upper: [N] bounds (rad, m); infinite for coordinates that are not clamped.
        neutral: [F, N] 1 / variance with which a coordinate is known to be zero (1/rad²); zero where nothing is known.
    """

    points_m: Float[Tensor, "frames markers 3"]
    information: Float[Tensor, "frames markers"]
    free: Bool[Tensor, "frames coordinates"]
    lower: Float[Tensor, " coordinates"]
    upper: Float[Tensor, " coordinates"]
    neutral: Float[Tensor, "frames coordinates"]


@dataclass(frozen=True)
class Unknowns:
    """What is sought: factors [K], offsets [M, 3] (m, body frame, after scaling), coordinates [F, N] (rad, m)."""

    factors: Float[Tensor, " groups"]
    offsets_m: Float[Tensor, "markers 3"]
    coordinates: Float[Tensor, "frames coordinates"]


@dataclass(frozen=True)
class Normal:
    """Normal equations of the markers: angles frame by frame, and what all frames share (factors, then offsets).

    Attributes:
        angles, angles_right: [F, n, n], [F, n] with ones on the diagonal of coordinates that are held.
        mixed: [F, n, K + 3 M].
        shared, shared_right: [K + 3 M, K + 3 M], [K + 3 M].
    """

    angles: Float[Tensor, "frames n n"]
    angles_right: Float[Tensor, "frames n"]
    mixed: Float[Tensor, "frames n shared"]
    shared: Float[Tensor, "shared shared"]
    shared_right: Float[Tensor, " shared"]


class MarkerFit:
    """Distances of the markers of a scaled skeleton from measured ones, and their normal equations."""

    def __init__(
        self, kinematics: ForwardKinematics, spread: Float[Tensor, "bodies 3 groups"], observations: Observations
    ) -> None:
        """Join an unscaled skeleton, the rule from factors to scales (ScaleGroups.spread) and what was measured."""
        self.kinematics, self.spread, self.observations = kinematics, spread, observations
        driven = set(kinematics.skeleton.axis_coordinates.ravel().tolist()) - {NO_COORDINATE}
        driven -= set(kinematics.skeleton.coupled.tolist())
        free = observations.free.any(dim=0)
        self.columns = torch.tensor([c for c in sorted(driven) if free[c]])
        self.slopes = AngleSlopes(kinematics, self.columns.tolist())

    def misses(self, unknowns: Unknowns) -> Float[Tensor, "frames markers 3"]:
        """Measured minus model markers (m)."""
        scales = self.spread @ unknowns.factors
        places, rotations = self._places(unknowns.coordinates, scales)
        return self.observations.points_m - places - turned(rotations, unknowns.offsets_m)

    def cost(self, unknowns: Unknowns, misses: Float[Tensor, "frames markers 3"]) -> float:
        """Half the sum of squares of misses and of neutral coordinates, each over its variance."""
        markers = (self.observations.information * misses.square().sum(dim=-1)).sum()
        return 0.5 * float(markers + (self.observations.neutral * unknowns.coordinates.square()).sum())

    def normal(self, unknowns: Unknowns, misses: Float[Tensor, "frames markers 3"]) -> Normal:
        """The normal equations at `unknowns`, where the markers have these misses."""
        information = self.observations.information[..., None]
        by_angle, rotations = self._angle_slopes(unknowns)
        by_factor = self._factor_slopes(unknowns.coordinates)
        weighted = information * misses
        neutral = self.observations.neutral[:, self.columns]
        push = torch.einsum("fmin,fmi->fn", by_angle, weighted) - neutral * unknowns.coordinates[:, self.columns]
        held = self._held(unknowns.coordinates, push)
        by_angle = by_angle * ~held[:, None, None, :]
        heavy = information[..., None] * by_angle
        angles = torch.einsum("fmin,fmik->fnk", heavy, by_angle) + torch.diag_embed(torch.where(held, 1.0, neutral))
        mixed_factors = torch.einsum("fmin,fmik->fnk", heavy, by_factor)
        mixed_offsets = torch.einsum("fmin,fmic->fnmc", heavy, rotations).flatten(-2)
        return Normal(
            angles,
            push * ~held,
            torch.cat([mixed_factors, mixed_offsets], dim=-1),
            self._shared(by_factor, rotations),
            torch.cat(
                [
                    torch.einsum("fmik,fmi->k", by_factor, weighted),
                    torch.einsum("fmic,fmi->mc", rotations, weighted).flatten(),
                ]
            ),
        )

    def bounded(self, angles: Float[Tensor, "frames n"]) -> Float[Tensor, "frames n"]:
        """Sought coordinates kept inside their ranges; those that are locked in a frame stay where they are."""
        lower, upper = self.observations.lower[self.columns], self.observations.upper[self.columns]
        return torch.where(self.observations.free[:, self.columns], angles.clamp(lower, upper), angles)

    def _shared(self, by_factor: Tensor, rotations: Tensor) -> Float[Tensor, "shared shared"]:
        """Curvature of what all frames share; rotations leave each offset's own part a multiple of one."""
        information = self.observations.information
        heavy = information[..., None, None] * by_factor
        factors = torch.einsum("fmik,fmil->kl", heavy, by_factor)
        mixed = torch.einsum("fmik,fmic->kmc", heavy, rotations).flatten(-2)
        offsets = torch.diag(information.sum(dim=0).repeat_interleave(3))
        return torch.cat([torch.cat([factors, mixed], dim=1), torch.cat([mixed.T, offsets], dim=1)])

    def _held(self, coordinates: Tensor, push: Tensor) -> Bool[Tensor, "frames n"]:
        """Coordinates that are locked in a frame, or that are pushed against a bound where they stand."""
        at = coordinates[:, self.columns]
        lower, upper = self.observations.lower[self.columns], self.observations.upper[self.columns]
        return ~self.observations.free[:, self.columns] | ((at <= lower) & (push < 0)) | ((at >= upper) & (push > 0))

    def _places(self, coordinates: Tensor, scales: Tensor) -> tuple[Tensor, Tensor]:
        """Markers without their offsets [..., M, 3], and rotations of the markers' bodies [..., M, 3, 3]."""
        pose = self.kinematics.move(self.kinematics.complete(coordinates), scales)
        return self.kinematics.markers(pose, scales), pose.rotations[..., self.kinematics.marker_bodies, :, :]

    def _factor_slopes(self, coordinates: Tensor) -> Float[Tensor, "frames markers 3 groups"]:
        """Change of the markers with each factor: what a factor of one adds to factors of zero."""
        count = self.spread.shape[-1]
        scales = torch.cat([torch.zeros_like(self.spread[..., :1]), self.spread], dim=-1).movedim(-1, 0)
        places, _ = self._places(coordinates.expand(count + 1, -1, -1), scales[:, None])
        return (places[1:] - places[0]).movedim(0, -1)

    def _angle_slopes(self, unknowns: Unknowns) -> tuple[Tensor, Tensor]:
        """Change of the markers with each coordinate [F, M, 3, n], and rotations of their bodies [F, M, 3, 3]."""
        scales = self.spread @ unknowns.factors
        coordinates = self.kinematics.complete(unknowns.coordinates)
        pose = self.kinematics.move(coordinates, scales)
        rotations = pose.rotations[:, self.kinematics.marker_bodies]
        markers = self.kinematics.markers(pose, scales) + turned(rotations, unknowns.offsets_m)
        return self.slopes(coordinates, scales, pose, markers), rotations


def turned(
    rotations: Float[Tensor, "*batch markers 3 3"], vectors: Float[Tensor, "markers 3"]
) -> Float[Tensor, "*batch markers 3"]:
    """Vectors in the frames of bodies, seen from ground."""
    return (rotations @ vectors[..., None])[..., 0]
