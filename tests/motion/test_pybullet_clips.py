import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from odah_gen.config import Config, Motion
from odah_gen.errors import InputError
from odah_gen.motion import pybullet_clips
from odah_gen.motion.catalogue import create_run
from odah_gen.motion.kinematics import BODY_JOINTS, forward_kinematics
from odah_gen.motion.pybullet_clips import PELVIS_REST_M, clip_files, motions_folder, read_pybullet
from odah_gen.motion.stage import write_motion
from odah_gen.storage import read_npz

# DeepMimic's humanoid: offsets from parent (m; X forward, Y up, Z right), first column of the rotation in a frame.
CHEST, NECK = (0.0, 0.236151, 0.0), (0.0, 0.223894, 0.0)
LEG, SHIN, FOOT = (0.0, 0.0, 0.084887), (0.0, -0.421546, 0.0), (0.0, -0.40987, 0.0)
ARM, FOREARM, HAND = (-0.02405, 0.243950, 0.18311), (0.0, -0.274788, 0.0), (0.0, -0.258947, 0.0)


def deepmimic_positions(frame):
    """Joint positions of DeepMimic's own skeleton, written out joint by joint; the slow twin of the conversion."""

    def quaternion(first):
        w, x, y, z = frame[first : first + 4]
        return Rotation.from_quat([x, y, z, w])

    def mirrored(offset, side):
        return np.array(offset) * [1, 1, side]

    def hinge(column):
        return Rotation.from_euler("z", frame[column])

    root, position = quaternion(4), np.array(frame[1:4])
    chest_at = position + root.apply(CHEST)
    chest = root * quaternion(8)
    found = {"pelvis": position, "neck": chest_at + chest.apply(NECK)}
    for name, side, hip, knee, shoulder, elbow in (("right", 1, 16, 20, 25, 29), ("left", -1, 30, 34, 39, 43)):
        thigh = root * quaternion(hip)
        found[f"{name}_hip"] = position + root.apply(mirrored(LEG, side))
        found[f"{name}_knee"] = found[f"{name}_hip"] + thigh.apply(SHIN)
        found[f"{name}_ankle"] = found[f"{name}_knee"] + (thigh * hinge(knee)).apply(FOOT)
        arm = chest * quaternion(shoulder)
        found[f"{name}_shoulder"] = chest_at + chest.apply(mirrored(ARM, side))
        found[f"{name}_elbow"] = found[f"{name}_shoulder"] + arm.apply(FOREARM)
        found[f"{name}_wrist"] = found[f"{name}_elbow"] + (arm * hinge(elbow)).apply(HAND)
    return found


def same_bones():
    """Rest joints of the model frame (X left, Y up, Z forward, arms spread) with DeepMimic's bones."""
    rest = np.zeros((BODY_JOINTS, 3))
    rest[0] = PELVIS_REST_M
    rest[[3, 6, 9]] = rest[0] + CHEST
    rest[[12, 15]] = rest[9] + NECK
    for side, (hip, knee, ankle, foot, collar, shoulder, elbow, wrist) in (
        (1, (1, 4, 7, 10, 13, 16, 18, 20)),
        (-1, (2, 5, 8, 11, 14, 17, 19, 21)),
    ):
        rest[hip] = rest[0] + [side * LEG[2], 0, 0]
        rest[knee] = rest[hip] + SHIN
        rest[[ankle, foot]] = rest[knee] + FOOT
        rest[[collar, shoulder]] = rest[9] + [side * ARM[2], ARM[1], ARM[0]]
        rest[elbow] = rest[shoulder] + [-side * FOREARM[1], 0, 0]
        rest[wrist] = rest[elbow] + [-side * HAND[1], 0, 0]
    return rest


JOINT = {
    "pelvis": 0, "neck": 12, "left_hip": 1, "left_knee": 4, "left_ankle": 7, "right_hip": 2, "right_knee": 5,
    "right_ankle": 8, "left_shoulder": 16, "left_elbow": 18, "left_wrist": 20, "right_shoulder": 17,
    "right_elbow": 19, "right_wrist": 21,
}  # fmt: skip


def largest_difference(path):
    frames = np.array(json.loads(path.read_text())["Frames"])
    clip = read_pybullet(path)
    poses = clip.poses.reshape(-1, 55, 3)[:, :BODY_JOINTS]
    # The chest turns at one joint in DeepMimic and at three here: all of it at the first, for the same bones.
    poses[:, 3] *= 3
    poses[:, [6, 9]] = 0
    rotations = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(*poses.shape[:2], 3, 3)
    found, _ = forward_kinematics(rotations, clip.trans + PELVIS_REST_M, same_bones())
    worst = 0.0
    for place, positions in zip(clip.source_frame, found):
        if place != round(place):
            continue
        wanted = deepmimic_positions(frames[round(place)])
        for name, joint in JOINT.items():
            x, y, z = wanted[name]
            worst = max(worst, float(np.abs(positions[joint] - [-z, -x, y]).max()))
    return worst


@pytest.fixture
def made_clip(tmp_path):
    """A clip in DeepMimic's format with random rotations, its quaternions a little unnormalised."""

    def make(name="walk", durations=None, frames=12):
        generator = np.random.default_rng(8)
        rows = generator.normal(0, 0.4, (frames, 44))
        for first in (4, 8, 12, 16, 21, 25, 30, 35, 39):
            quaternion = generator.normal(0, 1, (frames, 4))
            rows[:, first : first + 4] = 1.004 * quaternion / np.linalg.norm(quaternion, axis=1, keepdims=True)
        rows[:, 0] = 0.0333 if durations is None else durations
        path = tmp_path / ".odah" / "mocap" / pybullet_clips.MOTIONS / f"humanoid3d_{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"Loop": "wrap", "Frames": rows.tolist()}))
        return path

    return make


def test_conversion_keeps_every_joint_of_a_random_clip(made_clip):
    assert largest_difference(made_clip()) < 1e-6


def test_an_ankle_keeps_bend_and_tilt_and_hardly_turns(made_clip):
    path = made_clip()
    source = pybullet_clips.quaternions(pybullet_clips.read_frames(path), pybullet_clips.SIDE_COLUMNS["left"][2])
    wanted = pybullet_clips.conjugate(source).as_euler("YXZ", degrees=True)
    found = Rotation.from_rotvec(read_pybullet(path).poses.reshape(-1, 55, 3)[:, 7]).as_euler("YXZ", degrees=True)
    np.testing.assert_allclose(found[:, 1:], wanted[:, 1:], atol=1e-6)
    np.testing.assert_allclose(found[:, 0], np.clip(wanted[:, 0], -8, 8), atol=1e-6)


def test_uneven_frames_are_brought_to_one_rate(made_clip):
    durations = np.full(12, 1 / 60)
    durations[5] = 2 / 60
    clip = read_pybullet(made_clip(durations=durations))
    assert clip.fps == 60
    np.testing.assert_allclose(clip.source_frame, [0, 1, 2, 3, 4, 5, 5.5, 6, 7, 8, 9, 10, 11], atol=1e-9)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{}", "is no DeepMimic clip"),
        ("no json", "is no DeepMimic clip"),
        ('{"Frames": [[0.1, 2], [0.1, 3]]}', r"Frames has shape \[2, 2\]"),
        (json.dumps({"Frames": [[0.0] * 44] * 3}), "a frame lasts 0.0 s"),
    ],
)
def test_files_that_are_no_clips(tmp_path, content, sentence):
    path = tmp_path / "humanoid3d_walk.txt"
    path.write_text(content)
    with pytest.raises(InputError, match=sentence):
        read_pybullet(path)


def test_the_catalogue_takes_the_unpacked_clips(made_clip, tmp_path, monkeypatch):
    made_clip("walk")
    made_clip("dance_a", frames=20)
    monkeypatch.setattr(pybullet_clips, "ROOT", tmp_path)
    motion = Motion(source="pybullet", actions=("walk", "dancea"), subjects=1)
    run = create_run(Config(fps=15.0, motion=motion), tmp_path / "run")
    assert list(run.clips.index) == ["s01-walk-01", "s01-dancea-02"]
    assert list(run.clips["source_file"]) == ["humanoid3d_walk.txt", "humanoid3d_dance_a.txt"]
    with pytest.raises(InputError, match="has no clip 'swim'; it has dancea, walk"):
        create_run(Config(motion=Motion(source="pybullet", actions=("swim",))), tmp_path / "other")


def test_missing_clips_come_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(pybullet_clips, "ROOT", tmp_path)
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(InputError, match=r"\./odah setup --with mocap"):
        create_run(Config(motion=Motion(source="pybullet", actions=("walk",))), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.mocap
def test_every_real_clip_keeps_its_joints():
    files = clip_files(motions_folder())
    assert {"walk", "run", "kick", "jump", "crawl", "dancea"} <= set(files)
    for path in files.values():
        assert largest_difference(path) < 1e-6


@pytest.mark.mocap
def test_walk_and_kick_on_a_body(tmp_path):
    motion = Motion(source="pybullet", actions=("walk", "kick"), subjects=1)
    run = create_run(Config(fps=30.0, motion=motion), tmp_path)
    walk, kick = (read_npz(write_motion(run, clip)) for clip in ("s01-walk-01", "s01-kick-02"))
    assert (len(walk["poses"]), len(kick["poses"])) == (39, 47)
    assert 0.8 < (walk["trans"][-1] - walk["trans"][0])[0] / walk["time_s"][-1] < 1.8
    assert abs((walk["trans"][-1] - walk["trans"][0])[1]) < 0.3
