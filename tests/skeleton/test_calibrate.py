import numpy as np
import pytest

from odah_gen.skeleton.calibrate import calibrated_locations, mean_statics, mirror_name

# Bony landmarks of the published model (Rajagopal et al. 2016), right side (m).
PUBLISHED = {
    "RASI": (0.0095, 0.0181, 0.1285),
    "RPSI": (-0.155, 0.035, 0.045),
    "RLFC": (0.0, -0.404, 0.05),
    "RMFC": (0.0, -0.404, -0.05),
    "RLMAL": (-0.005, -0.3888, 0.053),
    "RMMAL": (0.006, -0.3888, -0.038),
    "RLEL": (0.015, -0.28, 0.04),
    "RMEL": (0.00225, -0.286, -0.046),
    "RFAradius": (0.0005, -0.225, 0.05),
    "RFAulna": (-0.022, -0.225, -0.022),
}
MARKER_RADIUS_M = 0.01


@pytest.fixture(scope="module")
def calibrated(layout):
    return calibrated_locations(layout, mean_statics(layout))


def test_the_committed_places_are_the_calibrated_ones(calibrated, layout):
    assert np.linalg.norm(calibrated - layout.locations_m, axis=1).max() < 0.001


def test_bony_landmarks_lie_near_the_published_ones(calibrated, layout):
    """The published places are centres of marker balls, about 10 mm off the skin, on another person."""
    for name, place in PUBLISHED.items():
        assert np.linalg.norm(calibrated[layout.names.index(name)] - place) < 0.025 + MARKER_RADIUS_M, name


def test_places_are_symmetric(calibrated, layout):
    for name, place in zip(layout.names, calibrated):
        np.testing.assert_allclose(calibrated[layout.names.index(mirror_name(name))], place * [1, 1, -1], atol=1e-12)
