import numpy as np
import pandas as pd
import pytest
import torch

from odah_gen.body.layout import load_layout
from odah_gen.body.markers_stage import write_markers
from odah_gen.body.model import load_body_model
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.body.static_trial import (
    ABDUCTION_DEG,
    SHOULDERS_BEHIND_HIPS,
    rest_joints,
    standing_translation,
    static_markers,
    static_poses,
)
from odah_gen.config import Config
from odah_gen.errors import InputError
from odah_gen.frames import WORLD_FROM_MODEL, ground_to_world, matrix_to_rotvec
from odah_gen.paths import ASSETS
from odah_gen.run import Run
from odah_gen.skeleton.trc import read_trc
from odah_gen.storage import read_npz, write_npz

BETAS = np.array([1.2, -0.8, 0.5])


@pytest.fixture(scope="module")
def female():
    return load_body_model(ASSETS / "body" / "free_female.npz")


@pytest.fixture(scope="module")
def standing(female):
    """Marker places (m, OpenSim ground) of a woman in the static trial."""
    trial = static_markers(female, BETAS, load_layout().on(female))
    return dict(zip(trial.names, trial.points_m[0]))


@pytest.fixture
def clip(tmp_path):
    """A run with one clip: a woman who turns, waves and drifts forward."""
    generator = np.random.default_rng(5)
    poses = 0.2 * generator.standard_normal((7, 165))
    poses[:, :3] = matrix_to_rotvec(WORLD_FROM_MODEL)
    trans = np.column_stack([np.linspace(0, 0.5, 7), np.zeros(7), np.full(7, 1.3)])
    time_s = 0.25 + np.arange(7) / 30
    run = Run(tmp_path, Config())
    run.remember_clips(pd.DataFrame({"clip_id": ["s01-wave-01", "s01-wave-02"], "subject": ["s01", "s01"]}))
    write_npz(
        run.clip("s01-wave-01") / "motion.npz",
        poses=poses, trans=trans, betas=BETAS, gender=np.array("female"), time_s=time_s,
    )  # fmt: skip
    return run, poses, trans, time_s


def test_trc_holds_the_skin_in_opensim_ground(clip, female):
    run, poses, trans, time_s = clip
    write_markers(run, "s01-wave-01")
    layout = load_layout()
    whole = pose_body(shape_body(female, torch.as_tensor(BETAS)), torch.as_tensor(poses), torch.as_tensor(trans))
    for name, names, ids in (
        ("markers.trc", layout.names, layout.vertex_ids(female)),
        ("held_out.trc", layout.held_out_names, layout.held_out_ids(female)),
    ):
        path = run.clip("s01-wave-01") / name
        trial = read_trc(path)
        assert path.read_text().splitlines()[2].split("\t")[4] == "m"
        assert trial.names == names
        np.testing.assert_allclose(trial.time_s, time_s, atol=1e-8)
        np.testing.assert_allclose(ground_to_world(trial.points_m), whole.vertices[:, ids].numpy(), atol=2e-6)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"trans": np.full((7, 3), np.nan)}, "trans holds NaN or infinite values"),
        ({"poses": np.zeros((7, 150))}, r"poses has shape \[7, 150\] and trans \[7, 3\]"),
        ({"trans": np.zeros((5, 3))}, r"poses has shape \[7, 165\] and trans \[5, 3\]"),
    ],
)
def test_damaged_motion_is_refused(clip, changes, told):
    run = clip[0]
    path = run.clip("s01-wave-01") / "motion.npz"
    write_npz(path, **{**read_npz(path), **changes})
    with pytest.raises(InputError, match=rf"motion\.npz: {told}.*Run the motion stage again"):
        write_markers(run, "s01-wave-01")
    assert [file.name for file in path.parent.iterdir()] == ["motion.npz"]


def test_unfinished_motion_is_refused(clip):
    run = clip[0]
    write_npz(run.clip("s01-wave-02") / "motion.npz", poses=np.zeros((3, 165)))
    with pytest.raises(InputError, match="lacks trans, betas, gender, time_s"):
        write_markers(run, "s01-wave-02")
    assert not (run.clip("s01-wave-02") / "markers.trc").exists()


def test_left_is_left_and_up_is_up(standing):
    """In OpenSim ground a subject who faces +X has the right side on +Z."""
    assert all(standing[f"R{name}"][2] > 0 > standing[f"L{name}"][2] for name in ("ASI", "ACR", "LFC", "CAL", "HM2"))
    assert standing["C7"][1] > standing["T10"][1] > standing["RASI"][1] > standing["RLFC"][1] > standing["RCAL"][1]
    assert standing["CLAV"][0] > standing["C7"][0]
    assert standing["RTO1"][0] > standing["RCAL"][0] + 0.15


def test_arms_are_abducted_with_a_carrying_angle(standing):
    for side, sign in (("R", 1), ("L", -1)):
        elbow = (standing[f"{side}LEL"] + standing[f"{side}MEL"]) / 2
        wrist = (standing[f"{side}FAradius"] + standing[f"{side}FAulna"]) / 2
        shoulder = (standing[f"{side}ASH"] + standing[f"{side}PSH"]) / 2
        for start, end, carried in ((shoulder, elbow, 0), (elbow, wrist, 14)):
            along = end - start
            assert np.degrees(np.arctan2(sign * along[2], -along[1])) == pytest.approx(ABDUCTION_DEG + carried, abs=6)
            assert abs(np.degrees(np.arctan2(along[0], -along[1]))) < 12


def test_palms_face_the_thighs(standing):
    """The thumb's side of the wrist is in front, and the outer epicondyle on the outside: no twist in the arm."""
    for side, sign in (("R", 1), ("L", -1)):
        across = standing[f"{side}FAradius"] - standing[f"{side}FAulna"]
        assert across[0] / np.linalg.norm(across) > 0.98
        outward = standing[f"{side}LEL"] - standing[f"{side}MEL"]
        assert sign * outward[2] / np.linalg.norm(outward) > 0.7
        assert abs(outward[0]) / np.linalg.norm(outward) < 0.15
        back_of_hand = standing[f"{side}HM3"] - (standing[f"{side}FAradius"] + standing[f"{side}FAulna"]) / 2
        assert back_of_hand[1] < 0


def test_feet_stand_on_the_floor(female):
    pose = static_poses(female, BETAS)[None]
    trans = standing_translation(female, BETAS, pose)
    posed = pose_body(shape_body(female, torch.as_tensor(BETAS)), torch.as_tensor(pose), torch.as_tensor(trans))
    vertices = posed.vertices[0].numpy()
    assert vertices[:, 2].min() == pytest.approx(0, abs=1e-6)
    owners = female.weights.argmax(1).numpy()
    for ankle, foot in ((7, 10), (8, 11)):
        # Heel and ball of both feet touch: no foot is tilted.
        heel, ball = vertices[owners == ankle], vertices[owners == foot]
        assert heel[:, 2].min() < 0.006
        assert ball[:, 2].min() < 0.006
    hips, ankles = posed.joints[0, [1, 2]].numpy(), posed.joints[0, [7, 8]].numpy()
    np.testing.assert_allclose(hips[:, :2], ankles[:, :2], atol=0.005)
    np.testing.assert_allclose(posed.joints[0, 0, :2].numpy(), 0, atol=1e-6)


def test_trunk_is_upright_and_symmetric(standing):
    for name, place in standing.items():
        if name.startswith("R") and f"L{name[1:]}" in standing:
            np.testing.assert_allclose(place * [1, 1, -1], standing[f"L{name[1:]}"], atol=0.002)
    lean = (standing["C7"] + standing["CLAV"] - standing["RPSI"] - standing["RASI"])[:2]
    assert abs(np.degrees(np.arctan2(lean[0], lean[1]))) < 8


@pytest.mark.parametrize("deviation", [-2.0, 0.0, 2.0])
def test_shoulders_stand_over_the_hips_and_the_head_stays_level(female, deviation):
    """The trunk's plumb line is the same fraction of stature on every body; the upper arms stay in the frontal plane."""
    betas = np.array([0.0, deviation, -deviation])
    shaped = shape_body(female, torch.as_tensor(betas))
    posed = pose_body(shaped, torch.as_tensor(static_poses(female, betas)[None]))
    hips, shoulders = (posed.joints[0, pair].numpy().mean(0) for pair in ([1, 2], [16, 17]))
    stature = float(np.ptp(shaped.vertices[:, 1].numpy()))
    assert (hips - shoulders)[0] == pytest.approx(SHOULDERS_BEHIND_HIPS * stature, abs=2e-4)
    np.testing.assert_allclose(posed.rotations[0, 15].numpy(), posed.rotations[0, 0].numpy(), atol=1e-5)
    np.testing.assert_allclose(posed.joints[0, 18, 0], posed.joints[0, 16, 0], atol=1e-5)


def test_equal_frames(female):
    layout = load_layout().on(female)
    trial = static_markers(female, BETAS, layout)
    assert trial.names == layout.names
    assert len(trial.time_s) >= 3
    assert np.ptp(trial.points_m, axis=0).max() < 1e-9


def test_rest_pose_does_not_matter(female):
    """Wherever the arm points at rest, the static pose brings the upper arm to the same direction."""
    joints = rest_joints(female, BETAS)
    pose = static_poses(female, BETAS)
    posed = pose_body(shape_body(female, torch.as_tensor(BETAS), [0]), torch.as_tensor(pose[None]))
    elbow, shoulder = (posed.joints[0, joint].numpy() for joint in (18, 16))
    angle = np.deg2rad(ABDUCTION_DEG)
    direction = (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
    np.testing.assert_allclose(direction, [0, np.sin(angle), -np.cos(angle)], atol=0.01)
    assert abs(joints["left_elbow"][1] - joints["left_shoulder"][1]) > 0.01
