"""Parts carried by joints: equal to skinning vertex by vertex, with derivatives equal to the slow ones."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from odah_gen.body.skinning import ShapedBody, rotvec_to_matrix
from odah_gen.registration.parts import (
    Parts,
    PosedParts,
    collapse,
    normal_blocks,
    pose_parts,
    resting_places,
    turning_gradient,
)
from odah_gen.registration.points import pose_jacobian, pose_points, shape_points, skin_points

IDS = list(range(0, 13_000, 400))
FREE = (0, 1, 3, 9, 16, 18, 20)


@dataclass(frozen=True)
class Case:
    """The same sums of vertices, slow and fast."""

    shaped: ShapedBody
    combine: Tensor
    parts: Parts
    local: Tensor
    trans: Tensor

    def slow(self, local: Tensor) -> Tensor:
        """Skin every vertex, then sum."""
        return self.combine @ pose_points(self.shaped, local, self.trans).positions

    def fast(self) -> PosedParts:
        """Carry the parts."""
        return pose_parts(self.parts, resting_places(self.parts, self.local), self.local, self.trans)


def make_case(model, posedirs_scale: float) -> Case:
    generator = torch.Generator().manual_seed(1)
    points = skin_points(model, IDS, 6)
    shaped = shape_points(points, torch.randn(6, generator=generator, dtype=torch.float64))
    shaped = ShapedBody(**{**vars(shaped), "posedirs": posedirs_scale * shaped.posedirs})
    random = torch.rand(4, len(IDS), generator=generator, dtype=torch.float64)
    combine = torch.cat([torch.eye(len(IDS), dtype=torch.float64)[:5], random / random.sum(1, keepdim=True)])
    poses = 0.4 * torch.randn(3, 55, 3, generator=generator, dtype=torch.float64)
    trans = torch.randn(3, 3, generator=generator, dtype=torch.float64)
    return Case(shaped, combine, collapse(shaped, combine, FREE), rotvec_to_matrix(poses), trans)


@pytest.fixture(scope="module")
def case(model) -> Case:
    return make_case(model, 1.0)


def test_positions_are_those_of_skinned_vertices(case):
    assert torch.allclose(case.fast().positions, case.slow(case.local), atol=1e-12)


def test_gradient_is_that_of_skinned_vertices(case):
    pulls = torch.randn(3, 9, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    posed = pose_points(case.shaped, case.local, case.trans)
    slow = torch.einsum("rp,tpjdx,trx->jdt", case.combine, pose_jacobian(case.shaped, posed, FREE), pulls)
    assert torch.allclose(turning_gradient(case.parts, case.fast(), pulls), slow, atol=1e-10)


def test_blocks_are_those_of_the_jacobian_without_correctives(model):
    case = make_case(model, 0.0)
    weights = torch.rand(3, 9, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    posed = pose_points(case.shaped, case.local, case.trans)
    turning = torch.einsum("rp,tpjdx->trxjd", case.combine, pose_jacobian(case.shaped, posed, FREE))
    shifting = torch.eye(3, dtype=torch.float64).expand(3, 9, 3, 3)
    slow = (torch.cat([shifting, turning.flatten(3)], -1) * weights[..., None]).flatten(1, 2)
    fast = case.fast()
    turns = fast.rotations[list(FREE)].permute(3, 1, 0, 2).float()
    found = normal_blocks(case.parts, fast, turns, weights)
    assert torch.allclose(found.double(), slow.transpose(1, 2) @ slow, atol=1e-4)
