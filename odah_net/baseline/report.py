"""Baselines held against the labels of a data set, by the figures of `odah-net evaluate`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from odah_gen.errors import InputError
from odah_net.data.clips import ClipData
from odah_net.evaluation.evaluate import label, scored, write_report
from odah_net.evaluation.methods import ClipTracks, Track
from odah_net.evaluation.plots import write_curves


def clips_with_labels(clips: Sequence[ClipData]) -> list[ClipData]:
    """The clips that have a valid frame.

    Raises:
        InputError: none has.
    """
    kept = [clip for clip in clips if clip.labels["valid"].any()]
    if not kept:
        raise InputError("No clip has a frame with a valid label. Export clips that passed.")
    return kept


def report_of(
    clips: Sequence[ClipData], found: Mapping[str, Sequence[Track]], out: Path, curves: int, beside: Sequence[Path]
) -> dict[str, Any]:
    """Score tracks, and write evaluation.json, table.txt and pictures.

    Args:
        clips: of the data set, all with valid frames.
        found: a track of each clip, by method.
        out: where to write.
        curves: how many clips get a picture of their angle curves.
        beside: evaluation.json of other methods on the same clips.
    """
    compared = [
        ClipTracks(
            clip.clip_id,
            clip.fps,
            clip.labels["valid"],
            label(clip),
            {method: each[number] for method, each in found.items()},
        )
        for number, clip in enumerate(clips)
    ]
    names, confidence = clips[0].labels["coordinate_names"].tolist(), clips[0].labels["confidence"]
    report = scored(compared, names, confidence, beside)
    write_report(out, report, names, confidence)
    for clip in compared[:curves]:
        write_curves(out / f"curves-{clip.clip_id}.png", clip, names)
    return report
