"""The points of a body mesh that show whether it follows a label, posed together."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from odah_gen.body.layout import MarkerLayout
from odah_gen.body.model import BodyModel
from odah_gen.body.skinning import posed_vertices, shape_body
from odah_gen.fidelity.segments import segment_vertices
from odah_gen.registration.regressor import JointRegressor


@dataclass(frozen=True)
class Watched:
    """What is looked at on a body model.

    Attributes:
        model: the body model.
        layout: the marker list, reduced to the model (`layout.on(model)`).
        regressor: joint centres from vertices.
        segments: for bodies of the skeleton, the vertices that move with them.
    """

    model: BodyModel
    layout: MarkerLayout
    regressor: JointRegressor
    segments: Mapping[str, Int[np.ndarray, " vertices"]]

    def parts(self) -> list[Int[np.ndarray, " vertices"]]:
        """Vertices of the markers on the mesh, of the markers on the skin, of held-out points, joints and segments."""
        markers = self.layout.vertex_ids(self.model)
        held_out = self.layout.held_out_ids(self.model)
        return [markers, markers, held_out, self.regressor.vertex_ids, *self.segments.values()]


@dataclass(frozen=True)
class MeshPoints:
    """Where the watched points of a mesh are in every frame (m, world).

    Attributes:
        markers_m: markers with the subject's offsets from the skin, as the fit uses them.
        skin_m: the markers' vertices themselves.
        held_out_m: the held-out skin points.
        joint_centers_m: regressed joint centres.
        segments_m: vertices of each segment.
    """

    markers_m: Float[np.ndarray, "frames markers 3"]
    skin_m: Float[np.ndarray, "frames markers 3"]
    held_out_m: Float[np.ndarray, "frames points 3"]
    joint_centers_m: Float[np.ndarray, "frames joints 3"]
    segments_m: Mapping[str, Float[np.ndarray, "frames vertices 3"]]


def watch(model: BodyModel, layout: MarkerLayout, regressor: JointRegressor) -> Watched:
    """Choose what to look at on a body model; `layout` is reduced to it."""
    return Watched(model, layout, regressor, segment_vertices(model.weights.double().numpy()))


def pose_watched(
    watched: Watched,
    betas: Float[np.ndarray, " betas"],
    offsets_m: Float[np.ndarray, "markers 3"] | None,
    poses: Float[np.ndarray, "frames 165"],
    trans: Float[np.ndarray, "frames 3"],
) -> MeshPoints:
    """Pose a body's watched points, and no others.

    Args:
        watched: the points.
        betas: shape.
        offsets_m: displacement at rest of each marker from its vertex (m); None for none.
        poses: rotation vectors of the 55 joints (rad).
        trans: translation (m, world).
    """
    parts = watched.parts()
    shaped = shape_body(watched.model, torch.as_tensor(betas), np.concatenate(parts))
    if offsets_m is not None:
        moved = shaped.vertices.clone()
        moved[: len(offsets_m)] += torch.as_tensor(offsets_m).to(moved)
        shaped = dataclasses.replace(shaped, vertices=moved)
    places = torch.cat(list(posed_vertices(shaped, poses, trans))).double().numpy()
    markers, skin, held_out, used, *segments = np.split(places, np.cumsum([len(part) for part in parts])[:-1], axis=1)
    centers = watched.regressor.combine(used)
    return MeshPoints(markers, skin, held_out, centers, dict(zip(watched.segments, segments)))
