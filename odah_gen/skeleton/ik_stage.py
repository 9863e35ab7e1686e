"""Inverse kinematics of a clip: marker trajectories to joint angles and key points, the label of everything after."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from odah_gen.body.layout import load_layout
from odah_gen.config import InverseKinematics
from odah_gen.errors import InputError
from odah_gen.frames import WORLD_FROM_GROUND, ground_to_world
from odah_gen.run import Run
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.cross_check import (
    NOTHING_COMPARED,
    Difference,
    FrameSolutions,
    replaced,
    spread_frames,
    summarise,
    weighted_objective,
    worse_frames,
)
from odah_gen.skeleton.kinematics import Solution
from odah_gen.skeleton.low_pass import low_pass
from odah_gen.skeleton.marker_places import read_places
from odah_gen.skeleton.mot import write_mot
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.subject import marker_errors
from odah_gen.skeleton.table import body_names, coordinate_names, joint_names, require_names, skeleton_table
from odah_gen.skeleton.trc import MarkerTrajectories, read_trc
from odah_gen.skeleton.trial_checks import check_clip, check_times
from odah_gen.skeleton.worker import call
from odah_gen.storage import read_json, read_text, write_json, write_npz

LARGEST_RMS_M = 0.1
"""A median marker error above this means wrong data (names, unit, subject), not a hard motion."""


def solve_clip(run: Run, clip_id: str) -> None:
    """Write C/kinematics.mot, C/keypoints.npz and C/ik.json from C/markers.trc and the subject's S/model.osim.

    Raises:
        InputError: a file is missing; marker names do not match; frames, rate, unit, sides or up axis are wrong; the
            model cannot follow the markers at all.
    """
    folder, subject = run.clip(clip_id), run.subject(str(run.row(clip_id)["subject"]))
    path, model = folder / "markers.trc", subject / "model.osim"
    weights = marker_weights(run, subject)
    measured = read_trc(path)
    check_marker_names(path, weights, measured.names)
    text, wanted = read_text(model), run.config.ik
    row = run.row(clip_id)
    check_times(str(path), measured.time_s, int(row["frames"]), float(row["fps"]))
    check_clip(str(path), measured, read_places(text, str(model)), weights)
    trial = measured if wanted.low_pass_hz is None else low_pass(measured, wanted.low_pass_hz, str(path))
    solution = solve_trial(wanted, text, trial, weights, str(model))
    check_model_markers(model, weights, solution.replay.marker_names)
    errors = marker_errors(list(weights), measured, solution)
    check_errors(path, np.array(list(weights.values())), errors[solution.valid])
    facts = solver_facts(wanted, text, trial, weights, solution)
    arrays = keypoints(list(weights), measured, solution, errors)
    write_mot(folder / "kinematics.mot", coordinate_names(), measured.time_s, arrays["coordinates"])
    write_npz(folder / "keypoints.npz", **arrays)
    write_json(folder / "ik.json", facts)


def solve_trial(
    wanted: InverseKinematics, text: str, trial: MarkerTrajectories, weights: Mapping[str, float], called: str
) -> Solution:
    """Inverse kinematics of a trial by the engine that the configuration names.

    Raises:
        InputError: the model lacks something, or no frame has enough markers.
    """
    if wanted.engine == "opensim":
        return call("solve", text=text, trial=trial, weights=weights, accuracy=wanted.accuracy, called=called)
    return fast_ik.solve(model_skeleton(text, called), trial, weights, called=called)


@cache
def model_skeleton(text: str, called: str) -> Skeleton:
    """A model as arrays; all clips of a subject in one process share it.

    Raises:
        InputError: the model cannot be read, has what the fast engine does not know, or lacks a body, joint or
            coordinate.
    """
    skeleton = call("read_skeleton", text=text, called=called)
    found = {
        "bodies": skeleton.body_names,
        "joints": skeleton.joint_names,
        "coordinates": skeleton.coordinate_names,
    }
    require_names(called, found, skeleton_table(), "Run the scale stage again.")
    return skeleton


def solver_facts(
    wanted: InverseKinematics,
    text: str,
    trial: MarkerTrajectories,
    weights: Mapping[str, float],
    solution: Solution,
) -> dict[str, Any]:
    """The content of ik.json: what solved the clip and, where OpenSim did not, how far it is from OpenSim."""
    checks = wanted.engine != "opensim" and wanted.check_frames > 0
    found = against_opensim(text, trial, weights, solution, wanted.check_frames) if checks else NOTHING_COMPARED
    return {
        "engine": wanted.engine,
        "opensim_frames": found.frames,
        "opensim_restarts": found.restarts,
        "opensim_difference_deg": found.angle_deg,
        "opensim_difference_coordinate": found.coordinate,
        "opensim_difference_frame": found.frame,
        "opensim_difference_mm": found.translation_mm,
        "objective_excess": found.objective_excess,
    }


def against_opensim(
    text: str, trial: MarkerTrajectories, weights: Mapping[str, float], solution: Solution, count: int
) -> Difference:
    """Hold a solution against OpenSim's own of some of its frames; see `solved_by_opensim`."""
    return summarise(*solved_by_opensim(text, trial, weights, solution, count))


def solved_by_opensim(
    text: str, trial: MarkerTrajectories, weights: Mapping[str, float], solution: Solution, count: int
) -> tuple[Int[np.ndarray, " chosen"], FrameSolutions, FrameSolutions, int]:
    """Some frames of a solution, OpenSim's own solutions of them, and in how many OpenSim had to start again.

    Where OpenSim ends in a worse minimum than ours, it is started once more from ours: then the comparison says that
    ours is a minimum of OpenSim's objective, too.
    """
    frames = spread_frames(solution.valid, count)
    ours = FrameSolutions(
        solution.coordinate_names,
        solution.coordinates[frames],
        weighted_objective(weights, trial, solution)[frames],
    )
    task = {"text": text, "trial": trial, "weights": weights}
    theirs = call("check_frames", **task, frames=frames)
    rows = np.flatnonzero(worse_frames(ours.objectives, theirs.objectives))
    if len(rows):
        starts = (ours.coordinate_names, ours.coordinates[rows])
        theirs = replaced(theirs, call("check_frames", **task, frames=frames[rows], starts=starts), rows)
    return frames, ours, theirs, len(rows)


def marker_weights(run: Run, subject: Path) -> dict[str, float]:
    """The markers that the subject was scaled with, and their weights in the run's marker list.

    Raises:
        InputError: scaling.json is missing, or was made with another marker list.
    """
    layout = load_layout(run.config.skeleton.markers)
    listed = dict(zip(layout.names, (float(weight) for weight in layout.weights)))
    names = list(read_json(subject / "scaling.json")["marker_offsets_mm"])
    absent = [name for name in names if name not in listed]
    if absent:
        raise InputError(
            f"{subject / 'scaling.json'}: was made with marker {absent[0]}, which {layout.path} does not have. "
            "Run the scale stage again."
        )
    return {name: listed[name] for name in names}


def check_marker_names(path: Path, weights: Mapping[str, float], found: Sequence[str]) -> None:
    """Refuse a trial that lacks a marker which inverse kinematics uses.

    Raises:
        InputError: names the first one.
    """
    absent = [name for name, weight in weights.items() if weight > 0 and name not in found]
    if absent:
        raise InputError(
            f"{path}: has no marker {absent[0]}{f' (and {len(absent) - 1} more are absent)' if absent[1:] else ''}; "
            "all weighted markers of the marker list were expected. Rename the columns or give such markers weight 0."
        )


def check_model_markers(path: Path, weights: Mapping[str, float], found: Sequence[str]) -> None:
    """Refuse a model that lacks a marker of the list.

    Raises:
        InputError: names the first one.
    """
    absent = [name for name in weights if name not in found]
    if absent:
        raise InputError(f"{path}: has no marker {absent[0]}, which the subject was scaled with. Run scale again.")


def check_errors(
    path: Path, weights: Float[np.ndarray, " markers"], errors: Float[np.ndarray, "frames markers"]
) -> None:
    """Refuse a trial that the model cannot follow at all: names, unit or subject must be wrong.

    Raises:
        InputError: the median over frames of the RMS over weighted markers exceeds 10 cm.
    """
    rms = float(np.median(np.sqrt(np.nanmean(errors[:, weights > 0] ** 2, axis=1))))
    if rms > LARGEST_RMS_M:
        raise InputError(
            f"{path}: the model stays {1000 * rms:.0f} mm away from the markers; at most {1000 * LARGEST_RMS_M:.0f} mm "
            "was expected. Check the marker names (left and right), the unit, and that the trial is of this subject."
        )


def keypoints(
    names: Sequence[str],
    trial: MarkerTrajectories,
    solution: Solution,
    errors: Float[np.ndarray, "frames markers"],
) -> dict[str, np.ndarray]:
    """The arrays of keypoints.npz: positions in the world frame, coordinates in OpenSim ground.

    Bodies, joints and coordinates stand in the order of the generic model, also for an own model.
    """
    replay = solution.replay
    bodies = [replay.body_names.index(name) for name in body_names()]
    joints = [replay.joint_names.index(name) for name in joint_names()]
    markers = [replay.marker_names.index(name) for name in names]
    coordinates = [solution.coordinate_names.index(name) for name in coordinate_names()]
    return {
        "time_s": trial.time_s,
        "coordinate_names": np.array(coordinate_names()),
        "coordinates": solution.coordinates[:, coordinates],
        "body_names": np.array(body_names()),
        "joint_names": np.array(joint_names()),
        "marker_names": np.array(names),
        "joint_centers_m": ground_to_world(replay.joint_centers_m[:, joints]),
        "mass_centers_m": ground_to_world(replay.mass_centers_m[:, bodies]),
        "markers_m": ground_to_world(replay.markers_m[:, markers]),
        "body_rotations": WORLD_FROM_GROUND @ replay.body_rotations[:, bodies],
        "marker_error_m": errors,
        "valid": solution.valid,
    }
