"""Kinematics of SMPL-X's 22 body joints in numpy: forward, and the closed form for an arm or a leg.

Model frame: X left, Y up, Z forward, as the body stands at rest.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from odah_gen.geometry import shortest_arc, unit

BODY_JOINTS = 22
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
"""Parent of each body joint, in the order of `odah_gen.body.model.JOINT_NAMES`."""
SHORTEST = 1e-3


@dataclass(frozen=True)
class Limb:
    """Two bones at rest and the direction in which their middle joint points when it bends."""

    upper: Float[np.ndarray, "3"]
    lower: Float[np.ndarray, "3"]
    bends_to: Float[np.ndarray, "3"]

    @property
    def length_m(self) -> float:
        """Length of the straight limb."""
        return float(np.linalg.norm(self.upper) + np.linalg.norm(self.lower))


def forward_kinematics(
    rotations: Float[np.ndarray, "frames joints 3 3"],
    pelvis: Float[np.ndarray, "frames 3"],
    rest: Float[np.ndarray, "all_joints 3"],
) -> tuple[Float[np.ndarray, "frames joints 3"], Float[np.ndarray, "frames joints 3 3"]]:
    """Centres (m) and rotations (frame ← joint) of the first body joints, as many as have a rotation.

    Args:
        rotations: each joint relative to its parent.
        pelvis: where the pelvis joint is.
        rest: joint centres at rest.
    """
    centers, turned = [pelvis], [rotations[:, 0]]
    for joint in range(1, rotations.shape[1]):
        parent = PARENTS[joint]
        centers.append(centers[parent] + turned[parent] @ (rest[joint] - rest[parent]))
        turned.append(turned[parent] @ rotations[:, joint])
    return np.stack(centers, 1), np.stack(turned, 1)


def reach(
    limb: Limb,
    parent: Float[np.ndarray, "frames 3 3"],
    root: Float[np.ndarray, "frames 3"],
    target: Float[np.ndarray, "frames 3"],
    pole: Float[np.ndarray, "frames 3"],
) -> tuple[Float[np.ndarray, "frames 3 3"], Float[np.ndarray, "frames 3 3"]]:
    """Rotations of a limb's two joints, relative to their parents, that bring its end to the target.

    The law of cosines gives the bend; the middle joint points to the side of `pole`. A target out of reach is
    approached along the straight limb.

    Args:
        limb: the bones at rest.
        parent: rotation of the joint that carries the limb.
        root: centre of the limb's first joint, m.
        target: where its end should be, m.
        pole: direction in which the middle joint should point.
    """
    first, second = np.linalg.norm(limb.upper), np.linalg.norm(limb.lower)
    toward = target - root
    distance = np.clip(np.linalg.norm(toward, axis=1), abs(first - second) + SHORTEST, limb.length_m - SHORTEST)
    along = unit(toward)
    outward = unit(pole - np.sum(pole * along, axis=1, keepdims=True) * along)
    cosine = (first**2 + distance**2 - second**2) / (2 * first * distance)
    sine = np.sqrt(np.clip(1 - cosine**2, 0, None))
    upper = along * cosine[:, None] + outward * sine[:, None]
    lower = unit(along * distance[:, None] - upper * first)
    hinge = np.cross(along, outward)
    rest_hinge = unit(np.cross(limb.upper, limb.bends_to)[None])[0]
    upper_rotation = frames_of(upper, hinge) @ frames_of(unit(limb.upper[None]), rest_hinge[None])[0].T
    lower_here = np.einsum("tba,tb->ta", upper_rotation, lower)
    return np.swapaxes(parent, 1, 2) @ upper_rotation, shortest_arc(limb.lower, lower_here)


def frames_of(
    along: Float[np.ndarray, "frames 3"], across: Float[np.ndarray, "frames 3"]
) -> Float[np.ndarray, "frames 3 3"]:
    """Rotation matrices whose columns are `along`, `across` and their cross product; both unit and perpendicular."""
    return np.stack([along, across, np.cross(along, across)], axis=-1)


def turn(axis: str, angle_rad: Float[np.ndarray, " frames"]) -> Float[np.ndarray, "frames 3 3"]:
    """Rotation matrices about one axis ("x", "y" or "z")."""
    rotvec = np.zeros((len(angle_rad), 3))
    rotvec[:, "xyz".index(axis)] = angle_rad
    return Rotation.from_rotvec(rotvec).as_matrix()
