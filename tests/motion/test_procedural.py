import numpy as np
import pytest
import torch

from odah_gen.body.model import JOINT_NAMES
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.motion.procedural import ACTIONS, RATE_HZ, Style, draw_style, procedural_clip
from odah_gen.motion.walking import ANKLE_DEG, HIP_DEG, KNEE_DEG, STANCE, series

JOINT = {name: index for index, name in enumerate(JOINT_NAMES)}
SOLE_M = 0.012


class Seen:
    """A clip of two seconds on a body: joints and soles in the world."""

    def __init__(self, physiques, action, who, style=None, seed=4):
        model, betas, body = physiques[who]
        style = style or Style()
        self.body = body
        self.clip = procedural_clip(action, body, "female", 2.0, np.random.default_rng(seed), style)
        rest = shape_body(model, torch.as_tensor(betas)).vertices.numpy()
        owner = model.weights.argmax(dim=1).numpy()
        self.parts = {
            name: np.flatnonzero((owner == JOINT[name]) & (rest[:, 1] < body.sole_m + SOLE_M))
            for name in ("left_ankle", "right_ankle", "left_foot", "right_foot")
        }
        ids = np.concatenate(list(self.parts.values()))
        poses, trans = torch.as_tensor(self.clip.poses), torch.as_tensor(self.clip.trans)
        posed = pose_body(shape_body(model, torch.as_tensor(betas), ids), poses, trans)
        self.joints = posed.joints.double().numpy()
        self.soles = posed.vertices.double().numpy()

    def at(self, name):
        return self.joints[:, JOINT[name]]


@pytest.fixture(scope="module")
def seen(physiques):
    return {(action, who): Seen(physiques, action, who) for action in ACTIONS for who in ("small", "tall")}


@pytest.fixture(params=[(action, who) for action in ACTIONS for who in ("small", "tall")], ids=lambda p: "-".join(p))
def one(request, seen):
    return request.param[0], seen[request.param]


def test_motion_is_finite_smooth_and_upright(one):
    _, motion = one
    poses = motion.clip.poses
    assert poses.shape == (241, 165)
    assert np.isfinite(poses).all()
    assert np.isfinite(motion.clip.trans).all()
    rates = np.linalg.norm(np.diff(poses.reshape(-1, 55, 3)[:, 1:], axis=0), axis=2) * RATE_HZ
    assert rates.max() < 20
    assert np.linalg.norm(np.diff(motion.clip.trans, axis=0), axis=1).max() * RATE_HZ < 3.5
    assert (motion.at("head")[:, 2] > motion.at("pelvis")[:, 2] + 0.3).all()


def test_left_is_left_and_the_body_faces_x(one):
    _, motion = one
    for left, right in (("left_hip", "right_hip"), ("left_shoulder", "right_shoulder"), ("left_knee", "right_knee")):
        assert (motion.at(left)[:, 1] > motion.at(right)[:, 1] + 0.03).all()
    assert ((motion.at("left_foot") - motion.at("left_ankle"))[:, 0] > -0.05).all()


def test_knees_and_elbows_bend_the_right_way(one):
    _, motion = one
    for side in ("left", "right"):
        hip, knee, ankle = (motion.at(f"{side}_{part}") for part in ("hip", "knee", "ankle"))
        thigh, shank = knee - hip, ankle - knee
        assert (np.cross(thigh, shank)[:, 1] > -1e-3).all()
        shoulder, elbow, wrist = (motion.at(f"{side}_{part}") for part in ("shoulder", "elbow", "wrist"))
        bend = np.degrees(angle(elbow - shoulder, wrist - elbow))
        assert (bend < 145).all()
        hanging = wrist[0, 2] < elbow[0, 2]
        assert hanging
        assert wrist[0, 0] > elbow[0, 0] - 0.12


def angle(first, second):
    return np.arctan2(np.linalg.norm(np.cross(first, second), axis=1), np.sum(first * second, axis=1))


def test_feet_stand_on_the_floor_and_do_not_slide(one):
    action, motion = one
    height = motion.soles[..., 2]
    assert height.min() > -0.01
    in_the_air = height.min(axis=1) > 0.01
    assert in_the_air.any() == (action == "jumping")
    down = (height[1:] < 0.003) & (height[:-1] < 0.003)
    speed = np.linalg.norm(np.diff(motion.soles[..., :2], axis=0), axis=2) * RATE_HZ
    assert np.percentile(speed[down], 95) < 0.05
    assert np.mean(speed[down]) < 0.02
    if action in ("sitting", "waving"):
        assert np.abs(motion.soles - motion.soles[0]).max() < 1e-3


def test_soles_are_flat_in_mid_stance(seen):
    for who in ("small", "tall"):
        motion = seen["walking", who]
        flat = 0
        for side in ("left", "right"):
            ids = np.concatenate([motion.parts[f"{side}_ankle"], motion.parts[f"{side}_foot"]])
            order = np.concatenate(list(motion.parts.values()))
            height = motion.soles[:, np.isin(order, ids), 2]
            flat += np.mean(height.max(axis=1) < 0.02)
        assert flat > 0.25


def test_walking_advances_and_each_stance_is_one_footprint(seen):
    for who, wanted in (("small", 1.1), ("tall", 1.28)):
        motion = seen["walking", who]
        assert (motion.at("pelvis")[-1] - motion.at("pelvis")[0])[0] / 2.0 == pytest.approx(wanted, abs=0.12)
        bob = np.ptp(motion.at("pelvis")[:, 2])
        assert 0.015 < bob < 0.06
        knee = np.degrees(
            angle(motion.at("left_knee") - motion.at("left_hip"), motion.at("left_ankle") - motion.at("left_knee"))
        )
        assert 55 < knee.max() < 78
        assert knee.min() < 12
        ball = motion.at("left_foot")
        still = np.linalg.norm(np.diff(ball[:, :2], axis=0), axis=1) * RATE_HZ < 0.02
        runs = np.split(np.arange(len(still)), np.flatnonzero(np.diff(still.astype(int))) + 1)
        stances = [run for run in runs if still[run[0]] and len(run) > 20]
        assert stances
        for run in stances:
            assert np.ptp(ball[run], axis=0).max() < 0.01


def test_arms_swing_against_the_legs(seen):
    motion = seen["walking", "small"]
    arm = motion.at("left_wrist")[:, 0] - motion.at("pelvis")[:, 0]
    leg = motion.at("left_ankle")[:, 0] - motion.at("pelvis")[:, 0]
    assert np.corrcoef(arm, leg)[0, 1] < -0.6


def test_sitting_ends_on_a_chair(seen):
    for who in ("small", "tall"):
        motion = seen["sitting", who]
        hips = (motion.at("left_hip") + motion.at("right_hip")) / 2
        knees = (motion.at("left_knee") + motion.at("right_knee")) / 2
        assert hips[-1, 2] - knees[-1, 2] == pytest.approx(0.05, abs=0.03)
        assert 0.43 < hips[-1, 2] < 0.66
        assert hips[-1, 0] < motion.at("left_ankle")[-1, 0] - 0.25
        assert np.ptp(hips[-15:], axis=0).max() < 0.005
        trunk = motion.at("neck") - motion.at("pelvis")
        lean = np.degrees(np.arctan2(trunk[:, 0], trunk[:, 2]))
        assert 35 < lean.max() < 60
        assert abs(lean[-1]) < 15
        for side in ("left", "right"):
            wrist = motion.at(f"{side}_wrist")[-1]
            assert hips[-1, 0] < wrist[0] < knees[-1, 0]
            assert 0.03 < wrist[2] - hips[-1, 2] < 0.2


@pytest.mark.parametrize(("side", "up", "down"), [(0, "left", "right"), (1, "right", "left")])
def test_waving_raises_the_wanted_hand(physiques, side, up, down):
    motion = Seen(physiques, "waving", "small", Style(side=side))
    late = slice(110, None)
    assert (motion.at(f"{up}_wrist")[late, 2] > motion.at(f"{up}_shoulder")[late, 2] + 0.02).all()
    assert (motion.at(f"{up}_elbow")[late, 2] < motion.at(f"{up}_shoulder")[late, 2]).all()
    assert (motion.at(f"{down}_wrist")[late, 2] < motion.at("pelvis")[late, 2] + 0.1).all()
    sideways = motion.at(f"{up}_wrist")[late, 1]
    assert np.ptp(sideways) > 0.08
    assert np.count_nonzero(np.diff(np.sign(np.diff(sideways)))) >= 3


def test_a_jump_obeys_gravity_and_lands_where_it_started(seen):
    for who in ("small", "tall"):
        motion = seen["jumping", who]
        height = motion.at("pelvis")[:, 2]
        flying = np.flatnonzero(motion.soles[..., 2].min(axis=1) > 0.02)
        assert (np.diff(flying) == 1).all()
        inside = flying[3:-3]
        fall = (height[inside + 1] - 2 * height[inside] + height[inside - 1]) * RATE_HZ**2
        np.testing.assert_allclose(fall, -9.81, atol=0.1)
        assert 0.15 < height.max() - height[0] < 0.45
        assert height[0] - height.min() > 0.18
        np.testing.assert_allclose(motion.at("left_ankle")[-1], motion.at("left_ankle")[0], atol=1e-6)
        np.testing.assert_allclose(height[-1], height[0], atol=1e-3)


@pytest.mark.parametrize("action", ACTIONS)
def test_the_seed_decides_and_style_matters(physiques, action):
    body = physiques["small"][2]

    def make(seed, style):
        return procedural_clip(action, body, "female", 1.0, np.random.default_rng(seed), style).poses

    first = make(3, Style())
    np.testing.assert_array_equal(first, make(3, Style()))
    assert np.abs(first - make(4, Style())).max() > 1e-3
    assert np.abs(first - make(3, Style(amplitude=1.1))).max() > 1e-2
    assert np.abs(first - make(3, Style(speed=1.08))).max() > 1e-2


def test_styles_stay_near_normal():
    styles = [draw_style(np.random.default_rng(seed)) for seed in range(200)]
    assert all(0.9 < style.speed < 1.1 and 0.85 < style.amplitude < 1.15 for style in styles)
    assert 0.7 < np.mean([style.side for style in styles]) < 0.9


def test_the_fourier_series_stands_for_its_table():
    phase = np.arange(20) / 20
    for table in (HIP_DEG, KNEE_DEG, ANKLE_DEG):
        np.testing.assert_allclose(np.degrees(series(table, phase)), table, atol=1.5)
    assert 0.55 < STANCE < 0.65
