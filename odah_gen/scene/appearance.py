"""Colours drawn from a seed: skin, eyes, hair. Colours are linear RGB, as Blender wants them."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, replace
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


Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Fabric:
    """A pattern that repeats over a surface; blender_addon.textures draws it.

    Attributes:
        pattern: one that `blender_addon.textures` knows.
        colors_linear: its colours, linear RGB, the main one first.
        tile_m: side of the square that repeats, metres.
        seed: of what is random in it.
    """

    pattern: str
    colors_linear: tuple[Rgb, ...]
    tile_m: float
    seed: int = 0

    def as_json(self) -> dict[str, Any]:
        """The fabric as plain data, its figures rounded so that scene.json reads well."""
        colors = [[round(part, 4) for part in color] for color in self.colors_linear]
        return {
            "pattern": self.pattern, "colors_linear": colors, "tile_m": round(self.tile_m, 4), "seed": self.seed,
        }  # fmt: skip


@dataclass(frozen=True)
class Material:
    """A surface.

    Attributes:
        color_linear: base colour, linear RGB from 0 to 1.
        roughness: from 0, a mirror, to 1, chalk.
        glow: strength of light that the surface gives off in its own colour.
        fabric: its pattern; None where it is plain.
    """

    color_linear: Rgb
    roughness: float
    glow: float = 0.0
    fabric: Fabric | None = None

    def of(self, fabric: Fabric) -> "Material":
        """The same surface with a pattern."""
        return replace(self, fabric=fabric)

    def as_json(self) -> dict[str, Any]:
        """The material as plain data."""
        plain = {"color_linear": list(self.color_linear), "roughness": self.roughness, "glow": self.glow}
        return plain if self.fabric is None else plain | {"fabric": self.fabric.as_json()}


def skin_tone(number: int) -> np.ndarray:
    """A tone of the Monk scale as skin in a lit room, linear RGB.

    The scale is a chart of swatches: lit skin looks chalky without some red, the darkest like coal without some more.
    """
    return np.array(linear(MONK_SKIN_TONES[number])) * [0.95, 0.77, 0.68] + [0.012, 0.0066, 0.0044]


def draw_skin(generator: np.random.Generator) -> dict[str, Material]:
    """Skin with its palms, lips and flushed places, hair and eyes of a subject."""
    chosen = int(generator.integers(len(MONK_SKIN_TONES)))
    dark = chosen >= FIRST_DARK_TONE
    tone = skin_tone(chosen) * generator.uniform(0.9, 1.06)
    tone = tone * np.array([1, *generator.uniform(0.95, 1.05, size=2)])
    sheen = generator.uniform(0.42, 0.58) + 0.06 * dark
    palm = (0.55 if dark else 0.9) * tone + (0.45 if dark else 0.1) * np.array([0.52, 0.27, 0.2])
    return {
        "skin": material(tone, sheen),
        "palm": material(palm, sheen + 0.08),
        "flush": material(tone * generator.uniform([1.0, 0.68, 0.66], [1.08, 0.85, 0.85]), sheen - 0.06),
        "lip": material(tone * generator.uniform([0.85, 0.5, 0.5], [0.95, 0.65, 0.68]), 0.36),
        "hair": material(linear(pick(HAIR_COLOURS[:2] if dark else HAIR_COLOURS, generator)), 0.7),
        "eyeball": material([0.72, 0.70, 0.68], 0.2),
        "iris": material(linear(pick(IRIS_COLOURS[:2] if dark else IRIS_COLOURS, generator)), 0.2),
        "pupil": material([0.01, 0.01, 0.01], 0.1),
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
