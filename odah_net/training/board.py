"""TensorBoard: the same figures as losses.csv and validation.csv, to be watched while a network learns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from odah_gen.errors import InputError


class Board:
    """Writes scalars of a stage to a folder of its own; nothing where there is no folder."""

    def __init__(self, folder: Path | None, first: int = 0) -> None:
        """Open the folder; figures from step `first` on that an earlier run left are hidden.

        Raises:
            InputError: the package tensorboard is missing.
        """
        self.writer: Any = writer_class()(folder, purge_step=first) if folder else None

    def add(self, kind: str, step: int, terms: Mapping[str, float]) -> None:
        """Note weighted losses and their sum; `kind` is training or validation."""
        if self.writer:
            for name, value in {"total": sum(terms.values()), **terms}.items():
                self.writer.add_scalar(f"{kind}/{name}", value, step)

    def flush(self) -> None:
        """See that what was noted can be read."""
        if self.writer:
            self.writer.flush()


def writer_class() -> Any:
    """The writer that torch has.

    Raises:
        InputError: the package tensorboard, which it needs, is missing.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InputError(
            "--tensorboard: the package tensorboard is not installed. Install it with `.venv/bin/python -m pip install tensorboard`, or leave "
            "the option out: losses.csv and validation.csv have the same figures."
        ) from error
    return SummaryWriter
