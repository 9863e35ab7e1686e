"""Measured figures with their units and goals: printed as a table, written as JSON."""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import machine

from odah_gen.storage import write_json


@dataclass(frozen=True)
class Goal:
    """What a figure should be, in words and as a test."""

    words: str
    met: Callable[[float], bool]


def at_most(limit: float) -> Goal:
    """A figure that should not be above a limit."""
    return Goal(f"at most {limit:g}", lambda value: value <= limit)


def at_least(limit: float) -> Goal:
    """A figure that should not be below a limit."""
    return Goal(f"at least {limit:g}", lambda value: value >= limit)


@dataclass(frozen=True)
class Figure:
    """One measured number."""

    name: str
    value: float
    unit: str
    goal: Goal | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        return None if self.goal is None else bool(math.isfinite(self.value) and self.goal.met(self.value))

    def line(self) -> str:
        """The figure in a line of text."""
        verdict = {
            None: "",
            True: f"   goal {self.goal and self.goal.words}: met",
            False: f"   GOAL MISSED: {self.goal and self.goal.words}",
        }
        return f"  {self.name}: {f'{self.value:.4g} {self.unit}'.rstrip()}{verdict[self.met]}"

    def plain(self) -> dict[str, Any]:
        """The figure as plain data."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "goal": None if self.goal is None else self.goal.words,
            "met": self.met,
        }


class Report:
    """The figures of one run of a benchmark, shown as they come."""

    def __init__(self, name: str) -> None:
        """Begin."""
        self.content: dict[str, Any] = {"benchmark": name, "machine": machine(), "sections": {}}
        print(f"{name}: {json.dumps(self.content['machine'])}")

    def add(self, title: str, figures: Iterable[Figure]) -> None:
        """Show and keep the figures of one section."""
        print(title, flush=True)
        rows = list(figures)
        for figure in rows:
            print(figure.line(), flush=True)
        self.content["sections"][title] = [figure.plain() for figure in rows]

    def add_table(self, title: str, rows: Iterable[dict[str, Any]]) -> None:
        """Show and keep a table, row by row."""
        kept: list[dict[str, Any]] = []
        for row in rows:
            if not kept:
                print(title + "\n  | " + " | ".join(row) + " |")
            print("  | " + " | ".join(cell(value) for value in row.values()) + " |", flush=True)
            kept.append(row)
        self.content["sections"][title] = kept

    def finish(self, path: Path | None) -> None:
        """Write the figures, if a path is given; null stands for what could not be measured."""
        if path is not None:
            write_json(path, without_nan(self.content))


def without_nan(content: Any) -> Any:
    """Plain data with None for each number that is not finite, which JSON does not have."""
    if isinstance(content, dict):
        return {key: without_nan(value) for key, value in content.items()}
    if isinstance(content, list):
        return [without_nan(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def cell(value: Any) -> str:
    """A value of a table in text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
