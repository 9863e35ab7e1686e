"""The static trial of a body model with its joint centres, as scaling wants it."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.body.layout import MarkerLayout
from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.body.static_trial import standing_translation, static_markers, static_poses
from odah_gen.frames import world_to_ground
from odah_gen.skeleton.scaling import with_virtual
from odah_gen.skeleton.trc import MarkerTrajectories

CENTERS: Mapping[str, str] = {
    "HJC": "hip",
    "KJC": "knee",
    "AJC": "ankle",
    "SJC": "shoulder",
    "EJC": "elbow",
    "WJC": "wrist",
}
"""Virtual markers and the body model's joints."""
LEGS = ("HJC", "KJC", "AJC")


def static_with_centers(
    model: BodyModel, betas: Float[np.ndarray, " betas"], layout: MarkerLayout
) -> MarkerTrajectories:
    """The static trial of a body (m, OpenSim ground), with virtual markers.

    The free body's joints are anatomical and are taken as they are. Those of SMPL-X come from surface scans and put
    the hips 25 mm too near the midline, so there legs go by landmarks.

    Raises:
        InputError: the marker list lacks a landmark that scaling needs.
    """
    markers = static_markers(model, betas, layout)
    centers = joint_centers(model, betas)
    own = {name: point for name, point in centers.items() if model.name == "free" or name[1:] not in LEGS}
    return with_virtual(markers, {name: np.tile(point, (len(markers.time_s), 1)) for name, point in own.items()})


def joint_centers(model: BodyModel, betas: Float[np.ndarray, " betas"]) -> dict[str, Float[np.ndarray, " 3"]]:
    """The body model's joint centres in the static pose, by virtual marker (m, OpenSim ground)."""
    pose = static_poses(model, betas)[None]
    trans = standing_translation(model, betas, pose)
    shaped = shape_body(model, torch.as_tensor(betas, dtype=model.dtype), [0])
    posed = pose_body(shaped, torch.as_tensor(pose, dtype=model.dtype), torch.as_tensor(trans, dtype=model.dtype))
    ground = world_to_ground(posed.joints[0].double().numpy())
    return {
        side[0].upper() + name: ground[JOINT_NAMES.index(f"{side}_{joint}")]
        for name, joint in CENTERS.items()
        for side in ("left", "right")
    }
