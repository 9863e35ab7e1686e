"""Limits of knees and elbows: exact derivatives, the meaning of the angles, and a fit that stays within them."""

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from odah_gen.body.model import JOINT_NAMES
from odah_gen.body.skinning import rotvec_to_matrix
from odah_gen.registration.clip_fit import fit_clip_motion
from odah_gen.registration.fit_frames import FitSettings, Motion, Targets, free_joints
from odah_gen.registration.limits import correction_limits, joint_limits

JOINTS = free_joints(())
KNEE = JOINT_NAMES.index("left_knee")


def random_case() -> tuple:
    """Limits of a random motion, and corrections that go beyond many of them."""
    generator = torch.Generator().manual_seed(4)
    local = rotvec_to_matrix(0.5 * torch.randn(5, 55, 3, generator=generator, dtype=torch.float64))
    return correction_limits(local, JOINTS), torch.randn(5, 63, generator=generator, dtype=torch.float64)


def cost(limits, rows: torch.Tensor) -> torch.Tensor:
    return 0.5 * limits.excess(rows).square().sum()


def test_gradient_and_second_derivative_are_those_of_the_cost():
    limits, rows = random_case()
    assert (limits.excess(rows) != 0).sum() > 10
    wanted = rows.clone().requires_grad_()
    cost(limits, wanted).backward()
    assert torch.allclose(limits.gradient(rows), wanted.grad)
    blocks = torch.zeros(5, 63, 63, dtype=torch.float64)
    limits.add_to(blocks, rows)
    hessian = torch.func.hessian(lambda row: cost(limits, row.reshape(5, 63)))(rows.flatten())
    assert torch.allclose(torch.block_diag(*blocks), hessian, atol=1e-6)


def test_the_source_itself_costs_nothing():
    limits, rows = random_case()
    assert cost(limits, torch.zeros_like(rows)) == 0


def test_slopes_tell_how_a_correction_changes_the_angles():
    for name, order in (("left_knee", "XYZ"), ("right_elbow", "YXZ")):
        rotation = Rotation.from_euler(order, [0.4, -0.3, 0.2])
        slopes, _, _ = joint_limits(rotation.as_matrix()[None], name)
        small = 1e-6 * np.array([0.3, -1.0, 0.6])
        change = (rotation * Rotation.from_rotvec(small)).as_euler(order) - rotation.as_euler(order)
        assert np.allclose(slopes[0] @ small, change, atol=1e-11), name


def test_sides_mirror_each_other():
    """A right joint in the mirrored pose may go as far as the left one, y and z the other way round."""
    turn = np.array([0.4, -0.3, 0.1])
    for part in ("knee", "elbow"):
        left, right = (
            joint_limits(Rotation.from_rotvec(turn * sign).as_matrix()[None], f"{side}_{part}")
            for side, sign in (("left", [1, 1, 1]), ("right", [1, -1, -1]))
        )
        order = {"knee": "XYZ", "elbow": "YXZ"}[part]
        for axis, letter in enumerate(order):
            low, high = left[1][0, axis], left[2][0, axis]
            wanted = (low, high) if letter == "X" else (-high, -low)
            assert np.allclose((right[1][0, axis], right[2][0, axis]), wanted)


def bent_back(motion: Motion, angle_deg: float) -> Motion:
    """The motion with a left knee that is straight but for the angle."""
    poses = motion.poses.reshape(-1, 55, 3).copy()
    poses[:, KNEE] = [np.deg2rad(angle_deg), 0.0, 0.0]
    return Motion(poses.reshape(-1, 165), motion.trans)


def knee_deg(motion: Motion) -> np.ndarray:
    """Angles of the left knee about x, y, z in every frame."""
    return Rotation.from_rotvec(motion.poses.reshape(-1, 55, 3)[:, KNEE]).as_euler("XYZ", degrees=True)


def test_a_label_that_bends_the_knee_back_is_not_followed(subject, motion):
    """One stray marker on each shank asks for a knee that is bent back by 40°; nothing else shows the shank."""
    source, wrong = bent_back(motion, 10.0), bent_back(motion, -40.0)
    targets = subject.targets(wrong, np.zeros(16), np.zeros((subject.body.markers, 3)))
    free = fit_clip_motion(
        subject.body,
        np.zeros(16),
        np.zeros((subject.body.markers, 3)),
        source,
        few(subject, targets),
        30.0,
        FitSettings(),
    )
    assert knee_deg(free.motion)[:, 0].min() > -5 - 3
    assert np.abs(knee_deg(free.motion)[:, 1]).max() < 25 + 3


def few(subject, targets: Targets) -> Targets:
    """The targets without all but one marker of the left shank, foot and toes, and without their joint centres."""
    lower = [JOINT_NAMES.index(f"left_{part}") for part in ("knee", "ankle", "foot")]
    carrier = subject.body.points.weights[: subject.body.markers].argmax(1).numpy()
    hidden = np.flatnonzero(np.isin(carrier, lower))[1:]
    markers, centers = targets.markers_m.copy(), targets.joint_centers_m.copy()
    markers[:, hidden] = np.nan
    centers[:, [JOINT_NAMES.index("left_ankle"), JOINT_NAMES.index("left_foot")]] = np.nan
    return Targets(markers, centers)


def test_a_source_beyond_its_range_is_not_fought(subject, motion):
    source = bent_back(motion, -20.0)
    offsets = np.zeros((subject.body.markers, 3))
    found = fit_clip_motion(
        subject.body, np.zeros(16), offsets, source, subject.targets(source, np.zeros(16), offsets), 30.0, FitSettings()
    )
    assert np.allclose(knee_deg(found.motion)[:, 0], -20.0, atol=0.1)
