"""Stage 2 of the body fit: pose and translation of all frames of a clip at once."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from odah_gen.body.skinning import ShapedBody
from odah_gen.registration.fit_frames import (
    FitBody,
    FitSettings,
    Frames,
    Motion,
    Targets,
    corrected_motion,
    correction_sd,
    distances_mm,
    make_frames,
    marker_offsets,
)
from odah_gen.registration.least_squares import acceleration_bands, minimise, solve_banded
from odah_gen.registration.points import shape_points

ACCELERATION_LEVER_M = 0.3
"""A rotation's acceleration counts as that of a point this far from its joint."""


@dataclass(frozen=True)
class ClipFit:
    """Result of stage 2: the motion, and the distances of markers and joint centres to their targets (mm)."""

    motion: Motion
    marker_mm: Float[np.ndarray, "frames markers"]
    joint_center_mm: Float[np.ndarray, "frames joints"]
    iterations: int


@dataclass(frozen=True)
class ClipEquations:
    """Normal equations of a clip: one block per frame, and the gradient."""

    blocks: Float[Tensor, "frames size size"]
    gradient: Float[Tensor, "frames size"]


@dataclass(frozen=True)
class ClipProblem:
    """Stage 2: the corrections of every frame of a clip, tied by their accelerations."""

    body: FitBody
    shaped: ShapedBody
    frames: Frames
    smooth_weights: Float[Tensor, " size"]
    bands: Float[np.ndarray, "diagonals unknowns"]

    def rows(self, unknowns: Float[Tensor, " unknowns"]) -> Float[Tensor, "frames size"]:
        """The unknowns, one row per frame."""
        return unknowns.reshape(-1, self.frames.size)

    def cost(self, unknowns: Float[Tensor, " unknowns"]) -> float:
        """Data, prior and smoothness."""
        rows = self.rows(unknowns)
        data = sum(float((self.residuals(rows, chunk) ** 2).sum()) for chunk in self.frames.chunks())
        prior = float(((rows / correction_sd(self.frames.joints)) ** 2).sum())
        smooth = float((second_difference(rows) * self.smooth_weights).square().sum())
        return 0.5 * (data + prior + smooth)

    def residuals(self, rows: Float[Tensor, "frames size"], chunk: slice) -> Float[Tensor, "frames rows 3"]:
        """Weighted differences to the targets in some frames."""
        return self.frames.residuals(self.body, self.frames.pose(self.shaped, rows, chunk), chunk)

    def linearise(self, unknowns: Float[Tensor, " unknowns"]) -> ClipEquations:
        """Normal equations; the smoothness is constant and stands in `bands`."""
        rows = self.rows(unknowns)
        precision = correction_sd(self.frames.joints) ** -2
        blocks, gradients = [], []
        for chunk in self.frames.chunks():
            posed = self.frames.pose(self.shaped, rows, chunk)
            residuals = self.frames.residuals(self.body, posed, chunk).flatten(1)
            jacobian = self.frames.jacobian(self.body, self.shaped, posed, rows, chunk)
            blocks.append(jacobian.transpose(1, 2) @ jacobian + torch.diag(precision))
            gradients.append(torch.einsum("tvu,tv->tu", jacobian, residuals))
        gradient = torch.cat(gradients) + rows * precision
        return ClipEquations(torch.cat(blocks), gradient + self.smooth_gradient(rows))

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
        return solve_banded(equations.blocks, self.bands, equations.gradient, damping).flatten()

    def bound(self, unknowns: Float[Tensor, " unknowns"]) -> Float[Tensor, " unknowns"]:
        """Corrections are not bounded."""
        return unknowns


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
    smooth = smoothness_weights(frames.size, settings.smoothness, fps)
    bands = acceleration_bands(len(motion.poses), smooth.numpy())
    problem = ClipProblem(body, shaped, frames, smooth, bands)
    start = torch.zeros(len(motion.poses) * frames.size, dtype=torch.float64)
    solution = minimise(problem, start, settings.iterations)
    rows = problem.rows(solution.unknowns)
    marker_mm, joint_mm = distances_mm(body, shaped, frames, rows, targets)
    return ClipFit(corrected_motion(motion, frames, rows), marker_mm, joint_mm, solution.iterations)
