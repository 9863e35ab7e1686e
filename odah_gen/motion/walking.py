"""Walking: joint curves of normal gait, footprints that do not slide, and legs solved between the two.

The curves follow the shape of published normal gait in the sagittal plane (Perry 1992; Winter 1991): hip 30° of
flexion to 10° of extension, knee 5°, 18° in loading, 60° in swing, ankle 10° of dorsiflexion to 18° of plantarflexion.
The table is the project's own reading of those shapes, in steps of 5 % of the cycle from heel strike; a Fourier series
of eight harmonics stands for it.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from odah_gen.motion.choreography import PELVIS, Arm, Foot, Plan, hanging, planted
from odah_gen.motion.curves import hermite, min_jerk, periodic, sway
from odah_gen.motion.kinematics import turn
from odah_gen.motion.physique import ANKLES, HIPS, SIDES, TOES, Physique

# fmt: off
HIP_DEG = (30, 29, 26, 21, 16, 11, 6, 1, -4, -8, -10, -8, -1, 10, 20, 28, 32, 33, 33, 31)
KNEE_DEG = (6, 12, 17, 18, 16, 12, 8, 6, 5, 6, 11, 22, 41, 56, 62, 60, 52, 41, 28, 14)
ANKLE_DEG = (0, -5, -4, 0, 3, 5, 7, 9, 10, 10, 8, 1, -11, -15, -9, -2, 2, 3, 2, 0)
# fmt: on
HARMONICS = 8
PELVIC_TILT = np.radians(7)
"""The published hip angle is against a pelvis that leans forward; the thigh stands this much further back."""
STANCE = 0.60
FLAT = (0.10, 0.27)
ROLL_END = 0.46
MIDSTANCE = 0.23
REFERENCE_LEG_M = 0.83
REFERENCE_SPEED = 1.2
REFERENCE_STRIDE_S = 1.08
EXTENSION = 0.998
STEP_HALF_WIDTH_M = 0.045
TOE_OUT = np.radians(6)
BOB_M, BOB_LOW = 0.013, 0.045
SWAY_M = 0.020
PELVIC_YAW, PELVIC_LIST = np.radians(5), np.radians(3)
LEAN = np.radians(3)
ARM_SWING = np.radians(17)
TOE_CLEARANCE_M = 0.02
PHASE_STEP = 1e-4
TOES_STRAIGHT = 0.17
LIFT_EARLY = 0.8


@dataclass(frozen=True)
class Gait:
    """Timing and size of a walk.

    Attributes:
        speed: forward, m/s.
        stride_s: time from one heel strike to the next of the same foot.
        start: phase of the left foot at time 0.
        swing: share of the normal arm swing and trunk turn.
    """

    speed: float
    stride_s: float
    start: float
    swing: float

    @property
    def stride_m(self) -> float:
        """Distance of one cycle."""
        return self.speed * self.stride_s


def gait_of(body: Physique, speed: float, amplitude: float, start: float) -> Gait:
    """The gait of a body: speed and cadence follow leg length at equal Froude number, cadence half of the speed."""
    size = np.sqrt(body.leg_m / REFERENCE_LEG_M)
    return Gait(REFERENCE_SPEED * speed * size, REFERENCE_STRIDE_S * size / np.sqrt(speed), start, amplitude)


def walking(
    body: Physique, time_s: Float[np.ndarray, " frames"], generator: np.random.Generator, speed: float, amplitude: float
) -> Plan:
    """Plan a straight walk.

    Args:
        body: who walks.
        time_s: evenly spaced times.
        generator: draws the phase at the start and slow variation of head and trunk.
        speed: 1 is about 1.2 m/s on legs of 0.83 m.
        amplitude: size of arm swing and trunk turn; 1 is normal.
    """
    gait = gait_of(body, speed, amplitude, float(generator.uniform()))
    phase = gait.start + time_s / gait.stride_s
    wander = sway(time_s, generator, (0.012, 0.015, 0.008))
    pelvis_turn = pelvis_rotation(phase, gait)
    spine = np.stack([np.full(len(phase), LEAN), -1.7 * pelvis_turn[:, 1], -pelvis_turn[:, 2]], axis=1)
    head = np.stack([np.full(len(phase), -LEAN), 0.7 * pelvis_turn[:, 1], 0 * phase], axis=1)
    arms = tuple(swinging_arm(body, time_s, phase + 0.5 * side, gait) for side in (0, 1))
    feet = tuple(walking_foot(body, side, time_s, gait) for side in (0, 1))
    return Plan(
        time_s=time_s,
        pelvis=pelvis_path(body, phase, gait),
        pelvis_turn=pelvis_turn,
        spine=spine + 0.5 * wander,
        head=head + wander,
        feet=(feet[0], feet[1]),
        arms=(arms[0], arms[1]),
    )


def series(table_deg: tuple[int, ...], phase: Float[np.ndarray, " frames"]) -> Float[np.ndarray, " frames"]:
    """A table of one cycle as a Fourier series, rad."""
    spectrum = np.fft.rfft(np.radians(table_deg))[: HARMONICS + 1] / len(table_deg)
    doubled = np.where(np.arange(HARMONICS + 1) == 0, 1, 2)
    return periodic(phase, list(doubled * spectrum.real), list(-doubled * spectrum.imag))


def pelvis_rotation(phase: Float[np.ndarray, " frames"], gait: Gait) -> Float[np.ndarray, "frames 3"]:
    """Pelvis turn (rad): the side of the leading leg forward, the side of the swinging leg down."""
    yaw = -PELVIC_YAW * gait.swing * np.cos(2 * np.pi * phase)
    tilt = PELVIC_LIST * np.cos(2 * np.pi * (phase - 0.18))
    return np.stack([0 * phase, yaw, tilt], axis=1)


def pelvis_path(
    body: Physique, phase: Float[np.ndarray, " frames"], gait: Gait, height: float | None = None
) -> Float[np.ndarray, "frames 3"]:
    """Pelvis joint (m): over the standing foot, lowest with both feet down, as high as the legs allow."""
    size = body.leg_m / REFERENCE_LEG_M
    base = pelvis_height(body, gait) if height is None else height
    side = SWAY_M * size * np.cos(2 * np.pi * (phase - 0.31))
    up = base - BOB_M * size * np.cos(4 * np.pi * (phase - BOB_LOW))
    return np.stack([side, up, gait.stride_m * (phase - gait.start)], axis=1)


def pelvis_height(body: Physique, gait: Gait) -> float:
    """Mean height (m) of the pelvis at which the standing leg is nearly straight at its longest."""
    phase = gait.start + np.linspace(0, 2, 401)
    time_s = (phase - gait.start) * gait.stride_s
    pelvis = pelvis_path(body, phase, gait, height=0.0)
    pelvis_turn = turn("y", pelvis_rotation(phase, gait)[:, 1])
    room = []
    for side in (0, 1):
        hip = pelvis + pelvis_turn @ (body.joints[HIPS[side]] - body.joints[PELVIS])
        ankle = stance_ankle(body, side, time_s, gait)
        down = (phase + 0.5 * side) % 1 < STANCE
        flat_m = np.hypot(*(hip - ankle)[down][:, [0, 2]].T)
        room.append(np.sqrt((EXTENSION * body.leg_m) ** 2 - flat_m**2) + (ankle - hip)[down][:, 1])
    return float(np.min(np.concatenate(room)))


def walking_foot(body: Physique, side: int, time_s: Float[np.ndarray, " frames"], gait: Gait) -> Foot:
    """One foot: rolling on its footprint in stance, on the curves of the table in swing, joined smoothly."""
    phase = gait.start + 0.5 * side + time_s / gait.stride_s
    ankle = stance_ankle(body, side, time_s, gait)
    for cycle in np.unique(np.floor(phase)):
        swing = (np.floor(phase) == cycle) & (phase % 1 >= STANCE)
        ankle[swing] = swing_ankle(body, side, phase[swing], gait, cycle)
    return Foot(ankle, foot_pitch(phase), toe_bend(phase), SIDES[side] * TOE_OUT)


def foot_pitch(phase: Float[np.ndarray, " frames"]) -> Float[np.ndarray, " frames"]:
    """Pitch of the foot (rad, heel up positive): the table's, held flat between loading and heel rise."""
    cycle = phase % 1
    free = -(series(HIP_DEG, phase) - PELVIC_TILT - series(KNEE_DEG, phase) + series(ANKLE_DEG, phase))
    early = 1 - min_jerk(cycle / FLAT[0])
    late = min_jerk((cycle - FLAT[1]) / (ROLL_END - FLAT[1]))
    return free * np.where(cycle < FLAT[0], early, np.where(cycle > FLAT[1], late, 0.0))


def stance_ankle(
    body: Physique, side: int, time_s: Float[np.ndarray, " frames"], gait: Gait
) -> Float[np.ndarray, "frames 3"]:
    """Ankle (m) of a foot on the footprint of its current cycle; means nothing in swing."""
    phase = gait.start + 0.5 * side + time_s / gait.stride_s
    return ankle_on_print(body, side, phase, gait, np.floor(phase))


def ankle_on_print(
    body: Physique, side: int, phase: Float[np.ndarray, " frames"], gait: Gait, cycle: float | np.ndarray
) -> Float[np.ndarray, "frames 3"]:
    """Ankle (m) of a foot that rolls on the footprint of a cycle."""
    foot = planted(body, side, (SIDES[side] * STEP_HALF_WIDTH_M, 0.0, SIDES[side] * TOE_OUT), foot_pitch(phase))
    middle = table_ankle(body, np.array([MIDSTANCE]), gait)[0, 1]
    forward = gait.stride_m * (cycle + MIDSTANCE - 0.5 * side - gait.start) + middle
    return foot.ankle + np.stack([0 * phase, 0 * phase, forward + 0 * phase], axis=1)


def table_ankle(body: Physique, phase: Float[np.ndarray, " frames"], gait: Gait) -> Float[np.ndarray, "frames 2"]:
    """Ankle against the hip (up, forward; m) by the table alone, the thigh's swing scaled to the stride."""
    leg = body.leg(0)
    thigh_m, shank_m = np.linalg.norm(leg.upper), np.linalg.norm(leg.lower)
    scale = gait.stride_m / (REFERENCE_SPEED * REFERENCE_STRIDE_S) * REFERENCE_LEG_M / body.leg_m
    thigh = (series(HIP_DEG, phase) - PELVIC_TILT) * scale
    shank = thigh - series(KNEE_DEG, phase)
    up = -thigh_m * np.cos(thigh) - shank_m * np.cos(shank)
    return np.stack([up, thigh_m * np.sin(thigh) + shank_m * np.sin(shank)], axis=1)


def swing_ankle(
    body: Physique, side: int, phase: Float[np.ndarray, " frames"], gait: Gait, cycle: float
) -> Float[np.ndarray, "frames 3"]:
    """Ankle (m) in the swing of a cycle: the table's path plus the cubic that joins it to both footprints.

    The cubic takes up the difference in position and velocity between table and footprint at toe-off and heel strike.
    A bump on top keeps the toes off the floor.
    """
    toe_off, strike = cycle + STANCE, cycle + 1
    before = footprint_gap(body, side, np.array([toe_off - PHASE_STEP, toe_off]), gait, cycle)
    after = footprint_gap(body, side, np.array([strike, strike + PHASE_STEP]), gait, cycle + 1)
    values = np.stack([before[1], after[0]])
    rates = np.stack([before[1] - before[0], after[1] - after[0]]) / PHASE_STEP
    path = table_path(body, side, phase, gait) + hermite(phase, (toe_off, strike), values, rates)
    bump = np.sin(np.pi * ((phase - toe_off) / (strike - toe_off)) ** LIFT_EARLY) ** 2
    path[:, 1] += toe_lift(body, side, phase, path[:, 1], bump) * bump
    return path


def footprint_gap(
    body: Physique, side: int, phase: Float[np.ndarray, " frames"], gait: Gait, cycle: float
) -> Float[np.ndarray, "frames 3"]:
    """From the ankle by the table to the ankle on a footprint, m."""
    return ankle_on_print(body, side, phase, gait, cycle) - table_path(body, side, phase, gait)


def table_path(
    body: Physique, side: int, phase: Float[np.ndarray, " frames"], gait: Gait
) -> Float[np.ndarray, "frames 3"]:
    """Ankle (m) by the table, carried by the hips of a pelvis that moves on evenly; sideways on its footprint."""
    up, forward = table_ankle(body, phase, gait).T
    hip = pelvis_path(body, phase + 0.5 * side, gait)[:, 1] + body.joints[HIPS[0], 1] - body.joints[PELVIS, 1]
    travelled = gait.stride_m * (phase - 0.5 * side - gait.start)
    return np.stack([np.full(len(phase), SIDES[side] * STEP_HALF_WIDTH_M), hip + up, travelled + forward], axis=1)


def toe_lift(
    body: Physique,
    side: int,
    phase: Float[np.ndarray, " frames"],
    ankle_up: Float[np.ndarray, " frames"],
    bump: Float[np.ndarray, " frames"],
) -> float:
    """How much of the bump (m) keeps the tip of the toes clear of the floor, most in the middle of the swing."""
    ankle, ball = body.joints[ANKLES[side]], body.joints[TOES[side]]
    pitch = foot_pitch(phase)
    toes = pitch - toe_bend(phase)
    height = ankle_up + drop_of(ball - ankle, pitch) + drop_of(body.toe_tips[side] - ball, toes)
    inside = bump > 0.05
    return float(np.max((TOE_CLEARANCE_M * bump - height)[inside] / bump[inside], initial=0.0))


def drop_of(part: Float[np.ndarray, "3"], pitch: Float[np.ndarray, " frames"]) -> Float[np.ndarray, " frames"]:
    """Height (m) of the end of a part of the foot above its start, at a pitch."""
    return part[1] * np.cos(pitch) - part[2] * np.sin(pitch)


def toe_bend(phase: Float[np.ndarray, " frames"]) -> Float[np.ndarray, " frames"]:
    """Bend of the toes (rad): all of the heel's rise in stance, going back to straight in early swing."""
    return np.maximum(foot_pitch(phase), 0) * (1 - min_jerk((phase % 1 - STANCE) / TOES_STRAIGHT))


def swinging_arm(
    body: Physique, time_s: Float[np.ndarray, " frames"], phase: Float[np.ndarray, " frames"], gait: Gait
) -> Arm:
    """An arm that swings against the leg of its side, the elbow bending more in front."""
    rest = hanging(body, time_s)
    forward = -np.cos(2 * np.pi * (phase - 0.02)) * gait.swing
    return dataclasses.replace(
        rest,
        flexion=rest.flexion + ARM_SWING * forward - np.radians(2),
        elbow=rest.elbow + np.radians(7) * (1 + forward),
    )
