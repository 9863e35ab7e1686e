"""The generic skeleton, read once by OpenSim."""

from pathlib import Path

import pytest
import torch

from odah_gen.body.layout import load_layout
from odah_gen.skeleton.worker import call
from odah_net.kinematics import Kinematics
from tests.odah_net.drawn_data_set import write_data_set


@pytest.fixture(scope="session")
def generic_text() -> str:
    layout = load_layout()
    return call("generic_model", names=layout.names, bodies=layout.bodies, locations_m=layout.locations_m, locked=())


@pytest.fixture(scope="session")
def kinematics(generic_text) -> Kinematics:
    return Kinematics(call("read_skeleton", text=generic_text), torch.float64)


@pytest.fixture(scope="session")
def drawn(kinematics, tmp_path_factory) -> Path:
    """A data set of two subjects with one clip each."""
    return write_data_set(tmp_path_factory.mktemp("data") / "drawn", kinematics)


def random_angles(kinematics: Kinematics, *batch: int, seed: int = 0) -> torch.Tensor:
    """Angles within their ranges, free ones within a turn."""
    share = torch.rand(
        *batch, len(kinematics.names), generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    lower = torch.where(kinematics.free, -torch.pi, kinematics.lower)
    upper = torch.where(kinematics.free, torch.pi, kinematics.upper)
    return lower + share * (upper - lower)
