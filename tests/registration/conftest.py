"""A body with four markers on every segment, whose joint centres come from the body model's own regressor."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from odah_gen.body.model import BodyModel, load_body_model
from odah_gen.body.skinning import rotvec_to_matrix
from odah_gen.body.static_trial import static_poses
from odah_gen.paths import ASSETS
from odah_gen.registration.fit_frames import FitBody, Motion, Targets, make_fit_body, marker_offsets
from odah_gen.registration.points import pose_points, shape_points

SEGMENTS = tuple(range(12)) + tuple(range(13, 22))
BETAS = 16


@dataclass(frozen=True)
class Subject:
    """A body model and the points of it that a fit looks at."""

    model: BodyModel
    body: FitBody

    def targets(self, motion: Motion, betas: np.ndarray, offsets_m: np.ndarray) -> Targets:
        """Where the body has its markers and joint centres in a motion."""
        shaped = shape_points(self.body.points, torch.as_tensor(betas), marker_offsets(self.body, offsets_m))
        local = rotvec_to_matrix(torch.as_tensor(motion.poses).reshape(-1, 55, 3))
        seen = self.body.observe(pose_points(shaped, local, torch.as_tensor(motion.trans)).positions).numpy()
        return Targets(seen[:, : self.body.markers], seen[:, self.body.markers :])


def spread_vertices(model: BodyModel, joint: int, count: int) -> list[int]:
    """Vertices far apart among those that follow one joint."""
    ids = np.flatnonzero(model.weights.argmax(1).numpy() == joint)
    points = model.v_template.numpy()[ids]
    chosen = [int(np.linalg.norm(points - points.mean(0), axis=1).argmax())]
    while len(chosen) < count:
        gaps = np.linalg.norm(points[:, None] - points[chosen], axis=-1).min(1)
        chosen.append(int(gaps.argmax()))
    return [int(ids[index]) for index in chosen]


@pytest.fixture(scope="session")
def model() -> BodyModel:
    return load_body_model(ASSETS / "body" / "free_neutral.npz")


@pytest.fixture(scope="session")
def subject(model) -> Subject:
    markers = [vertex for joint in SEGMENTS for vertex in spread_vertices(model, joint, 4)]
    rows = model.joint_regressor[:22].numpy()
    used = np.flatnonzero(rows.any(0))
    body = make_fit_body(
        model=model,
        marker_ids=markers,
        marker_weights=np.ones(len(markers)),
        offset_sd_m=np.full(len(markers), 0.01),
        vertex_ids=[int(vertex) for vertex in used],
        regressor=rows[:, used],
        joint_error_m=np.full(22, 0.005),
        betas=np.zeros(BETAS),
    )
    return Subject(model, body)


@pytest.fixture
def motion(model) -> Motion:
    """A second of smooth motion at 30 Hz in a Z-up frame, collars as in the static trial, neck and head at rest."""
    generator = np.random.default_rng(3)
    time_s = np.arange(30) / 30
    size, phase = 0.3 * generator.standard_normal(165), generator.uniform(0, 6, 165)
    poses = size * np.sin(2 * np.pi * time_s[:, None] + phase)
    poses[:, 36:39] = poses[:, 45:48] = 0
    poses[:, 39:45] = static_poses(model, np.zeros(BETAS))[39:45]
    poses[:, 0] += np.pi / 2
    # Knees and elbows bend the way they can, and hardly sideways.
    for joint, axis, sign in ((4, 0, 1), (5, 0, 1), (18, 1, -1), (19, 1, 1)):
        poses[:, 3 * joint : 3 * joint + 3] *= 0.3
        poses[:, 3 * joint + axis] += 0.5 * sign
    return Motion(poses, np.stack([time_s, 0 * time_s, np.ones(30)], 1))
