"""Bounds of scale factors that measures over soft tissue would otherwise make too thin or too thick."""

import numpy as np
from jaxtyping import Float

from odah_gen.skeleton.scale_groups import ScaleGroups
from odah_gen.skeleton.scaling import GENERIC_STATURE_M, LIMITS, stature_factor
from odah_gen.skeleton.trc import MarkerTrajectories

TRUNK_STATURE_M = 1.80
"""Stature of the person whose height of trunk the generic skeleton has. Its lumbar joint and its shoulders are those of
OpenSim's gait2392 and of Hamner et al. 2010, which are about 1.8 m tall; from hips to shoulders it measures 0.53 m,
which is 30 % of 1.80 m, as in men (de Leva 1996: 29.6 %), and 31 % of 1.70 m."""
STATURE_ERROR = 0.005
"""Of the limits, the part that stature takes, because it is estimated from markers (scaling.stature_factor)."""

Limits = tuple[Float[np.ndarray, " groups"], Float[np.ndarray, " groups"]]
"""The smallest and the largest value of each factor."""


def no_limits(groups: ScaleGroups) -> Limits:
    """Factors that may be anything."""
    return np.full(len(groups.names), -np.inf), np.full(len(groups.names), np.inf)


def kept_at(groups: ScaleGroups, scales: Float[np.ndarray, "bodies 3"]) -> Limits:
    """Factors that stay as they are."""
    return groups.gather(scales), groups.gather(scales)


def trunk_limits(groups: ScaleGroups, static: MarkerTrajectories) -> Limits:
    """Factors of the bodies of scaling.LIMITS stay near what stature alone would give; the others are free.

    Args:
        groups: the factors.
        static: the static trial with virtual markers, which tells stature.
    """
    even = stature_factor(static)
    low, high = no_limits(groups)
    for column, name in enumerate(groups.names):
        body, axis = name.split()
        if body in LIMITS:
            middle = even * GENERIC_STATURE_M / TRUNK_STATURE_M if axis == "Y" else even
            aside = LIMITS[body] - STATURE_ERROR
            low[column], high[column] = middle * (1 - aside), middle * (1 + aside)
    return low, high
