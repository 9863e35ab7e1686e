"""Feet and floor in the body fit: the points of the sole that are looked at, and where the source motion has them.

The floor is z = 0 of the world. No point of the sole may be below it. Where a point is in stance in the source
motion (odah_gen.dataset.contact) it stays as there: as high as in the source, and shifted sideways by one constant for
each contact, so that a foot that stands in the source does not slide in the fit.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.body.static_trial import static_poses

SOLES = tuple((f"{side}_{part}",) for side in ("left", "right") for part in ("ankle", "foot"))
"""Hind foot and toes of each side: the mesh joints that carry them."""
BENT = 0.1
"""A joint is bent when its rotation matrix differs by this much, about 6 degrees."""
PITCHES_DEG = (-30.0, 0.0, 30.0, 60.0)
ROLLS_DEG = (-15.0, 15.0)
"""How far a foot is tilted, the heel up and to the side, when a point of the sole is its lowest."""


def sole_vertices(model: BodyModel, betas: Float[np.ndarray, " betas"]) -> list[int]:
    """The vertices of hind feet and toes that are the lowest at one tilt or another."""
    pose = torch.as_tensor(static_poses(model, betas), dtype=model.dtype)[None]
    standing = pose_body(shape_body(model, torch.as_tensor(betas)), pose).vertices[0].double().numpy()
    lowest: list[int] = []
    for part in SOLES:
        ids = model.vertices_of(part)
        lowest += ids[np.unique((standing[ids] @ tilted_downs().T).argmax(0))].tolist()
    return lowest


def tilted_downs() -> Float[np.ndarray, "tilts 3"]:
    """The downward direction as a tilted foot sees it, in the frame of quiet standing (X forward, Z up)."""
    pitch, roll = (np.deg2rad(grid).ravel() for grid in np.meshgrid(PITCHES_DEG, ROLLS_DEG))
    return np.stack([np.sin(pitch) * np.cos(roll), np.sin(roll), -np.cos(pitch) * np.cos(roll)], 1)


def standing_places(
    source_m: Float[np.ndarray, "frames points 3"],
    fitted_m: Float[np.ndarray, "frames points 3"],
    touches: Bool[np.ndarray, "frames points"],
) -> Float[np.ndarray, "frames points 3"]:
    """Where points that touch the floor should be (m): the source's places, each contact moved to the fit's mean place.

    Heights are the source's, or zero where the source is below the floor. Places without contact mean nothing.
    """
    runs = contact_numbers(touches)
    counts = np.maximum(np.bincount(runs.ravel()), 1)
    places = source_m.copy()
    for axis in range(2):
        shifts = np.bincount(runs.ravel(), (fitted_m - source_m)[..., axis].ravel()) / counts
        places[..., axis] += shifts[runs]
    places[..., 2] = np.maximum(source_m[..., 2], 0.0)
    return places


def contact_numbers(touches: Bool[np.ndarray, "frames points"]) -> Int[np.ndarray, "frames points"]:
    """A number for each uninterrupted contact of each point; 0 where there is none."""
    before = np.vstack([np.zeros_like(touches[:1]), touches[:-1]])
    starts = (touches & ~before).T
    return np.where(touches.T, np.cumsum(starts).reshape(starts.shape), 0).T


def bent_away(
    source: Float[Tensor, "frames 55 3 3"],
    held: Float[Tensor, "frames 55 3 3"],
    weights: Float[np.ndarray, "points 55"],
    names: Sequence[str],
) -> Bool[np.ndarray, "frames points"]:
    """Points that follow one of the named joints, which the fit holds still, in frames in which the source bends it.

    They cannot stay where the source has them; the stiff toes of a foot that rolls over them would drag the ankle along.

    Args:
        source: the joints' rotations in the source.
        held: in the fit, before corrections.
        weights: skinning weights of the points.
        names: joints that the fit holds still.
    """
    joints = weights.argmax(1)
    bent = ((source - held).abs().amax((2, 3)) > BENT).numpy()
    return bent[:, joints] & np.isin(joints, [JOINT_NAMES.index(name) for name in names])
