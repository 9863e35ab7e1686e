"""Clothes cover the body, on several shapes and poses, and on a body without tights."""

from pathlib import Path

import numpy as np
import pytest
import trimesh

from blender_addon.description import read_description
from blender_addon.skinning import vertex_normals
from blender_addon.subject import Subject, below, load_subject, posed_vertices
from odah_gen.body.model import JOINT_NAMES, BodyModel, load_body_model
from odah_gen.scene.cuts import LOWER_CUTS, UPPER_CUTS
from odah_gen.scene.cutting import border_edges
from odah_gen.scene.dressing import Outfit, dress, write_clothes
from odah_gen.scene.rest_body import RestBody, rest_body
from odah_gen.scene.stage import WEAR, write_scene
from odah_gen.storage import read_json, read_npz, write_json, write_npz
from tests.scene.scene_clip import CLIP, SQUAT_DEG, make_run, pose_of

STRIDE_DEG = {
    "left_hip": (-30, 0, 0),
    "right_hip": (20, 0, 0),
    "right_knee": (30, 0, 0),
    "left_shoulder": (0, 25, -70),
    "right_shoulder": (0, 25, 70),
}
KICK_DEG = {"left_hip": (-100, 0, 5), "left_knee": (15, 0, 0), "right_hip": (12, 0, 0), "right_knee": (15, 0, 0)}
POSES = np.stack([pose_of({}), pose_of(STRIDE_DEG), pose_of(SQUAT_DEG)])
MOST_EXPOSED = (0.004, 0.015, 0.02)
SHAPES = {"mean": (0.0, 0.0, 0.0), "large": (1.8, 1.5, 0.0), "small": (-1.8, -1.0, 0.5)}
OUTFITS = {
    "mean": Outfit("t_shirt", "trousers"),
    "large": Outfit("vest", "shorts"),
    "small": Outfit("long_sleeve", "cropped"),
}
REACH_M = 0.08


@pytest.fixture(scope="session")
def bare_folder(model: BodyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same body without its tights, named and filled as a user's SMPL-X is."""
    folder = tmp_path_factory.mktemp("models")
    arrays = {name: array for name, array in read_npz(model.path).items() if not name.startswith("tights")}
    write_npz(folder / "SMPLX_FEMALE.npz", **arrays)
    return folder


def dressed(
    folder: Path, model: BodyModel, poses: np.ndarray, betas: np.ndarray, outfit: Outfit, **body: str
) -> Subject:
    """A subject in an outfit of our choice."""
    run = make_run(folder, model, poses, betas, body=body)
    write_scene(run, CLIP)
    clip = run.clip(CLIP)
    path = Path(body["model_dir"]) / "SMPLX_FEMALE.npz" if body else model.path
    clothes = dress(load_body_model(path), betas, outfit)
    write_clothes(clip / "clothes.npz", clothes)
    wear = {name: list(WEAR[name]) for name in clothes.garments}
    write_json(clip / "scene.json", read_json(clip / "scene.json") | {"wear": wear})
    return load_subject(read_description(clip / "scene.json"))


def covered(body: RestBody, outfit: Outfit) -> np.ndarray:
    """Skin vertices that clothes should cover, with 5 mm to spare."""
    upper, lower = UPPER_CUTS[outfit.upper], LOWER_CUTS[outfit.lower]
    return np.maximum(upper.field(body, body.vertices), lower.field(body, body.vertices)) > 0.005


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
    betas, outfit = np.array(SHAPES[shape]), OUTFITS[shape]
    body = {} if tights else {"model_dir": str(bare_folder)}
    subject = dressed(tmp_path, model, POSES, betas, outfit, **body)
    under = covered(rest_body(model, betas), outfit)
    assert under.mean() > 0.12
    for frame, most in enumerate(MOST_EXPOSED):
        assert exposed(subject, frame, under) < most


def test_cloth_stays_off_the_skin_below_in_any_pose(tmp_path: Path, model: BodyModel) -> None:
    rng = np.random.default_rng(2)
    random = rng.normal(size=(4, 55, 3)) * 0.35
    random[:, 0] = pose_of({}).reshape(55, 3)[0]
    poses = np.concatenate([POSES, pose_of(KICK_DEG)[None], random.reshape(4, 165)])
    subject = dressed(tmp_path, model, poses, np.array(SHAPES["mean"]), Outfit("elbow_sleeve", "knee_shorts"))
    for frame in range(len(poses)):
        meshes = posed_vertices(subject, frame)
        normals = vertex_normals(meshes["body"], subject.body.faces)
        for name in ("upper", "lower"):
            garment = subject.garments[name]
            outward = below(garment, normals)
            outward /= np.linalg.norm(outward, axis=1, keepdims=True)
            distance = ((meshes[name] - below(garment, meshes["body"])) * outward).sum(1)
            assert (distance > garment.hold_m - 1e-4).mean() > 0.99, (frame, name)
            assert np.linalg.norm(meshes[name] - below(garment, meshes["body"]), axis=1).max() < 0.2


def test_a_shirt_does_not_ride_up_with_the_thigh(tmp_path: Path, model: BodyModel) -> None:
    """A leg that swings back leaves the hem where it hangs; the trousers below go with the leg."""
    back = pose_of({"left_hip": (25, 0, 0)})
    subject = dressed(tmp_path, model, np.stack([pose_of({}), back]), np.zeros(3), Outfit("t_shirt", "trousers"))
    before, after = (posed_vertices(subject, frame) for frame in (0, 1))
    offset = subject.trans[1] - subject.trans[0]
    moved = {name: np.linalg.norm(after[name] - offset - before[name], axis=1) for name in ("upper", "lower")}
    hip = subject.body.joints[1]
    shirt, legs = (subject.garments[name].vertices for name in ("upper", "lower"))
    hem = (shirt[:, 1] < shirt[:, 1].min() + 0.005) & (shirt[:, 0] > 0.04) & (shirt[:, 2] < hip[2])
    behind = (np.abs(legs[:, 1] - hip[1] + 0.08) < 0.02) & (legs[:, 0] > 0.04) & (legs[:, 2] < hip[2])
    assert moved["upper"][hem].mean() < 0.5 * moved["lower"][behind].mean()


@pytest.mark.parametrize(("upper", "lower"), list(zip(UPPER_CUTS, LOWER_CUTS)))
def test_hems_are_closed_and_even(model: BodyModel, upper: str, lower: str) -> None:
    """Every border is a closed loop; hems, sleeve ends, waist and leg ends lie in a plane to half a millimetre."""
    body = rest_body(model, np.zeros(3))
    clothes = dress(model, np.zeros(3), Outfit(upper, lower)).garments
    loops = border_loops(clothes["upper"].faces)
    assert len(loops) == 4  # neck, hem, two sleeves or armholes
    hem = min(loops, key=lambda loop: clothes["upper"].vertices[loop, 1].mean())
    assert np.ptp(clothes["upper"].vertices[hem, 1]) < 0.0005
    if UPPER_CUTS[upper].sleeve:
        ends = [loop for loop in loops if np.abs(clothes["upper"].vertices[loop, 0]).min() > 0.2]
        assert len(ends) == 2
        assert all(np.ptp(clothes["upper"].vertices[loop, 0]) < 0.0005 for loop in ends)
    legs = clothes["lower"].vertices
    bottoms = [
        loop for loop in border_loops(clothes["lower"].faces) if legs[loop, 1].max() < body.joint("left_hip")[1] - 0.05
    ]
    assert len(bottoms) == 2
    assert all(np.ptp(legs[loop, 1]) < 0.0005 for loop in bottoms)


def border_loops(faces: np.ndarray) -> list[np.ndarray]:
    """The vertices of each closed border; every one must have two border edges."""
    edges = border_edges(faces)
    assert (np.unique(edges, return_counts=True)[1] == 2).all()
    return [np.array(part) for part in trimesh.graph.connected_components(edges, min_len=3)]


def test_head_and_hands_stay_bare_and_feet_are_in_shoes(model: BodyModel) -> None:
    clothes = dress(model, np.zeros(16), Outfit())
    hidden = np.unique(model.faces[clothes.hidden_faces])
    strongest = [JOINT_NAMES[joint] for joint in model.weights.argmax(1).numpy()[hidden]]
    bare = ("head", "jaw", "wrist", "index", "thumb")
    assert not {name for name in strongest if any(part in name for part in bare)}
    feet = np.flatnonzero(
        model.weights[:, [JOINT_NAMES.index(f"{side}_foot") for side in ("left", "right")]].sum(1) > 0.5
    )
    assert np.isin(feet, hidden).all()
    assert clothes.hidden_faces.mean() > 0.15


def test_garments_are_well_formed_and_symmetric(model: BodyModel) -> None:
    for name, garment in dress(model, np.zeros(16), Outfit(hat="cap")).garments.items():
        assert np.allclose(garment.weights.sum(1), 1)
        assert np.allclose(garment.body_weights.sum(1), 1)
        assert garment.faces.max() < len(garment.vertices)
        assert len(garment.uv_m) == len(garment.part) == len(garment.faces)
        assert set(garment.part) == set(range(len(WEAR[name])))
        middle = (garment.vertices.min(0) + garment.vertices.max(0)) / 2
        assert abs(middle[0]) < 0.01


def test_the_same_shape_gives_the_same_clothes(tmp_path: Path, model: BodyModel) -> None:
    betas = np.array(SHAPES["large"])
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    write_clothes(first, dress(load_body_model(model.path), betas, Outfit()))
    write_clothes(second, dress(load_body_model(model.path), betas, Outfit()))
    for one, other in zip(read_npz(first).values(), read_npz(second).values()):
        assert np.array_equal(one, other)
    again = dress(model, betas, Outfit()).garments["upper"].vertices
    assert np.allclose(read_npz(first)["upper_vertices"], again, atol=1e-6)
