"""A data set as `odah-gen export` writes it, of a person drawn as sticks: exact labels, seconds to make."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageDraw

from odah_gen.config import Camera as CameraConfig
from odah_gen.frames import ground_to_world
from odah_gen.scene.cameras import Camera, place_cameras, project, write_cameras
from odah_gen.scene.video import SEGMENT_FRAMES, join_segments, segment_file, write_segment
from odah_gen.storage import write_npz
from odah_net.kinematics import PELVIS_SHIFTS, Kinematics

FPS = 60.0
PICTURE = CameraConfig(width=120, height=90)
STICK_M = 0.1
PLACE_M = np.array([3.0, 0.95, -2.0])
"""Where the pelvis is (OpenSim ground): away from the origin on purpose."""


def write_data_set(
    folder: Path, kinematics: Kinematics, subjects: Sequence[str] = ("s01", "s02"), frames: int = 40, clips: int = 1
) -> Path:
    """A data set with some clips of each subject; returns its folder."""
    rows = []
    for number, subject in enumerate(subjects):
        for index in range(clips):
            clip_id = f"{subject}-waving-{index:02d}"
            write_clip(folder / "clips" / clip_id, kinematics, frames, seed=100 * number + index, body_seed=number)
            rows.append({"clip_id": clip_id, "subject": subject, "action": "waving", "frames": frames, "fps": FPS})
    pd.DataFrame(rows).to_parquet(folder / "clips.parquet")
    return folder


def write_clip(folder: Path, kinematics: Kinematics, frames: int, seed: int, body_seed: int) -> None:
    """Videos, masks, cameras and labels of one clip."""
    folder.mkdir(parents=True)
    angles = smooth_angles(kinematics, frames, seed)
    scales = np.random.default_rng(body_seed).uniform(0.9, 1.1, (22, 3))
    labels = labels_of(kinematics, angles, scales)
    points = np.concatenate([labels["mass_centers_m"], labels["joint_centers_m"]], 1)
    generator = np.random.default_rng(seed)
    cameras = place_cameras(PICTURE, points.reshape(-1, 3), lambda name: generator)
    write_npz(folder / "labels.npz", **labels)
    write_cameras(folder / "cameras.json", FPS, cameras)
    parents = [max(parent, 0) for parent in kinematics.forward.skeleton.joint_parents.tolist()]
    for name, camera in cameras.items():
        write_view(folder, name, camera, labels, parents)


def smooth_angles(kinematics: Kinematics, frames: int, seed: int) -> np.ndarray:
    """Slow waves of every coordinate inside the middle half of its range; knees bend, betas follow."""
    generator = np.random.default_rng(seed)
    lower = np.where(kinematics.free, -0.6, kinematics.lower.cpu())
    upper = np.where(kinematics.free, 0.6, kinematics.upper.cpu())
    time_s = np.arange(frames)[:, None] / FPS
    phase, rate_hz = generator.uniform(0, 2 * np.pi, len(lower)), generator.uniform(0.5, 1.5, len(lower))
    angles = (lower + upper) / 2 + (upper - lower) / 4 * np.sin(2 * np.pi * rate_hz * time_s + phase)
    for side in "rl":
        beta, knee = kinematics.columns((f"knee_angle_{side}_beta", f"knee_angle_{side}"))
        angles[:, beta] = angles[:, knee]
    return angles


def labels_of(kinematics: Kinematics, angles: np.ndarray, scales: np.ndarray) -> dict[str, np.ndarray]:
    """Arrays of labels.npz that odah_net reads."""
    skeleton, forward = kinematics.forward.skeleton, kinematics.forward
    coordinates = np.zeros((len(angles), len(skeleton.coordinate_names)))
    for names, values in ((kinematics.names, angles), (PELVIS_SHIFTS, np.tile(PLACE_M, (len(angles), 1)))):
        coordinates[:, [skeleton.coordinate_names.index(name) for name in names]] = values
    factors = torch.as_tensor(scales, dtype=forward.dtype).expand(len(angles), -1, -1)
    pose = forward.move(torch.as_tensor(coordinates, dtype=forward.dtype), factors)
    centers = (forward.mass_centers(pose, factors), pose.joint_centers_m)
    masses, joints = (ground_to_world(part.double().numpy()) for part in centers)
    return {
        "valid": np.ones(len(angles), dtype=bool),
        "coordinate_names": np.array(kinematics.names),
        "coordinates_rad": angles,
        "confidence": np.ones(len(angles[0])),
        "scales": scales,
        "mass_centers_m": masses,
        "joint_centers_m": joints,
        "body_names": np.array(skeleton.body_names),
        "joint_names": np.array(skeleton.joint_names),
        "pelvis_rotation": np.tile(np.eye(3), (len(angles), 1, 1)),
    }


def write_view(folder: Path, name: str, camera: Camera, labels: dict[str, np.ndarray], parents: Sequence[int]) -> None:
    """One camera's video and mask."""
    joints, masses = (project(camera, labels[f"{kind}_centers_m"]) for kind in ("joint", "mass"))
    width = round(
        STICK_M * camera.intrinsics[0, 0] / np.linalg.norm(camera.position_m - labels["joint_centers_m"][0, 0])
    )
    drawn = [draw(camera, joint_px, mass_px, parents, width) for joint_px, mass_px in zip(joints, masses)]
    write_video(folder / f"{name}.mp4", [np.asarray(picture) for picture, _ in drawn], mask=False)
    write_video(folder / f"{name}_mask.mkv", [np.asarray(silhouette) for _, silhouette in drawn], mask=True)


def write_video(path: Path, frames: Sequence[np.ndarray], mask: bool) -> None:
    """A video as the render stage encodes it."""
    height, width = frames[0].shape[:2]
    parts = [frames[start : start + SEGMENT_FRAMES] for start in range(0, len(frames), SEGMENT_FRAMES)]
    with tempfile.TemporaryDirectory() as scratch:
        for number, part in enumerate(parts):
            file = segment_file(Path(scratch), path.stem, number)
            write_segment(
                file, [frame.tobytes() for frame in part], (width, height), FPS, "mask" if mask else "picture"
            )
        join_segments(Path(scratch), path.stem, len(parts), FPS, path)


def draw(
    camera: Camera, joints: np.ndarray, masses: np.ndarray, parents: Sequence[int], width: int
) -> tuple[Image.Image, Image.Image]:
    """A picture and its mask: every body a stick of its own colour."""
    picture = Image.new("RGB", (camera.width, camera.height), (90, 120, 90))
    silhouette = Image.new("L", picture.size)
    for body, (joint, mass) in enumerate(zip(joints, masses)):
        ends = [tuple(point) for point in (joints[parents[body]], joint, mass)]
        colour = tuple(int(value) for value in 55 + 200 * np.random.default_rng(body).random(3))
        ImageDraw.Draw(picture).line(ends, fill=colour, width=width, joint="curve")
        ImageDraw.Draw(silhouette).line(ends, fill=255, width=width, joint="curve")
    return picture, silhouette
