"""Scores of every method: those of the paper's tables, and what they leave out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from odah_net.evaluation.methods import ClipTracks, Track
from odah_net.kinematics import PELVIS_TURNS
from odah_net.metrics import (
    MM,
    angle_errors_deg,
    geodesic_deg,
    pa_mpjpe_mm,
    pa_mpjpe_sequence_mm,
    pa_mpjve_mm_per_s,
)

JOINTS = slice(22, None)
"""Joint centres among the key points."""
ARM_FLEXION = ("arm_flex_r", "arm_flex_l")
COUPLED_END = "_beta"

Scores = dict[str, float]


def scores_of(clips: Sequence[ClipTracks], method: str, names: Sequence[str], confidence: np.ndarray) -> dict[str, Any]:
    """Scores of a method over clips, frames counting equally; and each coordinate's angle error."""
    errors = np.concatenate([angle_errors(clip, method) for clip in clips])
    kept = groups(names, confidence)
    angles = {f"mae_{name}_deg": float(errors[:, columns].mean()) for name, columns in kept.items() if columns.any()}
    return {
        **angles,
        **averaged([clip_scores(clip, method, names) for clip in clips]),
        "coordinates_deg": dict(zip(names, errors.mean(0).tolist())),
    }


def groups(names: Sequence[str], confidence: Float[np.ndarray, " angles"]) -> dict[str, Bool[np.ndarray, " angles"]]:
    """Which coordinates each mean angle error is over.

    `all`; `no_pelvis`; `no_arm_flexion`, as the paper when it compares; `own`, without coordinates that follow another
    or are locked; and of these the `sure` and the `weak` ones, by the labels' confidence.
    """
    pelvis, flexion = np.isin(names, PELVIS_TURNS), np.isin(names, ARM_FLEXION)
    own = (confidence > 0) & ~np.char.endswith(np.array(names, dtype=str), COUPLED_END)
    return {
        "all": np.ones(len(names), dtype=bool),
        "no_pelvis": ~pelvis,
        "no_arm_flexion": ~flexion,
        "own": own,
        "sure": own & (confidence == 1),
        "weak": own & (confidence < 1),
    }


def angle_errors(clip: ClipTracks, method: str) -> Float[np.ndarray, "frames angles"]:
    """Angle errors of the valid frames (°)."""
    return angle_errors_deg(clip.found[method].angles_rad[clip.valid], clip.truth.angles_rad[clip.valid])


def clip_scores(clip: ClipTracks, method: str, names: Sequence[str]) -> dict[str, tuple[float, int]]:
    """Scores of one clip, each with the frames it is over."""
    runs = valid_runs(clip.valid)
    pairs = [(clip.found[method].take(run), clip.truth.take(run)) for run in runs]
    frames = sum(len(truth.points_m) for _, truth in pairs)
    found, truth = (joined([pair[side] for pair in pairs]) for side in (0, 1))
    values = {
        "mae_all_deg_of_clip": float(angle_errors(clip, method).mean()),
        "pelvis_geodesic_deg": float(geodesic_deg(pelvis(found, names), pelvis(truth, names)).mean()),
        "mpjpe_mm": float(MM * np.linalg.norm(found.points_m - truth.points_m, axis=-1).mean()),
        "pa_mpjpe_mm": pa_mpjpe_mm(found.points_m, truth.points_m),
        "pa_mpjpe_joints_mm": pa_mpjpe_mm(found.points_m[:, JOINTS], truth.points_m[:, JOINTS]),
        "pa_mpjpe_of_sequence_mm": pa_mpjpe_sequence_mm(found.points_m, truth.points_m),
        "scales_mae": float(np.abs(np.abs(found.scales) - truth.scales).mean()),
    }
    scored = {name: (value, frames) for name, value in values.items()}
    moving = [(left, right) for left, right in pairs if len(left.points_m) > 1]
    if moving:
        speeds = [pa_mpjve_mm_per_s(left.points_m, right.points_m, clip.fps) for left, right in moving]
        steps = [len(left.points_m) - 1 for left, _ in moving]
        scored["pa_mpjve_mm_per_s"] = (float(np.average(speeds, weights=steps)), sum(steps))
    return scored


def valid_runs(valid: Bool[np.ndarray, " frames"]) -> list[slice]:
    """The longest stretches of frames that are all valid: velocities are taken inside them only."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], valid.astype(int), [0]])))
    return [slice(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def joined(tracks: Sequence[Track]) -> Track:
    """Tracks one after another."""
    parts = (np.concatenate([getattr(each, name) for each in tracks]) for name in ("angles_rad", "scales", "points_m"))
    return Track(*parts)


def pelvis(track: Track, names: Sequence[str]) -> Float[np.ndarray, "frames 3 3"]:
    """OpenSim ground ← pelvis: tilt about z, then list about x, then rotation about y, each about turned axes."""
    columns = [list(names).index(name) for name in PELVIS_TURNS]
    return Rotation.from_euler("ZXY", track.angles_rad[:, columns]).as_matrix()


def averaged(clips: Sequence[Mapping[str, tuple[float, int]]]) -> Scores:
    """Means over clips, by the frames each has."""
    names = dict.fromkeys(name for clip in clips for name in clip if not name.endswith("_of_clip"))
    found = {name: [clip[name] for clip in clips if name in clip] for name in names}
    return {
        name: sum(value * frames for value, frames in each) / sum(frames for _, frames in each)
        for name, each in found.items()
    }
