"""A training run: both stages, begun or gone on with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.body.layout import load_layout
from odah_gen.errors import InputError
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.worker import call
from odah_net.configuration import size_called
from odah_net.data.clips import ClipData, open_clips
from odah_net.data.crops_of_clip import CropCache
from odah_net.data.dataset import Sequences
from odah_net.kinematics import Kinematics
from odah_net.network.model import Network, Prediction
from odah_net.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from odah_net.training.features import FeatureWindows, kept_features
from odah_net.training.log import LossLog
from odah_net.training.plan import FRAME, SEQUENCE, Length, Plan
from odah_net.training.stages import Session, Stage, frame_prediction, run_stage

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Machine:
    """How a run uses the machine; nothing here changes what is learnt, apart from rounding.

    Attributes:
        device: where it is trained.
        workers: processes that make samples.
        at_once: most frames per forward pass.
        save_every: steps between checkpoints.
    """

    device: torch.device
    workers: int = 0
    at_once: int = 64
    save_every: int = 500


def train(
    data: Path,
    out: Path,
    plan: Plan,
    length: Length,
    machine: Machine,
    resume: bool = False,
    skeleton: Skeleton | None = None,
) -> Path:
    """Train both stages; returns the checkpoint.

    Args:
        data: an exported data set.
        out: folder for the checkpoint, losses.csv, and what is kept from the first pass over the videos.
        plan: what is trained.
        length: how long.
        machine: where.
        resume: go on from the checkpoint in `out`.
        skeleton: of generic size; read by OpenSim where it is not given.

    Raises:
        InputError: the data cannot be used, `out` holds another run, or there is nothing to go on from.
    """
    clips = open_clips(data)
    state = started(out, plan, clips, resume, skeleton)
    network, size = state.build(machine.device), size_called(plan.config)
    log = LossLog(out / "losses.csv")
    if resume:
        log.go_on_from(state.stage, state.step)

    def save(stage: str, step: int, optimizer: dict[str, Any]) -> None:
        log.write()
        content = Checkpoint(plan, state.skeleton, state.mean, stage, step, network.state_dict(), optimizer)
        write_checkpoint(out / CHECKPOINT, content)

    session = Session(
        network=network,
        kinematics=state.kinematics(machine.device),
        device=machine.device,
        terms=plan.terms,
        learning_rate=plan.learning_rate,
        seed=plan.seed,
        workers=machine.workers,
        log=log,
        save=save,
        save_every=machine.save_every,
    )
    # Both are made before the first step, so that unfit data are refused then and not between the stages.
    frames = Sequences(clips, size, 1, 1, plan.seed, CropCache(out / "crops"))
    windows = FeatureWindows(clips, size.frames) if length.sequence else None
    first, optimizer = state.step, state.optimizer or None
    if state.stage == FRAME:
        run_stage(session, frame_stage(network, frames, plan, length, machine), first, optimizer)
        first, optimizer = 0, None
    if windows:
        windows.features = kept_features(
            out / "features.npz", network.frame, frames, machine.at_once, machine.workers, machine.device
        )
        run_stage(session, sequence_stage(network, windows, plan, length, machine), first, optimizer)
    return out / CHECKPOINT


def frame_stage(network: Network, frames: Sequences, plan: Plan, length: Length, machine: Machine) -> Stage:
    """The first stage: the frame encoder."""
    steps = length.steps(FRAME, -(-len(frames) // plan.frame_batch))
    return Stage(
        FRAME,
        frames,
        plan.frame_batch,
        machine.at_once,
        steps,
        network.frame,
        lambda part: frame_prediction(network, part),
    )


def sequence_stage(network: Network, windows: FeatureWindows, plan: Plan, length: Length, machine: Machine) -> Stage:
    """The second stage: refinement of features that no longer change."""
    steps = length.steps(SEQUENCE, -(-len(windows) // plan.sequence_batch))
    at_once = max(1, machine.at_once // windows.length)
    return Stage(
        SEQUENCE,
        windows,
        plan.sequence_batch,
        at_once,
        steps,
        network.sequence,
        lambda part: network.sequence(part["features"]),
    )


def started(out: Path, plan: Plan, clips: Sequence[ClipData], resume: bool, skeleton: Skeleton | None) -> Checkpoint:
    """The state to go on from: that of the checkpoint, or new weights.

    Raises:
        InputError: there is a checkpoint and it is not wanted, or there is none and it is; or the labels do not fit.
    """
    path = out / CHECKPOINT
    if resume:
        state = read_checkpoint(path)
        plan.check_same(state.plan)
    elif path.exists():
        raise InputError(f"{path}: is there already. Go on with it by --resume, or choose another --out.")
    else:
        state = beginning(plan, clips, skeleton or generic_skeleton())
    check_labels(clips, Kinematics(state.skeleton))
    return state


def beginning(plan: Plan, clips: Sequence[ClipData], skeleton: Skeleton) -> Checkpoint:
    """New weights from the plan's seed."""
    torch.manual_seed(plan.seed)
    network = Network(size_called(plan.config))
    mean = mean_pose([clip.labels for clip in clips])
    return Checkpoint(plan, skeleton, mean, FRAME, 0, network.state_dict(), {})


def generic_skeleton() -> Skeleton:
    """The skeleton of generic size, read by OpenSim."""
    layout = load_layout()
    text = call("generic_model", names=layout.names, bodies=layout.bodies, locations_m=layout.locations_m, locked=())
    return call("read_skeleton", text=text)


def check_labels(clips: Sequence[ClipData], kinematics: Kinematics) -> None:
    """See that the labels' coordinates are the skeleton's.

    Raises:
        InputError: a clip has other ones.
    """
    for clip in clips:
        names = tuple(clip.labels["coordinate_names"].tolist())
        if names != kinematics.names:
            other = sorted(set(names) ^ set(kinematics.names))
            raise InputError(
                f"{clip.folder / 'labels.npz'}: its coordinates are not those of the skeleton "
                f"({', '.join(other) or 'another order'}). Export the data set again."
            )


def mean_pose(labels: Sequence[Mapping[str, np.ndarray]]) -> Prediction:
    """Mean angles, on the circle, and mean scale factors of all valid frames: the trivial predictor."""
    valid = [each["valid"] for each in labels]
    angles = np.concatenate([each["coordinates_rad"][kept] for each, kept in zip(labels, valid)])
    scales = np.average([each["scales"] for each in labels], axis=0, weights=[kept.sum() for kept in valid])
    return Prediction(single(np.arctan2(np.sin(angles).mean(0), np.cos(angles).mean(0))), single(scales))


def single(array: Float[np.ndarray, "*shape"]) -> torch.Tensor:
    """The array in single precision."""
    return torch.from_numpy(np.asarray(array, dtype=np.float32))
