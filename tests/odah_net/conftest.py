"""The generic skeleton, read once by OpenSim."""

from pathlib import Path

import pytest
import torch

from odah_gen.body.layout import load_layout
from odah_gen.skeleton.worker import call
from odah_net.configuration import SIZES, NetworkSize
from odah_net.kinematics import Kinematics
from odah_net.training.plan import Length, Plan
from odah_net.training.run import train
from odah_net.training.samples import Machine
from tests.odah_net.drawn_data_set import write_data_set

TINY = NetworkSize(
    image_px=32,
    stacks=1,
    stem_channels=8,
    head_channels=8,
    points=40,
    point_hidden=32,
    point_features=8,
    frame_hidden=64,
    temporal_channels=8,
    temporal_blocks=(1, 1, 1),
    frames=16,
)


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


@pytest.fixture(scope="session", autouse=True)
def tiny() -> None:
    """A network that tests can train, by the name `tiny`."""
    SIZES["tiny"] = TINY


@pytest.fixture(scope="session")
def trained(drawn, kinematics, tmp_path_factory) -> Path:
    """A checkpoint of a tiny network after a short training on the drawn data set."""
    plan = Plan("tiny", frame_batch=8, sequence_batch=4, learning_rate=5e-3)
    out, machine = tmp_path_factory.mktemp("trained"), Machine(torch.device("cpu"))
    return train(drawn, out, plan, Length(30, 25, True), machine, skeleton=kinematics.forward.skeleton)


def random_angles(kinematics: Kinematics, *batch: int, seed: int = 0) -> torch.Tensor:
    """Angles within their ranges, free ones within a turn."""
    share = torch.rand(
        *batch, len(kinematics.names), generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    lower = torch.where(kinematics.free, -torch.pi, kinematics.lower)
    upper = torch.where(kinematics.free, torch.pi, kinematics.upper)
    return lower + share * (upper - lower)
