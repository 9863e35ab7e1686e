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
        **averaged([clip_scores(clip, method, names, compared_points(clips, method)) for clip in clips]),
        "key_points": int(compared_points(clips, method).sum()),
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


def compared_points(clips: Sequence[ClipTracks], method: str) -> Bool[np.ndarray, " points"]:
    """The key points that a method's skeleton has."""
    return np.all([np.isfinite(clip.found[method].points_m).all((0, 2)) for clip in clips], axis=0)


def clip_scores(
    clip: ClipTracks, method: str, names: Sequence[str], compared: Bool[np.ndarray, " points"]
) -> dict[str, tuple[float, int]]:
    """Scores of one clip, each with the frames it is over."""
    found, truth = (track.take(clip.valid).with_points(compared) for track in (clip.found[method], clip.truth))
    joints = slice(int(compared[: JOINTS.start].sum()), None)
    found_joints_m, true_joints_m = found.points_m[:, joints], truth.points_m[:, joints]
    frames = len(truth.points_m)
    values = {
        "pelvis_geodesic_deg": float(geodesic_deg(pelvis(found, names), pelvis(truth, names)).mean()),
        "mpjpe_mm": float(MM * np.linalg.norm(found.points_m - truth.points_m, axis=-1).mean()),
        "pa_mpjpe_mm": pa_mpjpe_mm(found.points_m, truth.points_m),
        "pa_mpjpe_joints_mm": pa_mpjpe_mm(found_joints_m, true_joints_m),
        "pa_mpjpe_of_sequence_mm": pa_mpjpe_sequence_mm(found.points_m, truth.points_m),
        "pa_mpjpe_joints_of_sequence_mm": pa_mpjpe_sequence_mm(found_joints_m, true_joints_m),
    }
    if found.scales is not None and truth.scales is not None:
        values["scales_mae"] = float(np.abs(np.abs(found.scales) - truth.scales).mean())
    return {name: (value, frames) for name, value in values.items()} | speed_scores(clip, method, compared)


def speed_scores(clip: ClipTracks, method: str, compared: Bool[np.ndarray, " points"]) -> dict[str, tuple[float, int]]:
    """The velocity error inside stretches of valid frames, with its steps; nothing where no two valid frames meet."""
    moving = [run for run in valid_runs(clip.valid) if run.stop - run.start > 1]
    if not moving:
        return {}
    tracks = (clip.found[method].with_points(compared), clip.truth.with_points(compared))
    pairs = [[track.take(run).points_m for track in tracks] for run in moving]
    steps = [run.stop - run.start - 1 for run in moving]
    speeds = [pa_mpjve_mm_per_s(found, truth, clip.fps) for found, truth in pairs]
    return {"pa_mpjve_mm_per_s": (float(np.average(speeds, weights=steps)), sum(steps))}


def valid_runs(valid: Bool[np.ndarray, " frames"]) -> list[slice]:
    """The longest stretches of frames that are all valid: velocities are taken inside them only."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], valid.astype(int), [0]])))
    return [slice(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def pelvis(track: Track, names: Sequence[str]) -> Float[np.ndarray, "frames 3 3"]:
    """OpenSim ground ← pelvis: tilt about z, then list about x, then rotation about y, each about turned axes."""
    columns = [list(names).index(name) for name in PELVIS_TURNS]
    return Rotation.from_euler("ZXY", track.angles_rad[:, columns]).as_matrix()


def averaged(clips: Sequence[Mapping[str, tuple[float, int]]]) -> Scores:
    """Means over clips, by the frames each has."""
    names = dict.fromkeys(name for clip in clips for name in clip)
    found = {name: [clip[name] for clip in clips if name in clip] for name in names}
    return {
        name: sum(value * frames for value, frames in each) / sum(frames for _, frames in each)
        for name, each in found.items()
    }
