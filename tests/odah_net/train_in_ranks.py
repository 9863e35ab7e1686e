"""What torchrun starts in test_ranks.py: a short training of the tiny network. Arguments: data, out, a checkpoint."""

import sys
from pathlib import Path

import torch

from odah_net.configuration import SIZES
from odah_net.training.checkpoint import read_checkpoint
from odah_net.training.plan import Length, Plan
from odah_net.training.ranks import join_ranks, leave_ranks
from odah_net.training.run import train
from odah_net.training.samples import Machine
from tests.odah_net.conftest import TINY

PLAN = Plan("tiny", frame_batch=5, sequence_batch=1, learning_rate=1e-3)
LENGTH = Length(3, 2, True)
"""Few: Adam makes much of rounding. Frame steps of five, of which one of two processes takes three and the other two;
sequence steps of one, of which the other takes none."""


def main(data: Path, out: Path, checkpoint: Path) -> None:
    """Train; alone or together."""
    SIZES["tiny"] = TINY
    machine = Machine(torch.device("cpu"), save_every=10, ranks=join_ranks(on_gpu=False))
    train(data, out, PLAN, LENGTH, machine, skeleton=read_checkpoint(checkpoint).skeleton)
    leave_ranks()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
