"""Our forward kinematics beside OpenSim's."""

import numpy as np
import torch

from odah_gen.skeleton import opensim_tasks
from odah_gen.skeleton.forward import ForwardKinematics


def assert_as_opensim(text, skeleton, coordinates, scales=None, dtype=torch.float64, atol_m=1e-9):
    """Joint centres, mass centres, markers and rotations of our kinematics and of OpenSim's model in `text`."""
    kinematics = ForwardKinematics(skeleton, dtype)
    factors = None if scales is None else torch.as_tensor(scales, dtype=dtype)
    pose = kinematics.move(torch.as_tensor(coordinates, dtype=dtype), factors)
    truth = opensim_tasks.replay(text, skeleton.coordinate_names, coordinates)
    pairs = [
        (pose.joint_centers_m, truth.joint_centers_m),
        (pose.origins_m, truth.body_origins_m),
        (pose.rotations, truth.body_rotations),
        (kinematics.mass_centers(pose, factors), truth.mass_centers_m),
        (kinematics.markers(pose, factors), truth.markers_m),
    ]
    for found, expected in pairs:
        assert found.shape == expected.shape
        np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=atol_m)
