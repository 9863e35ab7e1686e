"""Forward kinematics of any OpenSim skeleton: batched over frames and subjects, differentiable, without opensim.

One implementation for labels, scaling, inverse kinematics and the loss of a network. Joint transforms and the growth
of a model are OpenSim's: a custom joint shifts in its parent frame and then turns about body-fixed axes (Delp et al.
2007, doi 10.1109/TBME.2007.901024); Model.scale multiplies joint frames' origins, mass centres and markers by the
factors of their body, and a custom joint's translations by those of the parent along their axis.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from odah_gen.skeleton.functions import Functions
from odah_gen.skeleton.joint_transforms import JointTransforms, product, skew, times
from odah_gen.skeleton.skeleton import GROUND, NO_COORDINATE, SLOTS, Skeleton


@dataclass(frozen=True)
class Pose:
    """Where bodies and joints are, in OpenSim ground (m); views of arrays with the batch innermost.

    Attributes:
        rotations: [..., B, 3, 3] ground from body.
        origins_m: [..., B, 3].
        joint_centers_m: [..., J, 3] origins of the child joint frames.
    """

    rotations: Float[Tensor, "*batch bodies 3 3"]
    origins_m: Float[Tensor, "*batch bodies 3"]
    joint_centers_m: Float[Tensor, "*batch joints 3"]


class ForwardKinematics:
    """Moves a skeleton. Every method takes any batch dimensions, and scale factors as part of the input.

    Attributes:
        functions: all functions of the skeleton; `inputs` gives what they are functions of.
        axes, cross: [J, 6, 3] directions of the joints' axes, and [J, 3, 3, 3] skew matrices of those that turn.
        axis_growth: [J, 3, 3] as in the skeleton.
        parents, children: [J] bodies.
        parent_rotations: [J, 3, 3] body from joint frame.
        mass_locations: [B, 3]; marker_bodies, marker_locations: [M], [M, 3] in the bodies' frames, not scaled.
    """

    def __init__(
        self, skeleton: Skeleton, dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu"
    ) -> None:
        """Put a skeleton on a device."""
        device = torch.device(device)

        def tensor(array: object) -> Tensor:
            return torch.as_tensor(array, dtype=dtype, device=device)

        def index(array: object) -> Tensor:
            return torch.as_tensor(array, dtype=torch.long, device=device)

        self.skeleton, self.dtype, self.device = skeleton, dtype, device
        self.functions = Functions(skeleton, dtype, device)
        couplers = np.arange(SLOTS * len(skeleton.joint_names), len(skeleton.slopes))
        self.coupler_functions = Functions(skeleton, dtype, device, couplers)
        inputs = np.concatenate([skeleton.axis_coordinates.ravel(), skeleton.drivers])
        self.function_inputs = index(np.where(inputs == NO_COORDINATE, len(skeleton.coordinate_names), inputs))
        self.coupled, self.drivers = index(skeleton.coupled), index(skeleton.drivers)
        self.coupler_bodies = index(skeleton.coupler_bodies)
        self.parents, self.children = index(skeleton.joint_parents), index(skeleton.joint_children)
        self.axes, self.parent_rotations = tensor(skeleton.axis_directions), tensor(skeleton.parent_rotations)
        self.axis_growth = tensor(skeleton.axis_growth)
        self.cross = tensor(skew(skeleton.axis_directions[:, 3:]))
        self.mass_locations = tensor(skeleton.mass_centers_m)
        self.marker_bodies, self.marker_locations = index(skeleton.marker_bodies), tensor(skeleton.marker_locations_m)
        self.marker_offsets = tensor(skeleton.marker_offsets_m)
        self.standing = index(np.flatnonzero(skeleton.marker_bodies == GROUND))
        self._order_tree()

    def _order_tree(self) -> None:
        """Arrange the joints level by level, so that a level is moved at once."""
        skeleton, device = self.skeleton, self.device
        levels = tree_levels(skeleton)
        order = np.array([joint for level in levels for joint in level], dtype=int)
        children = skeleton.joint_children[order]
        place_of_body = np.argsort(children)
        self.joints = JointTransforms(skeleton, order, self.dtype, device)
        self.levels = [len(level) for level in levels]
        above = place_of_body[skeleton.joint_parents[order[self.levels[0] :]]]
        starts = np.cumsum([0, *self.levels])
        self.above = torch.as_tensor(above, device=device)
        self.above_in_level = [
            self.above[start - self.levels[0] : stop - self.levels[0]] - before
            for before, start, stop in zip(starts[:-2], starts[1:-1], starts[2:])
        ]
        self.place_of_body = torch.as_tensor(place_of_body, device=device)
        self.shifted_joints = torch.as_tensor(order, device=device)[self.joints.shifted]
        self.paths = torch.as_tensor(paths(skeleton)[:, children], dtype=self.dtype, device=device)

    def inputs(self, coordinates: Float[Tensor, "*batch coordinates"]) -> Float[Tensor, "*batch functions"]:
        """What every function is a function of; an axis without coordinate gets zero."""
        return torch.nn.functional.pad(coordinates, (0, 1)).index_select(-1, self.function_inputs)

    def complete(
        self,
        coordinates: Float[Tensor, "*#batch coordinates"],
        scales: Float[Tensor, "*#batch bodies 3"] | None = None,
    ) -> Float[Tensor, "*batch coordinates"]:
        """The coordinates with those that follow others set by their couplers.

        A shift that follows grows with the parent body of its joint, by the mean of the three factors: OpenSim scales
        such couplers by equal factors only.
        """
        if not len(self.coupled):
            return coordinates
        values = self.coupler_functions(coordinates.index_select(-1, self.drivers))
        if scales is not None:
            values = values * with_ground(scales)[..., self.coupler_bodies, :].mean(dim=-1)
        coordinates = coordinates.expand(*values.shape[:-1], -1)
        return coordinates.index_copy(-1, self.coupled, values)

    def move(
        self,
        coordinates: Float[Tensor, "*#batch coordinates"],
        scales: Float[Tensor, "*#batch bodies 3"] | None = None,
    ) -> Pose:
        """Where bodies and joints are at these coordinates (rad, m; coupled ones are used as given, see `complete`).

        Rotations are computed once for all scale factors where a dimension of the coordinates' batch is one.

        Args:
            coordinates: [..., N] in the order of the skeleton.
            scales: [..., B, 3] factors of each body along its axes, 1 where not given.
        """
        if scales is not None:
            dims = max(coordinates.ndim - 1, scales.ndim - 2)
            coordinates, scales = batch_dims(coordinates, 1, dims), batch_last(batch_dims(scales, 2, dims), 2)
        values = self.joints.values(coordinates)
        rotations = self._chain(self.joints.rotations(values))
        child_offsets = self.joints.child_offsets(scales, values.ndim - 1)
        return self._place(rotations, self.joints.centers(values, scales), child_offsets)

    def markers(
        self, pose: Pose, scales: Float[Tensor, "*#batch bodies 3"] | None = None
    ) -> Float[Tensor, "*batch markers 3"]:
        """The skeleton's markers in ground (m)."""
        locations = self.marker_locations
        if scales is not None:
            factors = with_ground(scales)[..., self.marker_bodies, :]
            locations = (self.marker_offsets @ factors[..., None])[..., 0]
        places = self.points(pose, self.marker_bodies.clamp(min=0), locations)
        if not len(self.standing):
            return places
        still = self.marker_locations[self.standing].expand(*places.shape[:-2], -1, -1)
        return places.index_copy(-2, self.standing, still)

    def mass_centers(
        self, pose: Pose, scales: Float[Tensor, "*#batch bodies 3"] | None = None
    ) -> Float[Tensor, "*batch bodies 3"]:
        """The bodies' mass centres in ground (m)."""
        bodies = torch.arange(len(self.mass_locations), device=self.device)
        return self.points(pose, bodies, self.mass_locations, scales)

    def points(
        self,
        pose: Pose,
        bodies: Int[Tensor, " points"],
        locations: Float[Tensor, "*#batch points 3"],
        scales: Float[Tensor, "*#batch bodies 3"] | None = None,
    ) -> Float[Tensor, "*batch points 3"]:
        """Points that move with bodies, in ground (m); `locations` are in the body's frame before scaling."""
        local = locations if scales is None else locations * scales.index_select(-2, bodies)
        dims = max(pose.origins_m.ndim, local.ndim) - 2
        rotations, origins = batch_dims(pose.rotations, 3, dims), batch_dims(pose.origins_m, 2, dims)
        turned = times(batch_last(rotations, 3).index_select(0, bodies), batch_last(batch_dims(local, 2, dims), 2))
        return batch_first(batch_last(origins, 2).index_select(0, bodies) + turned, 2)

    def _chain(self, rotations: Float[Tensor, "joints 3 3 *batch"]) -> Float[Tensor, "joints 3 3 *batch"]:
        """Rotations of the bodies in ground, from those in their parents, both level by level."""
        levels = rotations.split(self.levels)
        found = [levels[0]]
        for level, above in zip(levels[1:], self.above_in_level):
            found.append(product(found[-1].index_select(0, above), level))
        return torch.cat(found)

    def _place(self, rotations: Tensor, centers: Tensor, child_offsets: Tensor) -> Pose:
        """The pose from the bodies' rotations, the joints' centres in their parents and in their children."""
        near, shifted = self.levels[0], self.joints.shifted
        turned = times(rotations.index_select(0, self.above), centers[near:])
        steps = torch.cat([centers[:near].expand(-1, *turned.shape[1:]), turned])
        if len(shifted):
            from_child = times(rotations.index_select(0, shifted), child_offsets)
            steps = steps.index_add(0, shifted, from_child, alpha=-1)
        origins = (self.paths @ steps.flatten(1)).unflatten(1, steps.shape[1:])
        joint_centers = origins.index_select(0, self.children)
        if len(shifted):
            joint_centers = joint_centers.index_add(0, self.shifted_joints, from_child)
        rotations = rotations.index_select(0, self.place_of_body).expand(-1, -1, -1, *origins.shape[2:])
        return Pose(batch_first(rotations, 3), batch_first(origins, 2), batch_first(joint_centers, 2))


def batch_dims(array: Tensor, own: int, dims: int) -> Tensor:
    """An array whose last `own` dimensions are its own, with leading ones up to `dims` batch dimensions."""
    return array[(None,) * (dims + own - array.ndim)]


def batch_last(array: Tensor, own: int) -> Tensor:
    """Move the batch behind the `own` last dimensions."""
    return array.movedim(tuple(range(-own, 0)), tuple(range(own)))


def batch_first(array: Tensor, own: int) -> Tensor:
    """Move the batch before the `own` first dimensions."""
    return array.movedim(tuple(range(own)), tuple(range(-own, 0)))


def with_ground(scales: Float[Tensor, "*batch bodies 3"]) -> Float[Tensor, "*batch bodies_and_ground 3"]:
    """Scale factors of the bodies, then those of ground, which does not grow; GROUND is the last index."""
    return torch.nn.functional.pad(scales, (0, 0, 0, 1), value=1.0)


def tree_levels(skeleton: Skeleton) -> list[list[int]]:
    """Joints by their distance from ground."""
    levels: list[list[int]] = []
    reached = [GROUND]
    while reached:
        joints = [joint for joint, parent in enumerate(skeleton.joint_parents) if parent in reached]
        if joints:
            levels.append(joints)
        reached = [int(skeleton.joint_children[joint]) for joint in joints]
    return levels


def paths(skeleton: Skeleton) -> Float[np.ndarray, "bodies bodies"]:
    """One where a body (column) is on the way from ground to another (row), itself included."""
    found = np.zeros((len(skeleton.body_names),) * 2)
    parent_of = dict(zip(skeleton.joint_children.tolist(), skeleton.joint_parents.tolist()))
    for body in range(len(found)):
        above = body
        while above != GROUND:
            found[body, above] = 1.0
            above = parent_of[above]
    return found
