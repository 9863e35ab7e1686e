"""What the files of a run and of an export hold: the machine-readable twin of docs/formats.md.

Shapes use T (frames of the clip), M (markers) and S (shape coefficients in use); other sizes are fixed.
Names that begin with `<camera>` stand once for each camera, as the configuration names them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from odah_gen.paths import SCENE_SCHEMA, SCHEMAS
from odah_gen.scene.rendered import BOXES, CLOTH
from odah_gen.schemas import schema_problems

BODIES = 22
KINDS = {"float": "f", "number": "fiu", "int": "iu", "bool": "b", "text": "U"}
JSON_FILES = ("cameras.json", "quality.json", "render.json", "fit.json", "fidelity.json", "ik.json", "scales.json")
SCENE_FILE = "scene.json"
LABEL_POINTS = {"joint_centers": BODIES, "mass_centers": BODIES, "markers": "M"}


@dataclass(frozen=True)
class ArraySpec:
    """One array of an .npz: its name, shape (symbols or sizes), kind of number, unit, frame and meaning."""

    name: str
    shape: tuple[str | int, ...]
    kind: str
    unit: str
    frame: str
    meaning: str
    may_be_nan: bool = False


def spec(name: str, shape: str, kind: str, unit: str, frame: str, meaning: str, may_be_nan: bool = False) -> ArraySpec:
    """An ArraySpec with its shape written as text, for instance "T 22 3"; "" is a single value."""
    sizes = tuple(int(part) if part.isdigit() else part for part in shape.split())
    return ArraySpec(name, sizes, kind, unit, frame, meaning, may_be_nan)


POSE_ARRAYS = (
    spec("poses", "T 165", "float", "rad", "relative to the parent joint", "rotation vectors of the 55 joints"),
    spec("trans", "T 3", "float", "m", "world", "translation added to every vertex"),
    spec("betas", "S", "float", "1", "", "shape coefficients of the body model"),
    spec("gender", "", "text", "", "", "female, male or neutral"),
    spec("mocap_frame_rate", "", "number", "Hz", "", "frames per second of this file (the run's fps)"),
    spec("surface_model_type", "", "text", "", "", "`smplx`: the AMASS flavour of the arrays"),
    spec("time_s", "T", "float", "s", "", "time since the first frame"),
    spec("source_frame", "T", "number", "frames", "", "frame of the source file, counted from 0, may lie between two"),
    spec("source_rate_hz", "", "number", "Hz", "", "frame rate of the source file"),
    spec("source_file", "", "text", "", "", "source of the motion: a file's name, or the procedural action"),
    spec("source_scale", "", "float", "1", "", "factor on the source's positions, for a body of another size"),
    spec(
        "world_from_source",
        "4 4",
        "float",
        "1, m",
        "world ← source",
        "rigid transform from the source file's frame, after source_scale",
    ),
)

KEYPOINT_ARRAYS = (
    spec("time_s", "T", "float", "s", "", "time since the first frame"),
    spec("coordinate_names", "39", "text", "", "", "OpenSim coordinates, in the model's order"),
    spec("coordinates", "T 39", "float", "rad, m", "OpenSim ground", "coordinates found by inverse kinematics"),
    spec("body_names", "22", "text", "", "", "OpenSim bodies"),
    spec("joint_names", "22", "text", "", "", "OpenSim joints; joint i moves body i"),
    spec("marker_names", "M", "text", "", "", "markers of the model"),
    spec("joint_centers_m", "T 22 3", "float", "m", "world", "origin of each joint's child frame"),
    spec("mass_centers_m", "T 22 3", "float", "m", "world", "mass centre of each body"),
    spec("markers_m", "T M 3", "float", "m", "world", "markers of the scaled model"),
    spec("body_rotations", "T 22 3 3", "float", "1", "world ← body", "rotation of each body"),
    spec("marker_error_m", "T M", "float", "m", "", "distance from model marker to measured marker", True),
    spec("valid", "T", "bool", "", "", "false where inverse kinematics found no pose"),
)

RECORDING_ARRAYS = (
    spec("body_origins_m", "T B 3", "float", "m", "world", "origin of each body's frame"),
    spec("joint_parents", "J", "text", "", "", "body that each joint hangs on, or ground"),
    spec("joint_children", "J", "text", "", "", "body that each joint moves"),
    spec("marker_bodies", "M", "text", "", "", "body that carries each marker, or ground"),
)
"""Beside those of keypoints.npz in what `odah-gen pose --mot` writes."""

LABEL_ARRAYS = (
    spec("time_s", "T", "float", "s", "", "time since the first frame"),
    spec("valid", "T", "bool", "", "", "false where the frame has no label, or the body does not show it"),
    spec("coordinate_names", "36", "text", "", "", "OpenSim coordinates without the pelvis translations"),
    spec("coordinates_rad", "T 36", "float", "rad", "OpenSim ground", "joint angles"),
    spec("confidence", "36", "float", "1", "", "1 determined by the markers, 0.25 hardly, 0 locked"),
    spec("pelvis_ground_m", "T 3", "float", "m", "OpenSim ground", "pelvis_tx, pelvis_ty, pelvis_tz"),
    spec("pelvis_rotation", "T 3 3", "float", "1", "world ← pelvis", "rotation of the pelvis"),
    spec("pelvis_yaw_first_names", "3", "text", "", "", "yaw, list, tilt: the order of the rotations"),
    spec("pelvis_yaw_first_rad", "T 3", "float", "rad", "world", "the same rotation, heading first"),
    spec("body_names", "22", "text", "", "", "OpenSim bodies"),
    spec("joint_names", "22", "text", "", "", "OpenSim joints; joint i moves body i"),
    spec("marker_names", "M", "text", "", "", "markers of the model"),
    spec("scales", "22 3", "float", "1", "body", "size of each body against the generic model, along x, y, z"),
    spec("joint_centers_m", "T 22 3", "float", "m", "world", "origin of each joint's child frame"),
    spec("mass_centers_m", "T 22 3", "float", "m", "world", "mass centre of each body"),
    spec("markers_m", "T M 3", "float", "m", "world", "markers of the scaled model"),
    spec("<camera>_joint_centers_px", "T 22 2", "float", "px", "picture", "projected joint centres", True),
    spec("<camera>_joint_centers_visible", "T 22", "bool", "", "", "in the picture, no other body part before it"),
    spec("<camera>_mass_centers_px", "T 22 2", "float", "px", "picture", "projected mass centres", True),
    spec("<camera>_mass_centers_visible", "T 22", "bool", "", "", "in the picture, no other body part before it"),
    spec("<camera>_markers_px", "T M 2", "float", "px", "picture", "projected markers", True),
    spec("<camera>_markers_visible", "T M", "bool", "", "", "in the picture, no skin before it"),
)

SUBJECT_BODY_ARRAYS = (
    spec("betas", "S", "float", "1", "", "shape coefficients before the fit"),
    spec("gender", "", "text", "", "", "female, male or neutral"),
    spec("model", "", "text", "", "", "body model: free, smplx, or the file's name"),
)

SUBJECT_FIT_ARRAYS = (
    spec("betas", "S", "float", "1", "", "shape coefficients after the fit"),
    spec("gender", "", "text", "", "", "female, male or neutral"),
    spec("marker_names", "M", "text", "", "", "markers with a place on this body model"),
    spec("marker_vertices", "M", "int", "", "", "vertex of each marker"),
    spec("marker_offsets_m", "M 3", "float", "m", "at the vertex", "offset of each marker from its vertex"),
    spec("clip_ids", "K", "text", "", "", "clip of each frame that the shape was found on"),
    spec("frames", "K", "int", "", "", "number of that frame in its clip"),
    spec("marker_mean_mm", "", "float", "mm", "", "mean distance of markers"),
    spec("joint_center_mean_mm", "", "float", "mm", "", "mean distance of joint centres"),
)


def garment_arrays(name: str, vertices: str, faces: str) -> tuple[ArraySpec, ...]:
    """The arrays of one garment; the symbols stand for its numbers of vertices and faces."""
    return (
        spec(f"{name}_vertices", f"{vertices} 3", "float", "m", "model at rest", "vertices on this subject"),
        spec(f"{name}_faces", f"{faces} 3", "int", "", "", "triangles"),
        spec(f"{name}_joints", f"{vertices} 6", "int", "", "", "strongest joints of each vertex"),
        spec(f"{name}_weights", f"{vertices} 6", "float", "1", "", "their skinning weights; rows sum to 1"),
        spec(f"{name}_body_ids", f"{vertices} 4", "int", "", "", "skin vertices below"),
        spec(f"{name}_body_weights", f"{vertices} 4", "float", "1", "", "their weights; rows sum to 1"),
        spec(
            f"{name}_hold_m", f"{vertices}", "float", "m", "", "least distance from the skin below; negative: not held"
        ),
        spec(f"{name}_uv_m", f"{faces} 3 2", "float", "m", "flat cloth", "places of the corners, across and up"),
        spec(f"{name}_part", f"{faces}", "int", "", "", "material of each face, of those of `wear` in scene.json"),
    )


REGIONS = {
    "palm": "palms and soles",
    "flush": "flushed places",
    "lip": "lips",
    "hair": "scalp and brows",
    "sock": "socks",
}
CLOTHES_ARRAYS = (
    *garment_arrays("upper", "Vu", "Fu"),
    *garment_arrays("lower", "Vl", "Fl"),
    *garment_arrays("shoes", "Vs", "Fs"),
    *garment_arrays("hair", "Vh", "Fh"),
    *garment_arrays("eyes", "Ve", "Fe"),
    spec("hidden_faces", "F", "bool", "", "", "faces of the skin that are covered for good"),
    *(
        spec(f"region_{name}", "V", "float", "1", "", f"share of {where} at each skin vertex")
        for name, where in REGIONS.items()
    ),
)
CLOTH_ARRAYS = (
    spec("upper_m", "T Vu 3", "float", "m", "world", "vertices of the upper garment"),
    spec("lower_m", "T Vl 3", "float", "m", "world", "vertices of the lower garment"),
    spec("upper_simulated", "", "bool", "", "", "false: it moves with the body, for its simulation failed"),
    spec("lower_simulated", "", "bool", "", "", "false: it moves with the body, for its simulation failed"),
)
BOX_ARRAYS = (
    spec(
        "<camera>_box_px",
        "T 4",
        "int",
        "px",
        "picture",
        "left, top, right, bottom edge of the mask; all 0 where it is empty",
    ),
)
CATALOGUE: Mapping[str, str] = {
    "clip_id": "`<subject>-<action>-<nn>`, unique",
    "subject": "who moves",
    "gender": "female, male or neutral",
    "action": "what is done",
    "index": "number of the clip among those of this subject and action",
    "source": "procedural, amass or pybullet",
    "source_file": "file of the motion, or the procedural action",
    "frames": "frames of the clip (T)",
    "fps": "frames per second (Hz)",
    "source_fps": "frame rate of the source (Hz)",
    "split": "train, val or test; a subject has one",
    "seed": "seed of what is drawn for the clip",
    "betas_source": "where the shape comes from: drawn from the subject's seed, or the motion file",
    "variant_of": "the subject whose shape and motion this one has; itself, where it is no variant",
    "bmi_offset": "how far the shape is moved towards more mass at the same height (sd of the shape space)",
    "shard": "batch of its subject's clips, counted from 0, that one Blender draws",
}

EXPORTED_RESULTS = ("labels.npz", "cameras.json", "quality.json", "body.npz", "kinematics.mot")
INNER_RESULTS = (
    "motion.npz",
    "markers.trc",
    "held_out.trc",
    "keypoints.npz",
    "ik.json",
    "fit.json",
    "fidelity.json",
    "scene.json",
    "clothes.npz",
    "render.json",
)
PICTURES = ("overlay.mp4", "contact_sheet.png")
PREVIEWS = ("preview.mp4", "preview.png")
EXPORTED_SUBJECT_FILES = ("model.osim", "scales.json", "body.npz")
SUBJECT_FILES = (*EXPORTED_SUBJECT_FILES, "static.trc", "scaling.json", "fit.npz")
MANIFEST_COLUMNS = ("path", "bytes", "sha256")

CLIP_ARRAYS: Mapping[str, Sequence[ArraySpec]] = {
    "motion.npz": POSE_ARRAYS,
    "keypoints.npz": KEYPOINT_ARRAYS,
    "body.npz": POSE_ARRAYS,
    "labels.npz": LABEL_ARRAYS,
    "clothes.npz": CLOTHES_ARRAYS,
    BOXES: BOX_ARRAYS,
    CLOTH: CLOTH_ARRAYS,
}
SUBJECT_ARRAYS: Mapping[str, Sequence[ArraySpec]] = {"body.npz": SUBJECT_BODY_ARRAYS, "fit.npz": SUBJECT_FIT_ARRAYS}


def exported_clip_files(cameras: Sequence[str]) -> list[str]:
    """The files of a clip that a data set has."""
    return [*(f"{camera}.mp4" for camera in cameras), *(f"{camera}_mask.mkv" for camera in cameras), *EXPORTED_RESULTS]


def finished_clip_files(cameras: Sequence[str]) -> list[str]:
    """All files of a finished clip but its pictures and what only `render.outputs` asks for."""
    return [*exported_clip_files(cameras), *INNER_RESULTS]


def expand_cameras(specs: Sequence[ArraySpec], cameras: Sequence[str]) -> list[ArraySpec]:
    """Put each camera's name in the place of `<camera>`."""
    expanded: list[ArraySpec] = []
    for entry in specs:
        names = [entry.name.replace("<camera>", camera) for camera in cameras] if "<camera>" in entry.name else [""]
        expanded += [replace(entry, name=name or entry.name) for name in names]
    return expanded


def array_problems(
    arrays: Mapping[str, np.ndarray], specs: Sequence[ArraySpec], sizes: Mapping[str, int] | None = None
) -> list[str]:
    """What is wrong with the arrays of one .npz; one clause each, empty when all agree.

    Arrays beyond the specs are allowed. Values are checked where `valid` (if there is one) is true.

    Args:
        arrays: the file's arrays.
        specs: what is expected, cameras by their names (`expand_cameras`).
        sizes: known values of the symbols, for instance {"T": 24}; others are bound by their first array.
    """
    bound = dict(sizes or {})
    problems = []
    for entry in specs:
        if entry.name not in arrays:
            problems.append(f"lacks {entry.name}")
            continue
        array = arrays[entry.name]
        if array.dtype.kind not in KINDS[entry.kind]:
            problems.append(f"{entry.name} is of type {array.dtype}, {entry.kind} was expected")
        elif not shape_agrees(array.shape, entry.shape, bound):
            problems.append(
                f"{entry.name} has shape {list(array.shape)}, {shape_text(entry.shape, bound)} was expected"
            )
        elif not entry.may_be_nan and not finite_where_valid(array, entry, arrays.get("valid")):
            problems.append(f"{entry.name} holds NaN or infinite values in valid frames")
    return problems


def shape_agrees(shape: tuple[int, ...], wanted: tuple[str | int, ...], bound: dict[str, int]) -> bool:
    """Compare a shape; a symbol met for the first time takes the size found."""
    if len(shape) != len(wanted):
        return False
    return all(
        size == (bound.setdefault(part, size) if isinstance(part, str) else part) for size, part in zip(shape, wanted)
    )


def shape_text(wanted: tuple[str | int, ...], bound: Mapping[str, int]) -> str:
    """A shape as a reader wants it, for instance [T = 24, 22, 3]."""
    parts = [f"{part} = {bound[part]}" if isinstance(part, str) and part in bound else str(part) for part in wanted]
    return f"[{', '.join(parts)}]"


def finite_where_valid(array: np.ndarray, entry: ArraySpec, valid: np.ndarray | None) -> bool:
    """Whether all numbers are finite, frames that are not valid apart."""
    if array.dtype.kind != "f":
        return True
    per_frame = entry.shape[:1] == ("T",) and valid is not None and valid.shape == array.shape[:1]
    return bool(np.isfinite(array[valid] if per_frame else array).all())


def json_problems(content: Any, file_name: str) -> list[str]:
    """What the schema of one of JSON_FILES or of scene.json objects to; one clause each.

    Schemas are workflow/schemas/<stem>.schema.yaml; that of scene.json lies beside the code that draws it.
    """
    return schema_problems(
        content, SCENE_SCHEMA if file_name == SCENE_FILE else SCHEMAS / f"{Path(file_name).stem}.schema.yaml"
    )
