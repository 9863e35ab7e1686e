"""Wardrobes drawn from a seed: which garments a subject has, of which fabrics, and what is worn in a clip."""

import colorsys
from dataclasses import dataclass, replace

import numpy as np

from odah_gen.scene.appearance import Fabric, Material, colour, linear, material, pick, to_linear
from odah_gen.scene.cuts import LOWER_CUTS, UPPER_CUTS
from odah_gen.scene.dressing import Outfit
from odah_gen.scene.hair import HAIRS
from odah_gen.scene.shoes import SHOES

FABRICS_PER_CUT = 5
FABRIC_CHOICES = {
    "vest": ("jersey", "rib", "stripes", "heather", "dots", "leaves"),
    "t_shirt": ("jersey", "heather", "stripes", "dots", "leaves", "camouflage", "gingham"),
    "elbow_sleeve": ("jersey", "stripes", "heather", "leaves", "gingham", "pinstripes"),
    "long_sleeve": ("knit", "tartan", "heather", "stripes", "herringbone", "jersey", "gingham", "corduroy"),
    "shorts": ("twill", "denim", "heather", "leaves", "gingham", "camouflage"),
    "knee_shorts": ("twill", "denim", "camouflage", "tartan", "corduroy", "heather"),
    "cropped": ("twill", "heather", "pinstripes", "denim", "leaves", "windowpane"),
    "trousers": ("denim", "twill", "corduroy", "herringbone", "pinstripes", "windowpane", "heather"),
}
TILES_M = {
    "jersey": 0.1, "rib": 0.06, "stripes": 0.12, "heather": 0.15, "dots": 0.08, "leaves": 0.26, "camouflage": 0.4,
    "gingham": 0.06, "pinstripes": 0.08, "knit": 0.08, "tartan": 0.2, "herringbone": 0.06, "corduroy": 0.06,
    "twill": 0.08, "denim": 0.12, "windowpane": 0.12, "hair": 0.08, "leather": 0.06, "canvas": 0.05,
}  # fmt: skip
"""Side of the square that repeats."""
TILE_SPREAD = 1.35
INDIGO_HUE = 0.6
CHINO_HUES = (0.07, 0.11, 0.15, 0.6, 0.62)
SHOE_FABRICS = {"trainer": "canvas", "canvas": "canvas", "boot": "leather"}
HATLESS = 0.75
LOOSE = (0.8, 1.4)


@dataclass(frozen=True)
class Wardrobe:
    """What a subject owns.

    Attributes:
        garments: for each cut its materials, FABRICS_PER_CUT of them.
        outfit: hair, hat and shoes, which stay the same in every clip.
        kept: materials of hair, hat, shoes and socks.
    """

    garments: dict[str, list[Material]]
    outfit: Outfit
    kept: dict[str, Material]


def draw_wardrobe(generator: np.random.Generator, hair: Material) -> Wardrobe:
    """Everything that a subject with hair of this colour owns."""
    garments = {cut: draw_garments(generator, cut) for cut in (*UPPER_CUTS, *LOWER_CUTS)}
    hat = None if generator.uniform() < HATLESS else str(generator.choice(["cap", "beanie"]))
    shoes, style = str(generator.choice(list(SHOES))), str(generator.choice(list(HAIRS)))
    outfit = Outfit(shoes=shoes, hair="cropped" if hat else style, hat=hat, hair_seed=int(generator.integers(2**31)))
    kept = {
        "hair": hair.of(Fabric("hair", (hair.color_linear, shade(hair.color_linear, 1.25)), TILES_M["hair"])),
        **draw_shoes(generator, shoes),
        "hat": draw_fabric(generator, "knit" if hat == "beanie" else "twill"),
    }
    return Wardrobe(garments, outfit, kept)


def choose_clothes(wardrobe: Wardrobe, generator: np.random.Generator) -> tuple[Outfit, dict[str, Material]]:
    """An upper and a lower garment for a clip, each of one of its fabrics, and the materials of all that is worn."""
    upper, lower = str(generator.choice(list(UPPER_CUTS))), str(generator.choice(list(LOWER_CUTS)))
    chosen = [wardrobe.garments[cut][int(generator.integers(FABRICS_PER_CUT))] for cut in (upper, lower)]
    loose, lower_loose = (round(float(generator.uniform(*LOOSE)), 3) for _ in range(2))
    outfit = replace(wardrobe.outfit, upper=upper, lower=lower, upper_loose=loose, lower_loose=lower_loose)
    return outfit, wardrobe.kept | dict(zip(("upper", "lower"), chosen))


def draw_garments(generator: np.random.Generator, cut: str) -> list[Material]:
    """Garments of one cut, no two of the same kind of fabric."""
    kinds = generator.permutation(FABRIC_CHOICES[cut])[:FABRICS_PER_CUT]
    return [draw_fabric(generator, str(kind), lower=cut in LOWER_CUTS) for kind in kinds]


def draw_fabric(generator: np.random.Generator, kind: str, lower: bool = False) -> Material:
    """A fabric of some kind in random colours; what is worn below is darker and greyer."""
    if kind == "denim":
        colors = [hsv(INDIGO_HUE, generator.uniform(0.35, 0.7), generator.uniform(0.2, 0.6)), linear("d8d6cc")]
    elif kind == "twill":
        hue = CHINO_HUES[int(generator.integers(len(CHINO_HUES)))]
        colors = [hsv(hue, generator.uniform(0.1, 0.45), generator.uniform(0.2, 0.75))]
    else:
        value = (0.12, 0.5) if lower else (0.2, 0.9)
        colors = [colour(generator, saturation=(0.05, 0.4 if lower else 0.8), value=value)]
    colors += [companion(generator, colors[0]) for _ in range(4 - len(colors))]
    tile = TILES_M[kind] * TILE_SPREAD ** generator.uniform(-1, 1)
    rough = 0.75 if kind in ("jersey", "twill", "pinstripes") else 0.9
    return material(colors[0], rough).of(Fabric(kind, tuple(colors), tile, int(generator.integers(1000))))


def draw_shoes(generator: np.random.Generator, kind: str) -> dict[str, Material]:
    """Upper, sole and socks."""
    upper = (
        colour(generator, (0.0, 0.7), (0.08, 0.9)) if kind != "boot" else hsv(0.07, 0.5, generator.uniform(0.08, 0.45))
    )
    sole = linear(pick(("f0eee8", "e4ddcc", "2a2826", "8a6a48"), generator))
    sock = linear(pick(("efefec", "d8d8d4", "26262a", "3a3f4a", "6f7278"), generator))
    fabric = Fabric(SHOE_FABRICS[kind], (upper, shade(upper, 0.7)), TILES_M[SHOE_FABRICS[kind]])
    return {
        "shoe": material(upper, 0.45 if kind == "boot" else 0.75).of(fabric),
        "sole": material(sole, 0.7),
        "lace": material(linear(pick(("e8e6e0", "2a2a2c", "b0aca4"), generator)), 0.9),
        "sock": material(sock, 0.95),
    }


def companion(generator: np.random.Generator, color: tuple[float, float, float]) -> tuple[float, float, float]:
    """A colour that goes with another: white, near black, a lighter or darker tone, or another hue as bright."""
    kind = int(generator.integers(5))
    if kind == 0:
        return linear("efece4")
    if kind == 1:
        return linear("23242a")
    if kind in (2, 3):
        return shade(color, 2.2 if kind == 2 else 0.4)
    return colour(generator, saturation=(0.2, 0.7), value=(0.3, 0.8))


def shade(color: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    """A lighter (factor > 1) or darker tone of a linear colour; white stays the limit."""
    part = tuple(1 - (1 - entry) ** factor if factor > 1 else entry * factor for entry in color)
    return part  # type: ignore[return-value]


def hsv(hue: float, saturation: float, value: float) -> tuple[float, float, float]:
    """Linear RGB of a hue, saturation and value."""
    return to_linear(colorsys.hsv_to_rgb(hue, saturation, value))
