"""How well, how fast and how calmly the body fit brings the mesh onto the label.

    python benchmarks/registration.py [--quick] [--json PATH] [--gender male] [--shape-seed N]

Times are processor seconds of one thread. The subject is the mean woman of the free body model (or another body), scaled
to its clips; labels are the skeleton's own markers and joint centres after inverse kinematics. The round trip knows the truth: a body
of drawn shape in a walking motion gives markers and joint centres, and the fit starts from another shape and a motion
that is wrong everywhere. Beside the fit, Adam moves the whole mesh of the smplx package to the same targets.

Angles are those that inverse kinematics reads from the fitted body, from its markers (closed loop) and from held-out
points of its skin, against the label's, as in the fidelity stage. All clips are measured again with locked toes (`skeleton.locked:
[mtp]`), and on a lighter and a heavier body (`shape.bmi_offsets: [-1, 1]`) whose skeleton is re-scaled or kept
(`shape.variant_skeleton`).

Goals stand beside the figures; a goal that is missed is said and changes no exit code. A clip that fails the limits of its
class (config/README.md, `fidelity`) counts as every other. The motion-captured clips of `./odah setup --with mocap` are
used when they are there. The full run takes about a quarter of an hour on an idle machine.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from adam_fit import adam_fit
from figures import Figure, Report, at_most
from fitted_clips import (
    HELD_OUT,
    WEAK,
    Clip,
    LabelledClip,
    ScaledPerson,
    fidelity_columns,
    fit,
    free_regressor,
    labelled,
    offsets_of,
    scale_person,
    subject_shape,
)
from jaxtyping import Float
from scipy.spatial.transform import Rotation
from subjects import SECONDS, Person, Recording, mocap_names, person, recording

from odah_gen.body.model import FEET
from odah_gen.body.skinning import posed_vertices, shape_body
from odah_gen.body.volume import mass_direction
from odah_gen.dataset.contact import foot_contact
from odah_gen.motion.procedural import ACTIONS
from odah_gen.registration.clip_fit import ClipFit
from odah_gen.registration.fit_frames import Motion, Targets, free_joints
from odah_gen.registration.fit_stage import SubjectBody, gather
from odah_gen.registration.regressor import JointRegressor
from odah_gen.registration.subject_fit import SubjectFit, used_mean

RATE_HZ = 30.0
FAST_RATE_HZ = 60.0
FRAMES = 600
BETAS = 16
LIMBS = ("walker_knee", "ankle", "elbow", "radius_hand")
ROOTS = ("hip", "acromial")
GOALS = {
    "joint centres": ("mm", 5.0),
    "knee, ankle, elbow, wrist 95 %": ("mm", 10.0),
    "hip, shoulder 95 %": ("mm", 18.0),
    "markers": ("mm", 8.0),
    "closed loop": ("°", 1.0),
    "closed loop, legs": ("°", 0.6),
    "jitter of label's": ("times the label's", 1.1),
}
"""Columns of a table of clips, their unit, and the most that the worst clip should have."""
HELD_OUT_GOALS = {"locomotion": 1.0, "arms": 2.5}
"""The same for the angles of held-out points (°), by class of action."""
LOCKED = ("mtp",)
SHAPE_SD, SHAPE_ERROR_SD = 1.0, 0.1
POSE_ERROR_RAD, SHIFT_M = 0.09, 0.02


@dataclass(frozen=True)
class Amount:
    """How much is measured: clips and their length (s), variants (sd of mass) and their skeletons, frames of
    one clip that grows, Adam's frames and steps."""

    actions: Sequence[str]
    seconds: float
    variants: Sequence[float]
    kinds: Sequence[str]
    growth: Sequence[int]
    adam_frames: int
    adam_steps: int


def amount(quick: bool) -> Amount:
    """A minute's worth, or everything."""
    mocap = mocap_names()
    if quick:
        return Amount(["walking"], 0.5, [1.0], ["kept"], [FRAMES], 8, 20)
    return Amount([*ACTIONS, *mocap], SECONDS, [-1.0, 1.0], ["rescaled", "kept"], [100, FRAMES, 2000, 10000], 30, 200)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer frames and clips; under a minute")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures with machine, versions and date")
    parser.add_argument("--gender", choices=("female", "male"), default="female", help="of the body; default: female")
    parser.add_argument("--shape-seed", type=int, metavar="N", help="draw the body's shape; default: the mean body")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    report, wanted = Report("registration"), amount(arguments.quick)
    say("scaling the body to its clips")
    who = drawn_person(arguments.gender, arguments.shape_seed)
    recordings = record(who, wanted)
    scaled = scale_person(who, recordings)
    subject, clips = scaled.body, [labelled(scaled, one) for one in recordings]
    report.add("round trip: a known body in a known walk", round_trip(who, free_regressor(), clips[0].motion))
    say("subject")
    start = time.process_time()
    shape = subject_shape(subject, clips, who.betas, offsets_of(scaled))
    report.add("subject (stage 1)", [Figure("shape and marker offsets", time.process_time() - start, "s")])
    tabulate(report, "clips", clip_rows(scaled, shape, clips))
    say("locked toes")
    tabulate(report, "locked toes", fitted_rows(scale_person(who, recordings, LOCKED), recordings))
    for offset in wanted.variants:
        for title, scaled_variant, own in variants(scaled, offset, wanted):
            say(title)
            tabulate(report, title, fitted_rows(scaled_variant, own))
    say("long walk")
    walk = labelled(scaled, recording(who, "walking", FAST_RATE_HZ, seconds=FRAMES / FAST_RATE_HZ))
    report.add(f"speed, walking at {FAST_RATE_HZ:g} Hz", speed(subject, shape, walk, wanted.growth))
    say("Adam")
    report.add(
        f"Adam on the whole mesh of smplx, {wanted.adam_frames} frames, {wanted.adam_steps} steps",
        beside_adam(subject, shape, walk, wanted),
    )
    report.finish(arguments.json)


def drawn_person(gender: str, shape_seed: int | None) -> Person:
    """The mean body, or one of drawn shape."""
    betas = np.zeros(BETAS) if shape_seed is None else np.random.default_rng(shape_seed).standard_normal(BETAS)
    return person(gender, SHAPE_SD * betas)


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def round_trip(who: Person, regressor: JointRegressor, motion: Motion) -> Iterator[Figure]:
    """Fit markers and joint centres of a known body, from a wrong shape and a wrong motion."""
    say("round trip")
    generator = np.random.default_rng(0)
    true = SHAPE_SD * generator.standard_normal(BETAS)
    start = true + SHAPE_ERROR_SD * generator.standard_normal(BETAS)
    subject = gather(who.model, who.layout, regressor, start)
    # The label's collars never move, so a truth whose collars do could not be found.
    poses = motion.poses.reshape(-1, 55, 3).copy()
    poses[:, 13:15] = Rotation.from_matrix(subject.points.static_rotations[13:15].numpy()).as_rotvec()
    truth = Motion(poses.reshape(-1, 165), motion.trans)
    vertices = mesh(subject, true, truth)
    targets = Targets(vertices[:, subject.layout.vertex_ids(who.model)], regressor.apply(vertices))
    clip = Clip("round trip", disturbed(truth, generator), targets, RATE_HZ)
    shape = subject_shape(subject, [clip], start, np.zeros((subject.points.markers, 3)))
    found = fit(subject, shape, clip)
    away = 1000 * np.linalg.norm(mesh(subject, shape.betas, found.motion) - vertices, axis=-1)
    yield Figure("vertices, mean", float(away.mean()), "mm", at_most(5.0))
    yield Figure("vertices, 95 %", float(np.quantile(away, 0.95)), "mm")
    yield Figure("shape coefficients at the start, mean error", float(np.abs(start - true).mean()), "sd")
    yield Figure("shape coefficients found, mean error", float(np.abs(shape.betas - true).mean()), "sd")
    yield Figure("skin at rest, mean error of the shape found", shape_distance_mm(who, shape.betas - true), "mm")


def shape_distance_mm(who: Person, difference: Float[np.ndarray, " betas"]) -> float:
    """How far a change of shape moves the skin at rest, in the mean (mm)."""
    moved = who.model.shapedirs[..., : len(difference)] @ torch.as_tensor(difference)
    return float(1000 * moved.norm(dim=-1).mean())


def disturbed(motion: Motion, generator: np.random.Generator) -> Motion:
    """A motion that is off by a constant turn in every joint that may move, and by a shift."""
    poses = motion.poses.reshape(-1, 55, 3).copy()
    for joint in free_joints(()):
        wrong = Rotation.from_rotvec(POSE_ERROR_RAD * generator.standard_normal(3))
        poses[:, joint] = (Rotation.from_rotvec(poses[:, joint]) * wrong).as_rotvec()
    return Motion(poses.reshape(-1, 165), motion.trans + np.array([SHIFT_M, SHIFT_M, 0.0]))


def mesh(
    subject: SubjectBody,
    betas: Float[np.ndarray, " betas"],
    motion: Motion,
    vertex_ids: np.ndarray | None = None,
) -> Float[np.ndarray, "frames vertices 3"]:
    """Vertices of a motion (m)."""
    shaped = shape_body(subject.model, torch.as_tensor(betas), vertex_ids)
    return torch.cat(list(posed_vertices(shaped, motion.poses, motion.trans))).double().numpy()


def record(who: Person, wanted: Amount) -> list[Recording]:
    """The clips of a body."""
    return [recording(who, action, RATE_HZ, seconds=wanted.seconds) for action in wanted.actions]


def variants(first: ScaledPerson, offset: float, wanted: Amount) -> Iterator[tuple[str, ScaledPerson, list[Recording]]]:
    """A body of another mass, its skeleton re-scaled or the first one's kept, and its clips."""
    who = person(betas=first.who.betas + offset * mass_direction(first.who.model, BETAS))
    recordings = record(who, wanted)
    for kind in wanted.kinds:
        scaled = scale_person(who, recordings, kept=first.scales if kind == "kept" else None)
        yield f"mass {offset:+g} sd, skeleton {kind}", scaled, recordings


def tabulate(report: Report, title: str, rows: Iterable[dict[str, Any]]) -> None:
    """A table of clips, then the worst clip of each figure."""
    kept = list(rows)
    report.add_table(f"{title} at {RATE_HZ:g} Hz, distances in mm, angles in °", kept)
    report.add(f"{title}: worst", summary(kept))


def fitted_rows(scaled: ScaledPerson, recordings: Sequence[Recording]) -> Iterator[dict[str, Any]]:
    """Both stages of the fit for some clips of a person, and a row of figures for each."""
    clips = [labelled(scaled, one) for one in recordings]
    shape = subject_shape(scaled.body, clips, scaled.who.betas, offsets_of(scaled), scaled.settings)
    return clip_rows(scaled, shape, clips)


def clip_rows(scaled: ScaledPerson, shape: SubjectFit, clips: Sequence[LabelledClip]) -> Iterator[dict[str, Any]]:
    """Residuals, calm, fidelity and floor of every clip."""
    subject = scaled.body
    for clip in clips:
        say(clip.name)
        found = fit(subject, shape, clip, scaled.settings)
        yield (
            {"clip": clip.name, "frames": len(clip.motion.poses)}
            | residual_columns(subject, found)
            | {"jitter of label's": jitter_ratio(subject, shape, found, clip)}
            | fidelity_columns(scaled, shape, found, clip)
            | floor_columns(scaled, shape, found, clip)
        )


def residual_columns(subject: SubjectBody, found: ClipFit) -> dict[str, float]:
    """Distances of joint centres and markers to the label (mm)."""
    return {
        "joint centres": float(np.nanmean(found.joint_center_mm)),
        "knee, ankle, elbow, wrist 95 %": quantile_of(subject, found, LIMBS),
        "hip, shoulder 95 %": quantile_of(subject, found, ROOTS),
        "markers": used_mean(subject.points, found.marker_mm),
    }


def quantile_of(subject: SubjectBody, found: ClipFit, joints: Sequence[str]) -> float:
    """95 % of the distances of some joint centres, both sides, are below (mm)."""
    columns = [column for column, name in enumerate(subject.joint_names) if name[:-2] in joints]
    return float(np.nanquantile(found.joint_center_mm[:, columns], 0.95))


def jitter_ratio(subject: SubjectBody, shape: SubjectFit, found: ClipFit, clip: Clip) -> float:
    """Mean acceleration of the fitted mesh's joint centres over that of the label's."""
    regressor = free_regressor()
    vertices = mesh(subject, shape.betas, found.motion, regressor.vertex_ids)
    ours = np.einsum("jv,tvc->tjc", regressor.on_used_vertices(), vertices)
    return float(acceleration(ours) / acceleration(clip.targets.joint_centers_m))


def acceleration(points_m: Float[np.ndarray, "frames points 3"]) -> float:
    """Mean length of second differences over time."""
    return float(np.nanmean(np.linalg.norm(np.diff(points_m, 2, axis=0), axis=-1)))


def floor_columns(scaled: ScaledPerson, shape: SubjectFit, found: ClipFit, clip: Clip) -> dict[str, Any]:
    """Feet and floor: lowest foot vertex (mm); how the feet slide (mm/s) and float (mm) where the source's stand."""
    feet = [scaled.body.model.vertices_of(joints) for joints in FEET]
    source = [mesh(scaled.body, scaled.who.betas, clip.motion, foot) for foot in feet]
    fitted = [mesh(scaled.body, shape.betas, found.motion, foot) for foot in feet]
    contact = foot_contact(source, fitted, clip.fps)
    return {
        "source's lowest foot vertex": 1000 * min(float(foot[..., 2].min()) for foot in source),
        "fit's": 1000 * min(float(foot[..., 2].min()) for foot in fitted),
        "source's feet slide (mm/s)": thousandfold(contact.source_skate_m_per_s),
        "fit's slide (mm/s)": thousandfold(contact.skate_m_per_s),
        "fit's standing feet above the source's, 95 %": thousandfold(contact.floating_m),
    }


def thousandfold(value_m: float | None) -> float | None:
    """Millimetres of metres, where there is a value."""
    return None if value_m is None else 1000 * value_m


def summary(rows: Sequence[dict[str, Any]]) -> Iterator[Figure]:
    """The worst clip of each figure against its goal, and how many clips fail the limits of their classes."""
    for name, (unit, limit) in GOALS.items():
        yield worst(rows, name, unit, limit)
    for action_class in dict.fromkeys(row["class"] for row in rows):
        own = [row for row in rows if row["class"] == action_class]
        yield worst(own, HELD_OUT, "°", HELD_OUT_GOALS.get(action_class), f" of {action_class}")
        yield worst(own, WEAK, "°", None, f" of {action_class}")
    failed = [row["clip"] for row in rows if row["objections"] != "none"]
    yield Figure(f"clips with objections ({', '.join(failed) or 'none'})", len(failed), f"of {len(rows)}")
    yield from floor_summary(rows)


def worst(rows: Sequence[dict[str, Any]], name: str, unit: str, limit: float | None, of: str = "") -> Figure:
    """The largest of a figure and its clip; what could not be measured is worse than any number."""
    row = max(rows, key=lambda row: row[name] if np.isfinite(row[name]) else np.inf)
    return Figure(f"{name}, worst clip{of} ({row['clip']})", row[name], unit, None if limit is None else at_most(limit))


def floor_summary(rows: Sequence[dict[str, Any]]) -> Iterator[Figure]:
    """The worst clips on the floor; clips in which no foot stands have no sliding and no floating."""
    deepest = min(rows, key=lambda row: row["fit's"])
    yield Figure(f"deepest foot vertex below the floor ({deepest['clip']})", -deepest["fit's"], "mm", at_most(5.0))
    standing = [row for row in rows if row["fit's slide (mm/s)"] is not None]
    if standing:
        slides = max(standing, key=more_sliding)
        name = f"feet slide more than the source's ({slides['clip']})"
        yield Figure(name, more_sliding(slides), "mm/s", at_most(5.0))
        yield worst(standing, "fit's standing feet above the source's, 95 %", "mm", 10.0)


def more_sliding(row: dict[str, Any]) -> float:
    """How much faster the fit's feet slide than the source's (mm/s)."""
    return row["fit's slide (mm/s)"] - row["source's feet slide (mm/s)"]


def speed(subject: SubjectBody, shape: SubjectFit, walk: Clip, growth: Sequence[int]) -> Iterator[Figure]:
    """Processor time per frame and memory of one clip, by its length; a walk that goes to and fro."""
    for count in growth:
        say(f"{count} frames")
        seconds, memory_gib = apart(subject, shape, to_and_fro(walk, count))
        goal = at_most(5.0) if count == FRAMES else None
        yield Figure(f"{count} frames", 1000 * seconds / count, "ms per frame", goal)
        yield Figure(
            f"{count} frames: memory of the process at its peak",
            memory_gib,
            "GiB",
            at_most(2.0) if count == FRAMES else None,
        )


def to_and_fro(clip: Clip, count: int) -> Clip:
    """A clip of any length: forward, backward, and so on."""
    frames = len(clip.motion.poses)
    order = np.concatenate([np.arange(frames), np.arange(frames - 2, 0, -1)])
    chosen = np.resize(order, count).tolist()
    return Clip(clip.name, clip.motion.take(chosen), clip.targets.take(chosen), clip.fps)


def apart(subject: SubjectBody, shape: SubjectFit, clip: Clip) -> tuple[float, float]:
    """Processor seconds of a fit, the better of two, and the peak memory (GiB) of a fresh process that does it."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(timed, (subject, shape, clip))


def timed(subject: SubjectBody, shape: SubjectFit, clip: Clip) -> tuple[float, float]:
    """What `apart` measures, in its process."""
    torch.set_num_threads(1)
    seconds = []
    for _ in range(2):
        start = time.process_time()
        fit(subject, shape, clip)
        seconds.append(time.process_time() - start)
    return min(seconds), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def beside_adam(subject: SubjectBody, shape: SubjectFit, walk: Clip, wanted: Amount) -> Iterator[Figure]:
    """Adam and our fit on the same frames: time, and what is left of the distances."""
    clip = to_and_fro(walk, wanted.adam_frames)
    start = time.process_time()
    found = adam_fit(subject, free_regressor(), shape.betas, clip.motion, clip.targets, wanted.adam_steps)
    theirs = time.process_time() - start
    start = time.process_time()
    ours = fit(subject, shape, clip)
    mine = time.process_time() - start
    yield Figure("Adam", 1000 * theirs / wanted.adam_frames, "ms per frame")
    yield Figure("ours", 1000 * mine / wanted.adam_frames, "ms per frame")
    yield Figure("ours faster", theirs / mine, "times")
    for name, fitted in (("Adam", found), ("ours", (ours.marker_mm, ours.joint_center_mm))):
        yield Figure(f"{name}: markers", used_mean(subject.points, fitted[0]), "mm")
        yield Figure(f"{name}: joint centres", float(np.nanmean(fitted[1])), "mm")


if __name__ == "__main__":
    main()
