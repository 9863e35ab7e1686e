"""Frames and rotations shared by all stages.

World: right-handed, metres, Z up, X the heading. OpenSim ground: Y up, X forward, Z right.
Rotation vectors are axis times angle in radians. Quaternions are used nowhere in files.
"""

import numpy as np
import torch
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


def rotvec_to_matrix_torch(rotvec: Float[torch.Tensor, "*batch 3"]) -> Float[torch.Tensor, "*batch 3 3"]:
    """Turn rotation vectors (rad) into matrices by Rodrigues' formula; differentiable, also at zero.

    sin(a)/a and (1 − cos(a))/a² are taken from their series below 1e-4 rad, where the quotients lose digits.
    """
    squared = (rotvec * rotvec).sum(-1)[..., None, None]
    small = squared < 1e-8
    safe = torch.where(small, torch.ones_like(squared), squared)
    angle = safe.sqrt()
    first = torch.where(small, 1 - squared / 6, torch.sin(angle) / angle)
    second = torch.where(small, 0.5 - squared / 24, (1 - torch.cos(angle)) / safe)
    x, y, z = rotvec.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*rotvec.shape[:-1], 3, 3)
    return torch.eye(3, dtype=rotvec.dtype, device=rotvec.device) + first * cross + second * (cross @ cross)
