"""Area lights on the ceiling: layout, power and colour temperature drawn per room."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from odah_gen.scene.appearance import Rgb
from odah_gen.scene.room import Range, Room

MOST_LIGHTS = 6
"""Every light costs time; more are not told apart."""
LIGHT_GAP_M = 0.03
WALL_GAP_M = 1.5
"""A light nearer to a wall leaves a white patch on it."""
POWER_PER_AREA_W_M2 = (7.0, 9.5)
MOST_POWER_W_M2 = 13.0
"""Times the height squared, the most power of one light: more, and a light floor below it is white in the picture."""
POWER_SPREAD = 0.25
"""A light differs from its neighbours by up to this share of its power."""
TEMPERATURE_SPREAD_K = 250.0
WHITE_K = 4500.0
"""Light of this temperature looks white: the camera's white balance."""
TINT = 0.6
"""Share of the difference from white that the camera's automatic white balance leaves."""
SHAPES_M = ((0.6, 0.6), (1.2, 0.3), (1.2, 0.6), (0.4, 0.4))


@dataclass(frozen=True)
class Light:
    """A rectangular area light that shines straight down.

    Attributes:
        position_m: its middle.
        size_m: along X and Y.
        power_w: radiant power as Blender counts it.
        color_linear: linear RGB of luminance 1.
    """

    position_m: Float[np.ndarray, "3"]
    size_m: tuple[float, float]
    power_w: float
    color_linear: Rgb

    def as_json(self) -> dict[str, Any]:
        """The light as plain data, its figures rounded so that scene.json reads well."""
        return {
            "position_m": [round(float(part), 4) for part in self.position_m],
            "size_m": list(self.size_m),
            "power_w": round(self.power_w, 2),
            "color_linear": [round(part, 4) for part in self.color_linear],
        }


def ceiling_lights(
    room: Room, generator: np.random.Generator, spacing_m: Range = (2.2, 3.4), temperature_k: Range = (3200, 5800)
) -> list[Light]:
    """Lights in a grid below the ceiling, at most six, together of a power that suits the floor's area.

    Args:
        room: its bounds.
        generator: draws spacing, shape, power and colour.
        spacing_m: bounds of the way between lights where six are enough for it.
        temperature_k: bounds of the room's colour temperature.
    """
    extent = room.max_m[:2] - room.min_m[:2]
    columns, rows = grid(extent, generator.uniform(*spacing_m))
    size = SHAPES_M[int(generator.integers(len(SHAPES_M)))]
    size = size if generator.uniform() < 0.5 else (size[1], size[0])
    total = generator.uniform(*POWER_PER_AREA_W_M2) * float(extent.prod())
    shares = generator.uniform(1 - POWER_SPREAD, 1 + POWER_SPREAD, size=columns * rows)
    warm = generator.uniform(*temperature_k)
    kelvins = warm + generator.uniform(-1, 1, size=columns * rows) * TEMPERATURE_SPREAD_K
    gap = np.minimum(WALL_GAP_M, extent / 2)
    most = MOST_POWER_W_M2 * room.max_m[2] ** 2
    places = [
        [*room.min_m[:2] + np.clip(extent * at, gap, extent - gap), room.max_m[2] - LIGHT_GAP_M]
        for at in (np.argwhere(np.ones((columns, rows))) + 0.5) / [columns, rows]
    ]
    return [
        Light(np.array(place), size, float(min(total * share / shares.sum(), most)), light_color(kelvin))
        for place, share, kelvin in zip(places, shares, kelvins, strict=True)
    ]


def grid(extent_m: Float[np.ndarray, "2"], spacing_m: float) -> tuple[int, int]:
    """Columns and rows of lights about `spacing_m` apart, at most six in all, the longer side with more."""
    columns, rows = np.maximum(np.round(extent_m / spacing_m), 1).astype(int)
    while columns * rows > MOST_LIGHTS:
        if rows == 1 or (columns > 1 and extent_m[0] / columns < extent_m[1] / rows):
            columns -= 1
        else:
            rows -= 1
    return int(columns), int(rows)


def light_color(temperature_k: float) -> Rgb:
    """Colour of a light in the picture, linear RGB of luminance 1, white at `WHITE_K`."""
    seen = (black_body(temperature_k) / black_body(WHITE_K)) ** TINT
    red, green, blue = (seen / (seen @ [0.2126, 0.7152, 0.0722])).tolist()
    return red, green, blue


def black_body(temperature_k: float) -> Float[np.ndarray, "3"]:
    """Linear RGB of a black body, 1667 to 25000 K; chromaticity by Kim et al., US patent 7024034 (cubic splines)."""
    t = 1000.0 / temperature_k
    if temperature_k < 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    if temperature_k < 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    rgb_from_xyz = np.array(
        [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
    )
    return np.maximum(rgb_from_xyz @ [x / y, 1.0, (1 - x - y) / y], 1e-3)
