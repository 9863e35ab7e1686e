"""What a measurement was made on, in plain data."""

import datetime
import importlib.metadata
import os
import platform
import time
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Processor, cores, memory (GiB), versions and date."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in ("torch", "opensim", "numpy")},
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def processor() -> str:
    """The processor's name as Linux tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def cpu_seconds() -> float:
    """User and system seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Stopwatch:
    """Wall and processor seconds of a block, children included."""

    def __enter__(self) -> "Stopwatch":
        """Start."""
        self._start = time.monotonic(), cpu_seconds()
        return self

    def __exit__(self, *failure: object) -> None:
        """Stop."""
        self.wall_s, self.cpu_s = time.monotonic() - self._start[0], cpu_seconds() - self._start[1]
