"""Training of a joint regressor on the seeded bank, and its use on a motion file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int

from odah_gen.body.files import body_files, own_file
from odah_gen.body.layout import load_layout
from odah_gen.body.model import JOINT_NAMES, BodyModel, find_body_model, load_body_model
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.config import Body, Config
from odah_gen.errors import InputError
from odah_gen.frames import ground_to_world, world_to_ground
from odah_gen.motion.amass import read_amass
from odah_gen.registration.bank import BankBody, draw_bank
from odah_gen.registration.regressor import (
    JointRegressor,
    candidate_vertices,
    held_out_errors_mm,
    load_regressor,
    ring_of,
    save_regressor,
    train_weights,
)
from odah_gen.registration.store import regressor_keys
from odah_gen.skeleton.static import static_with_centers
from odah_gen.skeleton.subject import marker_errors, scale_to_static
from odah_gen.skeleton.table import joint_names
from odah_gen.skeleton.trc import MarkerTrajectories
from odah_gen.skeleton.worker import call
from odah_gen.storage import write_npz

GENDERS = ("female", "male")
MASS_KG = 75.0
"""Mass of the bank's bodies: the Scale tool wants one; joint centres do not depend on it."""
CANDIDATES = 300
LARGEST_RMS_M = 0.04
"""Poses that the skeleton cannot follow better than this teach nothing about its joints."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Samples:
    """Meshes of the bank with the skeleton's joint centres (m, one world frame each)."""

    vertices: Float[np.ndarray, "samples vertices 3"]
    centers: Float[np.ndarray, "samples joints 3"]
    bodies: Int[np.ndarray, " samples"]


def train(config: Config, path: Path, tell: Tell) -> None:
    """Train the joint regressor of a configuration's body model, skeleton and marker list; write it to `path`.

    Args:
        config: body, skeleton, ik and regressor sections are used.
        path: the file to write, as `store.regressor_file` names it.
        tell: called with one line per body and with the errors at the end.

    Raises:
        InputError: the body model, skeleton or marker list is missing or does not fit the others.
    """
    models = bank_models(config)
    samples = sample_bank(config, models, tell)
    regressor = train_on(samples, models[0], config)
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


def sample_bank(config: Config, models: Sequence[BodyModel], tell: Tell) -> Samples:
    """Pose every body of the bank and let the skeleton follow: meshes and joint centres."""
    bank = draw_bank(models, config.regressor.bodies, config.regressor.poses, config.regressor.seed)
    parts = []
    for index, body in enumerate(bank):
        vertices, centers, rms_m = follow(config, body)
        kept = body.is_pose & (rms_m < LARGEST_RMS_M)
        parts.append(Samples(vertices[kept], centers[kept], np.full(kept.sum(), index)))
        rms_mm = 1000 * float(rms_m[body.is_pose].mean())
        tell(f"body {index + 1} of {len(bank)} ({body.model.gender}): {kept.sum()} poses, markers {rms_mm:.1f} mm")
    return Samples(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.centers for part in parts]),
        np.concatenate([part.bodies for part in parts]),
    )


def follow(
    config: Config, body: BankBody
) -> tuple[Float[np.ndarray, "frames vertices 3"], Float[np.ndarray, "frames joints 3"], Float[np.ndarray, " frames"]]:
    """Scale the skeleton to a body as for a subject and solve its poses: vertices, joint centres, marker RMS (m)."""
    layout = load_layout(config.skeleton.markers).on(body.model)
    static = static_with_centers(body.model, body.betas, layout)
    vertices = pose_vertices(body.model, body.betas, body.poses, body.trans)
    points = world_to_ground(vertices[:, layout.vertex_ids(body.model)].astype(np.float64))
    trial = MarkerTrajectories(layout.names, np.arange(float(len(points))), points)
    # The regressor serves every choice of skeleton.locked, so the bank's skeletons move all their joints.
    subject = scale_to_static(layout, static, MASS_KG, (), config.skeleton.model, [trial])
    weights = dict(zip(layout.names, layout.weights))
    solution = call("solve", text=subject.text, trial=trial, weights=weights, accuracy=config.ik.accuracy)
    used = marker_errors(layout.names, trial, solution)[:, layout.weights > 0]
    order = [solution.replay.joint_names.index(name) for name in joint_names()]
    centers = ground_to_world(solution.replay.joint_centers_m[:, order])
    return vertices, centers, np.sqrt(np.mean(used**2, axis=1))


def pose_vertices(
    model: BodyModel,
    betas: Float[np.ndarray, " betas"],
    poses: Float[np.ndarray, "frames 165"],
    trans: Float[np.ndarray, "frames 3"],
) -> Float[np.ndarray, "frames vertices 3"]:
    """All vertices of a motion (m)."""
    shaped = shape_body(model, torch.as_tensor(betas))
    return pose_body(shaped, torch.as_tensor(poses), torch.as_tensor(trans)).vertices.numpy()


def train_on(samples: Samples, model: BodyModel, config: Config) -> JointRegressor:
    """Solve every joint, and measure the error on bodies left out."""
    candidates = [
        joint_candidates(samples, model, joint, index, config.regressor.seed)
        for index, joint in enumerate(joint_names())
    ]
    errors = held_out_errors_mm(samples.vertices, samples.centers, candidates, samples.bodies)
    return JointRegressor(
        joint_names=joint_names(),
        weights=train_weights(samples.vertices, samples.centers, candidates),
        keys=regressor_keys(config),
        held_out_mean_mm=errors.mean(0),
        held_out_p95_mm=np.percentile(errors, 95, axis=0),
    )


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
    """The held-out errors as lines of a table."""
    rows = [
        f"{name:18s} {mean:6.1f} {high:6.1f}"
        for name, mean, high in zip(regressor.joint_names, regressor.held_out_mean_mm, regressor.held_out_p95_mm)
    ]
    head = "error on bodies left out of the training (mm)"
    mean = f"{'mean':18s} {regressor.held_out_mean_mm.mean():6.1f}"
    return [head, f"{'joint':18s} {'mean':>6s} {'95 %':>6s}", *rows, mean]


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
