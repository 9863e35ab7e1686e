"""Differences of angles: what is compared, and what is not."""

import numpy as np

from odah_gen.fidelity.angles import LEGS, angle_errors, columns_of
from odah_gen.skeleton.table import coordinate_names

NAMES = coordinate_names()


def errors_of(label, found, counted=None, locked=()):
    frames = len(label)
    return angle_errors(
        NAMES,
        label,
        found,
        np.ones(frames, bool) if counted is None else counted,
        np.array([name in locked for name in NAMES]),
    )


def test_angles_count_and_places_followers_and_locked_ones_do_not():
    label = np.zeros((2, len(NAMES)))
    errors = errors_of(label, label + 0.1, np.array([True, False]), locked=("mtp_angle_r",))
    compared = {name for name, column in zip(NAMES, errors[0]) if np.isfinite(column)}
    assert {"hip_flexion_r", "mtp_angle_l", "pelvis_tilt"} <= compared
    assert not {"mtp_angle_r", "pelvis_tx", "knee_angle_r_beta"} & compared
    assert np.allclose(errors[0][np.isfinite(errors[0])], 0.1)
    assert np.isnan(errors[1]).all()


def test_the_other_triple_of_one_rotation_is_no_error():
    label = np.zeros((1, len(NAMES)))
    found = label.copy()
    for name, value in {"arm_flex_r": np.pi, "arm_add_r": np.pi, "arm_rot_r": -np.pi}.items():
        found[0, NAMES.index(name)] = value
    assert np.nanmax(errors_of(label, found)) < 1e-9


def test_near_gimbal_lock_only_the_middle_angle_counts():
    label = np.zeros((1, len(NAMES)))
    label[0, NAMES.index("pelvis_list")] = np.deg2rad(85)
    errors = errors_of(label, label)[0]
    assert np.isnan(errors[[NAMES.index("pelvis_tilt"), NAMES.index("pelvis_rotation")]]).all()
    assert errors[NAMES.index("pelvis_list")] == 0
    assert errors[NAMES.index("arm_rot_r")] == 0


def test_legs_are_both_legs():
    legs = {name for name, chosen in zip(NAMES, columns_of(NAMES, LEGS)) if chosen}
    assert {"hip_rotation_r", "knee_angle_l", "subtalar_angle_r"} <= legs
    assert not any(name.startswith(("pelvis", "arm", "lumbar")) for name in legs)
