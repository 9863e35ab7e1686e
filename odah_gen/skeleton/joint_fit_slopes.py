"""How the markers of a scaled skeleton move with each coordinate, for all frames at once."""

import torch
from jaxtyping import Float
from torch import Tensor

from odah_gen.skeleton.forward import ForwardKinematics, Pose
from odah_gen.skeleton.functions import Values
from odah_gen.skeleton.marker_problem import descendants
from odah_gen.skeleton.skeleton import NO_COORDINATE, SLOTS


class AngleSlopes:
    """The axes of a joint turn or shift every marker beyond it; a coordinate acts through its axes."""

    def __init__(self, kinematics: ForwardKinematics, columns: list[int]) -> None:
        """Prepare the tables for some coordinates, given by their indices."""
        skeleton = kinematics.skeleton
        owners = torch.as_tensor(skeleton.axis_coordinates).flatten()
        self.kinematics, self.columns = kinematics, torch.tensor(columns)
        self.axes = (owners != NO_COORDINATE).nonzero()[:, 0]
        self.owners, self.joints = owners[self.axes], self.axes // SLOTS
        self.rotating = (self.axes % SLOTS >= 3)[:, None]
        below = torch.as_tensor(descendants(skeleton))
        self.carried = below[kinematics.children[self.joints]][:, kinematics.marker_bodies].to(kinematics.dtype)

    def __call__(
        self,
        coordinates: Float[Tensor, "frames coordinates"],
        scales: Float[Tensor, "bodies 3"],
        pose: Pose,
        markers_m: Float[Tensor, "frames markers 3"],
    ) -> Float[Tensor, "frames markers 3 columns"]:
        """Slopes of the markers (m per rad or m) at completed coordinates, where the skeleton has this pose."""
        values = self.kinematics.functions.derivatives(self.kinematics.inputs(coordinates))
        axes = self._axes(values, scales, pose)
        arms = markers_m[:, None] - pose.joint_centers_m[:, self.joints, None]
        turned = torch.linalg.cross(axes[:, :, None], arms)
        moved = torch.where(self.rotating[:, None], turned, axes[:, :, None]) * self.carried[..., None]
        slopes = moved.new_zeros(len(moved), coordinates.shape[-1], *moved.shape[2:])
        slopes = self._coupled(slopes.index_add(1, self.owners, moved), values)
        return slopes[:, self.columns].permute(0, 2, 3, 1)

    def _axes(self, values: Values, scales: Tensor, pose: Pose) -> Float[Tensor, "frames axes 3"]:
        """The axes in ground, as long as the joint moves per unit of the coordinate."""
        kinematics = self.kinematics
        joints = slice(0, SLOTS * len(kinematics.children))
        angles = values.value[..., joints].unflatten(-1, (-1, SLOTS))[..., 3:]
        first, second, _ = axis_rotations(angles, kinematics.cross).unbind(dim=-3)
        directions = kinematics.axes.expand(len(angles), -1, -1, -1)[..., None]
        turned = torch.cat(
            [
                directions[:, :, :4],
                (first @ directions[:, :, 4])[:, :, None],
                (first @ second @ directions[:, :, 5])[:, :, None],
            ],
            dim=2,
        )
        grounded = torch.cat([pose.rotations, torch.eye(3, dtype=scales.dtype).expand(len(angles), 1, 3, 3)], dim=1)
        frames = grounded[:, kinematics.parents] @ kinematics.parent_rotations
        rates = values.slope[..., joints].unflatten(-1, (-1, SLOTS)) * self._growth(scales)
        axes = (frames[:, :, None] @ turned)[..., 0] * rates[..., None]
        return axes.flatten(1, 2)[:, self.axes]

    def _growth(self, scales: Float[Tensor, "bodies 3"]) -> Float[Tensor, "joints 6"]:
        """By how much translations along axes grow with the parent body."""
        kinematics = self.kinematics
        padded = torch.cat([scales, torch.ones_like(scales[:1])])
        along = (kinematics.axis_growth * padded[kinematics.parents][:, None]).sum(dim=-1)
        growth = torch.where(kinematics.axis_growth.any(dim=-1), along, torch.ones_like(along))
        return torch.cat([growth, torch.ones_like(growth)], dim=-1)

    def _coupled(self, slopes: Tensor, values: Values) -> Tensor:
        """Give coordinates what moves with those that follow them."""
        kinematics = self.kinematics
        rates = values.slope[:, SLOTS * len(kinematics.children) :]
        for number, (follower, driver) in enumerate(zip(kinematics.coupled.tolist(), kinematics.drivers.tolist())):
            slopes[:, driver] += rates[:, number, None, None] * slopes[:, follower]
        return slopes


def axis_rotations(angles: Float[Tensor, "*batch"], cross: Float[Tensor, "*#batch 3 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Rotations by angles (rad) about fixed axes, given by their skew matrices (Rodrigues' formula)."""
    sine, versine = angles.sin()[..., None, None], (1 - angles.cos())[..., None, None]
    return torch.eye(3, dtype=angles.dtype, device=angles.device) + sine * cross + versine * (cross @ cross)
