"""A person's clips with their labels, the body fit of each, and how far the fitted body is from its label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from subjects import Person, Recording, standing

from odah_gen.config import Config, Fidelity
from odah_gen.fidelity.measure import FinalBody, Label, measure
from odah_gen.fidelity.mesh import Watched, watch
from odah_gen.fidelity.stage import label_of
from odah_gen.fidelity.standing import Standing, stand
from odah_gen.fidelity.verdict import class_of, objections
from odah_gen.registration.clip_fit import ClipFit, fit_clip_motion
from odah_gen.registration.fit_frames import FitSettings, Motion, Targets
from odah_gen.registration.fit_stage import SubjectBody, choose_frames, gather, offsets_standing
from odah_gen.registration.regressor import JointRegressor, load_regressor
from odah_gen.registration.standing import first_places
from odah_gen.registration.store import regressor_file
from odah_gen.registration.subject_fit import SubjectFit, fit_subject_shape
from odah_gen.run import Run
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.ik_stage import keypoints
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.subject import held_standing, marker_errors
from odah_gen.skeleton.worker import call

LIMITS, USUAL = Fidelity(), FitSettings()
HELD_OUT, WEAK = "held-out points", "held-out points: arm_rot, pro_sup, wrist, toes"
"""Columns of angles that held-out points determine well, and badly."""


@dataclass(frozen=True)
class Clip:
    """A source motion and where the fit should bring markers and joint centres."""

    name: str
    motion: Motion
    targets: Targets
    fps: float


@dataclass(frozen=True)
class LabelledClip(Clip):
    """A clip whose targets are those of a label."""

    label: Label


@dataclass(frozen=True)
class ScaledPerson:
    """A person whose skeleton is scaled: the points that the fit and the fidelity figures look at, and the skeleton."""

    who: Person
    body: SubjectBody
    watched: Watched
    standing: Standing
    scales: Mapping[str, list[float]]
    settings: FitSettings

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton with its markers."""
        return self.standing.skeleton


def free_regressor() -> JointRegressor:
    """The joint regressor that is shipped for the free body."""
    return load_regressor(regressor_file(Run(Path(), Config())))


def scale_person(
    who: Person,
    recordings: Sequence[Recording],
    locked: tuple[str, ...] = (),
    kept: Mapping[str, list[float]] | None = None,
) -> ScaledPerson:
    """Scale a person to her clips.

    Args:
        who: the person.
        recordings: the clips.
        locked: groups of joints kept at zero.
        kept: scale factors to take over, for a variant that keeps another body's skeleton.
    """
    regressor = free_regressor()
    model = who.scaled([one.markers for one in recordings], locked, kept)
    watched = watch(who.model, who.layout, regressor)
    stood = stand(watched, who.betas, call("read_skeleton", text=model.text), who.weights(), model.scales)
    body = gather(who.model, who.layout, regressor, who.betas)
    return ScaledPerson(who, body, watched, stood, model.scales, FitSettings(locked=locked))


def labelled(person: ScaledPerson, one: Recording) -> LabelledClip:
    """A clip with its label: inverse kinematics of the markers; frames that it did not solve have no targets."""
    solution = fast_ik.solve(person.skeleton, one.markers, person.who.weights())
    names, joints = person.body.layout.names, person.body.joint_names
    arrays = keypoints(names, one.markers, solution, marker_errors(names, one.markers, solution))
    label = label_of(Path(one.name), arrays, person.watched)
    centers = label.joint_centers_m[:, [label.joint_names.index(name) for name in joints]]
    holes = ~label.valid[:, None, None]
    targets = Targets(np.where(holes, np.nan, label.markers_m), np.where(holes, np.nan, centers))
    motion = Motion(one.motion.poses.astype(np.float64), one.motion.trans.astype(np.float64))
    return LabelledClip(one.name, motion, targets, one.motion.fps, label)


def offsets_of(person: ScaledPerson) -> Float[np.ndarray, "markers 3"]:
    """Displacements at rest with which the body's markers stand where the skeleton has them in the static trial."""
    still = standing(person.who)[0]
    replay = fast_ik.solve(person.skeleton, still, person.who.weights(), held_standing(still)).replay
    return offsets_standing(person.body, person.who.betas, first_places(replay))


def subject_shape(
    body: SubjectBody,
    clips: Sequence[Clip],
    betas: Float[np.ndarray, " betas"],
    offsets_m: Float[np.ndarray, "markers 3"],
    settings: FitSettings = USUAL,
) -> SubjectFit:
    """Stage 1 over a dozen frames of all clips, from given displacements of the markers at rest."""
    motion = Motion(*(np.concatenate([getattr(clip.motion, part) for clip in clips]) for part in ("poses", "trans")))
    targets = Targets(
        *(np.concatenate([getattr(clip.targets, part) for clip in clips]) for part in ("markers_m", "joint_centers_m"))
    )
    chosen = choose_frames(Path("benchmark"), targets, Config().fit.shape_frames)
    return fit_subject_shape(body.points, betas, offsets_m, motion.take(chosen), targets.take(chosen), settings)


def fit(body: SubjectBody, shape: SubjectFit, clip: Clip, settings: FitSettings = USUAL) -> ClipFit:
    """Stage 2."""
    return fit_clip_motion(body.points, shape.betas, shape.offsets_m, clip.motion, clip.targets, clip.fps, settings)


def fidelity_columns(person: ScaledPerson, shape: SubjectFit, found: ClipFit, clip: LabelledClip) -> dict[str, Any]:
    """Angles (°) read from the fitted body against the label, and what the limits of the clip's class object to.

    The distance from the source body, which the fit stage measures, is not among these.
    """
    body = FinalBody(shape.betas, shape.offsets_m, found.motion.poses, found.motion.trans)
    figures = measure(person.watched, person.standing, clip.label, body)
    action_class = class_of(LIMITS, clip.name)
    loop, held_out = figures["closed_loop"], figures["held_out"]
    return {
        "class": action_class,
        "closed loop": loop["angle_mean_deg"],
        "closed loop, legs": loop["leg_angle_mean_deg"],
        HELD_OUT: held_out["angle_mean_deg"],
        WEAK: held_out["weak_angle_mean_deg"],
        "held-out points (mm)": held_out["distance_mean_mm"],
        "worst landmark of hip, knee, ankle (mm)": figures["landmarks"]["leg_worst_mm"],
        "objections": "; ".join(objections(LIMITS, action_class, figures)) or "none",
    }
