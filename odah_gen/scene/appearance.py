"""Colours drawn from a seed: skin, eyes, clothes, room. Colours are linear RGB, as Blender wants them."""

import colorsys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

MONK_SKIN_TONES = (
    "f6ede4", "f3e7db", "f7ead0", "eadaba", "d7bd96", "a07e56", "825c43", "604134", "3a312a", "292420",
)  # fmt: skip
"""The ten tones of the Monk skin tone scale (E. Monk, 2019), sRGB."""
FIRST_DARK_TONE = 5
"""From this tone on hair and eyes are black or brown; both lists begin with those."""
IRIS_COLOURS = ("3b2312", "5b3a1e", "6b5a2c", "46603f", "3f6485", "6f8594")
HAIR_COLOURS = ("120e0c", "1d1512", "33231a", "4d3524", "6e4a2c", "a07c4e", "8b8680")
WALL_COLOURS = ("cdc8bd", "c3ccd0", "d0c5b4", "bfc9ba", "cbc2c6", "b5bcc4")
FLOOR_COLOURS = ("9a8468", "7d6a55", "8c8f92", "a89a86", "6f7a80")


@dataclass(frozen=True)
class Material:
    """A plain surface.

    Attributes:
        color_linear: base colour, linear RGB from 0 to 1.
        roughness: from 0, a mirror, to 1, chalk.
        glow: strength of light that the surface gives off in its own colour.
    """

    color_linear: tuple[float, float, float]
    roughness: float
    glow: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The material as plain data."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def draw_skin(generator: np.random.Generator) -> dict[str, Material]:
    """Skin, cropped hair and eyes of a subject."""
    chosen = int(generator.integers(len(MONK_SKIN_TONES)))
    dark = chosen >= FIRST_DARK_TONE
    tone = np.array(linear(MONK_SKIN_TONES[chosen]))
    warmth = np.array([0.95, 0.77, 0.68])  # the scale is a chart of swatches; lit skin looks chalky without some red
    varied = tone * warmth * generator.uniform(0.92, 1.04)
    return {
        "skin": material(varied, 0.5),
        "hair": material(linear(pick(HAIR_COLOURS[:2] if dark else HAIR_COLOURS, generator)), 0.95),
        "eyeball": material([0.72, 0.70, 0.68], 0.2),
        "iris": material(linear(pick(IRIS_COLOURS[:2] if dark else IRIS_COLOURS, generator)), 0.2),
        "pupil": material([0.01, 0.01, 0.01], 0.1),
    }


def draw_clothes(generator: np.random.Generator) -> dict[str, Material]:
    """Colours of the upper garment (any) and of the lower one (darker and greyer)."""
    upper = colour(generator, saturation=(0.15, 0.75), value=(0.3, 0.88))
    lower = colour(generator, saturation=(0.05, 0.45), value=(0.18, 0.55))
    return {"upper": material(upper, 0.85), "lower": material(lower, 0.8)}


def draw_room(generator: np.random.Generator) -> dict[str, Material]:
    """Colours of floor, walls and ceiling."""
    return {
        "floor": material(linear(pick(FLOOR_COLOURS, generator)), generator.uniform(0.35, 0.7)),
        "walls": material(linear(pick(WALL_COLOURS, generator)), 0.9),
        # EEVEE has no light that bounces from the floor; without it a ceiling whose lamps shine down is black.
        "ceiling": replace(material(linear("efeeea"), 0.9), glow=0.4),
    }


def colour(
    generator: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]
) -> tuple[float, float, float]:
    """A colour of any hue, with saturation and value within bounds, linear RGB."""
    srgb = colorsys.hsv_to_rgb(generator.uniform(), generator.uniform(*saturation), generator.uniform(*value))
    return to_linear(srgb)


def pick(choices: Sequence[str], generator: np.random.Generator) -> str:
    """One of the choices, all equally likely."""
    return choices[int(generator.integers(len(choices)))]


def material(color: Sequence[float] | np.ndarray, roughness: float) -> Material:
    """A material, its figures rounded so that scene.json reads well."""
    red, green, blue = (round(float(min(max(part, 0.0), 1.0)), 4) for part in color)
    return Material((red, green, blue), round(float(roughness), 3))


def linear(hexadecimal: str) -> tuple[float, float, float]:
    """A colour such as "e8e4da" (sRGB) in linear RGB."""
    red, green, blue = (int(hexadecimal[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return to_linear((red, green, blue))


def to_linear(srgb: tuple[float, float, float]) -> tuple[float, float, float]:
    """The sRGB transfer function undone (IEC 61966-2-1)."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in srgb)
    return red, green, blue
