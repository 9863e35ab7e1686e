"""Pose2Sim with key points that are known: what its triangulation, filter, scaling and inverse kinematics make of them.

Pose2Sim (doi 10.21105/joss.04362) runs in an environment of its own, one process for each clip. It is given the places of
its own Body25 markers on the label's skeleton, so its model and its pipeline are measured, not a detector.
"""

import json
import subprocess
import tempfile
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.errors import InputError
from odah_gen.frames import WORLD_FROM_GROUND, ground_to_world, matrix_to_rotvec
from odah_gen.paths import ROOT
from odah_gen.scene.cameras import Camera
from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.kinematics import fill_invalid
from odah_gen.skeleton.mot import read_mot
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.table import body_names, joint_names
from odah_gen.skeleton.worker import call
from odah_gen.storage import read_npz, read_text, write_npz
from odah_net.baseline.detections import Detector
from odah_net.baseline.key_points import moved_markers, subject_skeleton
from odah_net.data.clips import ClipData, labelled_coordinates, subject_model
from odah_net.evaluation.methods import Track

CALLED = "Pose2Sim with oracle 2D key points"
ENVIRONMENT = ROOT / ".venv-pose2sim"
PYTHON = ENVIRONMENT / "bin" / "python"
MAIN = Path(__file__).with_name("pose2sim_main.py")
SETUP_FILES = "lib/python3.11/site-packages/Pose2Sim/OpenSim_Setup"
BODY25 = (
    "Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "CHip", "RHip", "RKnee", "RAnkle",
    "LHip", "LKnee", "LAnkle", "REye", "LEye", "REar", "LEar", "LBigToe", "LSmallToe", "LHeel", "RBigToe", "RSmallToe",
    "RHeel",
)  # fmt: skip
"""OpenPose's key points, in its order; eyes and ears have no marker in Pose2Sim."""
ITS_NAMES = {
    "lumbar_extension": "L5_S1_Flex_Ext",
    "lumbar_bending": "L5_S1_Lat_Bending",
    "lumbar_rotation": "L5_S1_axial_rotation",
    "knee_angle_r_beta": "knee_angle_r",
    "knee_angle_l_beta": "knee_angle_l",
}
"""Coordinates that its model calls otherwise; its lumbar joint has the axes of ours, and its knee carries no patella."""
GROUND_FROM_GIVEN = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
"""Pose2Sim turns the cameras' world (Z up) to Y up by (x, y, z) → (y, z, x). Cameras are given in the world that this
turns to OpenSim ground."""


def tracks(clips: Sequence[ClipData], detector: Detector, kept: Path) -> list[Track]:
    """What Pose2Sim finds on each clip; kept in a folder, so that the same command goes on after a failure.

    Raises:
        InputError: its environment is missing, or it failed on a clip.
    """
    if not PYTHON.is_file():
        raise InputError(
            f"{ENVIRONMENT}: is not there; Pose2Sim runs in an environment of its own. Make it with: "
            "./odah setup --with pose2sim"
        )
    return [kept_track(kept / f"{clip.clip_id}-{detector.noise_px:g}px.npz", clip, detector) for clip in clips]


def kept_track(path: Path, clip: ClipData, detector: Detector) -> Track:
    """One clip, from a file where it is of the same detections and model."""
    marks: dict[str, Any] = {"given": checksum(clip, detector)}
    if path.is_file():
        kept = read_npz(path, ("given", "angles_rad", "points_m"))
        if kept["given"] == marks["given"]:
            return Track(kept["angles_rad"], None, kept["points_m"])
    found = track(clip, detector)
    write_npz(path, **marks, angles_rad=found.angles_rad, points_m=found.points_m)
    return found


def checksum(clip: ClipData, detector: Detector) -> int:
    """A checksum of what Pose2Sim is told of a clip: cameras, label, model, noise and misses."""
    texts = (repr((clip.views, detector)), *map(read_text, (clip.folder / "cameras.json", subject_model(clip))))
    return zlib.crc32("".join(texts).encode() + (clip.folder / "labels.npz").read_bytes())


def track(clip: ClipData, detector: Detector) -> Track:
    """One clip."""
    with tempfile.TemporaryDirectory(prefix="odah-pose2sim-") as scratch:
        folder = Path(scratch) / "project"  # its name stands in the names of Pose2Sim's files
        write_project(folder, clip, detector)
        run(folder, clip.clip_id)
        return read_track(folder / "kinematics", clip)


def write_project(folder: Path, clip: ClipData, detector: Detector) -> None:
    """Cameras, key points as OpenPose writes them, and the settings that are not Pose2Sim's own."""
    skeleton = with_body25(subject_skeleton(clip), clip.labels["scales"])
    points = ground_to_world(moved_markers(skeleton, labelled_coordinates(clip, skeleton.coordinate_names)))
    found_px = detector.detect(clip.cameras, points, clip.clip_id)
    (folder / "calibration").mkdir(parents=True)
    (folder / "calibration" / "Calib.toml").write_text(calibration([clip.cameras[name] for name in clip.views]))
    for number, camera in enumerate(clip.views, 1):
        place = folder / "pose" / f"cam{number:02d}_json"
        place.mkdir(parents=True)
        for frame, row in enumerate(found_px[camera]):
            (place / f"cam{number:02d}_{frame:06d}.json").write_text(json.dumps(open_pose(skeleton.marker_names, row)))
    (folder / "settings.json").write_text(json.dumps(settings(clip.fps)))


def settings(fps: float) -> dict[str, Any]:
    """What differs from Pose2Sim's own settings: no windows, no pictures, its fast model without muscles."""
    quiet = {"display_figures": False, "save_filt_plots": False, "make_c3d": False}
    return {
        "project": {"project_dir": ".", "frame_rate": whole_rate(fps), "frame_range": "all"},
        "pose": {"pose_model": "BODY_25"},
        "triangulation": {"make_c3d": False},
        "filtering": quiet,
        "kinematics": {"use_augmentation": False, "use_simple_model": True},
    }


def whole_rate(fps: float) -> int:
    """Pose2Sim counts whole frames per second; only its filter feels the difference."""
    return round(fps)


def calibration(cameras: Sequence[Camera]) -> str:
    """The text of Calib.toml: metres, world to camera, rotation vectors."""
    blocks = []
    for number, camera in enumerate(cameras, 1):
        rotation = matrix_to_rotvec(camera.rotation @ WORLD_FROM_GROUND @ GROUND_FROM_GIVEN)
        values = {
            "name": f"cam{number:02d}",
            "size": [float(camera.width), float(camera.height)],
            "matrix": camera.intrinsics.tolist(),
            "distortions": [0.0] * 4,
            "rotation": rotation.tolist(),
            "translation": camera.translation_m.tolist(),
        }
        rows = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        blocks.append("\n".join([f"[cam_{number:02d}]", *rows, "fisheye = false"]))
    return "\n\n".join(blocks) + "\n"


def open_pose(names: Sequence[str], places_px: Float[np.ndarray, "markers 2"]) -> dict[str, Any]:
    """One frame as OpenPose writes it: x, y and likelihood of each key point; likelihood 0 where it is not seen."""
    rows = dict(zip(names, places_px))
    values = [rows.get(name, np.full(2, np.nan)) for name in BODY25]
    triples = [[*map(float, row), 1.0] if np.isfinite(row).all() else [0.0, 0.0, 0.0] for row in values]
    return {
        "version": 1.3,
        "people": [{"person_id": [-1], "pose_keypoints_2d": [x for triple in triples for x in triple]}],
    }


def with_body25(skeleton: Skeleton, scales: Float[np.ndarray, "bodies 3"]) -> Skeleton:
    """A subject's skeleton with Pose2Sim's markers in the places that its own model has them, grown with the bodies."""
    places = {name: place for name, place in body25_places().items() if name in BODY25}
    bodies = np.array([skeleton.body_names.index(body) for body, _ in places.values()])
    return skeleton.with_markers(
        tuple(places), bodies, np.array([location for _, location in places.values()]) * scales[bodies]
    )


@cache
def body25_places() -> dict[str, tuple[str, Float[np.ndarray, " 3"]]]:
    """Body and place in its frame (m, generic size) of each marker; those of its head are put on the torso."""
    setup = ENVIRONMENT / SETUP_FILES
    model = call(
        "read_skeleton", text=read_text(setup / "Model_Pose2Sim_simple.osim"), called="Model_Pose2Sim_simple.osim"
    )
    neck = model.joint_names.index("head_torso")
    raised = (model.parent_offsets_m[neck] - model.child_offsets_m[neck]).sum(-1)
    found = {}
    for marker in ElementTree.fromstring(read_text(setup / "Markers_Body25.xml").encode()).iter("Marker"):
        body = marker.findtext("socket_parent_frame", "").rsplit("/", 1)[-1]
        location = np.array(marker.findtext("location", "").split(), dtype=float)
        found[marker.get("name", "")] = ("torso", location + raised) if body == "head" else (body, location)
    return found


def run(folder: Path, called: str) -> None:
    """Run Pose2Sim on a project folder.

    Raises:
        InputError: it failed; its whole output is kept.
    """
    done = subprocess.run(
        [str(PYTHON), "-I", str(MAIN)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode or not list((folder / "kinematics").glob("*.mot")):
        with tempfile.NamedTemporaryFile("w", prefix="odah-pose2sim-", suffix=".log", delete=False) as log:
            log.write(done.stdout)
        last = done.stdout.strip().splitlines()[-1:] or ["no output"]
        raise InputError(
            f"{called}: Pose2Sim failed: {last[0]}. Its whole output is in {log.name}; less noise or drop-out may help. "
            "What it found on other clips is kept."
        )


def read_track(folder: Path, clip: ClipData) -> Track:
    """Angles from its motion, and key points from its own scaled model; frames that it left out are held."""
    motion = read_mot(next(folder.glob("*.mot")))
    model = call("read_skeleton", text=read_text(next(folder.glob("*.osim"))), called="Pose2Sim's scaled model")
    frames = np.round(motion.time_s * whole_rate(clip.fps)).astype(int)
    valid = np.isin(np.arange(clip.frames), frames)
    values = np.zeros((clip.frames, len(motion.names)))
    values[frames] = motion.values
    values = fill_invalid(values, valid)
    names = [ITS_NAMES.get(name, name) for name in clip.labels["coordinate_names"].tolist()]
    angles = values[:, [motion.names.index(name) for name in names]]
    return Track(angles, None, its_points(model, motion.names, values))


def its_points(
    model: Skeleton,
    names: Sequence[str],
    values: Float[np.ndarray, "frames coordinates"],
) -> Float[np.ndarray, "frames 44 3"]:
    """Mass centres, then joint centres, of its model in the order of the labels; NaN for what it lacks, the patellae."""
    kinematics = ForwardKinematics(model)
    columns = [list(names).index(name) for name in model.coordinate_names]
    pose = kinematics.move(kinematics.complete(torch.as_tensor(values[:, columns], dtype=kinematics.dtype)))
    masses, joints = kinematics.mass_centers(pose).numpy(), pose.joint_centers_m.numpy()
    rows = (
        dict(zip(model.body_names, np.swapaxes(masses, 0, 1))),
        dict(zip(model.joint_names, np.swapaxes(joints, 0, 1))),
    )
    absent = np.full((len(values), 3), np.nan)
    wanted = zip(rows, (body_names(), joint_names()))
    points = np.stack([row.get(name, absent) for row, each in wanted for name in each], 1)
    return points - rows[1]["ground_pelvis"][:, None]
