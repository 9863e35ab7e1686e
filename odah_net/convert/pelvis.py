"""The frame of the authors' labels: OpenSim ground turned by +90° about its vertical axis."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from odah_gen.skeleton.kinematics import nearest_branch, pelvis_angles
from odah_net.kinematics import PELVIS_SHIFTS, PELVIS_TURNS

TURN_DEG = 90.0


def turn(sign: int) -> Float[np.ndarray, "3 3"]:
    """The matrix of the turn, from ground to the authors' frame (1) or back (-1)."""
    return Rotation.from_euler("Y", sign * TURN_DEG, degrees=True).as_matrix()


def turned(
    names: Sequence[str], coordinates: Float[np.ndarray, "frames coordinates"], sign: int
) -> Float[np.ndarray, "frames coordinates"]:
    """The same motion in the authors' frame (sign 1), or from it back in OpenSim ground (-1).

    The turn multiplies the pelvis' rotation matrix and its place. Its three angles change together: the heading is the
    last of them (docs/conventions.md, "The pelvis"), so adding 90° to it is another rotation.

    Args:
        names: of the coordinates.
        coordinates: rad, m.
        sign: 1 or -1.
    """
    angles, places = ([list(names).index(name) for name in each] for each in (PELVIS_TURNS, PELVIS_SHIFTS))
    matrix = turn(sign)
    rotation = Rotation.from_euler("ZXY", coordinates[:, angles]).as_matrix()
    moved = np.array(coordinates, dtype=np.float64)
    moved[:, angles] = pelvis_angles(matrix @ rotation)
    moved[:, places] = coordinates[:, places] @ matrix.T
    others = [name if name in PELVIS_TURNS else "" for name in names]
    return nearest_branch(others, moved)
