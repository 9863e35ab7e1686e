"""The two stages: the frame encoder, whose feature is a prediction by itself; then refinement over time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from odah_net.data.dataset import Sample
from odah_net.kinematics import Kinematics
from odah_net.losses import losses
from odah_net.network.model import Network, Prediction, read_features
from odah_net.training.batches import Epochs, InEpoch, Steps, batches
from odah_net.training.board import Board
from odah_net.training.log import LossLog, Progress
from odah_net.training.plan import Plan
from odah_net.training.ranks import Ranks

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
        plan: how it is trained.
        ranks: this process among those that train together.
        workers: processes that make samples of frames.
        log: losses of every step.
        validation: losses on unseen samples at each checkpoint.
        save: called with stage, steps done, Adam's state, and whether no checkpoint of the stage validated better.
        save_every: steps between checkpoints.
        boards: where TensorBoard finds its figures; a folder for each stage, None for none.
    """

    network: Network
    kinematics: Kinematics
    device: torch.device
    plan: Plan
    ranks: Ranks
    workers: int
    log: LossLog
    validation: LossLog
    save: Callable[[str, int, dict[str, Any], bool], None]
    save_every: int
    boards: Path | None = None


def frame_prediction(network: Network, sample: Sample) -> Prediction:
    """What frames say by themselves; the sample's frames and sequences are one batch."""
    return read_features(network.frame(*(sample[name].flatten(0, 1) for name in ("pictures", "points", "places"))))


def sequence_prediction(network: Network, sample: Sample) -> Prediction:
    """What sequences say, from their pictures."""
    frames = sample["pictures"].shape[1]
    inputs = (sample[name].flatten(0, 1) for name in ("pictures", "points", "places"))
    return network.sequence(network.frame(*inputs).unflatten(0, (-1, frames)))


def run_stage(session: Session, stage: Stage, first: int = 0, optimizer_state: dict[str, Any] | None = None) -> None:
    """Train a stage from a step on to its end, with a checkpoint every so often and at the end."""
    learning = [parameter for parameter in stage.module.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(learning, session.plan.learning_rate, ADAM_BETAS)
    if optimizer_state:
        optimizer.load_state_dict(optimizer_state)
    stage.module.train()
    order = order_of(session, stage, first)
    progress, board = Progress(stage.name, first, stage.steps), board_of(session, stage, first)
    for step, sample in enumerate(loaded(session, stage, order), first):
        set_rate(optimizer, session.plan.rate(step, stage.steps))
        terms = take_step(session, stage, optimizer, sample, order.size(step))
        if not session.ranks.is_first:
            continue
        session.log.add(stage.name, step, terms)
        board.add("training", step, terms)
        progress.tell(step, sum(terms.values()))
        if (step + 1) % session.save_every == 0 or step + 1 == stage.steps:
            best = validate(session, stage, step, board)
            session.save(stage.name, step + 1, optimizer.state_dict(), best)
            board.flush()
    session.ranks.wait()


def order_of(session: Session, stage: Stage, first: int) -> Steps:
    """This process's samples of every step."""
    ranks = session.ranks
    return Steps(
        len(stage.samples), stage.batch, session.plan.seed, first, stage.steps, rank=ranks.rank, ranks=ranks.count
    )


def board_of(session: Session, stage: Stage, first: int) -> Board:
    """Where TensorBoard finds the figures of a stage."""
    return Board(session.boards / stage.name if session.boards and session.ranks.is_first else None, first)


def loaded(session: Session, stage: Stage, order: Steps) -> Iterator[Sample]:
    """The samples of every step, on the CPU."""
    return batches(InEpoch(stage.samples), order, session.workers)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give all parameters a learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def take_step(
    session: Session, stage: Stage, optimizer: torch.optim.Optimizer, sample: Sample, count: int
) -> dict[str, float]:
    """One step of Adam; returns the weighted losses, means over the step's `count` samples in all processes."""
    optimizer.zero_grad()
    counts = session.ranks.rank < count
    sums: dict[str, Tensor] = {}
    for start in range(0, len(sample["angles"]), stage.at_once):
        part = {name: tensor[start : start + stage.at_once].to(session.device) for name, tensor in sample.items()}
        share = counts * len(part["angles"]) / count
        terms = losses_of(session, stage, part)
        (share * torch.stack(list(terms.values())).sum()).backward()
        sums = {name: sums.get(name, 0.0) + share * term.detach() for name, term in terms.items()}
    session.ranks.sum_gradients([parameter for group in optimizer.param_groups for parameter in group["params"]])
    optimizer.step()
    return session.ranks.sum_terms(sums)


def losses_of(session: Session, stage: Stage, part: Sample) -> dict[str, Tensor]:
    """The weighted losses of a pass."""
    found = stage.predict(part)
    truth = Prediction(part["angles"].reshape(found.angles_rad.shape), part["scales"].reshape(found.scales.shape))
    return losses(session.kinematics, found, truth, session.plan.terms)


@torch.no_grad()
def validate(session: Session, stage: Stage, step: int, board: Board) -> bool:
    """Note the losses on unseen samples, spread evenly; whether no earlier ones of the stage are lower."""
    if stage.unseen is None:
        return False
    chosen = np.unique(np.linspace(0, len(stage.unseen) - 1, UNSEEN_SAMPLES).astype(int))
    order = [[(0, int(index)) for index in part] for part in np.array_split(chosen, -(-len(chosen) // stage.at_once))]
    sums: dict[str, float] = {}
    for sample in batches(InEpoch(stage.unseen), order, session.workers):
        part = {name: tensor.to(session.device) for name, tensor in sample.items()}
        for name, term in losses_of(session, stage, part).items():
            sums[name] = sums.get(name, 0.0) + float(term) * len(part["angles"]) / len(chosen)
    before = [float(row["total"]) for row in session.validation.rows if row["stage"] == stage.name]
    session.validation.add(stage.name, step, sums)
    board.add("validation", step, sums)
    return sum(sums.values()) <= min(before, default=np.inf)
