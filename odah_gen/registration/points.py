"""A few points of a skinned body and how they move with pose, translation and shape.

The Jacobians are analytic. A point may be displaced from its vertex in the rest pose; it then follows the body as if
it were a vertex with the same skinning weights and correctives, so a marker off the skin needs no frame of its own.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from odah_gen.body.model import BodyModel
from odah_gen.body.skinning import ShapedBody, blend, chain_joints, check_ids, correctives, cross_matrix


@dataclass(frozen=True)
class SkinPoints:
    """Points of a body model before shape, in float64.

    Attributes:
        template: mean shape at rest (m).
        shape_basis: displacement per unit of each shape coefficient in use.
        joint_template: the 55 joints of the mean shape (m).
        joint_basis: the joints' displacement per unit of each shape coefficient in use.
        posedirs: correctives, linear in the rotation matrices of joints 1 to 54 minus identity.
        weights: skinning weights.
        parents: parent of each joint.
    """

    template: Float[Tensor, "points 3"]
    shape_basis: Float[Tensor, "points 3 betas"]
    joint_template: Float[Tensor, "55 3"]
    joint_basis: Float[Tensor, "55 3 betas"]
    posedirs: Float[Tensor, "points 3 486"]
    weights: Float[Tensor, "points 55"]
    parents: tuple[int, ...]


@dataclass(frozen=True)
class PosedPoints:
    """Points in every frame, and what their derivatives are made of.

    Attributes:
        positions: m, in the frame of the motion.
        blended: blend of the joints' rotations at each point (motion ← rest): the derivative by a displacement at rest.
        corrected: points at rest with pose correctives (m).
        local: rotation of each joint relative to its parent.
        rotations: rotation of each joint (motion ← joint).
        centers: joint centres (m).
    """

    positions: Float[Tensor, "frames points 3"]
    blended: Float[Tensor, "frames points 3 3"]
    corrected: Float[Tensor, "frames points 3"]
    local: Float[Tensor, "frames 55 3 3"]
    rotations: Float[Tensor, "frames 55 3 3"]
    centers: Float[Tensor, "frames 55 3"]


def skin_points(model: BodyModel, vertex_ids: Sequence[int] | Tensor, num_betas: int) -> SkinPoints:
    """Take vertices out of a body model, with its first `num_betas` shape coefficients (or all, when it has fewer).

    Raises:
        InputError: a vertex id lies beyond the model.
    """
    ids = check_ids(model, vertex_ids)
    return SkinPoints(
        template=model.v_template[ids].double(),
        shape_basis=model.shapedirs[ids, :, :num_betas].double(),
        joint_template=model.joint_template.double(),
        joint_basis=model.joint_shapedirs[:, :, :num_betas].double(),
        posedirs=model.posedirs[ids].double(),
        weights=model.weights[ids].double(),
        parents=model.parents,
    )


def shape_points(
    points: SkinPoints, betas: Float[Tensor, " betas"], offsets: Float[Tensor, "points 3"] | None = None
) -> ShapedBody:
    """Give the points their shape, and displace them at rest by `offsets` (m)."""
    vertices = points.template + points.shape_basis @ betas
    return ShapedBody(
        vertices=vertices if offsets is None else vertices + offsets,
        joints=points.joint_template + points.joint_basis @ betas,
        expressions=points.template.new_zeros(len(points.template), 3, 0),
        joint_expressions=points.template.new_zeros(55, 3, 0),
        posedirs=points.posedirs,
        weights=points.weights,
        parents=points.parents,
    )


def pose_points(
    shaped: ShapedBody, local: Float[Tensor, "frames 55 3 3"], trans: Float[Tensor, "frames 3"]
) -> PosedPoints:
    """Pose the points by rotation matrices relative to the parent joints and a translation (m)."""
    rotations, centers = chain_joints(local, shaped.joints.expand(len(local), 55, 3), shaped.parents)
    corrected = shaped.vertices + correctives(shaped, local)
    blended = blend(shaped.weights, rotations)
    moves = centers - torch.einsum("tjab,jb->tja", rotations, shaped.joints)
    positions = torch.einsum("tpab,tpb->tpa", blended, corrected) + torch.einsum("pj,tja->tpa", shaped.weights, moves)
    return PosedPoints(positions + trans[:, None], blended, corrected, local, rotations, centers + trans[:, None])


def pose_jacobian(
    shaped: ShapedBody, posed: PosedPoints, joints: Sequence[int]
) -> Float[Tensor, "frames points joints 3 3"]:
    """Derivative of the positions (last axis) by a small rotation of each of `joints` about its own three axes.

    Turning joint j by δ carries everything below it along: with ω = R_j δ, the part of a point that hangs on the
    joints below j moves by ω × (its lever about j). Pose correctives add their own, small, part.
    """
    levers = joint_levers(shaped, posed, joints)[:, :, :, None]
    axes = posed.rotations[:, list(joints)].transpose(-1, -2)[:, None]
    return torch.linalg.cross(axes.expand(-1, levers.shape[1], -1, -1, -1), levers.expand(-1, -1, -1, 3, -1)).add_(
        corrective_jacobian(shaped, posed, joints)
    )


def joint_levers(
    shaped: ShapedBody, posed: PosedPoints, joints: Sequence[int]
) -> Float[Tensor, "frames points joints 3"]:
    """Weighted vector from each joint to the part of each point that hangs on the joints at or below it."""
    used = torch.nonzero(shaped.weights.any(0)).flatten()
    weights, rotations = shaped.weights[:, used], posed.rotations[:, used]
    moves = posed.centers[:, used] - torch.einsum("tkab,kb->tka", rotations, shaped.joints[used])
    carried = torch.einsum("tkab,tpb->tpka", rotations, posed.corrected) + moves[:, None]
    below = descendants(shaped.parents, tuple(joints))[:, used].to(weights)
    hanging = torch.einsum("jk,tpka->tpja", below, carried * weights[None, :, :, None])
    share = torch.einsum("jk,pk->pj", below, weights)
    return hanging - share[None, :, :, None] * posed.centers[:, None, list(joints)]


@functools.cache
def descendants(parents: tuple[int, ...], joints: tuple[int, ...]) -> Tensor:
    """Boolean [joints, 55]: which joints move with each of `joints`, itself included; treat as constant."""
    below = torch.zeros(len(joints), len(parents), dtype=torch.bool)
    for row, joint in enumerate(joints):
        below[row, joint] = True
        for child in range(joint + 1, len(parents)):
            below[row, child] = below[row, parents[child]]
    return below


def corrective_jacobian(
    shaped: ShapedBody, posed: PosedPoints, joints: Sequence[int]
) -> Float[Tensor, "frames points joints 3 3"]:
    """The part of the pose Jacobian that comes from the pose correctives; the root has none."""
    frames, count = posed.positions.shape[:2]
    columns = [column for column, joint in enumerate(joints) if joint > 0]
    wanted = torch.tensor([joints[column] for column in columns], dtype=torch.long)
    turned = torch.einsum("tjab,dbc->jactd", posed.local[:, wanted], rotation_generators(posed.local))
    directions = shaped.posedirs.reshape(count * 3, 54, 9)[:, wanted - 1].transpose(0, 1)
    at_rest = torch.bmm(directions, turned.reshape(len(columns), 9, frames * 3)).reshape(-1, count, 3, frames, 3)
    result = posed.positions.new_zeros(frames, count, len(joints), 3, 3)
    result[:, :, columns] = at_rest.permute(3, 1, 0, 4, 2) @ posed.blended.transpose(-1, -2)[:, :, None]
    return result


def rotation_generators(like: Tensor) -> Float[Tensor, "3 3 3"]:
    """The cross-product matrices of the three unit vectors."""
    return cross_matrix(torch.eye(3).to(like))


def shape_jacobian(points: SkinPoints, posed: PosedPoints) -> Float[Tensor, "frames points 3 betas"]:
    """Derivative of the positions by the shape coefficients."""
    frames, betas = len(posed.positions), points.shape_basis.shape[2]
    centers = center_shape_jacobian(points, posed)
    moves = centers - torch.einsum("tkab,kbs->tkas", posed.rotations, points.joint_basis)
    blended = torch.einsum("tpab,pbs->tpas", posed.blended, points.shape_basis)
    shifted = torch.einsum("pk,tkn->tpn", points.weights, moves.reshape(frames, 55, 3 * betas))
    return blended + shifted.reshape(blended.shape)


def center_shape_jacobian(points: SkinPoints, posed: PosedPoints) -> Float[Tensor, "frames 55 3 betas"]:
    """Derivative of the joint centres by the shape coefficients: bones change their length, not their direction."""
    moved = [points.joint_basis[0].expand(len(posed.positions), -1, -1)]
    for joint, parent in list(enumerate(points.parents))[1:]:
        bone = points.joint_basis[joint] - points.joint_basis[parent]
        moved.append(moved[parent] + torch.einsum("tab,bs->tas", posed.rotations[:, parent], bone))
    return torch.stack(moved, 1)
