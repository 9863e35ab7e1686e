"""The prior of the body fit: how corrections of the source motion vary over the bank's bodies and poses.

The bank is fitted as a clip is, with nothing but the wide prior of its own that knows no other fit, and the products
of the corrections are averaged. Left and right count as one: every pose is taken in its mirror image too.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.body.model import JOINT_NAMES
from odah_gen.body.skinning import rotvec_to_matrix
from odah_gen.frames import matrix_to_rotvec
from odah_gen.registration.clip_fit import fit_clip_motion
from odah_gen.registration.fit_frames import FitSettings, Motion, Targets, base_rotations, free_joints
from odah_gen.registration.fit_stage import SubjectBody, choose_frames
from odah_gen.registration.subject_fit import fit_subject_shape

SHAPE_FRAMES = 12
RATE_HZ = 30.0
"""Of no consequence: poses of the bank are no motion, and nothing is smoothed."""
NO_FLOOR_M = np.array([0.0, 0.0, 10.0])
"""The bank knows no floor; it is lifted out of its reach."""


def body_corrections(
    subject: SubjectBody, betas: Float[np.ndarray, " betas"], motion: Motion, targets: Targets
) -> Float[np.ndarray, "poses joints 3"]:
    """Corrections (rotation vectors, rad) of `free_joints(())` that bring a body of the bank to its skeleton.

    Args:
        subject: the body's points.
        betas: its shape.
        motion: its poses.
        targets: markers and joint centres of its skeleton in these poses (m).
    """
    settings = FitSettings(smoothness=0.0)
    motion = Motion(motion.poses, motion.trans + NO_FLOOR_M)
    targets = Targets(targets.markers_m + NO_FLOOR_M, targets.joint_centers_m + NO_FLOOR_M)
    chosen = choose_frames(Path("bank"), targets, SHAPE_FRAMES)
    offsets = np.zeros((subject.points.markers, 3))
    shape = fit_subject_shape(subject.points, betas, offsets, motion.take(chosen), targets.take(chosen), settings)
    found = fit_clip_motion(subject.points, shape.betas, shape.offsets_m, motion, targets, RATE_HZ, settings)
    joints = list(free_joints(()))
    before = base_rotations(subject.points, motion.poses, ())[:, joints]
    after = rotvec_to_matrix(torch.as_tensor(found.motion.poses).reshape(-1, 55, 3))[:, joints]
    return matrix_to_rotvec((before.transpose(-1, -2) @ after).numpy())


def mirrored(corrections: Float[np.ndarray, "poses joints 3"]) -> Float[np.ndarray, "poses joints 3"]:
    """Corrections of `free_joints(())` in the mirror image: sides exchanged, y and z the other way round."""
    names = [JOINT_NAMES[joint] for joint in free_joints(())]
    other = {"left": "right", "right": "left"}
    partners = ["_".join(other.get(word, word) for word in name.split("_")) for name in names]
    return corrections[:, [names.index(name) for name in partners]] * np.array([1.0, -1.0, -1.0])


def correction_covariance(corrections: Float[np.ndarray, "poses joints 3"]) -> Float[np.ndarray, "turns turns"]:
    """Mean product of corrections with each other (rad²), about zero, the same for left and right."""
    both = np.concatenate([corrections, mirrored(corrections)]).reshape(2 * len(corrections), -1)
    return both.T @ both / len(both)
