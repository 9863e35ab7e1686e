"""Smooth curves of time that the procedural actions are made of."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator
from scipy.ndimage import gaussian_filter1d


def min_jerk(progress: Float[np.ndarray, " frames"]) -> Float[np.ndarray, " frames"]:
    """From 0 to 1 with zero velocity and acceleration at both ends (Flash and Hogan 1985); constant outside."""
    x = np.clip(progress, 0, 1)
    return x**3 * (10 - 15 * x + 6 * x**2)


def ramp(time_s: Float[np.ndarray, " frames"], start_s: float, end_s: float) -> Float[np.ndarray, " frames"]:
    """0 before `start_s`, 1 after `end_s`, minimum jerk between."""
    return min_jerk((time_s - start_s) / (end_s - start_s))


def keyed(
    time_s: Float[np.ndarray, " frames"], keys: Sequence[tuple[float, float]], smooth_s: float = 0.04
) -> Float[np.ndarray, " frames"]:
    """A curve through (time, value) keys without overshoot, its corners rounded over `smooth_s`.

    `time_s` is evenly spaced. Monotone cubic between keys (Fritsch and Carlson 1980), constant outside.
    """
    times, values = np.array(keys, dtype=float).T
    curve = PchipInterpolator(times, values)(np.clip(time_s, times[0], times[-1]))
    step = float(time_s[1] - time_s[0])
    return gaussian_filter1d(curve, smooth_s / step, mode="nearest")


def periodic(phase: Float[np.ndarray, " frames"], cosines: Sequence[float], sines: Sequence[float]) -> np.ndarray:
    """A Fourier series of the phase (1 is a full cycle): sum of c_k cos(2πkφ) + s_k sin(2πkφ), k from 0."""
    order = np.arange(len(cosines))
    angle = 2 * np.pi * np.outer(phase, order)
    return np.cos(angle) @ np.asarray(cosines) + np.sin(angle) @ np.asarray(sines)


def hermite(
    time_s: Float[np.ndarray, " frames"],
    ends_s: tuple[float, float],
    values: Float[np.ndarray, "2 3"],
    rates: Float[np.ndarray, "2 3"],
) -> Float[np.ndarray, "frames 3"]:
    """The cubic that has the given values and rates of change at two times."""
    return CubicHermiteSpline(np.array(ends_s), values, rates)(time_s)


def sway(
    time_s: Float[np.ndarray, " frames"], generator: np.random.Generator, size: Sequence[float]
) -> Float[np.ndarray, "frames axes"]:
    """Slow seeded movement as of a person who stands still: three waves of 0.2 to 0.7 Hz per axis.

    Args:
        time_s: times.
        generator: source of frequencies and phases.
        size: standard deviation per axis, in any unit.
    """
    frequency = generator.uniform([0.2, 0.3, 0.5], [0.3, 0.5, 0.7], (len(size), 3))
    phase = generator.uniform(0, 2 * np.pi, (len(size), 3))
    waves = np.sin(2 * np.pi * frequency * time_s[:, None, None] + phase) @ np.array([0.9, 0.6, 0.4])
    return waves * np.asarray(size)
