"""Clothes cover the body, on several shapes and poses, and on a body without tights."""

from pathlib import Path

import numpy as np
import pytest
import trimesh

from blender_addon.description import read_description
from blender_addon.subject import Subject, load_subject, posed_vertices
from odah_gen.body.model import JOINT_NAMES, BodyModel, load_body_model
from odah_gen.scene.garments import RestBody, dress, rest_body, shirt_field, trousers_field, write_clothes
from odah_gen.scene.stage import write_scene
from odah_gen.storage import read_npz, write_npz
from tests.scene.scene_clip import CLIP, SQUAT_DEG, make_run, pose_of

STRIDE_DEG = {
    "left_hip": (-30, 0, 0),
    "right_hip": (20, 0, 0),
    "right_knee": (30, 0, 0),
    "left_shoulder": (0, 25, -70),
    "right_shoulder": (0, 25, 70),
}
POSES = np.stack([pose_of({}), pose_of(STRIDE_DEG), pose_of(SQUAT_DEG)])
MOST_EXPOSED = (0.004, 0.01, 0.02)
SHAPES = {"mean": (0.0, 0.0, 0.0), "large": (1.8, 1.5, 0.0), "small": (-1.8, -1.0, 0.5)}
REACH_M = 0.08


@pytest.fixture(scope="session")
def bare_folder(model: BodyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same body without its tights, named and filled as a user's SMPL-X is."""
    folder = tmp_path_factory.mktemp("models")
    arrays = {name: array for name, array in read_npz(model.path).items() if not name.startswith("tights")}
    write_npz(folder / "SMPLX_FEMALE.npz", **arrays)
    return folder


def covered(body: RestBody) -> np.ndarray:
    """Skin vertices that clothes should cover, with 5 mm to spare."""
    return np.maximum(shirt_field(body, body.vertices), trousers_field(body, body.vertices)) > 0.005


def exposed(subject: Subject, frame: int, under: np.ndarray) -> float:
    """Share of the covered skin that is drawn and has no cloth before it, looking along its normal."""
    meshes = posed_vertices(subject, frame)
    skin = trimesh.Trimesh(meshes["body"], subject.body.faces, process=False)
    drawn = np.zeros(len(under), bool)
    drawn[subject.body.faces[subject.visible]] = True
    ids = np.flatnonzero(drawn & under)
    clothed = np.zeros(len(ids), bool)
    for name, garment in subject.garments.items():
        cloth = trimesh.Trimesh(meshes[name], garment.faces, process=False)
        where, ray, _ = cloth.ray.intersects_location(skin.vertices[ids], skin.vertex_normals[ids], multiple_hits=False)
        clothed[ray[np.linalg.norm(where - skin.vertices[ids][ray], axis=1) < REACH_M]] = True
    return float((~clothed).sum() / under.sum())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tights", [True, False])
def test_no_skin_shows_through(tmp_path: Path, model: BodyModel, bare_folder: Path, shape: str, tights: bool) -> None:
    betas = np.array(SHAPES[shape])
    run = make_run(tmp_path, model, POSES, betas, body={} if tights else {"model_dir": str(bare_folder)})
    write_scene(run, CLIP)
    subject = load_subject(read_description(run.clip(CLIP) / "scene.json"))
    under = covered(rest_body(model, betas))
    assert under.mean() > 0.15
    for frame, most in enumerate(MOST_EXPOSED):
        assert exposed(subject, frame, under) < most


def test_head_hands_and_feet_stay_bare(model: BodyModel) -> None:
    clothes = dress(model, np.zeros(16))
    hidden = np.unique(model.faces[clothes.hidden_faces])
    strongest = model.weights.argmax(1).numpy()[hidden]
    bare = ("head", "jaw", "eye", "wrist", "foot", "index", "thumb")
    assert not {JOINT_NAMES[joint] for joint in strongest if any(part in JOINT_NAMES[joint] for part in bare)}
    assert clothes.hidden_faces.mean() > 0.15


def test_garments_are_well_formed_and_symmetric(model: BodyModel) -> None:
    for garment in dress(model, np.zeros(16)).garments.values():
        assert np.allclose(garment.weights.sum(1), 1)
        assert np.allclose(garment.body_weights.sum(1), 1)
        assert garment.faces.max() < len(garment.vertices)
        middle = (garment.vertices.min(0) + garment.vertices.max(0)) / 2
        assert abs(middle[0]) < 0.01


def test_the_same_shape_gives_the_same_clothes(tmp_path: Path, model: BodyModel) -> None:
    betas = np.array(SHAPES["large"])
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    write_clothes(first, dress(load_body_model(model.path), betas))
    write_clothes(second, dress(load_body_model(model.path), betas))
    for one, other in zip(read_npz(first).values(), read_npz(second).values()):
        assert np.array_equal(one, other)
    again = dress(model, betas).garments["upper"].vertices
    assert np.allclose(read_npz(first)["upper_vertices"], again, atol=1e-6)
