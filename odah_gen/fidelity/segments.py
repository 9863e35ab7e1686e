"""Rotations of the mesh's segments, found from their vertices alone, against those of the skeleton's bodies."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from odah_gen.body.model import JOINT_NAMES

SIDES = {"r": "right", "l": "left"}
MESH_JOINTS: Mapping[str, tuple[str, ...]] = {
    "pelvis": ("pelvis",),
    "torso": ("spine2", "spine3"),
    **{
        f"{body}_{letter}": (f"{side}_{joint}",)
        for letter, side in SIDES.items()
        for body, joint in (
            ("femur", "hip"),
            ("tibia", "knee"),
            ("calcn", "ankle"),
            ("toes", "foot"),
            ("humerus", "shoulder"),
            ("radius", "elbow"),
            ("hand", "wrist"),
        )
    },
}
"""Bodies of the skeleton and the mesh joints whose skin moves with them. The skeleton's trunk is one segment whose
angles follow the rib cage; in the mesh that is the skin of spine2 and spine3 (lowest ribs to collar bones), which the
rotation averages. spine1 (small of the back) bends against both and counts for neither trunk nor pelvis. The forearm has
one mesh joint where the skeleton has ulna and radius; it takes part of the turn of the radius."""
TRUNK_AND_LEGS = ("pelvis", "torso", *(f"{body}_{side}" for side in "rl" for body in ("femur", "tibia", "calcn")))
"""The segments that are judged; arms follow the collar bones, which the skeleton lacks, and toes are few vertices."""
DOMINATED = 0.9
"""A vertex belongs to a segment when the segment's joints have this share of its skinning weight."""
VERTICES = 64
"""So many of them are taken, evenly from all; the share falls where a body has fewer."""


def segment_vertices(weights: Float[np.ndarray, "vertices 55"]) -> dict[str, Int[np.ndarray, " vertices"]]:
    """The vertices of each segment: dominated by its mesh joints, evenly drawn from all of those."""
    found = {}
    for body, joints in MESH_JOINTS.items():
        share = weights[:, [JOINT_NAMES.index(name) for name in joints]].sum(axis=1)
        ids = np.flatnonzero(share >= min(DOMINATED, np.partition(share, -VERTICES)[-VERTICES]))
        found[body] = ids[np.linspace(0, len(ids) - 1, VERTICES).astype(int)]
    return found


def best_rotations(
    source: Float[np.ndarray, "points 3"], target: Float[np.ndarray, "frames points 3"]
) -> Float[np.ndarray, "frames 3 3"]:
    """The rotation that brings `source` nearest to each frame of `target`, shifts apart (Kabsch 1976)."""
    return rotations_about_origin(source - source.mean(axis=0), target - target.mean(axis=1, keepdims=True))


def rotations_about_origin(
    source: Float[np.ndarray, "points 3"], target: Float[np.ndarray, "frames points 3"]
) -> Float[np.ndarray, "frames 3 3"]:
    """The rotation about the origin that brings `source` nearest to each frame of `target` (Kabsch 1976)."""
    left, _, right = np.linalg.svd(np.einsum("tpi,pj->tij", target, source))
    left[:, :, 2] *= np.sign(np.linalg.det(left @ right))[:, None]
    return left @ right


def angles_between(
    first: Float[np.ndarray, "frames 3 3"], second: Float[np.ndarray, "frames 3 3"]
) -> Float[np.ndarray, " frames"]:
    """Angle (rad) of the rotation between two: |A − B| = 2 √2 sin(angle / 2), which is exact for small angles."""
    chord = np.linalg.norm(first - second, axis=(1, 2)) / np.sqrt(8)
    return 2 * np.arcsin(np.clip(chord, 0.0, 1.0))


def rotation_errors(
    standing_mesh_m: Mapping[str, Float[np.ndarray, "1 vertices 3"]],
    standing_label: Float[np.ndarray, "bodies 3 3"],
    mesh_m: Mapping[str, Float[np.ndarray, "frames vertices 3"]],
    label: Float[np.ndarray, "frames bodies 3 3"],
    body_names: Sequence[str],
) -> dict[str, Float[np.ndarray, " frames"]]:
    """By body, how far (rad) the mesh's segment has turned from the static trial otherwise than the label's body.

    Args:
        standing_mesh_m: vertices of each segment in the static trial (m, world).
        standing_label: the bodies' rotations there (world ← body).
        mesh_m: vertices of each segment in a clip.
        label: the bodies' rotations in the clip.
        body_names: names of the bodies.
    """
    errors = {}
    for body, points in mesh_m.items():
        index = body_names.index(body)
        turned = best_rotations(standing_mesh_m[body][0], points)
        errors[body] = angles_between(turned, label[:, index] @ standing_label[index].T)
    return errors
