"""Errors summed up as plain data for fidelity.json: means, 95th percentiles, worst entries, each named with its unit."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from odah_gen.fidelity.angles import LEGS, WEAK, columns_of
from odah_gen.fidelity.segments import TRUNK_AND_LEGS

LEG_JOINTS = ("hip", "walker_knee", "ankle")
"""The joint centres that are judged one by one: the regressor knows kneecap and shoulder less well, which slide."""

Figures = dict[str, Any]


def stance_figures(angles_rad: Mapping[str, float]) -> Figures:
    """The angles of the static trial (deg), and the one farthest from zero."""
    angles = {name: number(np.rad2deg(angle)) for name, angle in angles_rad.items()}
    farthest = max(angles, key=lambda name: abs(angles[name]))
    return {"angle_max_deg": abs(angles[farthest]), "coordinate": farthest, "angles_deg": angles}


def angle_figures(names: Sequence[str], errors_deg: Float[np.ndarray, "frames coordinates"]) -> Figures:
    """Mean, 95 %, mean of the legs, and means by coordinate (deg); NaN was not compared."""
    legs = errors_deg[:, columns_of(names, LEGS)]
    return {
        "angle_mean_deg": number(np.nanmean(errors_deg)),
        "angle_p95_deg": number(np.nanpercentile(errors_deg, 95)),
        "leg_angle_mean_deg": number(np.nanmean(legs)),
        "per_coordinate_deg": by_coordinate(names, errors_deg),
    }


def by_coordinate(names: Sequence[str], errors_deg: Float[np.ndarray, "frames coordinates"]) -> dict[str, float]:
    """The mean error of each coordinate that was compared in some frame."""
    known = np.isfinite(errors_deg).any(axis=0)
    return {names[column]: number(np.nanmean(errors_deg[:, column])) for column in np.flatnonzero(known).tolist()}


def held_out_angle_figures(names: Sequence[str], errors_deg: Float[np.ndarray, "frames coordinates"] | None) -> Figures:
    """As `angle_figures`, with the coordinates that the points hardly determine apart; None where there are no angles."""
    if errors_deg is None:
        return {
            **dict.fromkeys(("angle_mean_deg", "angle_p95_deg", "leg_angle_mean_deg", "per_coordinate_deg")),
            "weak_angle_mean_deg": None,
        }
    weak = columns_of(names, WEAK)
    return {
        **angle_figures(names, np.where(weak, np.nan, errors_deg)),
        "per_coordinate_deg": by_coordinate(names, errors_deg),
        "weak_angle_mean_deg": number(np.nanmean(errors_deg[:, weak])),
    }


def held_out_distance_figures(names: Sequence[str], drift_mm: Float[np.ndarray, "frames points"]) -> Figures:
    """Distances of held-out points from where the model carries them: mean, 95 %, and the worst point's mean (mm)."""
    means = drift_mm.mean(axis=0)
    return {
        "points": len(names),
        "distance_mean_mm": number(drift_mm.mean()),
        "distance_p95_mm": number(np.percentile(drift_mm, 95)),
        "distance_worst_mm": number(means.max()),
        "worst_point": names[int(means.argmax())],
    }


def segment_figures(errors_deg: Mapping[str, Float[np.ndarray, " frames"]]) -> Figures:
    """Rotations of segments: over trunk and legs, and body by body (deg)."""
    judged = np.concatenate([errors_deg[body] for body in TRUNK_AND_LEGS])
    return {
        "rotation_mean_deg": number(judged.mean()),
        "rotation_p95_deg": number(np.percentile(judged, 95)),
        "per_body_deg": {body: spread(errors) for body, errors in errors_deg.items()},
    }


def frame_figures(errors: Mapping[str, tuple[float, float]]) -> Figures:
    """Turns (deg) and shifts (mm) of landmark frames: the worst of trunk and legs, and body by body."""
    rows = {
        body: {"turn_deg": number(np.rad2deg(turn)), "shift_mm": number(1000 * shift)}
        for body, (turn, shift) in errors.items()
    }
    judged = [body for body in TRUNK_AND_LEGS if body in rows]
    turned, shifted = (max(judged, key=lambda body: rows[body][name]) for name in ("turn_deg", "shift_mm"))
    return {
        "turn_deg": rows[turned]["turn_deg"],
        "turned_body": turned,
        "shift_mm": rows[shifted]["shift_mm"],
        "shifted_body": shifted,
        "per_body": rows,
    }


def center_figures(
    errors_mm: Mapping[str, Float[np.ndarray, " frames"]], valid: Bool[np.ndarray, " frames"]
) -> Figures:
    """Distances of joint centres from the label's: over all, of the worst leg joint, and joint by joint (mm)."""
    rows = {name: spread(errors[valid]) for name, errors in errors_mm.items()}
    worst = max((name for name in rows if name.startswith(LEG_JOINTS)), key=lambda name: rows[name]["mean"])
    together = np.stack([errors[valid] for errors in errors_mm.values()])
    return {
        "mean_mm": number(together.mean()),
        "p95_mm": number(np.percentile(together, 95)),
        "leg_worst_mm": rows[worst]["mean"],
        "leg_worst_joint": worst,
        "per_joint_mm": rows,
    }


def spread(errors: Float[np.ndarray, " frames"]) -> dict[str, float]:
    """Mean and 95th percentile."""
    return {"mean": number(errors.mean()), "p95": number(np.percentile(errors, 95))}


def rms_mm(errors_m: Float[np.ndarray, "frames markers"]) -> float:
    """Root mean square (mm) of distances (m); NaN was not seen."""
    return number(1000 * np.sqrt(np.nanmean(errors_m**2)))


def per_frame(values: Float[np.ndarray, " frames"], valid: Bool[np.ndarray, " frames"]) -> list[float | None]:
    """One figure for each frame, None where the label is not valid or nothing was compared."""
    return [number(value) if good and np.isfinite(value) else None for value, good in zip(values, valid)]


def number(value: float | np.floating) -> float:
    """A plain number with three digits after the point: micrometres, millidegrees."""
    return round(float(value), 3)
