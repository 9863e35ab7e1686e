import numpy as np
import pytest

from odah_gen.errors import InputError
from odah_gen.pose.coordinates import describe, to_model, to_units


def test_angles_are_in_degrees_lengths_in_metres_and_the_rest_at_its_defaults(generic):
    values, notes = to_model(generic, {"hip_flexion_r": 30, "pelvis_ty": 0.9})
    expected = generic.defaults.copy()
    expected[generic.coordinate_names.index("hip_flexion_r")] = np.pi / 6
    expected[generic.coordinate_names.index("pelvis_ty")] = 0.9
    np.testing.assert_allclose(values, expected)
    assert notes == []
    shown = to_units(generic, values)
    assert (round(shown["hip_flexion_r"], 9), shown["pelvis_ty"]) == (30, 0.9)


def test_every_coordinate_says_what_it_may_be(generic):
    found = describe(generic)
    assert tuple(found) == generic.coordinate_names
    assert {found[name]["unit"] for name in ("pelvis_tx", "pelvis_ty", "pelvis_tz")} == {"m"}
    assert found["knee_angle_r_beta"]["unit"] == "rad"
    assert found["knee_angle_r_beta"]["follows"] == "knee_angle_r"
    assert {row["unit"] for name, row in found.items() if "_t" not in name and "beta" not in name} == {"deg"}
    assert found["mtp_angle_l"]["locked"]
    knee = found["knee_angle_l"]
    assert knee["clamped"]
    index = generic.coordinate_names.index("knee_angle_l")
    assert (knee["lowest"], knee["highest"]) == pytest.approx(np.rad2deg((generic.lower[index], generic.upper[index])))


@pytest.mark.parametrize(
    ("name", "given", "shown", "words"),
    [
        ("knee_angle_r", 500.0, None, "500 deg is above its range"),
        ("knee_angle_r", -500.0, None, "-500 deg is below its range"),
        ("mtp_angle_r", 10.0, 0.0, "10 deg was asked for and the coordinate is locked; 0 is shown."),
    ],
)
def test_ranges_and_locks_are_kept_and_said(generic, name, given, shown, words):
    values, notes = to_model(generic, {name: given})
    index = generic.coordinate_names.index(name)
    end = generic.upper if given > 0 else generic.lower
    assert values[index] == (end[index] if shown is None else shown)
    assert len(notes) == 1
    assert notes[0].startswith(f"{name}: ")
    assert words in notes[0]


def test_a_coordinate_that_is_not_clamped_may_leave_its_range(generic):
    index = generic.coordinate_names.index("pelvis_tx")
    assert not generic.clamped[index]
    values, notes = to_model(generic, {"pelvis_tx": 100.0})
    assert values[index] == 100
    assert notes == []


def test_an_unknown_name_is_one_sentence(generic):
    with pytest.raises(InputError, match=r"^knee: the model has no such coordinate; it has pelvis_tilt, .*\.$"):
        to_model(generic, {"knee": 1.0})
