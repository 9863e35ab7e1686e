"""Speed and exactness of inverse kinematics, side by side with OpenSim's in one run, on one core.

    python benchmarks/inverse_kinematics.py [--quick] [--json PATH]

Times are processor seconds on one core. OpenSim's are taken inside its process around run() or the loop over frames;
ours around the whole solve: choice of frames, starts, search and the replay of the model. Goals stand beside the
figures; a goal that is missed is said and changes no exit code. Clips of `./odah setup --with mocap` are used when
they are there.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from figures import Figure, Report, at_least, at_most
from jaxtyping import Float
from opensim_clock import in_child, run_solver, run_tool
from subjects import Person, Recording, mocap_names, person, recording, standing

from odah_gen.dataset.quality import AT_LIMIT_RAD
from odah_gen.motion.procedural import ACTIONS
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.cross_check import (
    FrameSolutions,
    compared,
    coordinate_differences,
    replaced,
    spread_frames,
    weighted_objective,
    worse_frames,
)
from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.kinematics import Solution, nearest_branch
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.subject import SubjectModel, marker_errors
from odah_gen.skeleton.trc import MarkerTrajectories
from odah_gen.skeleton.worker import call

FRAMES, RATE_HZ = 600, 60.0
NOISE_M = 0.005
TOOL_ACCURACY = 1e-5
COUNTED_WEIGHT = 0.05
LIMITS_MM = {"walking": 8.0, "walk": 8.0, **dict.fromkeys(("sitting", "kick", "jumping", "jump", "run"), 12.0)}
ARMS_MM = {"waving": 15.0, "punch": 15.0}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer frames and clips; under a minute")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures with machine, versions and date")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    report = Report("inverse kinematics")
    who = person()
    say("scaling the mean woman")
    subject = who.scaled([recording(who, action, 30.0).markers for action in ("walking", "waving")])
    skeleton = call("read_skeleton", text=subject.text)
    report.add("forward kinematics", forward_figures(subject, skeleton, 20 if arguments.quick else 200))
    report.add("speed and exactness on a known motion", known_motion(who, subject, skeleton, arguments.quick))
    report.add("growth", growth(who, skeleton, [60, 600, 6000] if arguments.quick else [60, 600, 6000, 60000]))
    names = ["walking"] if arguments.quick else [*ACTIONS, *mocap_names()]
    report.add_table("clips", clip_table(who, names, 3 if arguments.quick else 20, report))
    report.finish(arguments.json)


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr)


def forward_figures(subject: SubjectModel, skeleton: Skeleton, poses: int) -> list[Figure]:
    """Forward kinematics on random poses against OpenSim's, and its speed."""
    say("forward kinematics")
    coordinates = random_poses(skeleton, poses)
    theirs = call("replay", text=subject.text, names=skeleton.coordinate_names, coordinates=coordinates)
    ours = fast_ik.replay(ForwardKinematics(skeleton), coordinates)
    apart = max(
        float(np.abs(getattr(ours, name) - getattr(theirs, name)).max())
        for name in ("joint_centers_m", "mass_centers_m", "markers_m")
    )
    many = torch.as_tensor(random_poses(skeleton, FRAMES))
    kinematics = ForwardKinematics(skeleton)
    kinematics.move(many)
    start = time.process_time()
    for _ in range(10):
        kinematics.move(many)
    each = (time.process_time() - start) / 10 / FRAMES
    return [
        Figure("largest distance of joint centres, mass centres, markers from OpenSim's", apart, "m", at_most(1e-9)),
        Figure("moving the whole skeleton", 1e6 * each, "µs per frame"),
    ]


def random_poses(skeleton: Skeleton, count: int) -> Float[np.ndarray, "poses coordinates"]:
    """Coordinates drawn over their ranges, or ±1 where there is none; the patella follows."""
    low, high = ranges(skeleton)
    drawn = torch.as_tensor(np.random.default_rng(0).uniform(low, high, (count, len(low))))
    return ForwardKinematics(skeleton).complete(drawn).numpy()


def ranges(skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the ranges (rad, m), ±1 where there is none."""
    return np.where(skeleton.clamped, skeleton.lower, -1.0), np.where(skeleton.clamped, skeleton.upper, 1.0)


def known_trial(skeleton: Skeleton, frames: int, noise_m: float) -> tuple[np.ndarray, MarkerTrajectories]:
    """A motion of all coordinates (0.1 to 0.7 Hz, 60 % of their ranges, one turn) and its markers."""
    generator = np.random.default_rng(0)
    low, high = ranges(skeleton)
    time_s = np.arange(frames) / RATE_HZ
    count = len(skeleton.coordinate_names)
    phase = 2 * np.pi * time_s[:, None] * generator.uniform(0.1, 0.7, count) + generator.uniform(0, 2 * np.pi, count)
    motion = (low + high) / 2 + 0.3 * (high - low) * np.sin(phase)
    motion[:, skeleton.coordinate_names.index("pelvis_rotation")] = 2 * np.pi * time_s / 10
    motion[:, skeleton.locked] = skeleton.defaults[skeleton.locked]
    kinematics = ForwardKinematics(skeleton)
    truth = kinematics.complete(torch.as_tensor(motion))
    markers = kinematics.markers(kinematics.move(truth)).numpy()
    markers = markers + noise_m * generator.normal(size=markers.shape)
    return truth.numpy(), MarkerTrajectories(skeleton.marker_names, time_s, markers)


def known_motion(who: Person, subject: SubjectModel, skeleton: Skeleton, quick: bool) -> list[Figure]:
    """OpenSim's tool and solver and our engine on the same markers of a known motion."""
    weights = who.weights()
    found = [Figure("markers with weight", len(weights), "", at_least(60))]
    for noise_m, label in ((0.0, "no noise"), (NOISE_M, "5 mm noise")):
        truth, trial = known_trial(skeleton, FRAMES, noise_m)
        fast, solution = timed_fast(skeleton, trial, weights)
        errors = angle_errors(skeleton, truth, solution.coordinates)
        goal = at_most(0.001) if noise_m == 0 else None
        found += [
            Figure(f"ours, {label}: processor time", 1000 * fast, "ms per frame", at_most(0.5)),
            Figure(f"ours, {label}: mean angle error", float(errors.mean()), "deg", goal),
            Figure(f"ours, {label}: largest angle error", float(errors.max()), "deg"),
        ]
        say(f"InverseKinematicsTool, {label}")
        part = 120 if quick else FRAMES
        first = MarkerTrajectories(trial.names, trial.time_s[:part], trial.points_m[:part])
        seconds, names, values = in_child(run_tool, subject.text, first, weights)
        order = [names.index(name) for name in skeleton.coordinate_names]
        errors = angle_errors(skeleton, truth[:part], values[:, order])
        tool = seconds / part
        found += [
            Figure(f"InverseKinematicsTool, accuracy 1e-5, {label}: processor time", 1000 * tool, "ms per frame"),
            Figure(f"InverseKinematicsTool, {label}: frames per processor second", 1 / tool, "1/s"),
            Figure(f"InverseKinematicsTool, {label}: mean angle error", float(errors.mean()), "deg"),
            Figure(f"InverseKinematicsTool, {label}: largest angle error", float(errors.max()), "deg"),
            Figure(f"ours is faster, {label}", tool / fast, "times", at_least(100)),
        ]
        if noise_m == 0:
            loop = in_child(run_solver, subject.text, first, weights, TOOL_ACCURACY) / part
            found.append(Figure("InverseKinematicsSolver, accuracy 1e-5: processor time", 1000 * loop, "ms per frame"))
    return found


def timed_fast(skeleton: Skeleton, trial: MarkerTrajectories, weights: dict[str, float]) -> tuple[float, Solution]:
    """Processor seconds per frame of our engine (the better of two runs, the first one warms up) and its result."""
    seconds = []
    for _ in range(2):
        start = time.process_time()
        solution = fast_ik.solve(skeleton, trial, weights)
        seconds.append((time.process_time() - start) / len(trial.time_s))
    return min(seconds), solution


def angle_errors(skeleton: Skeleton, truth: np.ndarray, found: np.ndarray) -> Float[np.ndarray, "frames free"]:
    """Absolute errors of the free angles (deg), pelvis and arms as the nearest triples."""
    names = skeleton.coordinate_names
    chosen = compared(names) & ~skeleton.locked
    return np.rad2deg(coordinate_differences(names, nearest_branch(names, truth), found)[:, chosen])


def growth(who: Person, skeleton: Skeleton, counts: Sequence[int]) -> list[Figure]:
    """Processor time per frame against the number of frames, in one clip and in clips of 600."""
    found, weights = [], who.weights()
    for count in counts:
        say(f"{count} frames")
        _, trial = known_trial(skeleton, count, NOISE_M)
        seconds, _ = timed_fast(skeleton, trial, weights)
        found.append(Figure(f"{count} frames in one clip", 1000 * seconds, "ms per frame"))
    _, trial = known_trial(skeleton, FRAMES, NOISE_M)
    start = time.process_time()
    fast_ik.solve_clips(skeleton, [trial] * 10, weights)
    each = (time.process_time() - start) / (10 * FRAMES)
    return [*found, Figure("10 clips of 600 frames at once", 1000 * each, "ms per frame")]


def clip_table(who: Person, names: Sequence[str], checked: int, report: Report) -> Iterator[dict[str, Any]]:
    """Every clip: residuals, held-out points, limits, offsets, and OpenSim's own solution of a sample of frames."""
    say("scaling the mean woman to her clips")
    clips = [recording(who, name, 30.0) for name in names]
    subject = who.scaled([clip.markers for clip in clips])
    skeleton = call("read_skeleton", text=subject.text)
    lengths = np.linalg.norm(list(subject.report["marker_offsets_mm"].values()), axis=1)
    places = held_out_places(who, skeleton)
    differences, excesses = [], []
    for clip in clips:
        say(f"{clip.name}: against OpenSim")
        solution = fast_ik.solve(skeleton, clip.markers, who.weights())
        apart, excess = against_opensim(who, subject, clip, solution, checked)
        differences.append(apart)
        excesses.append(excess)
        yield clip_row(who, skeleton, clip, solution, places) | {
            "largest difference from OpenSim (deg)": float(np.rad2deg(apart).max()),
            "objective above OpenSim's": excess,
        }
    everything = np.rad2deg(np.concatenate([apart.ravel() for apart in differences]))
    report.add(
        "against OpenSim at accuracy 1e-10 from neutral starts",
        [
            Figure("frames compared", sum(map(len, differences)), ""),
            Figure("99 % of differences are below", float(np.quantile(everything, 0.99)), "deg", at_most(0.02)),
            Figure("largest difference", float(everything.max()), "deg", at_most(0.1)),
            Figure("our objective above OpenSim's, relative, at most", max(excesses), "", at_most(1e-9)),
            Figure("median marker offset", float(np.median(lengths)), "mm", at_most(10)),
            Figure("largest marker offset", float(lengths.max()), "mm", at_most(25)),
        ],
    )


def clip_row(
    who: Person, skeleton: Skeleton, clip: Recording, solution: Solution, places: dict[str, tuple[int, np.ndarray]]
) -> dict[str, Any]:
    """Residuals of one clip (mm), and the coordinates at a limit."""
    names = list(who.weights())
    errors = 1000 * marker_errors(names, clip.markers, solution)
    counted = [column for column, name in enumerate(names) if who.weights()[name] > COUNTED_WEIGHT]
    rms = float(np.sqrt((errors[:, counted] ** 2).mean()))
    at_limit = limit_shares(skeleton, solution)
    goal = (LIMITS_MM | ARMS_MM).get(clip.name)
    return {
        "clip": clip.name,
        "frames": len(errors),
        "RMS (mm)": rms,
        "goal (mm)": goal,
        "met": None if goal is None else rms <= goal,
        "worst marker (mm)": float(errors[:, counted].max()),
        "held-out points, mean (mm)": held_out_error(clip, solution, places),
        "at a limit": ", ".join(f"{name} {100 * share:.0f} %" for name, share in at_limit.items() if share > 0.1),
    }


def limit_shares(skeleton: Skeleton, solution: Solution) -> dict[str, float]:
    """Share of frames in which each clamped coordinate lies within 0.1° of an end of its range."""
    outside = (solution.coordinates < skeleton.lower + AT_LIMIT_RAD) | (
        solution.coordinates > skeleton.upper - AT_LIMIT_RAD
    )
    free = skeleton.clamped & ~skeleton.locked
    return {
        name: float(share)
        for name, share, counts in zip(skeleton.coordinate_names, outside.mean(axis=0), free)
        if counts
    }


def held_out_places(who: Person, skeleton: Skeleton) -> dict[str, tuple[int, Float[np.ndarray, " 3"]]]:
    """Where the standing subject carries each held-out point: its body and place there (m)."""
    trial, held_out = standing(who)
    solution = fast_ik.solve(skeleton, trial, who.weights())
    return {
        name: (body, local(solution, body, held_out.column(name)[:1])[0])
        for name, body_name in zip(who.layout.held_out_names, who.layout.held_out_bodies)
        for body in [skeleton.body_names.index(body_name)]
    }


def local(solution: Solution, body: int, points_m: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
    """Points of each frame in the frame of a body."""
    replay = solution.replay
    frames = len(points_m)
    return np.einsum(
        "fji,fj->fi", replay.body_rotations[:frames, body], points_m - replay.body_origins_m[:frames, body]
    )


def held_out_error(clip: Recording, solution: Solution, places: dict[str, tuple[int, np.ndarray]]) -> float:
    """Mean distance (mm) of held-out points from where the model carries them."""
    apart = [
        np.linalg.norm(local(solution, body, clip.held_out.column(name)) - place, axis=1)
        for name, (body, place) in places.items()
    ]
    return float(1000 * np.mean(apart))


def against_opensim(
    who: Person, subject: SubjectModel, clip: Recording, solution: Solution, count: int
) -> tuple[Float[np.ndarray, "frames angles"], float]:
    """Differences of all angles (rad) from OpenSim's solution of some frames, and how far our objective is above its."""
    weights = who.weights()
    frames = spread_frames(solution.valid, count)
    objective = weighted_objective(weights, clip.markers, solution)[frames]
    ours = FrameSolutions(solution.coordinate_names, solution.coordinates[frames], objective)
    task = {"text": subject.text, "trial": clip.markers, "weights": weights}
    theirs = call("check_frames", **task, frames=frames)
    rows = np.flatnonzero(worse_frames(ours.objectives, theirs.objectives))
    if len(rows):
        starts = (ours.coordinate_names, ours.coordinates[rows])
        theirs = replaced(theirs, call("check_frames", **task, frames=frames[rows], starts=starts), rows)
    differences = coordinate_differences(ours.coordinate_names, ours.coordinates, theirs.coordinates)
    excess = (ours.objectives - theirs.objectives) / theirs.objectives
    return differences[:, compared(ours.coordinate_names)], float(excess.max())


if __name__ == "__main__":
    main()
