"""A skeleton of another size, as OpenSim's Model.scale makes it: joint frames, translations, mass centres, markers."""

import dataclasses

import numpy as np
from jaxtyping import Float

from odah_gen.skeleton.skeleton import SLOTS, Skeleton


def scaled_skeleton(
    skeleton: Skeleton,
    scales: Float[np.ndarray, "bodies 3"],
    offsets_m: Float[np.ndarray, "markers 3"] | None = None,
) -> Skeleton:
    """The skeleton after scaling each body by its factors; masses stay.

    Args:
        skeleton: any.
        scales: factors along the axes of each body.
        offsets_m: what is added to the markers' scaled places.
    """
    # Ground, at index -1, is the last row of the padded factors.
    padded = np.concatenate([scales, np.ones((1, 3))])
    parents, children = padded[skeleton.joint_parents], padded[skeleton.joint_children]
    growth = function_growth(skeleton, padded)
    grown = dataclasses.replace(
        skeleton,
        mass_centers_m=skeleton.mass_centers_m * scales,
        parent_offsets_m=skeleton.parent_offsets_m * parents[:, None, :],
        child_offsets_m=skeleton.child_offsets_m * children[:, None, :],
        slopes=skeleton.slopes * growth,
        intercepts=skeleton.intercepts * growth,
        curve_coefficients=skeleton.curve_coefficients * growth[skeleton.curves, None, None],
        marker_offsets_m=skeleton.marker_offsets_m * padded[skeleton.marker_bodies][:, None, :],
    )
    if offsets_m is None:
        return grown
    return grown.with_markers(skeleton.marker_names, skeleton.marker_bodies, grown.marker_locations_m + offsets_m)


def function_growth(
    skeleton: Skeleton, padded: Float[np.ndarray, "bodies_and_ground 3"]
) -> Float[np.ndarray, " functions"]:
    """The factor of each function: translations of a joint, and couplers of them, grow with the joint's parent."""
    along = (skeleton.axis_growth * padded[skeleton.joint_parents][:, None]).sum(axis=-1)
    growth = np.ones((len(along), SLOTS))
    growth[:, :3] = np.where(skeleton.axis_growth.any(axis=-1), along, 1.0)
    return np.concatenate([growth.ravel(), padded[skeleton.coupler_bodies].mean(axis=-1)])
