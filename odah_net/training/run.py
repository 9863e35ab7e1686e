"""A training run: both stages, begun or gone on with."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from odah_gen.body.layout import load_layout
from odah_gen.errors import InputError
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.worker import call
from odah_net.configuration import size_called
from odah_net.data.clips import ClipData, root_relative
from odah_net.data.dataset import Sequences
from odah_net.kinematics import Kinematics
from odah_net.network.model import Network, Prediction, features_that_say
from odah_net.training.begun import Begun
from odah_net.training.board import writer_class
from odah_net.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from odah_net.training.features import FeatureWindows
from odah_net.training.log import LossLog
from odah_net.training.plan import FRAME, SEQUENCE, Length, Plan
from odah_net.training.samples import Machine, Samples, samples_of, unseen_samples
from odah_net.training.stages import Session, Stage, frame_prediction, run_stage, sequence_prediction

CHECKPOINT, BEST = "checkpoint.pt", "best.pt"
KEY_POINTS_AGREE_M = 1e-3
"""Labels of the same skeleton agree to rounding; those of another one are centimetres apart."""


def train(
    data: Path,
    out: Path,
    plan: Plan,
    length: Length,
    machine: Machine,
    resume: bool = False,
    skeleton: Skeleton | None = None,
    unseen: Path | None = None,
) -> Path:
    """Train both stages; returns the checkpoint, the best validated one where there is a data set for that.

    Args:
        data: an exported data set.
        out: folder for the checkpoint, losses.csv, and what is kept from the first pass over the videos.
        plan: what is trained.
        length: how long.
        machine: where.
        resume: go on from the checkpoint in `out`.
        skeleton: of generic size; read by OpenSim where it is not given.
        unseen: a data set for validation; the second stage then builds on the best encoder of the first.

    Where several processes train together, the first one writes, and all return when it has.

    Raises:
        InputError: the data cannot be used, `out` holds another run, or there is nothing to go on from.
    """
    # All samples are found before the first step, so that unfit data are refused then and not between the stages.
    seen = samples_of(data, out, plan, length, "features.npz")
    validation = unseen_samples(unseen, out, plan, length)
    if machine.tensorboard:
        writer_class()
    begun = begun_with(seen, validation, plan, length)
    state = started(out, plan, begun, resume) or beginning(plan, seen.frames.clips, skeleton or generic_skeleton())
    state = dataclasses.replace(state, begun=begun)
    check_labels([*seen.frames.clips, *(validation.frames.clips if validation else ())], state.kinematics())
    network = state.build(machine.device)
    session = begin_session(out, state, network, machine, resume)
    first, optimizer = state.step, state.optimizer or None
    if state.stage == FRAME:
        run_stage(session, frame_stage(network, seen, validation, plan, begun, machine), first, optimizer)
        first, optimizer = 0, None
        if validation and (out / BEST).is_file():
            network.load_state_dict(read_checkpoint(out / BEST).network)
    if seen.windows:
        for samples in (seen, validation) if validation else (seen,):
            samples.set_features(network, machine)
        run_stage(session, sequence_stage(network, seen, validation, plan, begun, machine), first, optimizer)
    return out / (BEST if validation and (out / BEST).is_file() else CHECKPOINT)


def begun_with(seen: Samples, unseen: Samples | None, plan: Plan, length: Length) -> Begun:
    """Clips and length of a run."""
    counts = {FRAME: (len(seen.frames), plan.frame_batch), SEQUENCE: (len(seen.windows or ()), plan.sequence_batch)}
    clips = [tuple(clip.clip_id for clip in each.frames.clips) if each else () for each in (seen, unseen)]
    return Begun(
        {stage: length.steps(stage, -(-samples // batch)) for stage, (samples, batch) in counts.items()}, *clips
    )


def begin_session(out: Path, state: Checkpoint, network: Network, machine: Machine, resume: bool) -> Session:
    """What both stages share: where the state goes on from, and how it is saved."""
    plan, log, validation = state.plan, LossLog(out / "losses.csv"), LossLog(out / "validation.csv")
    if resume:
        log.go_on_from(state.stage, state.step)
        validation.go_on_from(state.stage, state.step)

    def save(stage: str, step: int, optimizer: dict[str, Any], best: bool) -> None:
        log.write()
        if validation.rows:
            validation.write()
        weights = network.state_dict()
        content = Checkpoint(plan, state.skeleton, state.mean, stage, step, weights, optimizer, state.begun)
        for name in (BEST, CHECKPOINT) if best else (CHECKPOINT,):
            write_checkpoint(out / name, content)

    return Session(
        network=network,
        kinematics=state.kinematics(machine.device),
        device=machine.device,
        plan=plan,
        ranks=machine.ranks,
        workers=machine.workers,
        log=log,
        validation=validation,
        save=save,
        save_every=machine.save_every,
        boards=out / "tensorboard" if machine.tensorboard else None,
    )


def frame_stage(
    network: Network, seen: Samples, unseen: Samples | None, plan: Plan, begun: Begun, machine: Machine
) -> Stage:
    """The first stage: the frame encoder."""
    return Stage(
        name=FRAME,
        samples=seen.frames,
        batch=plan.frame_batch,
        at_once=machine.at_once,
        steps=begun.steps[FRAME],
        module=network.frame,
        predict=lambda part: frame_prediction(network, part),
        unseen=unseen.frames if unseen else None,
    )


def sequence_stage(
    network: Network, seen: Samples, unseen: Samples | None, plan: Plan, begun: Begun, machine: Machine
) -> Stage:
    """The second stage: refinement of features that no longer change, or of those of an encoder that learns on."""
    windows = cast(FeatureWindows | Sequences, seen.windows)
    module: nn.Module = network if plan.unfreeze else network.sequence
    return Stage(
        name=SEQUENCE,
        samples=windows,
        batch=plan.sequence_batch,
        at_once=max(1, machine.at_once // windows.length),
        steps=begun.steps[SEQUENCE],
        module=module,
        predict=(lambda part: sequence_prediction(network, part))
        if plan.unfreeze
        else (lambda part: network.sequence(part["features"])),
        unseen=unseen.windows if unseen else None,
    )


def started(out: Path, plan: Plan, begun: Begun, resume: bool) -> Checkpoint | None:
    """The state of the checkpoint to go on from; None for a new run.

    Raises:
        InputError: there is a checkpoint and it is not wanted, or there is none and it is, or it is of another run.
    """
    path = out / CHECKPOINT
    if resume:
        state = read_checkpoint(path)
        differing = plan.differences(state.plan)
        if state.begun:
            differing += begun.differences(state.begun, plan, state.stage, state.step)
        if differing:
            raise InputError(
                f"{path}: was begun otherwise: {'; '.join(differing)}. Give the options of the first run, or another --out."
            )
        return state
    if path.exists():
        raise InputError(f"{path}: is there already. Go on with it by --resume, or choose another --out.")
    return None


def beginning(plan: Plan, clips: Sequence[ClipData], skeleton: Skeleton) -> Checkpoint:
    """New weights from the plan's seed."""
    torch.manual_seed(plan.seed)
    network = Network(size_called(plan.config))
    mean = mean_pose([clip.labels for clip in clips])
    if plan.from_mean:
        network.frame.begin_with(features_that_say(mean))
    return Checkpoint(plan, skeleton, mean, FRAME, 0, network.state_dict(), {})


def generic_skeleton() -> Skeleton:
    """The skeleton of generic size, read by OpenSim."""
    layout = load_layout()
    text = call("generic_model", names=layout.names, bodies=layout.bodies, locations_m=layout.locations_m, locked=())
    return call("read_skeleton", text=text)


def check_labels(clips: Sequence[ClipData], kinematics: Kinematics) -> None:
    """See that the labels are of the skeleton: its coordinates, and its key points in a valid frame.

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
        check_key_points(clip, kinematics)


def check_key_points(clip: ClipData, kinematics: Kinematics) -> None:
    """See that the skeleton has the key points of a clip where its coordinates and scale factors put them.

    Raises:
        InputError: it has not: the clip's model is not the generic one at other sizes.
    """
    frames = np.flatnonzero(clip.labels["valid"])[:1]
    named = (clip.labels["coordinates_rad"][frames], clip.labels["scales"])
    angles, scales = (torch.as_tensor(each, dtype=kinematics.forward.dtype) for each in named)
    found = kinematics.key_points(angles, scales.expand(len(frames), *scales.shape)).numpy()
    apart_m = np.abs(found - root_relative(clip.labels)[frames]).max(initial=0.0)
    if apart_m > KEY_POINTS_AGREE_M:
        raise InputError(
            f"{clip.folder / 'labels.npz'}: its key points are {1000 * apart_m:.0f} mm from where the skeleton has them; "
            f"{1000 * KEY_POINTS_AGREE_M:g} mm was expected. Use a run without a model of your own (skeleton.model)."
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
