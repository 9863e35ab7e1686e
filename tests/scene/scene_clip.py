"""Poses and one-clip runs on the free body that the tests of scene and render share."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.config import from_mapping, to_mapping
from odah_gen.frames import WORLD_FROM_MODEL, matrix_to_rotvec
from odah_gen.run import Run
from odah_gen.storage import write_npz, write_yaml

CLIP = "s001-squat-01"
FRAMES = 3
SQUAT_DEG = {
    "left_hip": (-95, 0, 10),
    "right_hip": (-95, 0, -10),
    "left_knee": (110, 0, 0),
    "right_knee": (110, 0, 0),
    "left_shoulder": (0, -40, -40),
    "right_shoulder": (0, 40, 40),
}
CONFIG = {"fps": 12, "camera": {"width": 120, "height": 80}, "render": {"samples": 1}}


def pose_of(degrees: dict[str, tuple[float, float, float]], share: float = 1.0) -> np.ndarray:
    """A pose [165] in the world frame, facing +X, from a few joint rotations."""
    pose = np.zeros((55, 3))
    pose[0] = matrix_to_rotvec(WORLD_FROM_MODEL)
    for name, rotation in degrees.items():
        pose[JOINT_NAMES.index(name)] = np.deg2rad(rotation) * share
    return pose.ravel()


def on_floor(model: BodyModel, poses: np.ndarray, betas: np.ndarray) -> np.ndarray:
    """Translations [T, 3] that put each frame's lowest point on the floor, the pelvis over the origin."""
    posed = pose_body(shape_body(model, torch.tensor(betas)), torch.tensor(poses))
    pelvis, lowest = posed.joints[:, 0].numpy(), posed.vertices[..., 2].min(1).values.numpy()
    return np.stack([-pelvis[:, 0], -pelvis[:, 1], -lowest], 1)


def make_run(folder: Path, model: BodyModel, poses: np.ndarray, betas: np.ndarray, **config: Any) -> Run:
    """A run of one clip whose body.npz holds these poses."""
    run = Run(folder, from_mapping(CONFIG | config))
    write_yaml(folder / "config.yaml", to_mapping(run.config))
    pd.DataFrame([{"clip_id": CLIP, "subject": "s001"}]).to_parquet(folder / "clips.parquet")
    trans = on_floor(model, poses, betas)
    write_npz(run.clip(CLIP) / "body.npz", poses=poses, trans=trans, betas=betas, gender="female")
    return run


def squat_run(folder: Path, model: BodyModel, **config: Any) -> Run:
    """Three frames on the way down."""
    poses = np.stack([pose_of(SQUAT_DEG, share) for share in np.linspace(0.4, 1, FRAMES)])
    return make_run(folder, model, poses, np.random.default_rng(3).normal(size=16), **config)
