# SPDX-License-Identifier: GPL-3.0-or-later
"""The motion that cloth is simulated over: a lead-in from the rest pose, then the clip, in even steps. numpy only."""

import math
from dataclasses import dataclass

import numpy as np

LEAST_STEPS_HZ = 60.0
"""Cloth is moved on at least so often; a clip's frames are some of the steps."""
POSE_S, REST_S, RUN_UP_S = 0.5, 0.35, 0.2
"""Lead-in: from the rest pose to where the clip begins, standing still there, then up to the speed of its first frame."""


@dataclass(frozen=True)
class Steps:
    """A motion in even steps.

    Attributes:
        poses: [S, 165], rad.
        trans: [S, 3], m.
        first: the step that is frame 0 of the clip.
        per_frame: steps from one frame of the clip to the next.
        rate_hz: steps per second.
    """

    poses: np.ndarray
    trans: np.ndarray
    first: int
    per_frame: int
    rate_hz: float


def simulated_steps(poses: np.ndarray, trans: np.ndarray, fps: float) -> Steps:
    """Lead-in and clip in steps of at least LEAST_STEPS_HZ.

    The body starts at rest, turned and placed as in the first frame; so the cloth is sewn as it was cut, and hangs
    before the clip begins. Between frames rotations are interpolated as quaternions and places evenly.

    Args:
        poses: [T, 165], rotation vectors of the clip, rad.
        trans: [T, 3], m.
        fps: frames per second (Hz).
    """
    per_frame = max(1, math.ceil(LEAST_STEPS_HZ / fps))
    rate = fps * per_frame
    turns = rotvec_to_quaternion(poses.reshape(len(poses), -1, 3))
    lead, lead_trans = lead_in(turns, trans, fps, rate)
    times = np.arange((len(poses) - 1) * per_frame + 1) / per_frame
    clip = between(turns, times)
    clip_trans = between(trans, times)
    every = quaternion_to_rotvec(np.concatenate([lead, clip]))
    return Steps(every.reshape(len(every), -1), np.concatenate([lead_trans, clip_trans]), len(lead), per_frame, rate)


def lead_in(turns: np.ndarray, trans: np.ndarray, fps: float, rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """What comes before a clip, as quaternions [L, 55, 4] and places [L, 3] (m).

    Args:
        turns: [T, 55, 4], unit quaternions of the clip.
        trans: [T, 3], m.
        fps: of the clip (Hz).
        rate_hz: steps per second.
    """
    second = min(1, len(turns) - 1)
    rest = np.zeros_like(turns[:1])
    rest[..., 0] = 1.0
    rest[:, 0] = turns[0, 0]
    # From standing still to speed v in time t a body covers v t / 2; so far before the first frame it stands.
    posing_steps, standing_steps, run_up_steps = (round(part * rate_hz) for part in (POSE_S, REST_S, RUN_UP_S))
    back = 0.5 * run_up_steps / rate_hz * fps
    start = unit(turns[0] + back * (turns[0] - aligned(turns[second], turns[0])))[None]
    start_trans = trans[0] - back * (trans[second] - trans[0])
    share = np.concatenate([smooth(np.arange(posing_steps) / posing_steps), np.ones(standing_steps)])
    run_up = ((np.arange(run_up_steps) / run_up_steps) ** 2)[:, None]
    parts = [mixed(rest, start, share[:, None, None]), mixed(start, turns[:1], run_up[..., None])]
    places = [np.repeat(start_trans[None], len(share), 0), start_trans + run_up * (trans[0] - start_trans)]
    return np.concatenate(parts), np.concatenate(places)


def smooth(share: np.ndarray) -> np.ndarray:
    """Shares from 0 to 1 that start and end at rest."""
    return share**2 * (3 - 2 * share)


def between(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Values [T, ...] at times counted in frames; quaternions [T, 55, 4] stay of length 1."""
    before = np.minimum(times.astype(int), max(len(values) - 2, 0))
    after = np.minimum(before + 1, len(values) - 1)
    share = (times - before).reshape(-1, *[1] * (values.ndim - 1))
    if values.ndim == 3:
        return mixed(values[before], values[after], share)
    return values[before] + share * (values[after] - values[before])


def mixed(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Quaternions [..., 4] a share of the way from the first to the second, the shorter way round."""
    return unit(first + share * (aligned(second, first) - first))


def aligned(quaternions: np.ndarray, to: np.ndarray) -> np.ndarray:
    """The same rotations with the sign that lies nearer to others."""
    return np.where((quaternions * to).sum(-1, keepdims=True) < 0, -quaternions, quaternions)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors [..., C] of length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def rotvec_to_quaternion(rotvec: np.ndarray) -> np.ndarray:
    """Rotation vectors [..., 3] (rad) to unit quaternions [..., 4], w x y z."""
    angle = np.linalg.norm(rotvec, axis=-1, keepdims=True)
    return np.concatenate([np.cos(angle / 2), rotvec * (0.5 * np.sinc(angle / (2 * np.pi)))], -1)


def quaternion_to_rotvec(quaternions: np.ndarray) -> np.ndarray:
    """Unit quaternions [..., 4], w x y z, to rotation vectors [..., 3] (rad) of at most a half turn."""
    turned = np.where(quaternions[..., :1] < 0, -quaternions, quaternions)
    length = np.linalg.norm(turned[..., 1:], axis=-1, keepdims=True)
    angle = 2 * np.arctan2(length, turned[..., :1])
    return turned[..., 1:] * (angle / np.maximum(length, 1e-12))
