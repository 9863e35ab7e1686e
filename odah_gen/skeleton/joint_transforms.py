"""Joints as functions of coordinates and scale factors: how a child is turned in its parent, and where its joint is.

Arrays have joints first and the batch last, so that the few numbers of a transform are multiplied along all frames at
once instead of frame by frame.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from odah_gen.skeleton.functions import Functions
from odah_gen.skeleton.skeleton import GROUND, NO_COORDINATE, SLOTS, Skeleton


@dataclass(frozen=True)
class Turn:
    """One rotation of some joints, still + sin · sine + cos · cosine (Rodrigues' formula), with fixed frames about it.

    Attributes:
        joints: [K] their places among all joints.
        still, sine, cosine: [K, 3, 3].
    """

    joints: Int[Tensor, " some"]
    still: Float[Tensor, "some 3 3"]
    sine: Float[Tensor, "some 3 3"]
    cosine: Float[Tensor, "some 3 3"]


class JointTransforms:
    """The joints of a skeleton in a given order. Axes that never move or turn anything are left out."""

    def __init__(
        self, skeleton: Skeleton, order: Int[np.ndarray, " joints"], dtype: torch.dtype, device: torch.device
    ) -> None:
        """Put the tables of the joints on a device."""

        def tensor(array: object) -> Tensor:
            return torch.as_tensor(array, dtype=dtype, device=device)

        def index(array: object) -> Tensor:
            return torch.as_tensor(array, dtype=torch.long, device=device)

        used = used_axes(skeleton)[order]
        slots = [[slot for slot in range(3, SLOTS) if row[slot]] or [3] for row in used]
        turns = [[j for j, row in enumerate(slots) if len(row) > step] for step in range(max(map(len, slots)))]
        self.turns, functions = [], []
        for step, joints in enumerate(turns):
            chosen = [slots[j][step] for j in joints]
            last = np.array([len(slots[j]) == step + 1 for j in joints])
            still, sine, cosine = turn_tables(skeleton, order[joints], chosen, step == 0, last)
            self.turns.append(Turn(index(joints), tensor(still), tensor(sine), tensor(cosine)))
            functions += [SLOTS * order[j] + slot for j, slot in zip(joints, chosen)]
        self.turning = len(functions)
        sliding = np.flatnonzero(used[:, :3].any(axis=1))
        functions += [SLOTS * order[j] + slot for j in sliding for slot in range(3)]
        self.functions = Functions(skeleton, dtype, device, np.array(functions, dtype=int))
        inputs = skeleton.axis_coordinates.ravel()[functions]
        self.inputs = index(np.where(inputs == NO_COORDINATE, len(skeleton.coordinate_names), inputs))
        self.sliding = index(sliding)
        sliders = order[sliding]
        self.slides = tensor(
            skeleton.parent_rotations[sliders] @ skeleton.axis_directions[sliders, :3].swapaxes(-1, -2)
        )
        self.growth = tensor(skeleton.axis_growth[sliders])
        self.fixed = tensor(~skeleton.axis_growth[sliders].any(axis=-1))
        parents = skeleton.joint_parents[order]
        self.parents = index(np.where(parents == GROUND, len(skeleton.body_names), parents))
        shifted = np.flatnonzero(skeleton.child_offsets_m[order].any(axis=(-2, -1)))
        self.shifted, self.shifted_bodies = index(shifted), index(skeleton.joint_children[order[shifted]])
        self.parent_offsets = tensor(skeleton.parent_offsets_m[order])
        self.own_offsets = tensor(skeleton.child_offsets_m[order[shifted]])

    def values(self, coordinates: Float[Tensor, "*batch coordinates"]) -> Float[Tensor, " functions *batch"]:
        """The joints' functions: those that turn, step by step, then those that slide."""
        padded = torch.nn.functional.pad(coordinates, (0, 1)).movedim(-1, 0)
        return self.functions(padded.index_select(0, self.inputs).movedim(0, -1)).movedim(-1, 0)

    def rotations(self, values: Float[Tensor, " functions *batch"]) -> Float[Tensor, "joints 3 3 *batch"]:
        """Rotations of the children in the frames of their parents."""
        angles = values[: self.turning, None, None]
        sines, cosines = angles.sin(), angles.cos()
        rotations, done = values.new_empty(0), 0
        for turn in self.turns:
            rows = slice(done, done + len(turn.joints))
            done = rows.stop
            dims = (...,) + (None,) * (values.ndim - 1)
            turned = torch.addcmul(turn.still[dims], turn.sine[dims], sines[rows])
            turned = torch.addcmul(turned, turn.cosine[dims], cosines[rows])
            if rows.start:
                turned = product(rotations.index_select(0, turn.joints), turned)
                rotations = rotations.index_copy(0, turn.joints, turned)
            else:
                rotations = turned
        return rotations

    def centers(
        self, values: Float[Tensor, " functions *batch"], scales: Float[Tensor, "bodies 3 *#batch"] | None
    ) -> Float[Tensor, "joints 3 *batch"]:
        """Origins of the child joint frames in the frames of the parents."""
        dims = (...,) + (None,) * (values.ndim - 1)
        slides = values[self.turning :].unflatten(0, (-1, 3)) if len(self.sliding) else None
        if scales is None:
            centers = self.parent_offsets.sum(dim=-1)[dims]
        else:
            parents = torch.cat([scales, torch.ones_like(scales[:1])]).index_select(0, self.parents)
            centers = times(self.parent_offsets[dims], parents)
            if slides is not None:
                slides = slides * (times(self.growth[dims], parents.index_select(0, self.sliding)) + self.fixed[dims])
        if slides is None:
            return centers
        moved = times(self.slides[dims], slides)
        return centers.expand(-1, -1, *moved.shape[2:]).index_add(0, self.sliding, moved)

    def child_offsets(self, scales: Float[Tensor, "bodies 3 *#batch"] | None, dims: int) -> Tensor:
        """Origins of the `shifted` child joint frames in the frames of the children, [K, 3, ...]."""
        batch = (...,) + (None,) * dims
        if scales is None:
            return self.own_offsets.sum(dim=-1)[batch]
        return times(self.own_offsets[batch], scales.index_select(0, self.shifted_bodies))


def used_axes(skeleton: Skeleton) -> Bool[np.ndarray, "joints 6"]:
    """Which axes turn or shift at all."""
    count = skeleton.axis_coordinates.size
    moved = (skeleton.slopes[:count] != 0) & (skeleton.axis_coordinates.ravel() != NO_COORDINATE)
    used = moved | (skeleton.intercepts[:count] != 0)
    used[skeleton.curves[skeleton.curves < count]] = True
    return used.reshape(-1, SLOTS)


def turn_tables(
    skeleton: Skeleton, joints: Int[np.ndarray, " some"], slots: list[int], first: bool, last: Bool[np.ndarray, " some"]
) -> tuple[Float[np.ndarray, "some 3 3"], Float[np.ndarray, "some 3 3"], Float[np.ndarray, "some 3 3"]]:
    """Tables of `Turn`: the first turn of a joint follows its parent frame, the last leads to its child frame."""
    axes = skeleton.axis_directions[joints, slots]
    along = axes[:, :, None] * axes[:, None, :]
    tables = along, skew(axes), np.eye(3) - along
    left = skeleton.parent_rotations[joints] if first else np.eye(3)
    right = np.where(last[:, None, None], skeleton.child_rotations[joints].swapaxes(-1, -2), np.eye(3))
    still, sine, cosine = (left @ table @ right for table in tables)
    return still, sine, cosine


def skew(vectors: Float[np.ndarray, "*some 3"]) -> Float[np.ndarray, "*some 3 3"]:
    """The matrices that multiply as the cross product with `vectors` does."""
    return np.cross(vectors[..., None, :], np.eye(3)).swapaxes(-1, -2)


def product(left: Float[Tensor, "some 3 3 *#batch"], right: Float[Tensor, "some 3 3 *#batch"]) -> Tensor:
    """Products of matrices, batch last."""
    columns, rows = left.unsqueeze(3).unbind(2), right.unsqueeze(1).unbind(2)
    found = columns[0] * rows[0]
    return torch.addcmul(torch.addcmul(found, columns[1], rows[1]), columns[2], rows[2])


def times(matrices: Float[Tensor, "some 3 3 *#batch"], vectors: Float[Tensor, "some 3 *#batch"]) -> Tensor:
    """Matrices times vectors, batch last."""
    columns, parts = matrices.unbind(2), vectors.unsqueeze(1).unbind(2)
    found = columns[0] * parts[0]
    return torch.addcmul(torch.addcmul(found, columns[1], parts[1]), columns[2], parts[2])
