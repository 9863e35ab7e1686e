"""An OpenSim model brought to a subject's size by given factors, with its markers moved.

Imports opensim, so it is used inside worker processes only (odah_gen.skeleton.worker).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import opensim
from jaxtyping import Float


def scale_bodies(model: opensim.Model, factors: Mapping[str, Sequence[float]], mass_kg: float) -> None:
    """OpenSim's own Model.scale with factors [x, y, z] by body name; masses keep their shares of `mass_kg`."""
    scales = opensim.ScaleSet()
    for body, values in factors.items():
        scale = opensim.Scale()
        scale.setSegmentName(body)
        scale.setScaleFactors(opensim.Vec3(*map(float, values)))
        scale.setApply(True)
        scales.cloneAndAppend(scale)
    model.scale(model.initSystem(), scales, True, mass_kg)


def shift_markers(model: opensim.Model, names: Sequence[str], offsets_m: Float[np.ndarray, "markers 3"]) -> None:
    """Move markers in the frames that carry them."""
    for name, offset in zip(names, offsets_m):
        marker = model.updMarkerSet().get(name)
        marker.set_location(opensim.Vec3(*map(float, marker.get_location().to_numpy() + offset)))
    model.finalizeConnections()
