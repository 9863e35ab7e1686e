"""Frame features of whole clips, computed once: what the second stage learns from."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from odah_gen.errors import InputError
from odah_gen.storage import read_npz, write_npz
from odah_net.configuration import FEATURES
from odah_net.data.clips import ClipData
from odah_net.data.dataset import Sample, Sequences, window_starts
from odah_net.network.frame_encoder import FrameEncoder
from odah_net.training.batches import batches

Features = dict[str, Float[np.ndarray, "frames features"]]


@torch.no_grad()
def frame_features(
    encoder: FrameEncoder, frames: Sequences, batch: int, workers: int, device: torch.device | str
) -> Features:
    """The feature of every frame, by clip; NaN for frames without a label."""
    found = {clip.clip_id: np.full((clip.frames, FEATURES), np.nan, dtype=np.float32) for clip in frames.clips}
    encoder.eval()
    for sample in batches(frames, np.array_split(np.arange(len(frames)), -(-len(frames) // batch)), workers):
        inputs = (sample[name].flatten(0, 1).to(device) for name in ("pictures", "points", "places"))
        features = encoder(*inputs).float().cpu().numpy()
        for clip, frame, feature in zip(sample["clip"].flatten(), sample["frame"].flatten(), features):
            found[frames.clips[int(clip)].clip_id][int(frame)] = feature
    return found


def kept_features(
    path: Path, encoder: FrameEncoder, frames: Sequences, batch: int, workers: int, device: torch.device | str
) -> Features:
    """The features that a file keeps, computed and written where it has none of this encoder and these clips."""
    names = [clip.clip_id for clip in frames.clips]
    marks: dict[str, Any] = {"encoder": weights_checksum(encoder), "clips": np.array(names), "seed": frames.seed}
    if path.is_file():
        kept = read_npz(path)
        if all(name in kept and np.array_equal(kept[name], mark) for name, mark in marks.items()):
            return {name: kept[f"features/{name}"] for name in names}
    features = frame_features(encoder, frames, batch, workers, device)
    write_npz(path, **marks, **{f"features/{name}": array for name, array in features.items()})
    return features


def weights_checksum(encoder: FrameEncoder) -> int:
    """A checksum of all weights."""
    found = 0
    for tensor in encoder.state_dict().values():
        found = zlib.crc32(tensor.cpu().contiguous().numpy().tobytes(), found)
    return found


class FeatureWindows(Dataset[Sample]):
    """Windows of frame features with their labels: `features` [T, 102], `angles` [T, 36], `scales` [T, 22, 3].

    Attributes:
        features: of every clip; to be set before the first sample is taken.
    """

    features: Features

    def __init__(
        self,
        clips: Sequence[ClipData],
        length: int,
        step: int,
        noise_rad: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Find the windows.

        Args:
            clips: of a data set.
            length: frames of a window.
            step: windows begin every so many frames.
            noise_rad: standard deviation of what is added to every feature, other numbers in every epoch: an encoder's
                errors are smaller on the frames that it learnt from than on others.
            seed: decides the noise.

        Raises:
            InputError: no clip has enough valid frames in a row.
        """
        self.clips, self.length, self.epoch, self.noise_rad, self.seed = clips, length, 0, noise_rad, seed
        self.windows = [(clip, start) for clip in clips for start in window_starts(clip.labels["valid"], length, step)]
        if not self.windows:
            raise InputError(
                f"none of {len(clips)} clips has {length} valid frames in a row, which this network's sequences need. "
                "Render longer clips, or choose a network with shorter sequences."
            )

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> Sample:
        clip, start = self.windows[index]
        part = slice(start, start + self.length)
        features = self.features[clip.clip_id][part]
        generator = np.random.default_rng([self.seed, self.epoch, index])
        arrays = {
            "features": features + self.noise_rad * generator.standard_normal(features.shape),
            "angles": clip.labels["coordinates_rad"][part],
            "scales": np.broadcast_to(clip.labels["scales"], (self.length, *clip.labels["scales"].shape)),
        }
        return {name: as_tensor(array) for name, array in arrays.items()}


def as_tensor(array: np.ndarray) -> Tensor:
    """The array in single precision."""
    return torch.from_numpy(np.array(array, dtype=np.float32))
