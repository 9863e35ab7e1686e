"""The two stages: the frame encoder, whose feature is a prediction by itself; then refinement over time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from odah_net.data.dataset import Sample
from odah_net.kinematics import Kinematics
from odah_net.losses import LossTerms, losses
from odah_net.network.model import Network, Prediction, read_features
from odah_net.training.batches import Epochs, InEpoch, Steps
from odah_net.training.log import LossLog, Progress

ADAM_BETAS = (0.5, 0.999)
UNSEEN_SAMPLES = 256


@dataclass(frozen=True)
class Stage:
    """What is trained, on what.

    Attributes:
        name: frame or sequence.
        samples: what a step draws from.
        batch: samples per step.
        at_once: samples per forward pass; gradients of a step are summed over its passes.
        steps: how many the whole stage has.
        module: the part of the network that learns.
        predict: from the samples of a pass to their prediction.
        unseen: samples for validation, none where there is no such data set.
    """

    name: str
    samples: Epochs
    batch: int
    at_once: int
    steps: int
    module: nn.Module
    predict: Callable[[Sample], Prediction]
    unseen: Epochs | None = None


@dataclass
class Session:
    """What both stages share.

    Attributes:
        network: the whole network.
        kinematics: of the generic skeleton, on the device.
        device: where it is trained.
        terms: which losses count.
        learning_rate: of Adam.
        seed: decides the order of samples.
        workers: processes that make samples of frames.
        log: losses of every step.
        validation: losses on unseen samples at each checkpoint.
        save: called with stage, steps done, Adam's state, and whether no checkpoint of the stage validated better.
        save_every: steps between checkpoints.
    """

    network: Network
    kinematics: Kinematics
    device: torch.device
    terms: LossTerms
    learning_rate: float
    seed: int
    workers: int
    log: LossLog
    validation: LossLog
    save: Callable[[str, int, dict[str, Any], bool], None]
    save_every: int


def frame_prediction(network: Network, sample: Sample) -> Prediction:
    """What frames say by themselves; the sample's frames and sequences are one batch."""
    return read_features(network.frame(*(sample[name].flatten(0, 1) for name in ("pictures", "points", "places"))))


def run_stage(session: Session, stage: Stage, first: int = 0, optimizer_state: dict[str, Any] | None = None) -> None:
    """Train a stage from a step on to its end, with a checkpoint every so often and at the end."""
    learning = [parameter for parameter in stage.module.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(learning, session.learning_rate, ADAM_BETAS)
    if optimizer_state:
        optimizer.load_state_dict(optimizer_state)
    stage.module.train()
    progress = Progress(stage.name, first, stage.steps)
    for step, sample in enumerate(batches(session, stage, first), first):
        terms = take_step(session, stage, optimizer, sample)
        session.log.add(stage.name, step, terms)
        progress.tell(step, sum(terms.values()))
        if (step + 1) % session.save_every == 0 or step + 1 == stage.steps:
            best = validate(session, stage, step)
            session.save(stage.name, step + 1, optimizer.state_dict(), best)


def batches(session: Session, stage: Stage, first: int) -> Iterator[Sample]:
    """The samples of every step, on the CPU."""
    order = Steps(len(stage.samples), stage.batch, session.seed, first, stage.steps)
    workers = min(session.workers, len(order))
    return iter(DataLoader(InEpoch(stage.samples), batch_sampler=order, num_workers=workers))


def take_step(session: Session, stage: Stage, optimizer: torch.optim.Optimizer, sample: Sample) -> dict[str, float]:
    """One step of Adam; returns the weighted losses, means over the step's samples."""
    optimizer.zero_grad()
    count = len(sample["angles"])
    sums: dict[str, Tensor] = {}
    for start in range(0, count, stage.at_once):
        part = {name: tensor[start : start + stage.at_once].to(session.device) for name, tensor in sample.items()}
        share = len(part["angles"]) / count
        terms = losses_of(session, stage, part)
        (share * torch.stack(list(terms.values())).sum()).backward()
        sums = {name: sums.get(name, 0.0) + share * term.detach() for name, term in terms.items()}
    optimizer.step()
    return {name: float(value) for name, value in sums.items()}


def losses_of(session: Session, stage: Stage, part: Sample) -> dict[str, Tensor]:
    """The weighted losses of a pass."""
    found = stage.predict(part)
    truth = Prediction(part["angles"].reshape(found.angles_rad.shape), part["scales"].reshape(found.scales.shape))
    return losses(session.kinematics, found, truth, session.terms)


@torch.no_grad()
def validate(session: Session, stage: Stage, step: int) -> bool:
    """Note the losses on unseen samples, spread evenly; whether no earlier ones of the stage are lower."""
    if stage.unseen is None:
        return False
    chosen = np.unique(np.linspace(0, len(stage.unseen) - 1, UNSEEN_SAMPLES).astype(int))
    order = [[(0, int(index)) for index in part] for part in np.array_split(chosen, -(-len(chosen) // stage.at_once))]
    workers = min(session.workers, len(order))
    sums: dict[str, float] = {}
    for sample in DataLoader(InEpoch(stage.unseen), batch_sampler=order, num_workers=workers):
        part = {name: tensor.to(session.device) for name, tensor in sample.items()}
        for name, term in losses_of(session, stage, part).items():
            sums[name] = sums.get(name, 0.0) + float(term) * len(part["angles"]) / len(chosen)
    before = [float(row["total"]) for row in session.validation.rows if row["stage"] == stage.name]
    session.validation.add(stage.name, step, sums)
    return sum(sums.values()) <= min(before, default=np.inf)
