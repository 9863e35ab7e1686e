import numpy as np
import opensim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odah_gen.errors import InputError
from odah_gen.skeleton.trc import MarkerTrajectories, read_trc, write_trc

NAMES = tuple(f"M{i}" for i in range(12))


def trial(frames=4, seed=0):
    points = np.random.default_rng(seed).uniform([-0.5, 0, -0.5], [0.5, 1.8, 0.5], (frames, len(NAMES), 3))
    return MarkerTrajectories(NAMES, 0.5 + np.arange(frames) / 60, points)


@given(st.integers(1, 6), st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_round_trip_keeps_positions_gaps_and_times(tmp_path_factory, frames, seed):
    path = tmp_path_factory.mktemp("trc") / "trial.trc"
    sent = trial(frames, seed)
    sent.points_m[0, 3] = np.nan
    sent.points_m[-1, -1] = np.nan
    write_trc(path, sent)
    got = read_trc(path)
    assert got.names == sent.names
    np.testing.assert_allclose(got.points_m, sent.points_m, atol=1e-8)
    np.testing.assert_allclose(got.time_s, sent.time_s, atol=1e-8)


def test_opensim_reads_the_same_positions(tmp_path):
    sent = trial()
    write_trc(tmp_path / "trial.trc", sent)
    table = opensim.TimeSeriesTableVec3(str(tmp_path / "trial.trc"))
    column = table.getDependentColumn("M5")
    np.testing.assert_allclose([[column[i][k] for k in range(3)] for i in range(4)], sent.points_m[:, 5], atol=1e-7)


def relabel(path, points, unit):
    write_trc(path, MarkerTrajectories(NAMES, np.arange(len(points)) / 60, points))
    path.write_text(path.read_text().replace("\tm\t", f"\t{unit}\t"))


def test_millimetres_become_metres(tmp_path):
    relabel(tmp_path / "trial.trc", 1000 * trial().points_m, "mm")
    np.testing.assert_allclose(read_trc(tmp_path / "trial.trc").points_m, trial().points_m, atol=1e-9)


@pytest.mark.parametrize(
    ("scale", "unit", "told"),
    [
        (1000, "m", "millimetres"),
        (100, "m", "centimetres"),
        (1, "mm", "probably in metres"),
        (1, "inch", "Units"),
    ],
)
def test_a_wrong_unit_is_refused_in_one_sentence(tmp_path, scale, unit, told):
    relabel(tmp_path / "trial.trc", scale * trial().points_m, unit)
    with pytest.raises(InputError, match=told) as error:
        read_trc(tmp_path / "trial.trc")
    assert "trial.trc" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [("M3", "M2", "twice"), ("Units", "Unit", "no .trc"), ("0.50000000\t", "0.50000000\tx", "numbers")],
)
def test_a_broken_file_is_refused(tmp_path, old, new, told):
    write_trc(tmp_path / "trial.trc", trial())
    text = (tmp_path / "trial.trc").read_text()
    (tmp_path / "trial.trc").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=told):
        read_trc(tmp_path / "trial.trc")


def test_a_file_that_was_cut_off_is_refused(tmp_path):
    write_trc(tmp_path / "trial.trc", trial())
    rows = (tmp_path / "trial.trc").read_text().splitlines()
    (tmp_path / "trial.trc").write_text("\n".join(rows[:-2]) + "\n")
    with pytest.raises(InputError, match="was cut off"):
        read_trc(tmp_path / "trial.trc")


def test_opensim_reads_a_frame_in_which_the_last_marker_is_not_seen(tmp_path):
    sent = trial()
    sent.points_m[1, -1] = np.nan
    write_trc(tmp_path / "trial.trc", sent)
    table = opensim.TimeSeriesTableVec3(str(tmp_path / "trial.trc"))
    assert table.getNumRows() == len(sent.time_s)
    np.testing.assert_allclose(read_trc(tmp_path / "trial.trc").points_m, sent.points_m, atol=1e-8)


def test_a_missing_file_and_one_without_frames_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_trc(tmp_path / "absent.trc")
    write_trc(tmp_path / "trial.trc", trial(1))
    rows = (tmp_path / "trial.trc").read_text().splitlines()
    (tmp_path / "trial.trc").write_text("\n".join(rows[:6]) + "\n")
    with pytest.raises(InputError, match="no frames"):
        read_trc(tmp_path / "trial.trc")


def test_a_trial_in_which_nothing_was_seen_is_refused_as_such(tmp_path):
    sent = trial()
    sent.points_m[:] = np.nan
    write_trc(tmp_path / "trial.trc", sent)
    with pytest.raises(InputError, match="no marker was seen in any frame"):
        read_trc(tmp_path / "trial.trc")
