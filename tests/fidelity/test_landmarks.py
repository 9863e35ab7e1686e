"""Landmarks: a frame that is tilted or displaced in its body shows as just that turn and shift."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from odah_gen.fidelity.landmarks import Listed, centers_from_skin, frame_errors
from odah_gen.skeleton.kinematics import Replay

GENERATOR = np.random.default_rng(4)
FRAMES, BODIES, POINTS = 3, ("pelvis", "femur_r"), 5


@pytest.fixture
def replay():
    rotations = Rotation.random(FRAMES * 2, rng=np.random.default_rng(5)).as_matrix().reshape(FRAMES, 2, 3, 3)
    origins = np.random.default_rng(6).standard_normal((FRAMES, 2, 3))
    nothing = np.zeros((FRAMES, 0, 3))
    return Replay(BODIES, (), (), nothing, origins, nothing, origins, rotations)


def on_skin(replay, bodies, places):
    """Where bodies carry places."""
    index = [BODIES.index(name) for name in bodies]
    return np.einsum("tpij,pj->tpi", replay.body_rotations[:, index], places) + replay.body_origins_m[:, index]


def test_turn_and_shift_of_each_frame_come_back(replay):
    bodies = ("pelvis",) * POINTS + ("femur_r",) * POINTS
    places = GENERATOR.standard_normal((2 * POINTS, 3))
    weights = GENERATOR.uniform(1, 10, 2 * POINTS)
    skin = places.copy()
    middle = weights[:POINTS] @ places[:POINTS] / weights[:POINTS].sum()
    skin[:POINTS] = Rotation.from_rotvec([0, 0, 0.1]).apply(places[:POINTS] - middle) + middle
    skin[POINTS:] += [0.0, 0.02, 0.0]
    valid = np.array([True, False, True])
    seen = on_skin(replay, bodies, skin)
    seen[1] = np.nan
    errors = frame_errors(Listed(bodies, places, weights), seen, replay, valid)
    assert errors["pelvis"] == pytest.approx((0.1, 0.0), abs=1e-9)
    assert errors["femur_r"] == pytest.approx((0.0, 0.02), abs=1e-7)


def test_two_landmarks_and_those_without_weight_make_no_frame(replay):
    bodies = ("pelvis",) * POINTS
    places, weights = GENERATOR.standard_normal((POINTS, 3)), np.array([1.0, 1.0, 0.0, 0.0, 0.0])
    errors = frame_errors(Listed(bodies, places, weights), on_skin(replay, bodies, places), replay, np.ones(3, bool))
    assert errors == {}


def test_a_joint_without_landmarks_is_left_out():
    centers = centers_from_skin(("RASI", "LASI", "RPSI", "LPSI", "RLFC"), GENERATOR.standard_normal((2, 5, 3)))
    assert set(centers) == {"hip_r", "hip_l"}


def test_centres_lie_between_their_landmarks():
    names = ("RASI", "LASI", "RPSI", "LPSI", "RLFC", "RMFC", "LLFC", "LMFC", "RLMAL", "RMMAL", "LLMAL", "LMMAL")
    points = GENERATOR.standard_normal((2, len(names), 3))
    points[:, :4] = [[0.1, 1, 0.12], [0.1, 1, -0.12], [-0.06, 1.02, 0.05], [-0.06, 1.02, -0.05]]
    centers = centers_from_skin(names, points)
    assert np.allclose(centers["walker_knee_l"], points[:, 6:8].mean(1))
    assert np.allclose(centers["ankle_r"], points[:, 8:10].mean(1))
    assert np.allclose(centers["hip_r"] + centers["hip_l"], 2 * centers["hip_r"] * [1, 1, 0])
    assert 0.07 < centers["hip_r"][0, 2] < 0.1
