"""Subjects and clips of the benchmarks: the free body in the built-in and the motion-captured motions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.body.layout import MarkerLayout, load_layout
from odah_gen.body.model import BodyModel, load_body_model
from odah_gen.body.static_trial import standing_translation, static_poses
from odah_gen.body.trajectories import skin_trajectories
from odah_gen.body.volume import body_mass
from odah_gen.errors import InputError
from odah_gen.motion.clip import MotionClip
from odah_gen.motion.physique import measure
from odah_gen.motion.procedural import ACTIONS, draw_style, procedural_clip
from odah_gen.motion.pybullet_clips import clip_files, motions_folder, read_pybullet
from odah_gen.motion.resample import resample
from odah_gen.motion.world import place_in_world
from odah_gen.paths import ASSETS
from odah_gen.skeleton.static import static_with_centers
from odah_gen.skeleton.subject import SubjectModel, scale_to_static
from odah_gen.skeleton.trc import MarkerTrajectories

SEED = 1
SECONDS = 2.0


@dataclass(frozen=True)
class Person:
    """A body of the free model and the marker list that fits it."""

    model: BodyModel
    betas: Float[np.ndarray, " betas"]
    layout: MarkerLayout

    def scaled(
        self,
        motions: Sequence[MarkerTrajectories] = (),
        locked: tuple[str, ...] = (),
        kept: Mapping[str, list[float]] | None = None,
    ) -> SubjectModel:
        """The OpenSim model of this body, as the scale stage makes it."""
        static = static_with_centers(self.model, self.betas, self.layout)
        mass_kg = body_mass(self.model, self.betas)
        return scale_to_static(self.layout, static, mass_kg, locked, motions=motions, kept=kept)

    def weights(self) -> dict[str, float]:
        """Marker → weight, those of weight 0 left out."""
        pairs = zip(self.layout.names, self.layout.weights)
        return {name: float(weight) for name, weight in pairs if weight > 0}


@dataclass(frozen=True)
class Recording:
    """One clip of a person: the markers, the skin points that nothing but checks may use, and the motion itself."""

    name: str
    markers: MarkerTrajectories
    held_out: MarkerTrajectories
    motion: MotionClip


def person(gender: str = "female", betas: Float[np.ndarray, " betas"] | None = None) -> Person:
    """A body of the free model; the mean one where no shape is given."""
    model = load_body_model(ASSETS / "body" / f"free_{gender}.npz", torch.float64)
    return Person(model, np.zeros(model.num_betas) if betas is None else betas, load_layout().on(model))


def mocap_names() -> list[str]:
    """The motion-captured actions, if their group was set up (`./odah setup --with mocap`)."""
    try:
        return sorted(clip_files(motions_folder()))
    except InputError:
        return []


def recording(who: Person, action: str, fps: float, seed: int = SEED, seconds: float = SECONDS) -> Recording:
    """An action of a person as the markers stage writes it."""
    placed = place_in_world(source(who, action, seed, seconds), who.model, who.betas)
    clip = resample(placed.clip, fps)
    ids = np.concatenate([who.layout.vertex_ids(who.model), who.layout.held_out_ids(who.model)])
    names = who.layout.names + who.layout.held_out_names
    skin = skin_trajectories(who.model, who.betas, clip.poses, clip.trans, clip.time_s, (names, ids))
    count = len(who.layout.names)
    return Recording(action, columns(skin, slice(0, count)), columns(skin, slice(count, None)), clip)


def standing(who: Person) -> tuple[MarkerTrajectories, MarkerTrajectories]:
    """One frame of quiet standing: the markers, and the held-out points."""
    static = static_with_centers(who.model, who.betas, who.layout)
    pose = static_poses(who.model, who.betas)[None]
    trans = standing_translation(who.model, who.betas, pose)
    points = (who.layout.held_out_names, who.layout.held_out_ids(who.model))
    held_out = skin_trajectories(who.model, who.betas, pose, np.atleast_2d(trans), np.zeros(1), points)
    return MarkerTrajectories(static.names, static.time_s[:1], static.points_m[:1]), held_out


def source(who: Person, action: str, seed: int, seconds: float) -> MotionClip:
    """A built-in or a motion-captured action, as its source gives it."""
    if action not in ACTIONS:
        return read_pybullet(clip_files(motions_folder())[action])
    generator = np.random.default_rng(seed)
    style = draw_style(generator)
    return procedural_clip(action, measure(who.model, who.betas), who.model.gender, seconds, generator, style)


def columns(trial: MarkerTrajectories, chosen: slice) -> MarkerTrajectories:
    """Some of the markers."""
    return MarkerTrajectories(trial.names[chosen], trial.time_s, trial.points_m[:, chosen])
