"""The mirrored sample is the sample of the mirrored scene."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from odah_gen.scene.cameras import Camera, project, write_cameras
from odah_gen.storage import read_npz, write_npz
from odah_net.configuration import VIEWS
from odah_net.data.clips import open_clips
from odah_net.data.crops_of_clip import read_crops
from odah_net.data.dataset import Sequences
from odah_net.data.mirror import (
    WORLD,
    change_places,
    mirrored,
    mirrored_angles,
    mirrored_camera,
    mirrored_points,
    other_sides,
)
from odah_net.data.random_access import decode
from odah_net.metrics import angle_errors_deg
from tests.odah_net.conftest import TINY, random_angles
from tests.odah_net.drawn_data_set import FPS, labels_of, write_video


def arrays_of(sample: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in sample.items() if name not in ("clip", "frame")}


@pytest.fixture
def mirror_data(drawn, kinematics, tmp_path) -> Path:
    """The drawn data set of a mirrored world: mirrored cameras, people who do everything with the other side."""
    folder = Path(shutil.copytree(drawn, tmp_path / "mirror"))
    for clip in open_clips(folder):
        write_cameras(
            clip.folder / "cameras.json", FPS, {name: mirrored_camera(one) for name, one in clip.cameras.items()}
        )
        labels = read_npz(clip.folder / "labels.npz")
        angles = mirrored_angles(labels["coordinates_rad"], kinematics.names)
        scales = labels["scales"][other_sides(labels["body_names"].tolist())]
        write_npz(clip.folder / "labels.npz", **labels_of(kinematics, angles, scales))
        for camera in VIEWS:
            for file, kind in ((f"{camera}.mp4", "rgb24"), (f"{camera}_mask.mkv", "gray")):
                frames = decode(clip.folder / file, 0, clip.frames, kind)
                write_video(clip.folder / file, list(np.ascontiguousarray(frames[:, :, ::-1])), mask=kind == "gray")
    return folder


def test_key_points_of_mirrored_angles_are_the_mirrored_key_points(kinematics):
    skeleton = kinematics.forward.skeleton
    angles, scales = random_angles(kinematics, 20), 0.9 + 0.2 * torch.rand(20, 22, 3, dtype=torch.float64)
    other = torch.as_tensor(mirrored_angles(angles.numpy(), kinematics.names))
    found = kinematics.key_points(other, scales[:, other_sides(skeleton.body_names)]).numpy()
    names = [*skeleton.body_names, *skeleton.joint_names]
    expected = mirrored_points(kinematics.key_points(angles, scales).numpy(), names)
    assert np.abs(found - expected).max() < 1e-6


def test_a_mirrored_sample_is_the_sample_of_a_mirrored_scene(drawn, mirror_data):
    ours, theirs = (Sequences(open_clips(folder), TINY, 4, 4) for folder in (drawn, mirror_data))
    for index in (0, 7, 12):
        clip = ours.clips[ours.windows[index].clip]
        found, expected = mirrored(arrays_of(ours[index]), clip.labels, False), arrays_of(theirs[index])
        assert np.abs(found["pictures"] - expected["pictures"]).mean() < 0.02  # the codec's
        assert (found["pictures"].any(2) != expected["pictures"].any(2)).mean() < 0.01  # nearest pixels that tie
        assert angle_errors_deg(found["angles"], expected["angles"]).max() < 1e-4
        assert np.allclose(found["scales"], expected["scales"])
        assert np.abs(found["key_points"] - expected["key_points"]).max() < 1e-5


def test_mirrored_points_fall_where_mirrored_cameras_see_them(drawn):
    frames = Sequences(open_clips(drawn), TINY, 1, 1)
    clip = frames.clips[0]
    sample = arrays_of(frames[3])
    found = mirrored(sample, clip.labels, False)
    crops = read_crops(clip, 3, 1, TINY.image_px)
    for view, name in enumerate(VIEWS):
        side = TINY.image_px
        crop_camera = dataclasses.replace(
            clip.cameras[name], intrinsics=crops.intrinsics[0, view], width=side, height=side
        )
        # Points are about their mean, which the cameras' places give back: least squares over both views.
        seen = (sample["places"][0, view] + 1) / 2 * (side - 1) + 0.5
        middle = middle_of(crop_camera, sample["points"][0], seen)
        mirror_px = project(mirrored_camera(crop_camera), found["points"][0] + middle * WORLD)
        places = 2 * (mirror_px - 0.5) / (side - 1) - 1
        assert np.abs(places - found["places"][0, view]).max() < 1e-3


def middle_of(camera: Camera, points: np.ndarray, seen_px: np.ndarray) -> np.ndarray:
    """Where the mean of points is, from their places in a picture (linear equations of the pinhole)."""
    matrix = camera.intrinsics @ camera.rotation
    rows = np.concatenate([matrix[:2][None] - seen_px[:, :, None] * matrix[2], np.zeros((len(points), 0, 3))], 1)
    offset = points @ matrix.T + camera.intrinsics @ camera.translation_m
    right = seen_px * offset[:, 2:] - offset[:, :2]
    return np.linalg.lstsq(rows.reshape(-1, 3), right.reshape(-1), rcond=None)[0]


def test_twice_mirrored_is_as_before(drawn):
    frames = Sequences(open_clips(drawn), TINY, 3, 3)
    labels = frames.clips[0].labels
    for exchange in (False, True):
        sample = arrays_of(frames[2])
        twice = mirrored(mirrored(sample, labels, exchange), labels, exchange)
        assert all(np.array_equal(twice[name], sample[name]) for name in sample)
        assert not np.array_equal(mirrored(sample, labels, exchange)["pictures"], sample["pictures"])


def test_cameras_change_places_where_they_stand_opposite_about_the_heading(drawn):
    front, side = (open_clips(drawn)[0].cameras[name] for name in VIEWS)
    assert not change_places(front, side)

    def seen_from(azimuth_deg: float) -> Camera:
        angle = np.deg2rad(azimuth_deg)
        turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        return dataclasses.replace(front, rotation=front.rotation @ turn)

    assert change_places(seen_from(45), seen_from(-45))
    assert change_places(seen_from(95), seen_from(-90))
    assert not change_places(seen_from(3), seen_from(-92))
    assert not change_places(seen_from(2), seen_from(178))


def test_half_of_the_samples_are_mirrored_others_in_the_next_epoch(drawn):
    plain, mixed = (Sequences(open_clips(drawn), TINY, 1, 1, mirror=mirror) for mirror in (False, True))

    def changed(epoch: int) -> list[bool]:
        plain.epoch = mixed.epoch = epoch
        return [not torch.equal(plain[index]["angles"], mixed[index]["angles"]) for index in range(0, len(plain), 2)]

    first, second = changed(0), changed(1)
    assert 0.2 < np.mean(first) < 0.8
    assert first != second
    assert first == changed(0)
