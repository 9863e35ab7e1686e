"""Waving with one hand while standing: the upper arm a little below the shoulder, the forearm up, palm forward."""

import dataclasses

import numpy as np
from jaxtyping import Float

from odah_gen.motion.choreography import Arm, Plan, hanging, planted, standing_pelvis, standing_places
from odah_gen.motion.curves import ramp, sway
from odah_gen.motion.physique import SIDES, Physique

RAISE_S = (0.12, 0.75)
LOWER_S = 0.75
LONG_ENOUGH_S = 2.8
RATE_HZ = 1.9
TOE_OUT = np.radians(9)
UP_ABDUCTION, UP_FLEXION, UP_ROTATION, UP_ELBOW = np.radians([52, 18, 92, 122])
WAVE = np.radians(17)
SHRUG = np.radians(7)
WEIGHT_SHIFT_M = 0.012
SLACK_M = 0.006
"""The pelvis stands this much lower, so that shifting the weight does not stretch a leg."""


def waving(
    body: Physique,
    time_s: Float[np.ndarray, " frames"],
    generator: np.random.Generator,
    speed: float,
    amplitude: float,
    side: int,
) -> Plan:
    """Plan raising a hand and waving; in a clip of 2.8 s or more the hand comes down at the end.

    Args:
        body: who waves.
        time_s: evenly spaced times.
        generator: draws slow sway.
        speed: tempo; 1 waves at 1.9 Hz.
        amplitude: size of the wave; 1 swings the forearm 17 degrees each way.
        side: 0 waves the left hand, 1 the right.
    """
    still = 0 * time_s
    up = raised(time_s, speed)
    idle = sway(time_s, generator, (0.004, 0.006, 0.004))
    shift = sway(time_s, generator, (0.003, 0.0, 0.004)) + np.outer(up, [-SIDES[side] * WEIGHT_SHIFT_M, 0, 0])
    places = standing_places(body, TOE_OUT)
    feet = tuple(planted(body, foot, places[foot], still) for foot in (0, 1))
    arms = [hanging(body, time_s), hanging(body, time_s)]
    arms[side] = waving_arm(arms[side], time_s, up, speed, amplitude)
    return Plan(
        time_s=time_s,
        pelvis=standing_pelvis(body) + shift - np.array([0.0, SLACK_M, 0.0]),
        pelvis_turn=np.zeros((len(time_s), 3)),
        spine=idle + np.outer(up, [0, 0, -SIDES[side] * np.radians(2)]),
        head=idle[:, ::-1] + np.outer(up, [0, 0, -SIDES[side] * np.radians(4)]),
        feet=(feet[0], feet[1]),
        arms=(arms[0], arms[1]),
        finger_curl=0.14,
    )


def raised(time_s: Float[np.ndarray, " frames"], speed: float) -> Float[np.ndarray, " frames"]:
    """How far the hand is up, 0 to 1."""
    start, end = RAISE_S
    up = ramp(time_s, start, start + (end - start) / np.sqrt(speed))
    last = float(time_s[-1])
    return up if last < LONG_ENOUGH_S else up * (1 - ramp(time_s, last - LOWER_S - 0.2, last - 0.2))


def waving_arm(
    rest: Arm, time_s: Float[np.ndarray, " frames"], up: Float[np.ndarray, " frames"], speed: float, amplitude: float
) -> Arm:
    """The arm between hanging and raised; the forearm swings by turning the upper arm and bending the elbow.

    The elbow bends ahead of the rise, so that the hand goes up in front of the body and not in a wide arc.
    """
    ahead = 1 - (1 - up) ** 2
    wave = amplitude * WAVE * np.sin(2 * np.pi * RATE_HZ * speed * (time_s - RAISE_S[1])) * up**4
    return dataclasses.replace(
        rest,
        flexion=rest.flexion + up * (UP_FLEXION - rest.flexion) + np.radians(25) * 4 * up * (1 - up),
        abduction=rest.abduction + up * (UP_ABDUCTION - rest.abduction),
        rotation=up * UP_ROTATION + 0.35 * wave,
        elbow=rest.elbow + ahead * (UP_ELBOW - rest.elbow) + wave,
        pronation=rest.pronation * (1 - up),
        shrug=up * SHRUG,
    )
