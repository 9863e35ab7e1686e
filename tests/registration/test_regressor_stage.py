"""The shipped regressor and the commands around it, with the skeleton really scaled and solved."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from odah_gen.body.model import JOINT_NAMES, load_body_model
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.cli import main
from odah_gen.config import Body, Config
from odah_gen.paths import ASSETS
from odah_gen.registration.bank import draw_bank
from odah_gen.registration.own_joints import OWN_JOINTS, own_centers
from odah_gen.registration.regressor import load_regressor
from odah_gen.registration.regressor_stage import LARGEST_RMS_M, bank_models, follow, pose_all
from odah_gen.registration.store import SHIPPED, regressor_name
from odah_gen.skeleton.table import joint_names
from odah_gen.storage import read_npz, write_npz

ANATOMICAL = {"walker_knee": "knee", "ankle": "ankle", "elbow": "elbow", "radius_hand": "wrist", "hip": "hip"}


@pytest.fixture(scope="module")
def shipped():
    return load_regressor(SHIPPED / regressor_name(Config()))


def test_shipped_regressor_is_for_the_shipped_assets(shipped):
    assert shipped.joint_names == joint_names()
    assert shipped.weights.shape == (22, 13_524)
    assert len(list(SHIPPED.glob("*.npz"))) == 1


MOST_MM = {"hip": 10, "acromial": 10, "walker_knee": 6, "ankle": 6, "elbow": 6, "radius_hand": 6}


@pytest.mark.parametrize("kind", ["bodies", "poses"])
def test_shipped_regressor_is_good_on_what_it_has_not_seen(shipped, kind):
    error = dict(zip(shipped.joint_names, shipped.errors[kind].mean_mm))
    assert shipped.errors[kind].mean_mm.mean() < 8.0
    sides = [f"{name}_{side}" for name in MOST_MM for side in "rl"]
    assert {name: error[name] for name in sides if error[name] > MOST_MM[name[:-2]]} == {}


def test_shipped_regressor_is_near_the_bodys_own_joints_where_both_mean_the_same(shipped):
    error = dict(zip(shipped.joint_names, shipped.errors["alike"].mean_mm))
    assert {name: mm for name, mm in error.items() if mm > MOST_MM.get(name[:-2], 0)} == {}
    assert {name[:-2] for name, mm in error.items() if np.isfinite(mm)} == set(OWN_JOINTS)


@pytest.mark.parametrize("gender", ["female", "male"])
def test_regressed_joints_lie_at_the_bodys_own(shipped, gender):
    model = load_body_model(ASSETS / "body" / f"free_{gender}.npz")
    generator = np.random.default_rng(11)
    body = draw_bank([model], bodies=1, poses=4, seed=99)[0]
    betas = generator.uniform(-1, 1, 8)
    poses, trans = torch.as_tensor(body.poses[body.is_pose]), torch.as_tensor(body.trans[body.is_pose])
    posed = pose_body(shape_body(model, torch.as_tensor(betas)), poses, trans)
    found = dict(zip(shipped.joint_names, shipped.apply(posed.vertices.numpy()).transpose(1, 0, 2)))
    for name, own in ANATOMICAL.items():
        for side, word in (("r", "right"), ("l", "left")):
            center = posed.joints[:, JOINT_NAMES.index(f"{word}_{own}")].numpy()
            assert np.linalg.norm(found[f"{name}_{side}"] - center, axis=-1).mean() < 0.03, (name, side)


@pytest.mark.parametrize(
    ("files", "used"),
    [
        (("FEMALE",), ["female"]),
        (("NEUTRAL",), ["neutral"]),
        (("MALE", "NEUTRAL"), ["male", "neutral"]),
        (("FEMALE", "MALE", "NEUTRAL"), ["female", "male"]),
    ],
)
def test_the_bank_is_made_of_what_the_users_folder_holds(smplx_folder, tmp_path, files, used):
    for name in files:
        (tmp_path / f"SMPLX_{name}.npz").symlink_to(smplx_folder / "smplx" / "SMPLX_NEUTRAL.npz")
    models = bank_models(Config(body=Body(model_dir=str(tmp_path))))
    assert [model.gender for model in models] == used


def test_a_body_of_the_bank_is_followed_by_its_own_skeleton():
    model = load_body_model(ASSETS / "body" / "free_female.npz")
    body = draw_bank([model], bodies=1, poses=2, seed=5)[0]
    samples, rms_m = follow(Config(), body, 3)
    assert samples.vertices.shape == (2, 13_524, 3)
    assert samples.centers.shape == (2, 22, 3)
    assert (samples.bodies == 3).all()
    assert list(samples.poses) == [0, 1]
    assert rms_m.max() < LARGEST_RMS_M
    posed = pose_all(body)
    own = own_centers(posed.joints.double().numpy())[body.is_pose]
    for joint, name in enumerate(joint_names()):
        gap = np.linalg.norm(own[:, joint] - samples.centers[:, joint], axis=-1)
        assert np.isnan(gap).all() if name[:-2] not in OWN_JOINTS else (gap < 0.035).all(), name


def test_apply_command_gives_joints_in_the_files_frame(tmp_path, shipped):
    poses = np.zeros((3, 165))
    poses[:, 0] = np.pi / 2
    moved = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [1.0, 2.0, 1.0]])
    motion = {"poses": poses, "trans": moved, "betas": np.zeros(4), "gender": "male", "mocap_frame_rate": 30.0}
    write_npz(tmp_path / "motion.npz", **motion, surface_model_type="smplx")
    command = ["regressor", "apply", "--regressor", str(SHIPPED / regressor_name(Config())), "--body-model", "free"]
    main([*command, "--motion", str(tmp_path / "motion.npz"), "--out", str(tmp_path / "joints.npz")])
    found = read_npz(tmp_path / "joints.npz")
    assert found["joint_names"].tolist() == list(shipped.joint_names)
    centers = found["joint_centers_m"]
    assert np.allclose(centers - moved[:, None], centers[0] - moved[0], atol=1e-5)
    upright = Rotation.from_rotvec([np.pi / 2, 0, 0]).as_matrix()
    model = load_body_model(ASSETS / "body" / "free_male.npz")
    rest = shipped.apply(shape_body(model, torch.zeros(4)).vertices.double().numpy())
    pelvis = shape_body(model, torch.zeros(4)).joints[0].double().numpy()
    assert np.allclose(centers[0], (rest - pelvis) @ upright.T + pelvis + moved[0], atol=1e-4)


def test_command_needs_an_action(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["regressor"])
    assert stop.value.code == 2
    assert "train" in capsys.readouterr().err
