"""A few of many points, far apart."""

import numpy as np
from jaxtyping import Float


def spread_out(points: Float[np.ndarray, "points values"], count: int) -> list[int]:
    """Indices of points far apart: the farthest from the mean, then always the farthest from those taken (Gonzalez 1985).

    All of them when there are no more than `count`; ascending.
    """
    if len(points) <= count:
        return list(range(len(points)))
    chosen = [int(np.linalg.norm(points - points.mean(0), axis=1).argmax())]
    nearest = np.linalg.norm(points - points[chosen[0]], axis=1)
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return sorted(chosen)
