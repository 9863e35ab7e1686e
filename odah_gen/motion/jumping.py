"""A vertical jump: crouch, push-off, ballistic flight, landing, standing."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.interpolate import BPoly

from odah_gen.motion.choreography import (
    Arm,
    Foot,
    Plan,
    hanging,
    planted,
    standing_pelvis,
    standing_places,
)
from odah_gen.motion.curves import keyed, ramp
from odah_gen.motion.physique import Physique

GRAVITY = 9.81
START_S, CROUCHED_S, OFF_S = 0.12, 0.52, 0.78
LANDED_S, STOOD_S = 0.20, 0.45
TAKE_OFF_M_PER_S = 2.15
CROUCH_M, LANDING_M = 0.27, 0.20
TOE_PITCH = np.radians(42)
RISE_SHARE = 0.72
TOE_OUT = np.radians(8)
CROUCH_LEAN, LANDING_LEAN = np.radians(38), np.radians(28)
HIPS_BACK_M, LANDING_BACK = 0.10, 0.8
SLACK_M = 0.004


@dataclass(frozen=True)
class Jump:
    """Times (s) and sizes (m, m/s) of a jump."""

    off_s: float
    down_s: float
    speed: float
    crouch_m: float
    landing_m: float

    @property
    def crouched_s(self) -> float:
        """When the crouch is deepest."""
        return CROUCHED_S

    @property
    def landed_s(self) -> float:
        """When the landing is deepest."""
        return self.down_s + LANDED_S

    @property
    def stood_s(self) -> float:
        """When the body stands again."""
        return self.landed_s + STOOD_S


def jump_of(body: Physique, amplitude: float) -> Jump:
    """A jump whose take-off speed grows with leg length at equal Froude number, and with the amplitude."""
    size = body.leg_m / 0.83
    speed = TAKE_OFF_M_PER_S * np.sqrt(size * amplitude)
    return Jump(OFF_S, OFF_S + 2 * speed / GRAVITY, speed, CROUCH_M * size, LANDING_M * size)


def jumping(
    body: Physique, time_s: Float[np.ndarray, " frames"], generator: np.random.Generator, speed: float, amplitude: float
) -> Plan:
    """Plan one vertical jump from standing.

    Args:
        body: who jumps.
        time_s: evenly spaced times.
        generator: draws how far the hips go back and how high the arms swing.
        speed: tempo of crouch and of rising after the landing; the flight obeys gravity.
        amplitude: height of the jump; 1 rises the pelvis by about 0.24 m in flight.
    """
    jump = jump_of(body, amplitude)
    pace_s = np.where(time_s < OFF_S, OFF_S + (time_s - OFF_S) * speed, time_s)
    hips_back = HIPS_BACK_M * generator.uniform(0.85, 1.15)
    swing = generator.uniform(0.9, 1.1)
    crouch, landing = depth_shares(pace_s, jump)
    rise = pelvis_rise(body, pace_s, jump)
    lean = CROUCH_LEAN * crouch + LANDING_LEAN * landing
    still = 0 * time_s
    back = -hips_back * (crouch + LANDING_BACK * landing)
    pelvis = standing_pelvis(body) + np.stack([still, rise - SLACK_M, back], axis=1)
    arm = swinging_arm(body, pace_s, jump, swing)
    return Plan(
        time_s=time_s,
        pelvis=pelvis,
        pelvis_turn=np.stack([0.5 * lean, still, still], axis=1),
        spine=np.stack([0.5 * lean, still, still], axis=1),
        head=np.stack([-0.45 * lean, still, still], axis=1),
        feet=(jumping_foot(body, 0, pace_s, jump), jumping_foot(body, 1, pace_s, jump)),
        arms=(arm, arm),
    )


def depth_shares(
    pace_s: Float[np.ndarray, " frames"], jump: Jump
) -> tuple[Float[np.ndarray, " frames"], Float[np.ndarray, " frames"]]:
    """How deep the body is in the crouch and in the landing, 0 to 1."""
    crouch = ramp(pace_s, START_S, jump.crouched_s) * (1 - ramp(pace_s, jump.crouched_s, jump.off_s))
    landing = ramp(pace_s, jump.down_s - 0.08, jump.landed_s) * (1 - ramp(pace_s, jump.landed_s, jump.stood_s))
    return crouch, landing


def toe_rise(body: Physique) -> float:
    """How much higher (m) the body stands on its toes at take-off; less than the ankles, the knees not being locked."""
    return float(RISE_SHARE * (planted(body, 0, (0, 0, 0), np.array([TOE_PITCH])).ankle[0, 1] - body.ankle_height_m))


def pelvis_rise(body: Physique, pace_s: Float[np.ndarray, " frames"], jump: Jump) -> Float[np.ndarray, " frames"]:
    """Height of the pelvis above standing (m): smooth down and up, a parabola in the air, down and up again.

    Each piece starts with the height, velocity and acceleration with which the one before ends.
    """
    toes = toe_rise(body)
    times = [START_S, jump.crouched_s, jump.off_s, jump.down_s, jump.landed_s, jump.stood_s]
    states = [
        (0.0, 0.0, 0.0),
        (-jump.crouch_m, 0.0, 9.0),
        (toes, jump.speed, -GRAVITY),
        (toes, -jump.speed, -GRAVITY),
        (-jump.landing_m, 0.0, 9.0),
        (0.0, 0.0, 0.0),
    ]
    curve = BPoly.from_derivatives(times, states)
    return curve(np.clip(pace_s, times[0], times[-1]))


def jumping_foot(body: Physique, side: int, pace_s: Float[np.ndarray, " frames"], jump: Jump) -> Foot:
    """A foot that rolls onto its ball, leaves the floor with the body, and rolls down after the landing."""
    up = ramp(pace_s, jump.off_s - 0.16, jump.off_s)
    down = ramp(pace_s, jump.down_s, jump.down_s + 0.16)
    pitch = TOE_PITCH * up * (1 - down)
    foot = planted(body, side, standing_places(body, TOE_OUT)[side], pitch)
    air = np.clip(pace_s - jump.off_s, 0, jump.down_s - jump.off_s)
    lift = jump.speed * air - GRAVITY / 2 * air**2
    flat_again = 1 - np.sin(np.pi * air / (jump.down_s - jump.off_s)) ** 2
    return Foot(foot.ankle + np.outer(lift, [0, 1, 0]), pitch, foot.toe_bend * flat_again, foot.yaw)


def swinging_arm(body: Physique, pace_s: Float[np.ndarray, " frames"], jump: Jump, swing: float) -> Arm:
    """Arms back in the crouch, forward and up at take-off, down for the landing."""
    rest = hanging(body, pace_s)
    start = float(rest.flexion[0])
    high = np.radians(118) * swing
    flexion = [
        (START_S, start),
        (jump.crouched_s - 0.03, np.radians(-38) * swing),
        (jump.off_s + 0.03, high),
        ((jump.off_s + jump.down_s) / 2, 0.95 * high),
        (jump.down_s + 0.1, np.radians(42)),
        (jump.stood_s, start),
    ]
    elbow = [
        (START_S, 0.22),
        (jump.crouched_s, 0.35),
        (jump.off_s, 0.7),
        (jump.down_s + 0.1, 0.6),
        (jump.stood_s, 0.22),
    ]
    return dataclasses.replace(
        rest,
        flexion=keyed(pace_s, flexion, smooth_s=0.05),
        abduction=rest.abduction + np.radians(6) * ramp(pace_s, jump.crouched_s, jump.off_s),
        elbow=keyed(pace_s, elbow, smooth_s=0.05),
    )
