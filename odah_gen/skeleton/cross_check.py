"""How far our inverse kinematics is from OpenSim's own solution of the same frames: pure arrays and names.

OpenSim solves a sample of frames in a worker process, each from a neutral start and at an accuracy at which its result
stays (odah_gen.skeleton.opensim_tasks.check_frames); here the frames are chosen and the two solutions compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from odah_gen.skeleton.kinematics import TRIPLES, Solution, nearest_triple
from odah_gen.skeleton.mot import COUPLED, TRANSLATIONS
from odah_gen.skeleton.trc import MarkerTrajectories

WORSE = 1e-6
"""OpenSim found a worse minimum where its objective is higher than ours by more than this share. It leaves coordinates
that press against a limit a little inside their range, which costs up to 5e-7."""
NEGLIGIBLE_M2 = 1e-10
"""An objective this small is none (a marker of weight 1 that is 10 µm off): noise-free markers of a known motion."""


@dataclass(frozen=True)
class FrameSolutions:
    """What OpenSim found in single frames, each solved for itself.

    Attributes:
        coordinate_names: in the model's order.
        coordinates: [F, N] in rad and m, Euler angles as OpenSim gives them; NaN where OpenSim failed.
        objectives: [F] Σ w |x − y|² over the markers that were seen (m²); infinite where OpenSim failed.
    """

    coordinate_names: tuple[str, ...]
    coordinates: Float[np.ndarray, "frames coordinates"]
    objectives: Float[np.ndarray, " frames"]


@dataclass(frozen=True)
class Difference:
    """The summary of a cross-check.

    Attributes:
        frames: how many frames were compared.
        restarts: in how many of them OpenSim found a worse minimum from the neutral start, and was started from ours.
        angle_deg: the largest difference of an angle; None when no frame could be compared.
        coordinate, frame: where that is; the frame counts from 0 in the clip.
        translation_mm: the largest difference of the pelvis's place.
        objective_excess: largest of (ours − OpenSim's) / OpenSim's; not above 0 where ours is as low in every frame. An OpenSim objective
            below NEGLIGIBLE_M2 counts as that.
    """

    frames: int
    restarts: int
    angle_deg: float | None
    coordinate: str | None
    frame: int | None
    translation_mm: float | None
    objective_excess: float | None


NOTHING_COMPARED = Difference(0, 0, None, None, None, None, None)


def spread_frames(valid: Bool[np.ndarray, " frames"], count: int) -> Int[np.ndarray, " chosen"]:
    """At most `count` of the valid frames, evenly spread from the first to the last; the same whenever asked."""
    known = np.flatnonzero(valid)
    places = np.linspace(0, len(known) - 1, min(count, len(known)))
    return known[np.round(places).astype(int)]


def weighted_objective(
    weights: Mapping[str, float], trial: MarkerTrajectories, solution: Solution
) -> Float[np.ndarray, " frames"]:
    """OpenSim's objective Σ w |x − y|² (m²) of a solution, over the markers that were seen in each frame."""
    names = [name for name, weight in weights.items() if weight > 0]
    model = solution.replay.markers_m[:, [solution.replay.marker_names.index(name) for name in names]]
    measured = trial.points_m[:, [trial.names.index(name) for name in names]]
    return np.nansum(np.array([weights[name] for name in names]) * ((model - measured) ** 2).sum(axis=2), axis=1)


def compared(names: Sequence[str]) -> Bool[np.ndarray, " coordinates"]:
    """Which coordinates are compared as angles: neither places nor what a coupler ties to another coordinate."""
    return np.array([not name.endswith((*TRANSLATIONS, COUPLED)) for name in names], dtype=bool)


def coordinate_differences(
    names: Sequence[str],
    ours: Float[np.ndarray, "frames coordinates"],
    theirs: Float[np.ndarray, "frames coordinates"],
) -> Float[np.ndarray, "frames coordinates"]:
    """Absolute differences (rad, m) coordinate by coordinate; NaN where a frame was not solved.

    Pelvis and arms are compared through the Euler triple of the same rotation that lies nearest to ours, all other
    angles as they are. Within a hundredth of a degree of gimbal lock a triple may differ where the rotation does not.
    """
    near = np.array(theirs, dtype=float)
    for triple in TRIPLES:
        if not set(triple) <= set(names):
            continue
        columns = [list(names).index(name) for name in triple]
        for row, reference in zip(near, ours):
            if np.isfinite(row[columns]).all():
                row[columns] = nearest_triple(row[columns], reference[columns])
    return np.abs(near - ours)


def worse_frames(
    ours: Float[np.ndarray, " frames"], theirs: Float[np.ndarray, " frames"]
) -> Bool[np.ndarray, " frames"]:
    """Frames in which OpenSim ended in a worse minimum than we did, or failed."""
    return ~(theirs <= ours + np.maximum(WORSE * ours, NEGLIGIBLE_M2))


def replaced(solved: FrameSolutions, again: FrameSolutions, rows: Int[np.ndarray, " again"]) -> FrameSolutions:
    """The solutions with those of some rows taken from a second attempt."""
    coordinates, objectives = solved.coordinates.copy(), solved.objectives.copy()
    coordinates[rows], objectives[rows] = again.coordinates, again.objectives
    return FrameSolutions(solved.coordinate_names, coordinates, objectives)


def summarise(
    frames: Int[np.ndarray, " chosen"],
    ours: FrameSolutions,
    theirs: FrameSolutions,
    restarts: int,
) -> Difference:
    """The largest differences over the frames that OpenSim solved.

    Args:
        frames: numbers of the compared frames in the clip.
        ours, theirs: both solutions of these frames; coordinates may stand in another order.
        restarts: frames in which OpenSim had to be started from our solution.
    """
    names = ours.coordinate_names
    order = [theirs.coordinate_names.index(name) for name in names]
    solved = np.isfinite(theirs.objectives)
    if not solved.any():
        return replace(NOTHING_COMPARED, restarts=restarts)
    differences = coordinate_differences(names, ours.coordinates[solved], theirs.coordinates[solved][:, order])
    angles = np.rad2deg(np.where(compared(names), differences, 0.0))
    row, column = np.unravel_index(int(angles.argmax()), angles.shape)
    places = differences[:, [name.endswith(TRANSLATIONS) for name in names]]
    excess = (ours.objectives - theirs.objectives)[solved] / np.maximum(theirs.objectives[solved], NEGLIGIBLE_M2)
    return Difference(
        frames=int(solved.sum()),
        restarts=restarts,
        angle_deg=float(angles[row, column]),
        coordinate=names[int(column)],
        frame=int(frames[solved][row]),
        translation_mm=float(1000 * places.max(initial=0.0)),
        objective_excess=float(excess.max()),
    )
