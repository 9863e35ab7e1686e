"""From a plan of pelvis, trunk, feet and arms to joint rotations: what all procedural actions share.

Everything is in the model frame (X left, Y up, Z forward) with the floor at height 0.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from odah_gen.body.collar import COLLAR_DROP_DEG
from odah_gen.frames import WORLD_FROM_MODEL, matrix_to_rotvec
from odah_gen.motion.kinematics import BODY_JOINTS, forward_kinematics, reach, turn
from odah_gen.motion.physique import ANKLES, ELBOWS, HIPS, KNEES, SHOULDERS, SIDES, TOES, WRISTS, Physique

PELVIS, NECK, HEAD = 0, 12, 15
SPINE = (3, 6, 9)
COLLARS = (13, 14)
FIRST_FINGER = 25
FINGERS_PER_HAND, THUMB = 15, 12
RELAXED_FINGERS = 0.28
HAND_CLEARANCE_M = 0.035
HIPS_FORWARD_M = 0.02
HANG_FLEXION, HANG_ELBOW, HANG_PRONATION = 0.03, 0.24, 0.15
MAX_EXTENSION = 0.998
"""A standing leg is this share of its straight length: knees bent by about 7 degrees, never locked."""


@dataclass(frozen=True)
class Foot:
    """Where a foot is: its ankle, how far the heel is raised, how far the toes stay behind, where it points.

    Attributes:
        ankle: centre of the ankle joint, m.
        pitch: rotation about the body's left axis, rad; positive lifts the heel, negative the toes.
        toe_bend: how much of a positive pitch the toes do not follow, rad.
        yaw: rotation about the vertical, rad; positive turns to the left.
    """

    ankle: Float[np.ndarray, "frames 3"]
    pitch: Float[np.ndarray, " frames"]
    toe_bend: Float[np.ndarray, " frames"]
    yaw: float


@dataclass(frozen=True)
class Arm:
    """An arm in clinical angles from hanging straight down, palm to the thigh, rad.

    Attributes:
        flexion: forward.
        abduction: away from the body.
        rotation: of the upper arm about its own axis, outward.
        elbow: flexion.
        pronation: of the forearm, half of it at the elbow and half at the wrist.
        shrug: raise of the collar bone from where it lies when the arm hangs.
        extension: of the wrist, the back of the hand towards the forearm.
    """

    flexion: Float[np.ndarray, " frames"]
    abduction: Float[np.ndarray, " frames"]
    rotation: Float[np.ndarray, " frames"]
    elbow: Float[np.ndarray, " frames"]
    pronation: Float[np.ndarray, " frames"]
    shrug: Float[np.ndarray, " frames"]
    extension: Float[np.ndarray, " frames"]


@dataclass(frozen=True)
class Plan:
    """A whole action: rotation vectors in rad, positions in m; feet and arms left, then right.

    Attributes:
        time_s: evenly spaced.
        pelvis: centre of the pelvis joint.
        pelvis_turn: rotation of the pelvis.
        spine: rotation of the chest against the pelvis, spread over three joints.
        head: rotation of the head against the chest, spread over neck and head.
        feet: both feet.
        arms: both arms.
        finger_curl: of every finger joint but the thumb's.
    """

    time_s: Float[np.ndarray, " frames"]
    pelvis: Float[np.ndarray, "frames 3"]
    pelvis_turn: Float[np.ndarray, "frames 3"]
    spine: Float[np.ndarray, "frames 3"]
    head: Float[np.ndarray, "frames 3"]
    feet: tuple[Foot, Foot]
    arms: tuple[Arm, Arm]
    finger_curl: float = RELAXED_FINGERS


def solve(plan: Plan, body: Physique) -> tuple[Float[np.ndarray, "frames 165"], Float[np.ndarray, "frames 3"]]:
    """Poses and trans of a plan on a body, in a Z-up frame that the body faces along +X."""
    frames = len(plan.time_s)
    local = np.tile(np.eye(3), (frames, 55, 1, 1))
    local[:, PELVIS] = Rotation.from_rotvec(plan.pelvis_turn).as_matrix()
    local[:, SPINE] = Rotation.from_rotvec(plan.spine / 3).as_matrix()[:, None]
    local[:, (NECK, HEAD)] = Rotation.from_rotvec(plan.head / 2).as_matrix()[:, None]
    for side, arm in enumerate(plan.arms):
        set_arm(local, side, arm, body)
        set_fingers(local, side, plan.finger_curl)
    centers, turned = forward_kinematics(local[:, :BODY_JOINTS], plan.pelvis, body.joints)
    for side, foot in enumerate(plan.feet):
        set_leg(local, side, foot, body, turned[:, PELVIS], centers[:, HIPS[side]])
    local[:, PELVIS] = WORLD_FROM_MODEL @ local[:, PELVIS]
    trans = plan.pelvis @ WORLD_FROM_MODEL.T - body.joints[PELVIS]
    return matrix_to_rotvec(local).reshape(frames, 165), trans


def set_leg(
    local: Float[np.ndarray, "frames 55 3 3"],
    side: int,
    foot: Foot,
    body: Physique,
    pelvis: Float[np.ndarray, "frames 3 3"],
    hip: Float[np.ndarray, "frames 3"],
) -> None:
    """Bring one foot to its place; the knee points where the foot points."""
    frames = len(hip)
    pole = np.tile([np.sin(foot.yaw), 0.0, np.cos(foot.yaw)], (frames, 1))
    thigh, shank = reach(body.leg(side), pelvis, hip, foot.ankle, pole)
    carried = pelvis @ thigh @ shank
    placed = turn("y", np.full(frames, foot.yaw)) @ turn("x", foot.pitch)
    local[:, HIPS[side]], local[:, KNEES[side]] = thigh, shank
    local[:, ANKLES[side]] = np.swapaxes(carried, 1, 2) @ placed
    local[:, TOES[side]] = turn("x", -foot.toe_bend)


def set_arm(local: Float[np.ndarray, "frames 55 3 3"], side: int, arm: Arm, body: Physique) -> None:
    """Pose one arm; it starts from the rest pose of the body, in which the arms are spread."""
    sign = SIDES[side]
    upper = body.joints[ELBOWS[side]] - body.joints[SHOULDERS[side]]
    drop = np.arctan2(-upper[1], abs(upper[0]))
    forward = np.arcsin(upper[2] / np.linalg.norm(upper))
    lowering = np.pi / 2 - drop - arm.abduction
    swing = turn("x", -(arm.flexion - forward)) @ turn("z", -sign * lowering)
    lowered = lowered_collar(side)
    local[:, SHOULDERS[side]] = lowered.T @ swing @ turn("x", -arm.rotation)
    half_twist = turn("x", arm.pronation / 2)
    local[:, ELBOWS[side]] = turn("y", -sign * (arm.elbow - rest_bend(body, side))) @ half_twist
    local[:, WRISTS[side]] = half_twist @ turn("z", sign * arm.extension)
    local[:, COLLARS[side]] = lowered @ turn("z", sign * arm.shrug)


def lowered_collar(side: int) -> Float[np.ndarray, "3 3"]:
    """Rotation of a collar bone from rest, where it is lifted with the spread arm, to where hanging arms let it sink."""
    return turn("z", np.array([-SIDES[side] * np.radians(COLLAR_DROP_DEG)]))[0]


def rest_bend(body: Physique, side: int) -> float:
    """How far (rad) the elbow of the rest pose is already bent forward."""
    shoulder, elbow, wrist = (body.joints[pair[side]] for pair in (SHOULDERS, ELBOWS, WRISTS))
    upper, fore = elbow - shoulder, wrist - elbow
    return float(np.arctan2(fore[2], abs(fore[0])) - np.arctan2(upper[2], abs(upper[0])))


def set_fingers(local: Float[np.ndarray, "frames 55 3 3"], side: int, curl: float) -> None:
    """Curl the four fingers of one hand towards the palm."""
    first = FIRST_FINGER + side * FINGERS_PER_HAND
    local[:, first : first + THUMB] = turn("z", np.full(1, -SIDES[side] * curl))[0]


def hanging(body: Physique, time_s: Float[np.ndarray, " frames"], elbow: float = HANG_ELBOW) -> Arm:
    """An arm that hangs beside the body, just clear of its hips."""
    still = np.zeros(len(time_s))
    return Arm(
        flexion=still + HANG_FLEXION,
        abduction=still + hanging_abduction(body),
        rotation=still,
        elbow=still + elbow,
        pronation=still + HANG_PRONATION,
        shrug=still,
        extension=still,
    )


def hanging_abduction(body: Physique) -> float:
    """How far (rad) an arm must be spread for the hand to clear the hips, between 3 and 20 degrees."""
    shoulder, wrist = body.joints[SHOULDERS[0]], body.joints[WRISTS[0]]
    reach_m = float(np.linalg.norm(wrist - shoulder))
    needed = (body.half_width_m + HAND_CLEARANCE_M - shoulder[0]) / reach_m
    return float(np.clip(np.arcsin(np.clip(needed, -1, 1)), np.radians(3), np.radians(20)))


def standing_places(body: Physique, toe_out: float) -> tuple[tuple[float, float, float], ...]:
    """Where the ankles stand (x, z, yaw), left then right: under the hips, toes turned out by `toe_out` rad."""
    half = abs(float(body.joints[HIPS[0], 0]))
    return ((half, 0.0, toe_out), (-half, 0.0, -toe_out))


def standing_pelvis(body: Physique) -> Float[np.ndarray, "3"]:
    """Pelvis joint (m) when standing: legs nearly straight, hips a little before the ankles, ankles at X, Z 0."""
    hip_to_pelvis = body.joints[PELVIS] - body.joints[list(HIPS)].mean(axis=0)
    up = np.sqrt((MAX_EXTENSION * body.leg_m) ** 2 - HIPS_FORWARD_M**2)
    return hip_to_pelvis + np.array([0.0, body.ankle_height_m + up, HIPS_FORWARD_M])


def planted(body: Physique, side: int, place: tuple[float, float, float], pitch: Float[np.ndarray, " frames"]) -> Foot:
    """A foot on the floor that rolls in place: about the ball when the heel is raised, about the heel otherwise.

    The toes stay flat while the heel is up, because the foot turns about the joint between them. With pitch 0 the
    ankle stands at (x, z) of `place`, the foot pointing along its yaw.
    """
    x, z, yaw = place
    ankle, ball, heel = body.joints[ANKLES[side]], body.joints[TOES[side]], body.heels[side]
    turned = turn("y", np.full(1, yaw))[0]
    flat = np.array([x, body.ankle_height_m, z])
    pivot = np.where((pitch > 0)[:, None], ball - ankle, heel - ankle)
    rolled = np.einsum("tab,tb->ta", turn("x", pitch), -pivot)
    return Foot(flat + (pivot + rolled) @ turned.T, pitch, np.maximum(pitch, 0.0), yaw)
