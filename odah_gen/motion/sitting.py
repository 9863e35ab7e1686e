"""Sitting down on a chair that is not drawn, of about 0.45 m: the seat is as high as the subject's knees make it."""

import numpy as np
from jaxtyping import Float

from odah_gen.motion.choreography import (
    PELVIS,
    Arm,
    Plan,
    hanging,
    planted,
    standing_height,
    standing_places,
)
from odah_gen.motion.curves import keyed, ramp, sway
from odah_gen.motion.physique import ELBOWS, HIPS, KNEES, SHOULDERS, WRISTS, Physique

START_S, SEATED_S, UPRIGHT_S = 0.2, 1.35, 1.85
TOE_OUT = np.radians(9)
SHANK_BACK = np.radians(4)
HIP_ABOVE_KNEE_M = 0.02
LEAN_SHARE_PELVIS = 0.55
PEAK_LEAN, SEATED_LEAN = np.radians(44), np.radians(4)
HAND_ON_THIGH = 0.42
HAND_THICKNESS_M = 0.045
PALM_DOWN = np.radians(75)
HANDS_DOWN_S = (0.75, 1.7)


def sitting(
    body: Physique, time_s: Float[np.ndarray, " frames"], generator: np.random.Generator, speed: float, amplitude: float
) -> Plan:
    """Plan standing, sitting down and staying seated, the feet flat on the floor throughout.

    Args:
        body: who sits down.
        time_s: evenly spaced times.
        generator: draws slow sway.
        speed: 1 takes 1.2 s from standing to the seat.
        amplitude: how far the trunk leans forward on the way; 1 is about 44 degrees.
    """
    pace_s = START_S + (time_s - START_S) * speed
    still = 0 * time_s
    idle = sway(time_s, generator, (0.004, 0.003, 0.006))
    lean = trunk_lean(pace_s, amplitude)
    pelvis_turn = np.stack([LEAN_SHARE_PELVIS * lean, still, still], axis=1)
    spine = np.stack([(1 - LEAN_SHARE_PELVIS) * lean, still, still], axis=1)
    places = standing_places(body, TOE_OUT)
    feet = tuple(planted(body, side, places[side], still) for side in (0, 1))
    return Plan(
        time_s=time_s,
        pelvis=pelvis_path(body, pace_s, pelvis_turn[:, 0]),
        pelvis_turn=pelvis_turn,
        spine=spine + idle,
        head=np.stack([-0.45 * lean, still, still], axis=1) + idle[:, ::-1],
        feet=(feet[0], feet[1]),
        arms=arms(body, pace_s, time_s),
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
    standing = standing_height(body) - hip_to_pelvis[1]
    hips = np.stack([standing + (height - standing) * down, depth * back], axis=1)
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


def arms(body: Physique, pace_s: Float[np.ndarray, " frames"], time_s: Float[np.ndarray, " frames"]) -> tuple[Arm, Arm]:
    """Arms that come forward and end with the hands on the thighs, palms down."""
    rest = hanging(body, time_s)
    flexion, elbow, abduction = arm_on_thigh(body)
    start, end = HANDS_DOWN_S
    middle = (start + end) / 2
    arm = Arm(
        flexion=keyed(
            pace_s, [(0.15, rest.flexion[0]), (middle, flexion + np.radians(22)), (end, flexion)], smooth_s=0.06
        ),
        abduction=rest.abduction + (abduction - rest.abduction) * ramp(pace_s, 0.4, end),
        rotation=rest.rotation,
        elbow=rest.elbow + (elbow - rest.elbow) * ramp(pace_s, 0.3, middle + 0.2),
        pronation=rest.pronation + (PALM_DOWN - rest.pronation) * ramp(pace_s, 0.5, end),
        shrug=rest.shrug,
    )
    return arm, arm


def arm_on_thigh(body: Physique) -> tuple[float, float, float]:
    """Flexion, elbow flexion and abduction (rad) that lay a hand on the thigh of the seated body.

    A two-bone arm in the sagittal plane, from the shoulder over the seat to a point above the thigh.
    """
    shoulder, elbow, wrist = (body.joints[pair[0]] for pair in (SHOULDERS, ELBOWS, WRISTS))
    upper, fore = float(np.linalg.norm(elbow - shoulder)), float(np.linalg.norm(wrist - elbow))
    hip, knee = body.joints[HIPS[0]], body.joints[KNEES[0]]
    thigh = float(np.linalg.norm(knee - hip))
    up = shoulder[1] - hip[1]
    lean = SEATED_LEAN
    down = up * np.cos(lean) - body.thigh_radius_m - HAND_THICKNESS_M
    forward = HAND_ON_THIGH * thigh - (up * np.sin(lean) + shoulder[2] - hip[2])
    span = float(np.clip(np.hypot(down, forward), abs(upper - fore) + 0.02, upper + fore - 0.01))
    bend = np.pi - np.arccos((upper**2 + fore**2 - span**2) / (2 * upper * fore))
    ahead = np.arccos((upper**2 + span**2 - fore**2) / (2 * upper * span))
    flexion = np.arctan2(forward, down) - ahead + lean
    sideways = float(np.clip(abs(hip[0]) + 0.05 - shoulder[0], -0.02, 0.12))
    return float(flexion), float(bend), float(np.arctan2(max(sideways, 0.05), span))
