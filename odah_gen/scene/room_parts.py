"""Boxes, cylinders and balls, and the things that they make up.

A prop is drawn in its own frame: its back at y = 0 against the wall, y into the room, x along the wall from −width/2 to
width/2, z up, metres.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

Three = tuple[float, float, float]


@dataclass(frozen=True)
class Part:
    """A solid in a box.

    Attributes:
        shape: box, rod_x, rod_y, rod_z (a cylinder along that axis) or ball.
        center_m, size_m: its box.
        material: name of its surface.
    """

    shape: str
    center_m: Three
    size_m: Three
    material: str

    def as_json(self) -> dict[str, Any]:
        """The part as plain data, to a tenth of a millimetre."""
        center, size = ([round(value, 4) for value in values] for values in (self.center_m, self.size_m))
        return {"shape": self.shape, "center_m": center, "size_m": size, "material": self.material}


@dataclass(frozen=True)
class Prop:
    """A thing of several parts.

    Attributes:
        name: what it is.
        parts: its solids.
        shadow: whether it casts one; what lies flat on a wall would only show the shadow maps' cells around it.
    """

    name: str
    parts: tuple[Part, ...]
    shadow: bool = False

    @property
    def bounds_m(self) -> Float[np.ndarray, "2 3"]:
        """Lowest and highest corner of all parts."""
        centers, halves = (np.array([getattr(part, name) for part in self.parts]) for name in ("center_m", "size_m"))
        return np.stack([(centers - halves / 2).min(0), (centers + halves / 2).max(0)])

    def as_json(self) -> dict[str, Any]:
        """The prop as plain data."""
        return {"name": self.name, "shadow": self.shadow, "parts": [part.as_json() for part in self.parts]}


def box(material: str, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> Part:
    """A box between bounds."""
    return solid("box", material, x, y, z)


def solid(shape: str, material: str, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> Part:
    """A shape that fills the box between bounds."""
    low, high = np.array([x, y, z]).T
    return Part(shape, triple((low + high) / 2), triple(high - low), material)


def triple(values: Float[np.ndarray, "3"]) -> Three:
    """Three plain numbers."""
    x, y, z = (float(value) for value in values)
    return x, y, z


def upright(material: str, x: float, y: float, z: tuple[float, float], thick: float) -> Part:
    """A round post."""
    return solid("rod_z", material, (x - thick / 2, x + thick / 2), (y - thick / 2, y + thick / 2), z)


def crossbar(material: str, x: tuple[float, float], y: float, z: float, thick: float) -> Part:
    """A round bar along the wall."""
    return solid("rod_x", material, x, (y - thick / 2, y + thick / 2), (z - thick / 2, z + thick / 2))


def moved(part: Part, x_m: float, y_m: float = 0.0) -> Part:
    """A part moved over the floor."""
    x, y, z = part.center_m
    return replace(part, center_m=(x + x_m, y + y_m, z))


def turned(part: Part, quarters: int) -> Part:
    """A part after quarter turns about the Z axis, counterclockwise seen from above."""
    (x, y, z), (wide, deep, tall), shape = part.center_m, part.size_m, part.shape
    for _ in range(quarters % 4):
        x, y, wide, deep = -y, x, deep, wide
        shape = {"rod_x": "rod_y", "rod_y": "rod_x"}.get(shape, shape)
    return Part(shape, (x, y, z), (wide, deep, tall), part.material)


def placed(prop: Prop, quarters: int, at_m: tuple[float, float]) -> Prop:
    """A prop turned by quarters, its origin moved to a place on the floor."""
    return replace(prop, parts=tuple(moved(turned(part, quarters), *at_m) for part in prop.parts))
