"""A finished run in miniature: a jointed figure of capsules that glides over the floor, with real files of every kind.

The stages before `labels` are replaced by a known motion, so that labels and checks can be held against it.
"""

import shutil
from xml.etree import ElementTree

import ffmpeg
import imageio_ffmpeg
import numpy as np
import pandas as pd
import pytest
import torch
import trimesh
from PIL import Image, ImageDraw

from odah_gen.body.layout import load_layout
from odah_gen.body.model import JOINT_NAMES, load_body_model
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.config import Body, Camera, Config, to_mapping
from odah_gen.dataset.labels_stage import write_labels
from odah_gen.dataset.quality import FIDELITY_SECTIONS, IK_FACTS
from odah_gen.dataset.schema import CLOTHES_ARRAYS, SUBJECT_FIT_ARRAYS
from odah_gen.frames import WORLD_FROM_GROUND, WORLD_FROM_MODEL, matrix_to_rotvec
from odah_gen.paths import BLENDER_ADDON
from odah_gen.run import open_run
from odah_gen.scene.cameras import place_cameras, project, read_cameras, write_cameras
from odah_gen.skeleton.mot import write_mot
from odah_gen.skeleton.table import body_names, coordinate_names, joint_names
from odah_gen.skeleton.trc import MarkerTrajectories, write_trc
from odah_gen.storage import read_json, write_json, write_npz, write_yaml

FRAMES, FPS = 4, 12.0
GLIDE_M_PER_S = 0.12
CLIPS = {"s01-walking-00": ("s01", "train"), "s02-walking-00": ("s02", "test")}

# Joints of the figure at rest, in the body model's frame (X left, Y up, Z forward), metres; right side mirrored.
MIDDLE = {"pelvis": (0, 0.95, 0), "spine1": (0, 1.05, 0), "spine2": (0, 1.15, 0), "spine3": (0, 1.25, 0)}
MIDDLE |= {"neck": (0, 1.45, 0), "head": (0, 1.55, 0), "jaw": (0, 1.55, 0.05)}
LEFT = {"hip": (0.09, 0.9, 0), "knee": (0.1, 0.5, 0), "ankle": (0.1, 0.1, 0), "foot": (0.1, 0.05, 0.14)}
LEFT |= {"collar": (0.05, 1.4, 0), "shoulder": (0.18, 1.4, 0), "elbow": (0.42, 1.25, 0), "wrist": (0.64, 1.1, 0)}
PARENTS = {"spine1": "pelvis", "spine2": "spine1", "spine3": "spine2", "neck": "spine3", "head": "neck", "jaw": "head"}
PARENTS |= {"hip": "pelvis", "knee": "hip", "ankle": "knee", "foot": "ankle", "collar": "spine3"}
PARENTS |= {"shoulder": "collar", "elbow": "shoulder", "wrist": "elbow", "eye": "head"}
BONES = [("pelvis", "spine3", 0.12), ("spine3", "neck", 0.12), ("neck", "head", 0.08)]
BONES += [
    (f"{side}_{a}", f"{side}_{b}", radius)
    for side in ("left", "right")
    for a, b, radius in (
        ("hip", "knee", 0.07),
        ("knee", "ankle", 0.05),
        ("ankle", "foot", 0.05),
        ("shoulder", "elbow", 0.05),
        ("elbow", "wrist", 0.04),
    )
]
OPENSIM_JOINTS = {"ground_pelvis": "pelvis", "back": "spine1"}
OPENSIM_JOINTS |= {
    f"{name}_{side[0]}": f"{side}_{joint}"
    for side in ("left", "right")
    for name, joint in (
        ("hip", "hip"),
        ("walker_knee", "knee"),
        ("patellofemoral", "knee"),
        ("ankle", "ankle"),
        ("subtalar", "ankle"),
        ("mtp", "foot"),
        ("acromial", "shoulder"),
        ("elbow", "elbow"),
        ("radioulnar", "elbow"),
        ("radius_hand", "wrist"),
    )
}


def figure_joints():
    """Rest positions [55, 3] and parents of the figure; fingers and eyes lie on wrists and head."""
    positions, parents = [], []
    for name in JOINT_NAMES:
        side, _, part = name.partition("_")
        stem = part.rstrip("0123456789") if part else name
        known = {**MIDDLE, **LEFT}
        place = np.array(known.get(stem, MIDDLE["head"] if stem == "eye" else LEFT["wrist"]), dtype=float)
        positions.append(place * [-1 if side == "right" else 1, 1, 1])
        parent = PARENTS.get(stem, "wrist")
        parents.append(JOINT_NAMES.index(parent if parent in MIDDLE else f"{side}_{parent}") if name != "pelvis" else 0)
    return np.array(positions), np.array(parents)


def write_figure(folder):
    """A body model in SMPL-X's schema: one capsule per bone, each moved by its joint alone."""
    positions, parents = figure_joints()
    vertices, faces, weights = [], [], []
    for start, end, radius in BONES:
        ends = positions[[JOINT_NAMES.index(start), JOINT_NAMES.index(end)]]
        capsule = trimesh.creation.capsule(height=np.linalg.norm(ends[1] - ends[0]), radius=radius, count=[8, 8])
        turn = trimesh.geometry.align_vectors([0, 0, 1], ends[1] - ends[0])
        faces.append(capsule.faces + sum(map(len, vertices)))
        vertices.append(trimesh.transform_points(capsule.vertices, turn) + ends.mean(axis=0))
        weights.append(np.eye(55)[[JOINT_NAMES.index(start)] * len(capsule.vertices)])
    vertices = np.concatenate(vertices)
    regressor = np.linalg.lstsq(np.c_[vertices, np.ones(len(vertices))].T, np.c_[positions, np.ones(55)].T, rcond=None)[
        0
    ].T
    folder.mkdir(parents=True)
    write_npz(
        folder / "SMPLX_NEUTRAL.npz",
        v_template=vertices,
        f=np.concatenate(faces),
        weights=np.concatenate(weights),
        J_regressor=regressor,
        shapedirs=np.ones((len(vertices), 3, 1)) * 1e-9,
        posedirs=np.zeros((len(vertices), 3, 486)),
        kintree_table=np.stack([parents, np.arange(55)]),
    )


def figure_motion():
    """The figure stands upright with its sides along world Y and glides along X, its soles on the floor."""
    poses = np.zeros((FRAMES, 165))
    poses[:, :3] = matrix_to_rotvec(WORLD_FROM_MODEL)
    trans = np.tile([0.0, -0.95, 0.95], (FRAMES, 1))
    trans[:, 0] += np.arange(FRAMES) / FPS * GLIDE_M_PER_S
    return poses, trans


def blank_arrays(specs):
    """Zeros and empty texts of the specified shapes, every symbol being 1."""
    types = {"float": float, "number": float, "int": int, "bool": bool, "text": "U1"}
    return {
        entry.name: np.zeros([size if isinstance(size, int) else 1 for size in entry.shape], types[entry.kind])
        for entry in specs
    }


def write_subject(folder, scales):
    """model.osim (bodies and coordinates alone), scales.json and body.npz."""
    root = ElementTree.Element("OpenSimDocument", Version="40600")
    for body in body_names():
        ElementTree.SubElement(root, "Body", name=body)
    for name in coordinate_names():
        entry = ElementTree.SubElement(root, "Coordinate", name=name)
        ElementTree.SubElement(entry, "range").text = "0 2" if name.startswith("knee") else "-1 1"
        ElementTree.SubElement(entry, "clamped").text = "false" if name.startswith(("pelvis", "arm")) else "true"
        ElementTree.SubElement(entry, "locked").text = str(name.startswith("mtp")).lower()
    folder.mkdir(parents=True)
    ElementTree.ElementTree(root).write(folder / "model.osim")
    write_json(folder / "scales.json", {body: list(row) for body, row in zip(body_names(), scales.tolist())})
    write_npz(folder / "body.npz", betas=np.zeros(1), gender=np.array("neutral"), model=np.array("SMPLX_NEUTRAL"))
    write_npz(folder / "fit.npz", **blank_arrays(SUBJECT_FIT_ARRAYS))
    write_json(folder / "scaling.json", {})
    write_trc(folder / "static.trc", MarkerTrajectories(("C7",), np.zeros(1), np.ones((1, 1, 3))))


def figure_coordinates():
    """Coordinates that agree with the figure's pelvis; the right knee rests at the end of its range."""
    values = np.zeros((FRAMES, len(coordinate_names())))
    names = list(coordinate_names())
    values[:, names.index("knee_angle_l")] = np.linspace(0.2, 0.6, FRAMES)
    values[:, names.index("pelvis_ty")] = 0.95
    values[:, names.index("pelvis_tx")] = np.arange(FRAMES) / FPS * GLIDE_M_PER_S
    return values


def write_kinematics(folder, joints, vertices):
    """keypoints.npz, kinematics.mot, markers.trc and held_out.trc of the known motion."""
    centers = joints[:, [JOINT_NAMES.index(OPENSIM_JOINTS[name]) for name in joint_names()]]
    rotations = np.tile(WORLD_FROM_GROUND, (FRAMES, len(body_names()), 1, 1))
    layout = load_layout()
    spread = np.linspace(0, vertices.shape[1] - 1, len(layout.names)).astype(int)
    markers, time_s = vertices[:, spread], np.arange(FRAMES) / FPS
    values = figure_coordinates()
    write_npz(
        folder / "keypoints.npz",
        time_s=time_s,
        coordinate_names=np.array(coordinate_names()),
        coordinates=values,
        body_names=np.array(body_names()),
        joint_names=np.array(joint_names()),
        marker_names=np.array(layout.names),
        joint_centers_m=centers,
        mass_centers_m=centers + np.array([0, 0, 0.01]),
        markers_m=markers,
        body_rotations=rotations,
        marker_error_m=np.full(markers.shape[:2], 0.007),
        valid=np.ones(FRAMES, dtype=bool),
    )
    write_mot(folder / "kinematics.mot", coordinate_names(), time_s, values)
    for name in ("markers.trc", "held_out.trc"):
        write_trc(folder / name, MarkerTrajectories(tuple(layout.names), time_s, markers @ WORLD_FROM_GROUND))


def draw_silhouette(camera, vertices, faces):
    """A gray picture [height, width]: 255 where any triangle falls."""
    picture = Image.new("L", (camera.width, camera.height))
    draw = ImageDraw.Draw(picture)
    for triangle in project(camera, vertices)[faces]:
        draw.polygon([tuple(corner) for corner in triangle], fill=255)
    return np.array(picture)


def encode(path, frames, **options):
    """Write frames [T, height, width(, 3)] as a video."""
    height, width = frames[0].shape[:2]
    layout = "gray" if frames[0].ndim == 2 else "rgb24"
    source = ffmpeg.input("pipe:", format="rawvideo", pix_fmt=layout, s=f"{width}x{height}", r=FPS)
    job = source.output(str(path), **options).overwrite_output()
    job.run(cmd=imageio_ffmpeg.get_ffmpeg_exe(), input=np.array(frames).tobytes(), quiet=True)


def write_pictures(folder, vertices, faces):
    """Masks and videos from all cameras."""
    for name, camera in read_cameras(folder / "cameras.json").items():
        masks = [draw_silhouette(camera, points, faces) for points in vertices]
        encode(folder / f"{name}_mask.mkv", masks, vcodec="ffv1", pix_fmt="gray")
        colored = [np.stack([mask, mask // 2, 60 + mask // 2], axis=-1) for mask in masks]
        encode(folder / f"{name}.mp4", colored, vcodec="libx264", pix_fmt="yuv420p")


def smallest(schema, root):
    """A small value that a JSON schema accepts: every required entry, and nothing that bounds forbid."""
    if "$ref" in schema:
        return smallest(root["$defs"][schema["$ref"].split("/")[-1]], root)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if schema["type"] == "object":
        known, other = schema.get("properties", {}), schema.get("additionalProperties")
        return {name: smallest(known.get(name, other), root) for name in schema.get("required", [])}
    if schema["type"] == "array":
        return [smallest(schema["items"], root)] * schema.get("minItems", 0)
    return {"string": "x", "boolean": True, "integer": 1, "number": 0.5}[schema["type"]]


def write_scene_files(folder):
    """scene.json and clothes.npz: as little as their specs allow."""
    schema = read_json(BLENDER_ADDON / "scene.schema.json")
    write_json(folder / "scene.json", smallest(schema, schema))
    write_npz(folder / "clothes.npz", **blank_arrays(CLOTHES_ARRAYS))


def write_clip(run, clip_id):
    """Every file of a clip up to the render stage."""
    folder = run.clip(clip_id)
    model = load_body_model(next((run.folder / "model").glob("*.npz")))
    poses, trans = figure_motion()
    posed = pose_body(shape_body(model, torch.zeros(1)), torch.tensor(poses), torch.tensor(trans))
    vertices, joints = posed.vertices.double().numpy(), posed.joints.double().numpy()
    motion = {
        "poses": poses,
        "trans": trans,
        "betas": np.zeros(1),
        "gender": np.array("neutral"),
        "mocap_frame_rate": np.array(FPS),
        "surface_model_type": np.array("smplx"),
        "time_s": np.arange(FRAMES) / FPS,
        "source_frame": np.arange(FRAMES, dtype=float),
        "source_rate_hz": np.array(FPS),
        "source_file": np.array("figure"),
        "source_scale": np.array(1.0),
        "world_from_source": np.eye(4),
    }
    write_npz(folder / "motion.npz", **motion)
    write_npz(folder / "body.npz", **motion)
    write_kinematics(folder, joints, vertices)
    generator = run.generator(clip_id, "camera")
    cameras = place_cameras(run.config.camera, vertices.reshape(-1, 3), lambda name: generator)
    write_cameras(folder / "cameras.json", FPS, cameras)
    write_pictures(folder, vertices, model.faces)
    write_scene_files(folder)
    fit = dict(joint_center_mean_mm=4.0, joint_center_p95_mm=9.0, marker_mean_mm=5.0, source_vertex_mean_mm=3.0)
    write_json(folder / "fit.json", fit)
    write_json(folder / "fidelity.json", blank_fidelity())
    write_json(
        folder / "ik.json", dict.fromkeys(IK_FACTS) | {"engine": "fast", "opensim_frames": 0, "opensim_restarts": 0}
    )
    render = dict(seconds_per_frame=0.5, engine="eevee", device="none", samples=1, blender="5.0.1")
    write_json(folder / "render.json", render)


def blank_fidelity():
    """fidelity.json of a clip whose body shows its label, for a model that only OpenSim can move."""
    centers = {"mean_mm": 4.0, "p95_mm": 9.0, "leg_worst_mm": 3.0, "leg_worst_joint": "hip_r", "per_joint_mm": {}}
    return dict.fromkeys((*FIDELITY_SECTIONS, "frame_angle_deg", "frame_held_out_mm")) | {
        "joint_centers": centers,
        "landmarks": centers,
        "markers": {"fitted_rms_mm": 3.0, "source_rms_mm": 4.0},
        "frame_joint_center_mm": [4.0] * FRAMES,
    }


def catalogue():
    """clips.parquet of the miniature run."""
    rows = [
        {
            "clip_id": clip_id,
            "subject": subject,
            "gender": "neutral",
            "action": "walking",
            "index": 0,
            "source": "procedural",
            "source_file": "figure",
            "frames": FRAMES,
            "fps": FPS,
            "source_fps": FPS,
            "split": split,
            "seed": 1,
            "betas_source": "drawn",
            "variant_of": subject,
            "bmi_offset": 0.0,
            "shard": 0,
        }
        for clip_id, (subject, split) in CLIPS.items()
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def unlabelled_run(tmp_path_factory):
    """The miniature run up to the render stage."""
    folder = tmp_path_factory.mktemp("results") / "mini"
    write_figure(folder / "model")
    config = Config(run="mini", fps=FPS, body=Body(str(folder / "model"), 1), camera=Camera(width=120, height=80))
    write_yaml(folder / "config.yaml", to_mapping(config))
    catalogue().to_parquet(folder / "clips.parquet")
    run = open_run(folder)
    for number, (clip_id, (subject, _)) in enumerate(CLIPS.items()):
        write_subject(run.subject(subject), np.full((22, 3), 1 + 0.1 * number))
        write_clip(run, clip_id)
    return run


@pytest.fixture(scope="session")
def finished_run(unlabelled_run):
    """The miniature run with labels and quality; tests must not change it."""
    for clip_id in CLIPS:
        write_labels(unlabelled_run, clip_id)
    return unlabelled_run


@pytest.fixture
def run_copy(finished_run, tmp_path):
    """A copy of the finished run that a test may break."""
    folder = tmp_path / "mini"
    shutil.copytree(finished_run.folder, folder)
    return open_run(folder)
