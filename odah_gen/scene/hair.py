"""Hair and hats: shells over the skull, whose ears are left out."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from odah_gen.geometry import unit, vertex_normals
from odah_gen.scene.cutting import border_edges, cut, neighbour_mean
from odah_gen.scene.garments import Garment, smooth
from odah_gen.scene.rest_body import RestBody
from odah_gen.scene.shells import COLUMNS, ROWS, joined, ring_faces, shell, weld
from odah_gen.scene.skin_regions import above_hairline, ears

SKULL_CENTRE = (0.0, 0.75, -1.6)
"""Middle of the skull from between the eyes, in distances between the eyes."""


@dataclass(frozen=True)
class Hair:
    """A way to wear hair, lengths in metres.

    Attributes:
        top, side: how far it stands off.
        rough: share of that by which tufts differ.
        part: 0 none, 1 parted and brushed to the left, −1 to the right.
        bun: radius of a knot at the back of the head; 0 for none.
    """

    top: float
    side: float
    rough: float
    part: float = 0.0
    bun: float = 0.0


HAIRS = {
    "cropped": Hair(0.007, 0.005, 0.1),
    "short": Hair(0.018, 0.009, 0.15),
    "tousled": Hair(0.028, 0.014, 0.25),
    "parted": Hair(0.026, 0.012, 0.12, part=1.0),
    "swept": Hair(0.03, 0.01, 0.12, part=-1.0),
    "curly": Hair(0.036, 0.028, 0.2),
    "tied": Hair(0.008, 0.007, 0.1, bun=0.034),
}
HATS = ("cap", "beanie")
HAT_GAP_M = {"cap": 0.012, "beanie": 0.013}
VISOR_M, VISOR_HALF_WIDTH = 0.072, 1.25
TAPER = 0.5
"""Hair reaches its full length this far inside the hairline (distances between the eyes)."""


def hair(body: RestBody, style: Hair, generator: np.random.Generator) -> Garment:
    """Hair as a shell over the scalp, thin at the hairline, in tufts that `generator` places."""
    base, outward, uv = skull_grid(body)
    across, up, forward = body.on_face(base)
    inside = above_hairline(across, up, forward) + 0.1 * tufts(outward, 16, generator)
    on_top = np.clip((up - 1.0) / 1.2, 0, 1)
    length = style.side + (style.top - style.side) * on_top * on_top * (3 - 2 * on_top)
    if style.part:
        beside = style.part * across + 0.45
        length = (
            length * (1 - 0.75 * np.exp(-((beside / 0.12) ** 2)) * (up > 1.2)) * (1 + 0.25 * np.tanh(beside) * on_top)
        )
    length = length * (
        1 + style.rough * 2 * tufts(outward, 8, generator) + 2 * style.rough * tufts(outward, 16, generator)
    )
    length = 0.0015 + np.maximum(length, 0.001) * np.clip(inside / TAPER, 0, 1) ** 0.6
    values, faces = cut(np.column_stack([base + outward * length[:, None], uv]), ring_faces(), inside)
    vertices, faces, uv_m, part = weld(values, faces, np.zeros(len(faces), int))
    made = shell(body, vertices, faces, ["head"], uv_m, part)
    return joined(made, bun(body, style.bun)) if style.bun else made


def hat(body: RestBody, kind: str) -> Garment:
    """A cap with a visor, or a knitted hat with a turned-up brim."""
    base, outward, uv = skull_grid(body)
    _, up, forward = body.on_face(base)
    inside = up - 0.95 - 0.2 * forward
    gap = np.full(len(base), HAT_GAP_M[kind])
    if kind == "beanie":
        gap += 0.006 * (np.abs(inside - 0.3) < 0.3) + 0.012 * np.clip((up - 2.0) / 0.8, 0, 1)
    values, faces = cut(np.column_stack([base + outward * gap[:, None], uv]), ring_faces(), inside)
    vertices, faces, uv_m, part = weld(values, faces, np.zeros(len(faces), int))
    made = shell(body, vertices, faces, ["head"], uv_m, part)
    return joined(made, visor(body, made)) if kind == "cap" else made


def skull_grid(body: RestBody) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points on the head without ears, as a grid of ROWS × COLUMNS around the skull, from the crown down.

    Returns:
        points and outward directions [N, 3], and places on the unrolled shell [N, 2] (m).
    """
    left, right = body.joint("left_eye"), body.joint("right_eye")
    apart = np.linalg.norm(left - right)
    centre = (left + right) / 2 + apart * np.array(SKULL_CENTRE)
    skin = (body.held_by("head") > 0.5) & (ears(*body.on_face(body.vertices)) < 0.01)
    away = body.vertices - centre
    skin &= (vertex_normals(body.vertices, body.faces) * unit(away)).sum(1) > 0.3
    outward, angles = round_rays(lowest=-0.4 * np.pi)
    distance, near = cKDTree(unit(away[skin])).query(outward, k=8)
    shares = 1 / (distance + 0.01)
    radius = (np.linalg.norm(away[skin], axis=1)[near] * shares).sum(1) / shares.sum(1)
    mean = neighbour_mean(len(outward), ring_faces())
    radius = smooth(radius[:, None], mean, 2)[:, 0]
    return centre + outward * radius[:, None], outward, angles * radius.mean()


def round_rays(lowest: float) -> tuple[Float[np.ndarray, "rays 3"], Float[np.ndarray, "rays 2"]]:
    """Directions as a grid of ROWS × COLUMNS from straight up down to the height `lowest` (rad).

    Returns:
        unit vectors, columns clockwise as seen from above, first and last behind; and their angles around and up (rad).
    """
    turn, height = np.linspace(-np.pi, np.pi, COLUMNS), np.linspace(np.pi / 2, lowest, ROWS)
    level = np.stack([-np.sin(turn), np.zeros(COLUMNS), np.cos(turn)], 1)
    outward = np.cos(height)[:, None, None] * level + np.sin(height)[:, None, None] * np.array([0.0, 1, 0])
    return outward.reshape(-1, 3), np.stack(np.meshgrid(-turn, height), -1).reshape(-1, 2)


def tufts(directions: Float[np.ndarray, "rays 3"], size: float, generator: np.random.Generator) -> np.ndarray:
    """Smooth noise over directions from −1 to 1, the mean of waves; `size` is about the number around."""
    waves = unit(generator.normal(size=(8, 3))) * size * generator.uniform(0.7, 1.3, size=(8, 1))
    phases = generator.uniform(0, 2 * np.pi, 8)
    return np.sin(directions @ waves.T + phases).mean(1)


def bun(body: RestBody, radius: float) -> Garment:
    """A knot at the back of the head."""
    left, right = body.joint("left_eye"), body.joint("right_eye")
    place = (left + right) / 2 + np.linalg.norm(left - right) * np.array([0.0, 1.35, -3.35])
    outward, angles = round_rays(lowest=-np.pi / 2)
    values = np.column_stack([place + radius * outward * np.array([1.0, 1.0, 0.8]), angles * radius])
    vertices, faces, uv_m, part = weld(values, ring_faces(), np.zeros(len(ring_faces()), int))
    return shell(body, vertices, faces, ["head"], uv_m, part)


def visor(body: RestBody, cap: Garment) -> Garment:
    """A curved visor on the front of a cap's border."""
    border = cap.vertices[np.unique(border_edges(cap.faces))]
    across, _, forward = body.on_face(border)
    front = border[(np.abs(across) < VISOR_HALF_WIDTH + 0.2) & (forward > -1.5)]
    order = np.argsort(front[:, 0])
    across = np.linspace(-1, 1, 25)
    half = VISOR_HALF_WIDTH * np.linalg.norm(body.joint("left_eye") - body.joint("right_eye"))
    inner = np.stack([np.interp(across * half, front[order, 0], front[order, axis]) for axis in range(3)], 1)
    reach = np.sqrt(1 - across**2)
    outer = np.stack([0 * reach, -0.3 * reach, reach], 1) * VISOR_M - np.outer(across**2 * reach, [0, 0.012, 0])
    share = np.linspace(0, 1, 9)[:, None, None]
    points = (inner - [0, 0, 0.002]) + share * outer
    u, v = np.meshgrid(across * half, np.linspace(0, 1, 9) * VISOR_M)
    values = np.column_stack([points.reshape(-1, 3), u.ravel(), v.ravel()])
    faces = ring_faces(9, 25)[:, ::-1]
    vertices, faces, uv_m, part = weld(values, faces, np.zeros(len(faces), int))
    return shell(body, vertices, faces, ["head"], uv_m, part)
