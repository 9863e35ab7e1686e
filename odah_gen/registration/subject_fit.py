"""Stage 1 of the body fit: a subject's shape and marker offsets, over a few well-spread frames."""

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
    distances_mm,
    make_frames,
)
from odah_gen.registration.least_squares import minimise, solve_arrow
from odah_gen.registration.points import PosedPoints, shape_jacobian, shape_points

SHAPE_SD = 0.1
"""How far a shape coefficient may be from the subject's own, in standard deviations of the shape space."""
NORMAL_SD_M = 0.001
"""Spread of a marker's distance from the skin."""
OFFSET_BOUND_SD = 2.0
ANNEALING = (4.0, 2.0, 1.0)
"""Factors on the precision of shape and offset priors: pose first, then shape, as MoSh++ anneals."""


@dataclass(frozen=True)
class SubjectFit:
    """Result of stage 1: shape and the markers' displacement at rest (m), with the mean residuals (mm)."""

    betas: Float[np.ndarray, " betas"]
    offsets_m: Float[np.ndarray, "markers 3"]
    marker_mean_mm: float
    joint_center_mean_mm: float


@dataclass(frozen=True)
class SubjectEquations:
    """Normal equations in the form of an arrow: frames, which share shape and offsets."""

    blocks: Float[Tensor, "frames size size"]
    borders: Float[Tensor, "frames size shared"]
    corner: Float[Tensor, "shared shared"]
    gradient: Float[Tensor, "frames size"]
    shared_gradient: Float[Tensor, " shared"]


@dataclass(frozen=True)
class SubjectProblem:
    """The corrections of a few frames, then the shape coefficients, then the markers' displacements at rest.

    Attributes:
        body: the points of the body model.
        frames: the frames to explain.
        betas: the shape that the prior holds to.
        offsets: the displacements that the prior holds to (m).
        shared_precision: prior precision of shape and displacements.
    """

    body: FitBody
    frames: Frames
    betas: Float[Tensor, " betas"]
    offsets: Float[Tensor, "markers 3"]
    shared_precision: Float[Tensor, "shared shared"]

    def split(self, unknowns: Float[Tensor, " unknowns"]) -> tuple[Tensor, Tensor, Tensor]:
        """Corrections [frames, size], shape coefficients, displacements [markers, 3]."""
        frames = len(self.frames.local) * self.frames.size
        shared = unknowns[frames:]
        betas, offsets = shared[: len(self.betas)], shared[len(self.betas) :]
        return unknowns[:frames].reshape(-1, self.frames.size), betas, offsets.reshape(-1, 3)

    def shape(self, unknowns: Float[Tensor, " unknowns"]) -> ShapedBody:
        """The body with the shape and displacements among the unknowns."""
        _, betas, offsets = self.split(unknowns)
        displaced = torch.zeros_like(self.body.points.template)
        displaced[: self.body.markers] = offsets
        return shape_points(self.body.points, betas, displaced)

    def deviation(self, unknowns: Float[Tensor, " unknowns"]) -> Float[Tensor, " shared"]:
        """Shape and displacements relative to where the prior holds them."""
        _, betas, offsets = self.split(unknowns)
        return torch.cat([betas - self.betas, (offsets - self.offsets).flatten()])

    def cost(self, unknowns: Float[Tensor, " unknowns"]) -> float:
        """Data and priors."""
        rows, shaped, deviation = self.split(unknowns)[0], self.shape(unknowns), self.deviation(unknowns)
        data = 0.0
        for chunk in self.frames.chunks():
            posed = self.frames.pose(shaped, rows, chunk)
            data += float(self.frames.residuals(self.body, posed, chunk).square().sum())
        prior = float(((rows @ self.frames.prior) * rows).sum())
        return 0.5 * (data + prior + float(deviation @ self.shared_precision @ deviation))

    def linearise(self, unknowns: Float[Tensor, " unknowns"]) -> SubjectEquations:
        """Normal equations."""
        rows, shaped = self.split(unknowns)[0], self.shape(unknowns)
        own, shared, residuals = [], [], []
        for chunk in self.frames.chunks():
            posed = self.frames.pose(shaped, rows, chunk)
            residuals.append(self.frames.residuals(self.body, posed, chunk).flatten(1))
            own.append(self.frames.jacobian(self.body, shaped, posed, rows, chunk))
            shared.append(self.shared_jacobian(posed, chunk))
        a, b, r = torch.cat(own), torch.cat(shared), torch.cat(residuals)
        return SubjectEquations(
            blocks=a.transpose(1, 2) @ a + self.frames.prior,
            borders=a.transpose(1, 2) @ b,
            corner=torch.einsum("tva,tvb->ab", b, b) + self.shared_precision,
            gradient=torch.einsum("tvu,tv->tu", a, r) + rows @ self.frames.prior,
            shared_gradient=torch.einsum("tvs,tv->s", b, r) + self.shared_precision @ self.deviation(unknowns),
        )

    def shared_jacobian(self, posed: PosedPoints, chunk: slice) -> Float[Tensor, "frames values shared"]:
        """Derivative of the weighted residuals by shape and displacements."""
        by_shape = self.body.observe(shape_jacobian(self.body.points, posed))
        frames, rows, markers = by_shape.shape[0], by_shape.shape[1], self.body.markers
        by_offset = by_shape.new_zeros(frames, rows, 3, markers, 3)
        every = torch.arange(markers)
        by_offset[:, every, :, every] = posed.blended[:, :markers].transpose(0, 1)
        weights = self.frames.weights[chunk, :, None, None]
        return (torch.cat([by_shape, by_offset.flatten(3)], -1) * weights).flatten(1, 2)

    def step(self, equations: SubjectEquations, damping: float) -> Float[Tensor, " unknowns"]:
        """One damped step."""
        frames, shared = solve_arrow(
            equations.blocks,
            equations.borders,
            equations.corner,
            equations.gradient,
            equations.shared_gradient,
            damping,
        )
        return torch.cat([frames.flatten(), shared])

    def bound(self, unknowns: Float[Tensor, " unknowns"]) -> Float[Tensor, " unknowns"]:
        """Displacements leave where the prior holds them by OFFSET_BOUND_SD times their spread at most."""
        rows, betas, offsets = self.split(unknowns)
        moved = offsets - self.offsets
        length = moved.norm(dim=-1, keepdim=True).clamp(min=1e-12)
        allowed = (OFFSET_BOUND_SD * self.body.offset_sd_m[:, None] / length).clamp(max=1.0)
        return torch.cat([rows.flatten(), betas, (self.offsets + moved * allowed).flatten()])


def shared_precision(body: FitBody, betas: int, annealing: float) -> Float[Tensor, "shared shared"]:
    """Prior precision: shape about the subject's own, markers about their place in the static trial.

    A marker may slide along the skin by its own spread; its distance from the skin is known much better.
    """
    normal = body.normals[:, :, None] * body.normals[:, None]
    along = (torch.eye(3, dtype=normal.dtype) - normal) / body.offset_sd_m[:, None, None] ** 2
    markers = torch.block_diag(*(along + normal / NORMAL_SD_M**2))
    shape = torch.eye(betas, dtype=normal.dtype) / SHAPE_SD**2
    return annealing * torch.block_diag(shape, markers)


def fit_subject_shape(
    body: FitBody,
    betas: Float[np.ndarray, " betas"],
    offsets_m: Float[np.ndarray, "markers 3"],
    motion: Motion,
    targets: Targets,
    settings: FitSettings,
) -> SubjectFit:
    """Stage 1: shape and marker offsets that explain a few frames, each in a pose of its own.

    The priors start strong and are relaxed in three rounds, so that pose is settled before shape moves.

    Args:
        body: the points of the body model.
        betas: the subject's own shape, where the fit starts and which its prior holds to.
        offsets_m: the same of the markers' displacements at rest; odah_gen.registration.standing finds them.
        motion: the source motion in the chosen frames.
        targets: markers and joint centres of the skeleton in these frames.
        settings: weights and the coordinates that are locked.
    """
    frames = make_frames(body, motion, targets, settings)
    own = torch.as_tensor(betas, dtype=torch.float64)
    offsets = torch.as_tensor(offsets_m, dtype=torch.float64)
    unknowns = torch.cat([torch.zeros(len(frames.local) * frames.size, dtype=torch.float64), own, offsets.flatten()])
    for annealing in ANNEALING:
        problem = SubjectProblem(body, frames, own, offsets, shared_precision(body, len(own), annealing))
        unknowns = minimise(problem, unknowns, settings.iterations).unknowns
    rows, fitted, displaced = problem.split(unknowns)
    shaped = problem.shape(unknowns)
    seen = [body.observe(frames.pose(shaped, rows, chunk).positions) for chunk in frames.chunks()]
    marker_mm, joint_mm = distances_mm(torch.cat(seen), targets)
    return SubjectFit(
        betas=fitted.numpy(),
        offsets_m=displaced.numpy(),
        marker_mean_mm=used_mean(body, marker_mm),
        joint_center_mean_mm=float(np.nanmean(joint_mm)),
    )


def used_mean(body: FitBody, marker_mm: Float[np.ndarray, "frames markers"]) -> float:
    """Mean distance over the markers that the fit follows (mm)."""
    return float(np.nanmean(marker_mm[:, body.marker_weights.numpy() > 0]))
