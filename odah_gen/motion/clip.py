"""A clip of body motion in memory, whatever file it came from."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class MotionClip:
    """Body motion as rotation vectors of SMPL-X's 55 joints and a translation.

    Attributes:
        poses: rotation vectors relative to the parent joint, rad, in the order of `odah_gen.body.model.JOINT_NAMES`;
            columns 0:3 turn the pelvis in the clip's frame.
        trans: translation of the whole body, m. The pelvis joint is at trans + pelvis at rest, not at trans.
        fps: frames per second.
        gender: female, male or neutral.
        betas: shape coefficients of the file's own shape space; empty when it has none.
        flavour: "smplh" or "smplx", the model that the source's shape coefficients belong to.
        source_file: where the motion came from: a file, or the name of a procedural action.
        source_frame: for each frame its place in the source, counted from 0; may lie between two frames.
        source_rate_hz: frames per second of the source.
        leg_length_m: hip to ankle of the body that moved, m, where it is known.
        height_wanders: whether the body of the source rises and sinks by centimetres while it stands on the floor.
    """

    poses: Float[np.ndarray, "frames 165"]
    trans: Float[np.ndarray, "frames 3"]
    fps: float
    gender: str
    betas: Float[np.ndarray, " betas"]
    flavour: str
    source_file: str
    source_frame: Float[np.ndarray, " frames"]
    source_rate_hz: float
    leg_length_m: float | None = None
    height_wanders: bool = False

    @property
    def frames(self) -> int:
        """How many frames the clip has."""
        return len(self.poses)

    @property
    def time_s(self) -> Float[np.ndarray, " frames"]:
        """Time since the first frame, s."""
        return np.arange(self.frames) / self.fps
