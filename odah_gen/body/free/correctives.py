"""Pose correctives: what linear blending loses in volume, fitted linearly in each joint's rotation matrix."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from odah_gen.body.model import JOINT_NAMES

ROTATIONS = 60
WIDE = ("knee", "elbow", "hip", "shoulder")
WIDE_RAD, NARROW_RAD = 1.9, 1.0
# Dual quaternions bulge where linear blending shrinks; this share of the way between them looks best.
SHARE = 0.8
LIMIT_M = 0.03
RIDGE = 0.3
SMALLEST_M = 2e-5


def fit_correctives(
    vertices: Float[np.ndarray, "body 3"],
    joints: Float[np.ndarray, "55 3"],
    weights: Float[np.ndarray, "body 55"],
    parents: tuple[int, ...],
    generator: np.random.Generator,
) -> Float[np.ndarray, "body 3 486"]:
    """The posedirs of SMPL-X's schema: nine columns per joint but the pelvis, for the entries of R - I."""
    directions = np.zeros((len(vertices), 3, 9 * (len(JOINT_NAMES) - 1)), np.float32)
    sample = symmetric_sample(generator)
    below = subtree_weights(weights, parents)
    for joint in range(1, len(JOINT_NAMES)):
        blended = np.flatnonzero((below[:, joint] > 0.01) & (below[:, joint] < 0.99))
        wide = JOINT_NAMES[joint].split("_")[-1] in WIDE
        rotations = Rotation.from_rotvec(sample * (WIDE_RAD if wide else NARROW_RAD))
        fitted = fit_joint(vertices[blended] - joints[joint], below[blended, joint], rotations)
        directions[blended, :, 9 * (joint - 1) : 9 * joint] = fitted
    directions[np.abs(directions) < SMALLEST_M] = 0
    return directions


def symmetric_sample(generator: np.random.Generator) -> Float[np.ndarray, "rotations 3"]:
    """Rotation vectors up to length 1 with their mirror images, so that both sides get the same correctives."""
    vectors = generator.normal(size=(ROTATIONS, 3))
    vectors *= generator.uniform(0.05, 1, (ROTATIONS, 1)) / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.concatenate([vectors, vectors * [1, -1, -1]])


def subtree_weights(weights: Float[np.ndarray, "body 55"], parents: tuple[int, ...]) -> Float[np.ndarray, "body 55"]:
    """How much of each vertex moves when a joint turns: its weight and those of all joints below it."""
    below = weights.copy()
    for joint in reversed(range(1, len(parents))):
        below[:, parents[joint]] += below[:, joint]
    return below


def fit_joint(
    points: Float[np.ndarray, "points 3"], share: Float[np.ndarray, " points"], rotations: Rotation
) -> Float[np.ndarray, "points 3 9"]:
    """Ridge regression of the wanted displacements of one joint on the entries of R - I."""
    matrices = rotations.as_matrix()
    wanted = np.stack([lost_volume(points, share, matrix) for matrix in matrices])
    features = (matrices - np.eye(3)).reshape(-1, 9)
    normal = features.T @ features + RIDGE * np.eye(9)
    solved = np.linalg.solve(normal, features.T @ wanted.reshape(len(features), -1))
    return solved.reshape(9, len(points), 3).transpose(1, 2, 0)


def lost_volume(
    points: Float[np.ndarray, "points 3"], share: Float[np.ndarray, " points"], matrix: Float[np.ndarray, "3 3"]
) -> Float[np.ndarray, "points 3"]:
    """Displacement at rest that brings linear blending towards the true partial rotation (m)."""
    blended = (1 - share)[:, None, None] * np.eye(3) + share[:, None, None] * matrix
    quaternion = Rotation.from_matrix(matrix).as_quat(canonical=True)
    partial = Rotation.from_quat(share[:, None] * quaternion + (1 - share)[:, None] * [0, 0, 0, 1])
    missing = partial.apply(points) - np.einsum("pij,pj->pi", blended, points)
    pulled = np.linalg.solve(blended + 1e-6 * np.eye(3), missing[..., None])[..., 0]
    return np.clip(SHARE * pulled, -LIMIT_M, LIMIT_M)
