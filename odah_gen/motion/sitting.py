"""Sitting down on a chair that is not drawn, of about 0.45 m: the seat is as high as the subject's knees make it."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from odah_gen.motion.choreography import (
    COLLARS,
    PELVIS,
    SPINE,
    Arm,
    Plan,
    hanging,
    lowered_collar,
    planted,
    standing_pelvis,
    standing_places,
)
from odah_gen.motion.curves import keyed, ramp, sway
from odah_gen.motion.kinematics import forward_kinematics, turn
from odah_gen.motion.physique import ELBOWS, HIPS, SHOULDERS, WRISTS, Physique

START_S, SEATED_S, UPRIGHT_S = 0.2, 1.35, 1.85
TOE_OUT = np.radians(9)
SHANK_BACK = np.radians(4)
HIP_ABOVE_KNEE_M = 0.05
LEAN_SHARE_PELVIS = 0.55
PEAK_LEAN, SEATED_LEAN = np.radians(52), np.radians(4)
HAND_ON_THIGH = 0.55
HAND_THICKNESS_M = 0.075
SEATED_ABDUCTION, MOST_INWARD = np.radians([4, 42])
BESIDE_THIGH_M = 0.0
PALM_DOWN = np.radians(75)
HANDS_DOWN_S, SETTLE_S, INWARD_S = (0.45, 1.2), (0.9, 1.4), (1.1, 1.7)
ABOVE_BEFORE_M = 0.08
FLAT_FINGERS = 0.1
HANG_SHARE = 0.7
MOST_EXTENSION = np.radians(55)


@dataclass(frozen=True)
class Trunk:
    """A trunk in the sagittal plane: shoulder (forward, up; m) and lean forward of the chest (rad)."""

    shoulder: Float[np.ndarray, "frames 2"]
    lean: Float[np.ndarray, " frames"]


def sitting(
    body: Physique, time_s: Float[np.ndarray, " frames"], generator: np.random.Generator, speed: float, amplitude: float
) -> Plan:
    """Plan standing, sitting down and staying seated, the feet flat on the floor throughout.

    Args:
        body: who sits down.
        time_s: evenly spaced times.
        generator: draws slow sway.
        speed: 1 takes 1.2 s from standing to the seat.
        amplitude: how far the trunk leans forward on the way; 1 is about 50 degrees at the chest.
    """
    pace_s = START_S + (time_s - START_S) * speed
    still = 0 * time_s
    idle = sway(time_s, generator, (0.004, 0.003, 0.006))
    lean = trunk_lean(pace_s, amplitude)
    pelvis_turn = np.stack([LEAN_SHARE_PELVIS * lean, still, still], axis=1)
    spine = np.stack([(1 - LEAN_SHARE_PELVIS) * lean, still, still], axis=1)
    places = standing_places(body, TOE_OUT)
    feet = tuple(planted(body, side, places[side], still) for side in (0, 1))
    pelvis = pelvis_path(body, pace_s, pelvis_turn[:, 0])
    arm = arms(body, pace_s, follow_trunk(body, pelvis, pelvis_turn, spine))
    return Plan(
        time_s=time_s,
        pelvis=pelvis,
        pelvis_turn=pelvis_turn,
        spine=spine + idle,
        head=np.stack([-0.45 * lean, still, still], axis=1) + idle[:, ::-1],
        feet=(feet[0], feet[1]),
        arms=(arm, arm),
        finger_curl=FLAT_FINGERS,
    )


def trunk_lean(pace_s: Float[np.ndarray, " frames"], amplitude: float) -> Float[np.ndarray, " frames"]:
    """Lean of the trunk (rad): forward while the weight is over the feet, upright once seated."""
    peak = PEAK_LEAN * amplitude
    middle = START_S + 0.6 * (SEATED_S - START_S)
    keys = [(0.05, 0.0), (middle, peak), (SEATED_S, 0.72 * peak), (UPRIGHT_S, SEATED_LEAN)]
    return keyed(pace_s, keys, smooth_s=0.06)


def pelvis_path(
    body: Physique, pace_s: Float[np.ndarray, " frames"], lean: Float[np.ndarray, " frames"]
) -> Float[np.ndarray, "frames 3"]:
    """Pelvis joint (m): the hips move back, then down, onto the seat; the pelvis joint turns over the hips."""
    height, depth = seat(body)
    back = ramp(pace_s, START_S, SEATED_S - 0.1)
    down = ramp(pace_s, START_S + 0.05, SEATED_S)
    hip_to_pelvis = body.joints[PELVIS] - body.joints[list(HIPS)].mean(axis=0)
    _, standing, start = standing_pelvis(body) - hip_to_pelvis
    hips = np.stack([standing + (height - standing) * down, start + (depth - start) * back], axis=1)
    cosine, sine = np.cos(lean), np.sin(lean)
    up = hip_to_pelvis[1] * cosine - hip_to_pelvis[2] * sine
    forward = hip_to_pelvis[1] * sine + hip_to_pelvis[2] * cosine
    return np.stack([0 * up, hips[:, 0] + up, hips[:, 1] + forward], axis=1)


def seat(body: Physique) -> tuple[float, float]:
    """Where the hips end: height (m), a little above the knees, and place (m, forward of the ankles)."""
    thigh, shank = (float(np.linalg.norm(bone)) for bone in (body.leg(0).upper, body.leg(0).lower))
    knee = body.ankle_height_m + shank * np.cos(SHANK_BACK)
    knee_forward = shank * np.sin(SHANK_BACK)
    return float(knee + HIP_ABOVE_KNEE_M), float(knee_forward - np.sqrt(thigh**2 - HIP_ABOVE_KNEE_M**2))


def arms(body: Physique, pace_s: Float[np.ndarray, " frames"], trunk: Trunk) -> Arm:
    """Arms that hang while the trunk leans, then come forward and lay their hands on the thighs, palms down."""
    rest = hanging(body, pace_s)
    on_thigh = ramp(pace_s, *HANDS_DOWN_S)
    upper, fore = bones(body)
    flexion, bend = reach_in_plane(upper, fore, thigh_target(body, pace_s) - trunk.shoulder)
    hanging_flexion = rest.flexion + HANG_SHARE * trunk.lean
    slope = np.pi / 2 - flexion - bend
    return dataclasses.replace(
        rest,
        flexion=hanging_flexion + on_thigh * (flexion + trunk.lean - hanging_flexion),
        abduction=rest.abduction + on_thigh * (SEATED_ABDUCTION - rest.abduction),
        rotation=-ramp(pace_s, *INWARD_S) * inward_turn(body, bend),
        elbow=rest.elbow + on_thigh * (bend - rest.elbow),
        pronation=rest.pronation + on_thigh * (PALM_DOWN - rest.pronation),
        extension=on_thigh * np.clip(slope, 0.0, MOST_EXTENSION),
    )


def follow_trunk(
    body: Physique,
    pelvis: Float[np.ndarray, "frames 3"],
    pelvis_turn: Float[np.ndarray, "frames 3"],
    spine: Float[np.ndarray, "frames 3"],
) -> Trunk:
    """Shoulder and lean of a trunk that bends in the sagittal plane."""
    local = np.tile(np.eye(3), (len(pelvis), SHOULDERS[0] + 1, 1, 1))
    local[:, PELVIS] = turn("x", pelvis_turn[:, 0])
    local[:, SPINE] = turn("x", spine[:, 0] / len(SPINE))[:, None]
    local[:, COLLARS[0]] = lowered_collar(0)
    centers, _ = forward_kinematics(local, pelvis, body.joints)
    return Trunk(centers[:, SHOULDERS[0], [2, 1]], pelvis_turn[:, 0] + spine[:, 0])


def bones(body: Physique) -> tuple[float, float]:
    """Length of upper arm and forearm, m."""
    shoulder, elbow, wrist = (body.joints[pair[0]] for pair in (SHOULDERS, ELBOWS, WRISTS))
    return float(np.linalg.norm(elbow - shoulder)), float(np.linalg.norm(wrist - elbow))


def thigh_target(body: Physique, pace_s: Float[np.ndarray, " frames"]) -> Float[np.ndarray, "frames 2"]:
    """Where the wrists go (forward, up; m): above the thigh of the seated body, a little higher before it sits."""
    height, depth = seat(body)
    thigh = float(np.linalg.norm(body.leg(0).upper))
    along = HAND_ON_THIGH * thigh
    above = body.thigh_radius_m + HAND_THICKNESS_M + ABOVE_BEFORE_M * (1 - ramp(pace_s, *SETTLE_S))
    return np.stack([np.full(len(pace_s), depth + along), height - HAND_ON_THIGH * HIP_ABOVE_KNEE_M + above], axis=1)


def reach_in_plane(
    upper_m: float, fore_m: float, target: Float[np.ndarray, "frames 2"]
) -> tuple[Float[np.ndarray, " frames"], Float[np.ndarray, " frames"]]:
    """Angle of the upper arm forward from straight down, and bend of the elbow (rad), that reach a target.

    Args:
        upper_m: length of the upper arm.
        fore_m: length of the forearm.
        target: wrist against shoulder (forward, up; m).
    """
    span = np.clip(np.hypot(*target.T), abs(upper_m - fore_m) + 0.02, upper_m + fore_m - 0.005)
    bend = np.pi - np.arccos((upper_m**2 + fore_m**2 - span**2) / (2 * upper_m * fore_m))
    ahead = np.arccos((upper_m**2 + span**2 - fore_m**2) / (2 * upper_m * span))
    return np.arctan2(target[:, 0], -target[:, 1]) - ahead, bend


def inward_turn(body: Physique, bend: Float[np.ndarray, " frames"]) -> Float[np.ndarray, " frames"]:
    """How far (rad) the upper arm turns inward to bring the wrist from beside the body to above the thigh."""
    upper, fore = bones(body)
    beside = body.joints[SHOULDERS[0], 0] + upper * np.sin(SEATED_ABDUCTION)
    outside = beside - abs(float(body.joints[HIPS[0], 0])) - BESIDE_THIGH_M
    return np.arcsin(np.clip(outside / (fore * np.sin(bend)), 0.0, np.sin(MOST_INWARD)))
