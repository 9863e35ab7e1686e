"""A subject's skeleton, and what its static trial says once for all clips.

The body stands as it was when the skeleton was scaled to it, before the fit touched its shape.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from odah_gen.body.layout import MarkerLayout
from odah_gen.body.static_trial import standing_translation, static_poses
from odah_gen.fidelity.landmarks import Listed
from odah_gen.fidelity.mesh import Watched, pose_watched
from odah_gen.frames import WORLD_FROM_GROUND, world_to_ground
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.joint_scaling import QUIET
from odah_gen.skeleton.kinematics import Replay
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.subject import held_standing
from odah_gen.skeleton.table import body_names
from odah_gen.skeleton.trc import MarkerTrajectories


@dataclass(frozen=True)
class Standing:
    """A subject's skeleton and how it stands.

    Attributes:
        poses, trans: the body's pose in the static trial (rad; m, world).
        weights: marker → weight in inverse kinematics.
        listed: the landmarks as the marker list has them.
        skeleton: the subject's model, with its markers.
        carrying: the same model with the held-out points as its markers, where they are in the static trial.
        angles_rad: the coordinates that are zero when somebody stands quietly.
        rotations: of the 22 bodies (world ← body).
    """

    poses: Float[np.ndarray, "1 165"]
    trans: Float[np.ndarray, "1 3"]
    weights: Mapping[str, float]
    listed: Listed
    skeleton: Skeleton
    carrying: Skeleton
    angles_rad: Mapping[str, float]
    rotations: Float[np.ndarray, "bodies 3 3"]


def stand(
    watched: Watched,
    betas: Float[np.ndarray, " betas"],
    skeleton: Skeleton,
    weights: Mapping[str, float],
    scales: Mapping[str, Sequence[float]],
) -> Standing:
    """Solve the static trial of a subject, toes and wrists held as in scaling.

    Args:
        watched: the body model's points.
        betas: the shape that the skeleton was scaled to.
        skeleton: the subject's model.
        weights: marker → weight in inverse kinematics.
        scales: the factors [x, y, z] of the bodies, by name.

    Raises:
        InputError: the model lacks a weighted marker.
    """
    poses = static_poses(watched.model, betas)[None]
    trans = standing_translation(watched.model, betas, poses)
    points = pose_watched(watched, betas, None, poses, trans)
    trial = MarkerTrajectories(watched.layout.names, np.zeros(1), world_to_ground(points.skin_m))
    solved = fast_ik.solve(skeleton, trial, weights, held_standing(trial))
    angles = dict(zip(solved.coordinate_names, solved.coordinates[0].tolist()))
    order = [solved.replay.body_names.index(name) for name in body_names()]
    return Standing(
        poses=poses,
        trans=trans,
        weights=weights,
        listed=listed_landmarks(watched.layout, scales),
        skeleton=skeleton,
        carrying=with_held_out(watched, skeleton, solved.replay, world_to_ground(points.held_out_m)[0]),
        angles_rad={name: angles[name] for name in QUIET},
        rotations=WORLD_FROM_GROUND @ solved.replay.body_rotations[0, order],
    )


def listed_landmarks(layout: MarkerLayout, scales: Mapping[str, Sequence[float]]) -> Listed:
    """The marker list on a skeleton with these scale factors."""
    factors = np.array([scales[body] for body in layout.bodies])
    return Listed(layout.bodies, layout.locations_m * factors, layout.weights)


def with_held_out(
    watched: Watched, skeleton: Skeleton, replay: Replay, held_out_m: Float[np.ndarray, "points 3"]
) -> Skeleton:
    """The skeleton with held-out points as its markers, fixed to its bodies where they are seen in one frame.

    Args:
        watched: gives the points' names and bodies.
        skeleton: the subject's model.
        replay: the model in that frame.
        held_out_m: the points in that frame (m, OpenSim ground).
    """
    bodies = np.array([replay.body_names.index(name) for name in watched.layout.held_out_bodies], dtype=int)
    arms = held_out_m - replay.body_origins_m[0, bodies]
    places = np.einsum("pji,pj->pi", replay.body_rotations[0, bodies], arms)
    return skeleton.with_markers(watched.layout.held_out_names, bodies, places)
