"""The weighted least squares of inverse kinematics and its exact second-order model, without a Jacobian matrix.

Markers of one body move rigidly, so the body's whole part in the cost lies in a few sums over its markers that do not
change while the pose is sought: weight, means, and the products of model and measured places (the matrix of Kabsch
1976). A coordinate matters through the sums of the bodies that it moves. These composite sums play the part that
composite inertias play in the mass matrix of a tree of bodies (Featherstone 2008, Rigid Body Dynamics Algorithms,
section 6.2): a coordinate with twist (w, v) moves each point by w × x + v, so gradient and curvature need one product
per pair of coordinates and none per marker.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from odah_gen.skeleton.arrowhead import PADDING, Arrowhead, Pattern, arranged, split
from odah_gen.skeleton.forward import ForwardKinematics, Pose
from odah_gen.skeleton.functions import Values
from odah_gen.skeleton.skeleton import GROUND, SLOTS, Skeleton


@dataclass(frozen=True)
class Measured:
    """What was measured in each frame, summed over the markers of each body that has any.

    Attributes:
        weight: [F, S] sum of weights.
        model_mean_m, measured_mean_m: [F, S, 3] weighted means: in the body's frame, and in OpenSim ground.
        spread: [F, S, 3, 3] Σ weight m mᵀ of places m in the body from their mean.
        product: [F, S, 3, 3] Σ weight m yᵀ with measured places y from their mean.
        constant: [F, S] Σ weight (|m|² + |y|²).
    """

    weight: Float[Tensor, "frames segments"]
    model_mean_m: Float[Tensor, "frames segments 3"]
    measured_mean_m: Float[Tensor, "frames segments 3"]
    spread: Float[Tensor, "frames segments 3 3"]
    product: Float[Tensor, "frames segments 3 3"]
    constant: Float[Tensor, "frames segments"]

    @staticmethod
    def join(parts: Sequence["Measured"]) -> "Measured":
        """The frames of several parts, one after the other."""
        return Measured(*(torch.cat(values) for values in zip(*(vars(part).values() for part in parts))))

    def frames(self, index: Tensor) -> "Measured":
        """Some of the frames."""
        return Measured(*(value[index] for value in vars(self).values()))


@dataclass(frozen=True)
class State:
    """A pose and its distance to the measured markers.

    Attributes:
        coordinates: [F, N], with coupled ones set.
        values: functions of joints and couplers.
        placed: where the bodies and their markers' means are.
        cost: [F] Σ weight |model − measured|² (m²), OpenSim's objective.
    """

    coordinates: Float[Tensor, "frames coordinates"]
    values: Values
    placed: "Placed"
    cost: Float[Tensor, " frames"]

    def frames(self, index: Tensor) -> "State":
        """Some of the frames."""
        values = Values(*(value[index] for value in vars(self.values).values()))
        return State(self.coordinates[index], values, self.placed.frames(index), self.cost[index])

    def where(self, choice: Bool[Tensor, " frames"], other: "State") -> "State":
        """This state in the chosen frames, another one elsewhere."""
        rows = choice[:, None]
        values = (torch.where(rows, a, b) for a, b in zip(vars(self.values).values(), vars(other.values).values()))
        return State(
            torch.where(rows, self.coordinates, other.coordinates),
            Values(*values),
            self.placed.where(choice, other.placed),
            torch.where(choice, self.cost, other.cost),
        )


@dataclass(frozen=True)
class Quadratic:
    """The cost near a state, halved: slope and curvature with respect to the free coordinates.

    Attributes:
        gradient: [F, n] in the order of the problem's `free`.
        hessian: of second order, or Gauss and Newton's where asked.
        gauss_newton: [F, n] the diagonal of Gauss and Newton's, which is never negative.
    """

    gradient: Float[Tensor, "frames free"]
    hessian: Arrowhead
    gauss_newton: Float[Tensor, "frames free"]

    def frames(self, index: Tensor) -> "Quadratic":
        """Some of the frames."""
        return Quadratic(self.gradient[index], self.hessian.frames(index), self.gauss_newton[index])


class MarkerProblem:
    """Inverse kinematics of a skeleton and its markers: cost and quadratic model for many frames at once.

    The second order leaves out only how several axes of one coordinate (the knee's) bend each other.

    Attributes:
        padded: [n] the coordinate of each row of a quadratic model; any one in rows that only fill up limbs.
        free, places: [m] the free coordinates, and their rows.
        segments: [S] bodies that carry markers.
    """

    def __init__(self, kinematics: ForwardKinematics) -> None:
        """Prepare the tables of which coordinate moves what."""
        self.kinematics = kinematics
        skeleton, device = kinematics.skeleton, kinematics.device

        def index(array: object) -> Tensor:
            return torch.as_tensor(array, dtype=torch.long, device=device)

        def number(array: Bool[np.ndarray, "..."]) -> Tensor:
            return torch.as_tensor(array, dtype=kinematics.dtype, device=device)

        below, depth = descendants(skeleton), depths(skeleton)
        segments = np.unique(skeleton.marker_bodies[skeleton.marker_bodies != GROUND])
        owner, slots = moving_axes(skeleton)
        moved = skeleton.axis_coordinates[owner, slots]
        bodies = {int(c): int(skeleton.joint_children[j]) for c, j in zip(moved, owner)}
        first = {int(c): int(k) for c, k in zip(moved[::-1], slots[::-1])}
        free = free_coordinates(skeleton)
        # A follower that moves no marker (the patella) has no part in the problem.
        followers = [c for c in skeleton.coupled.tolist() if below[bodies[c], segments].any()]
        # From root to leaf, so that the triangle below the diagonal holds the pairs of mover and moved.
        columns = sorted([*free, *followers], key=lambda c: (depth[bodies[c]], bodies[c], first[c]))
        carrying = below[[bodies[c] for c in columns]]
        after = np.tril(carrying[:, [bodies[c] for c in columns]].T)
        pattern = split(after | after.T, np.arange(len(columns))) if followers else arranged(after | after.T)
        order = pattern.order
        used = np.isin(moved, columns)
        owner, slots, moved = owner[used], slots[used], moved[used]
        self.joints, self.functions = index(owner), index(SLOTS * owner + slots)
        self.rotating = torch.as_tensor(slots >= 3, device=device)[:, None]
        self.on_ground = torch.as_tensor(skeleton.joint_parents[owner] == GROUND, device=device)[:, None]
        self.directions = LocalAxes(kinematics, owner, slots)
        self.segments = index(segments)
        self.axis_to_column = number(padded(np.array(columns)[:, None] == moved)[order])
        sums, rows = np.unique(padded(carrying[:, segments])[order], axis=0, return_inverse=True)
        self.carried, self.sum_of_row = number(sums), index(rows.ravel())
        self.triangles = triangles(pattern, after, number)
        self.folded = [
            (
                skeleton.coupled.tolist().index(c),
                columns.index(c),
                columns.index(skeleton.drivers[skeleton.coupled == c][0]),
            )
            for c in followers
        ]
        self.kept = index([columns.index(c) for c in columns if c in free])
        # What follows has no limbs, and nothing is padded.
        listed = [columns[k] for k in order if columns[k] in free or not followers]
        self.places = index(np.flatnonzero(order != PADDING) if not followers else np.arange(len(free)))
        self.padded = index(listed)
        self.free = self.padded[self.places]
        self.coupler_columns = slice(SLOTS * len(skeleton.joint_names), None)
        self.root = skeleton.root

    def measured(
        self, points_m: Float[Tensor, "frames markers 3"], weights: Float[Tensor, "frames markers"]
    ) -> Measured:
        """Sum up measured markers.

        Args:
            points_m: positions of the skeleton's markers in OpenSim ground; NaN where one was not seen.
            weights: what they count; a marker that was not seen counts nothing.
        """
        kinematics = self.kinematics
        weights = torch.where(points_m.isfinite().all(dim=-1), weights, torch.zeros_like(weights))
        member = (kinematics.marker_bodies[None, :] == self.segments[:, None]).to(points_m)
        total = weights @ member.T
        floor = total.clamp(min=torch.finfo(total.dtype).tiny)[..., None]
        points, local = points_m.nan_to_num(), kinematics.marker_locations.expand_as(points_m)
        model_mean = member @ (weights[..., None] * local) / floor
        measured_mean = member @ (weights[..., None] * points) / floor
        m, y = local - member.T @ model_mean, points - member.T @ measured_mean
        weighted = weights[..., None] * m
        spread = member @ (weighted[..., None] * m[..., None, :]).flatten(-2)
        product = member @ (weighted[..., None] * y[..., None, :]).flatten(-2)
        constant = (weights * (m.square() + y.square()).sum(dim=-1)) @ member.T
        square = (-1, (3, 3))
        return Measured(
            total, model_mean, measured_mean, spread.unflatten(*square), product.unflatten(*square), constant
        )

    def put(
        self, coordinates: Float[Tensor, "frames coordinates"], values: Float[Tensor, "frames padded"]
    ) -> Float[Tensor, "frames coordinates"]:
        """The coordinates with new values of the free ones."""
        if len(self.free) < len(self.padded):
            values = values[:, self.places]
        return coordinates.index_copy(1, self.free, values)

    def state(self, coordinates: Float[Tensor, "frames coordinates"], measured: Measured) -> State:
        """Move the skeleton and measure the distance."""
        kinematics = self.kinematics
        coordinates = kinematics.complete(coordinates)
        values = kinematics.functions.derivatives(kinematics.inputs(coordinates))
        there = placed(kinematics.move(coordinates), self.segments, measured.model_mean_m)
        apart = (measured.weight.T * (there.middles - last(measured.measured_mean_m)).square().sum(dim=0)).sum(dim=0)
        turned = (there.rotations.transpose(0, 1) * last(measured.product)).sum(dim=(0, 1, 2))
        return State(coordinates, values, there, apart + measured.constant.sum(dim=-1) - 2 * turned)

    def quadratic(self, state: State, measured: Measured, newton: Float[Tensor, " frames"]) -> Quadratic:
        """The quadratic model of the halved cost.

        Args:
            state: where to expand.
            measured: the markers.
            newton: [F] 1 for the curvature of second order, 0 for Gauss and Newton's.
        """
        w, v = self._twists(state)
        sums = self._sums(state, measured)
        mass, first, second = sums[0], sums[1:4], sums[4:13].unflatten(0, (3, 3))
        force, moment = sums[13:16], sums[16:25].unflatten(0, (3, 3))
        push = cross(w, first) + mass * v
        turn = trace(second) * w - times(second, w) + cross(first, v)
        diagonal = (w * turn).sum(dim=0) + (v * push).sum(dim=0)
        torque = torch.stack([moment[i, j] - moment[j, i] for i, j in ((1, 2), (2, 0), (0, 1))])
        gradient = (w * torque).sum(dim=0) + (v * force).sum(dim=0)
        turn = turn + newton * (times(moment, w) - trace(moment) * w + cross(v, force))
        curvature = self._products(first_frames(torch.cat([turn, push])), first_frames(torch.cat([w, v])))
        if not self.folded:
            return Quadratic(gradient.T, curvature, diagonal.T.clamp(min=0))
        return self._reduced(gradient.T, curvature, diagonal.T, state)

    def _products(self, loads: Float[Tensor, "frames padded 6"], twists: Float[Tensor, "frames padded 6"]) -> Arrowhead:
        """The curvature from what each coordinate does to the sums and from how coordinates above move those."""
        in_limbs, in_ties, in_trunk = self.triangles
        count, shape = len(in_ties), in_limbs.shape[:2]
        limbs = loads[:, :count].unflatten(1, shape) @ twists[:, :count].unflatten(1, shape).mT
        ties = loads[:, :count] @ twists[:, count:].mT
        trunk = loads[:, count:] @ twists[:, count:].mT
        return Arrowhead(limbs.mul_(in_limbs), ties.mul_(in_ties), trunk.mul_(in_trunk))

    def _sums(self, state: State, measured: Measured) -> Float[Tensor, "25 coordinates frames"]:
        """Σ weight of 1, x, x xᵀ, residual, x residualᵀ over what a coordinate moves; x is taken from the root."""
        rotations, middles = state.placed.rotations, state.placed.middles
        x = middles - state.placed.origins[:, self.root, None]
        weight = measured.weight.T
        force = weight * (middles - last(measured.measured_mean_m))
        spread = matmul(matmul(rotations, last(measured.spread)), rotations.transpose(0, 1))
        second = spread + (weight * x)[:, None] * x
        moment = spread - matmul(rotations, last(measured.product)) + x[:, None] * force
        own = torch.cat([weight[None], weight * x, second.flatten(0, 1), force, moment.flatten(0, 1)])
        return (self.carried @ own).index_select(1, self.sum_of_row)

    def _twists(self, state: State) -> tuple[Tensor, Tensor]:
        """Angular velocity w and velocity v at the root's origin, per unit of each coordinate, [3, N, F] each."""
        placed, kinematics = state.placed, self.kinematics
        local = self.directions(state.values.value.T) * state.values.slope.T[self.functions]
        axes = torch.where(
            self.on_ground, local, times(placed.all_rotations[:, :, kinematics.parents[self.joints]], local)
        )
        arms = placed.joint_centers[:, self.joints] - placed.origins[:, self.root, None]
        zero = torch.zeros((), dtype=axes.dtype, device=axes.device)
        w = torch.where(self.rotating, axes, zero)
        v = torch.where(self.rotating, cross(arms, axes), axes)
        return self.axis_to_column @ w, self.axis_to_column @ v

    def _reduced(self, gradient: Tensor, curvature: Arrowhead, diagonal: Tensor, state: State) -> Quadratic:
        """Fold the coordinates that follow into those that they follow, and keep the free ones."""
        slopes, bends = state.values.slope[:, self.coupler_columns], state.values.bend[:, self.coupler_columns]
        half = curvature.trunk
        for number, follower, driver in self.folded:
            full = half + half.tril(-1).mT
            slope = slopes[:, number]
            full[:, driver] += slope[:, None] * full[:, follower]
            full[:, :, driver] += slope[:, None] * full[:, :, follower]
            full[:, driver, driver] += gradient[:, follower] * bends[:, number]
            half = full.tril()
            diagonal[:, driver] += slope**2 * diagonal[:, follower]
            gradient[:, driver] += slope * gradient[:, follower]
        trunk = half[:, self.kept[:, None], self.kept]
        ties = curvature.ties[:, :, self.kept]
        return Quadratic(
            gradient[:, self.kept], Arrowhead(curvature.limbs, ties, trunk), diagonal[:, self.kept].clamp(min=0)
        )


@dataclass(frozen=True)
class Placed:
    """A pose with frames last, so that sums over three components run along memory.

    Attributes:
        all_rotations, origins: [3, 3, B, F], [3, B, F] of the bodies.
        joint_centers: [3, J, F].
        rotations, middles: [3, 3, S, F], [3, S, F] of the bodies that carry markers: their markers' mean (m, ground).
    """

    all_rotations: Float[Tensor, "3 3 bodies frames"]
    origins: Float[Tensor, "3 bodies frames"]
    joint_centers: Float[Tensor, "3 joints frames"]
    rotations: Float[Tensor, "3 3 segments frames"]
    middles: Float[Tensor, "3 segments frames"]

    def frames(self, index: Tensor) -> "Placed":
        """Some of the frames."""
        return Placed(*(value[..., index] for value in vars(self).values()))

    def where(self, choice: Bool[Tensor, " frames"], other: "Placed") -> "Placed":
        """This in the chosen frames, another one elsewhere."""
        return Placed(*(torch.where(choice, a, b) for a, b in zip(vars(self).values(), vars(other).values())))


def placed(pose: Pose, segments: Tensor, means_m: Tensor) -> Placed:
    """Turn a pose around and place the means [F, S, 3] of the segments' markers."""
    rotations, origins = last(pose.rotations), last(pose.origins_m)
    carrying = rotations[:, :, segments]
    middles = origins[:, segments] + times(carrying, last(means_m))
    return Placed(rotations, origins, last(pose.joint_centers_m), carrying, middles)


class LocalAxes:
    """Directions of joint axes in the frame of the parent body, at given rotations of the axes before them."""

    def __init__(self, kinematics: ForwardKinematics, joints: np.ndarray, slots: np.ndarray) -> None:
        """Tables for the axes in `slots` of `joints`."""
        owner = torch.as_tensor(joints, device=kinematics.device)
        self.axes = last(kinematics.axes[owner, torch.as_tensor(slots)][None])
        self.frames = last(kinematics.parent_rotations[owner][None])
        self.before = []
        for step in (1, 0):
            # The axis of this step turns those in later slots.
            turned = torch.as_tensor(slots > 3 + step, device=kinematics.device)
            around = kinematics.cross[owner, step] * turned[:, None, None]
            functions = SLOTS * owner + 3 + step
            self.before.append((functions, last(around[None]), last((around @ around)[None])))

    def __call__(self, values: Float[Tensor, "functions frames"]) -> Float[Tensor, "3 axes frames"]:
        """Directions at these values of the functions."""
        directions = self.axes
        for functions, around, twice in self.before:
            angle = values[functions]
            directions = (
                directions + angle.sin() * times(around, directions) + (1 - angle.cos()) * times(twice, directions)
            )
        return times(self.frames, directions)


def free_coordinates(skeleton: Skeleton) -> list[int]:
    """Coordinates that are neither locked nor follow another."""
    followers = set(skeleton.coupled.tolist())
    return [c for c in range(len(skeleton.coordinate_names)) if not skeleton.locked[c] and c not in followers]


def descendants(skeleton: Skeleton) -> Bool[np.ndarray, "bodies bodies"]:
    """Which body (column) moves with which (row), itself included."""
    parent_of = dict(zip(skeleton.joint_children.tolist(), skeleton.joint_parents.tolist()))
    below = np.zeros((len(skeleton.body_names),) * 2, dtype=bool)
    for body in range(len(below)):
        above = body
        while above != GROUND:
            below[above, body] = True
            above = parent_of[above]
    return below


def depths(skeleton: Skeleton) -> list[int]:
    """How many joints lie between each body and ground."""
    parent_of = dict(zip(skeleton.joint_children.tolist(), skeleton.joint_parents.tolist()))

    def depth(body: int) -> int:
        return 0 if body == GROUND else 1 + depth(parent_of[body])

    return [depth(body) for body in range(len(skeleton.body_names))]


def moving_axes(skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """Joints and slots of the axes that a coordinate moves."""
    joints, slots = np.nonzero(skeleton.axis_coordinates >= 0)
    return joints, slots


def padded(rows: Bool[np.ndarray, "columns others"]) -> Bool[np.ndarray, "padded others"]:
    """The same rows and one of zeros, which PADDING stands for."""
    return np.pad(rows, ((0, 1), (0, 0)))


def triangles(
    pattern: Pattern, after: Bool[np.ndarray, "columns columns"], number: Callable[[np.ndarray], Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Which entries of the limbs [K, L, L], of their ties [K L, p] and of the trunk [p, p] count, as zeros and ones."""
    after = padded(padded(after).T).T
    limbs = after[pattern.limbs[:, :, None], pattern.limbs[:, None, :]]
    ties = after[pattern.limbs.ravel()[:, None], pattern.trunk]
    return number(limbs), number(ties), number(after[pattern.trunk[:, None], pattern.trunk])


def last(frames_first: Float[Tensor, "frames items *rest"]) -> Float[Tensor, "*rest items frames"]:
    """The same numbers with frames last: [F, N, 3] to [3, N, F], [F, N, 3, 3] to [3, 3, N, F]."""
    rest = range(2, frames_first.ndim)
    return frames_first.permute(*rest, 1, 0).contiguous()


def times(matrices: Float[Tensor, "3 3 *#batch"], vectors: Float[Tensor, "3 *#batch"]) -> Float[Tensor, "3 *#batch"]:
    """Matrices times vectors, components first."""
    return matrices[:, 0] * vectors[0] + matrices[:, 1] * vectors[1] + matrices[:, 2] * vectors[2]


def matmul(left: Float[Tensor, "3 3 *#batch"], right: Float[Tensor, "3 3 *#batch"]) -> Float[Tensor, "3 3 *#batch"]:
    """Products of matrices, components first."""
    return left[:, 0, None] * right[0] + left[:, 1, None] * right[1] + left[:, 2, None] * right[2]


def first_frames(frames_last: Float[Tensor, "components items frames"]) -> Float[Tensor, "frames items components"]:
    """The same numbers with frames first, as matrices per frame."""
    return frames_last.permute(2, 1, 0).contiguous()


def cross(left: Float[Tensor, "3 *#batch"], right: Float[Tensor, "3 *#batch"]) -> Float[Tensor, "3 *#batch"]:
    """Cross products, components first."""
    return torch.linalg.cross(*torch.broadcast_tensors(left, right), dim=0)


def trace(matrices: Float[Tensor, "3 3 *batch"]) -> Float[Tensor, "*batch"]:
    """Traces, components first."""
    return matrices[0, 0] + matrices[1, 1] + matrices[2, 2]
