"""How well, how fast and how calmly the body fit brings the mesh onto the label.

    python benchmarks/registration.py [--quick] [--json PATH]

Times are processor seconds of one thread. The subject is the mean woman of the free body model, scaled to her clips;
labels are the skeleton's own markers and joint centres after inverse kinematics. The round trip knows the truth: a body
of drawn shape in a walking motion gives markers and joint centres, and the fit starts from another shape and a motion
that is wrong everywhere. Beside the fit, Adam moves the whole mesh of the smplx package to the same targets.

Goals stand beside the figures; a goal that is missed is said and changes no exit code. The motion-captured clips of
`./odah setup --with mocap` are used when they are there. The full run takes about ten minutes.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from adam_fit import adam_fit
from figures import Figure, Report, at_most
from jaxtyping import Float
from scipy.spatial.transform import Rotation
from subjects import Person, Recording, mocap_names, person, recording

from odah_gen.body.model import FEET
from odah_gen.body.skinning import posed_vertices, shape_body
from odah_gen.config import Config
from odah_gen.dataset.contact import foot_contact
from odah_gen.frames import ground_to_world
from odah_gen.motion.procedural import ACTIONS
from odah_gen.registration.clip_fit import ClipFit, fit_clip_motion
from odah_gen.registration.fit_frames import FitSettings, Motion, Targets, free_joints
from odah_gen.registration.fit_stage import SubjectBody, choose_frames, gather
from odah_gen.registration.regressor import JointRegressor, load_regressor
from odah_gen.registration.store import regressor_file
from odah_gen.registration.subject_fit import SubjectFit, fit_subject_shape, used_mean
from odah_gen.run import Run
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.worker import call

RATE_HZ = 30.0
FAST_RATE_HZ = 60.0
FRAMES = 600
BETAS = 16
LIMBS = ("walker_knee", "ankle", "elbow", "radius_hand")
ROOTS = ("hip", "acromial")
SHAPE_SD, SHAPE_ERROR_SD = 1.0, 0.1
POSE_ERROR_RAD, SHIFT_M = 0.09, 0.02


@dataclass(frozen=True)
class Amount:
    """How much is measured: clips, frames of one clip that grows, and Adam's frames and steps."""

    actions: Sequence[str]
    growth: Sequence[int]
    adam_frames: int
    adam_steps: int


@dataclass(frozen=True)
class Clip:
    """A source motion and the label that the fit should reach."""

    name: str
    motion: Motion
    targets: Targets
    fps: float


def amount(quick: bool) -> Amount:
    """A minute's worth, or everything."""
    mocap = mocap_names()
    if quick:
        return Amount(["walking"], [100, FRAMES], 8, 20)
    return Amount([*ACTIONS, *mocap], [100, FRAMES, 2000, 10000], 30, 200)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer frames and clips; under a minute")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures with machine, versions and date")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    report, wanted = Report("registration"), amount(arguments.quick)
    say("scaling the mean woman to her clips")
    who, regressor = person(), free_regressor()
    subject = gather(who.model, who.layout, regressor, np.zeros(BETAS))
    clips = labelled(who, subject, [recording(who, action, RATE_HZ) for action in wanted.actions])
    report.add("round trip: a known body in a known walk", round_trip(who, regressor, clips[0].motion))
    say("subject")
    start = time.process_time()
    shape = subject_shape(subject, clips, np.zeros(BETAS))
    report.add("subject (stage 1)", [Figure("shape and marker offsets", time.process_time() - start, "s")])
    rows = list(clip_rows(subject, shape, clips))
    report.add_table(f"clips at {RATE_HZ:g} Hz, distances in mm", rows)
    report.add("all clips", summary(rows))
    say("long walk")
    [walk] = labelled(who, subject, [recording(who, "walking", FAST_RATE_HZ, seconds=FRAMES / FAST_RATE_HZ)])
    report.add(f"speed, walking at {FAST_RATE_HZ:g} Hz", speed(subject, shape, walk, wanted.growth))
    say("Adam")
    report.add(
        f"Adam on the whole mesh of smplx, {wanted.adam_frames} frames, {wanted.adam_steps} steps",
        beside_adam(subject, shape, walk, wanted),
    )
    report.finish(arguments.json)


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def free_regressor() -> JointRegressor:
    """The joint regressor that is shipped for the free body."""
    return load_regressor(regressor_file(Run(Path(), Config())))


def labelled(who: Person, subject: SubjectBody, recordings: Sequence[Recording]) -> list[Clip]:
    """The clips with their labels: scaling to all of them, then inverse kinematics of each."""
    skeleton = call("read_skeleton", text=who.scaled([one.markers for one in recordings]).text)
    clips = []
    for one in recordings:
        replay = fast_ik.solve(skeleton, one.markers, who.weights()).replay
        markers = [replay.marker_names.index(name) for name in subject.layout.names]
        joints = [replay.joint_names.index(name) for name in subject.joint_names]
        targets = Targets(
            ground_to_world(replay.markers_m[:, markers]), ground_to_world(replay.joint_centers_m[:, joints])
        )
        motion = Motion(one.motion.poses.astype(np.float64), one.motion.trans.astype(np.float64))
        clips.append(Clip(one.name, motion, targets, one.motion.fps))
    return clips


def subject_shape(subject: SubjectBody, clips: Sequence[Clip], betas: Float[np.ndarray, " betas"]) -> SubjectFit:
    """Stage 1 over a dozen frames of all clips."""
    motion = Motion(*(np.concatenate([getattr(clip.motion, part) for clip in clips]) for part in ("poses", "trans")))
    targets = Targets(
        *(np.concatenate([getattr(clip.targets, part) for clip in clips]) for part in ("markers_m", "joint_centers_m"))
    )
    chosen = choose_frames(Path("benchmark"), targets, 12)
    return fit_subject_shape(subject.points, betas, motion.take(chosen), targets.take(chosen), FitSettings())


def fit(subject: SubjectBody, shape: SubjectFit, clip: Clip) -> ClipFit:
    """Stage 2."""
    return fit_clip_motion(
        subject.points, shape.betas, shape.offsets_m, clip.motion, clip.targets, clip.fps, FitSettings()
    )


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
    shape = subject_shape(subject, [clip], start)
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


def clip_rows(subject: SubjectBody, shape: SubjectFit, clips: Sequence[Clip]) -> Iterator[dict[str, Any]]:
    """Residuals, calm and floor of every clip."""
    for clip in clips:
        say(clip.name)
        found = fit(subject, shape, clip)
        yield (
            {"clip": clip.name, "frames": len(clip.motion.poses)}
            | residual_columns(subject, found)
            | {
                "jitter of label's": jitter_ratio(subject, shape, found, clip),
                **floor_columns(subject, shape, found, clip),
            }
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


def floor_columns(subject: SubjectBody, shape: SubjectFit, found: ClipFit, clip: Clip) -> dict[str, Any]:
    """Feet and floor: lowest foot vertex (mm); how the feet slide (mm/s) and float (mm) where the source's stand."""
    feet = [subject.model.vertices_of(joints) for joints in FEET]
    source = [mesh(subject, np.zeros(BETAS), clip.motion, foot) for foot in feet]
    fitted = [mesh(subject, shape.betas, found.motion, foot) for foot in feet]
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
    """The worst clip of each figure against its goal."""
    goals = {
        "joint centres": 5.0,
        "knee, ankle, elbow, wrist 95 %": 10.0,
        "hip, shoulder 95 %": 18.0,
        "markers": 8.0,
    }
    for name, limit in goals.items():
        worst = max(rows, key=lambda row, name=name: row[name])  # type: ignore[misc]
        yield Figure(f"{name}, worst clip ({worst['clip']})", worst[name], "mm", at_most(limit))
    worst = max(rows, key=lambda row: row["jitter of label's"])
    yield Figure(f"jitter, worst clip ({worst['clip']})", worst["jitter of label's"], "times the label's", at_most(1.1))
    deepest = min(rows, key=lambda row: row["fit's"])
    yield Figure(f"deepest foot vertex below the floor ({deepest['clip']})", -deepest["fit's"], "mm", at_most(5.0))
    standing = [row for row in rows if row["fit's slide (mm/s)"] is not None]
    worst = max(standing, key=more_sliding)
    yield Figure(f"feet slide more than the source's ({worst['clip']})", more_sliding(worst), "mm/s", at_most(5.0))
    above = "fit's standing feet above the source's, 95 %"
    worst = max(standing, key=lambda row: row[above])
    yield Figure(f"{above} ({worst['clip']})", worst[above], "mm", at_most(10.0))


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
