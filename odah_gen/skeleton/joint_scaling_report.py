"""What scaling.json says of a joint fit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from odah_gen.skeleton.joint_fit_priors import Segment
from odah_gen.skeleton.joint_scaling import JointScaling


def joint_fit_report(fit: JointScaling) -> dict[str, Any]:
    """Factors before and after, rigid parts and sizes of the offsets (mm, deg), errors (mm), coordinates at bounds."""
    lengths = 1000 * np.linalg.norm(fit.offsets_m[sorted(m for s in fit.segments for m in s.markers)], axis=1)
    return {
        "frames": fit.frames,
        "marker_rms_before_mm": round(1000 * fit.rms_before_m, 3),
        "marker_rms_after_mm": round(1000 * fit.rms_after_m, 3),
        "factors": {
            name: {"start": round(float(start), 4), "fitted": round(float(end), 4), "sd": round(float(sd), 4)}
            for name, start, end, sd in zip(fit.groups.names, fit.start, fit.factors, fit.factor_sd)
        },
        "offset_median_mm": round(float(np.median(lengths)), 2),
        "offset_max_mm": round(float(lengths.max()), 2),
        "rigid_offsets": rigid_offsets(fit.segments, fit.offsets_m),
        "frames_at_bounds": dict(fit.at_bounds),
    }


def rigid_offsets(
    segments: Sequence[Segment], offsets_m: Float[np.ndarray, "markers 3"]
) -> dict[str, dict[str, float]]:
    """By body, how far (mm) and by how much (deg) the offsets move all its markers together."""
    parts = {segment.body: segment.modes @ offsets_m[segment.markers].ravel() for segment in segments}
    return {
        body: {
            "shift_mm": round(1000 * float(np.linalg.norm(part[:3])), 2),
            "turn_deg": round(float(np.rad2deg(np.linalg.norm(part[3:]))), 2),
        }
        for body, part in parts.items()
    }
