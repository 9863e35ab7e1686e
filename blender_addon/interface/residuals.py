# SPDX-License-Identifier: GPL-3.0-or-later
"""Distances between model and measured markers as classes of colour, and as a curve over time. numpy only."""

import itertools
import warnings

import numpy as np

EDGES_MM = (5.0, 10.0, 15.0, 20.0, 30.0)
COLORS = (
    (0.10, 0.25, 1.00),
    (0.02, 0.65, 0.80),
    (0.08, 0.75, 0.15),
    (0.95, 0.80, 0.05),
    (1.00, 0.30, 0.02),
    (0.85, 0.01, 0.03),
)
"""Linear RGB, from blue by green and yellow to red."""
CURVE_PX = 128
PAPER, INK, WORST = (0.10, 0.10, 0.10, 1.0), (0.85, 0.85, 0.85, 1.0), (0.98, 0.55, 0.05, 1.0)


def class_names() -> list[str]:
    """What each class spans (mm)."""
    edges = ["0", *(f"{edge:g}" for edge in EDGES_MM)]
    return [*(f"{low}–{high}" for low, high in itertools.pairwise(edges)), f"above {edges[-1]}"]


def classes(residuals_mm: np.ndarray) -> np.ndarray:
    """Class of each distance; -1 where there is none (NaN)."""
    return np.where(np.isfinite(residuals_mm), np.searchsorted(EDGES_MM, residuals_mm, side="right"), -1)


def frame_means(residuals_mm: np.ndarray) -> np.ndarray:
    """Mean [T] over the markers of each frame; NaN in a frame without any."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmean(residuals_mm, axis=1)


def worst_frame(means_mm: np.ndarray) -> int:
    """The frame with the largest mean; 0 where no frame has one."""
    return int(np.nanargmax(means_mm)) if np.isfinite(means_mm).any() else 0


def curve(means_mm: np.ndarray, size: int = CURVE_PX) -> np.ndarray:
    """Picture [size, size, 4] of the means [T] over time, 0 at its lower edge; the worst frame is marked."""
    picture = np.tile(np.array(PAPER, np.float32), (size, size, 1))
    top = max(float(np.nanmax(means_mm)), 1e-6) if np.isfinite(means_mm).any() else 1.0
    columns = np.linspace(0, len(means_mm) - 1, size)
    heights = np.interp(columns, np.arange(len(means_mm)), np.nan_to_num(means_mm)) / top * (size - 6)
    worst = round(worst_frame(means_mm) / max(len(means_mm) - 1, 1) * (size - 1))
    picture[:, worst] = WORST
    before = heights[0]
    for column, height in enumerate(heights):
        low, high = sorted((before, height))
        picture[int(low) : int(high) + 2, column] = INK
        before = height
    return picture
