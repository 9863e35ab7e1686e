"""Round eyes at the place and of the size of the model's own, with iris and pupil."""

import numpy as np

from odah_gen.scene.garments import Garment
from odah_gen.scene.rest_body import RestBody
from odah_gen.scene.shells import joined, ring_faces, shell, weld

EYE_COLUMNS = 33
PUPIL_RADIUS_M, IRIS_RADIUS_M = 0.0021, 0.0059


def eyes(body: RestBody) -> Garment:
    """Both eyeballs as round shells at the place and of the size of the model's own; parts 0 white, 1 iris, 2 pupil."""
    return joined(*(eye(body, side) for side in ("left", "right")))


def eye(body: RestBody, side: str) -> Garment:
    """One eyeball, its rings around the direction in which it looks."""
    own = body.vertices[body.held_by(f"{side}_eye") > 0.5]
    low, high = (
        (own.min(0), own.max(0)) if len(own) else (body.joint(f"{side}_eye") - 0.012, body.joint(f"{side}_eye") + 0.012)
    )
    radius = (high - low)[1] / 2
    pupil, iris = np.arcsin(np.array([PUPIL_RADIUS_M, IRIS_RADIUS_M]) / radius)
    turn = np.linspace(0, 2 * np.pi, EYE_COLUMNS)
    rings = np.concatenate(
        [np.linspace(*ends) for ends in ((0, pupil, 3, False), (pupil, iris, 4, False), (iris, np.pi, 14))]
    )
    level = np.stack([np.cos(turn), np.sin(turn), 0 * turn], 1)
    directions = np.sin(rings)[:, None, None] * level + np.cos(rings)[:, None, None] * np.array([0.0, 0, 1])
    points = (low + high) / 2 + directions * radius
    faces = ring_faces(len(rings), EYE_COLUMNS)[:, ::-1]
    u, v = np.meshgrid(turn, rings)
    values = np.column_stack([points.reshape(-1, 3), u.ravel() * 0.01, v.ravel() * 0.01])
    angle = v.ravel()[faces].max(1)
    part = (angle < iris + 1e-6).astype(int) + (angle < pupil + 1e-6)
    vertices, faces, uv_m, part = weld(values, faces, part)
    return shell(body, vertices, faces, [f"{side}_eye"], uv_m, part)
