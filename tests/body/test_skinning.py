"""Skinning against the smplx package, against itself on subsets, and against rigid motion."""

import numpy as np
import pytest
import smplx
import torch
from scipy.spatial.transform import Rotation

from odah_gen.body.model import load_body_model
from odah_gen.body.skinning import pose_body, posed_vertices, rotvec_to_matrix, shape_body
from odah_gen.errors import InputError
from odah_gen.paths import ASSETS

FEMALE = ASSETS / "body" / "free_female.npz"


@pytest.fixture(scope="module")
def model():
    return load_body_model(FEMALE, torch.float64)


@pytest.fixture(scope="module")
def motion():
    """Three frames of lively random motion of all 55 joints."""
    rng = np.random.default_rng(5)
    return {
        "betas": torch.tensor(rng.normal(size=16)),
        "poses": torch.tensor(rng.normal(0, 0.4, (3, 165))),
        "trans": torch.tensor(rng.normal(0, 1, (3, 3))),
        "expression": torch.tensor(rng.normal(size=(3, 10))),
    }


def test_equals_the_smplx_package(model, motion):
    reference = smplx.SMPLX(str(FEMALE), num_betas=16, use_pca=False, flat_hand_mean=True, dtype=torch.float64)
    poses = motion["poses"]
    parts = dict(zip(("global_orient", "body_pose", "jaw_pose", "leye_pose", "reye_pose", "left_hand_pose", "right_hand_pose"),
                     torch.split(poses, [3, 63, 3, 3, 3, 45, 45], dim=1)))  # fmt: skip
    expected = reference(
        betas=motion["betas"].expand(3, -1), transl=motion["trans"], expression=motion["expression"], **parts
    )
    posed = pose_body(shape_body(model, motion["betas"]), poses, motion["trans"], motion["expression"])
    assert float((posed.vertices - expected.vertices).abs().max()) < 1e-5
    assert float((posed.joints - expected.joints[:, :55]).abs().max()) < 1e-5


def test_single_precision_agrees_to_a_hundredth_of_a_millimetre(model, motion):
    single = load_body_model(FEMALE, torch.float32)
    exact = pose_body(shape_body(model, motion["betas"]), motion["poses"], motion["trans"])
    coarse = pose_body(shape_body(single, motion["betas"]), motion["poses"], motion["trans"])
    assert float((exact.vertices - coarse.vertices).abs().max()) < 1e-5


def test_a_subset_equals_the_whole(model, motion):
    ids = [5770, 13_500, 0, 5770, 8846]
    arguments = motion["poses"], motion["trans"], motion["expression"]
    whole = pose_body(shape_body(model, motion["betas"]), *arguments)
    part = pose_body(shape_body(model, motion["betas"], ids), *arguments)
    assert torch.allclose(part.vertices, whole.vertices[:, ids], atol=1e-12)
    assert torch.equal(part.joints, whole.joints)


def test_one_shape_per_frame_equals_frame_by_frame(model, motion):
    betas = torch.stack([motion["betas"] * k for k in (-1.0, 0.0, 1.0)])
    together = pose_body(shape_body(model, betas, [1, 2, 3]), motion["poses"], motion["trans"])
    for frame in range(3):
        alone = pose_body(
            shape_body(model, betas[frame], [1, 2, 3]), motion["poses"][frame, None], motion["trans"][frame, None]
        )
        assert torch.allclose(together.vertices[frame], alone.vertices[0], atol=1e-12)


def test_chunks_of_frames_do_not_change_the_result(model, motion, monkeypatch):
    shaped = shape_body(model, motion["betas"])
    whole = pose_body(shaped, motion["poses"])
    monkeypatch.setattr("odah_gen.body.skinning.FLOATS_PER_CHUNK", 1)
    assert torch.allclose(pose_body(shaped, motion["poses"]).vertices, whole.vertices, atol=1e-12)


def test_a_long_motion_comes_in_parts(model, motion, monkeypatch):
    shaped = shape_body(model, motion["betas"], [5, 600])
    whole = pose_body(shaped, motion["poses"], motion["trans"]).vertices
    monkeypatch.setattr("odah_gen.body.skinning.FRAMES_PER_PART", 2)
    parts = list(posed_vertices(shaped, motion["poses"].numpy(), motion["trans"].numpy()))
    assert [len(part) for part in parts] == [2, 1]
    assert torch.allclose(torch.cat(parts), whole, atol=1e-12)


def test_turning_the_pelvis_turns_the_body_rigidly(model, motion):
    shaped = shape_body(model, motion["betas"], range(0, 13_000, 1000))
    still = torch.cat([torch.zeros(3, 3), motion["poses"][:, 3:]], dim=1)
    turned = still.clone()
    turned[:, :3] = motion["poses"][:, :3]
    before, after = pose_body(shaped, still), pose_body(shaped, turned, motion["trans"])
    rotation = after.rotations[:, 0]
    expected = torch.einsum("tab,tpb->tpa", rotation, before.vertices - before.joints[:, :1])
    assert torch.allclose(after.vertices - after.joints[:, :1], expected, atol=1e-10)
    assert torch.allclose(after.joints[:, 0], shaped.joints[0] + motion["trans"])


def test_rotation_matrices_and_their_derivatives_hold_at_all_angles():
    rng = np.random.default_rng(0)
    for angle in (0.0, 1e-9, 9.99e-3, 1.01e-2, 1.0, 3.1415926, 6.0):
        rotvec = angle * Rotation.random(random_state=rng).apply([0.0, 0, 1])
        vector = torch.tensor(rotvec, requires_grad=True)
        np.testing.assert_allclose(
            rotvec_to_matrix(vector).detach().numpy(), Rotation.from_rotvec(rotvec).as_matrix(), atol=1e-12
        )
        assert torch.autograd.gradcheck(rotvec_to_matrix, (vector,), atol=1e-6)


def test_vertices_are_differentiable_in_shape_and_pose(model, motion):
    betas = motion["betas"].clone().requires_grad_()
    poses = motion["poses"][:1].clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda b, p: pose_body(shape_body(model, b, [7, 4000]), p).vertices, (betas, poses), atol=1e-6
    )


def test_wrong_requests_are_refused(model):
    with pytest.raises(InputError, match="vertex 13524 was asked for; the model has 13524"):
        shape_body(model, torch.zeros(2), [3, 13_524])
    with pytest.raises(InputError, match="vertex -1"):
        shape_body(model, torch.zeros(2), [-1])
    with pytest.raises(InputError, match="301 shape coefficients"):
        shape_body(model, torch.zeros(301))
