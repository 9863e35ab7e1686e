import numpy as np
import pytest

from odah_gen.errors import InputError
from odah_gen.skeleton.mot import read_mot, write_mot

NAMES = ("pelvis_tilt", "pelvis_ty", "knee_angle_r", "knee_angle_r_beta", "wrist_dev_l")


def test_round_trip_is_in_radians(tmp_path):
    values = np.random.default_rng(0).normal(size=(5, len(NAMES)))
    write_mot(tmp_path / "a.mot", NAMES, np.arange(5) / 60, values)
    got = read_mot(tmp_path / "a.mot")
    assert got.names == NAMES
    np.testing.assert_allclose(got.values, values, atol=1e-9)


def test_the_file_holds_degrees_metres_and_the_coupled_knee_in_radians(tmp_path):
    write_mot(tmp_path / "a.mot", NAMES, np.zeros(1), np.full((1, 5), 0.5))
    last = (tmp_path / "a.mot").read_text().splitlines()[-1].split()
    np.testing.assert_allclose([float(v) for v in last[1:]], [28.6478898, 0.5, 28.6478898, 0.5, 28.6478898])


def test_a_cut_file_is_refused(tmp_path):
    write_mot(tmp_path / "a.mot", NAMES, np.arange(2.0), np.zeros((2, 5)))
    text = (tmp_path / "a.mot").read_text()
    (tmp_path / "a.mot").write_text(text[:-14])
    with pytest.raises(InputError, match="cut off"):
        read_mot(tmp_path / "a.mot")
    (tmp_path / "a.mot").write_text("nothing\n")
    with pytest.raises(InputError, match=r"no \.mot"):
        read_mot(tmp_path / "a.mot")
