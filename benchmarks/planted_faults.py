"""Wrong skeletons and wrong labels: what a faulty pipeline would hand on, and its figures with all that follows.

Used by `benchmarks/fidelity.py` and by the tests.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from odah_gen.fidelity.measure import Label, measure
from odah_gen.fidelity.mesh import Watched
from odah_gen.fidelity.stage import read_body, read_label
from odah_gen.fidelity.standing import stand
from odah_gen.registration.fit_stage import fit_clip, write_shape
from odah_gen.registration.standing import first_places
from odah_gen.run import Run
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.ik_stage import keypoints
from odah_gen.skeleton.kinematics import Replay
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.subject import held_standing, marker_errors
from odah_gen.skeleton.trc import MarkerTrajectories, read_trc
from odah_gen.storage import read_json, read_npz, write_npz

ROUNDS = 2


def tilted_pelvis(skeleton: Skeleton, angle_deg: float) -> Skeleton:
    """The pelvis frame tilted in its body: joints and markers stay where they are in the flesh, the angles change."""
    tilt = np.deg2rad(angle_deg)
    turn = np.array([[np.cos(tilt), -np.sin(tilt), 0], [np.sin(tilt), np.cos(tilt), 0], [0, 0, 1]])
    parents = skeleton.joint_parents == skeleton.root
    origins = skeleton.parent_offsets_m.sum(axis=-1)
    origins[parents] = origins[parents] @ turn
    markers = skeleton.marker_locations_m
    own = skeleton.marker_bodies == skeleton.root
    markers[own] = markers[own] @ turn
    moved = dataclasses.replace(skeleton, parent_offsets_m=origins[..., None] * np.eye(3))
    return moved.with_markers(skeleton.marker_names, skeleton.marker_bodies, markers)


def moved_centers(skeleton: Skeleton, joint: str, shift_m: tuple[float, ...]) -> Skeleton:
    """A joint centre displaced in both bodies on either side, z mirrored on the left; standing, nothing moves."""
    parents, children = skeleton.parent_offsets_m.sum(axis=-1), skeleton.child_offsets_m.sum(axis=-1)
    for side, sign in (("r", 1.0), ("l", -1.0)):
        index = skeleton.joint_names.index(f"{joint}_{side}")
        shift = np.array(shift_m) * [1.0, 1.0, sign]
        parents[index] += shift
        children[index] += shift
    return dataclasses.replace(
        skeleton, parent_offsets_m=parents[..., None] * np.eye(3), child_offsets_m=children[..., None] * np.eye(3)
    )


def refitted(skeleton: Skeleton, trial: MarkerTrajectories, weights: Mapping[str, float]) -> Skeleton:
    """The skeleton with each marker where the trial sees it on the mean: offsets without any bound."""
    for _ in range(ROUNDS):
        replay = fast_ik.solve(skeleton, trial, weights).replay
        skeleton = skeleton.with_markers(
            skeleton.marker_names, skeleton.marker_bodies, seen_places(skeleton, replay, trial)
        )
    return skeleton


def seen_places(skeleton: Skeleton, replay: Replay, trial: MarkerTrajectories) -> np.ndarray:
    """Mean places of measured markers in the frames of their bodies (m)."""
    measured = trial.points_m[:, [trial.names.index(name) for name in skeleton.marker_names]]
    bodies = skeleton.marker_bodies
    arms = measured - replay.body_origins_m[:, bodies]
    return np.einsum("tmji,tmj->mi", replay.body_rotations[:, bodies], arms) / len(arms)


def exchanged(names: tuple[str, ...]) -> list[int]:
    """Columns with right and left exchanged by name."""
    other = {"_r": "_l", "_l": "_r"}

    def twin(name: str) -> str:
        stem = name.removesuffix("_beta")
        end = name[len(stem) :]
        return stem[:-2] + other[stem[-2:]] + end if stem[-2:] in other else name

    return [names.index(twin(name)) for name in names]


def sides_exchanged(label: Label) -> Label:
    """The label with right and left exchanged in all names of joints, bodies and coordinates."""
    return dataclasses.replace(
        label,
        coordinates=label.coordinates[:, exchanged(tuple(label.coordinate_names))],
        joint_centers_m=label.joint_centers_m[:, exchanged(tuple(label.joint_names))],
        body_rotations=label.body_rotations[:, exchanged(tuple(label.body_names))],
    )


def shifted_by_a_frame(label: Label) -> Label:
    """The label one frame late."""
    arrays = {
        entry.name: np.roll(value, 1, axis=0)
        for entry in dataclasses.fields(label)
        if isinstance(value := getattr(label, entry.name), np.ndarray)
    }
    arrays["valid"][0] = False
    return dataclasses.replace(label, **arrays)


def relabel(
    run: Run, clip_id: str, skeleton: Skeleton, trial: MarkerTrajectories, weights: Mapping[str, float]
) -> None:
    """Write the label (keypoints.npz) that a skeleton reads from a trial."""
    solution, names = fast_ik.solve(skeleton, trial, weights), list(weights)
    errors = marker_errors(names, trial, solution)
    write_npz(run.clip(clip_id) / "keypoints.npz", **keypoints(names, trial, solution, errors))


def fit_again(run: Run, clip_id: str, skeleton: Skeleton, weights: Mapping[str, float]) -> None:
    """Both stages of the fit, with markers where the wrong skeleton has them in the static trial."""
    subject = str(run.row(clip_id)["subject"])
    static = read_trc(run.subject(subject) / "static.trc")
    first = MarkerTrajectories(static.names, static.time_s[:1], static.points_m[:1])
    write_shape(run, subject, first_places(fast_ik.solve(skeleton, first, weights, held_standing(static)).replay))
    fit_clip(run, clip_id)


def figures_of(
    run: Run, clip_id: str, watched: Watched, skeleton: Skeleton, weights: Mapping[str, float]
) -> dict[str, Any]:
    """The figures of a clip whose subject has another skeleton, and those of its fit."""
    folder, subject = run.clip(clip_id), run.subject(str(run.row(clip_id)["subject"]))
    betas, scales = read_npz(subject / "body.npz")["betas"], read_json(subject / "scales.json")
    stood = stand(watched, betas, skeleton, weights, scales)
    figures = measure(watched, stood, read_label(folder, watched), read_body(folder, subject))
    return figures | {"fit": read_json(folder / "fit.json")}
