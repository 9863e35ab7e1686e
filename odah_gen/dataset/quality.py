"""The measured figures of a clip and the verdict against the thresholds of the configuration: pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from odah_gen.config import Fidelity, Quality
from odah_gen.dataset.osim import CoordinateRange
from odah_gen.fidelity.verdict import objections

SCHEMA = 2
WEIGHT_THAT_COUNTS = 0.05
AT_LIMIT_RAD = np.deg2rad(0.1)
IK_FACTS = (
    "engine",
    "opensim_frames",
    "opensim_restarts",
    "opensim_difference_deg",
    "opensim_difference_coordinate",
    "opensim_difference_frame",
    "opensim_difference_mm",
    "objective_excess",
)
FIT_FIGURES = ("joint_center_mean_mm", "joint_center_p95_mm", "marker_mean_mm", "source_vertex_mean_mm")
RENDER_FACTS = ("seconds_per_frame", "engine", "device")
FIDELITY_SECTIONS = (
    "stance",
    "closed_loop",
    "held_out",
    "segments",
    "landmark_frames",
    "landmarks",
    "joint_centers",
    "markers",
)
"""What quality.json takes from fidelity.json: all but the figures of single frames."""

Figures = dict[str, Any]


def marker_errors_mm(
    errors_m: Float[np.ndarray, "frames markers"],
    weights: Float[np.ndarray, " markers"],
    valid: Bool[np.ndarray, " frames"],
) -> tuple[float | None, float | None]:
    """Root mean square and maximum (mm) over valid frames and markers whose weight is above 0.05.

    None when nothing was measured.
    """
    counted = errors_m[valid][:, weights > WEIGHT_THAT_COUNTS]
    counted = counted[np.isfinite(counted)]
    if not counted.size:
        return None, None
    return float(1000 * np.sqrt((counted**2).mean())), float(1000 * counted.max())


def limit_fractions(
    names: Sequence[str], values: Float[np.ndarray, "frames coordinates"], ranges: Mapping[str, CoordinateRange]
) -> dict[str, float]:
    """Fraction of frames in which each clamped, unlocked coordinate lies within 0.1° of an end of its range."""
    fractions = {}
    for name, column in zip(names, values.T):
        limits = ranges.get(name)
        if limits is None or limits.locked or not limits.clamped:
            continue
        at_end = (column < limits.low + AT_LIMIT_RAD) | (column > limits.high - AT_LIMIT_RAD)
        fractions[name] = float(at_end.mean())
    return fractions


def pinned(at_limit: Mapping[str, float], most: float) -> list[str]:
    """Coordinates at an end of their range in more than this share of frames.

    They warn and do not fail: a straight knee stands at 0° and a hand laid on the thigh at the limit of the forearm, so
    the motion may be like that; or the model may be too narrow for it, or the markers wrong.
    """
    return sorted(name for name, share in at_limit.items() if share > most)


def fraction(part: int, whole: int) -> float | None:
    """A share, or None of nothing."""
    return part / whole if whole else None


def least(shares: Iterable[float | None]) -> float | None:
    """The smallest share; None where nothing was measured."""
    return min((share for share in shares if share is not None), default=None)


def assemble(
    *,
    quality: Quality,
    limits: Fidelity,
    action_class: str,
    shown: Bool[np.ndarray, " frames"],
    fidelity: Mapping[str, Any],
    marker_rms_mm: float | None,
    marker_max_mm: float | None,
    at_limit: dict[str, float],
    solver: Mapping[str, Any],
    in_frame: Mapping[str, Mapping[str, float | None]],
    in_mask_fraction: float | None,
    contact: Mapping[str, float | None],
    fit: Mapping[str, Any],
    render: Mapping[str, Any],
) -> Figures:
    """The content of quality.json, with its verdict."""
    figures: Figures = {
        "action_class": action_class,
        "valid_fraction": float(shown.mean()),
        "invalid_frames": np.flatnonzero(~shown).tolist(),
        "in_frame_fraction": least(shares["joint_centers"] for shares in in_frame.values()),
        "in_frame": {camera: dict(shares) for camera, shares in in_frame.items()},
        "in_mask_fraction": in_mask_fraction,
        "ik": {
            "marker_rms_mm": marker_rms_mm,
            "marker_max_mm": marker_max_mm,
            **{name: solver.get(name) for name in IK_FACTS},
            "at_limit": at_limit,
            "pinned": pinned(at_limit, quality.at_limit_fraction),
        },
        "fit": {name: fit.get(name) for name in FIT_FIGURES},
        **{name: fidelity[name] for name in FIDELITY_SECTIONS},
        "contact": dict(contact),
        "render": {name: render.get(name) for name in RENDER_FACTS},
    }
    reasons = failures(figures, quality) + objections(limits, action_class, figures)
    return {"schema": SCHEMA, "verdict": "fail" if reasons else "pass", "reasons": reasons, **figures}


def failures(figures: Figures, quality: Quality) -> list[str]:
    """One sentence for each figure beyond its threshold or not measured; the sliding of feet and the
    difference from OpenSim may be missing."""
    ik, contact = figures["ik"], figures["contact"]
    skate, difference = contact["skate_m_per_s"], ik["opensim_difference_deg"]
    worst = [
        name for name, shares in figures["in_frame"].items() if shares["joint_centers"] == figures["in_frame_fraction"]
    ]
    where = f" of {worst[0]}" if worst else ""
    checks = (
        at_most("inverse kinematics: marker RMS", ik["marker_rms_mm"], quality.marker_rms_mm, "mm"),
        None if difference is None else opensim_objection(ik, quality.opensim_difference_deg),
        at_most("floor: depth of the deepest vertex", contact["penetration_mm"], quality.penetration_mm, "mm"),
        None if skate is None else at_most("floor: speed of feet on it", skate, quality.skate_m_per_s, "m/s"),
        at_least(f"joint centres inside the picture{where}", figures["in_frame_fraction"], quality.in_frame_fraction),
        at_least("visible joint centres inside the mask", figures["in_mask_fraction"], quality.in_mask_fraction),
        at_least("frames in which the body shows the label", figures["valid_fraction"], quality.valid_fraction),
    )
    return [reason for reason in checks if reason]


def opensim_objection(ik: Figures, most: float) -> str | None:
    """The objection to angles that OpenSim finds elsewhere; None when they agree."""
    where = f"{ik['opensim_difference_coordinate']}, frame {ik['opensim_difference_frame']}"
    return at_most(f"inverse kinematics: difference from OpenSim ({where})", ik["opensim_difference_deg"], most, "°")


def at_most(name: str, value: float | None, most: float, unit: str) -> str | None:
    """The objection to a figure that is above its threshold or was not measured; None when it is fine."""
    if value is None:
        return f"{name} was not measured."
    return f"{name} is {value:.3g} {unit}; at most {most:g} {unit} is allowed." if value > most else None


def at_least(name: str, value: float | None, least: float) -> str | None:
    """The objection to a share that is below its threshold or was not measured; None when it is fine."""
    if value is None:
        return f"{name} were not measured."
    return f"{name} are {100 * value:.1f} %; at least {100 * least:g} % is needed." if value < least else None
