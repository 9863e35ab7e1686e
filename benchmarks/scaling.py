"""How true subjects' models are, and how long they take.

    python benchmarks/scaling.py [--quick] [--seed N] [--json PATH]

Three parts. Known sizes: subjects drawn with known scale factors and displaced markers, found again by OpenSim's Scale
tool and by the joint fit (benchmarks/known_scales.py says what is drawn). Bodies: the models of bodies of the free body
model against anatomy (odah_gen/skeleton/anatomy.py), scaled with a few motions of their own. Whole subject: wall seconds
of `odah-gen scale` for one subject with 20 clips of 10 s at 60 Hz and then of `odah-gen ik` on these clips, ten on each
of two cores, files and the start of processes included; the check against OpenSim is left out and timed apart.

Goals stand beside the figures; a goal that is missed is said and changes no exit code. The motion-captured clips of
`./odah setup --with mocap` are used when they are there. The full run takes about a quarter of an hour.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from figures import Figure, Goal, Report, at_least, at_most
from known_scales import Recovered, known_scales
from subjects import Person, mocap_names, person, recording

from odah_gen.body.subject import draw_betas
from odah_gen.config import Config, InverseKinematics, Motion
from odah_gen.motion.catalogue import create_run
from odah_gen.motion.procedural import ACTIONS
from odah_gen.run import Run, open_run
from odah_gen.skeleton.anatomy import PROPORTIONS, QUIET, stance_figures
from odah_gen.skeleton.ik_stage import against_opensim, marker_weights, solve_trial
from odah_gen.skeleton.joint_fit_priors import LARGEST_SHIFT_M, LARGEST_TURN_RAD
from odah_gen.skeleton.subject import SubjectModel
from odah_gen.skeleton.trc import read_trc

WAYS = {
    "tool_only": "ScaleTool, markers not placed",
    "tool": "ScaleTool, markers placed",
    "start": "ScaleTool with this project's measurements",
    "fit": "joint fit",
}
BODIES_SEED = 3
"""As in tests/skeleton/test_meaning.py."""
MOTION_RATE_HZ = 30.0
CORES = 2


@dataclass(frozen=True)
class Amount:
    """How much is measured: seeds of known sizes, bodies and their motions, clips of a whole subject of so many seconds."""

    seeds: int
    bodies: int
    motions: Sequence[str]
    clips: int
    seconds: float
    checked_clips: int


QUICK = Amount(1, 1, ("walking",), 2, 1.0, 0)
FULL = Amount(10, 20, ("walking", "sitting", "waving", "walk", "kick"), 20, 10.0, 4)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one subject, one body, short clips; under a minute")
    parser.add_argument("--seed", type=int, default=BODIES_SEED, help=f"of the drawn bodies; {BODIES_SEED} by default")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures with machine, versions and date")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    report, wanted = Report("scaling"), QUICK if arguments.quick else FULL
    found = [known(seed) for seed in range(wanted.seeds)]
    report.add_table("known sizes: every subject", (known_row(seed, ways) for seed, ways in enumerate(found)))
    report.add(f"known sizes: mean of {wanted.seeds} subjects", known_figures(found))
    bodies: list[dict[str, float | str]] = []
    report.add_table("bodies", body_rows(wanted, arguments.seed, bodies))
    report.add(f"bodies: worst of {wanted.bodies}", body_figures(bodies))
    title = f"whole subject, {wanted.clips} clips of {wanted.seconds:g} s at 60 Hz, {CORES} cores"
    report.add(title, whole_subject(wanted, at_most(60) if wanted == FULL else None))
    report.finish(arguments.json)


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def known(seed: int) -> dict[str, Recovered]:
    """A drawn subject, found again in every way."""
    say(f"known sizes: subject {seed}")
    return known_scales(seed)


def known_row(seed: int, ways: Mapping[str, Recovered]) -> dict[str, Any]:
    """The errors of one subject as a line of a table."""
    row: dict[str, Any] = {"seed": seed}
    for way, found in ways.items():
        row[f"{way}: factors"] = found.factor_error
        row[f"{way}: centres (mm)"] = 1000 * found.center_error_m
        row[f"{way}: angles (deg)"] = float(np.rad2deg(found.angle_error_rad))
    return row


def known_figures(found: Sequence[Mapping[str, Recovered]]) -> Iterator[Figure]:
    """Mean errors of every way over all subjects, and the joint fit against the Scale tool."""

    def mean(way: str, measure: Callable[[Recovered], float]) -> float:
        return float(np.mean([measure(ways[way]) for ways in found]))

    for way in found[0]:
        fit = way == "fit"
        factors, centers = mean(way, lambda one: one.factor_error), mean(way, lambda one: one.center_error_m)
        yield Figure(f"{WAYS[way]}: mean error of factors", factors, "", at_most(0.025) if fit else None)
        yield Figure(f"{WAYS[way]}: joint centres", 1000 * centers, "mm", at_most(6) if fit else None)
        yield Figure(f"{WAYS[way]}: angles", float(np.rad2deg(mean(way, lambda one: one.angle_error_rad))), "deg")
    for other in ("tool_only", "tool"):
        factors = mean("fit", lambda one: one.factor_error) / mean(other, lambda one: one.factor_error)
        centers = mean("fit", lambda one: one.center_error_m) / mean(other, lambda one: one.center_error_m)
        yield Figure(f"joint fit against {WAYS[other]}: factors", factors, "of its error", at_most(0.5))
        yield Figure(f"joint fit against {WAYS[other]}: joint centres", centers, "of its error", at_most(0.5))


def drawn_bodies(count: int, seed: int) -> list[Person]:
    """Bodies drawn as the pipeline draws them, women and men in turn."""
    random = np.random.default_rng(seed)
    return [person(("female", "male")[index % 2], draw_betas(random, 16, 1.0)) for index in range(count)]


def body_rows(wanted: Amount, seed: int, kept: list[dict[str, float | str]]) -> Iterator[dict[str, float | str]]:
    """Scale some bodies with motions of their own, and tell what an anatomist would ask; rows are kept, too."""
    actions = [name for name in wanted.motions if name in (*ACTIONS, *mocap_names())]
    for index, who in enumerate(drawn_bodies(wanted.bodies, seed)):
        say(f"body {index}")
        motions = [recording(who, action, MOTION_RATE_HZ).markers for action in actions]
        start = time.process_time()
        subject = who.scaled(motions)
        seconds = time.process_time() - start
        figures = stance_figures(who.model, who.betas, subject, who.layout)
        name = f"{index} {who.model.gender}"
        kept.append({"body": name, **body_row(figures, subject), "CPU (s), without OpenSim": seconds})
        yield kept[-1]


def body_row(figures: Mapping[str, float], subject: SubjectModel) -> dict[str, float | str]:
    """What one body's model reads; the names of extremes beside them."""
    quiet = max(QUIET, key=lambda name: abs(figures[name]))
    low, high = (choose(PROPORTIONS, key=lambda name: figures[name]) for choose in (min, max))
    offsets = {name: float(np.linalg.norm(row)) for name, row in subject.report["marker_offsets_mm"].items()}
    rigid = subject.report["joint_fit"]["rigid_offsets"]
    return {
        "stature (m)": figures["stature_m"],
        "worst standing angle": quiet,
        "deg": abs(figures[quiet]),
        "hip (mm)": figures["hip_center_mm"],
        "knee (mm)": figures["knee_center_mm"],
        "ankle (mm)": figures["ankle_center_mm"],
        "shoulder (mm)": figures["shoulder_center_mm"],
        "smallest factor": low,
        "of stature's, least": figures[low],
        "largest factor": high,
        "of stature's, most": figures[high],
        "lumbar, nod (deg)": figures["nod_lumbar_deg"],
        "lumbar, raised arm (deg)": figures["raised_arm_lumbar_deg"],
        "offsets, median (mm)": float(np.median(list(offsets.values()))),
        "farthest marker": max(offsets, key=lambda name: offsets[name]),
        "offset (mm)": max(offsets.values()),
        "segments shift (mm)": max(part["shift_mm"] for part in rigid.values()),
        "turn (deg)": max(part["turn_deg"] for part in rigid.values()),
    }


BODY_GOALS: Mapping[str, Goal | None] = {
    "deg": at_most(5),
    "hip (mm)": at_most(10),
    "knee (mm)": at_most(8),
    "ankle (mm)": at_most(8),
    "shoulder (mm)": None,
    "of stature's, least": at_least(0.85),
    "of stature's, most": at_most(1.15),
    "lumbar, nod (deg)": at_most(3),
    "lumbar, raised arm (deg)": at_most(3),
    "offsets, median (mm)": at_most(10),
    "offset (mm)": at_most(25),
    "segments shift (mm)": at_most(1000 * LARGEST_SHIFT_M),
    "turn (deg)": at_most(float(np.rad2deg(LARGEST_TURN_RAD))),
}
NAMED = {
    "deg": "worst standing angle",
    "of stature's, least": "smallest factor",
    "of stature's, most": "largest factor",
    "offset (mm)": "farthest marker",
}
"""Columns that tell what an extreme is of."""


def body_figures(rows: Sequence[Mapping[str, Any]]) -> Iterator[Figure]:
    """The extremes over all bodies, by name."""
    for column, goal in BODY_GOALS.items():
        row = (min if column == "of stature's, least" else max)(rows, key=lambda one: one[column])
        what = f"{row[NAMED[column]]}, {column}" if column in NAMED else column
        yield Figure(f"{what} (body {row['body']})", row[column], "", goal)


def whole_subject(wanted: Amount, goal: Goal | None) -> Iterator[Figure]:
    """Wall seconds of scale and inverse kinematics of one subject, by the commands that the workflow runs."""
    with tempfile.TemporaryDirectory() as folder:
        run = prepared_run(Path(folder) / "run", wanted)
        clips = list(run.clips.index)
        say("scale")
        scale = wall_seconds([["scale", "--run", str(run.folder), "s01"]])
        say("inverse kinematics")
        ik = wall_seconds([["ik", "--run", str(run.folder), *clips[core::CORES]] for core in range(CORES)])
        yield Figure("scale", scale, "s")
        yield Figure("inverse kinematics", ik, "s")
        yield Figure("both", scale + ik, "s", goal)
        if wanted.checked_clips:
            each = check_seconds(run, clips[: wanted.checked_clips])
            yield Figure("check against OpenSim, 20 frames, one core", each, "s per clip")


def prepared_run(folder: Path, wanted: Amount) -> Run:
    """A run of one subject whose markers are there."""
    motion = Motion(subjects=1, clips_per_subject=wanted.clips, duration_s=wanted.seconds)
    run = create_run(Config(fps=60.0, motion=motion, ik=InverseKinematics(check_frames=0)), folder)
    say("markers of the whole subject")
    for stage in ("motion", "markers"):
        wall_seconds([[stage, "--run", str(folder), *list(run.clips.index)[core::CORES]] for core in range(CORES)])
    return open_run(folder)


def wall_seconds(commands: Sequence[Sequence[str]]) -> float:
    """Wall seconds of odah-gen commands that run side by side; what they print goes to stderr.

    Raises:
        subprocess.CalledProcessError: one of them failed.
    """
    start = time.monotonic()
    program = [sys.executable, "-m", "odah_gen.cli"]
    processes = [subprocess.Popen([*program, *command], stdout=sys.stderr) for command in commands]
    for process in processes:
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, process.args)
    return time.monotonic() - start


def check_seconds(run: Run, clips: Sequence[str]) -> float:
    """Wall seconds per clip of OpenSim's own solutions of 20 frames."""
    say("check against OpenSim")
    folder = run.subject("s01")
    text, weights = (folder / "model.osim").read_text(), marker_weights(run, folder)
    trials = [read_trc(run.clip(clip) / "markers.trc") for clip in clips]
    solutions = [solve_trial(run.config.ik, text, trial, weights, "the model") for trial in trials]
    start = time.monotonic()
    for trial, solution in zip(trials, solutions):
        against_opensim(text, trial, weights, solution, InverseKinematics().check_frames)
    return (time.monotonic() - start) / len(clips)


if __name__ == "__main__":
    main()
