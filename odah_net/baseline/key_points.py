"""Key points as markers of a subject's skeleton."""

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.ik_stage import model_skeleton
from odah_gen.skeleton.skeleton import GROUND, NO_COORDINATE, SLOTS, Skeleton
from odah_gen.storage import read_text
from odah_net.data.clips import ClipData, subject_model


def subject_skeleton(clip: ClipData) -> Skeleton:
    """The scaled model of a clip's subject.

    Raises:
        InputError: model.osim is missing or cannot be read.
    """
    path = subject_model(clip)
    return model_skeleton(read_text(path), str(path))


def with_key_points(skeleton: Skeleton) -> Skeleton:
    """The skeleton with its mass centres, then its joint centres, as markers: the 44 key points of the labels.

    The centre of a joint that only turns is fixed in both of its bodies. It is put on the parent, so that the pelvis
    has the hips and the lumbar joint beside its own centre.
    """
    parents, children = skeleton.joint_parents, skeleton.joint_children
    first = np.arange(len(parents))[:, None] * SLOTS + np.arange(3)
    shifts = (skeleton.axis_coordinates[:, :3] != NO_COORDINATE) | (skeleton.intercepts[first] != 0)
    on_parent = (parents != GROUND) & ~shifts.any(1)
    offsets = np.where(on_parent[:, None, None], skeleton.parent_offsets_m, skeleton.child_offsets_m).sum(-1)
    return skeleton.with_markers(
        (*(f"mass {name}" for name in skeleton.body_names), *(f"joint {name}" for name in skeleton.joint_names)),
        np.concatenate([np.arange(len(skeleton.body_names)), np.where(on_parent, parents, children)]),
        np.concatenate([skeleton.mass_centers_m, offsets]),
    )


def moved_markers(
    skeleton: Skeleton, coordinates: Float[np.ndarray, "frames coordinates"]
) -> Float[np.ndarray, "frames markers 3"]:
    """The skeleton's markers at these coordinates (OpenSim ground, m)."""
    kinematics = ForwardKinematics(skeleton)
    pose = kinematics.move(torch.as_tensor(coordinates, dtype=kinematics.dtype))
    return np.ascontiguousarray(kinematics.markers(pose).numpy())
