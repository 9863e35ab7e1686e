"""The add-on in Blender: every operator on a rendered run, and what is seen against the files."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from blender_addon.description import read_description
from blender_addon.subject import load_subject, posed_vertices
from odah_gen.body.model import BodyModel
from odah_gen.paths import ROOT
from odah_gen.run import Run
from odah_gen.scene.addon_command import build_addon
from odah_gen.scene.cameras import project, read_cameras
from odah_gen.scene.render_stage import render_clip
from odah_gen.scene.stage import write_scene
from tests.scene.blenders import EACH, run_lines
from tests.scene.scene_clip import CLIP, FRAMES, squat_run
from tests.scene.shown_run import BLIND, HALF, MIXED, OLD, SCALES, WORST, write_data_set, write_shown

CAMERAS = ("front", "side")
EXACT_M, EXACT_PX = 1e-4, 0.25
SAME_PICTURE_DB = 25.0
SHOWN = (
    "body",
    "upper",
    "lower",
    "shoes",
    "skeleton",
    "joint centres",
    "mass centres",
    "measured markers",
    "residuals",
)
POINTS_M = np.array([[0.0, 0, 1], [0.3, -0.2, 0.4], [-0.4, 0.5, 1.6], [0.1, 0.1, 0.0]])

PRESS = """
import json, os, sys
from pathlib import Path
import bpy, addon_utils, numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

run, data_set, out, names, points = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), *map(json.loads, sys.argv[4:6])
told, arrays = {}, {}
bpy.ops.wm.read_factory_settings(use_empty=True)
addon_utils.enable("odah", default_set=True)
addon_utils.disable("odah")
addon_utils.enable("odah", default_set=True)
from odah.interface import owned, showing
bpy.context.preferences.addons["odah"].preferences.program = sys.argv[9]
scene, ops = bpy.context.scene, bpy.ops.odah
settings = scene.odah
count = lambda: {kind: len(getattr(bpy.data, kind)) for kind in owned.KINDS}
look = lambda: [scene.frame_start, scene.frame_end, scene.render.fps, scene.render.resolution_x, scene.world is None]

def press(operator, **options):
    try:
        return sorted(operator(**options))
    except RuntimeError as error:
        return str(error)

def choose(clip):
    settings.chosen = [item.name for item in settings.clips].index(clip)

def evaluated(name):
    graph = bpy.context.evaluated_depsgraph_get()
    item = bpy.data.objects[name].evaluated_get(graph)
    mesh = item.to_mesh()
    vertices = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", vertices)
    return vertices.reshape(-1, 3)

before, told["look"] = count(), look()
settings.folder = str(out / "nothing")
told["no folder"] = settings.message
settings.folder = str(out)
told["no run"] = settings.message
settings.folder = str(run)
told["list"] = [[item.name, item.subject, item.verdict, item.frames, item.residual_mm] for item in settings.clips]
for clip in json.loads(sys.argv[6]):
    choose(clip)
    told[clip] = press(ops.load)
    told[clip + " message"] = settings.message
told["left after errors"] = {kind: n for kind, n in count().items() if n != before[kind]}
told["look after errors"] = look()
for clip in json.loads(sys.argv[7]):
    choose(clip)
    told["load"] = press(ops.load)
told["clips"] = [clip.name for clip in owned.loaded_clips()]
told["unload one"] = press(ops.unload, clip="ODAH " + json.loads(sys.argv[8]))
told["then shown"], told["notes"] = settings.active, showing.active_clip(bpy.context)["odah_notes"]
told["next"] = press(ops.step_clip)
while showing.active_clip(bpy.context)["odah_clip_id"] != json.loads(sys.argv[8]):
    press(ops.step_clip)
clip = showing.active_clip(bpy.context)
told["clips after steps"], told["facts"] = len(owned.loaded_clips()), [clip["odah_worst"], clip["odah_worst_marker"]]
told["time"] = [scene.frame_start, scene.frame_end, scene.render.fps / scene.render.fps_base]
settings.show_joint_centres = settings.show_mass_centres = settings.show_floor_contact = True
for frame in range(scene.frame_end + 1):
    scene.frame_set(frame)
    for name in names:
        arrays[f"{name} {frame}"] = evaluated(name)
arrays["classes"] = np.array([face.material_index for face in bpy.data.objects["residuals"].data.polygons])
arrays["residual faces"] = np.array([list(face.vertices) for face in bpy.data.objects["residuals"].data.polygons])
for name in showing.cameras_of(clip):
    press(ops.look_through, camera=name)
    size = np.array([scene.render.resolution_x, scene.render.resolution_y])
    view = np.array([world_to_camera_view(scene, scene.camera, Vector(point)) for point in points])[:, :2]
    arrays["view " + name] = size * [1, -1] * view + [0, size[1]]
    background = scene.camera.data.background_images[0]
    told["video " + name] = [Path(background.clip.filepath).name, background.clip.frame_start, background.clip.frame_duration]
told["no camera"] = press(ops.look_through, camera="rear")
told["worst"] = [press(ops.worst_frame), scene.frame_current]
material = bpy.data.objects["residuals"].data.materials
colors = lambda: len({tuple(each.diffuse_color) for each in material})
told["colours"] = [colors()]
settings.color_by_residual = False
told["colours"].append(colors())
settings.show_body = False
told["hidden"] = [part.hide_viewport for part in clip.children if part["odah_kind"] == "body"]
settings.pictures, settings.sheet_frames = str(out), 2
told["still"], told["still message"] = press(ops.render_picture), settings.message
told["sheet"], told["sheet message"] = press(ops.render_picture, sheet=True), settings.message
told["unload"] = press(ops.unload)
told["left"] = {kind: n for kind, n in count().items() if n != before[kind]}
told["look after"] = look()
settings.folder, settings.show_body = str(data_set), True
told["data set"] = press(ops.load)
told["data set notes"] = showing.active_clip(bpy.context)["odah_notes"]
told["data set worst"] = press(ops.worst_frame)
scene.frame_set(1)
arrays["data set body"], arrays["data set skeleton"] = evaluated("body"), evaluated("skeleton")
told["data set still"] = press(ops.render_picture)
press(ops.unload)
addon_utils.disable("odah")
told["registered"] = hasattr(bpy.types.Scene, "odah")
np.savez(out / "arrays.npz", **arrays)
print(json.dumps(told))
"""

UNDO = """
import json, os, sys
import bpy, addon_utils, numpy as np

bpy.ops.wm.read_factory_settings(use_empty=True)
addon_utils.enable("odah", default_set=True)
from odah.interface import owned
ops, edit, told = bpy.ops.odah, bpy.ops.ed, []

def tell():
    scene = bpy.context.scene
    clips = [clip.name for clip in owned.loaded_clips()]
    blocks = sum(owned.OWNER in block for block in owned.datablocks())
    moved = 0.0
    if clips:
        scene.frame_set(2)
        graph = bpy.context.evaluated_depsgraph_get()
        vertices = bpy.data.objects["body"].evaluated_get(graph).data.vertices
        moved = max((vertex.co - still.co).length for vertex, still in zip(vertices, bpy.data.objects["body"].data.vertices))
    told.append([clips, scene.odah.active, scene.frame_end, scene.odah.show_body, blocks, moved])

edit.undo_push(message="start")
bpy.context.scene.odah.folder = sys.argv[1]
bpy.context.scene.odah.chosen = [item.name for item in bpy.context.scene.odah.clips].index(sys.argv[2])
tell()
edit.undo_push(message="folder")
ops.load()
tell()
edit.undo_push(message="load")
bpy.context.scene.odah.show_body = False
edit.undo_push(message="hide")
edit.undo()
tell()
edit.undo()
tell()
edit.redo()
tell()
ops.unload()
tell()
edit.undo_push(message="unload")
edit.undo()
tell()
bpy.context.scene.odah.mass_sd = 2.0
edit.undo_push(message="heavier")
edit.undo()
tell()
edit.redo()
ops.unload()
tell()
print(json.dumps(told))
"""

FAREWELL = """
if bpy.app.version[:2] == (4, 2):
    sys.stdout.flush()
    os._exit(0)  # 4.2 as a module crashes when Python ends, wherever a property has had an update function
"""


class Pressed:
    """What a Blender with the installed add-on told and showed, and the run that it was given."""

    def __init__(self, blender: str, folder: Path, rendered: Run, model: BodyModel) -> None:
        self.blender, self.out, self.run = blender, folder / "out", folder / "run"
        self.known = write_shown(rendered, self.run, model)
        write_data_set(self.run, folder / "set", self.known)
        self.out.mkdir()
        with zipfile.ZipFile(build_addon(folder)) as archive:
            archive.extractall(folder / "user" / "scripts" / "addons")
        self.installed = {"BLENDER_USER_RESOURCES": str(folder / "user")}
        words = (list(SHOWN), POINTS_M.tolist(), [HALF, OLD, MIXED], [CLIP, BLIND], CLIP)
        self.told: dict[str, Any] = run_lines(
            blender,
            PRESS + FAREWELL,
            *(self.run, folder / "set", self.out),
            *map(json.dumps, words),
            ROOT,
            **self.installed,
        )
        self.arrays = np.load(self.out / "arrays.npz")
        self.subject = load_subject(read_description(self.run / "clips" / CLIP / "scene.json"))

    def shown(self, name: str, frame: int) -> np.ndarray:
        return self.arrays[f"{name} {frame}"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory, model: BodyModel) -> Run:
    """A run of one clip, drawn by Workbench: that is fast without a GPU."""
    made = squat_run(tmp_path_factory.mktemp("drawn") / "run", model, render={"engine": "workbench"})
    write_scene(made, CLIP)
    render_clip(made, CLIP, lambda _: None)
    return made


@pytest.fixture(scope="module", params=EACH)
def pressed(
    request: pytest.FixtureRequest, drawn: Run, model: BodyModel, tmp_path_factory: pytest.TempPathFactory
) -> Pressed:
    return Pressed(request.param, tmp_path_factory.mktemp("pressed"), drawn, model)


def test_the_list_tells_verdict_frames_and_residual(pressed: Pressed) -> None:
    entries = {name: rest for name, *rest in pressed.told["list"]}
    assert entries[CLIP][:3] == ["s001", "pass", FRAMES]
    assert entries[CLIP][3] == pytest.approx(8.7, abs=1e-5)
    assert entries[HALF] == ["s001", "", 0, -1.0]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("no folder", "is no folder"),
        ("no run", "neither a run nor a data set"),
        (f"{HALF} message", "half finished"),
        (f"{OLD} message", "is no scene of schema"),
        (f"{MIXED} message", "Run the fit stage of this clip again"),
        ("no camera", "there are front, side"),
        ("data set worst", "holds no measured markers"),
        ("data set still", "nothing to render"),
    ],
)
def test_bad_input_gives_one_sentence(pressed: Pressed, case: str, words: str) -> None:
    assert words in pressed.told[case]
    assert "Traceback" not in pressed.told[case]


def test_what_is_missing_is_noted_and_the_rest_is_shown(pressed: Pressed) -> None:
    assert pressed.told["load"] == ["FINISHED"]
    assert pressed.told["clips"] == [f"ODAH {BLIND}", f"ODAH {CLIP}"]
    assert pressed.told["then shown"] == f"ODAH {BLIND}"
    assert pressed.told["notes"] == "side.mp4 is missing; render the clip to see it."
    assert "no clothes" in pressed.told["data set notes"]
    assert "side.mp4 is missing" in pressed.told["data set notes"]


def test_the_next_clip_takes_the_place_of_the_one_before(pressed: Pressed) -> None:
    assert pressed.told["clips after steps"] == 1
    assert pressed.told["time"] == [0, FRAMES - 1, 12]


@pytest.mark.parametrize("frame", range(FRAMES))
def test_body_and_clothes_are_where_the_renderer_puts_them(pressed: Pressed, frame: int) -> None:
    for name, vertices in posed_vertices(pressed.subject, frame).items():
        if name in SHOWN:
            assert np.abs(pressed.shown(name, frame)[: len(vertices)] - vertices).max() < EXACT_M, name


@pytest.mark.parametrize("frame", range(FRAMES))
def test_points_are_where_the_files_say(pressed: Pressed, frame: int) -> None:
    names = {"joint centres": "joint_centers_m", "mass centres": "mass_centers_m", "measured markers": "measured_m"}
    for name, key in names.items():
        middles, wanted = pressed.shown(name, frame).reshape(-1, 6, 3).mean(1), pressed.known[key][frame]
        seen = np.isfinite(wanted).all(1)
        assert np.abs(middles[seen] - wanted[seen]).max() < EXACT_M, name
        assert np.ptp(pressed.shown(name, frame).reshape(-1, 6, 3)[~seen], axis=1).max(initial=0) == 0


@pytest.mark.parametrize("frame", range(FRAMES))
def test_bones_reach_from_joint_to_joint(pressed: Pressed, frame: int) -> None:
    bodies, joints = pressed.known["body_names"].tolist(), pressed.known["joint_centers_m"][frame]
    bones = pressed.shown("skeleton", frame).reshape(len(bodies), -1, 3)
    for bone, following in (("femur_r", "tibia_r"), ("tibia_l", "talus_l"), ("humerus_r", "ulna_r")):
        ends = bones[bodies.index(bone)][[0, -1]]
        assert np.abs(ends - joints[[bodies.index(bone), bodies.index(following)]]).max() < EXACT_M


def test_bones_are_as_thick_as_their_scale_factors_say(pressed: Pressed) -> None:
    body = pressed.known["body_names"].tolist().index("tibia_r")
    local = (pressed.shown("skeleton", 0).reshape(22, -1, 3)[body] - pressed.known["mass_centers_m"][0, body]) @ (
        pressed.known["body_rotations"][0, body]
    )
    across = np.ptp(local / SCALES, axis=0)
    assert across[0] == pytest.approx(across[2], rel=0.12)


def test_residual_lines_join_model_and_measured_markers_in_the_class_s_colour(pressed: Pressed) -> None:
    faces, classes = pressed.arrays["residual faces"], pressed.arrays["classes"]
    for frame, wanted in enumerate(({0}, {2, 5}, {1})):
        vertices = pressed.shown("residuals", frame)
        seen = np.linalg.norm(vertices[faces[:, 0]] - vertices[faces[:, 1]], axis=1) > 1e-6
        assert set(classes[seen]) == wanted
    measured = pressed.known["measured_m"][1, WORST]
    assert np.linalg.norm(pressed.shown("residuals", 1) - measured, axis=1).min() < 0.004


@pytest.mark.parametrize("camera", CAMERAS)
def test_a_camera_s_view_is_that_of_cameras_json(pressed: Pressed, camera: str) -> None:
    wanted = project(read_cameras(pressed.run / "clips" / CLIP / "cameras.json")[camera], POINTS_M)
    assert np.abs(pressed.arrays[f"view {camera}"] - wanted).max() < EXACT_PX
    assert pressed.told[f"video {camera}"] == [f"{camera}.mp4", 0, FRAMES]


def test_worst_frame_and_colours(pressed: Pressed) -> None:
    assert pressed.told["worst"] == [["FINISHED"], 1]
    name = pressed.known["marker_names"][WORST]
    assert pressed.told["facts"] == [1, f"{name} 41.0 mm"]
    assert pressed.told["colours"] == [6, 1]
    assert pressed.told["hidden"] == [True]


def test_pictures_are_those_of_the_pipeline(pressed: Pressed) -> None:
    assert pressed.told["still"] == ["FINISHED"], pressed.told["still message"]
    for camera in CAMERAS:
        picture = np.asarray(Image.open(pressed.out / f"{CLIP}_{camera}_000001.png")).astype(float)
        assert str(pressed.out) in pressed.told["still message"]
        with av.open(str(pressed.run / "clips" / CLIP / f"{camera}.mp4")) as container:
            video = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        if pressed.blender == EACH[0]:
            assert 10 * np.log10(255**2 / np.mean((picture - video[1]) ** 2)) > SAME_PICTURE_DB
        assert picture.shape == video[1].shape
    sheet = Image.open(pressed.out / f"{CLIP}_sheet.png")
    assert sheet.size == (2 * 124, 2 * 84)


def test_a_data_set_shows_body_and_skeleton(pressed: Pressed) -> None:
    assert pressed.told["data set"] == ["FINISHED"]
    assert np.abs(pressed.arrays["data set body"] - posed_vertices(pressed.subject, 1)["body"]).max() < EXACT_M
    bodies = pressed.known["body_names"].tolist()
    ends = pressed.arrays["data set skeleton"].reshape(len(bodies), -1, 3)[bodies.index("femur_l")][[0, -1]]
    wanted = pressed.known["joint_centers_m"][1, [bodies.index("femur_l"), bodies.index("tibia_l")]]
    assert np.abs(ends - wanted).max() < EXACT_M


def test_nothing_stays_behind(pressed: Pressed) -> None:
    assert pressed.told["left after errors"] == {}
    assert pressed.told["left"] == {}
    assert pressed.told["look after errors"] == pressed.told["look after"] == pressed.told["look"]
    assert not pressed.told["registered"]


def test_undo_and_redo_leave_a_clip_whole_or_gone(pressed: Pressed) -> None:
    told = run_lines(pressed.blender, UNDO + FAREWELL, pressed.run, CLIP, **pressed.installed)
    listed, loaded, shown_again, load_undone, load_redone, unloaded, unload_undone, lighter, gone = told
    assert listed[0] == load_undone[0] == unloaded[0] == gone[0] == []
    assert [state[4] for state in (listed, load_undone, unloaded, gone)] == [0, 0, 0, 0]
    assert listed[2] == load_undone[2] == unloaded[2] == gone[2] == 250
    for state in (loaded, shown_again, load_redone, unload_undone, lighter):
        assert state[:3] == [[f"ODAH {CLIP}"], f"ODAH {CLIP}", FRAMES - 1]
        assert state[4:] == pytest.approx(loaded[4:])
    assert loaded[5] > 0.05
    assert shown_again[3]


def test_zip_is_repeatable_and_complete(tmp_path: Path) -> None:
    first = build_addon(tmp_path / "a").read_bytes()
    os.utime(build_addon(tmp_path / "b"), (0, 0))
    assert first == (tmp_path / "b" / "odah-addon.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a" / "odah-addon.zip") as archive:
        names = set(archive.namelist())
        assert {"odah/__init__.py", "odah/blender_manifest.toml", "odah/LICENSE", "odah/interface/panels.py"} <= names
        assert b"GNU GENERAL PUBLIC LICENSE" in archive.read("odah/LICENSE")
        assert json.loads(archive.read("odah/scene.schema.json"))["title"]
