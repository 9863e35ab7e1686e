"""The formulae of docs/conventions.md."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from odah_gen.dataset.labels import YAW_FIRST_NAMES, pelvis_yaw_first
from odah_gen.frames import WORLD_FROM_GROUND, ground_to_world, world_to_ground

angle = st.floats(-np.pi, np.pi)
ANTERIOR_TILT = Rotation.from_euler("Z", -10, degrees=True)


def world_from_pelvis(ground_from_pelvis):
    return WORLD_FROM_GROUND @ ground_from_pelvis.as_matrix()


def test_ground_maps_to_world_as_written():
    x, y, z = 0.3, 1.2, -0.4
    np.testing.assert_allclose(ground_to_world(np.array([x, y, z])), [x, -z, y])
    np.testing.assert_allclose(world_to_ground(ground_to_world(np.array([x, y, z]))), [x, y, z])
    assert np.linalg.det(WORLD_FROM_GROUND) == pytest.approx(1)


@pytest.mark.parametrize(("heading", "tilt", "side"), [(0, -10, 0), (45, -7.1, -7.1), (90, 0, -10), (180, 10, 0)])
def test_one_tilt_reads_differently_in_opensim_but_the_same_yaw_first(heading, tilt, side):
    pelvis = Rotation.from_euler("Y", heading, degrees=True) * ANTERIOR_TILT
    np.testing.assert_allclose(pelvis.as_euler("ZXY", degrees=True)[:2], [tilt, side], atol=0.05)
    yaw_first = dict(zip(YAW_FIRST_NAMES, np.rad2deg(pelvis_yaw_first(world_from_pelvis(pelvis)))))
    assert yaw_first == pytest.approx({"yaw": heading, "list": 0, "tilt": -10}, abs=1e-9)


@given(yaw=angle, side=st.floats(-1.5, 1.5), tilt=angle)
def test_yaw_first_angles_recover_the_rotation(yaw, side, tilt):
    pelvis = Rotation.from_euler("YXZ", [yaw, side, tilt])
    angles = pelvis_yaw_first(world_from_pelvis(pelvis))
    again = Rotation.from_euler("YXZ", angles)
    assert (again * pelvis.inv()).magnitude() < 1e-6
    np.testing.assert_allclose(
        Rotation.from_euler("YXZ", pelvis.as_euler("YXZ")).as_matrix(), again.as_matrix(), atol=1e-6
    )


@given(heading=angle, turn=angle, side=st.floats(-1, 1), tilt=angle)
def test_turning_the_world_about_its_vertical_changes_the_yaw_alone(heading, turn, side, tilt):
    before = world_from_pelvis(Rotation.from_euler("YXZ", [heading, side, tilt]))
    after = Rotation.from_euler("Z", turn).as_matrix() @ before
    change = pelvis_yaw_first(after) - pelvis_yaw_first(before)
    np.testing.assert_allclose(np.exp(1j * change), np.exp(1j * np.array([turn, 0, 0])), atol=1e-6)


def test_yaw_is_the_heading_positive_to_the_left():
    facing_left = Rotation.from_euler("Z", 30, degrees=True).as_matrix() @ WORLD_FROM_GROUND
    forward = facing_left @ [1, 0, 0]
    assert forward[1] > 0
    assert np.rad2deg(pelvis_yaw_first(facing_left)[0]) == pytest.approx(np.rad2deg(np.arctan2(forward[1], forward[0])))
