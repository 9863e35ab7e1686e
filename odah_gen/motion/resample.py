"""Change of frame rate: rotations along the shortest great arc, translations along straight lines."""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from odah_gen.motion.clip import MotionClip

SAME_RATE = 1e-5
"""Rates that differ by less than this share (1 frame in 100,000) are one rate: 120.00004577 Hz is 120 Hz."""


def resample(clip: MotionClip, fps: float) -> MotionClip:
    """Bring a clip to a frame rate; frame k stands at k / fps seconds, and frame 0 is the source's frame 0.

    When the rates agree the poses are the source's own, to the bit.
    """
    frames = resampled_frames(clip.frames, clip.fps, fps)
    if same_rate(clip.fps, fps):
        return dataclasses.replace(clip, fps=fps)
    places = np.arange(frames) * (clip.fps / fps)
    return dataclasses.replace(
        clip,
        poses=slerp_rows(clip.poses.reshape(clip.frames, -1, 3), places).reshape(frames, -1),
        trans=interpolate_rows(clip.trans, places),
        fps=fps,
        source_frame=interpolate_rows(clip.source_frame[:, None], places)[:, 0],
    )


def resampled_frames(frames: int, source_fps: float, fps: float) -> int:
    """How many frames `resample` gives: those whose time lies within the source."""
    if same_rate(source_fps, fps):
        return frames
    return int(np.floor((frames - 1) * fps / source_fps + 1e-6)) + 1


def same_rate(source_fps: float, fps: float) -> bool:
    """Whether two rates differ by rounding only."""
    return abs(source_fps - fps) <= SAME_RATE * fps


def neighbours(count: int, places: Float[np.ndarray, " out"]) -> tuple[np.ndarray, np.ndarray]:
    """For places between 0 and count - 1: the row before each (never the last), and how far beyond it, 0 to 1."""
    places = np.clip(places, 0, count - 1)
    before = np.minimum(np.floor(places).astype(int), count - 2)
    return before, places - before


def interpolate_rows(values: Float[np.ndarray, "rows columns"], places: Float[np.ndarray, " out"]) -> np.ndarray:
    """Linear interpolation between rows at fractional places."""
    before, beyond = neighbours(len(values), places)
    return values[before] + beyond[:, None] * (values[before + 1] - values[before])


def slerp_rows(
    rotvecs: Float[np.ndarray, "rows joints 3"], places: Float[np.ndarray, " out"]
) -> Float[np.ndarray, "out joints 3"]:
    """Spherical interpolation between rows of rotation vectors (rad) at fractional places.

    R(u) = R0 exp(u log(R0ᵀ R1)): constant angular velocity along the shorter arc (Shoemake 1985). Rotation vectors
    that jump because an angle passes pi stand for nearly the same rotation, and are treated so.
    """
    before, beyond = neighbours(len(rotvecs), places)
    joints = rotvecs.shape[1]
    first = Rotation.from_rotvec(rotvecs[before].reshape(-1, 3))
    second = Rotation.from_rotvec(rotvecs[before + 1].reshape(-1, 3))
    step = (first.inv() * second).as_rotvec() * np.repeat(beyond, joints)[:, None]
    return (first * Rotation.from_rotvec(step)).as_rotvec().reshape(len(places), joints, 3)
