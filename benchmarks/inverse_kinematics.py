"""Speed and exactness of inverse kinematics, side by side with OpenSim's in one run.

    python benchmarks/inverse_kinematics.py [--quick] [--json PATH]

Times are processor seconds of one thread. OpenSim's are taken inside its own process, after it has started and read the
model: of the tool around run(), which reads the markers and writes the motion; of the solver around assemble() and
track() alone. Ours are taken around the whole solve: choice of key frames, starts, search, and the model moved through
the result. Model and markers are the same for all, those of the mean woman of the free body model, scaled to her clips.

Goals stand beside the figures; a goal that is missed is said and changes no exit code. The motion-captured clips of
`./odah setup --with mocap` are used when they are there. The full run takes about a quarter of an hour.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from figures import Figure, Report, at_least, at_most
from jaxtyping import Float
from measures import angle_errors, carried, excess, place_errors
from opensim_clock import in_child, run_solver, run_tool
from subjects import Person, Recording, mocap_names, person, recording, standing

from odah_gen.dataset.quality import AT_LIMIT_RAD
from odah_gen.motion.procedural import ACTIONS
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.ik_stage import solved_by_opensim
from odah_gen.skeleton.joint_scaling import COUNTS
from odah_gen.skeleton.kinematics import Solution
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.subject import SubjectModel, marker_errors
from odah_gen.skeleton.trc import MarkerTrajectories
from odah_gen.skeleton.worker import call

FRAMES, RATE_HZ = 600, 60.0
NOISE_M = 0.005
TOOL_ACCURACY = 1e-5
CLIP_RATE_HZ = 30.0
LIMITS_MM = {
    "walking": 8.0,
    "walk": 8.0,
    **dict.fromkeys(("sitting", "kick", "spinkick", "jumping", "jump", "run"), 12.0),
    **dict.fromkeys(("waving", "punch"), 15.0),
}
OFTEN = 0.1
"""Coordinates that are at a limit in a larger share of the frames are named."""


@dataclass(frozen=True)
class Amount:
    """How much is measured.

    Attributes:
        poses: for forward kinematics.
        tool_frames: of the known motion that OpenSim solves.
        growth: numbers of frames.
        clips: how many clips are solved at once.
        actions: the clips of the table.
        checked: frames of each clip that OpenSim solves, too.
    """

    poses: int
    tool_frames: int
    growth: Sequence[int]
    clips: int
    actions: Sequence[str]
    checked: int


def amount(quick: bool) -> Amount:
    """A minute's worth, or everything."""
    mocap = mocap_names()
    if quick:
        return Amount(20, 20, [60, 600], 3, ["walking"], 3)
    return Amount(200, FRAMES, [60, 600, 6000, 60000], 10, [*ACTIONS, *mocap], 20)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer frames and clips; under a minute")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures with machine, versions and date")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    report, wanted = Report("inverse kinematics"), amount(arguments.quick)
    say("scaling the mean woman to her clips")
    who = person()
    clips = [recording(who, action, CLIP_RATE_HZ) for action in wanted.actions]
    subject = who.scaled([clip.markers for clip in clips])
    skeleton = call("read_skeleton", text=subject.text)
    report.add("forward kinematics", forward_figures(subject, skeleton, wanted.poses))
    for noise_m, label in ((0.0, "without noise"), (NOISE_M, "5 mm noise")):
        title = f"known motion, {FRAMES} frames, {len(who.weights())} weighted markers, {label}"
        report.add(title, known_motion(who, subject, skeleton, noise_m, wanted.tool_frames))
    report.add("growth, 5 mm noise", growth(who, skeleton, wanted))
    differences = Differences()
    rows = clip_table(who, subject, skeleton, clips, differences, wanted.checked)
    report.add_table(f"clips at {CLIP_RATE_HZ:g} Hz; marker errors of markers with weight above {COUNTS:g}", rows)
    for kind in differences.kinds():
        report.add(f"against OpenSim at accuracy 1e-10, from neutral starts: {kind} clips", differences.figures(kind))
    report.add("marker offsets of this subject", offset_figures(subject))
    report.finish(arguments.json)


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def forward_figures(subject: SubjectModel, skeleton: Skeleton, poses: int) -> list[Figure]:
    """Forward kinematics on random poses against OpenSim's, and its speed."""
    say("forward kinematics")
    coordinates = random_poses(skeleton, poses)
    theirs = call("replay", text=subject.text, names=skeleton.coordinate_names, coordinates=coordinates)
    kinematics = ForwardKinematics(skeleton)
    ours = fast_ik.replay(kinematics, coordinates)
    places = ("joint_centers_m", "mass_centers_m", "markers_m")
    apart = max(float(np.abs(getattr(ours, name) - getattr(theirs, name)).max()) for name in places)
    many = torch.as_tensor(random_poses(skeleton, FRAMES))
    each = shortest(lambda: kinematics.move(many)) / FRAMES
    return [
        Figure(
            f"joint centres, mass centres, markers from OpenSim's, worst of {poses} poses", apart, "m", at_most(1e-9)
        ),
        Figure(f"all bodies and joints of {FRAMES} frames at once", 1e6 * each, "µs per frame"),
    ]


def shortest(work: Callable[[], object], times: int = 10) -> float:
    """Processor seconds of some work, the least of several times."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def random_poses(skeleton: Skeleton, count: int) -> Float[np.ndarray, "poses coordinates"]:
    """Coordinates drawn over their ranges, or ±1 where there is none; the patella follows."""
    low, high = ranges(skeleton)
    drawn = torch.as_tensor(np.random.default_rng(0).uniform(low, high, (count, len(low))))
    return ForwardKinematics(skeleton).complete(drawn).numpy()


def ranges(skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the ranges (rad, m), ±1 where there is none."""
    return np.where(skeleton.clamped, skeleton.lower, -1.0), np.where(skeleton.clamped, skeleton.upper, 1.0)


def known_trial(skeleton: Skeleton, frames: int, noise_m: float) -> tuple[np.ndarray, MarkerTrajectories]:
    """A motion of all coordinates (0.1 to 0.7 Hz, 60 % of their ranges, a turn in 10 s) and its markers."""
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


def known_motion(
    who: Person, subject: SubjectModel, skeleton: Skeleton, noise_m: float, tool_frames: int
) -> list[Figure]:
    """OpenSim's tool and solver and our engine on the same markers of a known motion; OpenSim on its first frames."""
    weights, (truth, trial) = who.weights(), known_trial(skeleton, FRAMES, noise_m)
    say("fast engine")
    fast, solution = timed_fast(skeleton, trial, weights)
    first = MarkerTrajectories(trial.names, trial.time_s[:tool_frames], trial.points_m[:tool_frames])
    say("InverseKinematicsTool")
    seconds, names, values = in_child(run_tool, subject.text, first, weights)
    tool = seconds / tool_frames
    say("InverseKinematicsSolver")
    loop = in_child(run_solver, subject.text, first, weights, TOOL_ACCURACY) / tool_frames
    found = values[:, [names.index(name) for name in skeleton.coordinate_names]]
    return [
        Figure("markers with weight", len(weights), "", at_least(60)),
        Figure("ours", 1000 * fast, "ms per frame", at_most(0.5)),
        Figure("ours", 1 / fast, "frames per processor second"),
        Figure(f"InverseKinematicsTool, accuracy 1e-5, {tool_frames} frames", 1 / tool, "frames per processor second"),
        Figure(
            f"InverseKinematicsSolver, accuracy 1e-5, {tool_frames} frames", 1 / loop, "frames per processor second"
        ),
        Figure("ours faster than the tool", tool / fast, "times", at_least(100)),
        Figure("ours faster than the solver", loop / fast, "times"),
        *error_figures("ours", skeleton, truth, solution.coordinates, at_most(0.001) if noise_m == 0 else None),
        *error_figures("InverseKinematicsTool", skeleton, truth[:tool_frames], found, None),
    ]


def error_figures(
    who: str, skeleton: Skeleton, truth: np.ndarray, found: np.ndarray, goal: Any
) -> tuple[Figure, Figure]:
    """Mean and largest error of the free angles."""
    errors = np.rad2deg(angle_errors(skeleton.coordinate_names, truth, found)[:, ~skeleton.locked])
    mean, largest = float(np.nanmean(errors)), float(np.nanmax(errors))
    return Figure(f"{who}: mean angle error", mean, "deg", goal), Figure(f"{who}: largest angle error", largest, "deg")


def timed_fast(skeleton: Skeleton, trial: MarkerTrajectories, weights: dict[str, float]) -> tuple[float, Solution]:
    """Processor seconds per frame of our engine (the better of two runs, the first one warms up) and its result."""
    solutions: list[Solution] = []
    seconds = shortest(lambda: solutions.append(fast_ik.solve(skeleton, trial, weights)), 2)
    return seconds / len(trial.time_s), solutions[-1]


def growth(who: Person, skeleton: Skeleton, wanted: Amount) -> Iterator[Figure]:
    """Processor time per frame against the number of frames, in one clip and in clips of 600."""
    weights = who.weights()
    for count in wanted.growth:
        say(f"{count} frames")
        seconds, _ = timed_fast(skeleton, known_trial(skeleton, count, NOISE_M)[1], weights)
        yield Figure(f"{count} frames in one clip", 1000 * seconds, "ms per frame")
    say(f"{wanted.clips} clips")
    trials = [known_trial(skeleton, FRAMES, NOISE_M)[1]] * wanted.clips
    seconds = shortest(lambda: fast_ik.solve_clips(skeleton, trials, weights), 1) / (wanted.clips * FRAMES)
    yield Figure(f"{wanted.clips} clips of {FRAMES} frames at once", 1000 * seconds, "ms per frame")


@dataclass
class Differences:
    """How far clips are from OpenSim's own solutions, by kind of clip.

    Attributes:
        angles_deg: differences of all angles, an array for each clip.
        excesses: of our objective over OpenSim's, relative, one for each frame.
        restarts: frames in which OpenSim ended in a worse minimum and was started from ours.
    """

    angles_deg: dict[str, list[np.ndarray]] = field(default_factory=dict)
    excesses: dict[str, list[np.ndarray]] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, angles_deg: np.ndarray, excesses: np.ndarray, restarts: int) -> None:
        """Keep those of a clip."""
        self.angles_deg.setdefault(kind, []).append(angles_deg)
        self.excesses.setdefault(kind, []).append(excesses)
        self.restarts[kind] = self.restarts.get(kind, 0) + restarts

    def kinds(self) -> list[str]:
        """Kinds of clips, as they came."""
        return list(self.restarts)

    def figures(self, kind: str) -> list[Figure]:
        """What all clips of a kind say together."""
        angles = np.concatenate([part.ravel() for part in self.angles_deg[kind]])
        excesses = np.concatenate(self.excesses[kind])
        return [
            Figure("frames compared", int(np.isfinite(excesses).sum()), ""),
            Figure("of these, OpenSim's minimum was worse and was sought again from ours", self.restarts[kind], ""),
            Figure(
                "99 % of the differences of angles are below", float(np.nanquantile(angles, 0.99)), "deg", at_most(0.02)
            ),
            Figure("largest difference of an angle", float(np.nanmax(angles)), "deg", at_most(0.1)),
            Figure("largest excess of our objective", float(np.nanmax(excesses)), "of OpenSim's", at_most(1e-9)),
        ]


def clip_table(
    who: Person,
    subject: SubjectModel,
    skeleton: Skeleton,
    clips: Sequence[Recording],
    differences: Differences,
    checked: int,
) -> Iterator[dict[str, Any]]:
    """Every clip: residuals, held-out points, limits, and OpenSim's own solution of a sample of frames."""
    places = held_out_places(who, skeleton)
    for clip in clips:
        say(f"{clip.name}: against OpenSim")
        solution = fast_ik.solve(skeleton, clip.markers, who.weights())
        _, ours, theirs, restarts = solved_by_opensim(subject.text, clip.markers, who.weights(), solution, checked)
        order = [theirs.coordinate_names.index(name) for name in ours.coordinate_names]
        angles = angle_errors(ours.coordinate_names, ours.coordinates, theirs.coordinates[:, order])
        above = excess(ours.objectives, theirs.objectives)
        kind = "built-in" if clip.name in ACTIONS else "motion-captured"
        differences.add(kind, np.rad2deg(angles), above, restarts)
        yield clip_row(who, skeleton, clip, solution, places) | {
            "from OpenSim, largest (deg)": float(np.rad2deg(np.nanmax(angles))),
            "objective above OpenSim's": float(np.nanmax(above)),
        }


def clip_row(
    who: Person, skeleton: Skeleton, clip: Recording, solution: Solution, places: dict[str, tuple[int, np.ndarray]]
) -> dict[str, Any]:
    """Residuals of one clip (mm), and the coordinates at a limit."""
    counted = [name for name, weight in who.weights().items() if weight > COUNTS]
    errors = 1000 * marker_errors(counted, clip.markers, solution)
    rms = float(np.sqrt((errors**2).mean()))
    held_out = held_out_errors(clip, solution, places)
    worst, missed = (int(array.max(axis=0).argmax()) for array in (errors, held_out))
    goal = LIMITS_MM.get(clip.name)
    return {
        "clip": clip.name,
        "frames": len(errors),
        "marker RMS (mm)": rms,
        "goal (mm)": goal,
        "met": None if goal is None else rms <= goal,
        "worst marker (mm)": f"{counted[worst]} {errors[:, worst].max():.0f}",
        "held-out points, mean (mm)": float(held_out.mean()),
        "95 % (mm)": float(np.quantile(held_out, 0.95)),
        "worst (mm)": f"{list(places)[missed]} {held_out[:, missed].max():.0f}",
        "at a limit": often_at_limit(skeleton, solution),
    }


def often_at_limit(skeleton: Skeleton, solution: Solution) -> str:
    """Clamped coordinates that often lie at an end of their range, and in what share of the frames."""
    low, high = skeleton.lower + AT_LIMIT_RAD, skeleton.upper - AT_LIMIT_RAD
    shares = ((solution.coordinates < low) | (solution.coordinates > high)).mean(axis=0)
    told = (shares > OFTEN) & skeleton.clamped & ~skeleton.locked
    named = [f"{skeleton.coordinate_names[column]} {shares[column]:.0%}" for column in np.flatnonzero(told)]
    return ", ".join(named) or "none"


def held_out_places(who: Person, skeleton: Skeleton) -> dict[str, tuple[int, Float[np.ndarray, " 3"]]]:
    """The body that carries each held-out point, and where, as the standing subject shows (m)."""
    trial, held_out = standing(who)
    replay = fast_ik.solve(skeleton, trial, who.weights()).replay
    bodies = dict(zip(who.layout.held_out_names, who.layout.held_out_bodies))
    places = {}
    for name, body_name in bodies.items():
        body = skeleton.body_names.index(body_name)
        places[name] = (body, carried(replay, body, held_out.column(name))[0])
    return places


def held_out_errors(
    clip: Recording, solution: Solution, places: dict[str, tuple[int, np.ndarray]]
) -> Float[np.ndarray, "frames points"]:
    """Distances (mm) of held-out points from where the model carries them."""
    columns = [
        place_errors(solution.replay, body, clip.held_out.column(name), place) for name, (body, place) in places.items()
    ]
    return 1000 * np.stack(columns, axis=1)


def offset_figures(subject: SubjectModel) -> list[Figure]:
    """How far the markers sit from where the list puts them."""
    lengths = np.linalg.norm(list(subject.report["marker_offsets_mm"].values()), axis=1)
    return [
        Figure("median", float(np.median(lengths)), "mm", at_most(10)),
        Figure("largest", float(lengths.max()), "mm", at_most(25)),
    ]


if __name__ == "__main__":
    main()
