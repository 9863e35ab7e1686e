"""Processes that train one network together, started by torchrun: each takes its share of every step."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed
from torch import Tensor, nn


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together; by default there is no other.

    Attributes:
        rank, count: which of how many. The first one alone writes.
        local: which of those on this machine, and so the number of its GPU.
    """

    rank: int = 0
    count: int = 1
    local: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.count > 1:
            torch.distributed.barrier()

    def sum_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Put the sum over all processes in place of each one's gradients."""
        if self.count > 1:
            gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
            together = torch.cat([gradient.flatten() for gradient in gradients])
            torch.distributed.all_reduce(together)
            for gradient, part in zip(gradients, together.split([gradient.numel() for gradient in gradients])):
                gradient.copy_(part.view_as(gradient))

    def sum_terms(self, terms: Mapping[str, Tensor]) -> dict[str, float]:
        """Numbers summed over all processes."""
        values = torch.stack(list(terms.values()))
        if self.count > 1:
            torch.distributed.all_reduce(values)
        return dict(zip(terms, values.tolist()))


ALONE = Ranks()
LONGEST_WAIT = timedelta(days=1)
"""The others wait while the first process computes all features or validates; NCCL would give up after ten minutes."""


def join_ranks(on_gpu: bool) -> Ranks:
    """This process among those that torchrun has started; alone where it has not."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return ALONE
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=LONGEST_WAIT)
    return Ranks(torch.distributed.get_rank(), count, int(os.environ.get("LOCAL_RANK", "0")))


def leave_ranks() -> None:
    """End what `join_ranks` began."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
