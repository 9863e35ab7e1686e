"""Key points in the pictures as a detector would give them: the true places, blurred, some of them missing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from odah_gen.scene.cameras import Camera, in_picture, project


@dataclass(frozen=True)
class Detector:
    """A detector that knows the truth.

    Attributes:
        noise_px: standard deviation of a key point's place along each axis of the picture.
        drop_out: share of key points that a view misses, each frame and key point for itself.
        seed: of both, together with the clip's name.
    """

    noise_px: float = 0.0
    drop_out: float = 0.0
    seed: int = 0

    def detect(
        self, cameras: Mapping[str, Camera], points_m: Float[np.ndarray, "frames points 3"], clip_id: str
    ) -> dict[str, Float[np.ndarray, "frames points 2"]]:
        """Where each camera finds the points (px); NaN where it misses one, or has it outside its picture.

        Noise and misses are the same numbers for any `noise_px`: more noise moves every key point farther the same way.

        Args:
            cameras: by name.
            points_m: key points (world, m).
            clip_id: the same clip gives the same detections.
        """
        generator = np.random.default_rng([self.seed, *clip_id.encode()])
        found = {}
        for name, camera in cameras.items():
            true_px = project(camera, points_m)
            moved_px = true_px + self.noise_px * generator.standard_normal(true_px.shape)
            missed = generator.random(true_px.shape[:-1]) < self.drop_out
            seen = in_picture(camera, true_px) & ~missed
            found[name] = np.where(seen[..., None], moved_px, np.nan)
        return found
