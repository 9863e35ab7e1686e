"""The fit stage: a subject's shape and marker offsets, then the body's motion in a clip, with the files around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.body.layout import MarkerLayout, load_layout
from odah_gen.body.model import BodyModel, find_body_model
from odah_gen.body.skinning import posed_vertices, shape_body
from odah_gen.body.static_trial import standing_translation, static_poses
from odah_gen.errors import InputError
from odah_gen.farthest_points import farthest_points
from odah_gen.motion.amass import read_world_motion
from odah_gen.registration.clip_fit import ClipFit, fit_clip_motion
from odah_gen.registration.fit_frames import FitBody, FitSettings, Motion, Targets, make_fit_body
from odah_gen.registration.floor import sole_vertices
from odah_gen.registration.regressor import JointRegressor, load_regressor
from odah_gen.registration.standing import Places, standing_markers, standing_offsets
from odah_gen.registration.store import regressor_file
from odah_gen.registration.subject_fit import fit_subject_shape, used_mean
from odah_gen.run import Run
from odah_gen.storage import read_npz, write_json, write_npz

FULL_WEIGHT = 2.0
"""Weight in inverse kinematics from which a marker counts fully in the fit, others by the square root: inverse kinematics
mistrusts skin that slides, here all model markers tell the same label."""
OFFSET_SHARE = 0.25
"""Spread of a marker on the mesh about its place in the static trial, relative to its spread on the skeleton: what the
mesh's markers take up is lost to its pose (the closed loop over the mesh shows it)."""
KEYPOINT_ARRAYS = ("markers_m", "marker_names", "joint_centers_m", "joint_names", "valid")


def fit_subject(run: Run, subject: str) -> None:
    """Stage 1: find a subject's shape and marker offsets over well-spread frames of its clips; write S/fit.npz.

    Raises:
        InputError: a file of an earlier stage is missing, or the regressor is for another body model or skeleton.
    """
    write_shape(run, subject, standing_markers(run, subject))


def write_shape(run: Run, subject: str, standing: Places) -> None:
    """Stage 1 with the markers' places in the static trial given; write S/fit.npz.

    Raises:
        InputError: as `fit_subject`.
    """
    own = read_npz(run.subject(subject) / "body.npz", ("betas", "gender"))
    body = subject_fit_body(run, str(own["gender"]), own["betas"])
    clips = run.clips_of(subject)
    motions, targets = zip(*(read_clip(run, clip, body) for clip in clips))
    motion = Motion(np.concatenate([part.poses for part in motions]), np.concatenate([part.trans for part in motions]))
    goals = Targets(
        np.concatenate([part.markers_m for part in targets]),
        np.concatenate([part.joint_centers_m for part in targets]),
    )
    chosen = choose_frames(run.subject(subject), goals, run.config.fit.shape_frames)
    found = fit_subject_shape(
        body.points,
        own["betas"],
        offsets_standing(body, own["betas"], standing),
        motion.take(chosen),
        goals.take(chosen),
        fit_settings(run),
    )
    owners = np.repeat(clips, [len(part.poses) for part in motions])
    within = np.concatenate([np.arange(len(part.poses)) for part in motions])
    write_npz(
        run.subject(subject) / "fit.npz",
        betas=found.betas,
        gender=own["gender"],
        marker_names=np.array(body.layout.names),
        marker_vertices=body.layout.vertex_ids(body.model),
        marker_offsets_m=found.offsets_m,
        clip_ids=owners[chosen],
        frames=within[chosen],
        marker_mean_mm=found.marker_mean_mm,
        joint_center_mean_mm=found.joint_center_mean_mm,
    )


def fit_clip(run: Run, clip_id: str) -> None:
    """Stage 2: fit the body's motion to the skeleton's in a clip; write C/body.npz and C/fit.json.

    Raises:
        InputError: a file of an earlier stage is missing, or the regressor is for another body model or skeleton.
    """
    subject = run.subject(str(run.row(clip_id)["subject"]))
    known = read_npz(subject / "fit.npz", ("betas", "gender", "marker_offsets_m"))
    body = subject_fit_body(run, str(known["gender"]), known["betas"])
    source = read_world_motion(run.clip(clip_id) / "motion.npz", ("mocap_frame_rate",))
    motion, targets = read_clip(run, clip_id, body)
    found = fit_clip_motion(
        body.points,
        known["betas"],
        known["marker_offsets_m"],
        motion,
        targets,
        float(source["mocap_frame_rate"]),
        fit_settings(run),
    )
    fitted = {**source, "poses": found.motion.poses, "trans": found.motion.trans, "betas": known["betas"]}
    moved = vertex_distance_mm(body.model, source, fitted)
    write_npz(run.clip(clip_id) / "body.npz", **fitted)
    write_json(run.clip(clip_id) / "fit.json", residuals(body.points, found, moved))


def residuals(body: FitBody, found: ClipFit, source_vertex_mean_mm: float) -> dict[str, float]:
    """The figures of fit.json."""
    return {
        "joint_center_mean_mm": round(float(np.nanmean(found.joint_center_mm)), 3),
        "joint_center_p95_mm": round(float(np.nanpercentile(found.joint_center_mm, 95)), 3),
        "marker_mean_mm": round(used_mean(body, found.marker_mm), 3),
        "source_vertex_mean_mm": round(source_vertex_mean_mm, 3),
    }


def fit_settings(run: Run) -> FitSettings:
    """What the configuration says about the fit."""
    fit = run.config.fit
    return FitSettings(fit.joint_weight, fit.smoothness, fit.iterations, run.config.skeleton.locked)


@dataclass(frozen=True)
class SubjectBody:
    """The body model of a subject's gender, the markers it has, and the points that the fit looks at."""

    model: BodyModel
    layout: MarkerLayout
    joint_names: tuple[str, ...]
    points: FitBody


def offsets_standing(
    body: SubjectBody, betas: Float[np.ndarray, " betas"], standing: Places
) -> Float[np.ndarray, "markers 3"]:
    """The displacements at rest (m) with which the body's markers stand in the static trial where the model's do."""
    trans = standing_translation(body.model, betas, static_poses(body.model, betas)[None])
    return standing_offsets(body.points, betas, trans, np.stack([standing[name] for name in body.layout.names]))


def subject_fit_body(run: Run, gender: str, betas: Float[np.ndarray, " betas"]) -> SubjectBody:
    """Gather body model, marker list and joint regressor of a run for one gender.

    Raises:
        InputError: one of them is missing, or the regressor is for another body model.
    """
    model = find_body_model(run.config.body, gender)
    layout = load_layout(run.config.skeleton.markers).on(model)
    return gather(model, layout, read_regressor(regressor_file(run), model), betas)


def gather(
    model: BodyModel, layout: MarkerLayout, regressor: JointRegressor, betas: Float[np.ndarray, " betas"]
) -> SubjectBody:
    """The points of a body that the fit looks at: its markers, its joint centres, and its soles on the floor z = 0."""
    points = make_fit_body(
        model=model,
        marker_ids=layout.vertex_ids(model).tolist(),
        marker_weights=np.sqrt(np.clip(layout.weights / FULL_WEIGHT, 0.0, 1.0)),
        offset_sd_m=OFFSET_SHARE * layout.offset_sd_m,
        vertex_ids=regressor.vertex_ids.tolist(),
        regressor=regressor.on_used_vertices(),
        joint_error_m=regressor.held_out_mean_mm / 1000,
        betas=betas,
        sole_ids=sole_vertices(model, betas),
        correction_covariance=regressor.correction_covariance,
    )
    return SubjectBody(model, layout, regressor.joint_names, points)


def read_regressor(path: Path, model: BodyModel) -> JointRegressor:
    """Read the joint regressor and see that it is for this topology.

    Raises:
        InputError: it is missing or for another number of vertices.
    """
    if not path.exists():
        raise InputError(
            f"{path}: there is no joint regressor for this body model, skeleton and marker list. "
            "Train it once with: odah-gen regressor train --run DIR."
        )
    regressor = load_regressor(path)
    regressor.check(len(model.v_template))
    return regressor


def read_clip(run: Run, clip_id: str, body: SubjectBody) -> tuple[Motion, Targets]:
    """Read source motion and targets of a clip; frames that inverse kinematics did not solve have no targets.

    Raises:
        InputError: a file is missing, has another number of frames, or lacks a marker or joint.
    """
    folder = run.clip(clip_id)
    source = read_world_motion(folder / "motion.npz")
    label = read_npz(folder / "keypoints.npz", KEYPOINT_ARRAYS)
    if len(source["poses"]) != len(label["markers_m"]):
        raise InputError(
            f"{folder / 'keypoints.npz'}: has {len(label['markers_m'])} frames; motion.npz has {len(source['poses'])}. "
            "Run the markers and ik stages of this clip again."
        )
    markers = pick(folder, label["markers_m"], label["marker_names"], body.layout.names)
    centers = pick(folder, label["joint_centers_m"], label["joint_names"], body.joint_names)
    holes = ~label["valid"].astype(bool)[:, None, None]
    targets = Targets(np.where(holes, np.nan, markers), np.where(holes, np.nan, centers))
    return Motion(source["poses"].astype(np.float64), source["trans"].astype(np.float64)), targets


def pick(
    folder: Path, points: Float[np.ndarray, "frames points 3"], names: np.ndarray, wanted: Sequence[str]
) -> Float[np.ndarray, "frames wanted 3"]:
    """The points with the wanted names, in their order.

    Raises:
        InputError: a name is missing.
    """
    have = [str(name) for name in names]
    absent = [name for name in wanted if name not in have]
    if absent:
        raise InputError(
            f"{folder / 'keypoints.npz'}: lacks {', '.join(absent)}. Run the ik stage again with the run's marker list."
        )
    return points[:, [have.index(name) for name in wanted]]


def choose_frames(folder: Path, targets: Targets, count: int) -> list[int]:
    """Well-spread frames among those that inverse kinematics solved, told apart by joint centres about their mean.

    The first is the farthest from the mean of all.

    Raises:
        InputError: no frame was solved.
    """
    solved = np.flatnonzero(np.isfinite(targets.joint_centers_m).all((1, 2)))
    if not len(solved):
        raise InputError(
            f"{folder}: no frame of its clips was solved by inverse kinematics. Look at their markers.trc."
        )
    centers = targets.joint_centers_m[solved]
    # All centres as one point: a frame that differs at one joint alone counts for more than in a mean over joints.
    relative = (centers - centers.mean(1, keepdims=True)).reshape(len(solved), 1, -1)
    extreme = int(np.linalg.norm(relative - relative.mean(0), axis=-1).argmax())
    return solved[farthest_points(relative, count, extreme)].tolist()


def vertex_distance_mm(model: BodyModel, first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> float:
    """Mean distance between the vertices of two motions of one body model (mm)."""
    parts = [
        posed_vertices(shape_body(model, torch.as_tensor(motion["betas"])), motion["poses"], motion["trans"])
        for motion in (first, second)
    ]
    total = sum(float((one - other).norm(dim=-1).mean(1).sum()) for one, other in zip(*parts))
    return 1000 * total / len(first["poses"])
