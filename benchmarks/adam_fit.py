"""The straightforward way to fit a body: Adam on the pose of the whole mesh, by the smplx package."""

import contextlib
import io

import numpy as np
import smplx
import torch
from jaxtyping import Float
from torch import Tensor

from odah_gen.registration.fit_frames import JOINT_SD_M, MARKER_SD_M, Motion, Targets
from odah_gen.registration.fit_stage import SubjectBody
from odah_gen.registration.regressor import JointRegressor

RATE = 0.01
PRIOR_SD_RAD = 1.0
PARTS = {
    "global_orient": slice(0, 3),
    "body_pose": slice(3, 66),
    "jaw_pose": slice(66, 69),
    "leye_pose": slice(69, 72),
    "reye_pose": slice(72, 75),
    "left_hand_pose": slice(75, 120),
    "right_hand_pose": slice(120, 165),
}


def adam_fit(
    subject: SubjectBody,
    regressor: JointRegressor,
    betas: Float[np.ndarray, " betas"],
    motion: Motion,
    targets: Targets,
    steps: int,
) -> tuple[Float[np.ndarray, "frames markers"], Float[np.ndarray, "frames joints"]]:
    """Move 22 joints and the translation of every frame; distances of markers and joint centres at the end (mm)."""
    body = whole_mesh(subject, len(motion.poses), len(betas))
    poses, trans, shape = (torch.as_tensor(array).float() for array in (motion.poses, motion.trans, betas))
    moves = [torch.zeros(len(poses), size, requires_grad=True) for size in (66, 3)]
    seen_at = [torch.as_tensor(array).float() for array in (targets.markers_m, targets.joint_centers_m)]
    weights = (subject.points.marker_weights.sqrt() / MARKER_SD_M).float()
    rows = torch.as_tensor(regressor.on_used_vertices()).float()
    ids = [torch.as_tensor(subject.layout.vertex_ids(subject.model)), torch.as_tensor(regressor.vertex_ids)]
    descent = torch.optim.Adam(moves, lr=RATE)
    for _ in range(steps):
        descent.zero_grad()
        markers, centers = distances(body, shape, poses, trans, moves, ids, rows, seen_at)
        data = (markers * weights[:, None]).square().sum() + (centers / JOINT_SD_M).square().sum()
        (data + (moves[0] / PRIOR_SD_RAD).square().sum()).backward()
        descent.step()
    with torch.no_grad():
        final = distances(body, shape, poses, trans, moves, ids, rows, seen_at)
    return tuple(1000 * part.norm(dim=-1).double().numpy() for part in final)  # type: ignore[return-value]


def whole_mesh(subject: SubjectBody, frames: int, betas: int) -> smplx.SMPLX:
    """The body model of a subject as the smplx package reads it."""
    with contextlib.redirect_stdout(io.StringIO()):
        return smplx.SMPLX(
            str(subject.model.path), use_pca=False, flat_hand_mean=True, num_betas=betas, batch_size=frames
        )


def distances(
    body: smplx.SMPLX,
    betas: Tensor,
    poses: Tensor,
    trans: Tensor,
    moves: list[Tensor],
    ids: list[Tensor],
    rows: Tensor,
    seen_at: list[Tensor],
) -> tuple[Tensor, Tensor]:
    """Vectors from the targets to markers and regressed joint centres (m)."""
    moved = torch.cat([poses[:, :66] + moves[0], poses[:, 66:]], 1)
    parts = {name: moved[:, part] for name, part in PARTS.items()}
    vertices = body(betas=betas.expand(len(poses), -1), transl=trans + moves[1], **parts).vertices
    return vertices[:, ids[0]] - seen_at[0], rows @ vertices[:, ids[1]] - seen_at[1]
