"""The child on a model alone: what it answers is what OpenSim says, and mistakes do not end it."""

import numpy as np
import pytest

from odah_gen.cli import main
from odah_gen.frames import WORLD_FROM_GROUND, ground_to_world
from odah_gen.pose.coordinates import to_units
from odah_gen.skeleton.mot import write_mot
from odah_gen.skeleton.worker import call
from tests.pose.conftest import end_child, start_child


@pytest.fixture(scope="module")
def child(generic_file):
    child = start_child("--model", str(generic_file))
    yield child
    assert end_child(child) == 0


PLACES = ("joint_centers_m", "mass_centers_m", "markers_m", "body_origins_m")


def test_transforms_at_random_poses_are_opensims(child, generic, generic_text, random_coordinates):
    values = random_coordinates(5, 4)
    truth = call("replay", text=generic_text, names=generic.coordinate_names, coordinates=values)
    assert child.ready["body_names"] == list(truth.body_names)
    assert child.ready["marker_names"] == list(truth.marker_names)
    for frame, row in enumerate(values):
        answer, _ = child.ask({"id": frame, "do": "pose", "coordinates": to_units(generic, row)})
        assert (answer["id"], answer["ok"], answer["notes"], answer["bytes"]) == (frame, True, [], 0)
        for name in PLACES:
            expected = ground_to_world(getattr(truth, name)[frame])
            np.testing.assert_allclose(answer[name], expected, rtol=0, atol=1e-6)
        rotations = WORLD_FROM_GROUND @ truth.body_rotations[frame]
        np.testing.assert_allclose(answer["body_rotations"], rotations, rtol=0, atol=1e-6)


def test_followers_follow_whatever_is_asked(child):
    answer, _ = child.ask({"do": "pose", "coordinates": {"knee_angle_r": 60, "knee_angle_r_beta": 0.1}})
    assert answer["coordinates"]["knee_angle_r_beta"] == pytest.approx(np.pi / 3)
    assert answer["notes"] == []


def test_limits_and_defaults(child, generic):
    limits, _ = child.ask({"do": "limits"})
    assert limits["coordinates"] == child.ready["coordinates"]
    answer, _ = child.ask({"do": "default"})
    assert answer["coordinates"] == pytest.approx(to_units(generic, generic.defaults))


def test_beyond_a_range_is_clamped_and_said(child):
    highest = child.ready["coordinates"]["knee_angle_r"]["highest"]
    answer, _ = child.ask({"do": "pose", "coordinates": {"knee_angle_r": 999}})
    assert answer["coordinates"]["knee_angle_r"] == pytest.approx(highest)
    assert answer["notes"] == [f"knee_angle_r: 999 deg is above its range; {highest:g} is shown."]


def test_a_row_of_a_mot(child, generic, random_coordinates, tmp_path):
    values = random_coordinates(3, 5)
    path = tmp_path / "a.mot"
    write_mot(path, generic.coordinate_names, np.arange(3) / 10, values)
    row, _ = child.ask({"do": "row", "file": str(path), "row": 2})
    pose, _ = child.ask({"do": "pose", "coordinates": to_units(generic, values[2])})
    np.testing.assert_allclose(row["markers_m"], pose["markers_m"], atol=1e-6)
    late, _ = child.ask({"do": "row", "file": str(path), "row": 3})
    assert late["error"] == f"{path}: has 3 rows; row 3 (from 0) was asked for."


def test_no_body_without_a_subject_is_said(child):
    answer, vertices = child.ask({"do": "default", "vertices": True})
    assert child.ready["vertices"] == 0
    assert answer["notes"] == [child.ready["no_mesh"]]
    assert "--subject" in answer["notes"][0]
    assert len(vertices) == 0


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("{", "is not valid JSON"),
        ("[1]", "is no JSON object"),
        ({"do": "dance"}, "do: is 'dance'; one of pose, default, row, limits"),
        ({}, "do: is None"),
        ({"do": "limits", "vertices": True}, "vertices: limits has no such field"),
        ({"do": "pose", "coordinates": [1]}, "coordinates: is no JSON object"),
        ({"do": "pose", "coordinates": {"knee": 1}}, "knee: the model has no such coordinate"),
        ({"do": "pose", "coordinates": {"knee_angle_r": "a"}}, "knee_angle_r: is 'a'; a finite number"),
        ('{"do": "pose", "coordinates": {"knee_angle_r": NaN}}', "knee_angle_r: is nan; a finite number"),
        ({"do": "pose", "vertices": 1}, "vertices: is 1; true or false"),
        ({"do": "pose", "near": ["a"]}, "near: is ['a']; a list of clip id and frame"),
        ({"do": "row"}, "file: is missing"),
        ({"do": "row", "file": "/no/such.mot"}, "/no/such.mot: there is no such file"),
        ({"do": "row", "file": "a.mot", "row": -1}, "row: is -1; a whole number"),
    ],
)
def test_mistakes_are_answered_by_one_sentence(child, request_, words):
    answer, _ = child.ask(request_)
    assert not answer["ok"]
    assert words in answer["error"]
    assert "\n" not in answer["error"]
    assert child.ask({"id": "next", "do": "default"})[0]["id"] == "next"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "none.osim"], "none.osim: there is no such file"),
        ([], "give --run DIR with --subject S, or --model FILE alone"),
        (["--run", ".", "--model", "a.osim"], "give --run DIR with --subject S, or --model FILE alone"),
        (["--model", "a.osim", "--mot", "a.mot"], "--mot and --out go together"),
    ],
)
def test_a_child_that_cannot_start_says_why(arguments, words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["pose", *arguments])
    said = capsys.readouterr()
    assert stop.value.code == 2
    assert said.err.count("\n") == 1
    assert words in said.err
    assert said.out == ""
