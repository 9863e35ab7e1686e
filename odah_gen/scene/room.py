"""A room around the clip: large enough for the motion and both cameras, with area lights on the ceiling."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

BEHIND_CAMERA_M = 0.6
HEADROOM_M = 0.5
LIGHT_SPACING_M = 2.8
LIGHTS_ALONG = 2
LIGHT_SIZE_M = 0.4
LIGHT_GAP_M = 0.03
POWER_PER_AREA_W_M2 = 9.0


@dataclass(frozen=True)
class Room:
    """A box: opposite corners in the world frame, metres; the floor is at z = 0."""

    min_m: Float[np.ndarray, "3"]
    max_m: Float[np.ndarray, "3"]


@dataclass(frozen=True)
class Light:
    """A square area light that shines straight down."""

    position_m: Float[np.ndarray, "3"]
    size_m: float
    power_w: float


def room_around(
    points_m: Float[np.ndarray, "points 3"],
    camera_positions_m: Iterable[Float[np.ndarray, "3"]],
    generator: np.random.Generator,
) -> Room:
    """A room that holds the body over the whole clip, with the cameras inside."""
    cameras = np.array(list(camera_positions_m))
    free = generator.uniform(1.3, 2.4, size=4)
    least = np.minimum(points_m.min(0)[:2] - free[:2], cameras.min(0)[:2] - BEHIND_CAMERA_M)
    most = np.maximum(points_m.max(0)[:2] + free[2:], cameras.max(0)[:2] + BEHIND_CAMERA_M)
    height = max(generator.uniform(2.7, 3.2), points_m[:, 2].max() + HEADROOM_M, cameras[:, 2].max() + HEADROOM_M)
    return Room(np.array([*least, 0.0]), np.array([*most, height]))


def ceiling_lights(room: Room) -> list[Light]:
    """Lights in an even grid below the ceiling, together of a power that suits the floor's area."""
    extent = room.max_m[:2] - room.min_m[:2]
    count = np.clip(np.round(extent / LIGHT_SPACING_M), 1, LIGHTS_ALONG).astype(int)
    places = [
        room.min_m[:2] + extent * [(i + 0.5) / count[0], (j + 0.5) / count[1]]
        for i in range(count[0])
        for j in range(count[1])
    ]
    power = POWER_PER_AREA_W_M2 * float(extent.prod()) / len(places)
    height = room.max_m[2] - LIGHT_GAP_M
    return [Light(np.array([*place, height]), LIGHT_SIZE_M, power) for place in places]
