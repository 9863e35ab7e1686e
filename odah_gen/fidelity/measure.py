"""All fidelity figures of a clip: does the mesh show the label, and does the label mean what an anatomist would read?

The label is given and stays as it is. A closed loop over the markers alone is passed by wrong labels too
(docs/fidelity.md), so it stands beside evidence that neither scaling nor fit has used.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from odah_gen.fidelity.angles import angle_errors
from odah_gen.fidelity.figures import (
    Figures,
    angle_figures,
    center_figures,
    frame_figures,
    held_out_angle_figures,
    held_out_distance_figures,
    per_frame,
    rms_mm,
    segment_figures,
    stance_figures,
)
from odah_gen.fidelity.held_out import solve_held_out
from odah_gen.fidelity.landmarks import centers_from_skin, frame_errors
from odah_gen.fidelity.mesh import MeshPoints, Watched, pose_watched
from odah_gen.fidelity.segments import rotation_errors
from odah_gen.fidelity.standing import Standing
from odah_gen.frames import ground_to_world, world_to_ground
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.kinematics import Solution
from odah_gen.skeleton.trc import MarkerTrajectories

COUNTS = 0.05
"""Markers up to this weight in inverse kinematics (shoulder, head) count in no error."""
SKELETON_SECTIONS = (
    "stance",
    "closed_loop",
    "held_out",
    "segments",
    "landmark_frames",
    "frame_angle_deg",
    "frame_held_out_mm",
)


@dataclass(frozen=True)
class Label:
    """The label of a clip as keypoints.npz holds it; positions in m, world.

    Attributes:
        coordinate_names, joint_names, body_names: of the columns.
        coordinates: rad and m.
        joint_centers_m, body_rotations: of the skeleton (world; world ← body).
        markers_m: model markers, in the order of the watched layout.
        source_error_m: distance of the source body's skin from them.
        valid: frames that inverse kinematics solved.
    """

    coordinate_names: Sequence[str]
    joint_names: Sequence[str]
    body_names: Sequence[str]
    coordinates: Float[np.ndarray, "frames coordinates"]
    joint_centers_m: Float[np.ndarray, "frames joints 3"]
    body_rotations: Float[np.ndarray, "frames bodies 3 3"]
    markers_m: Float[np.ndarray, "frames markers 3"]
    source_error_m: Float[np.ndarray, "frames markers"]
    valid: Bool[np.ndarray, " frames"]


@dataclass(frozen=True)
class FinalBody:
    """A body after the fit: shape, marker offsets at rest (m), poses (rad), translation (m, world)."""

    betas: Float[np.ndarray, " betas"]
    offsets_m: Float[np.ndarray, "markers 3"]
    poses: Float[np.ndarray, "frames 165"]
    trans: Float[np.ndarray, "frames 3"]


@dataclass(frozen=True)
class Comparison:
    """A clip's mesh and its label, with what both are held against."""

    watched: Watched
    label: Label
    body: FinalBody
    mesh: MeshPoints

    def trial(self, names: Sequence[str], points_m: Float[np.ndarray, "frames points 3"]) -> MarkerTrajectories:
        """Points of the mesh (m, world) as a trial for inverse kinematics; its time does not matter."""
        return MarkerTrajectories(tuple(names), np.arange(float(len(points_m))), world_to_ground(points_m))

    def angle_errors_deg(self, standing: Standing, found: Solution) -> Float[np.ndarray, "frames coordinates"]:
        """Differences of the angles that inverse kinematics found on the mesh from the label's."""
        names, label = self.label.coordinate_names, self.label
        order = [found.coordinate_names.index(name) for name in names]
        counted, locked = label.valid & found.valid, standing.skeleton.locked[order]
        return np.rad2deg(angle_errors(names, label.coordinates, found.coordinates[:, order], counted, locked))

    def centers_mm(self, found_m: dict[str, Float[np.ndarray, "frames 3"]]) -> dict[str, Float[np.ndarray, " frames"]]:
        """By joint, the distance of a centre (m, world) from the label's."""
        columns = {name: self.label.joint_centers_m[:, list(self.label.joint_names).index(name)] for name in found_m}
        return {name: 1000 * np.linalg.norm(place - columns[name], axis=1) for name, place in found_m.items()}


def measure(watched: Watched, standing: Standing | None, label: Label, body: FinalBody) -> Figures:
    """The content of fidelity.json.

    Args:
        watched: points of the body model.
        standing: the subject's skeleton and static trial; None for an own model that only OpenSim can move, for which
            the figures of SKELETON_SECTIONS are None.
        label: of the clip.
        body: of the clip.
    """
    clip = Comparison(watched, label, body, pose_watched(watched, body.betas, body.offsets_m, body.poses, body.trans))
    regressed = dict(zip(watched.regressor.joint_names, clip.mesh.joint_centers_m.swapaxes(0, 1)))
    centers = clip.centers_mm(regressed)
    landmarks = clip.centers_mm(centers_from_skin(watched.layout.names, clip.mesh.skin_m))
    return {
        **(dict.fromkeys(SKELETON_SECTIONS) if standing is None else skeleton_figures(clip, standing)),
        "joint_centers": center_figures(centers, label.valid),
        "landmarks": center_figures(landmarks, label.valid),
        "markers": marker_figures(clip),
        "frame_joint_center_mm": per_frame(np.mean(list(centers.values()), axis=0), label.valid),
    }


def marker_figures(clip: Comparison) -> Figures:
    """Distance (RMS, mm) of the label's markers from the skin, of the fitted body and of the source body."""
    counted, valid = clip.watched.layout.weights > COUNTS, clip.label.valid
    fitted = np.linalg.norm(clip.mesh.skin_m - clip.label.markers_m, axis=2)
    source = clip.label.source_error_m
    return {
        "fitted_rms_mm": rms_mm(fitted[valid][:, counted]),
        "source_rms_mm": rms_mm(source[valid][:, counted]),
    }


def skeleton_figures(clip: Comparison, standing: Standing) -> Figures:
    """The sections that need the skeleton as arrays: those of SKELETON_SECTIONS.

    An own marker list may have no held-out points; their figures are then None.
    """
    label, mesh = clip.label, clip.mesh
    order = [list(label.coordinate_names).index(name) for name in standing.carrying.coordinate_names]
    replay = fast_ik.replay(ForwardKinematics(standing.carrying), label.coordinates[:, order])
    markers = clip.trial(clip.watched.layout.names, mesh.markers_m)
    loop = clip.angle_errors_deg(standing, fast_ik.solve(standing.skeleton, markers, standing.weights))
    drift = 1000 * np.linalg.norm(ground_to_world(replay.markers_m) - mesh.held_out_m, axis=2)
    return {
        "stance": stance_figures(standing.angles_rad),
        "closed_loop": angle_figures(label.coordinate_names, loop),
        "held_out": held_out_figures(clip, standing, drift) if drift.size else None,
        "segments": segment_figures(segment_errors_deg(clip, standing)),
        "landmark_frames": frame_figures(
            frame_errors(standing.listed, world_to_ground(mesh.skin_m), replay, label.valid)
        ),
        "frame_angle_deg": per_frame(mean_over_known(loop), label.valid),
        "frame_held_out_mm": per_frame(drift.mean(axis=1), label.valid) if drift.size else None,
    }


def held_out_figures(clip: Comparison, standing: Standing, drift_mm: Float[np.ndarray, "frames points"]) -> Figures:
    """Angles read from the held-out points alone (None where these do not place the pelvis), and their drift."""
    names = clip.watched.layout.held_out_names
    found = solve_held_out(standing.carrying, clip.trial(names, clip.mesh.held_out_m))
    errors = None if found is None else clip.angle_errors_deg(standing, found)
    drift = held_out_distance_figures(names, drift_mm[clip.label.valid])
    return held_out_angle_figures(clip.label.coordinate_names, errors) | drift


def segment_errors_deg(clip: Comparison, standing: Standing) -> dict[str, Float[np.ndarray, " valid"]]:
    """By body, how far (deg) the mesh's segment has turned from the static trial otherwise than the label's body."""
    label, body = clip.label, clip.body
    stood = pose_watched(clip.watched, body.betas, None, standing.poses, standing.trans).segments_m
    errors = rotation_errors(
        stood, standing.rotations, clip.mesh.segments_m, label.body_rotations, list(label.body_names)
    )
    return {name: np.rad2deg(row[label.valid]) for name, row in errors.items()}


def mean_over_known(errors: Float[np.ndarray, "frames coordinates"]) -> Float[np.ndarray, " frames"]:
    """The mean of each frame over what was compared; NaN where nothing was."""
    known = np.isfinite(errors)
    total = np.where(known, errors, 0.0).sum(axis=1)
    return np.divide(total, known.sum(axis=1), out=np.full(len(errors), np.nan), where=known.any(axis=1))
