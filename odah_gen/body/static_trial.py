"""The static trial: the subject's own body in a known pose, from which the skeleton is scaled.

Quiet standing: legs straight down, feet flat and apart by the width of the hips, the spine straightened until the
shoulders stand over the hips as in the generic skeleton, head level, upper arms 35° abducted in the
frontal plane, palms facing the thighs with the thumbs forward, facing +X. A T-pose would not do: it lifts the shoulder
girdle, which the generic skeleton does not have. The elbows keep their angle of the rest pose: SMPL-X's forearm points
14° further outward than its upper arm, which is the carrying angle of a human arm and of the skeleton (11°); a hinge
could not follow if the static trial took it away.
"""

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from odah_gen.body.collar import COLLAR_DROP_DEG
from odah_gen.body.layout import MarkerLayout
from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.body.skinning import ShapedBody, pose_body, shape_body
from odah_gen.body.trajectories import as_tensor, skin_trajectories
from odah_gen.frames import WORLD_FROM_MODEL, matrix_to_rotvec
from odah_gen.geometry import shortest_arc
from odah_gen.skeleton.trc import MarkerTrajectories

ABDUCTION_DEG = 35.0
SHOULDERS_BEHIND_HIPS = 0.024
"""How far behind the hips the shoulders stand, as a fraction of stature: 41 mm of 1.70 m, as in the generic skeleton
with all angles at zero."""
SPINE = ("spine1", "spine2", "spine3")
SPINE_STEPS = 8
FRAMES = 6
RATE_HZ = 60.0


def static_poses(model: BodyModel, betas: Float[np.ndarray, " betas"]) -> Float[np.ndarray, "165"]:
    """Rotation vectors (rad) that put a body into the static trial's pose, the first one world ← body.

    Upper arms and legs are swung from the body's own rest directions, so models whose arms hang differently at rest
    end in the same pose.
    """
    shaped = shape_body(model, torch.as_tensor(betas, dtype=model.dtype))
    joints = named_joints(shaped)
    local = np.tile(np.eye(3), (55, 1, 1))
    local[0] = WORLD_FROM_MODEL
    set_spine(local, joints, float(np.ptp(shaped.vertices[:, 1].double().numpy())))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        set_arm(local, joints, side, sign)
        set_leg(local, joints, side)
    return matrix_to_rotvec(local).reshape(165)


def rest_joints(model: BodyModel, betas: Float[np.ndarray, " betas"]) -> dict[str, Float[np.ndarray, "3"]]:
    """Joint centres at rest (m, model frame) by name."""
    return named_joints(shape_body(model, torch.as_tensor(betas, dtype=model.dtype), []))


def named_joints(shaped: ShapedBody) -> dict[str, Float[np.ndarray, "3"]]:
    """The joint centres of a shaped body at rest (m, model frame) by name."""
    return dict(zip(JOINT_NAMES, shaped.joints.double().numpy()))


def set_spine(local: Float[np.ndarray, "55 3 3"], joints: dict[str, Float[np.ndarray, "3"]], stature_m: float) -> None:
    """Stand the trunk upright: shoulders over the hips as in the generic skeleton, the head held level.

    The three joints of the spine turn alike, about the axis from side to side.
    """
    target = -SHOULDERS_BEHIND_HIPS * stature_m
    hips = (joints["left_hip"] + joints["right_hip"]) / 2
    shoulders = (lowered_shoulder(joints, "left", 1.0) + lowered_shoulder(joints, "right", -1.0)) / 2
    angle = 0.0
    # The depth of the shoulders changes by their height over the spine's middle per radian: a fixed point in few steps.
    lever = 3 * (shoulders - joints[SPINE[1]])[1]
    for _ in range(SPINE_STEPS):
        angle -= ((carried(shoulders, joints, angle) - hips)[2] - target) / lever
    turn = Rotation.from_rotvec([angle, 0.0, 0.0])
    for name in SPINE:
        local[JOINT_NAMES.index(name)] = turn.as_matrix()
    local[JOINT_NAMES.index("neck")] = (turn**-3).as_matrix()


def lowering(sign: float) -> Rotation:
    """The turn of a collar bone that lets the shoulder sink; sign is 1 for the left side and -1 for the right."""
    return Rotation.from_rotvec([0.0, 0.0, -sign * np.deg2rad(COLLAR_DROP_DEG)])


def lowered_shoulder(joints: dict[str, Float[np.ndarray, "3"]], side: str, sign: float) -> Float[np.ndarray, "3"]:
    """Where the shoulder of one side is when only its collar bone has sunk (m, model frame)."""
    collar = joints[f"{side}_collar"]
    return collar + lowering(sign).apply(joints[f"{side}_shoulder"] - collar)


def carried(
    point: Float[np.ndarray, "3"], joints: dict[str, Float[np.ndarray, "3"]], angle: float
) -> Float[np.ndarray, "3"]:
    """Where a point of the chest at rest goes when each joint of the spine bends forward by an angle (rad)."""
    turn = Rotation.from_rotvec([angle, 0.0, 0.0])
    for name in reversed(SPINE):
        point = joints[name] + turn.apply(point - joints[name])
    return point


def set_arm(
    local: Float[np.ndarray, "55 3 3"], joints: dict[str, Float[np.ndarray, "3"]], side: str, sign: float
) -> None:
    """Lower the collar bone and the arm of one side, on a spine that is set."""
    angle = np.deg2rad(ABDUCTION_DEG)
    target = np.array([sign * np.sin(angle), -np.cos(angle), 0.0])
    collar = lowering(sign).as_matrix()
    upper = shortest_arc(joints[f"{side}_elbow"] - joints[f"{side}_shoulder"], target)
    local[JOINT_NAMES.index(f"{side}_collar")] = collar
    chest = np.linalg.multi_dot([local[JOINT_NAMES.index(name)] for name in SPINE])
    local[JOINT_NAMES.index(f"{side}_shoulder")] = (chest @ collar).T @ upper


def set_leg(local: Float[np.ndarray, "55 3 3"], joints: dict[str, Float[np.ndarray, "3"]], side: str) -> None:
    """Bring the ankle of one side under its hip; the ankle joint keeps the foot flat."""
    leg = shortest_arc(joints[f"{side}_ankle"] - joints[f"{side}_hip"], np.array([0.0, -1.0, 0.0]))
    local[JOINT_NAMES.index(f"{side}_hip")] = leg
    local[JOINT_NAMES.index(f"{side}_ankle")] = leg.T


def static_markers(model: BodyModel, betas: Float[np.ndarray, " betas"], layout: MarkerLayout) -> MarkerTrajectories:
    """The markers of a layout in the static trial: a few equal frames in OpenSim ground (m).

    The sole is at height 0, the pelvis joint above the origin.

    Raises:
        InputError: a marker has no vertex on the model (use `layout.on(model)`).
    """
    pose = static_poses(model, betas)[None]
    trans = standing_translation(model, betas, pose)
    time_s = np.arange(FRAMES) / RATE_HZ
    points = (layout.names, layout.vertex_ids(model))
    return skin_trajectories(model, betas, np.repeat(pose, FRAMES, 0), np.repeat(trans, FRAMES, 0), time_s, points)


def standing_translation(
    model: BodyModel, betas: Float[np.ndarray, " betas"], pose: Float[np.ndarray, "1 165"]
) -> Float[np.ndarray, "1 3"]:
    """The translation (m, world) that sets the lowest vertex on the floor and the pelvis over the origin."""
    posed = pose_body(shape_body(model, torch.as_tensor(betas, dtype=model.dtype)), as_tensor(pose, model))
    pelvis = posed.joints[0, 0].double().numpy()
    return np.array([[-pelvis[0], -pelvis[1], -float(posed.vertices[0, :, 2].min())]])
