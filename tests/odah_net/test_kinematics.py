"""Key points are OpenSim's, from the pelvis on."""

import numpy as np
import torch

from odah_gen.skeleton.worker import call
from tests.odah_net.conftest import random_angles


def test_36_angles_of_which_9_are_free(kinematics):
    assert len(kinematics.names) == 36
    assert int(kinematics.free.sum()) == 9
    assert torch.isfinite(kinematics.lower[~kinematics.free]).all()


def test_key_points_equal_opensim(kinematics, generic_text):
    angles = random_angles(kinematics, 5)
    angles[:, kinematics.columns(("knee_angle_r_beta", "knee_angle_l_beta"))] = angles[
        :, kinematics.columns(("knee_angle_r", "knee_angle_l"))
    ]
    names = kinematics.forward.skeleton.coordinate_names
    coordinates = np.zeros((5, len(names)))
    coordinates[:, [names.index(name) for name in kinematics.names]] = angles
    replay = call("replay", text=generic_text, names=names, coordinates=coordinates)
    expected = np.concatenate([replay.mass_centers_m, replay.joint_centers_m], 1)
    expected = expected - replay.joint_centers_m[:, [replay.joint_names.index("ground_pelvis")]]
    found = kinematics.key_points(angles, torch.ones(5, 22, 3, dtype=torch.float64))
    assert np.abs(found.numpy() - expected).max() < 1e-6


def test_larger_bodies_move_key_points_apart_in_proportion(kinematics):
    angles, factors = random_angles(kinematics, 3, seed=1), torch.ones(3, 22, 3, dtype=torch.float64)
    assert torch.allclose(kinematics.key_points(angles, 1.2 * factors), 1.2 * kinematics.key_points(angles, factors))


def test_the_sign_of_a_scale_factor_does_not_matter(kinematics):
    angles, factors = random_angles(kinematics, 2, seed=2), torch.full((2, 22, 3), 0.9, dtype=torch.float64)
    assert torch.equal(kinematics.key_points(angles, -factors), kinematics.key_points(angles, factors))
