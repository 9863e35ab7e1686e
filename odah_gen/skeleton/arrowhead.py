"""Symmetric matrices of a tree of joints: limbs that know of the trunk and not of each other.

Two coordinates meet in the curvature only where one moves the other, so the arms and legs of a skeleton make blocks
that only the trunk ties together: an arrowhead. Eliminating limbs first fills in nothing (Featherstone 2008, Rigid Body
Dynamics Algorithms, section 6.5), so that a system costs a fraction of a dense one of the same size.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

PADDING = -1


@dataclass(frozen=True)
class Pattern:
    """Which coordinates make limbs, and which the trunk.

    Attributes:
        limbs: [K, L] coordinates of each limb from root to leaf; PADDING where a limb is shorter than the longest.
        trunk: [p] the others.
    """

    limbs: Int[np.ndarray, "limbs length"]
    trunk: Int[np.ndarray, " trunk"]

    @property
    def order(self) -> Int[np.ndarray, " padded"]:
        """The coordinates limb by limb, then the trunk."""
        return np.concatenate([self.limbs.ravel(), self.trunk])


@dataclass(frozen=True)
class Arrowhead:
    """Symmetric matrices, in the order of a pattern.

    Attributes:
        limbs: [F, K, L, L] lower triangles.
        ties: [F, K L, p] limbs' rows, the trunk's columns.
        trunk: [F, p, p] lower triangle.
    """

    limbs: Float[Tensor, "frames limbs length length"]
    ties: Float[Tensor, "frames limbs_length trunk"]
    trunk: Float[Tensor, "frames trunk trunk"]

    def frames(self, index: Tensor) -> "Arrowhead":
        """Some of the frames."""
        return Arrowhead(self.limbs[index], self.ties[index], self.trunk[index])

    def plus(self, diagonal: Float[Tensor, "frames padded"]) -> "Arrowhead":
        """The matrices with more on their diagonals."""
        limbs, trunk = self.limbs.clone(), self.trunk.clone()
        count = self.ties.shape[1]
        limbs.diagonal(dim1=2, dim2=3).add_(diagonal[:, :count].unflatten(1, limbs.shape[1:3]))
        trunk.diagonal(dim1=1, dim2=2).add_(diagonal[:, count:])
        return Arrowhead(limbs, self.ties, trunk)

    def solve(
        self, right: Float[Tensor, "frames padded"]
    ) -> tuple[Float[Tensor, "frames padded"], Bool[Tensor, " frames"]]:
        """Solutions of matrix x = right, and whether the matrix is positive; where it is not x is of no use."""
        count = self.ties.shape[1]
        shape = self.limbs.shape[1:3]
        limbs, failed = torch.linalg.cholesky_ex(self.limbs)
        sides = torch.cat([self.ties, right[:, :count, None]], dim=2)
        halved = torch.linalg.solve_triangular(limbs, sides.unflatten(1, shape), upper=False).flatten(1, 2)
        taken = halved.mT @ halved
        trunk, broken = torch.linalg.cholesky_ex(self.trunk - taken[:, :-1, :-1])
        inner = torch.cholesky_solve((right[:, count:] - taken[:, :-1, -1])[..., None], trunk)
        outer = (halved[..., -1:] - halved[..., :-1] @ inner).unflatten(1, shape)
        outer = torch.linalg.solve_triangular(limbs.mT, outer, upper=True).flatten(1, 2)
        return torch.cat([outer, inner], dim=1)[..., 0], (failed == 0).all(dim=1) & (broken == 0)


def arranged(related: Bool[np.ndarray, "coordinates coordinates"]) -> Pattern:
    """The pattern that makes systems cheapest.

    Args:
        related: [n, n] whether one coordinate of a tree moves the other or is it; they stand from root to leaf.
    """
    # An ancestor is related to all that its descendants are, so the trunk takes the most related first.
    rising = np.argsort(-related.sum(axis=1), kind="stable")
    steps = np.flatnonzero(np.diff(related.sum(axis=1)[rising], prepend=0, append=0))
    patterns = [split(related, np.sort(rising[:count])) for count in steps]
    return min(patterns, key=work)


def split(related: Bool[np.ndarray, "coordinates coordinates"], trunk: Int[np.ndarray, " trunk"]) -> Pattern:
    """What hangs on a trunk, limb by limb."""
    others = np.setdiff1d(np.arange(len(related)), trunk)
    # In a tree the first of those that a coordinate is related to is where its limb begins.
    starts = related[np.ix_(others, others)].argmax(axis=1) if len(others) else others
    members = [others[starts == start] for start in np.unique(starts)]
    limbs = np.full((len(members), max(map(len, members), default=0)), PADDING)
    for row, member in zip(limbs, members):
        row[: len(member)] = member
    return Pattern(limbs, trunk)


def work(pattern: Pattern) -> int:
    """About how many multiplications a system takes."""
    (count, length), trunk = pattern.limbs.shape, len(pattern.trunk)
    return trunk**3 + count * length * (length**2 + 3 * length * trunk + 3 * trunk**2)
