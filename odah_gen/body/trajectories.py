"""Skin points of a moving body as marker trajectories in OpenSim ground."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int

from odah_gen.body.model import BodyModel
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.frames import world_to_ground
from odah_gen.skeleton.trc import MarkerTrajectories


def skin_trajectories(
    model: BodyModel,
    betas: Float[np.ndarray, " betas"],
    poses: Float[np.ndarray, "frames 165"],
    trans: Float[np.ndarray, "frames 3"],
    time_s: Float[np.ndarray, " frames"],
    points: tuple[Sequence[str], Int[np.ndarray, " points"]],
) -> MarkerTrajectories:
    """Follow a few vertices; only these are posed.

    Args:
        model: body model.
        betas: its shape.
        poses: rotation vectors of the 55 joints (rad), the first one world ← body.
        trans: translation in the world frame (m).
        time_s: time of each frame.
        points: names and vertex ids.
    """
    names, ids = points
    shaped = shape_body(model, torch.as_tensor(betas, dtype=model.dtype), torch.as_tensor(ids))
    posed = pose_body(shaped, as_tensor(poses, model), as_tensor(trans, model))
    ground = world_to_ground(posed.vertices.double().numpy())
    return MarkerTrajectories(tuple(names), np.asarray(time_s, dtype=float), ground)


def as_tensor(array: np.ndarray, model: BodyModel) -> torch.Tensor:
    """An array in the model's floating-point type."""
    return torch.as_tensor(np.asarray(array), dtype=model.dtype)
