"""How a collar bone rises with the arm, for poses whose source says nothing about it."""

import numpy as np
from jaxtyping import Float

COLLAR_DROP_DEG = 10.0
"""The rest pose holds the arms out with lifted collar bones; hanging arms let them sink by about this much."""


def collar_rise_rad(elevation_rad: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch"]:
    """How far above rest the collar bone stands (rad): it has sunk under a hanging arm and rises evenly with it.

    Args:
        elevation_rad: of the upper arm against the chest, 0 where it hangs; at a quarter turn the body stands as at rest.
    """
    return np.deg2rad(COLLAR_DROP_DEG) * (elevation_rad / (np.pi / 2) - 1.0)
