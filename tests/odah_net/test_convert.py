"""The authors' layout holds what ours does, and their turn about the vertical is one of the pelvis' matrix."""

import pickle
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from odah_gen.errors import InputError
from odah_gen.scene.cameras import project, read_cameras
from odah_gen.skeleton.mot import read_mot, write_mot
from odah_gen.skeleton.table import body_names, coordinate_names
from odah_gen.storage import read_json
from odah_net.cli import main
from odah_net.configuration import VIEWS
from odah_net.convert.camera_info import read_camera_info, read_dictionary, write_camera_info
from odah_net.convert.layout import find_clips
from odah_net.convert.pelvis import turned
from odah_net.convert.read import read_all
from odah_net.data.clips import labelled_coordinates, open_clips, root_relative
from odah_net.kinematics import PELVIS_TURNS
from tests.odah_net.with_models import write_models

NAMES = coordinate_names()
ANGLES = [NAMES.index(name) for name in PELVIS_TURNS]
TOLERANCE = 1e-5


def rotation(coordinates) -> np.ndarray:
    return Rotation.from_euler("ZXY", coordinates[:, ANGLES]).as_matrix()


@pytest.fixture(scope="module")
def data(drawn, generic_text, tmp_path_factory):
    folder = tmp_path_factory.mktemp("convert") / "data"
    shutil.copytree(drawn, folder)
    write_models(folder, generic_text)
    return folder


@pytest.fixture(scope="module")
def theirs(data):
    main(["convert", "--data", str(data), "--out", str(data.parent / "theirs")])
    return data.parent / "theirs"


@given(st.lists(st.floats(-np.pi, np.pi), min_size=3, max_size=3), st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_any_pelvis_is_turned_as_a_matrix_and_comes_back(angles, place):
    coordinates = np.zeros((1, len(NAMES)))
    coordinates[0, :6] = [*angles, *place]
    coordinates[0, 6:] = np.linspace(-1, 1, len(NAMES) - 6)
    quarter = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    there = turned(NAMES, coordinates, 1)
    assert np.allclose(rotation(there), quarter @ rotation(coordinates), atol=TOLERANCE)
    assert np.allclose(there[0, 3:6], quarter @ coordinates[0, 3:6])
    back = turned(NAMES, there, -1)
    assert np.allclose(rotation(back), rotation(coordinates), atol=TOLERANCE)
    assert np.allclose(back[:, 3:], coordinates[:, 3:], atol=TOLERANCE)
    assert np.array_equal(there[:, 6:], coordinates[:, 6:])


def test_adding_to_the_heading_is_another_rotation():
    leaning = np.zeros((1, len(NAMES)))
    leaning[0, ANGLES] = 0.3, 0.2, 0.1
    added = leaning.copy()
    added[0, ANGLES[2]] += np.pi / 2
    apart = rotation(added)[0].T @ rotation(turned(NAMES, leaning, 1))[0]
    assert np.rad2deg(np.arccos((np.trace(apart) - 1) / 2)) > 20


def test_a_data_set_goes_there_and_back(data, theirs):
    main(["convert", "--authors", str(theirs), "--out", str(theirs.parent / "back")])
    for clip in open_clips(data):
        folder, subject = (
            theirs.parent / "back" / "clips" / clip.clip_id,
            theirs.parent / "back" / "subjects" / clip.subject,
        )
        motion = read_mot(folder / "kinematics.mot")
        assert np.allclose(motion.values, labelled_coordinates(clip, motion.names), atol=TOLERANCE)
        scales = read_json(subject / "scales.json")
        assert np.allclose([scales[body] for body in body_names()], clip.labels["scales"], atol=TOLERANCE)
        cameras = read_cameras(folder / "cameras.json")
        points = clip.labels["joint_centers_m"]
        for name in VIEWS:
            assert np.allclose(project(cameras[name], points), project(clip.cameras[name], points), atol=TOLERANCE)
            assert (folder / f"{name}.mp4").read_bytes() == (clip.folder / f"{name}.mp4").read_bytes()


def test_other_shapes_of_a_subject_are_left_out(theirs, tmp_path):
    shutil.copytree(theirs, tmp_path / "theirs")
    clips = find_clips(tmp_path / "theirs")
    for clip in clips:
        shape = clip.video("front").parent
        shutil.copytree(shape, shape.with_name("bmi1.0"))
    assert find_clips(tmp_path / "theirs") == clips


def test_a_motion_of_other_times_than_the_videos_is_refused(theirs, tmp_path):
    shutil.copytree(theirs, tmp_path / "theirs")
    path = find_clips(tmp_path / "theirs")[0].motion
    motion = read_mot(path)
    for rows, rate in ((slice(0, 30), 60.0), (slice(None), 30.0)):
        write_mot(path, motion.names, np.arange(40)[rows] / rate, motion.values[rows], degrees=False)
        with pytest.raises(InputError, match=r"_rad\.mot: has \d+ rows .* one for each of 40 frames at 60 a second"):
            read_all(tmp_path / "theirs", tmp_path / "back")


def test_two_other_cameras_become_their_front_and_side(data, tmp_path):
    main(["convert", "--data", str(data), "--views", "side", "front", "--out", str(tmp_path)])
    clip, theirs = open_clips(data)[0], find_clips(tmp_path)[0]
    assert theirs.video("front").read_bytes() == (clip.folder / "side.mp4").read_bytes()
    sizes = {name: (camera.width, camera.height) for name, camera in clip.cameras.items()}
    found = read_camera_info(theirs.cameras, sizes)["front"]
    assert np.allclose(found.intrinsics, clip.cameras["side"].intrinsics)
    assert np.allclose(found.translation_m, clip.cameras["side"].translation_m)


def test_labels_alone_tell_the_same_motion(data, theirs, tmp_path):
    shutil.copytree(theirs, tmp_path / "labels")
    for clip in find_clips(tmp_path / "labels"):
        clip.motion.unlink()
    main(["convert", "--authors", str(tmp_path / "labels"), "--out", str(tmp_path / "back")])
    clip = open_clips(data)[0]
    motion = read_mot(tmp_path / "back" / "clips" / clip.clip_id / "kinematics.mot")
    truth = labelled_coordinates(clip, motion.names)
    assert np.allclose(rotation(motion.values), rotation(truth), atol=TOLERANCE)
    assert np.allclose(motion.values[:, 3:], truth[:, 3:], atol=TOLERANCE)


def test_their_points_are_the_kinematics_of_their_coordinates(data, theirs, kinematics):
    clip, ours = find_clips(theirs)[0], open_clips(data)[0]
    row, points = np.load(clip.coordinates(7)), np.load(clip.points(7))
    assert row.shape == (39,)
    assert points.shape == (44, 3)
    assert np.allclose(np.load(clip.scales), ours.labels["scales"])
    assert np.allclose(points[22], row[3:6], atol=TOLERANCE), "the pelvis joint is where the coordinates put it"
    turn = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    assert np.allclose(points - points[22], root_relative(ours.labels)[7] @ turn.T, atol=TOLERANCE)


def test_a_pickle_that_calls_anything_is_refused(data, tmp_path):
    clip = open_clips(data)[0]
    sizes = {name: (camera.width, camera.height) for name, camera in clip.cameras.items()}
    write_camera_info(tmp_path / "good.npy", clip.cameras)
    assert np.allclose(
        read_camera_info(tmp_path / "good.npy", sizes)["side"].intrinsics, clip.cameras["side"].intrinsics
    )

    class Harm:
        def __reduce__(self):
            return (open, (str(tmp_path / "harm"), "w"))

    np.save(tmp_path / "bad.npy", np.array({"front_camera_matrix": Harm()}, dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="no dictionary of cameras"):
        read_dictionary(tmp_path / "bad.npy")
    assert not (tmp_path / "harm").exists()
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps({}))
    with pytest.raises(InputError, match="no dictionary of cameras"):
        read_dictionary(tmp_path / "pickle.npy")


def test_a_folder_without_clips_and_one_that_is_full_are_refused(data, theirs, tmp_path, capsys):
    for given_, sentence in (
        (["--authors", str(tmp_path), "--out", str(tmp_path / "back")], "holds no clip"),
        (["--data", str(data), "--out", str(theirs)], "is not empty"),
    ):
        with pytest.raises(SystemExit):
            main(["convert", *given_])
        assert sentence in capsys.readouterr().err
