"""A run with all that the add-on shows, made without OpenSim: bones hang on the body's own joints, residuals are known."""

import json
import shutil
from pathlib import Path

import numpy as np
import torch

from odah_gen.body.layout import load_layout
from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.frames import world_to_ground
from odah_gen.run import Run
from odah_gen.skeleton.table import body_names, joint_names
from odah_gen.skeleton.trc import MarkerTrajectories, write_trc
from odah_gen.storage import read_json, write_json, write_npz
from tests.scene.scene_clip import CLIP, CONFIG, FRAMES

HALF, OLD, BLIND, MIXED = "s001-half-01", "s001-old-01", "s001-blind-01", "s001-mixed-01"
RESIDUAL_MM = np.array([2.0, 12.0, 7.0])
"""Of every marker, frame by frame; but of WORST in frame 1 it is FAR_MM, and LOST is not seen in frame 2."""
WORST, FAR_MM, LOST = 5, 41.0, 7
SCALES = (1.1, 0.9, 1.05)
STEMS = {
    "pelvis": "pelvis",
    "femur": "hip",
    "tibia": "knee",
    "patella": "knee",
    "talus": "ankle",
    "calcn": "ankle",
    "toes": "foot",
    "torso": "spine1",
    "humerus": "shoulder",
    "ulna": "elbow",
    "radius": "elbow",
    "hand": "wrist",
}
SIDES = {"": "", "r": "right_", "l": "left_"}
MODEL_FROM_BODY = np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]])
"""At rest: OpenSim's X forward, Y up, Z right in the body model's X left, Y up, Z forward."""
MASS_M = np.array([0.0, -0.08, 0.01])


def joints_of_bodies() -> list[int]:
    """The body model's joint on which each OpenSim body hangs."""
    parts = (name.partition("_") for name in body_names())
    return [JOINT_NAMES.index(SIDES[side] + STEMS[stem]) for stem, _, side in parts]


def kinematics(model: BodyModel, body: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Content of keypoints.npz for a motion, and `measured_m` [T, M, 3] beside it."""
    posed = pose_body(
        shape_body(model, torch.tensor(body["betas"])), torch.tensor(body["poses"]), torch.tensor(body["trans"])
    )
    joints, chosen = posed.joints.double().numpy(), joints_of_bodies()
    rotations = posed.rotations.double().numpy()[:, chosen] @ MODEL_FROM_BODY
    layout = load_layout().on(model)
    markers = posed.vertices.double().numpy()[:, layout.vertex_ids(model)]
    distance = np.repeat(RESIDUAL_MM[:, None], markers.shape[1], 1)
    distance[1, WORST] = FAR_MM
    measured = markers + distance[..., None] / 1000 * [0.0, 0.6, 0.8]
    measured[2, LOST] = np.nan
    return {
        "time_s": np.arange(FRAMES) / CONFIG["fps"],
        "joint_names": np.array(joint_names()),
        "body_names": np.array(body_names()),
        "marker_names": np.array(layout.names),
        "joint_centers_m": joints[:, chosen],
        "mass_centers_m": joints[:, chosen] + rotations @ MASS_M,
        "body_rotations": rotations,
        "markers_m": markers,
        "valid": np.ones(FRAMES, bool),
        "measured_m": measured,
    }


def write_shown(rendered: Run, folder: Path, model: BodyModel) -> dict[str, np.ndarray]:
    """Copy a rendered run of one clip to `folder`, finish it, add clips with something wrong; gives its kinematics."""
    shutil.copytree(rendered.folder, folder)
    clip, subject = folder / "clips" / CLIP, folder / "subjects" / "s001"
    arrays = kinematics(model, dict(np.load(clip / "body.npz")))
    subject.mkdir(parents=True)
    write_json(subject / "scales.json", dict.fromkeys(body_names(), SCALES))
    write_npz(subject / "body.npz", betas=np.zeros(16), gender=np.array("female"), model=np.array("free"))
    write_npz(clip / "keypoints.npz", **{name: array for name, array in arrays.items() if name != "measured_m"})
    names, measured = tuple(arrays["marker_names"]), world_to_ground(arrays["measured_m"])
    write_trc(clip / "markers.trc", MarkerTrajectories(names, arrays["time_s"], measured))
    write_json(clip / "quality.json", {"schema": 1, "verdict": "pass", "reasons": [], "ik": {"marker_rms_mm": 8.7}})
    (folder / "clips" / HALF).mkdir()
    for name in (OLD, BLIND, MIXED):
        shutil.copytree(clip, folder / "clips" / name)
    scene = read_json(folder / "clips" / OLD / "scene.json")
    (folder / "clips" / OLD / "scene.json").write_text(json.dumps(scene | {"schema": scene["schema"] - 1}))
    (folder / "clips" / BLIND / "side.mp4").unlink()
    short = {name: array[:-1] for name, array in arrays.items() if len(array) == FRAMES}
    write_npz(folder / "clips" / MIXED / "keypoints.npz", **arrays | short)
    return arrays


def write_data_set(shown: Path, folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """The files of a data set that the add-on reads, as export writes them: no scene, no markers as measured."""
    clip = folder / "clips" / CLIP
    shutil.copytree(shown / "subjects", folder / "subjects")
    clip.mkdir(parents=True)
    for name in (
        "config.yaml",
        *(f"clips/{CLIP}/{file}" for file in ("body.npz", "cameras.json", "quality.json", "front.mp4")),
    ):
        shutil.copy(shown / name, folder / name)
    left_out = ("body_rotations", "measured_m")
    labels = {name: array for name, array in arrays.items() if name not in left_out}
    write_npz(clip / "labels.npz", **labels, pelvis_rotation=arrays["body_rotations"][:, 0])
