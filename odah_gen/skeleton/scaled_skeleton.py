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
    markers = skeleton.marker_locations_m * padded[skeleton.marker_bodies]
    growth = axis_growth(skeleton, parents)
    grown = dataclasses.replace(
        skeleton,
        mass_centers_m=skeleton.mass_centers_m * scales,
        parent_offsets_m=skeleton.parent_offsets_m * parents[:, None, :],
        child_offsets_m=skeleton.child_offsets_m * children[:, None, :],
        slopes=skeleton.slopes * growth,
        intercepts=skeleton.intercepts * growth,
        curve_coefficients=skeleton.curve_coefficients * growth[skeleton.curves, None, None],
    )
    places = markers if offsets_m is None else markers + offsets_m
    return grown.with_markers(skeleton.marker_names, skeleton.marker_bodies, places)


def axis_growth(skeleton: Skeleton, parents: Float[np.ndarray, "joints 3"]) -> Float[np.ndarray, " functions"]:
    """The factor of each function: translations of a joint that grow with its parent do so along their axis."""
    along = (np.abs(skeleton.axis_directions) * parents[:, None]).sum(axis=-1)
    growth = np.where(skeleton.axis_scaled, along, 1.0).ravel()
    return np.concatenate([growth, np.ones(len(skeleton.slopes) - SLOTS * len(skeleton.joint_names))])
