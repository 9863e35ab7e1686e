"""The joint fit of a subject: from marker trajectories to factors, offsets and what is to be told of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from odah_gen.body.layout import MarkerLayout
from odah_gen.skeleton.fast_ik import solve
from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.joint_fit import Prior, fit_jointly
from odah_gen.skeleton.joint_fit_priors import FactorPrior, Segment, offset_prior, segments_of
from odah_gen.skeleton.joint_fit_problem import MarkerFit, Observations, Unknowns
from odah_gen.skeleton.sampled_frames import spread_frames
from odah_gen.skeleton.scale_groups import ScaleGroups, scale_groups
from odah_gen.skeleton.scale_limits import Limits, no_limits
from odah_gen.skeleton.scaled_skeleton import scaled_skeleton
from odah_gen.skeleton.scaling import JOINTS_OF_CENTERS
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.trc import MarkerTrajectories

FRAMES = 50
"""Frames of the subject's motions that take part."""
MARKER_SD_M = 0.005
"""Error of a marker of FULL_WEIGHT in one frame, per axis: skin over bone, and what the joints of the model cannot do."""
FULL_WEIGHT = 10.0
CENTER_WEIGHT = 160.0
"""A joint centre of the static trial counts four times as much as a bony landmark: its spread is half as wide."""
WEIGHT_POWER = 0.5
"""Inverse kinematics trusts some markers a hundred times more than others, which is more than their errors differ."""
COUNTS = 0.05
"""Markers of a larger weight count in the root mean square."""
QUIET = (
    *(
        f"{name}_{side}"
        for name in ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")
        for side in "rl"
    ),
    "lumbar_extension",
    "lumbar_bending",
    "lumbar_rotation",
)
"""Coordinates that are zero when somebody stands quietly."""
QUIET_SD_RAD = float(np.deg2rad(0.7))
"""How far from zero a quietly standing person's hips, knees, ankles and back may be."""
MOTION_WORTH, STATIC_WORTH = 60.0, 25.0
"""All frames of the motions count as so many independent ones, because neighbours err alike; and so does the static
trial, whose pose is known best."""


@dataclass(frozen=True)
class JointScaling:
    """What a joint fit found.

    Attributes:
        scales: [B, 3] factors of all bodies.
        offsets_m: [M, 3] in the frames of the bodies, after scaling.
        groups, start, factors, factor_sd: the sought factors, before and after, and their posterior deviation.
        segments: bodies with markers, for the rigid parts of their offsets.
        frames: how many frames of the motions took part.
        rms_before_m, rms_after_m: of markers that count, over all frames.
        at_bounds: coordinates that end at a bound, and in how many frames.
    """

    scales: Float[np.ndarray, "bodies 3"]
    offsets_m: Float[np.ndarray, "markers 3"]
    groups: ScaleGroups
    start: Float[np.ndarray, " groups"]
    factors: Float[np.ndarray, " groups"]
    factor_sd: Float[np.ndarray, " groups"]
    segments: Sequence[Segment]
    frames: int
    rms_before_m: float
    rms_after_m: float
    at_bounds: Mapping[str, int]


def scale_jointly(
    skeleton: Skeleton,
    layout: MarkerLayout,
    static: MarkerTrajectories,
    motions: Sequence[MarkerTrajectories],
    start: Float[np.ndarray, "bodies 3"],
    held: Mapping[str, float],
    limits: Limits | None = None,
) -> JointScaling:
    """Fit factors, offsets and angles to the static trial and to frames of the motions.

    Args:
        skeleton: unscaled, with the markers of the list.
        layout: the marker list.
        static: the static trial; virtual markers in it that stand for joint centres count most.
        motions: clips, any number.
        start: factors to start from.
        held: coordinates that do not move in the static trial.
        limits: of the factors of odah_gen.skeleton.scale_groups.

    Raises:
        InputError: a marker is missing.
    """
    groups = scale_groups(skeleton.body_names)
    lower, upper = limits or no_limits(groups)
    factors = np.clip(groups.gather(start), lower, upper)
    pointed = with_centers(skeleton.with_listed(layout.names), static)
    weights = center_weights(layout.weights, pointed)
    trial = gather_trial(pointed, weights, static, motions, groups.scales(factors), held)
    segments = segments_of(
        layout.bodies,
        layout.locations_m * groups.scales(factors)[pointed.marker_bodies[: len(layout.names)]],
        layout.weights,
    )
    problem = MarkerFit(
        ForwardKinematics(pointed), torch.as_tensor(groups.spread), observations(pointed, weights, trial)
    )
    offsets = offset_prior(layout.offset_sd_m, segments, len(weights), torch.float64)
    begin = Unknowns(
        torch.as_tensor(factors), torch.zeros(len(weights), 3, dtype=torch.float64), torch.as_tensor(trial.coordinates)
    )
    fitted = fit_jointly(
        problem, Prior(FactorPrior(begin.factors, torch.as_tensor(lower), torch.as_tensor(upper)), offsets), begin
    )
    end = fitted.unknowns
    return JointScaling(
        scales=groups.scales(end.factors.numpy()),
        offsets_m=end.offsets_m[: len(layout.names)].numpy(),
        groups=groups,
        start=factors,
        factors=end.factors.numpy(),
        factor_sd=fitted.factor_sd.numpy(),
        segments=segments,
        frames=len(trial.coordinates) - 1,
        rms_before_m=counted_rms(problem.misses(begin).numpy(), trial.points_m, weights),
        rms_after_m=counted_rms(problem.misses(end).numpy(), trial.points_m, weights),
        at_bounds=counted_bounds(pointed, end.coordinates.numpy()),
    )


@dataclass(frozen=True)
class Trial:
    """The static trial's frame, then those of the motions.

    Attributes:
        points_m: [F, M, 3], NaN where a marker was not seen.
        coordinates: [F, N] inverse kinematics of the skeleton that the fit starts from.
        held: [N] coordinates that do not move in the first frame.
    """

    points_m: Float[np.ndarray, "frames markers 3"]
    coordinates: Float[np.ndarray, "frames coordinates"]
    held: Bool[np.ndarray, " coordinates"]


def with_centers(skeleton: Skeleton, static: MarkerTrajectories) -> Skeleton:
    """The skeleton with the joint centres that the static trial has as further markers."""
    names = [name for name in JOINTS_OF_CENTERS if name in static.names]
    joints = [skeleton.joint_names.index(JOINTS_OF_CENTERS[name]) for name in names]
    places = skeleton.parent_offsets_m[joints].sum(axis=-1)
    return skeleton.with_markers(
        (*skeleton.marker_names, *names),
        np.concatenate([skeleton.marker_bodies, skeleton.joint_parents[joints]]),
        np.concatenate([skeleton.marker_locations_m, places]),
    )


def center_weights(weights: Float[np.ndarray, " markers"], pointed: Skeleton) -> Float[np.ndarray, " points"]:
    """Weights of the list's markers, and CENTER_WEIGHT for joint centres."""
    return np.concatenate([weights, np.full(len(pointed.marker_names) - len(weights), CENTER_WEIGHT)])


def gather_trial(
    pointed: Skeleton,
    weights: Float[np.ndarray, " points"],
    static: MarkerTrajectories,
    motions: Sequence[MarkerTrajectories],
    scales: Float[np.ndarray, "bodies 3"],
    held: Mapping[str, float],
) -> Trial:
    """Choose frames and find where the angles start.

    Raises:
        InputError: a marker is missing.
    """
    sized = scaled_skeleton(pointed, scales)
    by_name = dict(zip(pointed.marker_names, weights))
    standing = MarkerTrajectories(static.names, static.time_s[:1], static.points_m[:1])
    poses = [solve(sized, standing, by_name, held).coordinates]
    points = [np.stack([standing.column(name) for name in pointed.marker_names], axis=1)]
    moving = {name: weight for name, weight in by_name.items() if name not in JOINTS_OF_CENTERS and weight > 0}
    shown = spread_frames(pointed, motions, tuple(moving), FRAMES)
    if len(shown.time_s):
        poses.append(solve(sized, shown, moving).coordinates)
        seen = np.full((len(shown.time_s), len(by_name), 3), np.nan)
        seen[:, [pointed.marker_names.index(name) for name in shown.names]] = shown.points_m
        points.append(seen)
    is_held = np.array([name in held for name in pointed.coordinate_names])
    return Trial(np.concatenate(points), np.concatenate(poses), is_held)


def observations(skeleton: Skeleton, weights: Float[np.ndarray, " points"], trial: Trial) -> Observations:
    """What the frames tell: markers by their weights, the static trial and all motions by what they are worth."""
    frames = len(trial.points_m)
    worth = np.full(frames, MOTION_WORTH / max(frames - 1, 1))
    worth[0] = STATIC_WORTH
    seen = np.isfinite(trial.points_m).all(axis=-1)
    information = seen * worth[:, None] * (weights / FULL_WEIGHT) ** WEIGHT_POWER / MARKER_SD_M**2
    free = np.tile(~skeleton.locked, (frames, 1))
    free[0] &= ~trial.held
    neutral = np.zeros(free.shape)
    neutral[0, [name in QUIET for name in skeleton.coordinate_names]] = QUIET_SD_RAD**-2.0
    return Observations(
        points_m=torch.as_tensor(np.nan_to_num(trial.points_m)),
        information=torch.as_tensor(information),
        free=torch.as_tensor(free),
        lower=torch.as_tensor(np.where(skeleton.clamped, skeleton.lower, -np.inf)),
        upper=torch.as_tensor(np.where(skeleton.clamped, skeleton.upper, np.inf)),
        neutral=torch.as_tensor(neutral),
    )


def counted_rms(
    misses_m: Float[np.ndarray, "frames points 3"],
    points_m: Float[np.ndarray, "frames points 3"],
    weights: Float[np.ndarray, " points"],
) -> float:
    """Root mean square distance (m) of the markers that count, over all frames."""
    squared = np.where(np.isfinite(points_m).all(axis=-1), (misses_m**2).sum(axis=-1), np.nan)
    return float(np.sqrt(np.nanmean(squared[:, weights > COUNTS])))


def counted_bounds(skeleton: Skeleton, coordinates: Float[np.ndarray, "frames coordinates"]) -> dict[str, int]:
    """Coordinates that stand at a bound, and in how many frames."""
    at = skeleton.clamped & ((coordinates <= skeleton.lower) | (coordinates >= skeleton.upper)) & ~skeleton.locked
    return {name: int(frames) for name, frames in zip(skeleton.coordinate_names, at.sum(axis=0)) if frames}
