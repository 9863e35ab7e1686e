"""From a prediction to key points: the kinematics of odah_gen, with the pelvis at the origin."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.skeleton import Skeleton

PELVIS_SHIFTS = ("pelvis_tx", "pelvis_ty", "pelvis_tz")
PELVIS_TURNS = ("pelvis_tilt", "pelvis_list", "pelvis_rotation")
FREE_COORDINATES = (*PELVIS_TURNS, *(f"arm_{part}_{side}" for side in "rl" for part in ("flex", "add", "rot")))
"""Coordinates that may turn all the way round; all others have a range (ODAH paper, section 3.3)."""


class Kinematics:
    """The key points of a skeleton for the angles and scale factors that the network predicts.

    Attributes:
        names: the predicted coordinates: the skeleton's without the pelvis translations, in its order.
        free: which of them have no range.
        lower, upper: their ranges (rad); infinite for the free ones.
    """

    names: tuple[str, ...]
    free: Bool[Tensor, " angles"]
    lower: Float[Tensor, " angles"]
    upper: Float[Tensor, " angles"]

    def __init__(
        self, skeleton: Skeleton, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
    ) -> None:
        """Put a skeleton of generic size on a device."""
        kept = [index for index, name in enumerate(skeleton.coordinate_names) if name not in PELVIS_SHIFTS]
        self.names = tuple(skeleton.coordinate_names[index] for index in kept)
        self.forward = ForwardKinematics(skeleton, dtype, device)
        self.kept = torch.tensor(kept, device=device)
        self.free = torch.tensor([name in FREE_COORDINATES for name in self.names], device=device)
        lower, upper = ranges(skeleton)
        self.lower, self.upper = (torch.as_tensor(limit[kept], dtype=dtype, device=device) for limit in (lower, upper))
        self.lower[self.free], self.upper[self.free] = -torch.inf, torch.inf

    def key_points(
        self, angles_rad: Float[Tensor, "*batch angles"], scales: Float[Tensor, "*batch bodies 3"]
    ) -> Float[Tensor, "*batch points 3"]:
        """Mass centres, then joint centres, from the pelvis joint on (m, axes of OpenSim ground).

        Args:
            angles_rad: coordinates in the order of `names`; coupled ones are used as given.
            scales: size of each body against the generic one; the sign is ignored.
        """
        zeros = angles_rad.new_zeros(*angles_rad.shape[:-1], len(self.forward.skeleton.coordinate_names))
        coordinates, factors = zeros.index_copy(-1, self.kept, angles_rad), scales.abs()
        pose = self.forward.move(coordinates, factors)
        points = torch.cat([self.forward.mass_centers(pose, factors), pose.joint_centers_m], -2)
        root = pose.joint_centers_m[..., self.root_joint, :]
        return points - root[..., None, :]

    @property
    def root_joint(self) -> int:
        """The joint between pelvis and ground."""
        skeleton = self.forward.skeleton
        return skeleton.joint_children.tolist().index(skeleton.root)

    def columns(self, names: Sequence[str]) -> list[int]:
        """Where coordinates stand among `names`."""
        return [self.names.index(name) for name in names]


def ranges(skeleton: Skeleton) -> tuple[Float[np.ndarray, " coordinates"], Float[np.ndarray, " coordinates"]]:
    """Lowest and highest value of each coordinate (rad, m); a coupled one has the range of what it follows."""
    lower, upper = skeleton.lower.copy(), skeleton.upper.copy()
    lower[skeleton.coupled], upper[skeleton.coupled] = lower[skeleton.drivers], upper[skeleton.drivers]
    return lower, upper
