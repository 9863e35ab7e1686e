# SPDX-License-Identifier: GPL-3.0-or-later
"""Floor, walls, ceiling and the things in a room as plain arrays, few meshes. numpy only.

UV coordinates are metres: along the longer side of a face and across it, on walls along the wall and up.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

SIDES = 16
BALL_CELLS = 4
BOX_CORNERS = np.array(
    [(x, y, z) for z in (-0.5, 0.5) for x, y in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))]
)
BOX_FACES = np.array([(3, 2, 1, 0), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)])
RODS = {"rod_x": (1, 2, 0), "rod_y": (2, 0, 1), "rod_z": (0, 1, 2)}
"""Axes across a cylinder, and along it; an even permutation keeps faces turned outward."""


@dataclass(frozen=True)
class Surface:
    """Quadrilaterals of one material.

    Attributes:
        vertices: [N, 3], m, world frame.
        faces: [F, 4], counterclockwise seen from outside.
        uv_m: [F, 4, 2], places of the corners on the surface, m.
        smooth: [F], whether a face is part of a round.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uv_m: np.ndarray
    smooth: np.ndarray


def room_surfaces(content: Mapping[str, Any]) -> dict[tuple[str, bool], Surface]:
    """All that stands still in a scene, by name of its material and whether it casts a shadow.

    A scene under an open sky has a floor only. Floor, walls and ceiling cast no shadow: all light is on their inside.
    """
    parts = defaultdict(list)
    for name, surface in shell(content["room"]).items():
        if name == "floor" or "hdri" not in content:
            parts[name, False].append(surface)
    for prop in content["props"]:
        for part in prop["parts"]:
            parts[part["material"], prop["shadow"]].append(solid(part))
    return {key: joined(surfaces) for key, surfaces in parts.items()}


def shell(room: Mapping[str, Any]) -> dict[str, Surface]:
    """Floor, ceiling and four walls, seen from inside."""
    low, high = np.array(room["min_m"]), np.array(room["max_m"])
    corners = (low + high) / 2 + BOX_CORNERS * (high - low)
    inward = BOX_FACES[:, ::-1]
    walls = flat(corners, inward[2:])
    faces = corners[inward[2:]]
    along = np.where(np.ptp(faces[..., 0], axis=1)[:, None] > 0, faces[..., 0], faces[..., 1])
    return {
        "floor": flat(corners, inward[:1]),
        "ceiling": flat(corners, inward[1:2]),
        "walls": Surface(corners, inward[2:], np.stack([along, faces[..., 2]], -1), walls.smooth),
    }


def solid(part: Mapping[str, Any]) -> Surface:
    """A box, rod or ball of scene.json."""
    center, size = np.array(part["center_m"]), np.array(part["size_m"])
    if part["shape"] == "box":
        return flat(center + BOX_CORNERS * size, BOX_FACES)
    return ball(center, size) if part["shape"] == "ball" else rod(center, size, RODS[part["shape"]])


def flat(vertices: np.ndarray, faces: np.ndarray) -> Surface:
    """Rectangles along the axes; u runs along the longer side."""
    corners = vertices[faces]
    extent = np.ptp(corners, axis=1)
    first, second = np.argsort(-extent, axis=1, kind="stable")[:, :2].T
    uv = np.stack([np.take_along_axis(corners, axis[:, None, None], 2)[..., 0] for axis in (first, second)], -1)
    return Surface(vertices, faces, uv, np.zeros(len(faces), bool))


def rod(center: np.ndarray, size: np.ndarray, axes: tuple[int, int, int]) -> Surface:
    """A cylinder whose caps have corners of their own, so that only its side is round."""
    angle = 2 * np.pi * np.arange(SIDES) / SIDES
    ring = np.stack([np.cos(angle), np.sin(angle)], 1) / 2
    local = np.concatenate([np.column_stack([ring, np.full(SIDES, z)]) for z in (-0.5, 0.5, -0.5, 0.5)])
    vertices = np.empty_like(local)
    vertices[:, axes] = local * size[list(axes)]
    here = np.arange(SIDES)
    after = (here + 1) % SIDES
    side = np.stack([here, after, after + SIDES, here + SIDES], 1)
    fan = np.array([(0, i, i + 1, i + 2) for i in range(1, SIDES - 2, 2)])
    caps = np.concatenate([fan[:, ::-1] + 2 * SIDES, fan + 3 * SIDES])
    around = np.pi * size[axes[0]] * np.stack([here, here + 1, here + 1, here], 1) / SIDES
    along = np.tile([0.0, 0.0, size[axes[2]], size[axes[2]]], (SIDES, 1))
    uv = np.concatenate([np.stack([along, around], -1), flat(vertices, caps).uv_m])
    return Surface(center + vertices, np.concatenate([side, caps]), uv, np.arange(SIDES + len(caps)) < SIDES)


def ball(center: np.ndarray, size: np.ndarray) -> Surface:
    """An ellipsoid: a cube with its faces cut into cells, blown up."""
    steps = np.linspace(-1, 1, BALL_CELLS + 1)
    grid = np.tan(np.pi / 4 * np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2))
    index = np.arange((BALL_CELLS + 1) ** 2).reshape(BALL_CELLS + 1, -1)
    cells = np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], -1).reshape(-1, 4)
    sheets, faces = [], []
    for axis in range(3):
        for sign in (1, -1):
            sheet = np.empty((len(grid), 3))
            sheet[:, axis], sheet[:, (axis + 1) % 3], sheet[:, (axis + 2) % 3] = sign, grid[:, 0], grid[:, 1]
            faces.append((cells if sign > 0 else cells[:, ::-1]) + len(grid) * len(sheets))
            sheets.append(sheet)
    cube = np.concatenate(sheets).round(12)
    corners, same = np.unique(cube, axis=0, return_inverse=True)
    quads = same.reshape(-1)[np.concatenate(faces)]
    vertices = corners / np.linalg.norm(corners, axis=1, keepdims=True) * size / 2
    uv = np.tile(grid[cells] * size.mean() / 2, (6, 1, 1))
    return Surface(center + vertices, quads, uv, np.ones(len(quads), bool))


def joined(surfaces: list[Surface]) -> Surface:
    """Several surfaces as one."""
    starts = np.cumsum([0, *(len(surface.vertices) for surface in surfaces)])
    return Surface(
        np.concatenate([surface.vertices for surface in surfaces]),
        np.concatenate([surface.faces + start for surface, start in zip(surfaces, starts)]),
        np.concatenate([surface.uv_m for surface in surfaces]),
        np.concatenate([surface.smooth for surface in surfaces]),
    )
