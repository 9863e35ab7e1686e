"""From MakeHuman's pose (arms at 45°, legs apart) to the rest pose of the free body.

The rest pose has SMPL-X's limb directions, so that a rotation from a motion file means the same: upper arms
sagging 11.6° and 7.5° backward, forearms 2° upward and 2° backward, palms down; legs straight.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from odah_gen.body.free.landmarks import anatomical_joints
from odah_gen.body.free.makehuman import MakeHuman, Rig
from odah_gen.body.model import FINGERS, JOINT_NAMES
from odah_gen.geometry import shortest_arc, unit

# Left limb directions of SMPL-X at rest: means of both sides of its published rest joints.
UPPER_ARM = unit(np.array([0.2625, -0.0540, -0.0345]))
FOREARM = unit(np.array([0.2505, 0.0090, -0.0090]))
# Straight legs along the mean line from hip to ankle, a little wider so that the thighs stay apart.
LEG = unit(np.array([0.0350, -1.0, -0.0480]))
CLAVICLE_LIFT = np.deg2rad(7.0)
SHOULDER_LIFT = np.deg2rad(6.0)
FINGER_SPLAY_KEPT = 0.6
FINGER_SPLAY_LIMIT = 0.2
SIDES = (("left", "L", np.array([1.0, 1, 1])), ("right", "R", np.array([-1.0, 1, 1])))
FINGER_NUMBERS = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}
# SMPL-X joints that are heads of single bones; {} is the side.
CENTRAL = {
    "spine1": "spine03",
    "spine2": "spine02",
    "spine3": "spine01",
    "neck": "neck01",
    "head": "head",
    "jaw": "jaw",
}
LATERAL = {
    "hip": "upperleg01", "knee": "lowerleg01", "ankle": "foot", "collar": "clavicle", "shoulder": "upperarm01",
    "elbow": "lowerarm01", "wrist": "wrist", "eye": "eye",
    **{f"{finger}{i}": f"finger{FINGER_NUMBERS[finger]}-{i}" for finger in FINGERS for i in (1, 2, 3)},
}  # fmt: skip
PELVIS_HEIGHT = "spine04"
# SMPL-X's pelvis at rest (m), without its sideways 3 mm: AMASS translations count from there.
PELVIS_AT_REST = np.array([0.0, -0.351, 0.012])


@dataclass(frozen=True)
class Skeleton:
    """Bone ends of one person in MakeHuman's pose; hips, knees, ankles and elbows are anatomical, not the rig's own."""

    rig: Rig
    heads: Float[np.ndarray, "bones 3"]
    tails: Float[np.ndarray, "bones 3"]

    def head(self, bone: str) -> Float[np.ndarray, "3"]:
        """Where a bone starts."""
        return self.heads[self.rig.index(bone)]

    def tail(self, bone: str) -> Float[np.ndarray, "3"]:
        """Where a bone ends."""
        return self.tails[self.rig.index(bone)]


class Turns:
    """World rotations of the bones; turning a bone turns everything that hangs on it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.rotations = [Rotation.identity()] * len(rig.names)

    def turn(self, bone: str, rotation: Rotation) -> None:
        """Set the rotation of a bone and of its descendants."""
        for index in self.rig.descendants[self.rig.index(bone)]:
            self.rotations[index] = rotation


def rest_pose(
    source: MakeHuman, vertices: Float[np.ndarray, "vertices 3"]
) -> tuple[Float[np.ndarray, "vertices 3"], Float[np.ndarray, "55 3"]]:
    """Bring one person into the rest pose; give vertices and joints with the pelvis at its place."""
    skeleton = measure_skeleton(source, vertices)
    turns = Turns(source.rig)
    for _, side, flip in SIDES:
        turn_arm(skeleton, turns, side, flip)
        turn_leg(skeleton, turns, side, flip)
    rotations, moves, heads = bone_transforms(skeleton, turns)
    posed = blend_dual_quaternions(source.rig.weights, rotations, moves, vertices)
    joints = collect_joints(Skeleton(source.rig, heads, skeleton.tails))
    offset = PELVIS_AT_REST - joints[0]
    return posed + offset, joints + offset


def measure_skeleton(source: MakeHuman, vertices: Float[np.ndarray, "vertices 3"]) -> Skeleton:
    """Bone ends from the mesh, with hips, knees, ankles and elbows moved to their anatomical places."""
    rig = source.rig
    heads, tails = rig.heads @ vertices, rig.tails @ vertices
    for name, centers in anatomical_joints(source, vertices).items():
        for (_, side, _), center in zip(SIDES, centers):
            heads[rig.index(f"{LATERAL[name]}.{side}")] = center
    return Skeleton(rig, heads, tails)


def turn_arm(skeleton: Skeleton, turns: Turns, side: str, flip: Float[np.ndarray, "3"]) -> None:
    """Raise the shoulder girdle, lay upper arm and forearm along their directions, twist the elbow's hinge upright."""
    upward = flip[0]
    turns.turn(f"clavicle.{side}", Rotation.from_rotvec([0, 0, upward * CLAVICLE_LIFT]))
    girdle = Rotation.from_rotvec([0, 0, upward * (CLAVICLE_LIFT + SHOULDER_LIFT)])
    turns.turn(f"shoulder01.{side}", girdle)
    shoulder, elbow, wrist = (skeleton.head(f"{bone}.{side}") for bone in ("upperarm01", "lowerarm01", "wrist"))
    upper, fore = UPPER_ARM * flip, FOREARM * flip
    raised = swing(girdle.apply(elbow - shoulder), upper) * girdle
    # Flexion must bring the forearm forward: the hinge, normal of the bent rest elbow, becomes arm x forward.
    hinge = raised.apply(unit(np.cross(elbow - shoulder, wrist - elbow)))
    twist = twist_onto(upper, hinge, np.cross(upper, [0.0, 0, 1]))
    turns.turn(f"upperarm01.{side}", Rotation.from_rotvec(twist.as_rotvec() / 2) * raised)
    turns.turn(f"upperarm02.{side}", twist * raised)
    straight = swing((twist * raised).apply(wrist - elbow), fore) * twist * raised
    turns.turn(f"lowerarm01.{side}", straight)
    turn_hand(skeleton, turns, side, straight)


def turn_hand(skeleton: Skeleton, turns: Turns, side: str, forearm: Rotation) -> None:
    """Lay the hand palm down along the X axis; half of the twist is taken by the distal forearm."""
    sideways = np.array([1.0 if side == "L" else -1.0, 0, 0])
    wrist = skeleton.head(f"wrist.{side}")
    knuckles = {finger: skeleton.head(f"finger{finger}-1.{side}") for finger in (2, 3, 5)}
    level = swing(forearm.apply(knuckles[3] - wrist), sideways) * forearm
    twist = twist_onto(sideways, level.apply(knuckles[2] - knuckles[5]), np.array([0.0, 0, 1]))
    turns.turn(f"lowerarm02.{side}", Rotation.from_rotvec(twist.as_rotvec() / 2) * forearm)
    turns.turn(f"wrist.{side}", twist * level)
    for finger in (2, 3, 4, 5):
        straighten_finger(skeleton, turns, f"finger{finger}-{{}}.{side}", twist * level)


def straighten_finger(skeleton: Skeleton, turns: Turns, bones: str, hand: Rotation) -> None:
    """Lay the bones of a finger in one line in the plane of the palm, keeping a part of its splay."""
    joints = [skeleton.head(bones.format(i)) for i in (1, 2, 3)] + [skeleton.tail(bones.format(3))]
    first = hand.apply(joints[1] - joints[0])
    outward = np.sign(first[0])
    splay = np.clip(
        FINGER_SPLAY_KEPT * np.arctan2(first[2], first[0] * outward), -FINGER_SPLAY_LIMIT, FINGER_SPLAY_LIMIT
    )
    direction = np.array([outward * np.cos(splay), 0, np.sin(splay)])
    rotation = hand
    for i in (1, 2, 3):
        rotation = swing(rotation.apply(joints[i] - joints[i - 1]), direction) * rotation
        turns.turn(bones.format(i), rotation)


def turn_leg(skeleton: Skeleton, turns: Turns, side: str, flip: Float[np.ndarray, "3"]) -> None:
    """Lay thigh and shank in one line; the feet stay flat."""
    hip, knee, ankle = (skeleton.head(f"{bone}.{side}") for bone in ("upperleg01", "lowerleg01", "foot"))
    turns.turn(f"upperleg01.{side}", swing(knee - hip, LEG * flip))
    turns.turn(f"lowerleg01.{side}", swing(ankle - knee, LEG * flip))
    turns.turn(f"foot.{side}", Rotation.identity())


def swing(start: Float[np.ndarray, "3"], end: Float[np.ndarray, "3"]) -> Rotation:
    """The smallest rotation between two directions that are not opposite."""
    return Rotation.from_matrix(shortest_arc(start, end))


def twist_onto(axis: Float[np.ndarray, "3"], start: Float[np.ndarray, "3"], end: Float[np.ndarray, "3"]) -> Rotation:
    """The rotation about an axis that brings one vector into the half plane of another."""
    axis = unit(axis)
    start, end = start - axis * (axis @ start), end - axis * (axis @ end)
    return Rotation.from_rotvec(axis * np.arctan2(axis @ np.cross(start, end), start @ end))


def bone_transforms(skeleton: Skeleton, turns: Turns) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rotation and translation of each bone (x → R x + t), and its head after the move."""
    rotations = np.stack([rotation.as_matrix() for rotation in turns.rotations])
    heads = skeleton.heads.copy()
    for bone, parent in enumerate(skeleton.rig.parents):
        if parent >= 0:
            heads[bone] = heads[parent] + rotations[parent] @ (skeleton.heads[bone] - skeleton.heads[parent])
    return rotations, heads - np.einsum("bij,bj->bi", rotations, skeleton.heads), heads


def blend_dual_quaternions(
    weights: Float[np.ndarray, "vertices bones"],
    rotations: Float[np.ndarray, "bones 3 3"],
    moves: Float[np.ndarray, "bones 3"],
    vertices: Float[np.ndarray, "vertices 3"],
) -> Float[np.ndarray, "vertices 3"]:
    """Dual quaternion skinning (Kavan et al. 2008): keeps volume at shoulders and forearms, unlike linear blending."""
    real = Rotation.from_matrix(rotations).as_quat(canonical=True)
    axis, angle = real[:, :3], real[:, 3:]
    dual = np.hstack([angle * moves + np.cross(moves, axis), -(moves * axis).sum(1, keepdims=True)]) / 2
    blended = weights @ np.hstack([real, dual])
    blended /= np.linalg.norm(blended[:, :4], axis=1, keepdims=True)
    axis, angle, dual_axis, dual_angle = np.split(blended, [3, 4, 7], axis=1)
    turned = vertices + 2 * np.cross(axis, np.cross(axis, vertices) + angle * vertices)
    return turned + 2 * (angle * dual_axis - dual_angle * axis + np.cross(axis, dual_axis))


def collect_joints(skeleton: Skeleton) -> Float[np.ndarray, "55 3"]:
    """SMPL-X's 55 joints from the bone heads."""
    bones = dict(CENTRAL)
    for name, side, _ in SIDES:
        bones |= {f"{name}_{joint}": f"{bone}.{side}" for joint, bone in LATERAL.items()}
    places = {joint: skeleton.head(bone) for joint, bone in bones.items()}
    for name, side, _ in SIDES:
        places[f"{name}_foot"] = np.mean([skeleton.head(f"toe{toe}-1.{side}") for toe in range(1, 6)], axis=0)
    hips = (places["left_hip"] + places["right_hip"]) / 2
    places["pelvis"] = np.array([hips[0], skeleton.head(PELVIS_HEIGHT)[1], hips[2]])
    return np.stack([places[joint] for joint in JOINT_NAMES])
