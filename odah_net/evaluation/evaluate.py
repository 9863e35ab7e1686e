"""A trained network held against the labels of a data set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from odah_gen.errors import InputError
from odah_gen.storage import atomic, read_json, write_json
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
    "pa_mpjpe_joints_of_sequence_mm": "  22 joint centres (mm)",
    "mpjpe_mm": "MPJPE from the pelvis, not aligned (mm)",
    "pa_mpjve_mm_per_s": "PA-MPJVE (mm/s)",
    "scales_mae": "scale factors, mean error",
    "key_points": "key points compared",
}


def evaluate(
    checkpoint: Checkpoint,
    data: Path,
    out: Path | None = None,
    subjects: Sequence[str] | None = None,
    device: torch.device | str = "cpu",
    workers: int = 0,
    curves: int = 4,
    beside: Sequence[Path] = (),
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
        beside: evaluation.json of other methods on the same clips; they get columns of the same table.

    Raises:
        InputError: the data cannot be used.
    """
    clips = open_clips(data, subjects, checkpoint.plan.views)
    kinematics = checkpoint.kinematics()
    check_labels(clips, kinematics)
    features = features_of(checkpoint, clips, out, device, workers)
    tracks = clip_tracks(checkpoint, clips, features)
    facts = {"config": checkpoint.plan.config, "stage": checkpoint.stage, "step": checkpoint.step}
    report = facts | scored(tracks, kinematics.names, clips[0].labels["confidence"], beside)
    if out:
        write_report(out, report, kinematics.names, clips[0].labels["confidence"])
        for clip in tracks[:curves]:
            write_curves(out / f"curves-{clip.clip_id}.png", clip, kinematics.names)
    return report


def scored(
    tracks: Sequence[ClipTracks], names: Sequence[str], confidence: np.ndarray, beside: Sequence[Path] = ()
) -> dict[str, Any]:
    """Scores of every method over clips, and of those that were scored before.

    Args:
        tracks: the clips.
        names: of the coordinates.
        confidence: of the coordinates.
        beside: evaluation.json of other methods.

    Raises:
        InputError: another report is missing, of other clips, or has a column that is there already.
    """
    clips = [clip.clip_id for clip in tracks]
    methods = {method: scores_of(tracks, method, names, confidence) for method in tracks[0].found}
    for path in beside:
        put_beside(methods, path, clips)
    frames = int(sum(clip.valid.sum() for clip in tracks))
    return {"clips": len(tracks), "frames": frames, "clip_ids": clips, "methods": methods}


def put_beside(methods: dict[str, Any], path: Path, clips: Sequence[str]) -> None:
    """Add the columns of another evaluation.json; one whose name is taken is told apart by the file's folder.

    Raises:
        InputError: the file is missing or of other clips, or that name is taken, too.
    """
    for method, scores in other_scores(path, clips).items():
        name = f"{method} ({path.resolve().parent.name})" if method in methods else method
        if name in methods:
            raise InputError(
                f"{path}: the table has a column {name} already. Leave this file out, or put it into a folder of another name."
            )
        methods[name] = scores


def other_scores(path: Path, clips: Sequence[str]) -> dict[str, Any]:
    """The scores in another evaluation.json.

    Raises:
        InputError: the file is missing or of other clips.
    """
    report = read_json(path)
    if not isinstance(report, dict) or report.get("clip_ids") != list(clips):
        raise InputError(
            f"{path}: is no evaluation of these {len(clips)} clips. Make it again from the same data set and subjects."
        )
    return dict(report["methods"])


def write_report(out: Path, report: Mapping[str, Any], names: Sequence[str], confidence: np.ndarray) -> None:
    """Write evaluation.json, table.txt and coordinates.png."""
    sure = dict(zip(names, groups(names, confidence)["sure"].tolist()))
    write_json(out / "evaluation.json", report)
    with atomic(out / "table.txt") as temporary:
        temporary.write_text(table(report["methods"]))
    write_coordinates(out / "coordinates.png", report["methods"], sure)


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


def table_cells(scores: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """The scores in words: a line of methods, then one for each figure that any of them has."""
    shown = {name: text for name, text in ROWS.items() if any(name in values for values in scores.values())}
    figures = [
        [text, *(f"{values[name]:.3g}" if name in values else "–" for values in scores.values())]
        for name, text in shown.items()
    ]
    return [["", *scores], *figures]


def table(scores: Mapping[str, Mapping[str, Any]]) -> str:
    """The scores as text, a column for each method."""
    width = max(len(text) for text in ROWS.values())
    columns = [max(12, len(method) + 2) for method in scores]
    lines = [
        "".join([f"{text:<{width}}", *(f"{cell:>{column}}" for cell, column in zip(cells, columns))])
        for text, *cells in table_cells(scores)
    ]
    return "\n".join(lines) + "\n"
