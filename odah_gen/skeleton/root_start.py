"""Where the markers of the root body put it: the start of inverse kinematics for a subject who faces any way."""

import itertools

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.marker_problem import MarkerProblem
from odah_gen.skeleton.minimise import minimise
from odah_gen.skeleton.skeleton import NO_COORDINATE, Skeleton

QUARTERS = (0.0, np.pi / 2, np.pi, -np.pi / 2)
TOLERANCE = 1e-4


class RootStart:
    """The root body alone: its joint and its markers."""

    def __init__(self, skeleton: Skeleton) -> None:
        """Cut the root out of a skeleton."""
        self.rows = torch.as_tensor(np.flatnonzero(skeleton.marker_bodies == skeleton.root))
        self.defaults = skeleton.defaults
        self.problem = MarkerProblem(ForwardKinematics(root_only(skeleton)))
        self.turns = turning_starts(self.problem)

    def coordinates(
        self, points_m: Float[Tensor, "frames markers 3"], weights: Float[Tensor, " markers"]
    ) -> Float[Tensor, "frames coordinates"]:
        """The skeleton's defaults with the coordinates of the root as its markers tell (rad, m)."""
        points = points_m[:, self.rows]
        measured = self.problem.measured(points, weights[self.rows].expand(points.shape[:2]))
        start = torch.as_tensor(self.defaults, dtype=points.dtype).repeat(len(points), 1)
        start = start + self.turns[self._nearest_turn(measured.product[:, 0])]
        return minimise(self.problem, measured, start, tolerance=TOLERANCE).coordinates

    def _nearest_turn(self, product: Float[Tensor, "frames 3 3"]) -> Tensor:
        """Which start turns the markers best towards the measured ones, wherever they are."""
        rotations = self.problem.kinematics.move(self.turns).rotations[:, self.problem.kinematics.skeleton.root]
        return torch.einsum("sij,fji->fs", rotations, product).argmax(dim=1)


def turning_starts(problem: MarkerProblem) -> Float[Tensor, "starts coordinates"]:
    """All combinations of quarter turns of the root's rotations."""
    skeleton = problem.kinematics.skeleton
    turning = [c for c in problem.free.tolist() if skeleton.rotational[c]]
    choices = list(itertools.product(QUARTERS, repeat=len(turning)))
    starts = torch.zeros(len(choices), len(skeleton.coordinate_names), dtype=problem.kinematics.dtype)
    starts[:, turning] = torch.as_tensor(choices, dtype=starts.dtype)
    return starts


def root_only(skeleton: Skeleton) -> Skeleton:
    """The skeleton with its other coordinates locked and its other markers left out."""
    joint = skeleton.joint_children.tolist().index(skeleton.root)
    own = set(skeleton.axis_coordinates[joint].tolist()) - {NO_COORDINATE}
    others = {name: skeleton.defaults[c] for c, name in enumerate(skeleton.coordinate_names) if c not in own}
    rows = np.flatnonzero(skeleton.marker_bodies == skeleton.root)
    names = tuple(skeleton.marker_names[row] for row in rows)
    placed = skeleton.with_markers(names, skeleton.marker_bodies[rows], skeleton.marker_locations_m[rows])
    return placed.with_locked(others)
