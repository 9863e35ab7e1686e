"""The body fit: recovers what is known, leaves alone what it must not touch, smooths noise but not motion."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from odah_gen.body.model import JOINT_NAMES
from odah_gen.farthest_points import farthest_points
from odah_gen.registration.clip_fit import fit_clip_motion
from odah_gen.registration.fit_frames import FitSettings, Motion, Targets, base_rotations, free_joints, right_jacobian
from odah_gen.registration.subject_fit import fit_subject_shape

FPS = 30.0
EXACT = FitSettings(smoothness=0.0)
FREE = free_joints(())


def disturbed(motion: Motion, size_rad: float, seed: int = 5) -> Motion:
    """A source motion that is wrong by a constant rotation in every joint that may move, as far as it may, and by 2 cm."""
    poses = motion.poses.reshape(-1, 55, 3).copy()
    wrong = size_rad * np.random.default_rng(seed).standard_normal((55, 3))
    wrong[[JOINT_NAMES.index(f"{side}_foot") for side in ("left", "right")], 1:] = 0  # Toes only bend.
    for joint in FREE:
        if "collar" not in JOINT_NAMES[joint]:
            turned = Rotation.from_rotvec(poses[:, joint]) * Rotation.from_rotvec(wrong[joint])
            poses[:, joint] = turned.as_rotvec()
    return Motion(poses.reshape(-1, 165), motion.trans + 0.02)


def angles_deg(first: Motion, second: Motion) -> np.ndarray:
    """Angle between the rotations of two motions, [frames, joints]."""
    a = Rotation.from_rotvec(first.poses.reshape(-1, 3))
    b = Rotation.from_rotvec(second.poses.reshape(-1, 3))
    return np.rad2deg((a.inv() * b).magnitude()).reshape(len(first.poses), 55)


def no_offsets(subject) -> np.ndarray:
    return np.zeros((subject.body.markers, 3))


def test_clip_recovers_a_known_motion(subject, motion):
    betas = 0.5 * np.random.default_rng(0).standard_normal(16)
    offsets = 0.005 * np.random.default_rng(1).standard_normal((subject.body.markers, 3))
    targets = subject.targets(motion, betas, offsets)
    found = fit_clip_motion(subject.body, betas, offsets, disturbed(motion, 0.15), targets, FPS, EXACT)
    assert found.joint_center_mm.mean() < 0.5
    assert found.marker_mm.max() < 1.0
    assert np.abs(found.motion.trans - motion.trans).max() < 1e-3
    assert angles_deg(found.motion, motion).max() < 1.0


def test_subject_recovers_shape_and_marker_offsets(subject, motion):
    generator = np.random.default_rng(2)
    own = 0.5 * generator.standard_normal(16)
    true = own + 0.15 * generator.standard_normal(16)
    normals = subject.body.normals.numpy()
    sideways = np.cross(normals, generator.standard_normal(normals.shape))
    offsets = 0.006 * sideways / np.linalg.norm(sideways, axis=1, keepdims=True)
    frames = farthest_points(subject.targets(motion, true, offsets).joint_centers_m.reshape(30, 1, -1), 8)
    wrong = disturbed(motion, 0.1).take(frames)
    targets = subject.targets(motion.take(frames), true, offsets)
    found = fit_subject_shape(subject.body, own, no_offsets(subject), wrong, targets, EXACT)
    assert found.joint_center_mean_mm < 1.0
    assert found.marker_mean_mm < 1.0
    assert np.linalg.norm(found.offsets_m - offsets, axis=1).mean() < 0.5 * 0.006
    assert subject_distance_mm(subject, found.betas, true) < 0.5 * subject_distance_mm(subject, own, true)


def subject_distance_mm(subject, first: np.ndarray, second: np.ndarray) -> float:
    """Mean distance of the body's points at rest between two shapes."""
    return float(1000 * np.linalg.norm(subject.body.points.shape_basis.numpy() @ (first - second), axis=-1).mean())


def test_shape_stays_without_evidence(subject, motion):
    own = 0.5 * np.random.default_rng(4).standard_normal(16)
    few = motion.take([3, 20])
    still = no_offsets(subject)
    found = fit_subject_shape(subject.body, own, still, few, subject.targets(few, own, still), EXACT)
    assert np.abs(found.betas - own).max() < 1e-6
    assert np.abs(found.offsets_m).max() < 1e-6


def test_smoothness_calms_noise(subject, motion):
    betas = np.zeros(16)
    clean = subject.targets(motion, betas, no_offsets(subject))
    generator = np.random.default_rng(6)
    noisy = Targets(
        clean.markers_m + 0.01 * generator.standard_normal(clean.markers_m.shape),
        clean.joint_centers_m + 0.01 * generator.standard_normal(clean.joint_centers_m.shape),
    )
    jitter = {}
    for smoothness in (0.0, 0.3):
        settings = dataclasses.replace(EXACT, smoothness=smoothness)
        found = fit_clip_motion(subject.body, betas, no_offsets(subject), motion, noisy, FPS, settings)
        centers = subject.targets(found.motion, betas, no_offsets(subject)).joint_centers_m
        jitter[smoothness] = np.linalg.norm(np.diff(centers - clean.joint_centers_m, 2, axis=0), axis=-1).mean()
    assert jitter[0.3] < 0.5 * jitter[0.0]


def test_smoothness_does_not_blur_a_fast_motion(subject, motion):
    fast = motion.poses.copy()
    elbow = 3 * JOINT_NAMES.index("left_elbow") + 1
    fast[:, elbow] = -1.0 + 1.0 * np.sin(2 * np.pi * 6 * np.arange(30) / FPS)
    fast_motion = Motion(fast, motion.trans)
    targets = subject.targets(fast_motion, np.zeros(16), no_offsets(subject))
    settings = dataclasses.replace(EXACT, smoothness=0.3)
    found = fit_clip_motion(
        subject.body, np.zeros(16), no_offsets(subject), disturbed(fast_motion, 0.05), targets, FPS, settings
    )
    assert angles_deg(found.motion, fast_motion)[:, JOINT_NAMES.index("left_elbow")].max() < 1.0
    assert found.joint_center_mm.mean() < 1.0


def test_locked_joints_rest_and_copied_joints_follow_the_source(subject, motion):
    targets = subject.targets(motion, np.zeros(16), no_offsets(subject))
    source = disturbed(motion, 0.1)
    head = source.poses.copy()
    head[:, 36:39] = head[:, 45:48] = 0.2
    source = Motion(head, source.trans)
    settings = FitSettings(locked=("mtp", "wrist", "subtalar"))
    found = fit_clip_motion(subject.body, np.zeros(16), no_offsets(subject), source, targets, FPS, settings).motion
    poses = found.poses.reshape(-1, 55, 3)
    for name in ("left_foot", "right_foot", "left_wrist", "right_wrist"):
        assert np.abs(poses[:, JOINT_NAMES.index(name)]).max() == 0
    kept = [JOINT_NAMES.index("neck"), JOINT_NAMES.index("head"), *range(22, 55)]
    assert (poses[:, kept] == source.poses.reshape(-1, 55, 3)[:, kept]).all()


def test_frames_without_targets_are_bridged(subject, motion):
    targets = subject.targets(motion, np.zeros(16), no_offsets(subject))
    holes = dataclasses.replace(targets, markers_m=targets.markers_m.copy())
    holes.markers_m[10:13] = np.nan
    holes.markers_m[:, 5] = np.nan
    found = fit_clip_motion(
        subject.body, np.zeros(16), no_offsets(subject), disturbed(motion, 0.05), holes, FPS, FitSettings()
    )
    assert np.isfinite(found.motion.poses).all()
    assert np.nanmean(found.joint_center_mm) < 2.0
    assert np.isnan(found.marker_mm[11]).all()


@pytest.mark.parametrize("frames", [1, 2])
def test_very_short_clips(subject, motion, frames):
    short = motion.take(range(frames))
    targets = subject.targets(short, np.zeros(16), no_offsets(subject))
    found = fit_clip_motion(
        subject.body, np.zeros(16), no_offsets(subject), disturbed(short, 0.05), targets, FPS, FitSettings()
    )
    assert found.joint_center_mm.mean() < 0.5


def test_collars_start_from_the_static_trial(subject, motion):
    poses = motion.poses.copy()
    poses[:, 39:45] = 0.4
    local = base_rotations(subject.body, poses, ())
    assert np.allclose(local[:, 13:15], subject.body.static_rotations[13:15])
    assert np.allclose(local[:, 16], Rotation.from_rotvec(poses[:, 48:51]).as_matrix())


def test_right_jacobian_is_the_limit_of_differences():
    for vector in ([0.0, 0.0, 0.0], [1e-3, 2e-3, 0.0], [0.3, -1.0, 0.7]):
        found = right_jacobian(np_to_torch(vector)).numpy()
        for axis in range(3):
            step = np.array(vector) + 1e-7 * np.eye(3)[axis]
            turned = (Rotation.from_rotvec(vector).inv() * Rotation.from_rotvec(step)).as_rotvec() / 1e-7
            assert np.allclose(found[:, axis], turned, atol=1e-6)


def np_to_torch(values):
    import torch

    return torch.tensor(values, dtype=torch.float64)
