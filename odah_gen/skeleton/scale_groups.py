"""Which scale factors belong together: left with right, and bodies that markers cannot see with those that they can."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

AXES = "XYZ"
FOLLOWED: Mapping[str, Sequence[str]] = {
    "femur": ("patella X", "patella Y", "patella Z"),
    "calcn": ("talus Y", "talus Z", "toes Y", "toes Z"),
    "radius": ("ulna X", "ulna Y", "ulna Z"),
}
"""Bodies, and the axes of others that take their factors: they are too small, or too close, for markers to tell them
apart. Only the lengths of talus and toes are their own: the ways from the ankle to the heel and from the ball to the
toes' ends tell them."""


@dataclass(frozen=True)
class ScaleGroups:
    """Factors that are sought, and how those of all bodies follow from them.

    Attributes:
        names: such as "femur Y".
        spread: [B, 3, K] factors of bodies and axes from those sought.
    """

    names: tuple[str, ...]
    spread: Float[np.ndarray, "bodies 3 groups"]

    def gather(self, scales: Float[np.ndarray, "bodies 3"]) -> Float[np.ndarray, " groups"]:
        """The mean factor of each group."""
        return np.tensordot(scales, self.spread, 2) / self.spread.sum(axis=(0, 1))

    def scales(self, factors: Float[np.ndarray, " groups"]) -> Float[np.ndarray, "bodies 3"]:
        """The factors of all bodies."""
        return self.spread @ factors


def scale_groups(bodies: Sequence[str]) -> ScaleGroups:
    """One factor per axis of every body, equal on both sides, with the rules of FOLLOWED.

    Args:
        bodies: body names; _r and _l end those of a side.
    """
    leaders = [[leader(body, axis) for axis in AXES] for body in bodies]
    names = tuple(dict.fromkeys(name for row in leaders for name in row))
    spread = np.array([[[float(name == own) for name in names] for own in row] for row in leaders])
    return ScaleGroups(names, spread)


def leader(body: str, axis: str) -> str:
    """The body, without its side, and axis whose factor an axis of a body takes."""
    own = f"{body.removesuffix('_r').removesuffix('_l')} {axis}"
    return next((f"{first} {axis}" for first, others in FOLLOWED.items() if own in others), own)
