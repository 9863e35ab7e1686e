# SPDX-License-Identifier: GPL-3.0-or-later
"""Fabrics drawn by formula: colours and relief of a square that repeats without a seam. numpy only.

A pattern is a function of the place (u, v) in [0, 1) on the square, of its colours and of a random generator; it gives
linear RGB and a height in sides of the square. u runs across the cloth, v up along it. The first row is at v = 0, as in
Blender.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from .pattern_parts import band, cloudy, inside, mix, noise, ridge, rough, to_srgb
from .surfaces import SURFACES

SIZE = 512
"""Pixels of the square's side."""
LARGE_TILE_M, LARGE_SIZE = 1.0, 1024
"""Floors and walls repeat after a metre or more, and have more pixels."""
RELIEF = 1.0 / SIZE


@dataclass(frozen=True)
class Texture:
    """A square that repeats.

    Attributes:
        color: [N, N, 3], sRGB from 0 to 1.
        height: [N, N], in sides of the square.
    """

    color: np.ndarray
    height: np.ndarray

    @property
    def normal(self) -> np.ndarray:
        """[N, N, 3], tangent-space normals from 0 to 1, X along u and Y along v (OpenGL's way)."""
        slopes = [
            (np.roll(self.height, -1, axis) - np.roll(self.height, 1, axis)) * len(self.height) / 2 for axis in (1, 0)
        ]
        normals = np.stack([-slopes[0], -slopes[1], np.ones_like(self.height)], -1)
        return normals / np.linalg.norm(normals, axis=-1, keepdims=True) / 2 + 0.5


Pattern = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


def draw(fabric: Mapping[str, Any], size: int | None = None) -> Texture:
    """The texture of a fabric of scene.json; the same fabric gives the same texture anywhere."""
    size = size or (SIZE if fabric["tile_m"] < LARGE_TILE_M else LARGE_SIZE)
    colors = np.array(fabric["colors_linear"], dtype=np.float64)
    place = (np.arange(size) + 0.5) / size
    u, v = np.meshgrid(place, place)
    color, height = PATTERNS[fabric["pattern"]](u, v, colors, np.random.default_rng(fabric["seed"]))
    return Texture(to_srgb(np.clip(color, 0, 1)), height)


@cache
def folds(size: int = SIZE) -> np.ndarray:
    """Height [N, N] (sides of the square) of shallow folds, the same for every cloth."""
    random = np.random.default_rng(11)
    bend = noise(size, 3, 3, random)
    ridges = 1 - np.abs(2 * noise(size, 5, 4, random) - 1) ** 0.7
    return 0.02 * (0.6 * ridges + 0.4 * bend) + 0.004 * noise(size, 14, 12, random)


def stitches(u: np.ndarray, v: np.ndarray, columns: int) -> np.ndarray:
    """Height 0 to 1 of knitted stitches: columns of small Vs."""
    lean = np.abs((u * columns) % 1 - 0.5)
    return ridge(u * columns * 2) * (0.55 + 0.45 * np.sin(2 * np.pi * (v * columns * 1.0 - lean)) ** 2)


def weave(u: np.ndarray, v: np.ndarray, threads: int) -> np.ndarray:
    """Height 0 to 1 of a plain weave: threads over and under each other."""
    over = (np.floor(u * threads) + np.floor(v * threads)) % 2
    return np.where(
        over > 0,
        ridge(v * threads) * (0.6 + 0.4 * ridge(u * threads)),
        ridge(u * threads) * (0.6 + 0.4 * ridge(v * threads)),
    )


def diagonal(u: np.ndarray, v: np.ndarray, lines: int) -> np.ndarray:
    """Height 0 to 1 of a twill's diagonal lines."""
    return ridge((u + v) * lines)


def jersey(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """One colour, finely knitted."""
    height = stitches(u, v, 48)
    return cloudy(colors[0], len(u), random) * (0.88 + 0.14 * height)[..., None], RELIEF * height


def rib(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Vertical ribs."""
    ribs = ridge(u * 10)
    height = ribs * (0.85 + 0.15 * stitches(u, v, 40))
    return cloudy(colors[0], len(u), random) * (0.7 + 0.35 * ribs)[..., None], 6 * RELIEF * height


def knit(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Coarse wool."""
    height = stitches(u, v, 14)
    shade = 0.68 + 0.36 * height
    return cloudy(colors[0], len(u), random, 0.12) * shade[..., None], 5 * RELIEF * height


def heather(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Fibres of two colours mixed."""
    fibres = 0.6 * noise(len(u), 26, 128, random) + 0.4 * noise(len(u), 60, 200, random)
    height = stitches(u, v, 64)
    return mix(colors[0], colors[1], np.clip(1.4 * fibres - 0.4, 0, 1) * 0.55), RELIEF * height


def stripes(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Horizontal stripes, one broad and mostly a narrow one."""
    broad, narrow = random.uniform(0.15, 0.5), random.uniform(0.03, 0.12)
    color = mix(colors[0], colors[1], band(v, 0.25, broad))
    if random.uniform() < 0.6:
        color = mix(color, colors[2], band(v, 0.75, narrow))
    return cloudy(color, len(u), random), RELIEF * stitches(u, v, 56)


def pinstripes(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Thin vertical lines."""
    count = int(random.integers(2, 6))
    line = band(u * count, 0.5, 0.08 * count / 3)
    return cloudy(mix(colors[0], colors[1], 0.75 * line), len(u), random), RELIEF * diagonal(u, v, 48)


def gingham(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Checks of three tones."""
    count = int(random.integers(2, 5))
    across, along = band(u * count, 0.5, 0.5), band(v * count, 0.5, 0.5)
    return cloudy(mix(colors[1], colors[0], (across + along) / 2), len(u), random), RELIEF * weave(u, v, 96)


def tartan(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """The same bands of colours across and along, woven in twill."""
    bands = [(random.uniform(), random.uniform(0.04, 0.25), int(random.integers(1, len(colors)))) for _ in range(5)]
    warp, weft = (np.broadcast_to(colors[0], (*u.shape, 3)) for _ in range(2))
    for middle, width, chosen in bands:
        warp, weft = (mix(cloth, colors[chosen], band(x, middle, width)) for cloth, x in ((warp, u), (weft, v)))
    height = diagonal(u, v, 64)
    return cloudy(mix(warp, weft, 0.3 + 0.4 * height), len(u), random), RELIEF * height


def windowpane(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Large thin squares."""
    line = np.maximum(band(u, 0.5, 0.035), band(v, 0.5, 0.035))
    return cloudy(mix(colors[0], colors[1], 0.7 * line), len(u), random), RELIEF * diagonal(u, v, 64)


def dots(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Dots in staggered rows."""
    radius = random.uniform(0.1, 0.2)
    distance = [np.hypot((u - x + 0.5) % 1 - 0.5, (v - y + 0.5) % 1 - 0.5) for x, y in ((0.25, 0.25), (0.75, 0.75))]
    share = inside(np.minimum(*distance) - radius)
    return cloudy(mix(colors[0], colors[1], share), len(u), random), RELIEF * stitches(u, v, 40)


def leaves(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Scattered leaves in several colours."""
    color = np.broadcast_to(colors[0], (*u.shape, 3))
    for _ in range(26):
        x, y, turn, size = *random.uniform(size=2), random.uniform(0, 2 * np.pi), random.uniform(0.07, 0.13)
        across, along = (u - x + 0.5) % 1 - 0.5, (v - y + 0.5) % 1 - 0.5
        long = (np.cos(turn) * across + np.sin(turn) * along) / size
        wide = (np.cos(turn) * along - np.sin(turn) * across) / size
        leaf = inside((np.abs(wide) - 0.42 * np.clip(1 - long**2, 0, 1)) * size) * (np.abs(long) < 1)
        vein = inside(np.abs(wide) * size - 0.003, 0.004) * (np.abs(long) < 0.8)
        chosen = colors[int(random.integers(1, len(colors)))]
        color = mix(color, mix(chosen, chosen * 0.6, vein), leaf)
    return cloudy(color, len(u), random), RELIEF * weave(u, v, 128)


def camouflage(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Large soft-edged blots, tones of one colour."""
    tones = [colors[0] * 0.45, colors[0] * 0.2 + 0.02, np.clip(colors[0] * 1.7, 0, 0.8)]
    color = np.broadcast_to(colors[0], (*u.shape, 3))
    for tone in tones:
        blot = 0.7 * noise(len(u), 4, 6, random) + 0.3 * noise(len(u), 11, 15, random)
        color = mix(color, tone, inside(0.56 - blot, 0.02))
    return cloudy(color, len(u), random), RELIEF * diagonal(u, v, 160)


def herringbone(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Wool in zigzag columns."""
    zigzag = np.abs((u * 3) % 1 - 0.5) * 2
    height = ridge(v * 10 + zigzag * 2)
    fibres = rough(len(u), 40, 40, random)
    return mix(colors[0] * 0.75, 0.5 * (colors[0] + colors[1]), 0.75 * height * fibres + 0.1), 2 * RELIEF * height


def twill(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """One colour with fine diagonal lines."""
    height = diagonal(u, v, 48)
    return cloudy(colors[0], len(u), random, 0.08) * (0.85 + 0.18 * height)[..., None], RELIEF * height


def denim(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Blue warp over white weft, with uneven threads and worn places."""
    height = diagonal(u, v, 64)
    slubs = noise(len(u), 200, 9, random)
    worn = rough(len(u), 3, 3, random)
    share = np.clip(0.4 * (1 - height) + 0.14 * (slubs - 0.5) + 0.25 * (worn - 0.4), 0, 1)
    return mix(colors[0], colors[1], share), RELIEF * (height + slubs)


def corduroy(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Velvet ribs along the cloth."""
    wales = ridge(u * 16)
    pile = rough(len(u), 64, 32, random)
    return colors[0] * (0.55 + 0.4 * wales + 0.12 * pile)[..., None], 5 * RELIEF * wales


def hair(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Strands along the cloth."""
    strands = (
        0.5 * noise(len(u), 170, 4, random) + 0.3 * noise(len(u), 60, 3, random) + 0.2 * noise(len(u), 20, 3, random)
    )
    return mix(colors[0] * 0.45, colors[1], np.clip(1.8 * strands - 0.5, 0, 1) * 0.8), 10 * RELIEF * strands


def leather(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """Grain with creases."""
    grain = 1 - np.abs(2 * rough(len(u), 24, 24, random) - 1)
    return mix(colors[1], colors[0], 0.4 + 0.6 * grain), 2 * RELIEF * grain


def canvas(u: np.ndarray, v: np.ndarray, colors: np.ndarray, random: np.random.Generator) -> tuple:
    """A coarse plain weave."""
    height = weave(u, v, 48)
    return cloudy(colors[0], len(u), random) * (0.75 + 0.28 * height)[..., None], 2 * RELIEF * height


FABRICS: dict[str, Pattern] = {
    pattern.__name__: pattern
    for pattern in (
        jersey, rib, knit, heather, stripes, pinstripes, gingham, tartan, windowpane, dots, leaves, camouflage,
        herringbone, twill, denim, corduroy, hair, leather, canvas,
    )
}  # fmt: skip
PATTERNS: dict[str, Pattern] = FABRICS | SURFACES
