"""Mistakes that OpenSim swallows are found, and hard motions are not mistaken for them."""

import numpy as np
import pytest

from odah_gen.body.layout import load_layout
from odah_gen.errors import InputError
from odah_gen.skeleton.marker_places import read_places
from odah_gen.skeleton.static import static_with_centers
from odah_gen.skeleton.subject import scale_to_static
from odah_gen.skeleton.table import coordinate_names
from odah_gen.skeleton.trc import MarkerTrajectories
from odah_gen.skeleton.trial_checks import check_clip, check_static, check_times
from odah_gen.skeleton.worker import call

NAMES = list(coordinate_names())
FACE_DOWN = {"pelvis_tilt": -90, "pelvis_ty": 0.15}
ON_THE_SIDE = {"pelvis_list": 90, "pelvis_ty": 0.2}
ON_ALL_FOURS = {"pelvis_tilt": -85, "hip_flexion_r": 80, "hip_flexion_l": 80, "knee_angle_r": 80, "knee_angle_l": 80}
UPSIDE_DOWN = {"pelvis_tilt": 180, "pelvis_ty": 1.1, "arm_flex_r": 170, "arm_flex_l": 170}
LEGS_CROSSED = {"pelvis_ty": 0.95, "hip_adduction_r": 20, "hip_adduction_l": 20, "arm_add_r": -80}


@pytest.fixture(scope="module")
def places(scaled_woman):
    return read_places(scaled_woman.text, "model.osim")


@pytest.fixture(scope="module")
def weights():
    layout = load_layout()
    return dict(zip(layout.names, map(float, layout.weights)))


@pytest.fixture(scope="module")
def posed(scaled_woman):
    """The mean woman's markers in some poses (deg, m) and, to be realistic, a few millimetres off."""

    def pose(*changes):
        rows = np.zeros((len(changes), len(NAMES)))
        rows[:, NAMES.index("pelvis_ty")] = 0.95
        for row, change in zip(rows, changes):
            for name, value in change.items():
                row[NAMES.index(name)] = (
                    value if name.startswith("pelvis_t") and name != "pelvis_tilt" else np.deg2rad(value)
                )
        replay = call("replay", text=scaled_woman.text, names=NAMES, coordinates=rows)
        noise = np.random.default_rng(0).normal(0, 0.003, replay.markers_m.shape)
        return MarkerTrajectories(replay.marker_names, np.arange(len(rows)) / 60, replay.markers_m + noise)

    return pose


@pytest.fixture(scope="module")
def walking(posed):
    return posed(*({"hip_flexion_r": angle, "hip_flexion_l": -angle, "pelvis_rotation": 40} for angle in (-20, 0, 20)))


def with_points(trial, points):
    return MarkerTrajectories(trial.names, trial.time_s, points)


def renamed(trial, exchange):
    """The trial with some names given to other columns."""
    return MarkerTrajectories(tuple(exchange.get(name, name) for name in trial.names), trial.time_s, trial.points_m)


def other_sides(names):
    return {name: {"R": "L", "L": "R"}[name[0]] + name[1:] for name in names}


def sided(trial, places, *bodies):
    """Markers of these bodies that have a partner on the other side."""
    carried = [name for name, frame in zip(places.names, places.frames) if not bodies or frame in bodies]
    return [name for name in carried if name[0] in "RL" and {"R": "L", "L": "R"}[name[0]] + name[1:] in trial.names]


def refusal(trial, places, weights):
    with pytest.raises(InputError) as error:
        check_clip("clips/a/markers.trc", trial, places, weights)
    sentence = str(error.value)
    assert sentence.startswith("clips/a/markers.trc: ")
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    "pose", [FACE_DOWN, ON_THE_SIDE, ON_ALL_FOURS, UPSIDE_DOWN, LEGS_CROSSED], ids=lambda pose: next(iter(pose))
)
@pytest.mark.parametrize("turn", [0, 90, 180, -90])
def test_no_motion_is_a_mistake(posed, places, weights, pose, turn):
    """Whoever lies, crawls, stands on his hands or crosses his legs passes, whichever way he faces."""
    heading = np.deg2rad(turn)
    about_y = np.array([[np.cos(heading), 0, np.sin(heading)], [0, 1, 0], [-np.sin(heading), 0, np.cos(heading)]])
    trial = posed(pose, pose)
    on_floor = trial.points_m @ about_y.T
    on_floor[..., 1] += 0.02 - on_floor[..., 1].min()
    check_clip("a.trc", with_points(trial, on_floor), places, weights)


def test_gaps_are_no_mistake(walking, places, weights):
    points = walking.points_m.copy()
    points[0, ::2] = points[1] = np.nan
    check_clip("a.trc", with_points(walking, points), places, weights)
    check_clip("a.trc", with_points(walking, np.full_like(points, np.nan)), places, weights)


@pytest.mark.parametrize(
    ("factor", "told"), [(1000, "1e"), (0.001, "0.001"), (10, "10"), (0.1, "0.1"), (39.37, "39.4")]
)
def test_another_unit_is_told_from_the_bones(walking, places, weights, factor, told):
    sentence = refusal(with_points(walking, factor * walking.points_m), places, weights)
    assert f"are {told}" in sentence
    assert "its unit is not the one that it says" in sentence


def test_another_subject_is_told_from_the_bones(walking, places, weights):
    assert "another subject's" in refusal(with_points(walking, 1.3 * walking.points_m), places, weights)
    check_clip("a.trc", with_points(walking, 1.05 * walking.points_m), places, weights)


def test_left_and_right_exchanged_altogether(walking, places, weights):
    wrong = renamed(walking, other_sides(sided(walking, places)))
    assert "left and right are exchanged in the names" in refusal(wrong, places, weights)


def test_a_mirrored_axis(walking, places, weights):
    assert "one of its axes points the other way" in refusal(
        with_points(walking, walking.points_m * [1, 1, -1]), places, weights
    )


@pytest.mark.parametrize("body", ["femur", "tibia", "calcn"])
def test_an_exchanged_limb_is_named(walking, places, weights, body):
    limb = sided(walking, places, f"{body}_r", f"{body}_l")
    sentence = refusal(renamed(walking, other_sides(limb)), places, weights)
    assert "are exchanged, left for right" in sentence
    named = sentence.split(": ")[1].replace(",", "").split()
    assert sum(name in named for name in limb) == min(len(limb), 8)
    assert not set(named) & set(walking.names) - set(limb)


@pytest.mark.parametrize("pair", [("RASI", "LASI"), ("RLFC", "LLFC"), ("RTOE", "LTOE"), ("RLEL", "LLEL")])
def test_an_exchanged_pair_is_named(walking, places, weights, pair):
    sentence = refusal(renamed(walking, dict(zip(pair, pair[::-1]))), places, weights)
    assert f"{pair[0]} and {pair[1]} are exchanged, left for right" in sentence


def test_an_exchanged_pelvis_is_named_though_its_markers_lie_in_a_plane(walking, places, weights):
    pelvis = other_sides(["RASI", "LASI", "RPSI", "LPSI"])
    sentence = refusal(renamed(walking, pelvis), places, weights)
    assert "RASI and LASI, RPSI and LPSI are exchanged" in sentence


@pytest.mark.parametrize(
    ("axis", "turn"),
    [
        ("+Z", [[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
        ("-Z", [[1, 0, 0], [0, 0, 1], [0, -1, 0]]),
        ("+X", [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
        ("-Y", [[1, 0, 0], [0, -1, 0], [0, 0, -1]]),
    ],
)
def test_another_axis_up_is_named(walking, places, weights, axis, turn):
    upright = walking.points_m.copy()
    upright[..., 1] += 0.02 - upright[..., 1].min()
    check_clip("a.trc", with_points(walking, upright), places, weights)
    turned = upright @ np.array(turn).T
    # As in a laboratory whose origin is a corner of its floor.
    turned = turned + np.where(np.abs(np.array(turn)[:, 1]) > 0.5, 0.0, 2.0)
    sentence = refusal(with_points(walking, turned), places, weights)
    assert f"stands along {axis} on a floor at 0" in sentence
    assert "Y up" in sentence


def refused_times(time_s, frames=60, fps=60.0):
    with pytest.raises(InputError) as error:
        check_times("a.trc", np.asarray(time_s), frames, fps)
    return str(error.value)


def test_times_must_be_the_clip_s():
    good = np.arange(60) / 60
    check_times("a.trc", good, 60, 60.0)
    check_times("a.trc", 12.5 + np.round(good, 3), 60, 60.0)
    check_times("a.trc", np.zeros(1), 1, 60.0)
    assert "has 30 frames; the clip has 60 (1 s at 60 Hz)" in refused_times(good[:30])
    assert "runs at 30 frames per second; the clip runs at 60" in refused_times(2 * good)
    dropped = np.delete(np.arange(61) / 60, 30)
    assert "not evenly spaced (one is off by 0.48 frames)" in refused_times(dropped)


@pytest.fixture(scope="module")
def static(woman):
    return static_with_centers(woman, np.zeros(16), load_layout())


@pytest.fixture(scope="module")
def generic_places(generic):
    return read_places(generic, "the generic model")


def refused_static(trial, places, weights):
    with pytest.raises(InputError) as error:
        check_static("static trial", trial, places, weights)
    return str(error.value)


def test_a_static_trial_must_stand_still_upright_in_metres(static, generic_places, weights):
    points = static.points_m
    check_static("static trial", static, generic_places, weights)
    turned = points @ np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]).T
    told = refused_static(with_points(static, turned), generic_places, weights)
    assert "torso leans" in told
    assert "Turn the trial so that Y is up" in told
    told = refused_static(with_points(static, points / 10), generic_places, weights)
    assert "its unit is not the one that it says" in told
    moving = points.copy()
    moving[3, static.names.index("RUA2")] += [0.05, 0, 0]
    assert "is not static: RUA2 moves 42 mm" in refused_static(with_points(static, moving), generic_places, weights)
    swaying = points + 0.01 * np.sin(np.arange(len(points)))[:, None, None]
    check_static("static trial", with_points(static, swaying), generic_places, weights)


def test_scaling_refuses_a_static_trial_that_moves(static):
    moving = static.points_m.copy()
    moving[-1] += 0.5
    with pytest.raises(InputError, match="static trial: is not static: "):
        scale_to_static(load_layout(), with_points(static, moving), 70.0)


def test_places_are_those_of_the_model(generic, layout):
    places = read_places(generic, "the generic model")
    order = [places.names.index(name) for name in layout.names]
    np.testing.assert_allclose(places.locations_m[order], layout.locations_m, atol=1e-12)
    assert [places.frames[row] for row in order] == list(layout.bodies)


@pytest.mark.parametrize("text", ["<OpenSim", '<a><Marker name="A"><location>1 2</location></Marker></a>'])
def test_a_model_without_readable_markers_is_refused(text):
    with pytest.raises(InputError, match=r"model\.osim: OpenSim cannot read this model's markers"):
        read_places(text, "model.osim")
