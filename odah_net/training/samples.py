"""What the two stages draw from a data set."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch

from odah_net.configuration import size_called
from odah_net.data.clips import open_clips
from odah_net.data.crops_of_clip import CropCache
from odah_net.data.dataset import Sequences
from odah_net.network.model import Network
from odah_net.training.features import FeatureWindows, kept_features
from odah_net.training.plan import Length, Plan
from odah_net.training.ranks import ALONE, Ranks


@dataclass(frozen=True)
class Machine:
    """How a run uses the machine; nothing here changes what is learnt, apart from rounding.

    Attributes:
        device: where it is trained.
        workers: processes that make samples.
        at_once: most frames per forward pass.
        save_every: steps between checkpoints.
        ranks: this process among those that train together.
        tensorboard: whether figures are written for TensorBoard, too.
    """

    device: torch.device
    workers: int = 0
    at_once: int = 64
    save_every: int = 500
    ranks: Ranks = ALONE
    tensorboard: bool = False


@dataclass(frozen=True)
class Samples:
    """What both stages draw from.

    Attributes:
        frames: of the first stage, perhaps changed by augmentation.
        plain: the same frames as they are.
        windows: of the second stage, of features, which are set when it begins, or of pictures where the encoder learns
            on; none where the stage has no steps.
        kept: file for the features.
    """

    frames: Sequences
    plain: Sequences
    windows: FeatureWindows | Sequences | None
    kept: Path

    def set_features(self, network: Network, machine: Machine) -> None:
        """Give the windows what the encoder finds: the first process computes it, and the others read it."""
        if isinstance(self.windows, FeatureWindows):
            if not machine.ranks.is_first:
                machine.ranks.wait()
            self.windows.features = kept_features(
                self.kept, network.frame, self.plain, machine.at_once, machine.workers, machine.device
            )
            if machine.ranks.is_first:
                machine.ranks.wait()


def samples_of(data: Path, out: Path, plan: Plan, length: Length, called: str) -> Samples:
    """The samples of a data set.

    Args:
        data: the data set.
        out: folder for crops and features.
        plan: which subjects, and how they are changed.
        length: whether there is a second stage.
        called: name of the file for features.

    Raises:
        InputError: the data cannot be used.
    """
    clips, size = open_clips(data, plan.subjects or None, plan.views), size_called(plan.config)
    cache = CropCache(out / "crops")
    frames = Sequences(clips, size, 1, 1, plan.seed, cache, plan.augment, plan.mirror)
    plain = Sequences(clips, size, 1, 1, plan.seed, cache)
    windows: FeatureWindows | Sequences | None = None
    if length.sequence and plan.unfreeze:
        windows = Sequences(clips, size, size.frames, plan.window_step, plan.seed, cache, plan.augment, plan.mirror)
    elif length.sequence:
        windows = FeatureWindows(clips, size.frames, plan.window_step, plan.feature_noise_rad, plan.seed)
    return Samples(frames, plain, windows, out / called)


def unseen_samples(data: Path | None, out: Path, plan: Plan, length: Length) -> Samples | None:
    """The samples for validation, all of them as they are; None without a data set."""
    as_it_is = dataclasses.replace(plan, subjects=(), augment=False, mirror=False, feature_noise_rad=0.0)
    return samples_of(data, out, as_it_is, length, "features-val.npz") if data else None
