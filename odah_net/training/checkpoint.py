"""A trained network in one file: weights, sizes, skeleton, mean pose, and what training needs to go on."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from odah_gen.errors import InputError
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.storage import atomic, missing
from odah_net.configuration import size_called
from odah_net.kinematics import Kinematics
from odah_net.network.model import Network, Prediction
from odah_net.training.begun import Begun
from odah_net.training.plan import Plan

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training run.

    Attributes:
        plan: how it is trained.
        skeleton: of generic size.
        mean: mean angles and scales of the training set, the trivial predictor.
        stage, step: which stage it is in, and how many of its steps are done.
        network: weights.
        optimizer: state of Adam.
        begun: the data and the length that the run was begun with; None in files of an earlier odah-net.
    """

    plan: Plan
    skeleton: Skeleton
    mean: Prediction
    stage: str
    step: int
    network: dict[str, Tensor]
    optimizer: dict[str, Any]
    begun: Begun | None = None

    def build(self, device: torch.device | str = "cpu") -> Network:
        """The network with these weights."""
        network = Network(size_called(self.plan.config))
        network.load_state_dict(self.network)
        return network.to(device)

    def kinematics(self, device: torch.device | str = "cpu") -> Kinematics:
        """The skeleton's kinematics."""
        return Kinematics(self.skeleton, device=device)


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint whole or not at all."""
    content = {
        "format": FORMAT,
        "plan": checkpoint.plan.as_dict(),
        "skeleton": {name: plain(value) for name, value in vars(checkpoint.skeleton).items()},
        "mean": vars(checkpoint.mean),
        **{name: getattr(checkpoint, name) for name in ("stage", "step", "network", "optimizer")},
        "begun": checkpoint.begun.as_dict() if checkpoint.begun else None,
    }
    with atomic(path) as temporary:
        torch.save(content, temporary)


def plain(value: Any) -> Any:
    """Arrays as tensors, which load without running code; names as they are."""
    return torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray) else value


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; nothing in it is executed.

    Raises:
        InputError: the file is missing or was not written by `odah-net train`.
    """
    if not path.is_file():
        raise missing(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content["format"] != FORMAT:
            raise KeyError("format")
        arrays: dict[str, Any] = {
            name: value.numpy() if isinstance(value, Tensor) else value for name, value in content["skeleton"].items()
        }
        return Checkpoint(
            plan=Plan.from_dict(content["plan"]),
            skeleton=Skeleton(**arrays),
            mean=Prediction(**content["mean"]),
            **{name: content[name] for name in ("stage", "step", "network", "optimizer")},
            begun=Begun.from_dict(content["begun"]) if content.get("begun") else None,
        )
    except (pickle.UnpicklingError, RuntimeError, KeyError, TypeError, EOFError) as error:
        raise InputError(f"{path}: is no checkpoint of odah-net train. Choose a file that it wrote.") from error
