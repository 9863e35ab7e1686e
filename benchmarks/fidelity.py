"""Do fitted bodies show their labels? Every figure of the fidelity stage on built-in and motion-captured clips.

    python benchmarks/fidelity.py [--quick] [--json PATH] [--out DIR]

Runs the stages from motion to fidelity, without rendering, with the drawn subjects of the configurations below, and says
for each clip which limits of its class (config/README.md) it exceeds. Then faults are planted in the skeleton of a woman
who walks, offsets and fit are made again, and each is held against the limits of locomotion. The motion-captured clips of `./odah setup --with
mocap` are used when they are there. The full run takes about ten minutes.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import itertools
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from figures import Figure, Report
from planted_faults import (
    figures_of,
    fit_again,
    moved_centers,
    refitted,
    relabel,
    shifted_by_a_frame,
    sides_exchanged,
    tilted_pelvis,
)
from subjects import mocap_names

from odah_gen.body.markers_stage import write_markers
from odah_gen.config import Fidelity, from_mapping
from odah_gen.fidelity.measure import measure
from odah_gen.fidelity.stage import measure_clip, read_body, read_label, read_standing, watched_points
from odah_gen.fidelity.verdict import CLASSES, DEFAULT, JUDGED, class_of, limit_of, objections
from odah_gen.motion.catalogue import create_run
from odah_gen.motion.stage import write_motion
from odah_gen.registration.fit_stage import fit_clip, fit_subject
from odah_gen.run import Run, open_run
from odah_gen.skeleton.ik_stage import solve_clip
from odah_gen.skeleton.scale_stage import scale_subject
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.trc import read_trc
from odah_gen.storage import read_json

FPS, MAX_FRAMES = 60, 90
WALK = {"actions": ["walking"], "subjects": 1, "clips_per_subject": 1, "duration_s": 0.5, "shape_sd": 0.0}
Clip = tuple[str, dict[str, Any], list[str]]
"""The class of an action, the figures of the clip, and its objections."""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one walking subject; under a minute")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures with machine, versions and date")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep the runs in this folder, and finish those there")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    report, clips, seconds = Report("fidelity"), [], []
    with tempfile.TemporaryDirectory() as scratch:
        for name, motion in wanted_motions(arguments.quick).items():
            run = make_run(name, motion, (arguments.out or Path(scratch)) / name)
            rows = (row(run, clip_id, clips, seconds) for clip_id in run.clips.index)
            report.add_table(f"{name} clips, {FPS} Hz", rows)
        walk = make_run("walk", WALK, (arguments.out or Path(scratch)) / "walk")
        report.add_table("planted faults, walking", planted(walk, Path(scratch), arguments.quick))
    report.add("stage", [Figure("processor time of a clip", sum(seconds) / len(seconds), "s")])
    for name in (*CLASSES, DEFAULT):
        report.add(f"worst clip of class {name}", worst(name, clips))
    report.finish(arguments.json)


def wanted_motions(quick: bool) -> dict[str, dict[str, Any]]:
    """The motion section of each run's configuration."""
    if quick:
        return {"procedural": {"actions": ["walking"], "subjects": 1, "clips_per_subject": 1, "duration_s": 0.5}}
    actions = mocap_names()
    built_in = {"procedural": {"subjects": 4, "clips_per_subject": 4, "duration_s": MAX_FRAMES / FPS}}
    captured = {"source": "pybullet", "actions": actions, "subjects": 2, "clips_per_subject": len(actions)}
    return built_in | ({"pybullet": captured | {"max_frames": MAX_FRAMES}} if actions else {})


def make_run(name: str, motion: dict[str, Any], folder: Path) -> Run:
    """A run with every stage up to the fit; files that are there stay."""
    run = create_run(from_mapping({"run": name, "fps": FPS, "motion": motion, "ik": {"check_frames": 0}}), folder)
    for clip_id in run.clips.index:
        once(run.clip(clip_id) / "motion.npz", write_motion, run, clip_id)
        once(run.clip(clip_id) / "held_out.trc", write_markers, run, clip_id)
    for subject in dict.fromkeys(run.clips["subject"]):
        once(run.subject(subject) / "model.osim", scale_subject, run, subject)
        for clip_id in run.clips_of(subject):
            once(run.clip(clip_id) / "ik.json", solve_clip, run, clip_id)
        once(run.subject(subject) / "fit.npz", fit_subject, run, subject)
        for clip_id in run.clips_of(subject):
            once(run.clip(clip_id) / "fit.json", fit_clip, run, clip_id)
    return run


def once(path: Path, stage: Any, run: Run, name: str) -> None:
    """Run a stage unless its last file is there."""
    if not path.exists():
        print(f"{stage.__name__} {name}", file=sys.stderr, flush=True)
        stage(run, name)


def row(run: Run, clip_id: str, clips: list[Clip], seconds: list[float]) -> dict[str, Any]:
    """Measure a clip: its judged figures and what its class objects to."""
    start = time.process_time()
    measure_clip(run, clip_id)
    seconds.append(time.process_time() - start)
    folder, limits = run.clip(clip_id), run.config.fidelity
    figures = read_json(folder / "fidelity.json") | {"fit": read_json(folder / "fit.json")}
    name = class_of(limits, str(run.row(clip_id)["action"]))
    reasons = objections(limits, name, figures)
    clips.append((name, figures, reasons))
    values = {f"{entry.limit}": float(figures[entry.section][entry.figure]) for entry in JUDGED}
    return {"clip": clip_id, "class": name, **values, "objections": "; ".join(reasons) or "none"}


def worst(name: str, clips: list[Clip]) -> Iterator[Figure]:
    """The largest of each figure among the clips of a class, and how many clips have objections."""
    own = [(figures, reasons) for kind, figures, reasons in clips if kind == name]
    yield Figure("clips", len(own), "")
    yield Figure("of these with objections", sum(bool(reasons) for _, reasons in own), "")
    for entry in JUDGED if own else ():
        largest = max(figures[entry.section][entry.figure] for figures, _ in own)
        yield Figure(entry.limit, float(largest), entry.unit)


def planted(walk: Run, scratch: Path, quick: bool) -> Iterator[dict[str, Any]]:
    """Each planted fault: the figures of its label, and what objects to it; the true label first."""
    clip_id, subject = str(walk.clips.index[0]), str(walk.clips["subject"].iloc[0])
    watched = watched_points(walk, clip_id)
    standing = read_standing(walk, walk.subject(subject), watched)
    assert standing is not None
    label, body = read_label(walk.clip(clip_id), watched), read_body(walk.clip(clip_id), walk.subject(subject))
    fit = {"fit": read_json(walk.clip(clip_id) / "fit.json")}
    for name, wrong in {
        "none": label,
        "sides exchanged": sides_exchanged(label),
        "one frame late": shifted_by_a_frame(label),
    }.items():
        yield judged(name, measure(watched, standing, wrong, body) | fit)
    trial = read_trc(walk.clip(clip_id) / "markers.trc")
    for name, skeleton in faults(standing.skeleton, quick).items():
        print(f"planting {name}", file=sys.stderr, flush=True)
        folder = scratch / name
        shutil.copytree(walk.folder, folder)
        copy, moved = open_run(folder), refitted(skeleton, trial, standing.weights)
        relabel(copy, clip_id, moved, trial, standing.weights)
        fit_again(copy, clip_id, moved, standing.weights)
        yield judged(name, figures_of(copy, clip_id, watched, moved, standing.weights))


def faults(skeleton: Skeleton, quick: bool) -> dict[str, Skeleton]:
    """Wrong skeletons by name; x is forward, y up, z to the side."""
    found = {f"pelvis tilted {tilt:+g}°": tilted_pelvis(skeleton, tilt) for tilt in (6.0, -6.0)}
    for joint, size in (("walker_knee", 0.020), ("hip", 0.025)):
        for axis, sign in [(0, -1.0)] if quick else itertools.product(range(3), (1.0, -1.0)):
            shift = [sign * size if place == axis else 0.0 for place in range(3)]
            found[f"{joint} {'xyz'[axis]} {1000 * sign * size:+g} mm"] = moved_centers(skeleton, joint, tuple(shift))
    return found


def judged(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    """A row of the table of faults: every judged figure, and the keys of the limits that it exceeds."""
    limits = Fidelity()
    values = {entry.limit: float(figures[entry.section][entry.figure]) for entry in JUDGED}
    above = [key for key, value in values.items() if value > limit_of(limits, key, "locomotion")]
    return {"fault": name, **values, "exceeds": ", ".join(above) or "none"}


if __name__ == "__main__":
    main()
