"""A room around the clip: large enough for the motion and all cameras."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

BEHIND_CAMERA_M = 0.6
HEADROOM_M = 0.5

Range = tuple[float, float]


@dataclass(frozen=True)
class Room:
    """A box: opposite corners in the world frame, metres; the floor is at z = 0."""

    min_m: Float[np.ndarray, "3"]
    max_m: Float[np.ndarray, "3"]


def room_around(
    points_m: Float[np.ndarray, "points 3"],
    camera_positions_m: Iterable[Float[np.ndarray, "3"]],
    generator: np.random.Generator,
    free_m: Range = (1.3, 2.4),
    height_m: Range = (2.7, 3.2),
) -> Room:
    """A room that holds the body over the whole clip, with the cameras inside.

    Args:
        points_m: outline of the body over the whole clip.
        camera_positions_m: where the cameras stand.
        generator: draws the room's size.
        free_m: bounds of the way from the body to each wall.
        height_m: bounds of the height; a high jump raises the ceiling.
    """
    cameras = np.array(list(camera_positions_m))
    free = generator.uniform(*free_m, size=4)
    least = np.minimum(points_m.min(0)[:2] - free[:2], cameras.min(0)[:2] - BEHIND_CAMERA_M)
    most = np.maximum(points_m.max(0)[:2] + free[2:], cameras.max(0)[:2] + BEHIND_CAMERA_M)
    height = max(generator.uniform(*height_m), points_m[:, 2].max() + HEADROOM_M, cameras[:, 2].max() + HEADROOM_M)
    return Room(np.array([*least, 0.0]), np.array([*most, height]))
