"""A subject's model: scaled, with marker offsets, from a marker list and a static trial."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from odah_gen.body.layout import MarkerLayout
from odah_gen.errors import InputError
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.joint_scaling import JointScaling, scale_jointly
from odah_gen.skeleton.joint_scaling_report import joint_fit_report
from odah_gen.skeleton.kinematics import Solution
from odah_gen.skeleton.marker_places import read_places
from odah_gen.skeleton.scale_groups import scale_groups
from odah_gen.skeleton.scale_limits import kept_at, trunk_limits
from odah_gen.skeleton.scaled_skeleton import scaled_skeleton
from odah_gen.skeleton.scaling import VIRTUAL, shrunk_offsets, subject_measurements
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.table import coordinates_of_group, groups
from odah_gen.skeleton.trc import MarkerTrajectories
from odah_gen.skeleton.trial_checks import check_static
from odah_gen.skeleton.worker import call

VIRTUAL_WEIGHT = 10.0
"""Weight of a joint centre in the static pose, as much as a bony landmark's."""
STATIC_ACCURACY = 1e-8
ARM_TWIST = {"arm_rot": -0.45, "pro_sup": 1.48}
"""What the mean body reads in the static pose (rad). Held for a body without the inner epicondyles (SMPL-X), because
markers along a nearly straight arm do not tell how it divides its twist."""


@dataclass(frozen=True)
class SubjectModel:
    """A subject's OpenSim model and how it came about.

    Attributes:
        text: the model as the text of an .osim.
        scales: factors [x, y, z] of the 22 bodies, by name.
        report: plain data for scaling.json.
    """

    text: str
    scales: Mapping[str, list[float]]
    report: Mapping[str, Any]


def scale_to_static(
    layout: MarkerLayout,
    static: MarkerTrajectories,
    mass_kg: float,
    locked: tuple[str, ...] = (),
    own_model: str | None = None,
    motions: Sequence[MarkerTrajectories] = (),
    kept: Mapping[str, list[float]] | None = None,
) -> SubjectModel:
    """Scale the generic model to a subject and move its markers by bounded offsets.

    OpenSim's Scale tool gives the start. With motions, factors, offsets and angles are then fitted together to the
    static trial and to frames of the motions (odah_gen.skeleton.joint_scaling); without, and for an own model whose
    joints only OpenSim knows, the offsets are the bounded part of what the static trial shows.

    Args:
        layout: the marker list.
        static: quiet standing, with the virtual markers of `scaling.with_virtual` (m, OpenSim ground).
        mass_kg: the subject's mass.
        locked: groups of joints kept at zero.
        own_model: an .osim to scale in place of the generic model.
        motions: what the subject does (m, OpenSim ground).
        kept: factors [x, y, z] of the bodies that stay as they are: only markers are placed.

    Raises:
        InputError: the model or the trial lacks something; the trial moves, does not stand, or is in another unit;
            OpenSim failed.
    """
    generic = call(
        "generic_model",
        names=layout.names,
        bodies=layout.bodies,
        locations_m=layout.locations_m,
        locked=locked,
        own=None if own_model is None else Path(own_model),
    )
    weights = dict(zip(layout.names, layout.weights))
    check_static("static trial", static, read_places(generic, own_model or "the generic model"), weights)
    if kept is None:
        measures = subject_measurements([name for name in static.names if name in layout.names])
        scaled, scales = call("scale_model", text=generic, static=static, measurements=measures, mass_kg=mass_kg)
    else:
        scaled, scales = call("scale_by", text=generic, factors=kept, mass_kg=mass_kg), kept
    fast = moving_skeleton(generic) if motions else None
    if fast is None:
        posed = solve_static(scaled, static, weights | dict.fromkeys(VIRTUAL, VIRTUAL_WEIGHT))
        offsets = marker_offsets(layout, static, posed)
        text = call("with_offsets", text=scaled, names=layout.names, offsets_m=offsets, remove=VIRTUAL)
        final = solve_static(text, static, weights)
        return SubjectModel(text, scales, scaling_report(layout, static, scales, mass_kg, offsets, final))
    start = np.array([scales[body] for body in fast.body_names])
    groups = scale_groups(fast.body_names)
    limits = trunk_limits(groups, static) if kept is None else kept_at(groups, start)
    fit = scale_jointly(fast, layout, static, motions, start, held_standing(static), limits)
    final, offsets = settle(fast, layout, static, fit)
    fitted = {body: row.tolist() for body, row in zip(fast.body_names, fit.scales)}
    text = call("apply_scales", text=generic, factors=fitted, mass_kg=mass_kg, names=layout.names, offsets_m=offsets)
    report = scaling_report(layout, static, scales, mass_kg, offsets, final)
    return SubjectModel(text, fitted, report | {"joint_fit": joint_fit_report(fit)})


def moving_skeleton(generic: str) -> Skeleton | None:
    """The model as arrays for the joint fit, or None for an own model with joints that only OpenSim knows."""
    try:
        return call("read_skeleton", text=generic)
    except InputError:
        return None


def settle(
    skeleton: Skeleton, layout: MarkerLayout, static: MarkerTrajectories, fit: JointScaling
) -> tuple[Solution, Float[np.ndarray, "markers 3"]]:
    """The static pose of the fitted skeleton, and all offsets: markers without weight go by this pose."""
    listed = skeleton.with_listed(layout.names)
    weights = dict(zip(layout.names, layout.weights))
    first = MarkerTrajectories(static.names, static.time_s[:1], static.points_m[:1])
    held = held_standing(static)
    posed = fast_ik.solve(scaled_skeleton(listed, fit.scales, fit.offsets_m), first, weights, held)
    shown = marker_offsets(layout, static, posed)
    offsets = np.where(layout.weights[:, None] > 0, fit.offsets_m, shown)
    return fast_ik.solve(scaled_skeleton(listed, fit.scales, offsets), first, weights, held), offsets


def solve_static(text: str, static: MarkerTrajectories, weights: Mapping[str, float]) -> Solution:
    """The static pose by inverse kinematics; toes, subtalar and wrist joints are held, as nobody moves them standing."""
    first = MarkerTrajectories(static.names, static.time_s[:1], static.points_m[:1])
    return call(
        "solve", text=text, trial=first, weights=weights, accuracy=STATIC_ACCURACY, locked=held_standing(static)
    )


def held_standing(static: MarkerTrajectories) -> dict[str, float]:
    """Coordinates that do not move in the static trial, and their values (rad)."""
    held = {name: 0.0 for group in groups() for name in coordinates_of_group(group)}
    if not {"RMEL", "LMEL"} <= set(static.names):
        held |= {f"{name}_{side}": value for name, value in ARM_TWIST.items() for side in "rl"}
    return held


def marker_offsets(layout: MarkerLayout, static: MarkerTrajectories, posed: Solution) -> Float[np.ndarray, "markers 3"]:
    """Bounded offsets of the markers (body frame, m) from how the static trial differs from the scaled model."""
    replay = posed.replay
    markers = [replay.marker_names.index(name) for name in layout.names]
    bodies = [replay.body_names.index(body) for body in layout.bodies]
    measured = static.points_m[0, [static.names.index(name) for name in layout.names]]
    displacement = np.einsum("mij,mi->mj", replay.body_rotations[0, bodies], measured - replay.markers_m[0, markers])
    return shrunk_offsets(displacement, layout.offset_sd_m)


def scaling_report(
    layout: MarkerLayout,
    static: MarkerTrajectories,
    scales: Mapping[str, list[float]],
    mass_kg: float,
    offsets: Float[np.ndarray, "markers 3"],
    final: Solution,
) -> dict[str, Any]:
    """What scaling.json says: measurements, offsets (mm), static angles (deg), residuals (mm), mass (kg)."""
    errors = marker_errors(layout.names, static, final)[0]
    weighted = layout.weights > 0
    angles = dict(zip(final.coordinate_names, np.rad2deg(final.coordinates[0])))
    measures = subject_measurements([name for name in static.names if name in layout.names])
    return {
        "mass_kg": round(mass_kg, 3),
        "measurements": {
            name: {
                "factor": round(factor_of(bodies, scales), 4),
                "pairs": ["–".join(pair) for pair in pairs],
                "bodies": dict(bodies),
            }
            for name, (pairs, bodies) in measures.items()
        },
        "marker_offsets_mm": {
            name: [round(1000 * float(value), 2) for value in row] for name, row in zip(layout.names, offsets)
        },
        "static_angles_deg": {
            name: round(float(value), 2)
            for name, value in angles.items()
            if not name.startswith("pelvis_t") or name == "pelvis_tilt"
        },
        "marker_residual_mm": {name: round(1000 * float(value), 2) for name, value in zip(layout.names, errors)},
        "marker_rms_mm": round(1000 * float(np.sqrt(np.mean(errors[weighted] ** 2))), 3),
    }


def factor_of(bodies: Mapping[str, str], scales: Mapping[str, list[float]]) -> float:
    """The factor that a measurement gave, read from its first body and axis."""
    body, axes = next(iter(bodies.items()))
    return scales[body]["XYZ".index(axes[0])]


def marker_errors(
    names: Sequence[str], trial: MarkerTrajectories, solution: Solution
) -> Float[np.ndarray, "frames markers"]:
    """Distance of model to measured markers (m), in the order of `names`; NaN where a marker was not measured."""
    model = solution.replay.markers_m[:, [solution.replay.marker_names.index(name) for name in names]]
    measured = np.full((len(trial.time_s), len(names), 3), np.nan)
    for column, name in enumerate(names):
        if name in trial.names:
            measured[:, column] = trial.column(name)
    return np.linalg.norm(model - measured, axis=2)
