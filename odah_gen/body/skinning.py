"""Linear blend skinning with pose correctives, in torch: many frames at once, all vertices or any few of them.

The mathematics is SMPL-X's (Pavlakos et al. 2019, equations 1 to 4): shape, correctives that are linear in the
rotation matrices, then blending of the joints' rigid transforms. Everything is differentiable.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from odah_gen.body.model import BodyModel
from odah_gen.errors import InputError

FLOATS_PER_CHUNK = 40_000_000
FRAMES_PER_PART = 32


@dataclass(frozen=True)
class ShapedBody:
    """A body model with a fixed shape, on all vertices or a subset; what posing needs and no more.

    `vertices` and `joints` are at rest, in metres. With several shapes (one per frame) they lead with that axis.
    """

    vertices: Float[Tensor, "*shapes points 3"]
    joints: Float[Tensor, "*shapes 55 3"]
    expressions: Float[Tensor, "points 3 expression"]
    joint_expressions: Float[Tensor, "55 3 expression"]
    posedirs: Float[Tensor, "points 3 486"]
    weights: Float[Tensor, "points 55"]
    parents: tuple[int, ...]


@dataclass(frozen=True)
class PosedBody:
    """Points, joint centres (metres) and rotations (world ← joint) per frame, in the frame of the motion."""

    vertices: Float[Tensor, "frames points 3"]
    joints: Float[Tensor, "frames 55 3"]
    rotations: Float[Tensor, "frames 55 3 3"]


def shape_body(
    model: BodyModel,
    betas: Float[Tensor, "*shapes betas"],
    vertex_ids: Sequence[int] | Int[np.ndarray, " points"] | Tensor | None = None,
) -> ShapedBody:
    """Give a body model its shape.

    Args:
        model: the body model.
        betas: shape coefficients; fewer than the model has stand for the first ones, the others being 0.
        vertex_ids: which vertices to keep, in this order; None keeps all.

    Raises:
        InputError: there are more coefficients than the model has, or a vertex id beyond it.
    """
    betas = torch.as_tensor(betas, dtype=model.dtype)
    used = betas.shape[-1]
    if used > model.num_betas:
        raise InputError(
            f"{model.path}: {used} shape coefficients were given; the model has {model.num_betas}. Lower body.num_betas."
        )
    ids = slice(None) if vertex_ids is None else check_ids(model, vertex_ids)
    return ShapedBody(
        vertices=model.v_template[ids] + displace(model.shapedirs[ids][..., :used], betas),
        joints=model.joint_template + displace(model.joint_shapedirs[..., :used], betas),
        expressions=model.expressions[ids],
        joint_expressions=model.joint_expressions,
        posedirs=model.posedirs[ids],
        weights=model.weights[ids],
        parents=model.parents,
    )


def check_ids(model: BodyModel, vertex_ids: Sequence[int] | Int[np.ndarray, " points"] | Tensor) -> Tensor:
    """Vertex ids as an index tensor.

    Raises:
        InputError: an id is negative or beyond the model.
    """
    ids = torch.as_tensor(vertex_ids, dtype=torch.long)
    count = len(model.v_template)
    wrong = ids[(ids < 0) | (ids >= count)]
    if len(wrong):
        raise InputError(
            f"{model.path}: vertex {int(wrong[0])} was asked for; the model has {count} vertices. "
            "Use the vertex table of this model's topology."
        )
    return ids


def displace(
    directions: Float[Tensor, "points 3 coefficients"], coefficients: Float[Tensor, "*frames coefficients"]
) -> Float[Tensor, "*frames points 3"]:
    """Sum of directions times coefficients."""
    return torch.einsum("pcs,...s->...pc", directions, coefficients)


def pose_body(
    shaped: ShapedBody,
    poses: Float[Tensor, "frames 165"],
    trans: Float[Tensor, "frames 3"] | None = None,
    expression: Float[Tensor, "frames expression"] | None = None,
) -> PosedBody:
    """Pose a shaped body in every frame.

    Args:
        shaped: one shape for all frames, or one per frame.
        poses: rotation vectors of the 55 joints in the order of JOINT_NAMES, relative to the parent, rad.
        trans: translation added to everything, m; None is zero.
        expression: coefficients of the facial expression; None is neutral.
    """
    poses = torch.as_tensor(poses, dtype=shaped.vertices.dtype)
    local = rotvec_to_matrix(poses.reshape(-1, 55, 3))
    offset = torch.zeros(len(poses), 3).to(poses) if trans is None else torch.as_tensor(trans).to(poses)
    rest = shaped.joints.expand(len(poses), 55, 3)
    if expression is not None:
        rest = rest + displace(shaped.joint_expressions[..., : expression.shape[-1]], expression)
    rotations, joints = chain_joints(local, rest, shaped.parents)
    joints = joints + offset[:, None]
    moves = joints - torch.einsum("tjab,tjb->tja", rotations, rest)
    return PosedBody(skin(shaped, local, rotations, moves, expression), joints, rotations)


def posed_vertices(
    shaped: ShapedBody, poses: Float[np.ndarray, "frames 165"], trans: Float[np.ndarray, "frames 3"]
) -> Iterator[Float[Tensor, "some points 3"]]:
    """The points of a long motion (m), some frames at a time, so that memory stays bounded."""
    for start in range(0, len(poses), FRAMES_PER_PART):
        part = slice(start, start + FRAMES_PER_PART)
        yield pose_body(shaped, torch.as_tensor(poses[part]), torch.as_tensor(trans[part])).vertices


def chain_joints(
    local: Float[Tensor, "frames 55 3 3"], rest: Float[Tensor, "frames 55 3"], parents: tuple[int, ...]
) -> tuple[Float[Tensor, "frames 55 3 3"], Float[Tensor, "frames 55 3"]]:
    """Forward kinematics: rotation (world ← joint) and centre of every joint."""
    rotations, centers = [local[:, 0]], [rest[:, 0]]
    for joint, parent in list(enumerate(parents))[1:]:
        bone = rest[:, joint] - rest[:, parent]
        rotations.append(rotations[parent] @ local[:, joint])
        centers.append(centers[parent] + torch.einsum("tab,tb->ta", rotations[parent], bone))
    return torch.stack(rotations, 1), torch.stack(centers, 1)


def skin(
    shaped: ShapedBody,
    local: Float[Tensor, "frames 55 3 3"],
    rotations: Float[Tensor, "frames 55 3 3"],
    moves: Float[Tensor, "frames 55 3"],
    expression: Float[Tensor, "frames expression"] | None,
) -> Float[Tensor, "frames points 3"]:
    """Blend the joints' transforms at every point, a few frames at a time so that memory stays bounded."""
    frames, points = len(local), shaped.vertices.shape[-2]
    per_chunk = max(1, FLOATS_PER_CHUNK // max(1, 15 * points))
    chunks = [slice(start, start + per_chunk) for start in range(0, frames, per_chunk)]
    parts = []
    for chunk in chunks:
        rest = shaped.vertices if shaped.vertices.ndim == 2 else shaped.vertices[chunk]
        if expression is not None:
            rest = rest + displace(shaped.expressions[..., : expression.shape[-1]], expression[chunk])
        parts.append(skin_frames(shaped, rest, local[chunk], rotations[chunk], moves[chunk]))
    return torch.cat(parts) if parts else shaped.vertices.new_zeros((0, points, 3))


def skin_frames(
    shaped: ShapedBody,
    rest: Float[Tensor, "*frames points 3"],
    local: Float[Tensor, "frames 55 3 3"],
    rotations: Float[Tensor, "frames 55 3 3"],
    moves: Float[Tensor, "frames 55 3"],
) -> Float[Tensor, "frames points 3"]:
    """Add the pose correctives and blend."""
    corrected = rest + correctives(shaped, local)
    turned = torch.einsum("tpab,tpb->tpa", blend(shaped.weights, rotations), corrected)
    return turned + torch.einsum("pj,tja->tpa", shaped.weights, moves)


def correctives(shaped: ShapedBody, local: Float[Tensor, "frames 55 3 3"]) -> Float[Tensor, "frames points 3"]:
    """Displacement of every point at rest (m) that the pose asks for; the root's rotation plays no part."""
    frames, points = len(local), len(shaped.weights)
    feature = (local[:, 1:] - torch.eye(3).to(local)).reshape(frames, -1)
    return (feature @ shaped.posedirs.reshape(points * 3, -1).T).reshape(frames, points, 3)


def blend(
    weights: Float[Tensor, "points 55"], rotations: Float[Tensor, "frames 55 3 3"]
) -> Float[Tensor, "frames points 3 3"]:
    """The joints' rotations blended by the skinning weights of each point."""
    flat = torch.einsum("pj,tjk->tpk", weights, rotations.reshape(len(rotations), 55, 9))
    return flat.reshape(len(rotations), len(weights), 3, 3)


def rotvec_to_matrix(rotvec: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Rotation vector (rad) to matrix by Rodrigues' formula, with exact derivatives at zero.

    sin(a)/a and (1 - cos(a))/a² are replaced by their series below 1e-2 rad, where they agree to 1e-12.
    """
    square = (rotvec * rotvec).sum(-1)[..., None, None]
    small = square < 1e-4
    angle = torch.sqrt(torch.where(small, torch.ones_like(square), square))
    first = torch.where(small, 1 - square / 6 + square**2 / 120, torch.sin(angle) / angle)
    second = torch.where(small, 0.5 - square / 24 + square**2 / 720, 2 * (torch.sin(angle / 2) / angle) ** 2)
    cross = cross_matrix(rotvec)
    return torch.eye(3).to(rotvec) + first * cross + second * (cross @ cross)


def cross_matrix(vector: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """The matrix that multiplies by cross product."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)
