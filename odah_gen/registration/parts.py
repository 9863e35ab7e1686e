"""Weighted sums of skinned vertices as parts that the joints carry: the fast path of the fit for a fixed shape.

A vertex is a blend of rigid transforms, so a weighted sum of vertices (a marker is one vertex, a joint centre some
dozens) is the sum over the joints k of R_k (a_k + B_k f) + s_k (c_k − R_k j_k): a_k, B_k and s_k are sums over the
vertices that are made once, f are the pose features of the correctives, j_k and c_k the joint at rest and moved. Posing
then costs by the few joints that carry a point instead of by its vertices, and is still exact.

Arrays that are worked on have the axis of frames last, where the processor's vector units want it.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from odah_gen.body.skinning import ShapedBody
from odah_gen.registration.points import descendants


@dataclass(frozen=True)
class Strand:
    """Rows that hang on a few of the free joints only, such as those of one leg.

    Attributes:
        rows: which rows.
        free: the free joints above them, by their place among the free ones.
        parts: the parts of the rows.
        members: 1 where a part belongs to the row and hangs on the joint or below it; pairs run over joints, then rows.
        share: the share of each row that hangs on each joint or below it.
    """

    rows: Int[Tensor, " rows"]
    free: Int[Tensor, " joints"]
    parts: Int[Tensor, " parts"]
    members: Float[Tensor, "pairs parts"]
    share: Float[Tensor, "joints rows"]


@dataclass(frozen=True)
class Parts:
    """The parts of observed points ("rows"); at most one part for each row and joint.

    Attributes:
        row: the row that each part belongs to.
        joint: the joint that carries it.
        share: the part's share s of its row; a row's shares sum to 1.
        members: 1 where the part belongs to the row.
        places: a, the part at rest times its share (m).
        free: the joints that may turn.
        moving: correctives by the matrices of the free joints minus identity.
        resting: the same of the other joints.
        joints: the 55 joints at rest (m).
        parents: parent of each joint.
    """

    row: Int[Tensor, " parts"]
    joint: Int[Tensor, " parts"]
    share: Float[Tensor, " parts"]
    members: Float[Tensor, "rows parts"]
    places: Float[Tensor, "parts 3"]
    free: tuple[int, ...]
    moving: Float[Tensor, "components features"]
    resting: Float[Tensor, "components other_features"]
    joints: Float[Tensor, "55 3"]
    parents: tuple[int, ...]

    @functools.cached_property
    def needed(self) -> tuple[int, ...]:
        """The joints that carry something, and all above them."""
        carries = descendants(self.parents, tuple(range(55)))[:, self.joint].any(1)
        return tuple(torch.nonzero(carries).flatten().tolist())

    @functools.cached_property
    def below(self) -> Float[Tensor, "free parts"]:
        """1 where a part hangs on a joint at or below a free one."""
        return descendants(self.parents, self.free)[:, self.joint].to(self.share)

    @functools.cached_property
    def strands(self) -> tuple[Strand, ...]:
        """The rows shared out: to a path from the root to a last free joint that all of a row hangs on, else to all."""
        above = (self.below @ self.members.T).T > 0
        family = descendants(self.parents, self.free)[:, list(self.free)]
        paths = [family[:, last] for last in torch.nonzero(family.sum(1) == 1).flatten()]
        left, strands = torch.ones(len(above), dtype=torch.bool), []
        for path in [*paths, torch.ones(len(self.free), dtype=torch.bool)]:
            chosen = left & ~(above & ~path).any(1)
            left = left & ~chosen
            if chosen.any():
                strands.append(self.strand(torch.nonzero(chosen).flatten(), torch.nonzero(path).flatten()))
        return tuple(strands)

    def strand(self, rows: Int[Tensor, " rows"], free: Int[Tensor, " joints"]) -> Strand:
        """Some rows and the free joints that they hang on."""
        parts = torch.nonzero(torch.isin(self.row, rows)).flatten()
        members = self.below[free][:, None, parts] * self.members[rows][None, :, parts]
        return Strand(rows, free, parts, members.flatten(0, 1).float(), (members @ self.share[parts]).float())


@dataclass(frozen=True)
class PosedParts:
    """Parts and rows in some frames (m, the frame of the motion), and what derivatives are made of.

    Attributes:
        positions: the rows.
        carried: the parts, times their share.
        turned: rotation of each part (motion ← rest).
        local: rotation of each joint relative to its parent.
        rotations: rotation of each joint (motion ← joint).
        centers: joint centres.
    """

    positions: Float[Tensor, "frames rows 3"]
    carried: Float[Tensor, "parts 3 frames"]
    turned: Float[Tensor, "parts 3 3 frames"]
    local: Float[Tensor, "55 3 3 frames"]
    rotations: Float[Tensor, "55 3 3 frames"]
    centers: Float[Tensor, "55 3 frames"]


def collapse(shaped: ShapedBody, combine: Float[Tensor, "rows points"], free: Sequence[int]) -> Parts:
    """Gather the parts of weighted sums of a body's points; the weights of a row sum to 1."""
    blended = torch.einsum("rp,pk->rpk", combine, shaped.weights)
    row, joint = torch.nonzero(blended.abs().sum(1) > 0).unbind(1)
    weights = blended[row, :, joint]
    directions = (weights @ shaped.posedirs.flatten(1)).reshape(3 * len(row), 54, 9)
    moving = torch.tensor([joint in free for joint in range(1, 55)])
    return Parts(
        row=row,
        joint=joint,
        share=weights.sum(1),
        members=torch.nn.functional.one_hot(row, len(combine)).T.to(weights),
        places=weights @ shaped.vertices,
        free=tuple(free),
        moving=directions[:, moving].flatten(1),
        resting=directions[:, ~moving].flatten(1),
        joints=shaped.joints,
        parents=shaped.parents,
    )


def frames_last(values: Float[Tensor, "frames joints 3 3"]) -> Float[Tensor, "joints 3 3 frames"]:
    """The axis of frames moved to the end, in memory too."""
    return values.movedim(0, -1).contiguous()


def features(local: Float[Tensor, "55 3 3 frames"], joints: Sequence[int]) -> Float[Tensor, "features frames"]:
    """What correctives are linear in: rotation matrices minus identity; the root's plays no part."""
    turned = [joint for joint in joints if joint > 0]
    return (local[turned] - torch.eye(3).to(local)[..., None]).flatten(0, 2)


def resting_places(parts: Parts, local: Float[Tensor, "frames 55 3 3"]) -> Float[Tensor, "parts 3 frames"]:
    """Parts at rest with the correctives of all joints that are not free (m): what the free ones never change."""
    held = [joint for joint in range(1, 55) if joint not in parts.free]
    moved = (parts.resting @ features(frames_last(local), held)).unflatten(0, (-1, 3))
    return parts.places[..., None] + moved


def pose_parts(
    parts: Parts,
    resting: Float[Tensor, "parts 3 frames"],
    local: Float[Tensor, "frames 55 3 3"],
    trans: Float[Tensor, "frames 3"],
) -> PosedParts:
    """Carry parts by the joints (rotations relative to the parent) and a translation (m); `resting_places` first."""
    local = frames_last(local)
    rotations, centers = chain(parts, local)
    centers = centers + trans.T
    moves = centers - turn(rotations, parts.joints[..., None])
    rest = resting + (parts.moving @ features(local, parts.free)).unflatten(0, (-1, 3))
    turned = rotations[parts.joint]
    carried = turn(turned, rest).add_(parts.share[:, None, None] * moves[parts.joint])
    positions = (parts.members @ carried.flatten(1)).unflatten(1, (3, -1)).permute(2, 0, 1)
    return PosedParts(positions, carried, turned, local, rotations, centers)


def turn(
    matrices: Float[Tensor, "many 3 3 frames"], vectors: Float[Tensor, "many 3 frames"]
) -> Float[Tensor, "many 3 frames"]:
    """Matrix times vector, for many side by side."""
    x, y, z = vectors[:, None].unbind(2)
    return (matrices[:, :, 0] * x).addcmul_(matrices[:, :, 1], y).addcmul_(matrices[:, :, 2], z)


def turn_back(
    matrices: Float[Tensor, "many 3 3 frames"], vectors: Float[Tensor, "many 3 frames"]
) -> Float[Tensor, "many 3 frames"]:
    """Transposed matrix times vector, for many side by side."""
    return turn(matrices.transpose(1, 2), vectors)


def chain(
    parts: Parts, local: Float[Tensor, "55 3 3 frames"]
) -> tuple[Float[Tensor, "55 3 3 frames"], Float[Tensor, "55 3 frames"]]:
    """Forward kinematics, generation by generation: rotation (world ← joint) and centre of every joint that is needed."""
    rotations, centers = local.clone(), parts.joints[..., None].repeat(1, 1, local.shape[-1])
    for above, children in generations(parts.parents, parts.needed):
        parent, bones = rotations[above], parts.joints[children] - parts.joints[above]
        hanging = torch.cat([local[children], bones[..., None, None].expand(-1, 3, 1, local.shape[-1])], 2)
        first, second, third = parent[:, :, None].unbind(3)
        columns = (first * hanging[:, None, 0]).addcmul_(second, hanging[:, None, 1])
        columns.addcmul_(third, hanging[:, None, 2])
        rotations[children] = columns[:, :, :3]
        centers[children] = centers[above] + columns[:, :, 3]
    return rotations, centers


@functools.cache
def generations(parents: tuple[int, ...], needed: tuple[int, ...]) -> tuple[tuple[list[int], list[int]], ...]:
    """Parents and children among the needed joints by the children's distance from the root."""
    depth = {0: 0}
    for joint, parent in list(enumerate(parents))[1:]:
        depth[joint] = depth[parent] + 1
    levels = range(1, max(depth[joint] for joint in needed) + 1)
    children = [[joint for joint in needed if depth[joint] == level] for level in levels]
    return tuple(([parents[joint] for joint in level], level) for level in children)


def turning_gradient(
    parts: Parts, posed: PosedParts, pulls: Float[Tensor, "frames rows 3"]
) -> Float[Tensor, "free 3 frames"]:
    """Gradient of Σ pulls · positions by a small rotation of each free joint about its own axes.

    The pulls on all that hangs on a joint are a torque about its centre; those on a part at rest change the
    correctives, which are linear in the rotation matrix.
    """
    on_parts, free = pulls.permute(1, 2, 0)[parts.row], list(parts.free)
    torques = (parts.below @ cross(posed.carried, on_parts).flatten(1)).unflatten(1, (3, -1))
    forces = ((parts.below * parts.share) @ on_parts.flatten(1)).unflatten(1, (3, -1))
    turning = torques - cross(posed.centers[free], forces)
    at_rest = turn_back(posed.turned, on_parts)
    return turn_back(posed.rotations[free], turning) + corrective_gradient(parts, posed, at_rest)


def cross(
    first: Float[Tensor, "many 3 frames"], second: Float[Tensor, "many 3 frames"]
) -> Float[Tensor, "many 3 frames"]:
    """Cross products, for many side by side."""
    (a, b, c), (x, y, z) = first.unbind(1), second.unbind(1)
    return torch.stack([b * z - c * y, c * x - a * z, a * y - b * x], 1)


def corrective_gradient(
    parts: Parts, posed: PosedParts, pulls: Float[Tensor, "parts 3 frames"]
) -> Float[Tensor, "free 3 frames"]:
    """Gradient of Σ pulls · (parts at rest) by a small rotation of each free joint: d(tr Gᵀ L) with dL = L [δ]."""
    by_matrix = (parts.moving.T @ pulls.flatten(0, 1)).unflatten(0, (-1, 3, 3))
    turned = [column for column, joint in enumerate(parts.free) if joint > 0]
    local = posed.local[[parts.free[column] for column in turned]]
    by_turn = torch.stack([turn_back(local, by_matrix[:, :, axis]) for axis in range(3)], 2)
    gradient = pulls.new_zeros(len(parts.free), *pulls.shape[1:])
    gradient[turned] = torch.stack([by_turn[:, b, a] - by_turn[:, a, b] for a, b in ((1, 2), (2, 0), (0, 1))], 1)
    return gradient


def turning_levers(strand: Strand, parts: Parts, posed: PosedParts) -> Float[Tensor, "frames 3 joints rows"]:
    """Vector (m) from each joint of a strand to the share of each row that hangs on it, times that share, in float32."""
    carried = posed.carried[strand.parts].float()
    hanging = (strand.members @ carried.flatten(1)).reshape(*strand.share.shape, *carried.shape[1:])
    centers = posed.centers[torch.tensor(parts.free)[strand.free]].float()
    return hanging.sub_(strand.share[..., None, None] * centers[:, None]).permute(3, 2, 0, 1).contiguous()


def strand_jacobian(
    levers: Float[Tensor, "frames 3 joints rows"],
    turns: Float[Tensor, "frames 3 joints 3"],
    weights: Float[Tensor, "frames 3 rows"],
) -> Float[Tensor, "frames 1+joints 3 3 rows"]:
    """Weighted movement of rows (last but one axis) by a shift, then by rotations about the columns of `turns`.

    A row moves by column × lever.
    """
    frames, _, joints, rows = levers.shape
    turns = turns[..., None]
    jacobian = torch.empty(frames, 1 + joints, 3, 3, rows)
    jacobian[:, 0] = torch.diag_embed(weights.transpose(1, 2)).movedim(1, -1)
    for axis in range(3):
        after, last = (axis + 1) % 3, (axis + 2) % 3
        weighted = (levers * weights[:, axis, None, None])[..., None, :]
        along = jacobian[:, 1:, :, axis]
        torch.mul(weighted[:, last], turns[:, after], out=along)
        along.addcmul_(weighted[:, after], turns[:, last], value=-1)
    return jacobian


def normal_blocks(
    parts: Parts,
    posed: PosedParts,
    turns: Float[Tensor, "frames 3 free 3"],
    weights: Float[Tensor, "frames rows 3"],
) -> Float[Tensor, "frames size size"]:
    """JᵀJ of weighted rows by a shift and by rotations about the columns of `turns`, correctives left out; in float32."""
    weights, size = weights.float().transpose(1, 2).contiguous(), 3 + 3 * len(parts.free)
    blocks = torch.zeros(len(turns), size * size)
    for strand in parts.strands:
        levers = turning_levers(strand, parts, posed)
        jacobian = strand_jacobian(levers, turns[:, :, strand.free], weights[..., strand.rows]).flatten(3).flatten(1, 2)
        unknowns = torch.cat([torch.arange(3), (3 + 3 * strand.free[:, None] + torch.arange(3)).flatten()])
        cells = (size * unknowns[:, None] + unknowns).flatten()
        blocks.index_add_(1, cells, (jacobian @ jacobian.transpose(1, 2)).flatten(1))
    return blocks.unflatten(1, (size, size))
