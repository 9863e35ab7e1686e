# SPDX-License-Identifier: GPL-3.0-or-later
"""Floors, walls and furniture drawn by formula, like the fabrics of textures.py. numpy only.

u runs along the boards or the wall, v across the boards or up the wall; heights are in sides of the square. Lines never
lie on the square's edge, so that nothing there differs from its inside.
"""

import numpy as np

from .pattern_parts import band, cloudy, mix, noise, rough

BOARDS, BOARDS_PER_ROW = 14, 2
TILES = 6
BRICKS, COURSES = 6, 18
PANELS = 2


def boards(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Boards of wood, each of a tone of its own, their ends staggered."""
    size = len(u)
    row = np.floor(v * BOARDS + 0.5).astype(int) % BOARDS
    start = random.uniform(size=BOARDS)[row]
    along = (u + start) * BOARDS_PER_ROW
    board = np.floor(along).astype(int) % BOARDS_PER_ROW
    tone = random.uniform(size=(BOARDS, BOARDS_PER_ROW))[row, board]
    color = mix(colors[0], colors[1], 0.15 + 0.5 * tone)
    column = (np.arange(size)[None] + (start * size).astype(int)) % size
    grain = np.take_along_axis(fibres(size, random), column, axis=1)
    seam = np.maximum(band(v * BOARDS, 0.5, 0.03), band(along, 0.0, 0.006))
    return color * (0.86 + 0.24 * grain - 0.5 * seam)[..., None], -0.0006 * seam


def wood(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """A sawn surface with its grain along u."""
    size = len(u)
    bend = noise(size, 2, 3, random)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (9 * v + 1.6 * bend))
    share = 0.35 * rings**3 + 0.5 * fibres(size, random)
    return mix(colors[0], colors[1], np.clip(share, 0, 1) * 0.7), 0.0002 * share


def fibres(size: int, random: np.random.Generator) -> np.ndarray:
    """The grain of wood along u, from 0 to 1."""
    return 0.5 * noise(size, 5, 190, random) + 0.3 * noise(size, 9, 80, random) + 0.2 * noise(size, 3, 26, random)


def tiles(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Square tiles with joints."""
    cell = [np.floor(x * TILES + 0.5).astype(int) % TILES for x in (v, u)]
    tone = random.uniform(0.95, 1.04, size=(TILES, TILES))[cell[0], cell[1]]
    joint = np.maximum(band(u * TILES, 0.5, 0.02), band(v * TILES, 0.5, 0.02))
    color = cloudy(colors[0], len(u), random, 0.03) * tone[..., None]
    return mix(color, colors[1], joint), -0.0008 * joint


def carpet(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Short tufts of two tones."""
    size = len(u)
    tufts = 0.6 * noise(size, 200, 200, random) + 0.4 * noise(size, 90, 90, random)
    color = mix(colors[0], colors[1], np.clip(1.6 * tufts - 0.3, 0, 1) * 0.5)
    return cloudy(color, size, random, 0.12), 0.002 * tufts


def linoleum(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Marbled sheet."""
    size = len(u)
    streaks = 0.5 * noise(size, 26, 60, random) + 0.3 * noise(size, 80, 160, random) + 0.2 * noise(size, 9, 14, random)
    share = np.clip(2.2 * streaks - 0.7, 0, 1) * 0.45
    return mix(colors[0], colors[1], share), np.zeros_like(u)


def speckle(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Terrazzo or rubber granulate: chips in the other colours."""
    size = len(u)
    color = cloudy(colors[0], size, random, 0.05)
    for chip in colors[1:]:
        blots = 0.75 * noise(size, 110, 110, random) + 0.25 * noise(size, 200, 200, random)
        color = mix(color, chip, np.clip((blots - 0.7) * 14, 0, 1) * 0.7)
    return color, np.zeros_like(u)


def plaster(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Paint rolled on plaster."""
    size = len(u)
    dabs = 0.6 * noise(size, 120, 120, random) + 0.4 * noise(size, 220, 220, random)
    return cloudy(colors[0], size, random, 0.035), 0.0006 * dabs


def concrete(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Grey with blots and pores."""
    size = len(u)
    blots = 0.7 * rough(size, 4, 4, random) + 0.3 * rough(size, 24, 24, random)
    pores = np.clip((noise(size, 100, 100, random) - 0.84) * 10, 0, 1)
    color = mix(colors[0] * 0.86, colors[0] * 1.12, blots) * (1 - 0.28 * pores)[..., None]
    return color, 0.0004 * blots - 0.0008 * pores


def brick(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Painted brickwork."""
    course = np.floor(v * COURSES + 0.5).astype(int) % COURSES
    along = u * BRICKS + 0.5 * (course % 2) + 0.25
    tone = random.uniform(0.95, 1.04, size=(COURSES, BRICKS))[course, np.floor(along).astype(int) % BRICKS]
    joint = np.maximum(band(v * COURSES, 0.5, 0.1), band(along, 0.0, 0.03))
    color = cloudy(colors[0], len(u), random, 0.04) * (tone - 0.16 * joint)[..., None]
    return color, 0.002 * (1 - joint) + 0.0006 * rough(len(u), 60, 60, random)


def panels(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Panels of a suspended ceiling in their rails."""
    size = len(u)
    rail = np.maximum(band(u * PANELS, 0.5, 0.03), band(v * PANELS, 0.5, 0.03))
    holes = np.clip((noise(size, 120, 120, random) - 0.75) * 8, 0, 1)
    color = np.broadcast_to(colors[0], (*u.shape, 3)) * (1 - 0.1 * holes)[..., None]
    return mix(color, colors[1], rail), np.zeros_like(u)


SURFACES = {
    pattern.__name__: pattern
    for pattern in (boards, wood, tiles, carpet, linoleum, speckle, plaster, concrete, brick, panels)
}
