"""Where the skeleton has its markers on the skin that it was scaled to.

The label's angles count from the static trial, so the body must stand there when the label does: each marker begins
where the skeleton carries it in that trial. Were it left at its vertex, the rest of scaling (some millimetres of each
landmark) would turn the fitted body's segments by a constant degree or more.
"""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.frames import ground_to_world
from odah_gen.registration.fit_frames import FitBody
from odah_gen.registration.points import pose_points, shape_points
from odah_gen.run import Run
from odah_gen.skeleton.ik_stage import marker_weights
from odah_gen.skeleton.kinematics import Replay
from odah_gen.skeleton.subject import solve_static
from odah_gen.skeleton.trc import read_trc
from odah_gen.storage import read_text

Places = Mapping[str, Float[np.ndarray, "3"]]
"""Marker → place (m, world)."""


def standing_markers(run: Run, subject: str) -> Places:
    """The model's markers in the subject's static trial.

    Raises:
        InputError: a file of the scale stage is missing or does not fit the others.
    """
    folder = run.subject(subject)
    static, text = read_trc(folder / "static.trc"), read_text(folder / "model.osim")
    return first_places(solve_static(text, static, marker_weights(run, folder)).replay)


def first_places(replay: Replay) -> Places:
    """The markers in the first frame of a replay."""
    return dict(zip(replay.marker_names, ground_to_world(replay.markers_m[0])))


def standing_offsets(
    body: FitBody,
    betas: Float[np.ndarray, " betas"],
    trans: Float[np.ndarray, "1 3"],
    markers_m: Float[np.ndarray, "markers 3"],
) -> Float[np.ndarray, "markers 3"]:
    """The displacements at rest (m) that carry the body's markers to given places when it stands in the static trial.

    Args:
        body: the points of the body model.
        betas: the shape that stands.
        trans: its translation in the static trial (m, world).
        markers_m: where the markers should be (m, world).
    """
    shaped = shape_points(body.points, torch.as_tensor(betas, dtype=torch.float64))
    posed = pose_points(shaped, body.static_rotations[None], torch.as_tensor(trans, dtype=torch.float64))
    away = markers_m - posed.positions[0, : body.markers].numpy()
    return np.linalg.solve(posed.blended[0, : body.markers].numpy(), away[..., None])[..., 0]
