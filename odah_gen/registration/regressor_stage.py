"""Training of a joint regressor on the seeded bank, and its use on a motion file."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int

from odah_gen.body.files import body_files, own_file
from odah_gen.body.layout import load_layout
from odah_gen.body.model import JOINT_NAMES, BodyModel, find_body_model, load_body_model
from odah_gen.body.skinning import PosedBody, pose_body, shape_body
from odah_gen.config import Body, Config
from odah_gen.errors import InputError
from odah_gen.frames import ground_to_world, world_to_ground
from odah_gen.motion.amass import read_amass
from odah_gen.registration.bank import BankBody, draw_bank
from odah_gen.registration.fit_frames import Motion, Targets
from odah_gen.registration.fit_stage import gather
from odah_gen.registration.own_joints import own_errors
from odah_gen.registration.prior_training import body_corrections, correction_covariance
from odah_gen.registration.regressor import JointErrors, JointRegressor, load_regressor, ring_of, save_regressor
from odah_gen.registration.regressor_training import candidate_vertices, held_out_centers, train_weights
from odah_gen.registration.store import regressor_keys
from odah_gen.skeleton.ik_stage import solve_trial
from odah_gen.skeleton.static import static_with_centers
from odah_gen.skeleton.subject import marker_errors, scale_to_static
from odah_gen.skeleton.table import joint_names
from odah_gen.skeleton.trc import MarkerTrajectories
from odah_gen.storage import write_npz

GENDERS = ("female", "male")
MASS_KG = 75.0
"""Mass of the bank's bodies: the Scale tool wants one; joint centres do not depend on it."""
CANDIDATES = 300
LARGEST_RMS_M = 0.04
"""Poses that the skeleton cannot follow better than this teach nothing about its joints."""
POSE_SHARES = 10
"""A tenth of every body's poses is left out at a time."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Samples:
    """Poses of the bank's bodies (m, one world frame each).

    Attributes:
        vertices: meshes.
        centers: the skeleton's joint centres.
        bodies, poses: number of the body, and of the pose among those of the body.
        markers: the skeleton's markers.
        rotvecs, trans: the pose, as rotation vectors (rad), and the translation.
    """

    vertices: Float[np.ndarray, "samples vertices 3"]
    centers: Float[np.ndarray, "samples joints 3"]
    bodies: Int[np.ndarray, " samples"]
    poses: Int[np.ndarray, " samples"]
    markers: Float[np.ndarray, "samples markers 3"]
    rotvecs: Float[np.ndarray, "samples 165"]
    trans: Float[np.ndarray, "samples 3"]

    @classmethod
    def join(cls, parts: Sequence["Samples"]) -> "Samples":
        """The samples of all parts."""
        return cls(*(np.concatenate(arrays) for arrays in zip(*(vars(part).values() for part in parts))))


def train(config: Config, path: Path, tell: Tell) -> None:
    """Train the joint regressor of a configuration's body model, skeleton and marker list, and the prior of the body
    fit that goes with it; write them to `path`.

    Args:
        config: body, skeleton, ik and regressor sections are used.
        path: the file to write, as `store.regressor_file` names it.
        tell: called with one line per body and with the errors at the end.

    Raises:
        InputError: the body model, skeleton or marker list is missing or does not fit the others.
    """
    models = bank_models(config)
    samples = sample_bank(config, models, tell)
    regressor = against_own_joints(train_on(samples, models[0], config), models, config)
    tell("fitting the bank for the prior of the body fit")
    regressor = dataclasses.replace(regressor, correction_covariance=train_prior(config, models, samples, regressor))
    save_regressor(path, regressor)
    for line in error_lines(regressor):
        tell(line)


def bank_models(config: Config) -> list[BodyModel]:
    """The female and the male body model; the neutral one in the place of any that the user's folder lacks.

    Raises:
        InputError: the folder has no body model.
    """
    there = body_files(config.body)
    wanted = dict.fromkeys(own_file(config.body, gender) or own_file(config.body, "neutral") for gender in GENDERS)
    return [load_body_model(path) for path in there if path in wanted]


def configured_bank(config: Config, models: Sequence[BodyModel]) -> list[BankBody]:
    """The bank that a configuration asks for."""
    return draw_bank(models, config.regressor.bodies, config.regressor.poses, config.regressor.seed)


def sample_bank(config: Config, models: Sequence[BodyModel], tell: Tell) -> Samples:
    """Pose every body of the bank and let the skeleton follow: meshes and joint centres."""
    bank = configured_bank(config, models)
    parts = []
    for index, body in enumerate(bank):
        found, rms_m = follow(config, body, index)
        used = rms_m < LARGEST_RMS_M
        parts.append(Samples(*(array[used] for array in vars(found).values())))
        rms_mm = 1000 * float(rms_m.mean())
        tell(f"body {index + 1} of {len(bank)} ({body.model.gender}): {used.sum()} poses, markers {rms_mm:.1f} mm")
    return Samples.join(parts)


def follow(config: Config, body: BankBody, index: int) -> tuple[Samples, Float[np.ndarray, " poses"]]:
    """Scale the skeleton to a body as for a subject and solve its poses; also the marker RMS of each pose (m)."""
    layout = load_layout(config.skeleton.markers).on(body.model)
    static = static_with_centers(body.model, body.betas, layout)
    posed = pose_all(body)
    points = world_to_ground(posed.vertices[:, layout.vertex_ids(body.model)].double().numpy())
    trial = MarkerTrajectories(layout.names, np.arange(float(len(points))), points)
    # The regressor serves every choice of skeleton.locked, so the bank's skeletons move all their joints.
    subject = scale_to_static(layout, static, MASS_KG, (), config.skeleton.model, [trial])
    weights = dict(zip(layout.names, layout.weights))
    solution = solve_trial(config.ik, subject.text, trial, weights, f"body {index + 1} of the bank")
    used = marker_errors(layout.names, trial, solution)[:, layout.weights > 0]
    order = [solution.replay.joint_names.index(name) for name in joint_names()]
    columns = [solution.replay.marker_names.index(name) for name in layout.names]
    poses = np.flatnonzero(body.is_pose)
    return Samples(
        posed.vertices[poses].numpy(),
        ground_to_world(solution.replay.joint_centers_m[poses][:, order]),
        np.full(len(poses), index),
        np.arange(len(poses)),
        ground_to_world(solution.replay.markers_m[poses][:, columns]),
        body.poses[poses],
        body.trans[poses],
    ), np.sqrt(np.mean(used[poses] ** 2, axis=1))


def pose_all(body: BankBody) -> PosedBody:
    """All vertices and joints of a body in all its frames (m)."""
    shaped = shape_body(body.model, torch.as_tensor(body.betas))
    return pose_body(shaped, torch.as_tensor(body.poses), torch.as_tensor(body.trans))


def train_on(samples: Samples, model: BodyModel, config: Config) -> JointRegressor:
    """Solve every joint, and measure the error on bodies and on poses left out."""
    candidates = [
        joint_candidates(samples, model, joint, index, config.regressor.seed)
        for index, joint in enumerate(joint_names())
    ]
    data = samples.vertices, samples.centers, candidates
    new_bodies = held_out_centers(*data, samples.bodies)
    new_poses = held_out_centers(*data, samples.poses % POSE_SHARES)
    return JointRegressor(
        joint_names=joint_names(),
        weights=train_weights(*data),
        keys=regressor_keys(config),
        errors={
            "bodies": JointErrors.of(new_bodies - samples.centers),
            "poses": JointErrors.of(new_poses - samples.centers),
        },
    )


def train_prior(
    config: Config, models: Sequence[BodyModel], samples: Samples, regressor: JointRegressor
) -> Float[np.ndarray, "turns turns"]:
    """Fit every body of the bank to its skeleton; how the corrections vary (rad²)."""
    corrections = []
    for index, body in enumerate(configured_bank(config, models)):
        own = samples.bodies == index
        if not own.any():
            continue
        subject = gather(body.model, load_layout(config.skeleton.markers).on(body.model), regressor, body.betas)
        motion = Motion(samples.rotvecs[own].astype(np.float64), samples.trans[own].astype(np.float64))
        targets = Targets(samples.markers[own], samples.centers[own])
        corrections.append(body_corrections(subject, body.betas, motion, targets))
    return correction_covariance(np.concatenate(corrections))


def against_own_joints(regressor: JointRegressor, models: Sequence[BodyModel], config: Config) -> JointRegressor:
    """The regressor with its errors against the body model's own joints, on new bodies, beside the others."""
    found = own_errors(regressor, models, config.regressor.poses, config.regressor.seed + 1)
    return dataclasses.replace(regressor, errors={**regressor.errors, **found})


def joint_candidates(
    samples: Samples, model: BodyModel, joint: str, index: int, seed: int
) -> Int[np.ndarray, " candidates"]:
    """The vertices that may carry a joint of the skeleton.

    Raises:
        InputError: the joint is unknown, or its ring holds no vertex.
    """
    ring = ring_of(joint)
    owned = model.weights[:, [JOINT_NAMES.index(owner) for owner in ring.owners]].sum(1).numpy()
    generator = np.random.default_rng([seed, index])
    found = candidate_vertices(samples.vertices, samples.centers[:, index], owned, ring.radius_m, CANDIDATES, generator)
    if not len(found):
        raise InputError(
            f"{model.path}: has no vertex within {100 * ring.radius_m:.0f} cm of the skeleton's joint {joint}. "
            "Check that the marker list puts its markers on the right vertices of this body model."
        )
    return found


def error_lines(regressor: JointRegressor) -> list[str]:
    """The errors as lines of a table: mean and 95 % on bodies left out, on poses left out, and against own joints twice."""
    columns = [values for found in regressor.errors.values() for values in (found.mean_mm, found.p95_mm)]
    headings = ("other bodies", "other poses", "own joints", "own, alike")
    head = " " * 18 + "".join(f"{heading:>16s}" for heading in headings)
    rows = [
        f"{name:18s}" + "".join(f"{value:8.1f}" for value in values)
        for name, *values in zip(regressor.joint_names, *columns)
    ]
    means = f"{'mean':18s}" + "".join(f"{np.nanmean(found.mean_mm):8.1f}{'':8s}" for found in regressor.errors.values())
    title = "error on what training did not see, mean and 95 % (mm)"
    return [title, head, *(row.replace("nan", "  –") for row in rows), means.rstrip()]


def apply_to_motion(regressor_path: Path, body_model: str, motion_path: Path, out: Path) -> None:
    """Joint centres of a motion file; writes joint_names, joint_centers_m [T, 22, 3], fps to an .npz.

    Positions are in metres in the frame of the motion file.

    Args:
        regressor_path: a trained regressor.
        body_model: "free", a folder with SMPL-X models, or one model file.
        motion_path: AMASS .npz of either flavour; its shape coefficients must belong to the body model.
        out: the file to write.

    Raises:
        InputError: a file is missing or malformed, or the regressor is for another number of vertices.
    """
    regressor = load_regressor(regressor_path)
    clip = read_amass(motion_path)
    model = named_model(body_model, clip.gender)
    regressor.check(len(model.v_template))
    shaped = shape_body(model, torch.as_tensor(clip.betas[: model.num_betas]), regressor.vertex_ids.tolist())
    points = pose_body(shaped, torch.as_tensor(clip.poses), torch.as_tensor(clip.trans)).vertices.numpy()
    centers = regressor.combine(points)
    write_npz(out, joint_names=np.array(regressor.joint_names), joint_centers_m=centers, fps=clip.fps)


def named_model(body_model: str, gender: str) -> BodyModel:
    """A body model for a gender: "free", a folder with SMPL-X models, or one file whatever the gender.

    Raises:
        InputError: there is no such model.
    """
    if body_model.endswith(".npz"):
        return load_body_model(Path(body_model))
    return find_body_model(body_section(body_model), gender)


def body_section(body_model: str) -> Body:
    """The configuration that means a body model: "free", or a folder with SMPL-X models."""
    return Body(model_dir=None if body_model == "free" else body_model)
