"""Stage 2 of the body fit: pose and translation of all frames of a clip at once."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from odah_gen.body.skinning import rotvec_to_matrix
from odah_gen.dataset.contact import stance_frames
from odah_gen.registration.fit_frames import (
    FRAMES_PER_CHUNK,
    FitBody,
    FitSettings,
    Frames,
    Motion,
    Targets,
    corrected_motion,
    distances_mm,
    locked_joints,
    make_frames,
    marker_offsets,
)
from odah_gen.registration.floor import bent_away, standing_places
from odah_gen.registration.least_squares import acceleration_couplings, minimise, solve_banded
from odah_gen.registration.limits import Limits, correction_limits
from odah_gen.registration.parts import (
    Parts,
    PosedParts,
    collapse,
    normal_blocks,
    pose_parts,
    resting_places,
    turning_gradient,
)
from odah_gen.registration.points import shape_points

ACCELERATION_LEVER_M = 0.3
"""A rotation's acceleration counts as that of a point this far from its joint."""

BELOW_SD_M = 0.0014
"""Spread of a point of the sole below the floor."""
NEAR_M = 0.015
"""A point of the sole that is lower than this in the source, and slow, is held: one vertex in a few is looked at, and the
lowest of a foot is up to 5 mm lower than the lowest of those."""
CONTACT_SD_M = 0.003
"""Spread of a point of the sole about its place where the source motion touches the floor."""

TOLERANCE = 1e-3
"""Relative fall of the cost at which the search ends: the next step would gain less than a thousandth of it."""


@dataclass(frozen=True)
class ClipFit:
    """Result of stage 2: the motion, and the distances of markers and joint centres to their targets (mm)."""

    motion: Motion
    marker_mm: Float[np.ndarray, "frames markers"]
    joint_center_mm: Float[np.ndarray, "frames joints"]
    iterations: int


@dataclass(frozen=True)
class Goals:
    """Where the rows (markers, joint centres, points of the soles) of a clip should be.

    Attributes:
        places: m; zero where unknown.
        weights: one over the standard deviation along each axis (1/m); zero where unknown.
        below: the weight of the height of a point that is lower than its place.
    """

    places: Float[Tensor, "frames rows 3"]
    weights: Float[Tensor, "frames rows 3"]
    below: Float[Tensor, "frames rows"]

    def residuals(
        self, positions: Float[Tensor, "some rows 3"], chunk: slice
    ) -> tuple[Float[Tensor, "some rows 3"], Float[Tensor, "some rows 3"]]:
        """Weighted differences to the places in some frames, and the weights in force."""
        differences, weights = positions - self.places[chunk], self.weights[chunk].clone()
        weights[..., 2] = torch.where(differences[..., 2] < 0, self.below[chunk], weights[..., 2])
        return differences * weights, weights


@dataclass(frozen=True)
class ClipEquations:
    """Normal equations of a clip: one block per frame in float32, and the gradient."""

    blocks: Float[Tensor, "frames size size"]
    gradient: Float[Tensor, "frames size"]


@dataclass(frozen=True)
class ClipProblem:
    """Stage 2: the corrections of every frame of a clip, tied by their accelerations.

    Cost and gradient are exact, in float64. The blocks, which only decide how a step is taken, are in float32 and
    without the derivative of the pose correctives: one or two steps more, each at a fraction of the time.
    """

    parts: Parts
    rest: tuple[Float[Tensor, "parts 3 some"], ...]
    frames: Frames
    goals: Goals
    limits: Limits
    smooth_weights: Float[Tensor, " size"]
    couplings: Float[Tensor, "3 frames size"]
    latest: list[tuple[Tensor, slice, PosedParts]] = field(default_factory=list, init=False, repr=False)

    def rows(self, unknowns: Float[Tensor, " unknowns"]) -> Float[Tensor, "frames size"]:
        """The unknowns, one row per frame."""
        return unknowns.reshape(-1, self.frames.size)

    def cost(self, unknowns: Float[Tensor, " unknowns"]) -> float:
        """Data, prior, limits and smoothness."""
        rows = self.rows(unknowns)
        posed = ((self.pose(rows, chunk).positions, chunk) for chunk in self.frames.chunks())
        data = sum(float(self.goals.residuals(*seen)[0].square().sum()) for seen in posed)
        prior = float(((rows @ self.frames.prior) * rows).sum())
        beyond = float(self.limits.excess(rows).square().sum())
        smooth = float((second_difference(rows) * self.smooth_weights).square().sum())
        return 0.5 * (data + prior + beyond + smooth)

    def positions(self, rows: Float[Tensor, "frames size"]) -> Float[Tensor, "frames rows 3"]:
        """Markers, joint centres and points of the soles in all frames (m)."""
        return torch.cat([self.pose(rows, chunk).positions for chunk in self.frames.chunks()])

    def standing(
        self, body: FitBody, source: Motion, fps: float, locked: Sequence[str], unknowns: Tensor
    ) -> "ClipProblem":
        """The same problem with feet that stand where the source's do, near where the fit so far has them."""
        turned = rotvec_to_matrix(torch.as_tensor(source.poses, dtype=torch.float64).reshape(-1, 55, 3))
        weights = body.points.weights[-body.soles :].numpy()
        bent = bent_away(turned, self.frames.local, weights, locked_joints(locked))
        fitted = self.positions(self.rows(unknowns))[:, -body.soles :].numpy()
        soles = source_points(self.parts, source)[:, -body.soles :].numpy()
        goals = standing_goals(self.goals, soles, fitted, stance_frames(soles, fps, NEAR_M) & ~bent)
        return dataclasses.replace(self, goals=goals)

    def pose(self, rows: Float[Tensor, "frames size"], chunk: slice) -> PosedParts:
        """Markers and joint centres under the corrections in some frames.

        The latest answer is kept: after the cost of a step that is taken its equations are asked for.
        """
        if self.latest and self.latest[0][1] == chunk and torch.equal(self.latest[0][0], rows[chunk]):
            return self.latest[0][2]
        local, trans = self.frames.corrected(rows, chunk)
        posed = pose_parts(self.parts, self.rest[chunk.start // FRAMES_PER_CHUNK], local, trans)
        self.latest[:] = [(rows[chunk].clone(), chunk, posed)]
        return posed

    def linearise(self, unknowns: Float[Tensor, " unknowns"]) -> ClipEquations:
        """Normal equations; the smoothness is constant and stands in `couplings`."""
        rows = self.rows(unknowns)
        blocks, gradients = [], []
        for chunk in self.frames.chunks():
            posed, chart = self.pose(rows, chunk), self.frames.chart(rows, chunk)
            residuals, weights = self.goals.residuals(posed.positions, chunk)
            turns = columns(posed.rotations[list(self.parts.free)], chart)
            blocks.append(normal_blocks(self.parts, posed, turns, weights) + self.frames.prior.float())
            gradients.append(self.data_gradient(posed, chart, residuals * weights))
        every = torch.cat(blocks)
        self.limits.add_to(every, rows)
        gradient = torch.cat(gradients) + rows @ self.frames.prior + self.limits.gradient(rows)
        return ClipEquations(every, gradient + self.smooth_gradient(rows))

    def data_gradient(
        self, posed: PosedParts, chart: Float[Tensor, "frames joints 3 3"], pulls: Float[Tensor, "frames rows 3"]
    ) -> Float[Tensor, "frames size"]:
        """Exact gradient of the data terms, whose derivative by the positions is `pulls`."""
        turning = turning_gradient(self.parts, posed, pulls).permute(2, 0, 1)
        return torch.cat([pulls.sum(1), (chart * turning[..., None]).sum(-2).flatten(1)], 1)

    def smooth_gradient(self, rows: Float[Tensor, "frames size"]) -> Float[Tensor, "frames size"]:
        """Gradient of the smoothness term: the second difference, weighted, applied back."""
        gradient = torch.zeros_like(rows)
        if len(rows) >= 3:
            weighted = second_difference(rows) * self.smooth_weights**2
            gradient[:-2] += weighted
            gradient[1:-1] -= 2 * weighted
            gradient[2:] += weighted
        return gradient

    def step(self, equations: ClipEquations, damping: float) -> Float[Tensor, " unknowns"]:
        """One damped step."""
        return solve_banded(equations.blocks, self.couplings, equations.gradient, damping).flatten()

    def bound(self, unknowns: Float[Tensor, " unknowns"]) -> Float[Tensor, " unknowns"]:
        """Corrections are not bounded."""
        return unknowns


def columns(
    rotations: Float[Tensor, "joints 3 3 frames"], chart: Float[Tensor, "frames joints 3 3"]
) -> Float[Tensor, "frames 3 joints 3"]:
    """The axes (last axis), in the frame of the motion, about which the unknowns turn their joints, in float32."""
    return (rotations.permute(3, 0, 1, 2) @ chart).transpose(1, 2).float().contiguous()


def source_points(parts: Parts, source: Motion) -> Float[Tensor, "frames rows 3"]:
    """Where the source motion has the rows (m)."""
    local = rotvec_to_matrix(torch.as_tensor(source.poses, dtype=torch.float64).reshape(-1, 55, 3))
    trans = torch.as_tensor(source.trans, dtype=torch.float64)
    chunks = [slice(start, start + FRAMES_PER_CHUNK) for start in range(0, len(local), FRAMES_PER_CHUNK)]
    posed = (pose_parts(parts, resting_places(parts, local[part]), local[part], trans[part]) for part in chunks)
    return torch.cat([part.positions for part in posed])


def clip_problem(parts: Parts, frames: Frames, goals: Goals, smoothness: float, fps: float) -> ClipProblem:
    """Set up stage 2; `smoothness` in s²/rad."""
    rest = tuple(resting_places(parts, frames.local[chunk]) for chunk in frames.chunks())
    weights = smoothness_weights(frames.size, smoothness, fps)
    limits = correction_limits(frames.local, frames.joints)
    return ClipProblem(parts, rest, frames, goals, limits, weights, acceleration_couplings(len(frames.local), weights))


def second_difference(rows: Float[Tensor, "frames size"]) -> Float[Tensor, "fewer size"]:
    """x[t] − 2 x[t+1] + x[t+2] for every three frames."""
    return rows[:-2] - 2 * rows[1:-1] + rows[2:]


def smoothness_weights(size: int, smoothness: float, fps: float) -> Float[Tensor, " size"]:
    """Weights of the second differences, so that `smoothness` is in s²/rad whatever the frame rate.

    A correction's angular acceleration is expected to have a standard deviation of 1/smoothness rad/s² per frame.
    """
    weights = torch.full((size,), smoothness * fps**2, dtype=torch.float64)
    weights[:3] /= ACCELERATION_LEVER_M
    return weights


def clip_goals(frames: Frames, soles: int) -> Goals:
    """Markers and joint centres have their targets; points of the soles are not yet held."""
    places, weights = pad_rows(frames.targets, soles), pad_rows(frames.weights[..., None].expand(-1, -1, 3), soles)
    return Goals(places, weights, weights[..., 2].clone())


def pad_rows(values: Float[Tensor, "frames rows 3"], more: int) -> Float[Tensor, "frames more_rows 3"]:
    """Rows of zeros appended."""
    return torch.nn.functional.pad(values, (0, 0, 0, more))


def standing_goals(
    goals: Goals,
    source_m: Float[np.ndarray, "frames soles 3"],
    fitted_m: Float[np.ndarray, "frames soles 3"],
    touches: Bool[np.ndarray, "frames soles"],
) -> Goals:
    """The same goals with a floor: soles are above it, and where the source's touch it the fit's stand still.

    Args:
        goals: those of `clip_goals`.
        source_m: the points of the soles in the source motion.
        fitted_m: the same points in the fit so far.
        touches: where they are in stance.
    """
    first = goals.places.shape[1] - touches.shape[1]
    places, weights = goals.places.clone(), goals.weights.clone()
    standing = standing_places(source_m, fitted_m, touches)
    places[:, first:] = torch.as_tensor(np.where(touches[..., None], standing, 0.0))
    weights[:, first:] = torch.as_tensor(touches)[..., None] / CONTACT_SD_M
    below = goals.below.clone()
    below[:, first:] = 1 / BELOW_SD_M
    return Goals(places, weights, below)


def fit_clip_motion(
    body: FitBody,
    betas: Float[np.ndarray, " betas"],
    offsets_m: Float[np.ndarray, "markers 3"],
    motion: Motion,
    targets: Targets,
    fps: float,
    settings: FitSettings,
) -> ClipFit:
    """Stage 2: pose and translation of all frames at once, with shape and marker offsets given.

    Args:
        body: the points of the body model.
        betas: the subject's shape, of stage 1.
        offsets_m: the markers' displacement at rest, of stage 1.
        motion: the source motion.
        targets: markers and joint centres of the skeleton.
        fps: frames per second.
        settings: weights and the coordinates that are locked.
    """
    frames = make_frames(body, motion, targets, settings)
    shaped = shape_points(body.points, torch.as_tensor(betas, dtype=torch.float64), marker_offsets(body, offsets_m))
    parts = collapse(shaped, body.combine, frames.joints)
    problem = clip_problem(parts, frames, clip_goals(frames, body.soles), settings.smoothness, fps)
    start = torch.zeros(len(motion.poses) * frames.size, dtype=torch.float64)
    solution = minimise(problem, start, 1 if body.soles else settings.iterations, TOLERANCE)
    if body.soles:
        problem = problem.standing(body, motion, fps, settings.locked, solution.unknowns)
        solution = minimise(problem, solution.unknowns, settings.iterations, TOLERANCE)
    rows = problem.rows(solution.unknowns)
    marker_mm, joint_mm = distances_mm(problem.positions(rows)[:, : frames.targets.shape[1]], targets)
    return ClipFit(corrected_motion(motion, frames, rows), marker_mm, joint_mm, solution.iterations)
