"""From two videos to files that OpenSim opens."""

import dataclasses
from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from odah_gen.dataset.video import read_frames
from odah_gen.errors import InputError
from odah_gen.scene.cameras import read_cameras, write_cameras
from odah_gen.skeleton.mot import read_mot
from odah_gen.skeleton.worker import call
from odah_net.cli import main
from odah_net.configuration import VIEWS
from odah_net.data.clips import open_clips
from odah_net.predict.kinematics import motion_of, observed, placed
from odah_net.predict.outputs import draw_over
from odah_net.predict.recording import open_recording, person
from odah_net.training.checkpoint import read_checkpoint
from tests.odah_net.conftest import random_angles
from tests.odah_net.drawn_data_set import FPS, PLACE_M, write_video


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


def test_a_frame_that_does_not_show_one_person_in_both_views_gets_no_feature(trained, files, tmp_path):
    videos, cameras, masks = files
    frames = {camera: list(read_frames(path, "gray")) for camera, path in masks.items()}
    frames["front"][6] = np.zeros_like(frames["front"][6])
    floor, ceiling = np.zeros_like(frames["front"][9]), np.zeros_like(frames["side"][9])
    floor[-4:, 40:60] = ceiling[:4, 40:60] = 255
    frames["front"][9], frames["side"][9] = floor, ceiling
    others = {camera: tmp_path / f"{camera}.mkv" for camera in VIEWS}
    for camera, path in others.items():
        write_video(path, frames[camera], mask=True)
    features, middles = observed(read_checkpoint(trained).build(), open_recording(videos, cameras, others), "cpu", 0)
    assert np.flatnonzero(np.isnan(features).any(1)).tolist() == [6, 9], (
        "nobody; and something else than the person in each view"
    )
    assert np.flatnonzero(np.isnan(middles).any(1)).tolist() == [6, 9]


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


def test_recordings_in_which_nobody_is_seen_twice_are_refused(trained, files, kinematics, tmp_path):
    videos, _, masks = files
    checkpoint = read_checkpoint(trained)
    cameras = read_cameras(files[1])
    write_cameras(tmp_path / "cameras.json", FPS, dict.fromkeys(VIEWS, cameras["front"]))
    recording = open_recording(videos, tmp_path / "cameras.json", masks)
    with pytest.raises(InputError, match="no frame shows a person in both views, in one place for both"):
        motion_of(checkpoint.build(), checkpoint.kinematics(), recording, "cpu")


def test_masks_of_another_recording_are_refused(files, tmp_path):
    videos, cameras, masks = files
    short = tmp_path / "short.mkv"
    write_video(short, list(read_frames(masks["side"], "gray"))[:-2], mask=True)
    with pytest.raises(InputError, match=r"short\.mkv: has 120 × 90 px and 38 frames; 120 × 90 px and 40 frames were"):
        open_recording(videos, cameras, masks | {"side": short})


def encoded(path, frames, times, **options):
    """A video of a user's own: frames at times (in 60ths of a second), encoded by x264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=60, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.time_base = stream.codec_context.time_base = Fraction(1, 60)
        for picture, time in zip(frames, times):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts, frame.time_base = time, Fraction(1, 60)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_video_that_cannot_be_entered_in_its_middle_is_read_from_its_beginning(files, tmp_path):
    videos, cameras, masks = files
    pictures = {camera: list(read_frames(path)) for camera, path in videos.items()}
    options = {"x264-params": "open-gop=1:keyint=6:min-keyint=6:bframes=3:scenecut=0", "crf": "1"}
    own = {
        camera: encoded(tmp_path / f"{camera}.mp4", frames, range(len(frames)), **options)
        for camera, frames in pictures.items()
    }
    for part in (masks, None):
        shown = list(open_recording(own, cameras, part).shown("front"))
        assert len(shown) == 40
        errors = [np.abs(picture.astype(float) - true).mean() for (picture, _), true in zip(shown, pictures["front"])]
        assert max(errors) < 4, "every frame in its place"
    uneven = encoded(tmp_path / "uneven.mp4", pictures["side"], [n + 3 * (n > 20) for n in range(40)])
    with pytest.raises(InputError, match=r"uneven\.mp4: its frames do not come evenly.* ffmpeg -i uneven\.mp4"):
        open_recording(own | {"side": uneven}, cameras, masks)
    uneven.write_bytes(uneven.read_bytes()[:3000])
    with pytest.raises(InputError, match="encode it anew as H264"):
        open_recording(own | {"side": uneven}, cameras, masks)


def test_the_overlay_shows_both_views_at_one_size(trained, files, tmp_path):
    """The side camera films at twice the size; its skeleton must lie where the person is all the same."""
    videos, cameras_file, masks = files
    cameras = read_cameras(cameras_file)
    side = cameras["side"]
    doubled = np.diag([2.0, 2.0, 1.0]) @ side.intrinsics
    large = dataclasses.replace(side, width=2 * side.width, height=2 * side.height, intrinsics=doubled)
    write_cameras(tmp_path / "cameras.json", FPS, {"front": cameras["front"], "side": large})
    for source, name, mask in ((videos["side"], "side.mp4", False), (masks["side"], "side.mkv", True)):
        frames = [frame.repeat(2, 0).repeat(2, 1) for frame in read_frames(source, "gray" if mask else "rgb24")]
        write_video(tmp_path / name, frames, mask=mask)
    checkpoint = read_checkpoint(trained)
    kinematics = checkpoint.kinematics()
    same = open_recording(*files)
    motion = motion_of(checkpoint.build(), kinematics, same, "cpu")
    other = open_recording(
        videos | {"side": tmp_path / "side.mp4"}, tmp_path / "cameras.json", masks | {"side": tmp_path / "side.mkv"}
    )
    drawn_over = []
    for number, recording in enumerate((same, other)):
        folder = tmp_path / str(number)
        folder.mkdir()
        draw_over(folder, kinematics, recording, motion, np.arange(40) / FPS)
        drawn_over.append(np.stack(list(read_frames(folder / "overlay.mp4"))).astype(float))
    assert drawn_over[0].shape == drawn_over[1].shape
    assert np.abs(drawn_over[0] - drawn_over[1]).mean() < 3


def test_cameras_of_another_picture_are_refused(files, tmp_path):
    videos, cameras, masks = files
    other = tmp_path / "cameras.json"
    other.write_text(cameras.read_text().replace('"width": 120', '"width": 1080'))
    with pytest.raises(InputError, match=r"is \(120, 90\) px, but .* says \(1080, 90\)"):
        open_recording(videos, other, masks)
