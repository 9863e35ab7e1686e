"""Forward kinematics of any OpenSim skeleton: batched over frames and subjects, differentiable, without opensim.

One implementation for labels, scaling, inverse kinematics and the loss of a network. Joint transforms and the growth
of a model are OpenSim's: a custom joint shifts in its parent frame and then turns about body-fixed axes (Delp et al.
2007, doi 10.1109/TBME.2007.901024); Model.scale multiplies joint frames' origins, mass centres and markers by the
factors of their body, and a custom joint's translations by those of the parent along their axis.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from odah_gen.skeleton.functions import Functions
from odah_gen.skeleton.skeleton import GROUND, NO_COORDINATE, SLOTS, Skeleton


@dataclass(frozen=True)
class Pose:
    """Where bodies and joints are, in OpenSim ground (m).

    Attributes:
        rotations: [..., B, 3, 3] ground from body.
        origins_m: [..., B, 3].
        joint_centers_m: [..., J, 3] origins of the child joint frames.
    """

    rotations: Float[Tensor, "*batch bodies 3 3"]
    origins_m: Float[Tensor, "*batch bodies 3"]
    joint_centers_m: Float[Tensor, "*batch joints 3"]


class ForwardKinematics:
    """Moves a skeleton. Every method takes any batch dimensions, and scale factors as part of the input."""

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
        self.function_inputs = index([*skeleton.axis_coordinates.ravel(), *skeleton.drivers])
        self.function_inputs[self.function_inputs == NO_COORDINATE] = len(skeleton.coordinate_names)
        self.coupled, self.drivers = index(skeleton.coupled), index(skeleton.drivers)
        self.parents, self.children = index(skeleton.joint_parents), index(skeleton.joint_children)
        self.parent_rotations, self.child_rotations = (
            tensor(skeleton.parent_rotations),
            tensor(skeleton.child_rotations),
        )
        self.parent_offsets, self.child_offsets = tensor(skeleton.parent_offsets_m), tensor(skeleton.child_offsets_m)
        self.axes = tensor(skeleton.axis_directions)
        self.scaled = tensor(skeleton.axis_scaled[:, :3])
        cross = skew(self.axes[:, 3:])
        self.cross, self.cross_squared = cross, cross @ cross
        self.mass_locations = tensor(skeleton.mass_centers_m)
        self.marker_bodies, self.marker_locations = index(skeleton.marker_bodies), tensor(skeleton.marker_locations_m)
        levels = tree_levels(skeleton)
        self.levels = [index(level) for level in levels]
        self.above = [index(level) for level in places_above(skeleton, levels)]
        self.order_of_joints = torch.argsort(torch.cat(self.levels))
        self.order_of_bodies = self.order_of_joints[torch.argsort(self.children)]

    def complete(self, coordinates: Float[Tensor, "*batch coordinates"]) -> Float[Tensor, "*batch coordinates"]:
        """The coordinates with those that follow others set by their couplers."""
        if not len(self.coupled):
            return coordinates
        return coordinates.index_copy(-1, self.coupled, self._function_values(coordinates)[..., self._coupler_columns])

    def move(
        self,
        coordinates: Float[Tensor, "*batch coordinates"],
        scales: Float[Tensor, "*#batch bodies 3"] | None = None,
    ) -> Pose:
        """Where bodies and joints are at these coordinates (rad, m; coupled ones are used as given, see `complete`).

        Args:
            coordinates: [..., N] in the order of the skeleton.
            scales: [..., B, 3] factors of each body along its axes, 1 where not given.
        """
        values = self._function_values(coordinates)[..., : SLOTS * len(self.children)]
        values = values.unflatten(-1, (-1, SLOTS))
        turned = axis_rotations(values[..., 3:], self.cross, self.cross_squared)
        inner = turned[..., 0, :, :] @ turned[..., 1, :, :] @ turned[..., 2, :, :]
        return self._compose(inner, values[..., :3], scales)

    def markers(
        self, pose: Pose, scales: Float[Tensor, "*#batch bodies 3"] | None = None
    ) -> Float[Tensor, "*batch markers 3"]:
        """The skeleton's markers in ground (m)."""
        return self.points(pose, self.marker_bodies, self.marker_locations, scales)

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
        local = locations if scales is None else locations * scales[..., bodies, :]
        return pose.origins_m[..., bodies, :] + (pose.rotations[..., bodies, :, :] @ local[..., None])[..., 0]

    @property
    def _coupler_columns(self) -> slice:
        """Where the couplers' functions stand."""
        return slice(SLOTS * len(self.children), None)

    def _function_values(self, coordinates: Tensor) -> Tensor:
        """Values of all functions; an axis without coordinate gets the input zero."""
        return self.functions(self.inputs(coordinates))

    def inputs(self, coordinates: Float[Tensor, "*batch coordinates"]) -> Float[Tensor, "*batch functions"]:
        """What every function is a function of."""
        padded = torch.nn.functional.pad(coordinates, (0, 1))
        return padded[..., self.function_inputs]

    def _compose(self, inner: Tensor, shifts: Tensor, scales: Tensor | None) -> Pose:
        """Joint rotations [..., J, 3, 3] and translations along axes [..., J, 3] to poses of all bodies."""
        before, after = self.parent_offsets.sum(dim=-1), self.child_offsets.sum(dim=-1)
        if scales is not None:
            own, parent = scales[..., self.children, :], self._parent_scales(scales)
            before = (self.parent_offsets @ parent[..., None])[..., 0]
            after = (self.child_offsets @ own[..., None])[..., 0]
            growth = (self.axes[:, :3].abs() * parent[..., None, :]).sum(dim=-1)
            shifts = shifts * (1 + self.scaled * (growth - 1))
        local_shift = (shifts[..., None] * self.axes[:, :3]).sum(dim=-2)
        center = before + (self.parent_rotations @ local_shift[..., None])[..., 0]
        rotation = self.parent_rotations @ inner @ self.child_rotations.mT
        shift = center - (rotation @ after.expand_as(center)[..., None])[..., 0]
        return self._chain(rotation, shift, center)

    def _parent_scales(self, scales: Tensor) -> Tensor:
        """Scale factors of each joint's parent body; ground does not grow."""
        grown = torch.nn.functional.pad(scales, (0, 0, 0, 1), value=1.0)
        return grown[..., self.parents, :]

    def _chain(self, rotation: Tensor, shift: Tensor, center: Tensor) -> Pose:
        """Transforms of each child in its parent, and joint centres in the parent, multiplied down the tree."""
        rotations, origins, centers = [], [], []
        for joints, above in zip(self.levels, self.above):
            turn, place = rotation[..., joints, :, :], torch.stack([shift, center], dim=-1)[..., joints, :, :]
            if rotations:
                base, origin = rotations[-1][..., above, :, :], origins[-1][..., above, :]
                turn, place = base @ turn, base @ place + origin[..., None]
            rotations.append(turn)
            origins.append(place[..., 0])
            centers.append(place[..., 1])
        return Pose(
            torch.cat(rotations, dim=-3)[..., self.order_of_bodies, :, :],
            torch.cat(origins, dim=-2)[..., self.order_of_bodies, :],
            torch.cat(centers, dim=-2)[..., self.order_of_joints, :],
        )


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


def places_above(skeleton: Skeleton, levels: list[list[int]]) -> list[list[int]]:
    """Where the parent of each joint of a level stands among the children of the level before."""
    places: list[list[int]] = [[0] * len(levels[0])]
    for upper, lower in zip(levels[:-1], levels[1:]):
        children = [int(skeleton.joint_children[joint]) for joint in upper]
        places.append([children.index(int(skeleton.joint_parents[joint])) for joint in lower])
    return places


def skew(vectors: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """The matrices that multiply as the cross product with `vectors` does."""
    x, y, z = vectors.unbind(dim=-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))


def axis_rotations(
    angles: Float[Tensor, "*batch"], cross: Float[Tensor, "*#batch 3 3"], cross_squared: Float[Tensor, "*#batch 3 3"]
) -> Float[Tensor, "*batch 3 3"]:
    """Rotations by angles (rad) about fixed axes, given by their skew matrices (Rodrigues' formula)."""
    sine, versine = angles.sin()[..., None, None], (1 - angles.cos())[..., None, None]
    return torch.eye(3, dtype=angles.dtype, device=angles.device) + sine * cross + versine * cross_squared
