"""Refinement of clips of any length: windows that overlap, blended so that no seam is seen."""

import numpy as np
import torch
from jaxtyping import Bool, Float

from odah_net.network.model import Prediction, SequenceNetwork

Angles = Float[np.ndarray, "frames angles"]


@torch.no_grad()
def refined(
    network: SequenceNetwork,
    features: Float[np.ndarray, "frames features"],
    free: Bool[np.ndarray, " angles"],
    device: torch.device | str = "cpu",
    batch: int = 16,
) -> tuple[Angles, Float[np.ndarray, "bodies 3"]]:
    """Angles of every frame (rad) and one set of scale factors.

    Frames without a feature (NaN) get one between their neighbours'; a clip shorter than a sequence is prolonged by its
    last frame.

    Args:
        network: the refinement.
        features: of a clip, in order.
        free: angles that are blended on the circle.
        device: where the network is.
        batch: windows per forward pass.
    """
    length, frames = network.size.frames, len(features)
    whole = np.pad(filled(features), ((0, max(0, length - frames)), (0, 0)), mode="edge")
    starts = overlapping_starts(len(whole), length)
    windows = torch.from_numpy(np.stack([whole[start : start + length] for start in starts]).astype(np.float32))
    network.eval()
    found = [network(part.to(device)) for part in windows.split(batch)]
    joined = Prediction(*(torch.cat([getattr(part, name) for part in found]) for name in ("angles_rad", "scales")))
    angles = blended(joined.angles_rad.double().cpu().numpy(), starts, free)
    return angles[:frames], joined.scales.double().mean((0, 1)).cpu().numpy()


def filled(features: Float[np.ndarray, "frames features"]) -> Float[np.ndarray, "frames features"]:
    """The features with those that are missing (NaN) drawn as lines between their neighbours.

    Raises:
        ValueError: all are missing.
    """
    there = np.flatnonzero(np.isfinite(features).all(1))
    if not len(there):
        raise ValueError("no frame has a feature")
    frames = np.arange(len(features))
    return np.stack([np.interp(frames, there, column[there]) for column in features.T], 1)


def overlapping_starts(frames: int, length: int) -> list[int]:
    """First frames of windows, half a window apart; the last one ends with the clip."""
    return sorted({*range(0, frames - length + 1, length // 2), frames - length})


def blended(
    windows: Float[np.ndarray, "windows length angles"], starts: list[int], free: Bool[np.ndarray, " angles"]
) -> Angles:
    """Means of windows, each weighing most in its middle; free angles on the circle, in (−π, π]."""
    length = windows.shape[1]
    weights = np.minimum(np.arange(1, length + 1), np.arange(length, 0, -1))[:, None].astype(float)
    parts = (windows, np.sin(windows), np.cos(windows))
    sums = np.zeros((3, starts[-1] + length, windows.shape[2]))
    total = np.zeros((starts[-1] + length, 1))
    for number, start in enumerate(starts):
        place = slice(start, start + length)
        total[place] += weights
        for part, mean in zip(parts, sums):
            mean[place] += weights * part[number]
    return np.where(free, np.arctan2(sums[1], sums[2]), sums[0] / total)
