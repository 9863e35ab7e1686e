"""The body model's own joints, against which a regressor is judged beside the skeleton's.

Two kinds of them mean something else than the skeleton's. Any point of the axis that a hinge bends about is its centre:
the skeleton's elbow is the origin of its ulna, a body model's the middle of the arm. And the skeleton has no scapula:
its shoulders stand on the trunk where the static trial has them, a body model's rise with the collar bones.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.body.skinning import PosedBody, pose_body, rotvec_to_matrix, shape_body
from odah_gen.registration.bank import BankBody, draw_bank
from odah_gen.registration.regressor import JointErrors, JointRegressor
from odah_gen.skeleton.table import joint_names

OWN_JOINTS = {
    "hip": "hip",
    "walker_knee": "knee",
    "ankle": "ankle",
    "acromial": "shoulder",
    "elbow": "elbow",
    "radius_hand": "wrist",
}
"""Joints of the skeleton that the body model has, too."""
HINGES = {"walker_knee": ("hip", (1.0, 0.0, 0.0)), "elbow": ("shoulder", (0.0, 1.0, 0.0))}
"""Axes that the bank bends knees and elbows about, in the frame of the mesh joint that carries thigh or upper arm."""
SIDES = {"r": "right", "l": "left"}
NEW_BODIES = 8


def own_errors(regressor: JointRegressor, models: Sequence[BodyModel], poses: int, seed: int) -> dict[str, JointErrors]:
    """How far regressed centres lie from the own joints of new bodies.

    Args:
        regressor: of these body models.
        models: one body model per gender, as for the bank that the regressor was trained on.
        poses: how many poses of each body.
        seed: of the bodies, which must be another than the bank's.

    Returns:
        "own": plain distances; "alike": to the shoulders as they are with the collar bones of the static trial, and at
        elbows and knees across the axis that they bend about. NaN for joints that a body model does not have.
    """
    plain, alike = [], []
    for body in draw_bank(models, NEW_BODIES, poses, seed):
        shaped = shape_body(body.model, torch.as_tensor(body.betas), regressor.vertex_ids.tolist())
        posed = pose_body(shaped, torch.as_tensor(body.poses), torch.as_tensor(body.trans))
        found = regressor.combine(posed.vertices.double().numpy())
        plain.append((found - own_centers(posed.joints.double().numpy()))[body.is_pose])
        alike.append(across(found - own_centers_alike(body, posed), hinge_axes(posed))[body.is_pose])
    return {"own": JointErrors.of(np.concatenate(plain)), "alike": JointErrors.of(np.concatenate(alike))}


def own_centers(joints: Float[np.ndarray, "frames 55 3"]) -> Float[np.ndarray, "frames joints 3"]:
    """The body model's own joints in the place of the skeleton's; NaN for joints that it does not have."""
    found = np.full((len(joints), len(joint_names()), 3), np.nan)
    for stem, own in OWN_JOINTS.items():
        for side, word in SIDES.items():
            found[:, joint_names().index(f"{stem}_{side}")] = joints[:, JOINT_NAMES.index(f"{word}_{own}")]
    return found


def own_centers_alike(body: BankBody, posed: PosedBody) -> Float[np.ndarray, "frames joints 3"]:
    """The same, with the shoulders where they are while the collar bones stand as in the static trial (m)."""
    found = own_centers(posed.joints.double().numpy())
    rest = shape_body(body.model, torch.as_tensor(body.betas), [0]).joints
    for side, word in SIDES.items():
        trunk, collar, shoulder = (JOINT_NAMES.index(name) for name in ("spine3", f"{word}_collar", f"{word}_shoulder"))
        still = rotvec_to_matrix(torch.as_tensor(body.poses[0], dtype=rest.dtype).reshape(55, 3)[collar])
        reach = posed.rotations[:, trunk] @ (still @ (rest[shoulder] - rest[collar]))
        found[:, joint_names().index(f"acromial_{side}")] = (posed.joints[:, collar] + reach).numpy()
    return found


def hinge_axes(posed: PosedBody) -> Float[np.ndarray, "frames joints 3"]:
    """Unit vectors (world) that knees and elbows bend about; zero for the skeleton's other joints."""
    axes = np.zeros((len(posed.rotations), len(joint_names()), 3))
    for stem, (parent, axis) in HINGES.items():
        for side, word in SIDES.items():
            turned = posed.rotations[:, JOINT_NAMES.index(f"{word}_{parent}")].double().numpy() @ np.array(axis)
            axes[:, joint_names().index(f"{stem}_{side}")] = turned
    return axes


def across(
    gaps: Float[np.ndarray, "frames joints 3"], axes: Float[np.ndarray, "frames joints 3"]
) -> Float[np.ndarray, "frames joints 3"]:
    """The part of every vector that is perpendicular to its axis; all of it where the axis is zero."""
    return gaps - (gaps * axes).sum(-1, keepdims=True) * axes
