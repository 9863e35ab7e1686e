"""The prior that the bank teaches: left and right alike, and used where a clip leaves a joint open."""

import dataclasses

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from odah_gen.body.model import JOINT_NAMES
from odah_gen.registration.clip_fit import fit_clip_motion
from odah_gen.registration.fit_frames import FitSettings, Motion, Targets, free_joints, prior_precision
from odah_gen.registration.fit_stage import SubjectBody
from odah_gen.registration.prior_training import body_corrections, correction_covariance, mirrored

JOINTS = free_joints(())
NAMES = [JOINT_NAMES[joint] for joint in JOINTS]


def test_mirroring_exchanges_the_sides_and_is_its_own_inverse():
    corrections = np.random.default_rng(0).standard_normal((4, 20, 3))
    left, right = NAMES.index("left_elbow"), NAMES.index("right_elbow")
    assert np.allclose(mirrored(corrections)[:, left], corrections[:, right] * [1, -1, -1])
    assert np.allclose(mirrored(mirrored(corrections)), corrections)


def test_covariance_is_that_of_drawn_corrections():
    generator = np.random.default_rng(1)
    factor = 0.1 * np.tril(generator.standard_normal((60, 60)))
    drawn = (generator.standard_normal((20_000, 60)) @ factor.T).reshape(-1, 20, 3)
    true = correction_covariance((factor.T * np.sqrt(60)).reshape(60, 20, 3))
    assert np.abs(correction_covariance(drawn) - true).max() < 0.05 * np.abs(true).max()


def test_locked_joints_leave_the_prior_of_the_others():
    """Without a joint the prior is what is left when that joint may be anything: its share of the covariance goes."""
    factor = 0.1 * np.random.default_rng(2).standard_normal((60, 60))
    covariance = torch.as_tensor(factor @ factor.T)
    every = torch.linalg.inv(prior_precision(JOINTS, covariance))
    fewer = free_joints(("wrist",))
    kept = torch.cat([torch.arange(3), *(3 + 3 * JOINTS.index(joint) + torch.arange(3) for joint in fewer)])
    assert torch.allclose(torch.linalg.inv(prior_precision(fewer, covariance)), every[kept][:, kept])


def test_a_body_of_the_bank_shows_the_corrections_it_needs(subject, motion):
    """A source that is off by known turns at one elbow and one knee: found but for what markers take up, and hardly any other."""
    poses, known = (
        motion.poses.reshape(-1, 55, 3).copy(),
        {"left_elbow": [0.1, -0.2, 0.0], "right_knee": [0.2, 0.0, 0.1]},
    )
    for name, turn in known.items():
        joint = JOINT_NAMES.index(name)
        poses[:, joint] = (Rotation.from_rotvec(poses[:, joint]) * Rotation.from_rotvec(turn).inv()).as_rotvec()
    offsets = np.zeros((subject.body.markers, 3))
    targets = subject.targets(motion, np.zeros(16), offsets)
    bank_body = SubjectBody(subject.model, None, (), subject.body)
    found = body_corrections(bank_body, np.zeros(16), Motion(poses.reshape(-1, 165), motion.trans), targets)
    assert found.shape == (30, 20, 3)
    for name, turn in known.items():
        assert np.abs(found[:, NAMES.index(name)] - turn).max() < 0.03, name
    others = [index for index, name in enumerate(NAMES) if name not in known]
    assert np.abs(found[:, others]).max() < 0.03


def test_an_unseen_joint_moves_with_those_it_goes_with(subject, motion):
    """Where the bank's spine bends as one, the bend of a part that nothing shows follows the others."""
    spine = [NAMES.index(f"spine{index}") for index in (1, 2, 3)]
    bends = np.zeros((50, 20, 3))
    bends[:, spine, 0] = 0.3 * np.random.default_rng(3).standard_normal((50, 1))
    covariance = torch.as_tensor(correction_covariance(bends))
    offsets = np.zeros((subject.body.markers, 3))
    bent = motion.poses.reshape(-1, 55, 3).copy()
    for index in (3, 6, 9):
        turned = Rotation.from_rotvec(bent[:, index]) * Rotation.from_rotvec([0.1, 0.0, 0.0])
        bent[:, index] = turned.as_rotvec()
    truth = Motion(bent.reshape(-1, 165), motion.trans)
    seen = subject.targets(truth, np.zeros(16), offsets)
    carrier = subject.body.points.weights[: subject.body.markers].argmax(1).numpy()
    trunk = np.isin(carrier, (3, 6, 9))
    markers, centers = seen.markers_m.copy(), seen.joint_centers_m.copy()
    markers[:, trunk], centers[:, [3, 6, 9, 12, 13, 14]] = np.nan, np.nan
    wrong = {}
    for name, prior in {"independent": None, "bank": covariance}.items():
        body = dataclasses.replace(subject.body, correction_covariance=prior)
        found = fit_clip_motion(body, np.zeros(16), offsets, motion, Targets(markers, centers), 30.0, FitSettings())
        away = subject.targets(found.motion, np.zeros(16), offsets).markers_m - seen.markers_m
        wrong[name] = np.linalg.norm(away[:, trunk], axis=-1).mean()
    assert wrong["bank"] < 0.5 * wrong["independent"]
