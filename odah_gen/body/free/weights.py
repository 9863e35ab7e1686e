"""Skinning weights for 55 joints from the weights of MakeHuman's 163 bones."""

import re

import numpy as np
from jaxtyping import Float

from odah_gen.body.free.makehuman import MakeHuman, Rig
from odah_gen.body.free.tpose import FINGER_NUMBERS
from odah_gen.body.model import JOINT_NAMES

SIDE = {"L": "left_", "R": "right_"}
# The first rule whose pattern fits the bone's whole name (without .L or .R) names the joint; {} is the side.
RULES = (
    (r"root|pelvis|spine05|spine04", "pelvis"),
    (r"spine03", "spine1"),
    (r"spine02|breast", "spine2"),
    (r"spine01", "spine3"),
    (r"neck0[12]", "neck"),
    (r"clavicle|shoulder01", "{}collar"),
    (r"upperarm.*", "{}shoulder"),
    (r"lowerarm.*", "{}elbow"),
    (r"wrist|metacarpal.*", "{}wrist"),
    (r"upperleg.*", "{}hip"),
    (r"lowerleg.*", "{}knee"),
    (r"foot", "{}ankle"),
    (r"toe.*", "{}foot"),
    (r"eye", "{}eye"),
    (r"jaw|tongue.*|special04|oris01|oris02", "jaw"),
)
LOWER_LIP = ("oris06.L", "oris06.R", "oris07.L", "oris07.R")
# The top neck bone carries skin of neck and head.
SHARED = {"neck03": {"neck": 0.6, "head": 0.4}}
# The wrist takes up to this share of the distal forearm, so that the skin twists along it when the palm turns.
FOREARM_SHARE = 0.5
FOREARM_START = 0.55


def joint_weights(
    source: MakeHuman, vertices: Float[np.ndarray, "vertices 3"], joints: Float[np.ndarray, "55 3"]
) -> Float[np.ndarray, "vertices 55"]:
    """Weights of all vertices; `vertices` and `joints` are those of the average adult at rest."""
    weights = source.rig.weights @ bone_shares(source.rig)
    for side in SIDE.values():
        elbow, wrist = JOINT_NAMES.index(f"{side}elbow"), JOINT_NAMES.index(f"{side}wrist")
        forearm = joints[wrist] - joints[elbow]
        along = (vertices - joints[elbow]) @ forearm / (forearm @ forearm)
        moved = weights[:, elbow] * FOREARM_SHARE * smooth_step((along - FOREARM_START) / (1 - FOREARM_START))
        weights[:, elbow] -= moved
        weights[:, wrist] += moved
    return weights / weights.sum(1, keepdims=True)


def smooth_step(x: Float[np.ndarray, " vertices"]) -> Float[np.ndarray, " vertices"]:
    """0 below 0, 1 above 1, smooth between."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def bone_shares(rig: Rig) -> Float[np.ndarray, "bones 55"]:
    """Which joint, or joints, each bone's skin belongs to."""
    shares = np.zeros((len(rig.names), len(JOINT_NAMES)))
    for row, bone in enumerate(rig.names):
        for joint, share in SHARED.get(bone, {joint_of_bone(bone): 1.0}).items():
            shares[row, JOINT_NAMES.index(joint)] = share
    return shares


def joint_of_bone(bone: str) -> str:
    """The SMPL-X joint that moves a bone of MakeHuman's standard rig; bones of the face belong to the head."""
    name, _, side = bone.partition(".")
    if bone in LOWER_LIP:
        return "jaw"
    finger = re.fullmatch(r"finger(\d)-(\d)", name)
    if finger:
        names = {number: word for word, number in FINGER_NUMBERS.items()}
        return f"{SIDE[side]}{names[int(finger[1])]}{finger[2]}"
    found = next((joint for pattern, joint in RULES if re.fullmatch(pattern, name)), "head")
    return found.format(SIDE.get(side, ""))
