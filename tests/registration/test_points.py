"""Points of the skin: equal to full skinning, with Jacobians equal to differences."""

import numpy as np
import pytest
import torch

from odah_gen.body.model import load_body_model
from odah_gen.body.skinning import pose_body, rotvec_to_matrix, shape_body
from odah_gen.registration.points import (
    descendants,
    pose_jacobian,
    pose_points,
    shape_jacobian,
    shape_points,
    skin_points,
)

IDS = list(range(0, 13_000, 400))
STEP = 1e-6


@pytest.fixture(scope="module")
def posed(model):
    generator = torch.Generator().manual_seed(1)
    points = skin_points(model, IDS, 6)
    betas = torch.randn(6, generator=generator, dtype=torch.float64)
    offsets = 0.02 * torch.randn(len(IDS), 3, generator=generator, dtype=torch.float64)
    poses = 0.4 * torch.randn(3, 165, generator=generator, dtype=torch.float64)
    trans = torch.randn(3, 3, generator=generator, dtype=torch.float64)
    return points, betas, offsets, poses, trans


def positions(points, betas, offsets, local, trans):
    return pose_points(shape_points(points, betas, offsets), local, trans)


def local_rotations(poses):
    return rotvec_to_matrix(poses.reshape(-1, 55, 3))


def test_points_without_offset_are_the_skinned_vertices(model, posed):
    points, betas, _, poses, trans = posed
    expected = pose_body(shape_body(load_body_model(model.path, torch.float64), betas, IDS), poses, trans)
    found = positions(points, betas, None, local_rotations(poses), trans)
    assert torch.allclose(found.positions, expected.vertices, atol=1e-6)
    assert torch.allclose(found.centers, expected.joints, atol=1e-6)


def test_pose_jacobian_is_the_limit_of_differences(posed):
    points, betas, offsets, poses, trans = posed
    joints = (0, 1, 3, 9, 16, 18, 20)
    local = local_rotations(poses)
    shaped = shape_points(points, betas, offsets)
    start = pose_points(shaped, local, trans)
    jacobian = pose_jacobian(shaped, start, joints)
    for column, joint in enumerate(joints):
        for axis in range(3):
            turned = local.clone()
            turned[:, joint] = local[:, joint] @ rotvec_to_matrix(STEP * torch.eye(3, dtype=torch.float64)[axis])
            difference = (pose_points(shaped, turned, trans).positions - start.positions) / STEP
            assert torch.allclose(jacobian[:, :, column, axis], difference, atol=1e-5)


def test_shape_and_offset_derivatives_are_the_limit_of_differences(posed):
    points, betas, offsets, poses, trans = posed
    local = local_rotations(poses)
    start = positions(points, betas, offsets, local, trans)
    for index in range(6):
        changed = betas + STEP * torch.eye(6, dtype=torch.float64)[index]
        difference = (positions(points, changed, offsets, local, trans).positions - start.positions) / STEP
        assert torch.allclose(shape_jacobian(points, start)[..., index], difference, atol=1e-5)
    shift = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    moved = positions(points, betas, offsets + shift, local, trans)
    assert torch.allclose(moved.positions - start.positions, start.blended @ shift, atol=1e-9)


def test_descendants_of_the_pelvis_are_all_joints(model):
    below = descendants(model.parents, (0, 18))
    assert below[0].all()
    assert set(np.flatnonzero(below[1].numpy())) == {18, 20, *range(25, 40)}
