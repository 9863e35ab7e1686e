import numpy as np
import pytest

from odah_gen.errors import InputError
from odah_gen.skeleton.low_pass import low_pass
from odah_gen.skeleton.trc import MarkerTrajectories

TIME_S = np.arange(600) / 60


def wave(hz, time_s=TIME_S):
    points = np.sin(2 * np.pi * hz * time_s)[:, None, None] * np.array([1.0, -0.5, 2.0])
    return MarkerTrajectories(("A",), time_s, points)


def gain(hz, cut_off_hz):
    """How much of a wave is left, and how late it is, away from the ends."""
    filtered = low_pass(wave(hz), cut_off_hz, "a.trc").points_m[150:450, 0, 0]
    basis = np.stack([np.sin(2 * np.pi * hz * TIME_S), np.cos(2 * np.pi * hz * TIME_S)], axis=1)[150:450]
    in_phase, late = np.linalg.lstsq(basis, filtered, rcond=None)[0]
    return in_phase, late


@pytest.mark.parametrize("cut_off_hz", [3.0, 6.0, 12.0, 25.0])
def test_half_of_the_power_passes_at_the_cut_off_and_nothing_lags(cut_off_hz):
    in_phase, late = gain(cut_off_hz, cut_off_hz)
    assert in_phase == pytest.approx(np.sqrt(0.5), abs=1e-3)
    assert abs(late) < 1e-3


def test_slow_motion_stays_and_noise_goes_by_the_fourth_order():
    assert gain(0.6, 6.0)[0] == pytest.approx(1, abs=1e-3)
    # An analogue filter of fourth order leaves (1 / 3)^4 there; the digital one a little less.
    assert 0.2 / 81 < gain(18.0, 6.0)[0] < 1 / 81


def test_gaps_stay_gaps_and_do_not_leak():
    trial = wave(1.0)
    trial.points_m[200:240] = np.nan
    trial.points_m[400:405] = np.nan
    trial.points_m[406] = np.nan
    filtered = low_pass(trial, 6.0, "a.trc")
    assert (np.isnan(filtered.points_m) == np.isnan(trial.points_m)).all()
    np.testing.assert_allclose(filtered.points_m[:200], low_pass(cut(trial, 0, 200), 6.0, "a.trc").points_m)
    np.testing.assert_allclose(filtered.points_m[405], trial.points_m[405])
    seen = np.isfinite(trial.points_m)
    assert np.abs(filtered.points_m - trial.points_m)[seen].max() < 0.03


def cut(trial, start, stop):
    return MarkerTrajectories(trial.names, trial.time_s[start:stop], trial.points_m[start:stop])


def test_impossible_filters_are_refused_in_a_sentence():
    with pytest.raises(InputError, match=r"a\.trc: has 60 frames per second, so ik.low_pass_hz: 30 is too high"):
        low_pass(wave(1.0), 30.0, "a.trc")
    with pytest.raises(InputError, match=r"a\.trc: has 9 frames; a low-pass filter needs at least 10"):
        low_pass(cut(wave(1.0), 0, 9), 6.0, "a.trc")
    low_pass(cut(wave(1.0), 0, 10), 29.9, "a.trc")
