"""A subject's body, posed so that it shows given coordinates.

The body fit of the subject's clips has said which body shows which label. A new pose starts from the fitted frame whose
coordinates are the nearest: every mesh joint turns as its skeleton's body does from that frame to the new pose, and
what the fit had left between markers and joint centres of body and skeleton is carried along by the skeleton's bodies.
Then the fit's own solver (stage 2, one frame, no floor) moves the body onto these targets. In a fitted frame itself
nothing is left to move, and the body is that of body.npz.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation
from torch import Tensor

from odah_gen.body.model import JOINT_NAMES
from odah_gen.body.skinning import pose_body, rotvec_to_matrix, shape_body
from odah_gen.errors import InputError
from odah_gen.fidelity.segments import MESH_JOINTS
from odah_gen.frames import matrix_to_rotvec
from odah_gen.motion.amass import read_world_motion
from odah_gen.pose.recording import read_recording
from odah_gen.pose.skeleton_poser import SkeletonPose, SkeletonPoser
from odah_gen.registration.clip_fit import clip_goals, clip_problem
from odah_gen.registration.fit_frames import (
    Motion,
    Targets,
    corrected_motion,
    free_joints,
    make_frames,
    marker_offsets,
)
from odah_gen.registration.fit_stage import SubjectBody, fit_settings, subject_fit_body
from odah_gen.registration.least_squares import minimise
from odah_gen.registration.parts import collapse, pose_parts, resting_places
from odah_gen.registration.points import shape_points
from odah_gen.run import Run
from odah_gen.skeleton.skeleton import GROUND, NO_COORDINATE, Skeleton
from odah_gen.storage import read_npz

BODY_OF = {joint: body for body, joints in MESH_JOINTS.items() for joint in joints}
"""The skeleton's body that a mesh joint turns with; a joint that is not here keeps its rotation relative to its parent."""
SPINE_SHARES = {"spine1": 1 / 3, "spine2": 2 / 3}
"""How much of the trunk's turn against the pelvis the lower joints of the spine have."""
MOST_STEPS = 8
TOLERANCE = 1e-2
"""Relative fall of the cost at which the search ends: a step that would gain less moves no point by a tenth of a mm."""
NOTHING_LEFT = 1e-9
"""A cost below this is rounding: the start is the answer."""
VALIDITY = ("keypoints.npz", "labels.npz")


@dataclass(frozen=True)
class FittedFrames:
    """All frames of a subject's clips that the body fit has fitted to a label.

    Attributes:
        clip_ids, numbers: clip and number in it of each frame.
        coordinates: rad, m, OpenSim ground.
        poses, trans: of the fitted body (rad; m, world).
        betas: its shape.
        gender: its gender.
    """

    clip_ids: tuple[str, ...]
    numbers: tuple[int, ...]
    coordinates: Float[np.ndarray, "frames coordinates"]
    poses: Float[np.ndarray, "frames 165"]
    trans: Float[np.ndarray, "frames 3"]
    betas: Float[np.ndarray, " betas"]
    gender: str


def read_fitted(run: Run, subject: str, skeleton: Skeleton) -> FittedFrames:
    """Read the fitted frames of a subject's clips, those of an exported data set as well; clips without a fit are left out.

    Raises:
        InputError: no clip has been fitted, or a file cannot be read or does not fit the others.
    """
    folders = {clip: run.clip(clip) for clip in run.clips_of(subject)}
    fitted = {clip: folder for clip, folder in folders.items() if (folder / "body.npz").exists()}
    if not fitted:
        raise InputError(f"{run.subject(subject)}: no clip of this subject has a body.npz. Run the fit stage.")
    bodies = {clip: read_world_motion(folder / "body.npz") for clip, folder in fitted.items()}
    coordinates = {clip: read_recording(folder / "kinematics.mot", skeleton).values for clip, folder in fitted.items()}
    shown = {clip: np.flatnonzero(valid_frames(folder, len(coordinates[clip]))) for clip, folder in fitted.items()}
    for clip, folder in fitted.items():
        if len(bodies[clip]["poses"]) != len(coordinates[clip]):
            raise InputError(
                f"{folder}: body.npz and kinematics.mot differ in length. Run the ik and fit stages again."
            )
    first = next(iter(bodies.values()))
    return FittedFrames(
        tuple(clip for clip, frames in shown.items() for _ in frames),
        tuple(int(frame) for frames in shown.values() for frame in frames),
        np.concatenate([coordinates[clip][frames] for clip, frames in shown.items()]),
        np.concatenate([bodies[clip]["poses"][frames] for clip, frames in shown.items()]),
        np.concatenate([bodies[clip]["trans"][frames] for clip, frames in shown.items()]),
        first["betas"],
        str(first["gender"]),
    )


def valid_frames(folder: Path, frames: int) -> np.ndarray:
    """Which frames of a clip have a label, [frames]; all, where no file says so.

    Raises:
        InputError: the file has another number of frames.
    """
    path = next((folder / name for name in VALIDITY if (folder / name).exists()), None)
    valid = np.ones(frames, dtype=bool) if path is None else read_npz(path, ("valid",), ())["valid"].astype(bool)
    if len(valid) != frames:
        raise InputError(f"{path}: has {len(valid)} frames; kinematics.mot has {frames}. Run the ik stage again.")
    return valid


class MeshPoser:
    """Poses a subject's fitted body.

    Attributes:
        fitted: the frames that poses start from.
    """

    def __init__(self, run: Run, subject: str, poser: SkeletonPoser) -> None:
        """Gather a subject's body and its fitted frames.

        Raises:
            InputError: the subject has not been fitted, or a file of the run cannot be read.
        """
        self.poser, self.settings = poser, fit_settings(run)
        self.fitted = read_fitted(run, subject, poser.skeleton)
        self.body = subject_fit_body(run, self.fitted.gender, self.fitted.betas)
        self.rows = Rows(self.body, poser.skeleton)
        self.shaped = shape_body(self.body.model, torch.as_tensor(self.fitted.betas))
        points = self.body.points
        offsets = marker_offsets(points, np.zeros((points.markers, 3)))
        at_rest = shape_points(points.points, torch.as_tensor(self.fitted.betas, dtype=torch.float64), offsets)
        self.parts = collapse(at_rest, points.combine[: self.rows.count], free_joints(self.settings.locked))
        self.compared = posture(poser.skeleton)

    @property
    def vertices(self) -> int:
        """How many vertices the body has."""
        return len(self.shaped.vertices)

    def pose(
        self, coordinates: Float[np.ndarray, " coordinates"], near: tuple[str, int] | None = None
    ) -> Float[np.ndarray, "vertices 3"]:
        """The vertices (m, world) of the body that shows these coordinates (rad, m).

        Args:
            coordinates: in the skeleton's order, followers as their couplers have them.
            near: clip and frame to start from; the one with the nearest posture where not given.

        Raises:
            InputError: `near` is no fitted frame of the subject.
        """
        start = self.nearest(coordinates) if near is None else self.frame(*near)
        motion = self.fit(start, coordinates)
        with torch.inference_mode():
            posed = pose_body(self.shaped, torch.as_tensor(motion.poses), torch.as_tensor(motion.trans))
        return posed.vertices[0].numpy()

    def nearest(self, coordinates: Float[np.ndarray, " coordinates"]) -> int:
        """The fitted frame with the nearest posture; where the body stands and faces plays no part."""
        differences = (self.fitted.coordinates - coordinates)[:, self.compared]
        return int(np.square(differences).sum(axis=1).argmin())

    def frame(self, clip_id: str, number: int) -> int:
        """The place of a clip's frame among the fitted ones.

        Raises:
            InputError: it is none of them.
        """
        for place, key in enumerate(zip(self.fitted.clip_ids, self.fitted.numbers)):
            if key == (clip_id, number):
                return place
        raise InputError(
            f"near: {clip_id} frame {number} is no fitted frame with a label of this subject. Leave near out."
        )

    def fit(self, start: int, coordinates: Float[np.ndarray, " coordinates"]) -> Motion:
        """Pose and translation of the one frame, from those of a fitted frame."""
        with torch.inference_mode():
            pose = self.poser.pose(np.stack([self.fitted.coordinates[start], coordinates]))
            local = self.local_rotations(start)
            moved, trans = self.carried(local, self.fitted.trans[start], pose)
            seen = self.observe(local, self.fitted.trans[start])
            targets = self.rows.targets(pose, seen)
            motion = Motion(matrix_to_rotvec(moved.numpy()).reshape(1, -1), trans[None])
            frames = make_frames(self.body.points, motion, targets, self.settings)
            frames = dataclasses.replace(frames, local=moved[None])
            problem = clip_problem(self.parts, frames, clip_goals(frames, 0), self.settings.smoothness, 1.0)
            unknowns = torch.zeros(frames.size, dtype=torch.float64)
            if problem.cost(unknowns) > NOTHING_LEFT:
                unknowns = minimise(problem, unknowns, MOST_STEPS, TOLERANCE).unknowns
            return corrected_motion(motion, frames, problem.rows(unknowns))

    def local_rotations(self, start: int) -> Float[Tensor, "55 3 3"]:
        """The mesh joints' rotations relative to their parents in a fitted frame."""
        return rotvec_to_matrix(torch.as_tensor(self.fitted.poses[start], dtype=torch.float64).reshape(55, 3))

    def observe(self, local: Float[Tensor, "55 3 3"], trans: np.ndarray) -> Float[np.ndarray, "rows 3"]:
        """Markers and regressed joint centres of the body (m, world)."""
        shift = torch.as_tensor(trans, dtype=torch.float64)[None]
        posed = pose_parts(self.parts, resting_places(self.parts, local[None]), local[None], shift)
        return posed.positions[0].numpy()

    def carried(
        self, local: Float[Tensor, "55 3 3"], trans: Float[np.ndarray, "3"], pose: SkeletonPose
    ) -> tuple[Float[Tensor, "55 3 3"], Float[np.ndarray, "3"]]:
        """Rotations and translation after every mesh joint has turned as its body does from the first pose to the second."""
        names, turns = self.poser.skeleton.body_names, turns_between(pose)
        pelvis = names.index("pelvis")
        was = local.numpy()
        moved, before, after = was.copy(), [was[0]], [turns[pelvis] @ was[0]]
        moved[0] = after[0]
        for joint, parent in list(enumerate(self.parts.parents))[1:]:
            before.append(before[parent] @ was[joint])
            turn = joint_turn(JOINT_NAMES[joint], turns, names)
            if turn is not None:
                moved[joint] = after[parent].T @ turn @ before[joint]
            after.append(after[parent] @ moved[joint])
        root, (first, second) = self.parts.joints[0].numpy(), pose.body_origins_m[:, pelvis]
        return torch.as_tensor(moved), second + turns[pelvis] @ (root + trans - first) - root


class Rows:
    """What the fit looks at, markers and then joint centres, and where the skeleton has them."""

    def __init__(self, body: SubjectBody, skeleton: Skeleton) -> None:
        """Find the rows of a body in a skeleton.

        Raises:
            InputError: the skeleton lacks a marker or a joint.
        """
        self.markers = places_of(body.layout.names, skeleton.marker_names, "marker")
        self.joints = places_of(body.joint_names, skeleton.joint_names, "joint")
        self.bodies = np.concatenate([skeleton.marker_bodies[self.markers], skeleton.joint_children[self.joints]])
        self.count = len(self.bodies)

    def places(self, pose: SkeletonPose, frame: int) -> Float[np.ndarray, "rows 3"]:
        """Where the skeleton has the rows in a frame (m, world)."""
        return np.concatenate([pose.markers_m[frame, self.markers], pose.joint_centers_m[frame, self.joints]])

    def targets(self, pose: SkeletonPose, seen: Float[np.ndarray, "rows 3"]) -> Targets:
        """Where the body's rows should be in the second frame: as far from the skeleton's as in the first.

        Args:
            pose: a fitted frame, and the pose that is wanted.
            seen: the body's rows in the fitted frame (m, world).
        """
        away = seen - self.places(pose, 0)
        carried = np.einsum("rij,rj->ri", turns_between(pose)[self.bodies], away)
        wanted = (self.places(pose, 1) + carried)[None]
        return Targets(wanted[:, : len(self.markers)], wanted[:, len(self.markers) :])


def places_of(wanted: Sequence[str], names: Sequence[str], kind: str) -> list[int]:
    """The places of names in a list.

    Raises:
        InputError: one is missing.
    """
    absent = [name for name in wanted if name not in names]
    if absent:
        raise InputError(
            f"model.osim: has no {kind} {absent[0]}, which the body fit looks at. Run the scale and fit stages again."
        )
    return [list(names).index(name) for name in wanted]


def posture(skeleton: Skeleton) -> list[int]:
    """The coordinates that make a posture: angles that nothing else decides, those of the root joint left out."""
    root = skeleton.joint_parents.tolist().index(GROUND)
    apart = {NO_COORDINATE, *skeleton.axis_coordinates[root].tolist(), *skeleton.coupled.tolist()}
    return [i for i in range(len(skeleton.coordinate_names)) if i not in apart and not skeleton.locked[i]]


def turns_between(pose: SkeletonPose) -> Float[np.ndarray, "bodies 3 3"]:
    """How each body turns from the first frame to the second (world ← world)."""
    first, second = pose.body_rotations
    return second @ first.swapaxes(-1, -2)


def joint_turn(name: str, turns: Float[np.ndarray, "bodies 3 3"], bodies: Sequence[str]) -> np.ndarray | None:
    """How a mesh joint turns [3, 3]; None where it has no body of its own."""
    if name in SPINE_SHARES:
        pelvis, torso = (turns[bodies.index(body)] for body in ("pelvis", "torso"))
        against = Rotation.from_matrix(pelvis.T @ torso).as_rotvec()
        return pelvis @ Rotation.from_rotvec(SPINE_SHARES[name] * against).as_matrix()
    body = BODY_OF.get(name)
    return None if body is None else turns[bodies.index(body)]
