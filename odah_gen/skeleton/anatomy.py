"""Does a subject's model mean what an anatomist means? Figures of one body standing, nodding and raising an arm.

Each figure compares the model with something that scaling does not decide alone: zero angles in quiet standing, the
hip centres that Harrington et al. (2007) predict from the pelvis, the middle of the epicondyles and of the malleoli,
factors proportional to stature, and lumbar angles that motions of head and arm must leave alone.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from odah_gen.body.layout import MarkerLayout
from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.body.static_trial import standing_translation, static_poses
from odah_gen.body.trajectories import skin_trajectories
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.joint_scaling import QUIET
from odah_gen.skeleton.kinematics import Solution
from odah_gen.skeleton.scale_limits import TRUNK_STATURE_M
from odah_gen.skeleton.scaling import CENTERS_BETWEEN, GENERIC_STATURE_M, JOINTS_OF_CENTERS, hip_centers
from odah_gen.skeleton.static import static_with_centers
from odah_gen.skeleton.subject import SubjectModel
from odah_gen.skeleton.trc import MarkerTrajectories
from odah_gen.skeleton.worker import call

LUMBAR = QUIET[-3:]
PROPORTIONS: Mapping[str, tuple[str, str, float]] = {
    "pelvis_depth": ("pelvis", "X", GENERIC_STATURE_M),
    "pelvis_height": ("pelvis", "Y", TRUNK_STATURE_M),
    "pelvis_breadth": ("pelvis", "Z", GENERIC_STATURE_M),
    "femur_length": ("femur_r", "Y", GENERIC_STATURE_M),
    "tibia_length": ("tibia_r", "Y", GENERIC_STATURE_M),
    "torso_depth": ("torso", "X", GENERIC_STATURE_M),
    "torso_height": ("torso", "Y", TRUNK_STATURE_M),
    "torso_breadth": ("torso", "Z", GENERIC_STATURE_M),
}
"""Factors that grow with stature: the body, its axis, and the stature (m) at which the factor is 1."""
NOD_DEG = 40.0
RAISE_DEG, CLAVICLE_DEG = 165.0, 25.0
NOD_FRAMES, RAISE_FRAMES = 2, 7

Turn = tuple[str, tuple[float, float, float]]
"""A joint of the body model and the rotation vector (deg, frame of its parent) that is added to its static pose."""
NOD: Sequence[Turn] = (("neck", (NOD_DEG / 2, 0, 0)), ("head", (NOD_DEG / 2, 0, 0)))
RAISED_ARM: Sequence[Turn] = (("right_collar", (0, 0, -CLAVICLE_DEG)), ("right_shoulder", (-RAISE_DEG, 0, 0)))
"""The right arm through the front to overhead."""


def stance_figures(
    model: BodyModel, betas: Float[np.ndarray, " betas"], subject: SubjectModel, layout: MarkerLayout
) -> dict[str, float]:
    """What a subject's model reads and where its joints lie, against anatomy.

    Args:
        model: the body model.
        betas: the subject's shape.
        subject: the OpenSim model that was scaled to this body.
        layout: the marker list, reduced to the body model (`layout.on(model)`).

    Returns:
        By name: the QUIET coordinates in the static trial (deg); `hip_center_mm`, `knee_center_mm`,
        `ankle_center_mm`, the worse side's distance to the centre that landmarks of the skin predict, and
        `shoulder_center_mm` to the body's own joint; `stature_m`; the factors of PROPORTIONS relative to stature;
        `nod_lumbar_deg` and `raised_arm_lumbar_deg`, the largest change of a lumbar angle.

    Raises:
        InputError: the model has what the fast engine does not know.
    """
    trial = moving_trial(model, betas, layout)
    weights = dict(zip(layout.names, layout.weights))
    solution = fast_ik.solve(call("read_skeleton", text=subject.text), trial, weights)
    still = solution.coordinates[0]
    figures = {name: float(np.rad2deg(still[solution.coordinate_names.index(name)])) for name in QUIET}
    figures |= center_distances(static_with_centers(model, betas, layout), solution)
    figures |= proportions(stature(model, betas), subject.scales)
    figures["nod_lumbar_deg"] = lumbar_change(solution, slice(1, 1 + NOD_FRAMES))
    figures["raised_arm_lumbar_deg"] = lumbar_change(solution, slice(1 + NOD_FRAMES, None))
    return figures


def moving_trial(model: BodyModel, betas: Float[np.ndarray, " betas"], layout: MarkerLayout) -> MarkerTrajectories:
    """The markers (m, OpenSim ground) of one frame of quiet standing, then of a nod, then of an arm that is raised."""
    shares = np.concatenate([[0.0], np.linspace(0, 1, NOD_FRAMES + 1)[1:]])
    nod = turned(model, betas, NOD, shares)
    arm = turned(model, betas, RAISED_ARM, np.linspace(0, 1, RAISE_FRAMES + 1)[1:])
    poses = np.concatenate([nod, arm])
    trans = np.repeat(standing_translation(model, betas, poses[:1]), len(poses), 0)
    points = (layout.names, layout.vertex_ids(model))
    return skin_trajectories(model, betas, poses, trans, np.arange(float(len(poses))), points)


def turned(
    model: BodyModel, betas: Float[np.ndarray, " betas"], turns: Sequence[Turn], shares: Float[np.ndarray, " frames"]
) -> Float[np.ndarray, "frames 165"]:
    """The static pose with some joints turned by growing shares (rotation vectors, rad)."""
    start = static_poses(model, betas).reshape(55, 3)
    poses = np.tile(start, (len(shares), 1, 1))
    for joint, turn in turns:
        index = JOINT_NAMES.index(joint)
        extra = Rotation.from_rotvec(np.deg2rad(turn) * shares[:, None])
        poses[:, index] = (extra * Rotation.from_rotvec(start[index])).as_rotvec()
    return poses.reshape(len(shares), 165)


def center_distances(static: MarkerTrajectories, solution: Solution) -> dict[str, float]:
    """How far joint centres of the standing model lie from where the skin's landmarks put them (mm, worse side)."""
    expected = hip_centers(*(static.column(name)[0:1] for name in ("RASI", "LASI", "RPSI", "LPSI")))
    for side in "RL":
        for name, pair in CENTERS_BETWEEN.items():
            expected[side + name] = np.mean([static.column(side + end)[0:1] for end in pair], axis=0)
        expected[f"{side}SJC"] = static.column(f"{side}SJC")[0:1]
    names = {"hip": "HJC", "knee": "KJC", "ankle": "AJC", "shoulder": "SJC"}
    replay = solution.replay
    far = {}
    for called, name in names.items():
        columns = [replay.joint_names.index(JOINTS_OF_CENTERS[side + name]) for side in "RL"]
        gaps = replay.joint_centers_m[0, columns] - np.concatenate([expected[side + name] for side in "RL"])
        far[f"{called}_center_mm"] = 1000 * float(np.linalg.norm(gaps, axis=1).max())
    return far


def stature(model: BodyModel, betas: Float[np.ndarray, " betas"]) -> float:
    """Height of the skin in the static pose (m)."""
    pose = torch.as_tensor(static_poses(model, betas)[None], dtype=model.dtype)
    up = pose_body(shape_body(model, torch.as_tensor(betas, dtype=model.dtype)), pose).vertices[0, :, 2]
    return float(up.max() - up.min())


def proportions(stature_m: float, scales: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Stature (m), and factors of the trunk and legs divided by what stature alone would give."""
    relative = {
        name: scales[body]["XYZ".index(axis)] * standard / stature_m
        for name, (body, axis, standard) in PROPORTIONS.items()
    }
    return {"stature_m": stature_m, **relative}


def lumbar_change(solution: Solution, frames: slice) -> float:
    """The largest difference of a lumbar angle (deg) from the first frame."""
    columns = [solution.coordinate_names.index(name) for name in LUMBAR]
    change = solution.coordinates[frames, columns] - solution.coordinates[0, columns]
    return float(np.rad2deg(np.abs(change).max()))
