"""What is compared on a clip: the sequence, its frames by themselves, and the mean pose; each beside the label."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from odah_net.kinematics import Kinematics
from odah_net.network.model import Network, Prediction, read_features
from odah_net.refinement import refined

SEQUENCE, FRAMES, MEAN = "sequence", "frames", "mean pose"


@dataclass(frozen=True)
class Track:
    """Kinematics of a clip by one method, or its label.

    Attributes:
        angles_rad: coordinates without the pelvis translations.
        scales: factors of each body, in every frame; None where the method is not asked for them.
        points_m: mass centres, then joint centres, from the pelvis on (OpenSim ground); NaN for what the method's
            skeleton does not have.
    """

    angles_rad: Float[np.ndarray, "frames angles"]
    scales: Float[np.ndarray, "frames bodies 3"] | None
    points_m: Float[np.ndarray, "frames 44 3"]

    def take(self, frames: slice | Bool[np.ndarray, " frames"]) -> "Track":
        """Some of the frames."""
        scales = None if self.scales is None else self.scales[frames]
        return Track(self.angles_rad[frames], scales, self.points_m[frames])

    def with_points(self, kept: Bool[np.ndarray, " points"]) -> "Track":
        """Some of the key points."""
        return Track(self.angles_rad, self.scales, self.points_m[:, kept])


@dataclass(frozen=True)
class ClipTracks:
    """A clip's label and what each method finds.

    Attributes:
        clip_id, fps: of the catalogue.
        valid: frames with a label.
        truth: the label.
        found: by method.
    """

    clip_id: str
    fps: float
    valid: Bool[np.ndarray, " frames"]
    truth: Track
    found: Mapping[str, Track]


def track(kinematics: Kinematics, angles: np.ndarray | Tensor, scales: np.ndarray | Tensor) -> Track:
    """A track from angles and scale factors; factors of a whole clip hold in each of its frames."""
    angles, scales = (torch.as_tensor(each, dtype=torch.float32) for each in (angles, scales))
    scales = scales.expand(len(angles), *scales.shape[-2:])
    points = kinematics.key_points(angles, scales)
    return Track(*(each.double().numpy() for each in (angles, scales, points)))


def methods(
    network: Network,
    kinematics: Kinematics,
    mean: Prediction,
    features: Float[np.ndarray, "frames features"],
    with_sequence: bool = True,
) -> dict[str, Track]:
    """What each method says about a clip, from its frame features (NaN where the label is not valid)."""
    frames = read_features(torch.from_numpy(np.nan_to_num(features)))
    found = {
        FRAMES: track(kinematics, frames.angles_rad, frames.scales),
        MEAN: track(kinematics, mean.angles_rad.expand(len(features), -1), mean.scales),
    }
    if not with_sequence:
        return found
    return {SEQUENCE: track(kinematics, *refined(network.sequence, features, kinematics.free.numpy())), **found}
