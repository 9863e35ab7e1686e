"""Depth, normals and parts measure the scene that cameras.json describes."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
import torch

from blender_addon.description import read_description
from blender_addon.subject import Subject, load_subject, posed_vertices
from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.run import Run
from odah_gen.scene.cameras import Camera, project, read_cameras, to_camera
from odah_gen.scene.stage import write_scene
from odah_gen.storage import read_json
from tests.scene.blenders import EACH, run_lines
from tests.scene.scene_clip import CLIP, squat_run

DRAW = """
import json, sys
from pathlib import Path
import bpy, numpy as np
from blender_addon import description, guides, painter, scene_builder
told = description.read_description(Path(sys.argv[1]))
out = Path(sys.argv[2])
bpy.ops.wm.read_factory_settings(use_empty=True)
stage = scene_builder.build_stage(bpy.context.scene, told)
bpy.ops.mesh.primitive_uv_sphere_add(segments=64, ring_count=32, radius=0.3, location=json.loads(sys.argv[3]))
ball = bpy.context.object
ball.data.polygons.foreach_set("use_smooth", [True] * len(ball.data.polygons))
bpy.context.scene.collection.objects.unlink(ball)
stage.collection.objects.link(ball)
for name, camera in told.cameras.items():
    scene = scene_builder.new_mask_scene(stage.people.values())
    window = painter.body_window(stage, camera)
    mask = np.zeros((camera.height, camera.width), np.uint8)
    seen = painter.shoot(scene, camera, stage.cameras[name], window, 1, out / "shot.exr")
    mask[window.top : window.bottom, window.left : window.right] = seen[..., 0] > 0.5
    drawn = guides.Guides(stage, name, guides.KINDS, out / "shot.exr")
    np.savez(out / f"{name}.npz", mask=mask, **drawn.pictures(mask, window))
print(json.dumps("done"))
"""
BALL_M, RADIUS_M = np.array([0.0, -1.0, 1.0]), 0.3
FLAT_M, BALL_DEPTH_M = 0.001, 0.003
NORMAL_DEG = 2.0

Drawn = dict[str, tuple[Camera, Any]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, model: BodyModel) -> Run:
    """A run whose room has nothing on its floor."""
    made = squat_run(tmp_path_factory.mktemp("run"), model)
    room = dataclasses.replace(made.config.room, props=False)
    made = dataclasses.replace(made, config=dataclasses.replace(made.config, room=room))
    write_scene(made, CLIP)
    return made


@pytest.fixture(scope="module", params=EACH)
def drawn(request: pytest.FixtureRequest, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """For each camera what is measured of the squat's first frame, with a ball beside the person."""
    folder = tmp_path_factory.mktemp("guides")
    run_lines(request.param, DRAW, run.clip(CLIP) / "scene.json", folder, json.dumps(BALL_M.tolist()))
    cameras = read_cameras(run.clip(CLIP) / "cameras.json")
    return {name: (camera, np.load(folder / f"{name}.npz")) for name, camera in cameras.items()}


def pixel_rays(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """The camera's place, and the rays through all pixels with a depth of 1 m along them; world frame."""
    rows, columns = np.mgrid[: camera.height, : camera.width] + 0.5
    pixels = np.stack([columns, rows, np.ones(rows.shape)], axis=-1)
    return camera.position_m, pixels @ np.linalg.inv(camera.intrinsics).T @ camera.rotation


def ball_hits(camera: Camera) -> np.ndarray:
    """Depth (m) at which the ray of each pixel meets the ball; NaN where it does not, or nearly misses."""
    place, rays = pixel_rays(camera)
    a, b = (rays**2).sum(-1), (rays * (place - BALL_M)).sum(-1)
    root = b**2 - a * (((place - BALL_M) ** 2).sum() - RADIUS_M**2)
    hits = (-b - np.sqrt(np.where(root > 0, root, np.nan))) / a
    off_axis = np.linalg.norm(place + rays * hits[..., None] - BALL_M, axis=-1)
    near_rim = root < 0.3 * (a * RADIUS_M**2)
    assert np.allclose(off_axis[np.isfinite(off_axis)], RADIUS_M)
    return np.where(near_rim, np.nan, hits)


def test_depth_and_normals_of_a_ball(drawn: Drawn) -> None:
    for camera, found in drawn.values():
        hits = ball_hits(camera)
        on_ball = np.isfinite(hits) & (found["mask"] == 0)
        assert on_ball.sum() > 20
        assert np.abs(found["depth"][on_ball] / 1000 - hits[on_ball]).max() < BALL_DEPTH_M
        place, rays = pixel_rays(camera)
        wanted = (place + rays * hits[..., None] - BALL_M)[on_ball] / RADIUS_M
        normals = (found["normals"][on_ball].astype(float) - 128) / 127
        cosine = (normals * wanted).sum(-1) / np.linalg.norm(normals, axis=-1)
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < NORMAL_DEG


def test_depth_and_normals_of_the_floor(drawn: Drawn, run: Run) -> None:
    room = read_json(run.clip(CLIP) / "scene.json")["room"]
    for camera, found in drawn.values():
        place, rays = pixel_rays(camera)
        depth = -place[2] / np.where(rays[..., 2] < -1e-3, rays[..., 2], np.nan)
        met = place + rays * depth[..., None]
        inside = np.isfinite(depth) & (found["mask"] == 0) & np.isnan(ball_hits(camera))
        inside &= (np.array(room["min_m"])[:2] < met[..., :2]).all(-1) & (
            met[..., :2] < np.array(room["max_m"])[:2]
        ).all(-1)
        inside &= (found["normals"] == [128, 128, 255]).all(-1)
        assert inside.sum() > 100
        assert np.abs(found["depth"][inside] / 1000 - depth[inside]).max() < FLAT_M


def nearest_depths(camera: Camera, subject: Subject, pixels: np.ndarray) -> np.ndarray:
    """Depth (m) of the nearest face on the centre of each of some pixels [N, 2]; infinite where there is none."""
    faces = {"body": subject.body.faces[subject.visible]} | {n: g.faces for n, g in subject.garments.items()}
    vertices = posed_vertices(subject, 0)
    a, b, c = np.moveaxis(np.concatenate([to_camera(camera, vertices[name])[faces[name]] for name in vertices]), 1, 0)
    sides, normals = [np.cross(a, b), np.cross(b, c), np.cross(c, a)], np.cross(b - a, c - a)
    distances, found = (normals * a).sum(1), []
    for ray in np.column_stack([pixels + 0.5, np.ones(len(pixels))]) @ np.linalg.inv(camera.intrinsics).T:
        turns = np.stack([side @ ray for side in sides])
        met = (turns >= 0).all(0) | (turns <= 0).all(0)
        found.append(min(distances[met] / (normals[met] @ ray), default=np.inf))
    return np.array(found)


def test_depth_of_the_person_is_that_of_its_nearest_face(drawn: Drawn, run: Run) -> None:
    subject = load_subject(read_description(run.clip(CLIP) / "scene.json"))
    camera, found = drawn["front"]
    rows, columns = np.nonzero(found["mask"])
    chosen = np.random.default_rng(0).choice(len(rows), 200, replace=False)
    wanted = nearest_depths(camera, subject, np.column_stack([columns, rows])[chosen])
    assert np.isfinite(wanted).mean() > 0.97
    off = np.abs(found["depth"][rows, columns][chosen] / 1000 - wanted)
    assert np.percentile(off, 95) < 0.002
    assert np.median(off) < 0.0006


def test_parts_are_where_known_joints_are_seen(drawn: Drawn, run: Run, model: BodyModel) -> None:
    motion = np.load(run.clip(CLIP) / "body.npz")
    posed = pose_body(
        shape_body(model, torch.tensor(motion["betas"])),
        torch.tensor(motion["poses"][:1]),
        torch.tensor(motion["trans"][:1]),
    )
    joints = posed.joints[0].numpy()
    camera, found = drawn["front"]
    for name, segments in {
        "head": {"head", "neck", "jaw", "left_eye_smplhf", "right_eye_smplhf"},
        "left_knee": {"left_knee", "left_hip"},
        "right_knee": {"right_knee", "right_hip"},
        "left_ankle": {"left_ankle", "left_foot", "left_knee"},
        "right_ankle": {"right_ankle", "right_foot", "right_knee"},
    }.items():
        column, row = np.floor(project(camera, joints[JOINT_NAMES.index(name)])).astype(int)
        segment = int(found["parts"][row, column]) % 256
        assert JOINT_NAMES[segment - 1] in segments, name
    assert ((found["parts"] > 0) == (found["mask"] > 0)).all()
    assert {int(value) // 256 for value in np.unique(found["parts"])} >= {0, 1, 2, 3}
