"""Low-pass filter of measured marker trajectories; noise-free virtual markers need none."""

import numpy as np
from jaxtyping import Bool
from scipy.signal import butter, sosfiltfilt

from odah_gen.errors import InputError
from odah_gen.skeleton.trc import MarkerTrajectories, rate_hz

PASSES = 2
SHORTEST = 10
"""Frames of a trial below which the filter's ends are all there is of it: three times its taps, and one."""

ROUNDING = 1e-6
"""Rates are read from times that were written with a few digits."""


def low_pass(trial: MarkerTrajectories, cut_off_hz: float, called: str) -> MarkerTrajectories:
    """Zero-lag Butterworth filter of fourth order: one of second order, run forward and backward.

    Both passes together let through half of the power at the cut-off, because each is designed for a higher one
    (Winter 2009, Biomechanics and Motor Control of Human Movement, section 3.4.4.2). Gaps stay gaps: every stretch of
    seen frames is filtered for itself.

    Args:
        trial: marker trajectories at an even rate (m).
        cut_off_hz: where the power is halved.
        called: what messages call the trial.

    Raises:
        InputError: the cut-off is not below half the frame rate; the trial is too short.
    """
    frames, rate = len(trial.time_s), rate_hz(trial.time_s)
    if frames < SHORTEST:
        raise InputError(
            f"{called}: has {frames} frames; a low-pass filter needs at least {SHORTEST}. Leave ik.low_pass_hz empty."
        )
    if cut_off_hz >= rate / 2 * (1 - ROUNDING):
        raise InputError(
            f"{called}: has {rate:g} frames per second, so ik.low_pass_hz: {cut_off_hz:g} is too high; less than half of "
            "that rate was expected. Lower it, or leave it empty."
        )
    sections = butter(2, pass_frequency(cut_off_hz / rate), output="sos", fs=1.0)
    smooth = np.array(trial.points_m)
    for marker in range(smooth.shape[1]):
        for stretch in stretches(np.isfinite(smooth[:, marker]).all(axis=1)):
            padding = min(SHORTEST - 1, stretch.stop - stretch.start - 1)
            smooth[stretch, marker] = sosfiltfilt(sections, smooth[stretch, marker], axis=0, padlen=padding)
    return MarkerTrajectories(trial.names, trial.time_s, smooth)


def pass_frequency(cut_off: float) -> float:
    """The cut-off of one pass (cycles per frame) for which all passes together have this one.

    The analogue filter's is higher by (2^(1/passes) − 1)^(1/4); the bilinear transform turns frequencies to tangents.
    """
    analogue = np.tan(np.pi * cut_off) / (2 ** (1 / PASSES) - 1) ** 0.25
    return float(np.arctan(analogue) / np.pi)


def stretches(seen: Bool[np.ndarray, " frames"]) -> list[slice]:
    """The stretches of neighbouring frames in which a marker was seen."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(int)))
    return [slice(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
