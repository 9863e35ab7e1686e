"""Samples of a data set: the frames they say, points on the person, and the same ones wherever they are made."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from odah_gen.dataset.video import read_frames
from odah_gen.errors import InputError
from odah_gen.scene.cameras import Camera, write_cameras
from odah_gen.storage import read_npz, write_npz
from odah_net.configuration import SIZES, VIEWS
from odah_net.data.clips import ClipData, open_clips, root_relative
from odah_net.data.crops_of_clip import CropCache, read_crops
from odah_net.data.dataset import Sequences, window_starts
from odah_net.data.random_access import decode
from tests.odah_net.drawn_data_set import FPS, write_video

SMALL = dataclasses.replace(SIZES["small"], image_px=48, points=60, frames=8)


@pytest.fixture
def clip(drawn: Path) -> ClipData:
    return open_clips(drawn)[0]


@pytest.fixture
def copy(drawn, tmp_path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(drawn, tmp_path / "data"))


@pytest.mark.parametrize(("file", "pixel_format"), [("front.mp4", "rgb24"), ("side_mask.mkv", "gray")])
def test_random_access_equals_decoding_from_the_start(clip, file, pixel_format):
    frames = list(read_frames(clip.folder / file, pixel_format))
    for start in (0, 1, 13, 14, 15, 16, 31, clip.frames - 3):
        assert np.array_equal(decode(clip.folder / file, start, 3, pixel_format), frames[start : start + 3])


def test_a_frame_beyond_the_end_is_named(clip):
    with pytest.raises(InputError, match=rf"front.mp4: frame {clip.frames} cannot be read"):
        clip.pictures("front", clip.frames - 1, 2)


def test_labels_agree_with_our_kinematics(clip, kinematics):
    angles, scales = (torch.as_tensor(clip.labels[name]) for name in ("coordinates_rad", "scales"))
    points = kinematics.key_points(angles, scales.expand(len(angles), -1, -1))
    assert np.abs(points.numpy() - root_relative(clip.labels)).max() < 1e-9


def test_windows_skip_invalid_frames_and_reach_the_end():
    valid = np.ones(30, dtype=bool)
    assert window_starts(valid, 8, 4) == [0, 4, 8, 12, 16, 20, 22]
    valid[[9, 20]] = False
    found = window_starts(valid, 8, 1)
    assert found == [0, 1, 10, 11, 12, 21, 22]
    assert window_starts(valid, 31, 1) == []


def test_single_frames_are_sequences_of_one(drawn, copy):
    labels = read_npz(copy / "clips" / "s01-waving-00" / "labels.npz")
    labels["valid"][[0, 7]] = False
    write_npz(copy / "clips" / "s01-waving-00" / "labels.npz", **labels)
    frames = Sequences(open_clips(copy), SMALL, 1, 1)
    assert len(frames) == len(Sequences(open_clips(drawn), SMALL, 1, 1)) - 2
    assert frames[0]["frame"].tolist() == [1]


def test_a_sample_holds_its_frames_labels(drawn, clip):
    sequences = Sequences(open_clips(drawn), SMALL, SMALL.frames, 4)
    sample = sequences[2]
    assert {name: tuple(tensor.shape) for name, tensor in sample.items()} == {
        "pictures": (8, 2, 3, 48, 48),
        "points": (8, 60, 3),
        "places": (8, 2, 60, 2),
        "angles": (8, 36),
        "scales": (8, 22, 3),
        "key_points": (8, 44, 3),
        "clip": (8,),
        "frame": (8,),
    }
    assert sample["frame"].tolist() == list(range(8, 16))
    assert np.allclose(sample["angles"], clip.labels["coordinates_rad"][8:16])
    assert sample["points"].mean(1).abs().max() < 1e-5


def test_points_lie_on_the_person_in_both_views(drawn):
    for sample in (Sequences(open_clips(drawn), SMALL, 1, 1)[index] for index in (0, 30)):
        pixels = ((sample["places"][0] + 1) / 2 * (SMALL.image_px - 1) + 0.5).floor().long()
        on_person = sample["pictures"][0].abs().sum(1) > 0
        assert all(on_person[view, pixels[view, :, 1], pixels[view, :, 0]].all() for view in range(2))


def test_key_points_fall_on_the_person_in_the_crop(clip):
    crops = read_crops(clip, 5, 1, 64)
    for view, camera in enumerate(VIEWS):
        inside = (
            clip.labels["joint_centers_m"][5] @ clip.cameras[camera].rotation.T + clip.cameras[camera].translation_m
        )
        places = inside @ crops.intrinsics[0, view].T
        pixels = np.floor(places[:, :2] / places[:, 2:]).astype(int)
        assert crops.masks[0, view][pixels[:, 1], pixels[:, 0]].mean() > 0.95


def test_a_sample_is_the_same_in_any_order_on_any_worker(drawn):
    sequences = Sequences(open_clips(drawn), SMALL, 1, 20, seed=3)
    alone = {index: sequences[index] for index in reversed(range(len(sequences)))}
    loader = torch.utils.data.DataLoader(sequences, batch_size=1, num_workers=2)
    for index, batch in enumerate(loader):
        assert all(torch.equal(batch[name][0], alone[index][name]) for name in batch)


def test_another_epoch_or_seed_draws_other_points(drawn):
    clips = open_clips(drawn)
    sequences, other = Sequences(clips, SMALL, 1, 1), Sequences(clips, SMALL, 1, 1, seed=1)
    first = sequences[0]["points"]
    sequences.epoch = 1
    assert not torch.equal(first, sequences[0]["points"])
    assert not torch.equal(first, other[0]["points"])
    sequences.epoch = 0
    assert torch.equal(first, sequences[0]["points"])


def test_kept_crops_equal_decoded_ones(drawn, clip, tmp_path):
    cache = CropCache(tmp_path)
    decoded = read_crops(clip, 0, clip.frames, 48)
    for _ in range(2):
        kept = cache.read(clip, 48)
        assert all(np.array_equal(getattr(kept, name), getattr(decoded, name)) for name in vars(decoded))
    clips = open_clips(drawn)
    kept, decoded = (Sequences(clips, SMALL, 8, 5, cache=each)[1] for each in (cache, None))
    assert all(torch.equal(kept[name], decoded[name]) for name in decoded)


def test_kept_crops_of_another_export_are_not_used(copy, tmp_path):
    clip, cache = open_clips(copy)[0], CropCache(tmp_path / "cache")
    before = np.array(cache.read(clip, 32).pictures)
    shutil.copy(open_clips(copy)[1].folder / "front.mp4", clip.folder / "front.mp4")
    assert not np.array_equal(before, cache.read(clip, 32).pictures)


def test_a_folder_that_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"is no data set .* odah-gen export"):
        open_clips(tmp_path)


def test_a_missing_view_is_named(copy):
    (copy / "clips" / "s01-waving-00" / "side.mp4").unlink()
    with pytest.raises(
        InputError, match=r"side\.mp4: this view is missing; the network sees front and side, .* has front"
    ):
        open_clips(copy)


def test_a_data_set_of_other_cameras_is_read_by_their_names(copy):
    before = Sequences(open_clips(copy), SMALL, 1, 1)[5]
    for folder in (copy / "clips").iterdir():
        for ending in (".mp4", "_mask.mkv"):
            (folder / f"side{ending}").rename(folder / f"right-hand{ending}")
        text = (folder / "cameras.json").read_text()
        (folder / "cameras.json").write_text(text.replace('"side"', '"right-hand"'))
    with pytest.raises(InputError, match=r"the clip has front, right-hand\. Choose two that it has by --views"):
        open_clips(copy)
    after = Sequences(open_clips(copy, views=("front", "right-hand")), SMALL, 1, 1)[5]
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_one_camera_twice_and_two_along_one_line_are_refused(drawn, copy):
    with pytest.raises(InputError, match="--views front front: is one camera"):
        open_clips(drawn, views=("front", "front"))
    clip = open_clips(copy)[0]
    write_cameras(clip.folder / "cameras.json", FPS, dict.fromkeys(VIEWS, clip.cameras["front"]))
    with pytest.raises(InputError, match=r"s01-waving-00: frame 4: the views look along one line"):
        Sequences(open_clips(copy), SMALL, 1, 1)[4]


def test_a_subject_that_is_not_there_is_named(drawn):
    with pytest.raises(InputError, match=r"has no subject s09; it has s01, s02"):
        open_clips(drawn, ["s09"])


def test_an_empty_mask_is_named_where_the_label_is_valid(copy, tmp_path):
    path = copy / "clips" / "s01-waving-00" / "front_mask.mkv"
    masks = list(read_frames(path, "gray"))
    masks[3] = np.zeros_like(masks[3])
    write_video(path, masks, mask=True)
    frames = Sequences(open_clips(copy), SMALL, 1, 1)
    assert frames[2]["frame"].tolist() == [2]
    with pytest.raises(InputError, match=r"front_mask.mkv: frame 3 shows nobody"):
        frames[3]
    with pytest.raises(InputError, match=r"front_mask.mkv: frame 3 shows nobody"):
        CropCache(tmp_path / "cache").read(open_clips(copy)[0], 48)
    labels = read_npz(copy / "clips" / "s01-waving-00" / "labels.npz")
    labels["valid"][3] = False
    write_npz(copy / "clips" / "s01-waving-00" / "labels.npz", **labels)
    kept, decoded = (
        Sequences(open_clips(copy), SMALL, 1, 1, cache=cache) for cache in (CropCache(tmp_path / "cache"), None)
    )
    assert kept[3]["frame"].tolist() == [4]
    assert all(torch.equal(kept[3][name], decoded[3][name]) for name in kept[3])


def test_clips_that_are_too_short_are_refused(drawn):
    with pytest.raises(InputError, match=r"none has 64 valid frames in a row \(the longest clip has 40\)"):
        Sequences(open_clips(drawn), SMALL, 64, 32)


def test_moving_the_whole_scene_moves_no_input_but_the_points_axes(copy, drawn, kinematics):
    """Person and cameras are moved together: a shift changes nothing, a turn about the vertical turns points and pelvis."""
    yaw, shift = 0.7, np.array([4.0, -3.0, 0.0])
    turn = Rotation.from_euler("z", yaw).as_matrix()
    for clip in open_clips(copy):
        write_cameras(clip.folder / "cameras.json", FPS, {n: moved(c, turn, shift) for n, c in clip.cameras.items()})
        labels = read_npz(clip.folder / "labels.npz")
        for name in ("mass_centers_m", "joint_centers_m"):
            labels[name] = labels[name] @ turn.T + shift
        labels["coordinates_rad"] = turned_pelvis(labels["coordinates_rad"], yaw)
        write_npz(clip.folder / "labels.npz", **labels)
    ours, theirs = (Sequences(open_clips(folder), SMALL, 4, 4, seed=2) for folder in (drawn, copy))
    for index in (0, 5):
        before, after = ours[index], theirs[index]
        for name in ("pictures", "places", "scales"):
            assert torch.allclose(before[name], after[name], atol=1e-4)
        assert np.allclose(before["points"].numpy() @ turn.T, after["points"].numpy(), atol=1e-5)
        assert torch.equal(before["angles"][:, 3:], after["angles"][:, 3:])
        key_points = kinematics.key_points(after["angles"].double(), after["scales"].double())
        assert np.allclose(key_points, after["key_points"], atol=1e-5)


def moved(camera: Camera, turn: np.ndarray, shift: np.ndarray) -> Camera:
    """The camera after a turn about the origin and a shift."""
    rotation = camera.rotation @ turn.T
    return dataclasses.replace(camera, rotation=rotation, translation_m=camera.translation_m - rotation @ shift)


def turned_pelvis(angles: np.ndarray, yaw: float) -> np.ndarray:
    """Angles of a person turned about OpenSim's vertical: the turn multiplies the pelvis rotation (tilt, list, rotation)."""
    pelvis = Rotation.from_euler("ZXY", angles[:, :3])
    return np.concatenate([(Rotation.from_euler("Y", yaw) * pelvis).as_euler("ZXY"), angles[:, 3:]], 1)
