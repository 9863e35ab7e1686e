"""The bank: the same for the same seed, bodies and poses that differ, arms outside the body."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from odah_gen.body.model import JOINT_NAMES
from odah_gen.body.static_trial import static_poses
from odah_gen.registration.bank import STEPS_BETWEEN_POSES, arms_clear, draw_bank, join_poses, joints_of


@pytest.fixture(scope="module")
def bank(model):
    return draw_bank([model], bodies=3, poses=6, seed=1)


def test_a_seed_is_a_bank(model, bank):
    again = draw_bank([model], bodies=3, poses=6, seed=1)
    assert all(np.array_equal(a.poses, b.poses) and np.array_equal(a.betas, b.betas) for a, b in zip(bank, again))
    other = draw_bank([model], bodies=1, poses=6, seed=2)
    assert not np.array_equal(other[0].betas, bank[0].betas)
    more = draw_bank([model], bodies=4, poses=6, seed=1)
    assert np.array_equal(more[2].poses, bank[2].poses)


def test_every_body_has_its_poses_after_the_static_one(model, bank):
    for body in bank:
        assert body.is_pose.sum() == 6
        assert len(body.poses) == 6 * STEPS_BETWEEN_POSES + 1
        assert not body.is_pose[0]
        assert np.allclose(body.poses[0], static_poses(model, body.betas))


def test_arms_are_clear_of_the_body_in_every_pose(model, bank):
    for body in bank:
        assert all(arms_clear(joints_of(model, body.betas, pose)) for pose in body.poses[body.is_pose])
    crossed = static_poses(model, np.zeros(2)).reshape(55, 3)
    crossed[JOINT_NAMES.index("left_shoulder")] = [0, 0, -1.6]
    assert not arms_clear(joints_of(model, bank[0].betas, crossed.ravel()))


def test_joined_poses_turn_evenly():
    keys = np.zeros((2, 165))
    keys[1, :3] = [0.0, 0.0, 1.2]
    frames, is_key = join_poses(keys, 4)
    assert np.allclose(frames[:, 2], [0, 0.3, 0.6, 0.9, 1.2])
    assert list(is_key) == [True, False, False, False, True]
    assert np.allclose(Rotation.from_rotvec(frames[-1, :3]).magnitude(), 1.2)


def test_collar_bones_rise_with_the_arms(bank):
    """Beside the arm's own rise a collar bone turns by a few degrees only."""
    heights = []
    for body in bank:
        pose = body.poses[body.is_pose].reshape(-1, 55, 3)
        for side, sign in (("left", 1.0), ("right", -1.0)):
            arm = Rotation.from_rotvec(pose[:, JOINT_NAMES.index(f"{side}_shoulder")]).apply([sign, 0, 0])
            collar = Rotation.from_rotvec(pose[:, JOINT_NAMES.index(f"{side}_collar")]).apply([sign, 0, 0])
            heights.append(np.rad2deg(np.stack([np.arcsin(arm[:, 1]), np.arcsin(collar[:, 1])])))
    arm_deg, collar_deg = np.concatenate(heights, axis=1)
    assert np.abs(collar_deg - arm_deg / 9).max() < 6
    assert np.ptp(collar_deg) > 6
