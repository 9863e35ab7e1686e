"""Where the bodies of an OpenSim model are at given coordinates, in the world frame."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.frames import WORLD_FROM_GROUND, ground_to_world
from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.skeleton import GROUND, Skeleton
from odah_gen.skeleton.worker import call
from odah_gen.storage import read_text

CURE = "odah-gen pose cannot show this model."


@dataclass(frozen=True)
class SkeletonPose:
    """A model in some frames; positions in m, all in the world frame.

    Attributes:
        coordinates: rad, m, with followers where their couplers put them.
        body_rotations: world ← body.
        joint_centers_m: origins of the child joint frames.
    """

    coordinates: Float[np.ndarray, "frames coordinates"]
    body_rotations: Float[np.ndarray, "frames bodies 3 3"]
    body_origins_m: Float[np.ndarray, "frames bodies 3"]
    joint_centers_m: Float[np.ndarray, "frames joints 3"]
    mass_centers_m: Float[np.ndarray, "frames bodies 3"]
    markers_m: Float[np.ndarray, "frames markers 3"]


class SkeletonPoser:
    """Moves a model.

    Attributes:
        skeleton: the model as arrays.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        """Take a model."""
        self.skeleton = skeleton
        self.kinematics = ForwardKinematics(skeleton)

    def pose(self, coordinates: Float[np.ndarray, "frames coordinates"]) -> SkeletonPose:
        """The model at these coordinates (rad, m)."""
        kinematics = self.kinematics
        with torch.inference_mode():
            complete = kinematics.complete(torch.as_tensor(coordinates))
            pose = kinematics.move(complete)
            masses, markers = kinematics.mass_centers(pose), kinematics.markers(pose)
        return SkeletonPose(
            coordinates=complete.numpy(),
            body_rotations=WORLD_FROM_GROUND @ pose.rotations.numpy(),
            body_origins_m=ground_to_world(pose.origins_m.numpy()),
            joint_centers_m=ground_to_world(pose.joint_centers_m.numpy()),
            mass_centers_m=ground_to_world(masses.numpy()),
            markers_m=ground_to_world(markers.numpy()),
        )


def load_poser(path: Path) -> SkeletonPoser:
    """Read an .osim.

    Raises:
        InputError: the file is missing, OpenSim cannot read it, or it has a joint, constraint or function of a kind
            that is not known here.
    """
    return SkeletonPoser(call("read_skeleton", text=read_text(path), called=str(path), cure=CURE))


def names_of_parts(skeleton: Skeleton) -> dict[str, list[str]]:
    """Names of bodies, joints and markers, and what each joint and marker hangs on."""

    def bodies(indices: np.ndarray) -> list[str]:
        return ["ground" if index == GROUND else skeleton.body_names[index] for index in indices.tolist()]

    return {
        "body_names": list(skeleton.body_names),
        "joint_names": list(skeleton.joint_names),
        "joint_parents": bodies(skeleton.joint_parents),
        "joint_children": bodies(skeleton.joint_children),
        "marker_names": list(skeleton.marker_names),
        "marker_bodies": bodies(skeleton.marker_bodies),
    }
