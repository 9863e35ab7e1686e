"""From two videos to files that OpenSim opens."""

import numpy as np
import pytest
import torch

from odah_gen.errors import InputError
from odah_gen.skeleton.mot import read_mot
from odah_gen.skeleton.worker import call
from odah_net.cli import main
from odah_net.configuration import VIEWS
from odah_net.data.clips import open_clips
from odah_net.predict.kinematics import observed, placed
from odah_net.predict.recording import open_recording, person
from odah_net.training.checkpoint import read_checkpoint
from tests.odah_net.conftest import random_angles
from tests.odah_net.drawn_data_set import PLACE_M


@pytest.fixture
def files(drawn):
    folder = drawn / "clips" / "s02-waving-00"
    videos = {camera: folder / f"{camera}.mp4" for camera in VIEWS}
    return videos, folder / "cameras.json", {camera: folder / f"{camera}_mask.mkv" for camera in VIEWS}


def test_what_differs_from_the_background_is_the_person():
    generator = np.random.default_rng(0)
    background = generator.uniform(60, 180, (60, 80, 3))
    picture = np.clip(background + generator.normal(0, 4, background.shape), 0, 255)
    truth = np.zeros((60, 80), dtype=bool)
    truth[15:50, 30:45] = True
    picture[truth] = 230
    picture[25:30, 35:40] = background[25:30, 35:40]
    picture[5:8, 5:8] = 250
    found = person(picture.astype(np.uint8), background)
    assert (found != truth).sum() <= 12, "only the corners are rounded"
    assert found[25:30, 35:40].all()
    assert not person(background.astype(np.uint8), background).any()


def test_the_mass_centre_is_put_where_it_was_seen(kinematics):
    angles, scales = random_angles(kinematics, 4).numpy(), np.full((22, 3), 1.1)
    goal = np.random.default_rng(0).standard_normal((4, 3))
    coordinates = torch.as_tensor(placed(kinematics, angles, scales, goal))
    forward, factors = kinematics.forward, torch.as_tensor(scales)[None]
    masses = forward.mass_centers(forward.move(coordinates, factors), factors).numpy()
    assert np.allclose(np.average(masses, axis=1, weights=forward.skeleton.mass_kg), goal)
    names = forward.skeleton.coordinate_names
    beta, knee = (names.index(name) for name in ("knee_angle_r_beta", "knee_angle_r"))
    assert torch.allclose(coordinates[:, beta], coordinates[:, knee])


def test_a_frame_that_shows_nobody_gets_no_feature(trained, files):
    recording = open_recording(*files)
    masks = type(recording).masks
    network = read_checkpoint(trained).build()

    class Absent(type(recording)):
        def masks(self, camera, start, count):
            found = masks(self, camera, start, count)
            return found * (np.arange(start, start + count) != 6)[:, None, None]

    features, middles = observed(network, Absent(**vars(recording)), "cpu", 0)
    assert np.flatnonzero(np.isnan(features).any(1)).tolist() == [6]
    assert np.flatnonzero(np.isnan(middles).any(1)).tolist() == [6]


def test_the_command_writes_what_opensim_opens(trained, files, drawn, tmp_path, capsys):
    videos, cameras, masks = files
    arguments = ["--front", str(videos["front"]), "--side", str(videos["side"]), "--cameras", str(cameras)]
    arguments += ["--masks", *map(str, masks.values()), "--checkpoint", str(trained), "--out", str(tmp_path)]
    main(["predict", *arguments])
    assert "40 of 40 frames show the person" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kinematics.mot", "model.osim", "overlay.mp4"]
    motion, text = read_mot(tmp_path / "kinematics.mot"), (tmp_path / "model.osim").read_text()
    replay = call("replay", text=text, names=motion.names, coordinates=motion.values)
    truth = open_clips(drawn)[1].labels["joint_centers_m"]
    pelvis = replay.joint_centers_m[:, replay.joint_names.index("ground_pelvis")]
    assert np.abs(pelvis - PLACE_M).max() < 0.4
    assert replay.joint_centers_m.shape == truth.shape


def test_cameras_of_another_picture_are_refused(files, tmp_path):
    videos, cameras, masks = files
    other = tmp_path / "cameras.json"
    other.write_text(cameras.read_text().replace('"width": 120', '"width": 1080'))
    with pytest.raises(InputError, match=r"is \(120, 90\) px, but .* says \(1080, 90\)"):
        open_recording(videos, other, masks)
