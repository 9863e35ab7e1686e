"""The fidelity figures of a clip against the limits of its class of action: pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool

from odah_gen.config import ByClass, Fidelity

CLASSES = ("locomotion", "arms", "acrobatic")
DEFAULT = "default"

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Judged:
    """A figure that has a limit.

    Attributes:
        limit: the key of the configuration's fidelity section.
        section, figure: where it stands in fidelity.json.
        words: what a reason calls it; {worst} is filled from the section.
        unit: of the figure.
    """

    limit: str
    section: str
    figure: str
    words: str
    unit: str


JUDGED = (
    Judged("stance_deg", "stance", "angle_max_deg", "static trial: {coordinate}", "°"),
    Judged("angle_deg", "closed_loop", "angle_mean_deg", "closed loop: mean angle", "°"),
    Judged("leg_angle_deg", "closed_loop", "leg_angle_mean_deg", "closed loop: mean angle of the legs", "°"),
    Judged("held_out_angle_deg", "held_out", "angle_mean_deg", "held-out points: mean angle", "°"),
    Judged("held_out_mm", "held_out", "distance_mean_mm", "held-out points: mean drift", "mm"),
    Judged("segment_deg", "segments", "rotation_mean_deg", "segments: mean rotation of trunk and legs", "°"),
    Judged("joint_center_mm", "joint_centers", "mean_mm", "regressed joint centres: mean distance", "mm"),
    Judged(
        "leg_center_mm", "joint_centers", "leg_worst_mm", "regressed joint centres: distance of {leg_worst_joint}", "mm"
    ),
    Judged("landmark_center_mm", "landmarks", "leg_worst_mm", "landmarks: distance of {leg_worst_joint}", "mm"),
    Judged("landmark_turn_deg", "landmark_frames", "turn_deg", "landmarks: turn of {turned_body}", "°"),
    Judged("landmark_shift_mm", "landmark_frames", "shift_mm", "landmarks: shift of {shifted_body}", "mm"),
    Judged("source_vertex_mm", "fit", "source_vertex_mean_mm", "body fit: mean distance from the source body", "mm"),
)
PER_FRAME = {
    "frame_angle_deg": "angle_deg",
    "frame_held_out_mm": "held_out_mm",
    "frame_joint_center_mm": "joint_center_mm",
}
"""Figures of single frames, and the limit that `frame_factor` multiplies."""


def class_of(wanted: Fidelity, action: str) -> str:
    """The class that names an action, or the default."""
    return next((name for name in CLASSES if action in getattr(wanted, name)), DEFAULT)


def limit_of(wanted: Fidelity, name: str, action_class: str) -> float:
    """A limit of a class."""
    limits: ByClass = getattr(wanted, name)
    return getattr(limits, action_class)


def objections(wanted: Fidelity, action_class: str, figures: Figures) -> list[str]:
    """One sentence for each figure above its limit; what was not measured cannot object.

    Args:
        wanted: the limits.
        action_class: of the clip.
        figures: the content of fidelity.json, and that of fit.json under `fit`.
    """
    found = []
    for entry in JUDGED:
        section = figures.get(entry.section) or {}
        value, most = section.get(entry.figure), limit_of(wanted, entry.limit, action_class)
        if value is not None and value > most:
            name = entry.words.format_map(section)
            found.append(f"{name} is {value:.3g} {entry.unit}; at most {most:g} {entry.unit} is allowed.")
    markers = figures["markers"]
    if markers["fitted_rms_mm"] > markers["source_rms_mm"]:
        found.append(
            f"markers: those of the fitted body are {markers['fitted_rms_mm']:.3g} mm (RMS) from the label's, those of "
            f"the source body {markers['source_rms_mm']:.3g} mm; the fit should bring it nearer."
        )
    return found


def shown_frames(
    wanted: Fidelity, action_class: str, figures: Figures, valid: Bool[np.ndarray, " frames"]
) -> Bool[np.ndarray, " frames"]:
    """The valid frames in which the body shows the label: no figure of a frame is `frame_factor` times above its limit."""
    shown = valid.copy()
    for name, limit in PER_FRAME.items():
        if figures.get(name) is not None:
            values = np.array([np.inf if value is None else value for value in figures[name]])
            shown &= values <= wanted.frame_factor * limit_of(wanted, limit, action_class)
    return shown
