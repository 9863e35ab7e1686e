"""A .mot gives what OpenSim itself makes of the file."""

import numpy as np
import opensim
import pytest

from blender_addon.description import SceneError
from blender_addon.imported import read_skeleton_motion
from odah_gen.cli import main
from odah_gen.dataset.schema import KEYPOINT_ARRAYS, RECORDING_ARRAYS, array_problems
from odah_gen.errors import InputError
from odah_gen.frames import WORLD_FROM_GROUND, ground_to_world
from odah_gen.pose.recording import read_recording
from odah_gen.skeleton.mot import write_mot
from odah_gen.skeleton.worker import call
from odah_gen.storage import read_npz, write_npz

FRAMES = 7


@pytest.fixture
def recorded(generic, random_coordinates, tmp_path):
    """A .mot of random poses, in degrees."""
    values = random_coordinates(FRAMES, 1)
    write_mot(tmp_path / "motion.mot", generic.coordinate_names, 2 + np.arange(FRAMES) / 50, values)
    return tmp_path / "motion.mot", values


def replayed_by_opensim(text, path, tmp_path):
    """The file read, converted and replayed by OpenSim alone."""
    (tmp_path / "model.osim").write_text(text)
    model = opensim.Model(str(tmp_path / "model.osim"))
    model.initSystem()
    storage = opensim.Storage(str(path))
    if storage.isInDegrees():
        model.getSimbodyEngine().convertDegreesToRadians(storage)
    labels = storage.getColumnLabels()
    names = [labels.get(i) for i in range(1, labels.size())]
    rows = [storage.getStateVector(i).getData() for i in range(storage.getSize())]
    values = np.array([[row.get(i) for i in range(len(names))] for row in rows])
    return call("replay", text=text, names=names, coordinates=values)


def test_the_import_equals_opensims_replay(generic_text, generic_file, recorded, tmp_path, capsys):
    path, _ = recorded
    out = tmp_path / "motion.npz"
    main(["pose", "--model", str(generic_file), "--mot", str(path), "--out", str(out)])
    assert str(out) in capsys.readouterr().err
    truth, found = replayed_by_opensim(generic_text, path, tmp_path), read_npz(out)
    for name in ("joint_centers_m", "mass_centers_m", "markers_m", "body_origins_m"):
        np.testing.assert_allclose(found[name], ground_to_world(getattr(truth, name)), atol=1e-6)
    np.testing.assert_allclose(found["body_rotations"], WORLD_FROM_GROUND @ truth.body_rotations, atol=1e-6)
    assert array_problems(found, [*KEYPOINT_ARRAYS, *RECORDING_ARRAYS], {"T": FRAMES}) == []
    np.testing.assert_allclose(found["time_s"], np.arange(FRAMES) / 50)
    shown = read_skeleton_motion(out)
    assert shown.fps == pytest.approx(50)
    assert (shown.joint_parents[0], shown.joint_children[0]) == ("ground", "pelvis")
    np.testing.assert_array_equal(shown.markers_m, found["markers_m"])


def test_radians_and_states_say_the_same(generic, recorded, tmp_path):
    path, values = recorded
    assert_same(generic, read_recording(path, generic).values, values)
    lines = ["Coordinates", "version=1", "inDegrees=no", "endheader"]
    states = [f"/jointset/some/{name}/{kind}" for name in generic.coordinate_names for kind in ("value", "speed")]
    numbers = np.repeat(values, 2, axis=1) * np.tile([1, 17], values.shape[1])
    for names, columns in ((generic.coordinate_names, values), (states, numbers)):
        rows = ["\t".join(map(repr, (0.1 * frame, *row))) for frame, row in enumerate(columns.tolist())]
        other = tmp_path / "other.sto"
        other.write_text("\n".join([*lines, "\t".join(["time", *names]), *rows]))
        assert_same(generic, read_recording(other, generic).values, values)


def assert_same(skeleton, found, expected):
    """The coordinates agree, and those that follow others are left to their couplers."""
    own = np.setdiff1d(np.arange(len(skeleton.coordinate_names)), skeleton.coupled)
    np.testing.assert_allclose(found[:, own], expected[:, own], atol=1e-9)
    np.testing.assert_array_equal(
        found[:, skeleton.coupled], skeleton.defaults[skeleton.coupled][None].repeat(FRAMES, 0)
    )


def test_locked_and_coupled_columns_may_be_absent(generic, recorded, tmp_path):
    _, values = recorded
    kept = [i for i in range(len(generic.coordinate_names)) if not generic.locked[i] and i not in generic.coupled]
    names = [generic.coordinate_names[i] for i in kept]
    write_mot(tmp_path / "few.mot", names, np.arange(FRAMES) / 50, values[:, kept])
    found = read_recording(tmp_path / "few.mot", generic).values
    np.testing.assert_allclose(found[:, kept], values[:, kept], atol=1e-9)


def mistakes(names, values):
    """Files that are refused, and words of the sentence."""
    broken = values.copy()
    broken[3, 8] = np.nan
    return {
        "lacks": (names[:5] + names[6:], np.delete(values, 5, axis=1), f"has no column {names[5]}; every coordinate"),
        "other": (["a", "b"], values[:, :2], "has no coordinate of the model; its columns begin with a, b"),
        "holes": (names, broken, f"{names[8]} holds NaN or infinite values, first in row 4"),
    }


@pytest.mark.parametrize("kind", ["lacks", "other", "holes"])
def test_mistakes_are_one_sentence_and_leave_no_file(kind, generic, generic_file, random_coordinates, tmp_path, capsys):
    names, values, words = mistakes(list(generic.coordinate_names), random_coordinates(FRAMES, 1))[kind]
    write_mot(tmp_path / "bad.mot", names, np.arange(FRAMES) / 50, values)
    out = tmp_path / "bad.npz"
    with pytest.raises(SystemExit) as stop:
        main(["pose", "--model", str(generic_file), "--mot", str(tmp_path / "bad.mot"), "--out", str(out)])
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert said.count("\n") == 1
    assert words in said
    assert not out.exists()


def test_degrees_that_are_called_radians(generic, recorded):
    path, _ = recorded
    path.write_text(path.read_text().replace("inDegrees=yes", "inDegrees=no"))
    with pytest.raises(InputError, match=r"would be radians; they look like degrees\. Write inDegrees=yes"):
        read_recording(path, generic)


def test_a_file_that_is_no_mot(generic, tmp_path):
    (tmp_path / "a.mot").write_text("nothing\n")
    with pytest.raises(InputError, match=r"is no \.mot .* Export the motion again"):
        read_recording(tmp_path / "a.mot", generic)


def test_the_panel_refuses_files_that_are_no_motion(tmp_path):
    write_npz(tmp_path / "a.npz", time_s=np.zeros(2))
    with pytest.raises(SceneError, match="body_names"):
        read_skeleton_motion(tmp_path / "a.npz")
