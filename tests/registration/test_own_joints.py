"""The body's own joints where they mean what the skeleton's mean."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from odah_gen.body.model import JOINT_NAMES
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.registration.bank import draw_bank, joints_of
from odah_gen.registration.own_joints import across, hinge_axes, own_centers_alike
from odah_gen.skeleton.table import joint_names

NUMBERS = st.floats(-1, 1, width=32)


@pytest.fixture(scope="module")
def body(model):
    return draw_bank([model], bodies=1, poses=4, seed=3)[0]


def posed(body):
    return pose_body(shape_body(body.model, torch.as_tensor(body.betas), [0]), torch.as_tensor(body.poses))


def turned(body, joint, turns):
    """The body with a rotation in the place of one joint's, the same for all frames."""
    poses = body.poses.reshape(-1, 55, 3).copy()
    poses[:, JOINT_NAMES.index(joint)] = turns
    return dataclasses.replace(body, poses=poses.reshape(len(poses), 165))


@pytest.mark.parametrize("side", ["left", "right"])
def test_shoulders_are_those_of_the_pose_with_the_static_trials_collars(body, side):
    found = own_centers_alike(body, posed(body))[:, joint_names().index(f"acromial_{side[0]}")]
    still = body.poses[0].reshape(55, 3)[JOINT_NAMES.index(f"{side}_collar")]
    twin = [joints_of(body.model, body.betas, pose) for pose in turned(body, f"{side}_collar", still).poses]
    assert np.allclose(found, np.stack(twin)[:, JOINT_NAMES.index(f"{side}_shoulder")], atol=1e-5)


@pytest.mark.parametrize(("hinge", "joint", "axis"), [("walker_knee", "knee", 0), ("elbow", "elbow", 1)])
@pytest.mark.parametrize("side", ["left", "right"])
def test_hinge_axis_is_the_one_that_bending_turns_about(body, hinge, joint, axis, side):
    bent = 0.8 * np.eye(3)[axis]
    before, after = (
        posed(turned(body, f"{side}_{joint}", turn)).rotations[:, JOINT_NAMES.index(f"{side}_{joint}")].double().numpy()
        for turn in (np.zeros(3), bent)
    )
    seen = Rotation.from_matrix(after @ before.transpose(0, 2, 1)).as_rotvec()
    axes = hinge_axes(posed(body))[:, joint_names().index(f"{hinge}_{side[0]}")]
    assert np.allclose(seen, 0.8 * axes, atol=1e-5)


def test_other_joints_have_no_hinge(body):
    hinged = {name for name, axis in zip(joint_names(), hinge_axes(posed(body))[0]) if axis.any()}
    assert hinged == {"walker_knee_r", "walker_knee_l", "elbow_r", "elbow_l"}


@given(arrays(np.float64, (2, 1, 3), elements=NUMBERS), st.floats(-1, 1))
def test_places_along_an_axis_are_the_same_place(vectors, along):
    axis = vectors[0] + [3.0, 0.0, 0.0]
    axis = axis[None] / np.linalg.norm(axis)
    gap = vectors[1][None]
    assert np.allclose(across(gap + along * axis, axis), across(gap, axis), atol=1e-12)
    assert np.allclose((across(gap, axis) * axis).sum(-1), 0, atol=1e-12)
    assert np.array_equal(across(gap, np.zeros_like(gap)), gap)
