"""The labels stage: reads what the other stages left of a clip, writes labels.npz and quality.json."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from odah_gen.body.layout import load_layout
from odah_gen.body.model import FEET, BodyModel, find_body_model
from odah_gen.body.skinning import posed_vertices, shape_body
from odah_gen.dataset.contact import Contact, foot_contact, heights_above_floor, penetration_depth
from odah_gen.dataset.labels import Arrays, kinematic_labels, label_points, picture_labels
from odah_gen.dataset.masks import count_in_video
from odah_gen.dataset.osim import ModelOutline, read_outline
from odah_gen.dataset.quality import assemble, fraction, limit_fractions, marker_errors_mm
from odah_gen.dataset.schema import BODIES, KEYPOINT_ARRAYS, LABEL_POINTS, POSE_ARRAYS, array_problems, json_problems
from odah_gen.dataset.visibility import body_mesh, inside_visible, on_skin_visible, parts_of_vertices
from odah_gen.errors import InputError
from odah_gen.fidelity.verdict import class_of, shown_frames
from odah_gen.run import Run
from odah_gen.scene.cameras import Camera, in_picture, project, read_cameras
from odah_gen.storage import read_json, read_npz, write_json, write_npz

Uncovered = dict[tuple[str, str], Bool[np.ndarray, "frames points"]]


@dataclass(frozen=True)
class Sources:
    """Everything that the labels of a clip are made from."""

    keypoints: Arrays
    motion: Arrays
    body: Arrays
    cameras: dict[str, Camera]
    outline: ModelOutline
    scales: dict[str, list[float]]
    fidelity: dict[str, Any]
    action_class: str


@dataclass(frozen=True)
class MeshFindings:
    """What the posed body mesh shows.

    Attributes:
        uncovered: per camera and kind of point, before which points no other part of the body stands.
        in_frame: per camera, [T] share of the skin's vertices that are in the picture.
        lowest_m: [T] height of the lowest vertex.
        contact: feet on the floor, beside those of the source motion.
    """

    uncovered: Uncovered
    in_frame: dict[str, Float[np.ndarray, " frames"]]
    lowest_m: Float[np.ndarray, " frames"]
    contact: Contact


def write_labels(run: Run, clip_id: str) -> None:
    """Write labels.npz and then quality.json of one clip.

    Raises:
        InputError: a file of an earlier stage is missing, damaged, or does not fit the others.
    """
    sources = read_sources(run, clip_id)
    findings = measure_mesh(find_body_model(run.config.body, str(sources.body["gender"])), sources)
    locked = {name for name, limits in sources.outline.coordinates.items() if limits.locked}
    points = label_points(sources.keypoints)
    valid = sources.keypoints["valid"]
    shown = shown_frames(run.config.fidelity, sources.action_class, sources.fidelity, valid)
    labels = {
        **kinematic_labels(sources.keypoints | {"valid": shown}, sources.scales, locked),
        **picture_labels(sources.cameras, points, findings.uncovered),
    }
    quality = judge(run, clip_id, sources, findings, labels)
    write_npz(run.clip(clip_id) / "labels.npz", **labels)
    write_json(run.clip(clip_id) / "quality.json", quality)


def read_sources(run: Run, clip_id: str) -> Sources:
    """Read and check the files of the earlier stages."""
    folder, subject = run.clip(clip_id), run.subject(str(run.row(clip_id)["subject"]))
    keypoints = read_npz(folder / "keypoints.npz")
    motion, body = read_npz(folder / "motion.npz"), read_npz(folder / "body.npz")
    sizes = {"T": len(keypoints.get("time_s", ()))}
    for name, arrays, specs in (
        ("keypoints.npz", keypoints, KEYPOINT_ARRAYS),
        ("motion.npz", motion, POSE_ARRAYS),
        ("body.npz", body, POSE_ARRAYS),
    ):
        problems = array_problems(arrays, specs, sizes)
        if problems:
            raise InputError(f"{folder / name}: {problems[0]}. Run the stage that makes it again.")
    cameras = read_cameras(folder / "cameras.json", run.config.camera.names)
    scales = read_json(subject / "scales.json")
    absent = [body for body in map(str, keypoints["body_names"]) if body not in scales]
    if absent:
        raise InputError(
            f"{subject / 'scales.json'}: lacks {', '.join(absent)}; {BODIES} bodies were expected. Run the scale stage again."
        )
    fidelity = read_fidelity(folder / "fidelity.json", sizes["T"])
    action_class = class_of(run.config.fidelity, str(run.row(clip_id)["action"]))
    return Sources(
        keypoints, motion, body, cameras, read_outline(subject / "model.osim"), scales, fidelity, action_class
    )


def read_fidelity(path: Path, frames: int) -> dict[str, Any]:
    """Read and check fidelity.json of a clip.

    Raises:
        InputError: it is missing, not as its schema wants it, or of another number of frames.
    """
    content = read_json(path)
    problems = json_problems(content, path.name)
    if problems or len(content["frame_joint_center_mm"]) != frames:
        problem = problems[0] if problems else f"holds another number of frames; the clip has {frames}"
        raise InputError(f"{path}: {problem}. Run the fidelity stage again.")
    return content


def measure_mesh(model: BodyModel, sources: Sources) -> MeshFindings:
    """Pose the fitted body a few frames at a time, and look at it from the cameras and from the floor."""
    points = label_points(sources.keypoints)
    frames, parts = len(sources.keypoints["time_s"]), parts_of_vertices(model)
    uncovered: Uncovered = {
        (camera, kind): np.zeros((frames, points[kind].shape[1]), bool)
        for camera in sources.cameras
        for kind in LABEL_POINTS
    }
    lowest, in_frame = np.zeros(frames), {camera: np.zeros(frames) for camera in sources.cameras}
    for frame, vertices in enumerate(frame_vertices(model, sources.body)):
        of_frame = {kind: points[kind][frame] for kind in points}
        for key, seen in look(model, parts, vertices, sources.cameras, of_frame).items():
            uncovered[key][frame] = seen
        for name, camera in sources.cameras.items():
            in_frame[name][frame] = in_picture(camera, project(camera, vertices)).mean()
        lowest[frame] = heights_above_floor(vertices).min()
    return MeshFindings(uncovered, in_frame, lowest, measure_contact(model, sources.motion, sources.body))


def measure_contact(model: BodyModel, motion: Arrays, body: Arrays) -> Contact:
    """Feet on the floor: those of the fitted body where the source motion's stand."""
    feet = [model.vertices_of(joints) for joints in FEET]
    source, fitted = ([foot_vertices(model, arrays, foot) for foot in feet] for arrays in (motion, body))
    return foot_contact(source, fitted, float(body["mocap_frame_rate"]))


def foot_vertices(
    model: BodyModel, arrays: Arrays, ids: Int[np.ndarray, " vertices"]
) -> Float[np.ndarray, "frames vertices 3"]:
    """Some vertices of a motion (world, m)."""
    shaped = shape_body(model, torch.as_tensor(arrays["betas"]), ids)
    return torch.cat(list(posed_vertices(shaped, arrays["poses"], arrays["trans"]))).double().numpy()


def frame_vertices(model: BodyModel, body: Arrays) -> Iterator[Float[np.ndarray, "vertices 3"]]:
    """The vertices of the body, frame by frame (world, m)."""
    shaped = shape_body(model, torch.as_tensor(body["betas"]))
    for vertices in posed_vertices(shaped, body["poses"], body["trans"]):
        yield from vertices.double().numpy()


def look(
    model: BodyModel,
    parts: Int[np.ndarray, " vertices"],
    vertices: Float[np.ndarray, "vertices 3"],
    cameras: Mapping[str, Camera],
    points_m: Mapping[str, Float[np.ndarray, "points 3"]],
) -> dict[tuple[str, str], Bool[np.ndarray, " points"]]:
    """Which points of one frame each camera sees past the body, wherever they fall in the picture."""
    mesh = body_mesh(vertices, model.faces)
    seen = {}
    for name, camera in cameras.items():
        for kind, points in points_m.items():
            eye = camera.position_m
            skin = kind == "markers"
            seen[name, kind] = on_skin_visible(mesh, eye, points) if skin else inside_visible(mesh, parts, eye, points)
    return seen


def judge(run: Run, clip_id: str, sources: Sources, findings: MeshFindings, labels: Arrays) -> dict[str, object]:
    """Measure the clip and compare it with the thresholds: the content of quality.json."""
    folder, keypoints = run.clip(clip_id), sources.keypoints
    valid = keypoints["valid"]
    layout = load_layout(run.config.skeleton.markers)
    weight_of = dict(zip(layout.names, np.asarray(layout.weights, dtype=float)))
    weights = np.array([weight_of.get(str(name), 0.0) for name in keypoints["marker_names"]])
    rms, largest = marker_errors_mm(keypoints["marker_error_m"], weights, valid)
    names = [str(name) for name in keypoints["coordinate_names"]]
    return assemble(
        quality=run.config.quality,
        limits=run.config.fidelity,
        action_class=sources.action_class,
        shown=labels["valid"],
        fidelity=sources.fidelity,
        marker_rms_mm=rms,
        marker_max_mm=largest,
        at_limit=limit_fractions(names, keypoints["coordinates"][valid], sources.outline.coordinates),
        solver=read_json(folder / "ik.json"),
        in_frame=frame_shares(sources, findings, labels),
        in_mask_fraction=mask_fraction(run, clip_id, sources, labels),
        contact=contact_figures(findings),
        fit=read_json(folder / "fit.json"),
        render=read_json(folder / "render.json"),
    )


def contact_figures(findings: MeshFindings) -> dict[str, float | None]:
    """The section `contact` of quality.json."""
    contact = findings.contact
    return {
        "skate_m_per_s": contact.skate_m_per_s,
        "source_skate_m_per_s": contact.source_skate_m_per_s,
        "floating_mm": None if contact.floating_m is None else 1000 * contact.floating_m,
        "penetration_mm": 1000 * penetration_depth(findings.lowest_m),
    }


def frame_shares(sources: Sources, findings: MeshFindings, labels: Arrays) -> dict[str, dict[str, float | None]]:
    """What each camera has in its picture, over the frames with a label: shares of joint centres and of the skin, and of
    frames that show all of the skin."""
    valid = sources.keypoints["valid"]
    shares = {}
    for name, camera in sources.cameras.items():
        framed = in_picture(camera, labels[f"{name}_joint_centers_px"])[valid]
        skin = findings.in_frame[name][valid]
        shares[name] = {
            "joint_centers": fraction(int(framed.sum()), framed.size),
            "skin": float(skin.mean()) if len(skin) else None,
            "whole_frames": fraction(int((skin == 1).sum()), len(skin)),
        }
    return shares


def mask_fraction(run: Run, clip_id: str, sources: Sources, labels: Arrays) -> float | None:
    """Share of the visible joint centres that lie inside the mask, of all cameras.

    Raises:
        InputError: a mask video is damaged or has another size or number of frames than the clip.
    """
    valid = sources.keypoints["valid"][:, None]
    counts = np.zeros(2, dtype=int)
    for name, camera in sources.cameras.items():
        seen = labels[f"{name}_joint_centers_visible"] & valid
        path = run.clip(clip_id) / f"{name}_mask.mkv"
        counts += count_in_video(path, camera, labels[f"{name}_joint_centers_px"], seen)
    return fraction(int(counts[0]), int(counts[1]))
