"""What a training run writes while it goes: losses.csv, and a line about progress."""

import csv
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from odah_gen.storage import atomic

COLUMNS = ("stage", "step", "total", "angles", "scales", "limits", "points")
LINE_EVERY_S = 10.0


class LossLog:
    """Losses of every step, in losses.csv; a run that goes on drops the rows after its checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []

    def go_on_from(self, stage: str, step: int) -> None:
        """Keep the rows of earlier stages and of this stage's first steps."""
        if self.path.is_file():
            with self.path.open(newline="") as stream:
                rows = list(csv.DictReader(stream))
            self.rows = [
                row for row in rows if row["stage"] < stage or (row["stage"] == stage and int(row["step"]) < step)
            ]

    def add(self, stage: str, step: int, terms: Mapping[str, float]) -> None:
        """Note a step's weighted losses."""
        values = {"total": sum(terms.values()), **terms}
        self.rows.append(
            {"stage": stage, "step": str(step), **{name: f"{value:.9g}" for name, value in values.items()}}
        )

    def write(self) -> None:
        """Write all rows; a loss that is switched off stays empty."""
        with atomic(self.path) as temporary, temporary.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(self.rows)


class Progress:
    """A line every few seconds: where a stage is, how fast it goes, how long it will take."""

    def __init__(self, stage: str, first: int, last: int) -> None:
        self.stage, self.first, self.last = stage, first, last
        self.began = self.told = time.monotonic()

    def tell(self, step: int, total: float) -> None:
        """Say that a step is done, unless a line has just been written."""
        now = time.monotonic()
        if now - self.told < LINE_EVERY_S and step + 1 < self.last:
            return
        self.told = now
        rate = (step + 1 - self.first) / max(now - self.began, 1e-9)
        left_min = (self.last - step - 1) / rate / 60
        sys.stderr.write(
            f"{self.stage}: step {step + 1} of {self.last}, loss {total:.4f}, {rate:.2f} steps/s, {left_min:.0f} min left\n"
        )
