"""A model's coordinates as people give them: by name, in the units of a .mot, within limits, locks and couplers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from odah_gen.errors import InputError
from odah_gen.skeleton.skeleton import Skeleton

ROUNDING = 1e-6
"""Values (rad, m) that differ by less than this are the same."""


def units(skeleton: Skeleton) -> tuple[str, ...]:
    """The unit of each coordinate in a .mot with inDegrees=yes.

    `rad` stands for an angle that OpenSim does not convert because it also shifts its joint by a curve, as the knee
    angle does that drives the patella.
    """
    turning = set(skeleton.axis_coordinates[:, 3:].ravel().tolist())
    return tuple(
        "deg" if rotational else "rad" if index in turning else "m"
        for index, rotational in enumerate(skeleton.rotational)
    )


def unit_sizes(skeleton: Skeleton) -> Float[np.ndarray, " coordinates"]:
    """What one unit of each coordinate is in rad or m."""
    return np.where(skeleton.rotational, np.pi / 180, 1.0)


def describe(skeleton: Skeleton) -> dict[str, dict[str, Any]]:
    """Unit, range, default, lock and leader of each coordinate, in the model's order.

    `follows` names the coordinate that a coupled one follows. A range is kept only where `clamped` is true.
    """
    leaders = dict(zip(skeleton.coupled.tolist(), skeleton.drivers.tolist()))
    sizes, names = unit_sizes(skeleton), skeleton.coordinate_names
    return {
        name: {
            "unit": unit,
            "lowest": float(skeleton.lower[index] / sizes[index]),
            "highest": float(skeleton.upper[index] / sizes[index]),
            "default": float(skeleton.defaults[index] / sizes[index]),
            "clamped": bool(skeleton.clamped[index]),
            "locked": bool(skeleton.locked[index]),
            "follows": names[leaders[index]] if index in leaders else None,
        }
        for index, (name, unit) in enumerate(zip(names, units(skeleton)))
    }


def to_model(skeleton: Skeleton, given: Mapping[str, float]) -> tuple[Float[np.ndarray, " coordinates"], list[str]]:
    """Values for the model (rad, m) from those given (units of a .mot), and a sentence for each that was not taken.

    As in OpenSim a locked coordinate keeps its default and a clamped one stays in its range. A coupled one is left to
    its coupler; a coordinate that is not given has its default.

    Raises:
        InputError: the model has no such coordinate.
    """
    names, sizes, labels = skeleton.coordinate_names, unit_sizes(skeleton), units(skeleton)
    values, notes = skeleton.defaults.copy(), []
    for name, value in given.items():
        if name not in names:
            raise InputError(f"{name}: the model has no such coordinate; it has {', '.join(names)}. Correct the name.")
        index = names.index(name)
        wanted = value * sizes[index]
        taken, reason = allowed(skeleton, index, wanted)
        values[index] = taken
        if abs(taken - wanted) > ROUNDING:
            notes.append(f"{name}: {value:g} {labels[index]} {reason}; {taken / sizes[index]:g} is shown.")
    return values, notes


def allowed(skeleton: Skeleton, index: int, wanted: float) -> tuple[float, str]:
    """The value (rad, m) that a coordinate may have, and why not the wanted one; a follower may have any."""
    if index in skeleton.coupled:
        return wanted, ""
    if skeleton.locked[index]:
        return float(skeleton.defaults[index]), "was asked for and the coordinate is locked"
    lowest, highest = (limit[index] for limit in skeleton.limits)
    return float(np.clip(wanted, lowest, highest)), "is below its range" if wanted < lowest else "is above its range"


def to_units(skeleton: Skeleton, values: Float[np.ndarray, " coordinates"]) -> dict[str, float]:
    """Values (rad, m) by name, in the units of a .mot."""
    return dict(zip(skeleton.coordinate_names, (values / unit_sizes(skeleton)).tolist()))
