"""Frames and rotations shared by all stages.

World: right-handed, metres, Z up, X the heading. OpenSim ground: Y up, X forward, Z right.
Rotation vectors are axis times angle in radians. Quaternions are used nowhere in files.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

WORLD_FROM_GROUND = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Rotation [3,3] from OpenSim ground to the world: (x, y, z) → (x, −z, y)."""

WORLD_FROM_MODEL = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""Rotation [3,3] from the SMPL-X canonical frame (X left, Y up, Z forward) to a world frame it faces along +X."""


def ground_to_world(points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Map points from OpenSim ground to the world frame (metres in, metres out)."""
    return np.asarray(points) @ WORLD_FROM_GROUND.T


def world_to_ground(points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Map points from the world frame to OpenSim ground (metres in, metres out)."""
    return np.asarray(points) @ WORLD_FROM_GROUND


def rotvec_to_matrix(rotvec: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Turn rotation vectors (rad) into rotation matrices."""
    rotvec = np.asarray(rotvec, dtype=np.float64)
    return Rotation.from_rotvec(rotvec.reshape(-1, 3)).as_matrix().reshape(*rotvec.shape, 3)


def matrix_to_rotvec(matrix: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Turn rotation matrices into rotation vectors (rad) of at most pi."""
    matrix = np.asarray(matrix, dtype=np.float64)
    return Rotation.from_matrix(matrix.reshape(-1, 3, 3)).as_rotvec().reshape(matrix.shape[:-1])
