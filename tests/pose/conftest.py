"""The walking woman of tests/fidelity, the generic model as a file, and a child that is asked line by line."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import opensim
import pytest

from odah_gen.body.layout import load_layout
from odah_gen.paths import ROOT
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.worker import call
from tests.fidelity.conftest import walk  # noqa: F401

opensim.Logger.setLevelString("Off")
opensim.Logger.removeFileSink()


@dataclass
class RawChild:
    """`odah-gen pose` as a process, and its first message."""

    process: subprocess.Popen
    ready: dict[str, Any]

    def ask(self, request: Any) -> tuple[dict[str, Any], np.ndarray]:
        """Send one request, as text or as JSON; returns header and vertices."""
        text = request if isinstance(request, str) else json.dumps(request)
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()
        return read_answer(self.process)


def read_answer(process: subprocess.Popen) -> tuple[dict[str, Any], np.ndarray]:
    header = json.loads(process.stdout.readline())
    return header, np.frombuffer(process.stdout.read(header["bytes"]), "<f4").reshape(-1, 3)


def start_child(*arguments: str) -> RawChild:
    words = [sys.executable, "-m", "odah_gen.cli", "pose", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    return RawChild(process, read_answer(process)[0])


def end_child(child: RawChild) -> int:
    child.process.stdin.close()
    code = child.process.wait(60)
    child.process.stdout.close()
    return code


@pytest.fixture(scope="session")
def generic_text() -> str:
    layout = load_layout()
    return call(
        "generic_model", names=layout.names, bodies=layout.bodies, locations_m=layout.locations_m, locked=("mtp",)
    )


@pytest.fixture(scope="session")
def generic(generic_text) -> Skeleton:
    """The generic model; its toes are locked."""
    return call("read_skeleton", text=generic_text)


@pytest.fixture(scope="session")
def generic_file(generic_text, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "generic.osim"
    path.write_text(generic_text)
    return path


@pytest.fixture(scope="session")
def random_coordinates(generic):
    """Draws coordinates (rad, m) within their ranges; locked ones at their defaults, followers where they belong."""

    def draw(frames: int, seed: int) -> np.ndarray:
        random = np.random.default_rng(seed)
        low, high = np.maximum(generic.lower, -2), np.minimum(generic.upper, 2)
        values = low + random.uniform(0, 1, (frames, len(low))) * (high - low)
        values[:, generic.locked] = generic.defaults[generic.locked]
        # The patella of this model follows the knee one to one.
        values[:, generic.coupled] = values[:, generic.drivers]
        return values

    return draw


@pytest.fixture
def program(monkeypatch) -> str:
    """The add-on's preference: the Python of these tests, which finds this clone's odah-gen."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return sys.executable
