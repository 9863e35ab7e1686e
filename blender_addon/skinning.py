# SPDX-License-Identifier: GPL-3.0-or-later
"""Linear blend skinning with pose correctives on plain arrays, one frame at a time (SMPL-X's equations).

Reference: Pavlakos et al., Expressive Body Capture, 2019. Metres, radians, single precision.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .description import SceneError, read_arrays

MODEL_ARRAYS = ("v_template", "shapedirs", "J_regressor", "weights", "kintree_table", "f")
SHAPE_COLUMNS = 300


@dataclass(frozen=True)
class Body:
    """A body of one shape at rest.

    Attributes:
        vertices: [V, 3].
        joints: [55, 3].
        posedirs: [V * 3, 486], correctives per entry of the rotations of joints 1 to 54 minus identity.
        weights: [V, 55].
        parents: parent of each joint; the root's is -1.
        faces: [F, 3].
    """

    vertices: np.ndarray
    joints: np.ndarray
    posedirs: np.ndarray
    weights: np.ndarray
    parents: tuple[int, ...]
    faces: np.ndarray


@dataclass(frozen=True)
class Pose:
    """One frame: per joint rotation and shift (x → R x + s), and what correctives need.

    Attributes:
        rotations: [55, 3, 3], world ← joint.
        shifts: [55, 3], m.
        feature: [486], rotations relative to the parents minus identity.
    """

    rotations: np.ndarray
    shifts: np.ndarray
    feature: np.ndarray


def load_body(path: Path, betas: np.ndarray) -> Body:
    """Read a body model in SMPL-X's .npz schema and give it its shape.

    Args:
        path: the model file.
        betas: [S], shape coefficients; those that the model lacks must be left out.
    """
    with ThreadPoolExecutor(1) as pool:  # two of the arrays take nearly all the time
        posedirs = pool.submit(read_arrays, path, ("posedirs",))
        arrays = read_arrays(path, MODEL_ARRAYS) | posedirs.result()
    columns = arrays["shapedirs"].shape[2]
    known = SHAPE_COLUMNS if columns >= SHAPE_COLUMNS else min(columns, 10)
    if len(betas) > known:
        raise SceneError(
            f"{path}: {len(betas)} shape coefficients were given; the model has {known}. Fit the body again."
        )
    directions = arrays["shapedirs"][:, :, : len(betas)].astype(np.float64)
    vertices = arrays["v_template"] + directions @ np.asarray(betas, dtype=np.float64)
    return Body(
        vertices=vertices.astype(np.float32),
        joints=(arrays["J_regressor"].astype(np.float64) @ vertices).astype(np.float32),
        posedirs=arrays["posedirs"].reshape(vertices.size, -1).astype(np.float32, copy=False),
        weights=arrays["weights"].astype(np.float32),
        parents=(-1, *(int(parent) for parent in arrays["kintree_table"][0, 1:])),
        faces=arrays["f"].astype(np.int32),
    )


def pose_joints(body: Body, pose: np.ndarray, translation: np.ndarray) -> Pose:
    """Forward kinematics of one frame.

    Args:
        body: the body at rest.
        pose: [165], rotation vectors of the joints relative to their parents, rad.
        translation: [3], added to everything, m.
    """
    local = rotvec_to_matrix(np.asarray(pose, dtype=np.float64).reshape(-1, 3))
    rotations, centers = [local[0]], [body.joints[0].astype(np.float64)]
    for joint, parent in list(enumerate(body.parents))[1:]:
        bone = body.joints[joint] - body.joints[parent]
        centers.append(centers[parent] + rotations[parent] @ bone)
        rotations.append(rotations[parent] @ local[joint])
    turned = np.einsum("jab,jb->ja", rotations, body.joints)
    shifts = np.array(centers) - turned + np.asarray(translation)
    feature = (local[1:] - np.eye(3)).reshape(-1)
    return Pose(np.array(rotations, np.float32), shifts.astype(np.float32), feature.astype(np.float32))


def correctives(body: Body, pose: Pose) -> np.ndarray:
    """Displacement at rest [V, 3] that the pose asks for."""
    return (body.posedirs @ pose.feature).reshape(-1, 3)


def blend(vertices: np.ndarray, weights: np.ndarray, pose: Pose) -> np.ndarray:
    """Move points by the weighted mean of the joints' transforms.

    Args:
        vertices: [N, 3] at rest, correctives included.
        weights: [N, 55].
        pose: the frame.
    """
    transforms = np.concatenate([pose.rotations.reshape(-1, 9), pose.shifts], axis=1)
    blended = weights @ transforms
    return np.einsum("nab,nb->na", blended[:, :9].reshape(-1, 3, 3), vertices) + blended[:, 9:]


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals [N, 3], each the area-weighted mean of its faces' normals; zero where a vertex has no face."""
    first, second, third = (vertices[faces[:, corner]] for corner in range(3))
    of_face = np.repeat(np.cross(second - first, third - first), 3, axis=0)
    sums = [np.bincount(faces.ravel(), of_face[:, axis], len(vertices)) for axis in range(3)]
    normals = np.stack(sums, axis=1)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def rotvec_to_matrix(rotvec: np.ndarray) -> np.ndarray:
    """Rotation vectors [N, 3] (rad) to matrices [N, 3, 3] by Rodrigues' formula."""
    angle = np.linalg.norm(rotvec, axis=1)
    axis = rotvec / np.maximum(angle, 1e-12)[:, None]
    x, y, z = axis.T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + sine * cross + (1 - cosine) * (cross @ cross)
