"""Pictures of an evaluation: angle curves of a clip, and the error of each coordinate."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from odah_gen.storage import atomic
from odah_net.evaluation.methods import FRAMES, MEAN, SEQUENCE, ClipTracks

COLOURS = {SEQUENCE: "#0072b2", FRAMES: "#e69f00", MEAN: "#999999"}
OTHER_COLOURS = ("#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
TRUTH_COLOUR = "#000000"
COLUMNS, ROWS = 6, 6


def colours(methods: Iterable[str]) -> dict[str, str]:
    """A colour for each method; those of a network keep theirs."""
    others = cycle(OTHER_COLOURS)
    return {method: COLOURS.get(method) or next(others) for method in methods}


def save(figure: Figure, path: Path) -> None:
    """Write a picture."""
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=110)


def write_curves(path: Path, clip: ClipTracks, names: Sequence[str]) -> None:
    """Angle curves (°) of every coordinate, label and methods; frames without a label are left out."""
    figure = Figure(figsize=(3 * COLUMNS, 2 * ROWS))
    spaces = {"left": 0.03, "right": 0.99, "bottom": 0.03, "top": 0.93, "wspace": 0.2, "hspace": 0.3}
    parts = figure.subplots(ROWS, COLUMNS, sharex=True, squeeze=False, gridspec_kw=spaces).flat
    time_s = np.arange(len(clip.valid)) / clip.fps
    tracks = {"label": (clip.truth, TRUTH_COLOUR)} | {
        name: (found, colours(clip.found)[name]) for name, found in clip.found.items()
    }
    for column, (name, part) in enumerate(zip(names, parts)):
        for called, (track, colour) in tracks.items():
            shown = np.where(clip.valid, track.angles_rad[:, column], np.nan)
            part.plot(time_s, np.rad2deg(shown), color=colour, label=called, linewidth=1)
        part.set_title(name, fontsize=8)
        part.tick_params(labelsize=7)
    figure.legend(*parts[0].get_legend_handles_labels(), loc="upper right", ncols=len(tracks), fontsize=9)
    figure.suptitle(f"{clip.clip_id}: angles (°) over time (s)", fontsize=10, x=0.01, ha="left")
    save(figure, path)


def write_coordinates(path: Path, scores: Mapping[str, Mapping[str, Any]], sure: Mapping[str, bool]) -> None:
    """Mean angle error (°) of every coordinate by each method; those that the labels are not sure of are marked."""
    names = list(sure)
    figure = Figure(figsize=(8, 11), layout="constrained")
    part = figure.subplots()
    height = 0.8 / len(scores)
    for number, (method, values) in enumerate(scores.items()):
        errors = [values["coordinates_deg"][name] for name in names]
        part.barh(np.arange(len(names)) + number * height, errors, height, color=colours(scores)[method], label=method)
    part.set_yticks(
        np.arange(len(names)) + 0.4 - height / 2, [name + ("" if sure[name] else " *") for name in names], fontsize=8
    )
    part.invert_yaxis()
    part.set_xlabel("mean error (°); * the label itself is weak, locked or follows another coordinate")
    part.grid(axis="x", alpha=0.3)
    part.legend(fontsize=9)
    save(figure, path)
