"""A trained network held against the labels of a data set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from odah_gen.storage import write_json
from odah_net.data.clips import ClipData, open_clips, root_relative
from odah_net.data.crops_of_clip import CropCache
from odah_net.data.dataset import Sequences
from odah_net.evaluation.methods import ClipTracks, Track, methods
from odah_net.evaluation.plots import write_coordinates, write_curves
from odah_net.evaluation.scores import groups, scores_of
from odah_net.training.checkpoint import Checkpoint
from odah_net.training.features import Features, frame_features
from odah_net.training.plan import SEQUENCE
from odah_net.training.run import check_labels

ROWS = {
    "mae_all_deg": "MAE, 36 angles (°)",
    "mae_no_pelvis_deg": "MAE without pelvis (°)",
    "mae_no_arm_flexion_deg": "MAE without arm flexion (°)",
    "mae_own_deg": "MAE without coupled and locked (°)",
    "mae_sure_deg": "  of these, label is sure (°)",
    "mae_weak_deg": "  of these, label is weak (°)",
    "pelvis_geodesic_deg": "pelvis orientation (°)",
    "pa_mpjpe_mm": "PA-MPJPE, 44 points (mm)",
    "pa_mpjpe_joints_mm": "PA-MPJPE, 22 joint centres (mm)",
    "pa_mpjpe_of_sequence_mm": "PA-MPJPE, sequence aligned (mm)",
    "mpjpe_mm": "MPJPE from the pelvis, not aligned (mm)",
    "pa_mpjve_mm_per_s": "PA-MPJVE (mm/s)",
    "scales_mae": "scale factors, mean error",
}


def evaluate(
    checkpoint: Checkpoint,
    data: Path,
    out: Path | None = None,
    subjects: Sequence[str] | None = None,
    device: torch.device | str = "cpu",
    workers: int = 0,
    curves: int = 4,
) -> dict[str, Any]:
    """Scores by method; with `out` also evaluation.json, table.txt and pictures there.

    Args:
        checkpoint: a trained network.
        data: an exported data set.
        out: where to write.
        subjects: only these of the data set.
        device: where to compute the features.
        workers: processes that read videos.
        curves: how many clips get a picture of their angle curves.

    Raises:
        InputError: the data cannot be used.
    """
    clips = open_clips(data, subjects, checkpoint.plan.views)
    kinematics = checkpoint.kinematics()
    check_labels(clips, kinematics)
    features = features_of(checkpoint, clips, out, device, workers)
    tracks = clip_tracks(checkpoint, clips, features)
    confidence = clips[0].labels["confidence"]
    scores = {method: scores_of(tracks, method, kinematics.names, confidence) for method in tracks[0].found}
    report = {
        "config": checkpoint.plan.config,
        "stage": checkpoint.stage,
        "step": checkpoint.step,
        "clips": len(tracks),
        "frames": int(sum(clip.valid.sum() for clip in tracks)),
        "methods": scores,
    }
    if out:
        sure = dict(zip(kinematics.names, groups(kinematics.names, confidence)["sure"].tolist()))
        write_json(out / "evaluation.json", report)
        (out / "table.txt").write_text(table(scores))
        write_coordinates(out / "coordinates.png", scores, sure)
        for clip in tracks[:curves]:
            write_curves(out / f"curves-{clip.clip_id}.png", clip, kinematics.names)
    return report


def features_of(
    checkpoint: Checkpoint, clips: Sequence[ClipData], out: Path | None, device: torch.device | str, workers: int
) -> Features:
    """Frame features of the clips; crops are kept where something else is written too."""
    network = checkpoint.build(device)
    cache = CropCache(out / "crops") if out else None
    frames = Sequences(clips, network.size, 1, 1, checkpoint.plan.seed, cache)
    return frame_features(network.frame, frames, 32, workers, device)


def clip_tracks(checkpoint: Checkpoint, clips: Sequence[ClipData], features: Features) -> list[ClipTracks]:
    """Label and methods of every clip that has a valid frame."""
    network, kinematics = checkpoint.build(), checkpoint.kinematics()
    with_sequence = checkpoint.stage == SEQUENCE
    return [
        ClipTracks(
            clip.clip_id,
            clip.fps,
            clip.labels["valid"],
            label(clip),
            methods(network, kinematics, checkpoint.mean, features[clip.clip_id], with_sequence),
        )
        for clip in clips
        if clip.labels["valid"].any()
    ]


def label(clip: ClipData) -> Track:
    """The label of a clip."""
    labels = clip.labels
    scales = np.broadcast_to(labels["scales"], (clip.frames, *labels["scales"].shape))
    return Track(labels["coordinates_rad"], scales, root_relative(labels))


def table(scores: Mapping[str, Mapping[str, Any]]) -> str:
    """The scores as text, a column for each method."""
    width = max(len(text) for text in ROWS.values())
    lines = ["".join([" " * width, *(f"{method:>12}" for method in scores)])]
    for name, text in ROWS.items():
        cells = [f"{values[name]:12.3g}" if name in values else f"{'–':>12}" for values in scores.values()]
        if any(name in values for values in scores.values()):
            lines.append("".join([f"{text:<{width}}", *cells]))
    return "\n".join(lines) + "\n"
