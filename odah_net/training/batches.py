"""Which samples each step takes: decided by the seed alone, so that a run can go on from any step."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from odah_gen.errors import InputError
from odah_net.data.dataset import Sample


class Epochs(Protocol):
    """Samples that may differ from epoch to epoch."""

    epoch: int

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...


class InEpoch(Dataset[Sample]):
    """Samples asked for with their epoch, so that workers that live through many epochs draw what they should."""

    def __init__(self, samples: Epochs) -> None:
        self.samples = samples

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Tensor]:
        self.samples.epoch, index = key
        return self.samples[index]


class Told(Dataset[Sample | InputError]):
    """Samples, or the user's mistake that one shows: torch would wrap what a worker raises in its traceback."""

    def __init__(self, samples: Dataset[Sample]) -> None:
        self.samples = samples

    def __getitem__(self, key: Any) -> Sample | InputError:
        try:
            return self.samples[key]
        except InputError as error:
            return error


def together(samples: list[Sample | InputError]) -> Sample | InputError:
    """A batch of samples, or the first mistake."""
    return next((sample for sample in samples if isinstance(sample, InputError)), None) or default_collate(samples)


def batches(samples: Dataset[Sample], order: "Steps | Sequence[Any]", workers: int) -> Iterator[Sample]:
    """Batches of samples, read by so many processes or by this one.

    Raises:
        InputError: a sample cannot be made.
    """
    count = min(workers, len(order))
    for batch in DataLoader(Told(samples), batch_sampler=order, num_workers=count, collate_fn=together):
        if isinstance(batch, InputError):
            raise batch
        yield batch


class Steps:
    """The samples of each step from `first` on, as (epoch, index); each epoch has an order of its own.

    Of several processes that train together each takes its share of a step. Where a step has fewer samples than there are
    processes, those without a share take a sample that is to count nothing.
    """

    def __init__(
        self, samples: int, batch: int, seed: int, first: int, last: int, rank: int = 0, ranks: int = 1
    ) -> None:
        self.samples, self.batch, self.seed, self.first, self.last = samples, batch, seed, first, last
        self.rank, self.ranks = rank, ranks

    @property
    def per_epoch(self) -> int:
        """Steps in one pass over the samples; the last one may be smaller."""
        return -(-self.samples // self.batch)

    def size(self, step: int) -> int:
        """Samples of a step, over all processes."""
        return min(self.batch, self.samples - step % self.per_epoch * self.batch)

    def __len__(self) -> int:
        return max(0, self.last - self.first)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for step in range(self.first, self.last):
            epoch, number = divmod(step, self.per_epoch)
            order = np.random.default_rng([self.seed, epoch]).permutation(self.samples)
            whole = [(epoch, int(index)) for index in order[number * self.batch : (number + 1) * self.batch]]
            yield whole[self.rank :: self.ranks] or whole[:1]
