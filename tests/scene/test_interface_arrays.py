"""What the add-on's panels rest on, without Blender: residuals, shapes, bones of OpenSim, shape and scene trials, pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from blender_addon.description import SceneError, read_description
from blender_addon.interface import residuals, shapes
from blender_addon.interface.osim_geometry import bone_meshes
from blender_addon.interface.png import write_png
from blender_addon.interface.point_cache import PointCache, read_point_cache
from blender_addon.interface.rendering_files import contact_sheet, pictures_of
from blender_addon.interface.scene_trial import (
    changed,
    finish_trial,
    snippet,
    start_trial,
    take_over,
    trial_folder,
    tried,
)
from blender_addon.interface.shape_trial import ShapeTrial, size
from blender_addon.subject import load_subject
from odah_gen.body.model import BodyModel
from odah_gen.body.volume import body_mass, mass_direction
from odah_gen.config import from_mapping, load_config, to_mapping
from odah_gen.run import Run
from odah_gen.scene.stage import check_scene
from odah_gen.storage import write_yaml
from tests.scene.scene_clip import CLIP


def test_classes_of_residuals() -> None:
    found = residuals.classes(np.array([0.0, 4.9, 5.0, 12.0, 29.9, 31.0, np.nan]))
    assert found.tolist() == [0, 0, 1, 2, 4, 5, -1]
    assert len(residuals.class_names()) == len(residuals.COLORS) == 6


def test_the_worst_frame_is_where_the_mean_is_largest() -> None:
    values = np.array([[1.0, 2], [np.nan, 9], [8, 8.5], [np.nan, np.nan]])
    means = residuals.frame_means(values)
    assert residuals.worst_frame(means) == 1
    assert residuals.worst_frame(means[3:]) == 0


def test_the_curve_rises_with_the_residual() -> None:
    picture = residuals.curve(np.linspace(0, 20, 50), 64)
    ink = np.isclose(picture, residuals.INK).all(2)
    heights = [np.flatnonzero(column).max() for column in ink.T if column.any()]
    assert heights == sorted(heights)
    assert heights[0] < 3
    assert heights[-1] > 55


def test_points_without_a_place_are_not_seen() -> None:
    centers = np.array([[[0.0, 1, 2], [np.nan, 0, 0]]])
    moving = shapes.points(centers)
    vertices = moving.vertices.reshape(2, 6, 3)
    assert np.allclose(vertices[0].mean(0), (0, 1, 2))
    assert np.ptp(vertices[1], axis=0).max() == 0


def test_a_tube_joins_its_ends_whichever_way_it_goes() -> None:
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(4, 5, 3)), rng.normal(size=(4, 5, 3))
    start[0, 0], end[0, 0] = 0, (0, 0, 1)
    tube = shapes.tube(start, end)
    assert np.allclose(tube[..., :3, :].mean(2), start)
    assert np.allclose(tube[..., 3:, :].mean(2), end)
    assert np.allclose(np.linalg.norm(tube[..., :3, :] - start[:, :, None], axis=-1), shapes.LINE_M)


def test_a_capsule_is_closed_and_faces_outward() -> None:
    vertices, faces = shapes.capsule(np.array([0.1, 0, 0]), np.array([0.3, 0.4, 0.2]), 0.05)
    edges = {tuple(edge) for face in faces.tolist() for edge in zip(face, (*face[1:], face[0]))}
    assert all((b, a) in edges for a, b in edges)
    first, second, third = (vertices[faces[:, corner]] for corner in range(3))
    assert np.einsum("fc,fc->", first, np.cross(second, third)) > 0


def test_contact_discs_stand_where_a_foot_is_near_the_floor() -> None:
    lowest = np.array([[[0.0, 0, 0.005], [1, 0, 0.1], [2, 0, -0.02], [3, 0, 0.3]]])
    discs = shapes.contact_discs(lowest).vertices[0].reshape(2, 4, 12, 3)
    seen = np.ptp(discs, axis=2).max(2) > 0.01
    assert seen.tolist() == [[True, False, False, False], [False, False, True, False]]
    assert np.allclose(discs[0, 0].mean(0)[:2], 0, atol=1e-9)


def test_a_point_cache_keeps_every_frame(tmp_path: Path) -> None:
    frames = np.random.default_rng(1).normal(size=(5, 7, 3)).astype(np.float32)
    with PointCache(tmp_path / "a" / "b.pc2", 7, 5) as file:
        file.write(frames[:2])
        file.write(frames[2:])
    assert np.array_equal(read_point_cache(tmp_path / "a" / "b.pc2"), frames)


def test_a_png_has_the_pixels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (5, 8, 3), np.uint8)
    write_png(tmp_path / "a.png", pixels)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), pixels)


def test_a_contact_sheet_has_a_row_for_each_camera() -> None:
    small, wide = np.full((2, 3, 3), 9, np.uint8), np.full((2, 5, 3), 7, np.uint8)
    sheet = contact_sheet([[small, small], [wide, wide]], border_px=1)
    assert sheet.shape == (6, 12, 3)
    assert (sheet[0, 4:7] == 9).all()
    assert (sheet[3:5, 6:11] == 7).all()


def test_lines_of_the_renderer_are_told_apart() -> None:
    lines = ["Fra:1 Mem", '{"event": "picture", "video": "front_mask", "frame": 1, "file": "m"}']
    lines.append('{"event": "picture", "video": "front", "frame": 1, "file": "f"}')
    assert pictures_of(lines) == [("front", 1, Path("f"))]
    with pytest.raises(SceneError, match="no camera"):
        pictures_of(['{"event": "error", "message": "there is no camera"}'])


MODEL = """<OpenSimDocument><Model><BodySet><objects><Body name="femur_r"><mass_center>0 -0.2 0</mass_center>
<attached_geometry><Mesh><mesh_file>femur.vtp</mesh_file><scale_factors>2 1 1</scale_factors></Mesh>
<Mesh><mesh_file>knee.obj</mesh_file></Mesh><Mesh><mesh_file>missing.vtp</mesh_file></Mesh></attached_geometry>
</Body></objects></BodySet></Model></OpenSimDocument>"""
VTP = """<VTKFile type="PolyData"><PolyData><Piece NumberOfPoints="4" NumberOfPolys="1"><Points>
<DataArray type="Float32" NumberOfComponents="3" format="ascii">0 0 0 1 0 0 1 1 0 0 1 0</DataArray></Points><Polys>
<DataArray Name="connectivity" format="ascii">0 1 2 3</DataArray><DataArray Name="offsets" format="ascii">4</DataArray>
</Polys></Piece></PolyData></VTKFile>"""


def test_bones_of_opensim_are_scaled_and_counted_from_the_mass_centre(tmp_path: Path) -> None:
    (tmp_path / "model.osim").write_text(MODEL)
    (tmp_path / "femur.vtp").write_text(VTP)
    (tmp_path / "knee.obj").write_text("v 0 0 0\nv 0 0 1\nv 0 1 0\nf 1/1 2/2 3/3\n")
    vertices, faces = bone_meshes(tmp_path / "model.osim", tmp_path)["femur_r"]
    assert np.allclose(vertices[:4], [[0, 0.2, 0], [2, 0.2, 0], [2, 1.2, 0], [0, 1.2, 0]])
    assert faces.tolist() == [[0, 1, 2], [0, 2, 3], [4, 5, 6]]
    (tmp_path / "femur.vtp").write_text(VTP.replace('format="ascii">0 0', 'format="binary">0 0'))
    with pytest.raises(SceneError, match="is no \\.vtp of text"):
        bone_meshes(tmp_path / "model.osim", tmp_path)


@pytest.fixture(scope="module")
def trial(run: Run) -> ShapeTrial:
    description = read_description(run.clip(CLIP) / "scene.json")
    betas = np.load(description.motion)["betas"]
    return ShapeTrial(load_subject(description), description.model, betas)


def test_mass_and_height_are_moved_as_the_pipeline_moves_them(trial: ShapeTrial, model: BodyModel, run: Run) -> None:
    assert np.allclose(trial.mass_direction, mass_direction(model, len(trial.mass_direction)), atol=1e-6)
    own = trial.betas([], 0, 0)
    (height, mass), heavy = size(trial.subject(own)), size(trial.subject(trial.betas([], 0, 1)))
    tall = size(trial.subject(trial.betas([], 0.05, 0)))
    assert heavy[0] == pytest.approx(height, abs=0.004)
    assert heavy[1] - mass == pytest.approx(body_mass(model, trial.betas([], 0, 1)) - body_mass(model, own), abs=0.3)
    assert tall[0] - height == pytest.approx(0.05, abs=0.004)
    assert trial.betas([0.5], 0, 0)[0] == pytest.approx(own[0] + 0.5)


def test_clothes_follow_the_tried_shape(trial: ShapeTrial) -> None:
    plain, heavy = (trial.subject(trial.betas([], 0, mass)) for mass in (0, 2))
    waist = np.argsort(np.abs(plain.garments["upper"].vertices[:, 1] - plain.garments["upper"].vertices[:, 1].min()))[
        :50
    ]
    moved = heavy.garments["upper"].vertices[waist] - plain.garments["upper"].vertices[waist]
    assert np.linalg.norm(moved, axis=1).mean() > 0.005


def test_a_changed_configuration_says_what_was_chosen(tmp_path: Path) -> None:
    write_yaml(tmp_path / "a.yaml", to_mapping(from_mapping({"seed": 1})))
    text = (tmp_path / "a.yaml").read_text()
    (tmp_path / "b.yaml").write_text(changed(text, 9, "living room"))
    found = load_config([tmp_path / "b.yaml"])
    assert (found.seed, list(found.room.kinds)) == (9, ["living room"])
    (tmp_path / "c.yaml").write_text(changed(changed(text, 9, "gym"), 3, ""))
    assert load_config([tmp_path / "c.yaml"]).room.kinds == found.room.kinds.__class__(["gym"])
    with pytest.raises(SceneError, match="no seed"):
        changed("run: x\n", 1, "")


@pytest.mark.parametrize("part", ["everything", "wardrobe", "room", "light"])
def test_a_tried_scene_has_one_part_anew_and_is_valid(run: Run, tmp_path: Path, part: str) -> None:
    (run.folder / "subjects" / "s001").mkdir(parents=True, exist_ok=True)
    start_trial(run.folder, CLIP, "s001", tmp_path / "trial", 7, "")
    place = tmp_path / "trial" / "clips" / CLIP
    old = json.loads((place / "scene.json").read_text())
    new = json.loads(json.dumps(old))
    new["materials"]["upper"]["color_linear"] = [0.5, 0.1, 0.1]
    new["materials"]["walls"]["color_linear"] = [0.1, 0.5, 0.1]
    new["lights"] = new["lights"][:1]
    (place / "scene.json").write_text(json.dumps(new))
    finish_trial(run.folder, CLIP, tmp_path / "trial", part)
    found = json.loads((place / "scene.json").read_text())
    check_scene(place / "scene.json", found)
    assert (found["materials"]["upper"] == new["materials"]["upper"]) == (part in ("everything", "wardrobe"))
    assert (found["materials"]["walls"] == new["materials"]["walls"]) == (part in ("everything", "room"))
    assert (len(found["lights"]) == 1) == (part != "wardrobe")
    assert read_description(place / "scene.json").frames == old["frames"]
    assert take_over(old, old, part)["materials"] == old["materials"]


def test_tried_light_hangs_in_the_room_that_stays(run: Run) -> None:
    old = json.loads((run.clip(CLIP) / "scene.json").read_text())
    new = json.loads(json.dumps(old))
    new["room"] = {"kind": "gym", "min_m": [-1.0, -2.0, 0.0], "max_m": [3.0, 2.0, 5.0]}
    new["lights"] = [{"position_m": [0.0, 1.0, 4.97], "size_m": [1, 1], "power_w": 100.0, "color_linear": [1, 1, 0.9]}]
    panel = {"shape": "box", "center_m": [0.0, 1.0, 4.99], "size_m": [1, 1, 0.02], "material": "lamp"}
    new["props"] = [{"name": "lamp", "shadow": False, "parts": [panel]}]
    found = take_over(old, new, "light")
    low, high = (np.array(old["room"][end]) for end in ("min_m", "max_m"))
    wanted = [*(low + (high - low) * [0.25, 0.75, 0])[:2], high[2] - 0.03]
    assert np.allclose(found["lights"][0]["position_m"], wanted)
    assert found["lights"][0]["power_w"] == pytest.approx(100 * np.prod((high - low)[:2]) / 16)
    lamps = [prop for prop in found["props"] if prop["name"] == "lamp"]
    assert [prop for prop in found["props"] if prop["name"] != "lamp"] == [
        prop for prop in old["props"] if prop["name"] != "lamp"
    ]
    assert np.allclose(lamps[0]["parts"][0]["center_m"], [*wanted[:2], high[2] - 0.01])
    assert (found["room"], found["materials"], found["cameras"]) == (old["room"], old["materials"], old["cameras"])


def test_a_trial_s_folder_tells_what_was_tried(run: Run, tmp_path: Path) -> None:
    folder = trial_folder(tmp_path, CLIP, "light", 5, "living room")
    assert tried(folder) == ("light", 5, "living room")
    assert tried(trial_folder(tmp_path, CLIP, "room", 0, "")) == ("room", 0, "")
    with pytest.raises(SceneError, match="shown already"):
        start_trial(run.folder, CLIP, "s001", run.folder, 5, "")


def test_the_snippet_is_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(snippet(CLIP, ("room", 4, "clinic"), 1.5, [0.1, 0.2]))
    found = load_config([tmp_path / "a.yaml"])
    assert (found.seed, list(found.room.kinds), list(found.shape.bmi_offsets)) == (4, ["clinic"], [0.0, 1.5])
    assert "no seed of its own" in snippet(CLIP, ("light", 4, "clinic"), 0, None)
    (tmp_path / "b.yaml").write_text(snippet(CLIP, None, 0, None))
    assert load_config([tmp_path / "b.yaml"]) == from_mapping({})
