"""Where inverse kinematics starts: of many sampled positions of each joint the best one, from the root outwards.

A body's markers tell where it is relative to the body above, whatever the rest of the skeleton does. So the joints
between two bodies that carry markers are looked up in a table of sampled positions, made once for a skeleton, body by
body away from ground. The cost of a position is linear in a few sums over the markers, so that one matrix product
compares all positions in all frames.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.stats import qmc
from torch import Tensor

from odah_gen.skeleton.marker_problem import MarkerProblem, Measured, depths, free_coordinates
from odah_gen.skeleton.skeleton import GROUND, NO_COORDINATE, SLOTS, Skeleton

SAMPLES = 512
"""Positions of each joint, a power of two. For three angles of all sizes the best is some 20° away."""
TIE = 1e-7
"""What a position far from the default costs, as a share of the markers' weight (m² per rad²): it decides where markers
do not."""


@dataclass(frozen=True)
class Placement:
    """Rotations [..., 3, 3] and origins [..., 3] (m) of bodies in ground or in other bodies."""

    rotation: Float[Tensor, "*batch 3 3"]
    origin_m: Float[Tensor, "*batch 3"]

    def of(self, places_m: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
        """Where places in the body are."""
        return self.origin_m + (self.rotation @ places_m[..., None])[..., 0]

    def back(self, places_m: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
        """Where places are in the body."""
        return (self.rotation.mT @ (places_m - self.origin_m)[..., None])[..., 0]

    def then(self, inner: "Placement") -> "Placement":
        """Where a body is that has this place in this body."""
        return Placement(self.rotation @ inner.rotation, self.of(inner.origin_m))

    def seen(self, outer: "Placement") -> "Placement":
        """Where another body is, seen from this one."""
        return Placement(self.rotation.mT @ outer.rotation, self.back(outer.origin_m))


@dataclass(frozen=True)
class Link:
    """The joints between a body that carries markers and the next such body above, or ground.

    Attributes:
        segment, anchor: both bodies, counted among those with markers; GROUND for ground.
        coordinates: of the joints between them.
        placements: [K] of the body in its anchor.
        sliding: coordinates that shift the body by any length, and [3, n] the shift per unit of each.
        terms: [25, K] what the cost of a position is linear in, see `cost_factors`.
        ties: [K] what being far from the default costs.
    """

    segment: int
    anchor: int
    coordinates: Int[Tensor, " coordinates"]
    placements: Placement
    sliding: tuple[Int[Tensor, " sliding"], Float[Tensor, "3 sliding"]]
    terms: Float[Tensor, "25 samples"]
    ties: Float[Tensor, " samples"]


class SampledStart:
    """The table of positions of a skeleton's joints."""

    def __init__(self, problem: MarkerProblem) -> None:
        """Sample positions and move the skeleton through them."""
        kinematics = problem.kinematics
        skeleton = kinematics.skeleton
        self.defaults = torch.as_tensor(skeleton.defaults, dtype=kinematics.dtype)
        self.samples = kinematics.complete(torch.as_tensor(sampled(skeleton), dtype=kinematics.dtype))
        pose = kinematics.move(self.samples)
        bodies = problem.segments.tolist()
        places = [Placement(pose.rotations[:, body], pose.origins_m[:, body]) for body in bodies]
        outwards = np.argsort(np.array(depths(skeleton))[bodies], kind="stable")
        self.links = [self._link(skeleton, bodies, places, int(segment)) for segment in outwards]

    def _link(self, skeleton: Skeleton, bodies: list[int], places: list[Placement], segment: int) -> Link:
        """The table of one body."""
        anchor, joints = way_up(skeleton, bodies[segment], bodies)
        above = GROUND if anchor == GROUND else bodies.index(anchor)
        placements = places[segment] if anchor == GROUND else places[above].seen(places[segment])
        own = np.setdiff1d(skeleton.axis_coordinates[joints], NO_COORDINATE)
        slides, shifts = sliding(skeleton, joints[-1])
        coordinates, directions = torch.as_tensor(own), torch.as_tensor(shifts, dtype=self.samples.dtype)
        far = (self.samples - self.defaults)[:, coordinates].square().sum(dim=1)
        return Link(
            segment,
            above,
            coordinates,
            placements,
            (torch.as_tensor(slides), directions),
            cost_terms(placements, directions),
            TIE * far,
        )

    def coordinates(self, measured: Measured) -> Float[Tensor, "frames coordinates"]:
        """The best sampled position of every joint (rad, m); the defaults where no marker tells."""
        found = self.defaults.repeat(len(measured.weight), 1)
        placed: dict[int, Placement] = {}
        for link in self.links:
            weight, model, seen = (
                values[:, link.segment] for values in (measured.weight, measured.model_mean_m, measured.measured_mean_m)
            )
            product = measured.product[:, link.segment]
            if link.anchor != GROUND:
                seen, product = placed[link.anchor].back(seen), product @ placed[link.anchor].rotation
            costs = cost_factors(weight, model, seen, product) @ link.terms + weight[:, None] * link.ties
            best = costs.argmin(dim=1)
            here = Placement(link.placements.rotation[best], link.placements.origin_m[best])
            found[:, link.coordinates] = self.samples[best[:, None], link.coordinates]
            coordinates, directions = link.sliding
            slid = (seen - here.of(model)) @ torch.linalg.pinv(directions).T * (weight > 0)[:, None]
            found[:, coordinates] += slid
            here = Placement(here.rotation, here.origin_m + slid @ directions.T)
            placed[link.segment] = here if link.anchor == GROUND else placed[link.anchor].then(here)
        return found


def cost_terms(placements: Placement, directions: Float[Tensor, "3 sliding"]) -> Float[Tensor, "25 samples"]:
    """What the cost of a position is linear in; a distance along directions in which the body slides costs nothing."""
    across = torch.eye(3, dtype=directions.dtype) - directions @ torch.linalg.pinv(directions)
    origin, rotation = placements.origin_m @ across, across @ placements.rotation
    turned = (rotation.mT @ origin[..., None])[..., 0]
    squares = origin.square().sum(dim=1, keepdim=True)
    return torch.cat([squares, turned, origin, rotation.flatten(1), placements.rotation.flatten(1)], dim=1).T


def cost_factors(weight: Tensor, model_m: Tensor, seen_m: Tensor, product: Tensor) -> Float[Tensor, "frames 25"]:
    """Factors of `cost_terms` in Σ weight |origin + rotation m − y|², but for what is the same for all positions.

    Args:
        weight: [F] sum of weights.
        model_m, seen_m: [F, 3] means of places m in the body, and of measured places y in its anchor.
        product: [F, 3, 3] Σ weight m yᵀ of their differences from these means.
    """
    w = weight[:, None]
    outer = seen_m[:, :, None] * model_m[:, None, :]
    return 2 * torch.cat([w / 2, w * model_m, -w * seen_m, -w * outer.flatten(1), -product.mT.flatten(1)], dim=1)


def sampled(skeleton: Skeleton) -> Float[np.ndarray, "samples coordinates"]:
    """Evenly spread positions (rad, m) of the free coordinates, the default among them; shifts without limits stay."""
    lower, upper = skeleton.defaults.copy(), skeleton.defaults.copy()
    free = np.zeros(len(lower), dtype=bool)
    free[free_coordinates(skeleton)] = True
    turning = free & skeleton.rotational
    middle = np.where(skeleton.clamped, np.clip(0.0, skeleton.lower, skeleton.upper), 0.0)
    lower[turning], upper[turning] = middle[turning] - np.pi, middle[turning] + np.pi
    limited = free & skeleton.clamped
    lower[limited & ~turning], upper[limited & ~turning] = -np.inf, np.inf
    lower[limited] = np.maximum(lower, skeleton.lower)[limited]
    upper[limited] = np.minimum(upper, skeleton.upper)[limited]
    shares = qmc.Sobol(len(lower), seed=0).random(SAMPLES)
    shares[0] = np.divide(skeleton.defaults - lower, upper - lower, out=np.zeros_like(lower), where=upper > lower)
    return lower + shares * (upper - lower)


def way_up(skeleton: Skeleton, body: int, stops: list[int]) -> tuple[int, list[int]]:
    """The next body above that is one of `stops`, or GROUND, and the joints on the way to it."""
    parent_of = dict(zip(skeleton.joint_children.tolist(), skeleton.joint_parents.tolist()))
    joint_of = dict(zip(skeleton.joint_children.tolist(), range(len(skeleton.joint_children))))
    joints, above = [joint_of[body]], parent_of[body]
    while above != GROUND and above not in stops:
        joints.append(joint_of[above])
        above = parent_of[above]
    return above, joints


def sliding(skeleton: Skeleton, joint: int) -> tuple[Int[np.ndarray, " sliding"], Float[np.ndarray, "3 sliding"]]:
    """Free coordinates without limits that shift a joint along lines, and the shift in its parent per unit of each."""
    free = set(free_coordinates(skeleton))
    found = {
        int(coordinate): skeleton.slopes[SLOTS * joint + slot] * skeleton.axis_directions[joint, slot]
        for slot, coordinate in enumerate(skeleton.axis_coordinates[joint, :3])
        if coordinate in free and not skeleton.clamped[coordinate] and not skeleton.rotational[coordinate]
    }
    shifts = np.array(list(found.values())).reshape(-1, 3).T
    return np.array(list(found), dtype=int), skeleton.parent_rotations[joint] @ shifts
