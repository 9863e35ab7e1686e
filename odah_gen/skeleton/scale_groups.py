"""Which scale factors belong together: left with right, and bodies that markers cannot see with those that they can."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

AXES = "XYZ"
FOLLOWED: Mapping[str, str] = {"patella": "femur", "talus": "calcn", "toes": "calcn", "ulna": "radius"}
"""Bodies too small, or too close to another, for markers to tell their size, and the body whose factors they take."""


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
    leaders = [leader(body) for body in bodies]
    names = tuple(f"{body} {axis}" for body in dict.fromkeys(leaders) for axis in AXES)
    spread = np.zeros((len(bodies), 3, len(names)))
    for row, body in enumerate(leaders):
        for axis in range(3):
            spread[row, axis, names.index(f"{body} {AXES[axis]}")] = 1.0
    return ScaleGroups(names, spread)


def leader(body: str) -> str:
    """The body, without its side, whose factors a body takes."""
    bare = body.removesuffix("_r").removesuffix("_l")
    return FOLLOWED.get(bare, bare)
