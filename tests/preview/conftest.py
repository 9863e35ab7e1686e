"""A clip with all that a preview reads, made without OpenSim: a body that stands and glides, its label a copy of it."""

from dataclasses import dataclass

import numpy as np
import pytest

from odah_gen.body.layout import load_layout
from odah_gen.body.model import BodyModel, find_body_model
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.body.static_trial import static_poses
from odah_gen.config import from_mapping
from odah_gen.frames import WORLD_FROM_MODEL, matrix_to_rotvec, world_to_ground
from odah_gen.motion.catalogue import create_run
from odah_gen.run import Run
from odah_gen.skeleton.table import body_names, joint_names
from odah_gen.skeleton.trc import MarkerTrajectories, write_trc
from odah_gen.storage import write_npz

STAND = {
    "run": "stand",
    "fps": 12,
    "motion": {"actions": ["walking"], "subjects": 1, "clips_per_subject": 1, "genders": ["female"]},
}
FRAMES, FPS = 3, 12.0
GLIDE_M = 0.1
INVALID = 2
OFFSET_M = np.array([0.0, 0.0, 0.004])
RESIDUAL_M = np.array([0.003, 0.0, 0.0])
MEASURED_M = np.array([0.0, 0.012, 0.0])


@dataclass(frozen=True)
class Stand:
    """The run of one clip, and what is known of it (m, world)."""

    run: Run
    model: BodyModel
    vertices_m: np.ndarray
    body_markers_m: np.ndarray

    @property
    def clip_id(self) -> str:
        return str(self.run.clips.index[0])


def standing_motion(model):
    """A body at rest with arms a little apart, facing world X and gliding along it, its lowest point on the floor."""
    poses = np.tile(static_poses(model, np.zeros(10)), (FRAMES, 1)).astype(float)
    poses[:, :3] = matrix_to_rotvec(WORLD_FROM_MODEL)
    shaped = shape_body(model, np.zeros(10))
    lowest = pose_body(shaped, poses[:1]).vertices[0, :, 2].min()
    trans = np.zeros((FRAMES, 3))
    trans[:, 0] = GLIDE_M * np.arange(FRAMES)
    trans[:, 2] = -float(lowest)
    return poses, trans


@pytest.fixture
def stand(tmp_path):
    run = create_run(from_mapping(STAND, "test"), tmp_path / "stand")
    clip, subject = run.clip(str(run.clips.index[0])), run.subject(str(run.clips["subject"].iloc[0]))
    model = find_body_model(run.config.body, "female")
    layout = load_layout().on(model)
    poses, trans = standing_motion(model)
    posed = pose_body(shape_body(model, np.zeros(10)), poses, trans)
    vertices = posed.vertices.double().numpy()
    # The offset is up at rest (Y of the model), and the body stands as at rest up to the arms.
    trunk = vertices[:, layout.vertex_ids(model)] + OFFSET_M
    centers = np.repeat(posed.joints[:, :1].double().numpy(), 22, axis=1) + np.linspace(-0.2, 0.2, 22)[:, None]
    time_s, valid = np.arange(FRAMES) / FPS, np.arange(FRAMES) != INVALID
    write_npz(clip / "body.npz", poses=poses, trans=trans, betas=np.zeros(10), gender=np.array("female"), time_s=time_s)
    write_npz(
        subject / "fit.npz",
        marker_names=np.array(layout.names),
        marker_vertices=layout.vertex_ids(model),
        marker_offsets_m=np.tile(OFFSET_M[[1, 2, 0]], (len(layout.names), 1)),
    )
    write_npz(
        clip / "keypoints.npz",
        time_s=time_s,
        joint_names=np.array(joint_names()),
        joint_centers_m=centers,
        body_names=np.array(body_names()),
        mass_centers_m=centers,
        marker_names=np.array(layout.names[::-1]),
        markers_m=(trunk - RESIDUAL_M)[:, ::-1],
        valid=valid,
    )
    measured = world_to_ground(trunk - RESIDUAL_M + MEASURED_M)
    write_trc(clip / "markers.trc", MarkerTrajectories(tuple(layout.names), time_s, measured))
    return Stand(run, model, vertices, trunk)
