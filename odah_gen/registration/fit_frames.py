"""What both stages of the body fit share: the points of the body, the targets, and a frame's unknowns.

As in MoSh++ (Mahmood et al. 2019, "AMASS") the body is moved until its markers lie on the given ones; here the
skeleton's joint centres, through the joint regressor, stand beside them. The unknowns of a frame are corrections of
the source motion: a shift of the whole body (m) and, for each joint that may move, a rotation vector (rad) applied
after the source's rotation. Priors and smoothness are on the corrections, so what the source does is never blurred.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.body.skinning import ShapedBody, cross_matrix, rotvec_to_matrix
from odah_gen.body.static_trial import static_poses
from odah_gen.frames import matrix_to_rotvec
from odah_gen.geometry import vertex_normals
from odah_gen.registration.points import (
    PosedPoints,
    SkinPoints,
    pose_jacobian,
    pose_points,
    skin_points,
)

MARKER_SD_M = 0.008
"""Spread of a marker of weight 1 about its point of the skin: soft tissue and the rigid segments of the skeleton."""
JOINT_SD_M = 0.008
"""Spread of a regressed joint centre, at least; the regressor's own error counts when it is larger."""
USUAL_SD_RAD = (1.0, 1.0, 1.0)
CORRECTION_SD_RAD = {"spine": (0.5, 0.5, 0.5), "collar": (0.1, 0.1, 0.1), "foot": (1.0, 0.2, 0.2)}
"""Prior spread of a joint's correction about its axes x, y, z. Toes only bend, about x: one marker does not show their
twist, which else reached 27° where the label's toes are at an end of their range."""
PRIOR_WIDTH = 4.0
"""The prior is this many times as wide as the corrections of the bank: clips differ from the bank more than it varies."""
SHIFT_SD_M = 1.0
FROZEN_BY_LOCK = {"mtp": ("left_foot", "right_foot"), "wrist": ("left_wrist", "right_wrist"), "subtalar": ()}
STATIC = ("left_collar", "right_collar")
COPIED = ("neck", "head")
FRAMES_PER_CHUNK = 128


@dataclass(frozen=True)
class FitBody:
    """The points of a body that the fit looks at.

    Attributes:
        points: the markers' vertices, then the vertices of the joint regressor, then some of the soles.
        regressor: joint centres as weighted sums of the second.
        normals: outward normal of the skin at each marker, at rest.
        marker_weights: 1 for a full marker, 0 for one that is not to be followed.
        offset_sd_m: spread of each marker's place along the skin.
        joint_sd_m: spread of each joint centre.
        static_rotations: the joints' rotations in the static trial, from which the skeleton was scaled.
        correction_covariance: of the corrections of `free_joints(())` (rad²), as the bank has them; None while the bank is fitted to
            learn it.
    """

    points: SkinPoints
    regressor: Float[Tensor, "joints vertices"]
    normals: Float[Tensor, "markers 3"]
    marker_weights: Float[Tensor, " markers"]
    offset_sd_m: Float[Tensor, " markers"]
    joint_sd_m: Float[Tensor, " joints"]
    static_rotations: Float[Tensor, "55 3 3"]
    correction_covariance: Float[Tensor, "turns turns"] | None = None

    @property
    def markers(self) -> int:
        """How many markers there are."""
        return len(self.normals)

    @property
    def soles(self) -> int:
        """How many points of the soles there are."""
        return len(self.points.template) - self.markers - self.regressor.shape[1]

    @property
    def combine(self) -> Float[Tensor, "rows points"]:
        """Markers, joint centres and points of the soles as weighted sums of the points."""
        markers, soles = (torch.eye(count).to(self.regressor) for count in (self.markers, self.soles))
        return torch.block_diag(markers, self.regressor, soles)

    def observe(self, values: Float[Tensor, "frames points *rest"]) -> Float[Tensor, "frames rows *rest"]:
        """Markers and joint centres from the points, or their derivatives from the points' derivatives."""
        markers, vertices, _ = values.split([self.markers, self.regressor.shape[1], self.soles], 1)
        flat = vertices.reshape(*vertices.shape[:2], -1)
        centers = (self.regressor @ flat).reshape(len(values), -1, *values.shape[2:])
        return torch.cat([markers, centers], 1)


@dataclass(frozen=True)
class Targets:
    """Where the skeleton has its markers and joint centres (m, the frame of the motion), NaN where unknown."""

    markers_m: Float[np.ndarray, "frames markers 3"]
    joint_centers_m: Float[np.ndarray, "frames joints 3"]

    def take(self, frames: Sequence[int]) -> "Targets":
        """Some of the frames."""
        return Targets(self.markers_m[list(frames)], self.joint_centers_m[list(frames)])


@dataclass(frozen=True)
class Motion:
    """Rotation vectors of the 55 joints (rad) and translation (m) per frame."""

    poses: Float[np.ndarray, "frames 165"]
    trans: Float[np.ndarray, "frames 3"]

    def take(self, frames: Sequence[int]) -> "Motion":
        """Some of the frames."""
        return Motion(self.poses[list(frames)], self.trans[list(frames)])


@dataclass(frozen=True)
class FitSettings:
    """What the configuration says about the fit."""

    joint_weight: float = 1.0
    smoothness: float = 0.02
    iterations: int = 30
    locked: tuple[str, ...] = ()


def make_fit_body(
    model: BodyModel,
    marker_ids: Sequence[int],
    marker_weights: Float[np.ndarray, " markers"],
    offset_sd_m: Float[np.ndarray, " markers"],
    vertex_ids: Sequence[int],
    regressor: Float[np.ndarray, "joints vertices"],
    joint_error_m: Float[np.ndarray, " joints"],
    betas: Float[np.ndarray, " betas"],
    sole_ids: Sequence[int] = (),
    correction_covariance: Float[np.ndarray, "turns turns"] | None = None,
) -> FitBody:
    """Gather what the fit needs of a body model.

    Args:
        model: the body model.
        marker_ids: vertex of each marker.
        marker_weights: 0 (ignored) to 1.
        offset_sd_m: spread of each marker's place along the skin (m).
        vertex_ids: vertices that the joint regressor uses.
        regressor: its weights on them.
        joint_error_m: held-out error of each regressed joint centre (m).
        betas: the subject's shape coefficients.
        sole_ids: vertices that are held against the floor; none where there is no floor.
        correction_covariance: of the corrections of all joints that may move (rad²), see `prior_training`.
    """
    static = torch.as_tensor(static_poses(model, betas), dtype=torch.float64)
    return FitBody(
        points=skin_points(model, [*marker_ids, *vertex_ids, *sole_ids], len(betas)),
        regressor=torch.as_tensor(regressor, dtype=torch.float64),
        normals=rest_normals(model, marker_ids),
        marker_weights=torch.as_tensor(marker_weights, dtype=torch.float64),
        offset_sd_m=torch.as_tensor(offset_sd_m, dtype=torch.float64),
        joint_sd_m=torch.as_tensor(joint_error_m, dtype=torch.float64).clamp(min=JOINT_SD_M),
        static_rotations=rotvec_to_matrix(static.reshape(55, 3)),
        correction_covariance=None if correction_covariance is None else torch.as_tensor(correction_covariance),
    )


def rest_normals(model: BodyModel, vertex_ids: Sequence[int]) -> Float[Tensor, "vertices 3"]:
    """Outward unit normals of the mean shape at some vertices."""
    return torch.as_tensor(vertex_normals(model.v_template.double().numpy(), model.faces)[list(vertex_ids)])


def locked_joints(locked: Sequence[str]) -> tuple[str, ...]:
    """The mesh joints whose coordinate is locked."""
    return tuple(name for lock in locked for name in FROZEN_BY_LOCK.get(lock, ()))


def free_joints(locked: Sequence[str]) -> tuple[int, ...]:
    """The mesh joints that the fit moves: not hands, face, head and neck, nor those whose coordinate is locked."""
    held = {*COPIED, *locked_joints(locked)}
    return tuple(joint for joint, name in enumerate(JOINT_NAMES[:22]) if name not in held)


def base_rotations(
    body: FitBody, poses: Float[np.ndarray, "frames 165"], locked: Sequence[str]
) -> Float[Tensor, "frames 55 3 3"]:
    """The rotations that corrections start from: the source's, but the static trial's for collars and locked joints.

    The skeleton has no scapula, and a locked coordinate is zero: the mesh must show that.
    """
    local = rotvec_to_matrix(torch.as_tensor(poses, dtype=torch.float64).reshape(-1, 55, 3))
    for joint in (JOINT_NAMES.index(name) for name in (*STATIC, *locked_joints(locked))):
        local[:, joint] = body.static_rotations[joint]
    return local


def prior_precision(
    joints: Sequence[int], covariance: Float[Tensor, "turns turns"] | None
) -> Float[Tensor, "size size"]:
    """Prior precision of a frame's unknowns: the shift (1/m²), then three rotations (1/rad²) per joint.

    Args:
        joints: the mesh joints that may move.
        covariance: of the corrections of `free_joints(())` (rad²); without one, corrections are independent.
    """
    usual = torch.tensor([usual_sd(joint) for joint in joints], dtype=torch.float64).flatten()
    if covariance is None:
        turning = torch.diag(usual**-2)
    else:
        places = torch.tensor([free_joints(()).index(joint) for joint in joints])
        chosen = (3 * places[:, None] + torch.arange(3)).flatten()
        own = torch.diag(usual**2)
        turning = torch.linalg.inv(PRIOR_WIDTH**2 * covariance[chosen[:, None], chosen] + own)
    return torch.block_diag(torch.eye(3, dtype=torch.float64) / SHIFT_SD_M**2, turning)


def usual_sd(joint: int) -> tuple[float, float, float]:
    """Spread of a joint's correction about its axes (rad) where nothing is known of it."""
    return CORRECTION_SD_RAD.get(JOINT_NAMES[joint].split("_")[-1].rstrip("123"), USUAL_SD_RAD)


@dataclass(frozen=True)
class Frames:
    """The frames of a fit: what they start from and what they should reach.

    Attributes:
        local: rotations that the corrections start from.
        trans: translation that the shift starts from (m).
        targets: markers, then joint centres (m); zero where unknown.
        weights: one over the standard deviation of each row (1/m); zero where unknown.
        joints: the mesh joints that may move.
        prior: precision of the corrections of a frame.
    """

    local: Float[Tensor, "frames 55 3 3"]
    trans: Float[Tensor, "frames 3"]
    targets: Float[Tensor, "frames rows 3"]
    weights: Float[Tensor, "frames rows"]
    joints: tuple[int, ...]
    prior: Float[Tensor, "size size"]

    @property
    def size(self) -> int:
        """Unknowns per frame."""
        return 3 + 3 * len(self.joints)

    def pose(self, shaped: ShapedBody, unknowns: Float[Tensor, "frames unknowns"], chunk: slice) -> PosedPoints:
        """The points of the body in some frames under the corrections."""
        return pose_points(shaped, *self.corrected(unknowns, chunk))

    def corrected(
        self, unknowns: Float[Tensor, "frames unknowns"], chunk: slice
    ) -> tuple[Float[Tensor, "some 55 3 3"], Float[Tensor, "some 3"]]:
        """Rotations of the joints and translation (m) in some frames under the corrections."""
        wanted = unknowns[chunk]
        local = self.local[chunk].clone()
        turns = rotvec_to_matrix(wanted[:, 3:].reshape(-1, len(self.joints), 3))
        local[:, self.joints] = local[:, self.joints] @ turns
        return local, self.trans[chunk] + wanted[:, :3]

    def chart(self, unknowns: Float[Tensor, "frames unknowns"], chunk: slice) -> Float[Tensor, "some joints 3 3"]:
        """How the unknowns turn each joint about its own axes."""
        return right_jacobian(unknowns[chunk, 3:].reshape(-1, len(self.joints), 3))

    def residuals(self, body: FitBody, posed: PosedPoints, chunk: slice) -> Float[Tensor, "frames rows 3"]:
        """Weighted differences to the targets."""
        return (body.observe(posed.positions) - self.targets[chunk]) * self.weights[chunk, :, None]

    def jacobian(
        self, body: FitBody, shaped: ShapedBody, posed: PosedPoints, unknowns: Tensor, chunk: slice
    ) -> Float[Tensor, "frames values unknowns"]:
        """Derivative of the weighted residuals by the frame's unknowns."""
        turning = body.observe(pose_jacobian(shaped, posed, self.joints))
        turning = torch.einsum("trjdx,tjda->trxja", turning, self.chart(unknowns, chunk)).flatten(3)
        shift = torch.eye(3, dtype=turning.dtype).expand(*turning.shape[:2], 3, 3)
        return (torch.cat([shift, turning], -1) * self.weights[chunk, :, None, None]).flatten(1, 2)

    def chunks(self) -> Iterator[slice]:
        """A few frames at a time, so that memory stays bounded."""
        for start in range(0, len(self.local), FRAMES_PER_CHUNK):
            yield slice(start, start + FRAMES_PER_CHUNK)


def right_jacobian(rotvec: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """How a change of a rotation vector turns the body frame: exp(c + dc) = exp(c) exp(J dc), to first order.

    J = I − (1 − cos a)/a² [c] + (a − sin a)/a³ [c]² (Chirikjian 2012, eq. 10.86); by series below 1e-2 rad.
    """
    square = (rotvec * rotvec).sum(-1)[..., None, None]
    small = square < 1e-4
    angle = torch.sqrt(torch.where(small, torch.ones_like(square), square))
    first = torch.where(small, 0.5 - square / 24, (1 - torch.cos(angle)) / angle**2)
    second = torch.where(small, 1 / 6 - square / 120, (angle - torch.sin(angle)) / angle**3)
    cross = cross_matrix(rotvec)
    return torch.eye(3).to(rotvec) - first * cross + second * (cross @ cross)


def make_frames(body: FitBody, motion: Motion, targets: Targets, settings: FitSettings) -> Frames:
    """Set up the frames of a fit; a target that is not finite gets no weight."""
    points = np.concatenate([targets.markers_m, targets.joint_centers_m], 1)
    known = np.isfinite(points).all(-1)
    joints = free_joints(settings.locked)
    precision = torch.cat([body.marker_weights.sqrt() / MARKER_SD_M, settings.joint_weight / body.joint_sd_m])
    return Frames(
        local=base_rotations(body, motion.poses, settings.locked),
        trans=torch.as_tensor(motion.trans, dtype=torch.float64),
        targets=torch.as_tensor(np.where(known[..., None], points, 0.0), dtype=torch.float64),
        weights=precision * torch.as_tensor(known),
        joints=joints,
        prior=prior_precision(joints, body.correction_covariance),
    )


def marker_offsets(body: FitBody, offsets_m: Float[np.ndarray, "markers 3"]) -> Float[Tensor, "points 3"]:
    """Displacements of all points at rest: those of the markers, zero for the regressor's vertices."""
    offsets = torch.zeros_like(body.points.template)
    offsets[: body.markers] = torch.as_tensor(offsets_m, dtype=torch.float64)
    return offsets


def distances_mm(
    positions: Float[Tensor, "frames rows 3"], targets: Targets
) -> tuple[Float[np.ndarray, "frames markers"], Float[np.ndarray, "frames joints"]]:
    """Distances of markers and of joint centres (rows in this order) to their targets (mm), NaN where unknown."""
    markers, seen = targets.markers_m.shape[1], positions.numpy()
    marker = np.linalg.norm(seen[:, :markers] - targets.markers_m, axis=-1)
    joint = np.linalg.norm(seen[:, markers:] - targets.joint_centers_m, axis=-1)
    return 1000 * marker, 1000 * joint


def corrected_motion(source: Motion, frames: Frames, rows: Float[Tensor, "frames size"]) -> Motion:
    """The source motion with the corrections; rotation vectors that nothing changed are copied bit by bit."""
    turns = rotvec_to_matrix(rows[:, 3:].reshape(-1, len(frames.joints), 3))
    local = frames.local.clone()
    local[:, frames.joints] = local[:, frames.joints] @ turns
    poses = source.poses.reshape(-1, 55, 3).astype(np.float64, copy=True)
    original = rotvec_to_matrix(torch.as_tensor(poses))
    changed = (local - original).abs().amax((0, 2, 3)).numpy() > 0
    poses[:, changed] = matrix_to_rotvec(local[:, changed].numpy())
    return Motion(poses.reshape(-1, 165), source.trans + rows[:, :3].numpy())
