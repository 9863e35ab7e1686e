"""Arrowheads written out in full."""

import torch
from torch import Tensor

from odah_gen.skeleton.arrowhead import Arrowhead


def dense(matrices: Arrowhead) -> Tensor:
    """All entries [F, n, n], limb by limb, then the trunk."""
    count = matrices.ties.shape[1]
    limbs = [torch.block_diag(*blocks)[:count] for blocks in matrices.limbs]
    upper = torch.cat([torch.stack(limbs), torch.zeros_like(matrices.ties)], dim=2)
    half = torch.cat([upper, torch.cat([matrices.ties.mT, matrices.trunk], dim=2)], dim=1)
    return half.tril() + half.tril(-1).mT
