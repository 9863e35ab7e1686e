"""A few of many, as unlike each other as possible."""

import numpy as np
from jaxtyping import Float


def farthest_points(features: Float[np.ndarray, "samples points values"], count: int, first: int = 0) -> list[int]:
    """Indices of samples far apart: one to begin with, then always the farthest from those taken.

    Gonzalez 1985, doi 10.1016/0304-3975(85)90224-5. The distance of two samples is the mean over their points.

    Args:
        features: what samples are compared by.
        count: samples wanted; all of them where there are not so many.
        first: index of the sample to begin with.

    Returns:
        Ascending indices, each once.
    """
    chosen: list[int] = []
    nearest, following = np.full(len(features), np.inf), first
    while len(chosen) < min(count, len(features)):
        chosen.append(following)
        nearest = np.minimum(nearest, np.linalg.norm(features - features[following], axis=-1).mean(axis=-1))
        nearest[chosen] = -1.0
        following = int(nearest.argmax())
    return sorted(chosen)
