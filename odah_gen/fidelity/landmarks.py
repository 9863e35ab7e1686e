"""What landmarks of the skin say about the label; neither joint regressor nor marker offsets play a part in it.

Two questions: do hips, knees and ankles lie where anatomists put them between landmarks, and do the landmarks sit in
each body's frame where the marker list has them? A frame that is tilted or displaced in its body passes every check of
markers with fitted offsets; here it shows as a turn or a shift that all landmarks of the body share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from odah_gen.fidelity.segments import angles_between, rotations_about_origin
from odah_gen.skeleton.kinematics import Replay
from odah_gen.skeleton.scaling import CENTERS_BETWEEN, JOINTS_OF_CENTERS, hip_centers

SPINES = ("RASI", "LASI", "RPSI", "LPSI")
LEAST = 3
"""So many landmarks a body needs to have a turn."""


def centers_from_skin(
    names: Sequence[str], skin_m: Float[np.ndarray, "frames markers 3"]
) -> dict[str, Float[np.ndarray, "frames 3"]]:
    """Joint centres of the legs by the skeleton's joint names (m, frame of the skin).

    Hips from ASIS and PSIS (Harrington et al. 2007), knees and ankles midway between epicondyles and malleoli; those
    whose landmarks an own marker list lacks are left out. Scaling refuses a list without ASIS and PSIS.
    """

    def point(name: str) -> Float[np.ndarray, "frames 3"]:
        return skin_m[:, list(names).index(name)]

    centers = hip_centers(*(point(name) for name in SPINES))
    for side in "RL":
        for center, pair in CENTERS_BETWEEN.items():
            ends = [side + end for end in pair]
            if set(ends) <= set(names):
                centers[side + center] = (point(ends[0]) + point(ends[1])) / 2
    return {JOINTS_OF_CENTERS[name]: place for name, place in centers.items()}


@dataclass(frozen=True)
class Listed:
    """Landmarks as the marker list has them, on a skeleton of the subject's size.

    Attributes:
        bodies: the body of each.
        places_m: in the frame of the body: the list's place times the body's scale factors.
        weights: in inverse kinematics; bone under the skin counts ten times soft tissue.
    """

    bodies: tuple[str, ...]
    places_m: Float[np.ndarray, "markers 3"]
    weights: Float[np.ndarray, " markers"]


def frame_errors(
    listed: Listed,
    skin_m: Float[np.ndarray, "frames markers 3"],
    replay: Replay,
    valid: Bool[np.ndarray, " frames"],
) -> dict[str, tuple[float, float]]:
    """By body, the turn (rad) and shift (m) that bring the list's landmarks nearest to those of the skin.

    A landmark's place on the skin is its mean over the frames, in the frame that the label gives its body. The shift is
    that of the landmarks' weighted middle.

    Args:
        listed: the landmarks.
        skin_m: their places on the skin (m, OpenSim ground).
        replay: the skeleton under the label in the same frames.
        valid: frames that count.
    """
    errors = {}
    for body in dict.fromkeys(listed.bodies):
        own = np.flatnonzero((np.array(listed.bodies) == body) & (listed.weights > 0))
        if len(own) < LEAST:
            continue
        index = replay.body_names.index(body)
        arms = skin_m[valid][:, own] - replay.body_origins_m[valid, index, None]
        seen = np.einsum("tji,tpj->pi", replay.body_rotations[valid, index], arms) / len(arms)
        errors[body] = turn_and_shift(listed.places_m[own], seen, listed.weights[own])
    return errors


def turn_and_shift(
    source: Float[np.ndarray, "points 3"], target: Float[np.ndarray, "points 3"], weights: Float[np.ndarray, " points"]
) -> tuple[float, float]:
    """Angle (rad) and displacement of the weighted middle (unit of the points) of the rigid motion between points."""
    share = (weights / weights.sum())[:, None]
    first, second = (share * source).sum(axis=0), (share * target).sum(axis=0)
    root = np.sqrt(share)
    turn = rotations_about_origin(root * (source - first), (root * (target - second))[None])
    return float(angles_between(turn, np.eye(3)[None])[0]), float(np.linalg.norm(second - first))
