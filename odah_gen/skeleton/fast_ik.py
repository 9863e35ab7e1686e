"""Inverse kinematics of whole clips at once, on OpenSim's own objective and bounds.

Every frame is a problem of its own (odah_gen.skeleton.minimise), so all of them are solved together. What ties them
is where they start: key frames start from sampled positions of each joint (odah_gen.skeleton.sampled_start) and from
each other, where that ends badly from standard poses; all frames start from the key frames beside them. Frames that end
far worse than their neighbours start again from those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.interpolate import CubicSpline
from torch import Tensor

from odah_gen.errors import InputError
from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.kinematics import (
    GOOD_RMS_M,
    STARTS,
    THUMBS_FORWARD,
    Replay,
    Solution,
    enough_markers,
    fill_invalid,
    nearest_branch,
)
from odah_gen.skeleton.marker_problem import MarkerProblem, Measured
from odah_gen.skeleton.minimise import MOST_STEPS, Minimum, minimise
from odah_gen.skeleton.sampled_start import SampledStart
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.trc import MarkerTrajectories

KEY_STRIDE = 12
"""Frames from one key frame to the next."""
CHUNK = 256
"""Frames solved together: enough to spread the cost of each array operation, few enough for the processor's cache."""
FIRST_STEPS = 4
COARSE, COARSE_STEPS = 1e-2, 12
"""Key frames are only starts: tolerance (rad, m) and most steps."""
WORSE = 2.0
"""A frame whose cost exceeds that of a neighbour this many times starts again from the neighbour."""
BETTER = 1e-6
"""By this share at least a cost must fall to count as better."""


@dataclass(frozen=True)
class Mending:
    """Which frames start again from a neighbour.

    Attributes:
        negligible_m: marker errors (root mean square) that are good enough.
        jump_rad: a frame with a coordinate farther than this from its neighbour's starts again, too.
        most_steps: of the search.
    """

    negligible_m: float
    jump_rad: float
    most_steps: int


KEYS = Mending(1e-3, np.inf, COARSE_STEPS)
FRAMES = Mending(3e-5, 0.6, MOST_STEPS)


def solve(
    skeleton: Skeleton,
    trial: MarkerTrajectories,
    weights: Mapping[str, float],
    locked: Mapping[str, float] | None = None,
    called: str = "the model",
) -> Solution:
    """Inverse kinematics of one trial; see `solve_clips`."""
    return solve_clips(skeleton, [trial], weights, locked, called)[0]


def solve_clips(
    skeleton: Skeleton,
    trials: Sequence[MarkerTrajectories],
    weights: Mapping[str, float],
    locked: Mapping[str, float] | None = None,
    called: str = "the model",
) -> list[Solution]:
    """Inverse kinematics of several trials of one subject, all frames at once.

    Minimises Σ weight |model marker − measured marker|² in each frame within the ranges of clamped coordinates, with
    locked coordinates at their defaults and couplers obeyed, as OpenSim's solver does. Frames with less than half of
    the weighted markers, or without three on the pelvis, are not valid and are interpolated.

    Args:
        skeleton: the subject's, scaled.
        trials: marker trajectories (m); NaN where a marker was not seen.
        weights: marker → weight; markers of weight 0 are left out.
        locked: coordinates held at values (rad, m).
        called: what messages call the model.

    Raises:
        InputError: the skeleton or a trial lacks a weighted marker; a trial has no frame with enough markers.
    """
    weighted = {name: weight for name, weight in weights.items() if weight > 0}
    skeleton = skeleton.with_locked(locked or {})
    carrying = with_only(skeleton, list(weighted), called)
    clips = [clip_points(carrying, trial) for trial in trials]
    solver = Solver(carrying, np.array(list(weighted.values())))
    with torch.inference_mode():
        solved = solver.solve([clip.points_m[clip.valid] for clip in clips])
    kinematics = ForwardKinematics(skeleton)
    return [solution(kinematics, clip.valid, rows) for clip, rows in zip(clips, solved)]


@dataclass(frozen=True)
class ClipPoints:
    """The weighted markers of a trial, and which frames can be solved."""

    points_m: Float[np.ndarray, "frames markers 3"]
    valid: Bool[np.ndarray, " frames"]


def with_only(skeleton: Skeleton, names: Sequence[str], called: str) -> Skeleton:
    """The skeleton with these markers only.

    Raises:
        InputError: it lacks one of them.
    """
    absent = [name for name in names if name not in skeleton.marker_names]
    if absent:
        raise InputError(
            f"{called}: has no marker {absent[0]}; all {len(names)} weighted markers were expected. "
            "Run the scale stage again with this marker list."
        )
    return skeleton.with_listed(names)


def clip_points(skeleton: Skeleton, trial: MarkerTrajectories) -> ClipPoints:
    """A trial's markers in the order of the skeleton's.

    Raises:
        InputError: the trial lacks one of them; no frame has enough.
    """
    absent = [name for name in skeleton.marker_names if name not in trial.names]
    if absent:
        raise InputError(
            f"The trial has no marker {absent[0]}; all {len(skeleton.marker_names)} weighted markers were expected. "
            "Run the markers stage again with the marker list of the run."
        )
    points = trial.points_m[:, [trial.names.index(name) for name in skeleton.marker_names]]
    valid = enough_markers(points, skeleton.marker_bodies == skeleton.root)
    if not valid.any():
        raise InputError(
            f"No frame of the trial has half of the {len(skeleton.marker_names)} weighted markers and three on the "
            f"{skeleton.body_names[skeleton.root]}. Check the marker names and the gaps of the trial."
        )
    return ClipPoints(points, valid)


def solution(
    kinematics: ForwardKinematics, valid: Bool[np.ndarray, " frames"], solved: Float[np.ndarray, "valid coordinates"]
) -> Solution:
    """The coordinates of all frames of a clip, and the skeleton moved through them."""
    names = kinematics.skeleton.coordinate_names
    coordinates = np.zeros((len(valid), len(names)))
    coordinates[valid] = nearest_branch(names, solved, kinematics.skeleton.limits)
    coordinates = fill_invalid(coordinates, valid)
    return Solution(names, coordinates, valid, replay(kinematics, coordinates))


def replay(kinematics: ForwardKinematics, coordinates: Float[np.ndarray, "frames coordinates"]) -> Replay:
    """Move the skeleton through coordinates (rad, m), as OpenSim's replay does; coupled ones are set."""
    skeleton = kinematics.skeleton
    with torch.inference_mode():
        parts = [places(kinematics, part) for part in torch.as_tensor(coordinates, dtype=kinematics.dtype).split(CHUNK)]
    arrays = (np.concatenate(part) for part in zip(*parts))
    return Replay(skeleton.body_names, skeleton.joint_names, skeleton.marker_names, *arrays)


def places(kinematics: ForwardKinematics, coordinates: Float[Tensor, "frames coordinates"]) -> tuple[np.ndarray, ...]:
    """Joint centres, mass centres, markers, body origins and rotations."""
    pose = kinematics.move(kinematics.complete(coordinates))
    positions = pose.joint_centers_m, kinematics.mass_centers(pose), kinematics.markers(pose)
    return tuple(np.ascontiguousarray(array.numpy()) for array in (*positions, pose.origins_m, pose.rotations))


class Solver:
    """Solves the frames of a subject's clips; every marker of the skeleton counts."""

    def __init__(self, skeleton: Skeleton, weights: Float[np.ndarray, " markers"]) -> None:
        """Prepare the problem and the table of starts."""
        kinematics = ForwardKinematics(skeleton)
        self.skeleton = skeleton
        self.problem = MarkerProblem(kinematics)
        self.starts = SampledStart(self.problem)
        self.weights = torch.as_tensor(weights, dtype=kinematics.dtype)
        self.poses = starting_poses(skeleton)

    def solve(
        self, clips: Sequence[Float[np.ndarray, "frames markers 3"]]
    ) -> list[Float[np.ndarray, "frames coordinates"]]:
        """Coordinates (rad, m) of every frame of every clip; each frame has enough markers."""
        lengths = [len(points) for points in clips]
        points = torch.as_tensor(np.concatenate(clips), dtype=self.weights.dtype)
        weights = self.weights.expand(points.shape[:2])
        parts = zip(points.split(CHUNK), weights.split(CHUNK))
        measured = Measured.join([self.problem.measured(*part) for part in parts])
        clip = np.repeat(np.arange(len(clips)), lengths)
        keys = key_frames(lengths)
        starts = self._between(keys, self._keys(measured, keys, clip), lengths)
        found = self._refine(measured, starts)
        found = self._mend(measured, found, clip, FRAMES)
        return np.split(found.coordinates.numpy(), np.cumsum(lengths)[:-1])

    def _keys(self, measured: Measured, keys: Int[np.ndarray, " keys"], clip: np.ndarray) -> np.ndarray:
        """Coordinates of key frames: from sampled positions, from each other, and where that ends badly from poses."""
        there = measured.frames(torch.as_tensor(keys))
        starts = self.starts.coordinates(there)
        best = self._coarse(there, starts)
        best = self._mend(there, best, clip[keys], KEYS)
        for pose in self.poses:
            bad = (best.cost > GOOD_RMS_M**2 * there.weight.sum(dim=1)).nonzero()[:, 0]
            if not len(bad):
                break
            again = self._coarse(there.frames(bad), posed(starts[bad], pose))
            best = self._mend(there, better_of(best, again, bad), clip[keys], KEYS)
        return best.coordinates.numpy()

    def _coarse(self, measured: Measured, starts: Tensor) -> Minimum:
        """Solve key frames from far."""
        parts = [
            minimise(self.problem, measured.frames(rows), starts[rows], most_steps=COARSE_STEPS, tolerance=COARSE)
            for rows in torch.arange(len(starts)).split(CHUNK)
        ]
        return Minimum.join(parts)

    def _between(self, keys: np.ndarray, solved: np.ndarray, lengths: Sequence[int]) -> Tensor:
        """Starts of all frames, interpolated between the key frames of each clip."""
        ends = np.cumsum(lengths)
        starts = []
        for first, end in zip(ends - lengths, ends):
            inside = (keys >= first) & (keys < end)
            followed = nearest_branch(self.skeleton.coordinate_names, solved[inside], self.skeleton.limits)
            starts.append(through(keys[inside], followed, np.arange(first, end)))
        return torch.as_tensor(np.concatenate(starts), dtype=self.weights.dtype)

    def _refine(self, measured: Measured, starts: Tensor) -> Minimum:
        """Solve all frames, some at a time; the few that need many steps are finished together."""
        rows = torch.arange(len(starts)).split(CHUNK)
        first = [
            minimise(self.problem, measured.frames(part), starts[part], near=True, most_steps=FIRST_STEPS)
            for part in rows
        ]
        found = Minimum.join(first)
        for part in (~found.done).nonzero()[:, 0].split(CHUNK):
            again = minimise(self.problem, measured.frames(part), found.coordinates[part], near=True)
            found = better_of(found, again, part)
        return found

    def _mend(self, measured: Measured, found: Minimum, clip: np.ndarray, mending: Mending) -> Minimum:
        """Start frames again from their neighbours where those fare much better, and keep what is better.

        What is found travels on from frame to frame, forwards and backwards, as long as it helps.
        """
        fresh = {side: np.ones(len(clip), dtype=bool) for side in (1, -1)}
        while any(frames.any() for frames in fresh.values()):
            for side in (1, -1):
                suspects = self._suspects(found, clip, side, mending)
                rows = torch.as_tensor(suspects[fresh[side][suspects - side]])
                fresh[side][:] = False
                if len(rows):
                    start = found.coordinates[rows - side]
                    again = minimise(self.problem, measured.frames(rows), start, most_steps=mending.most_steps)
                    better = rows[again.cost < found.cost[rows] * (1 - BETTER)].numpy()
                    found = better_of(found, again, rows)
                    fresh[1][better] = fresh[-1][better] = True
        return found

    def _suspects(self, found: Minimum, clip: np.ndarray, side: int, mending: Mending) -> np.ndarray:
        """Frames to start again from the frame before (side 1) or after (-1): worse than it, or far from it."""
        cost = found.cost.numpy()
        followed = nearest_branch(self.skeleton.coordinate_names, found.coordinates.numpy(), self.skeleton.limits)
        rows = np.arange(len(cost))
        inside = (rows - side >= 0) & (rows - side < len(cost))
        rows = rows[inside]
        rows = rows[clip[rows] == clip[rows - side]]
        turning = self.skeleton.rotational
        apart = np.abs(followed[rows] - followed[rows - side])[:, turning].max(axis=1, initial=0.0)
        floor = mending.negligible_m**2 * self.weights.sum().item()
        return rows[(cost[rows] > WORSE * cost[rows - side] + floor) | (apart > mending.jump_rad)]


def starting_poses(skeleton: Skeleton) -> list[dict[int, float]]:
    """The standard poses by coordinate, of those coordinates that are free."""
    names = skeleton.coordinate_names
    poses = [THUMBS_FORWARD | dict(start) for start in STARTS]
    return [
        {names.index(name): value for name, value in pose.items() if name in names}
        | {int(index): float(skeleton.defaults[index]) for index in np.flatnonzero(skeleton.locked)}
        for pose in poses
    ]


def posed(
    starts: Float[Tensor, "frames coordinates"], pose: Mapping[int, float]
) -> Float[Tensor, "frames coordinates"]:
    """The same starts with a standard pose."""
    starts = starts.clone()
    for coordinate, value in pose.items():
        starts[:, coordinate] = value
    return starts


def key_frames(lengths: Sequence[int]) -> Int[np.ndarray, " keys"]:
    """Every KEY_STRIDE-th frame of each clip and its last, counted through all clips."""
    first, keys = 0, []
    for length in lengths:
        keys.append(first + np.unique([*range(0, length, KEY_STRIDE), length - 1]))
        first += length
    return np.concatenate(keys)


def better_of(found: Minimum, again: Minimum, rows: Tensor) -> Minimum:
    """The better of two results for some rows; the first for the others."""
    better = again.cost <= found.cost[rows]
    chosen = rows[better]
    return Minimum(
        *(old.index_copy(0, chosen, new[better]) for old, new in zip(vars(found).values(), vars(again).values()))
    )


def through(
    keys: Int[np.ndarray, " keys"], values: Float[np.ndarray, "keys coordinates"], frames: Int[np.ndarray, " frames"]
) -> Float[np.ndarray, "frames coordinates"]:
    """Smooth curves through key frames, or the value of the only one."""
    return CubicSpline(keys, values)(frames) if len(keys) > 1 else np.repeat(values, len(frames), axis=0)
