"""The fit stage on a run folder whose key points come from a known body: files in, files out, mistakes told."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.spatial.transform import Rotation

from odah_gen.body.layout import load_layout
from odah_gen.body.model import JOINT_NAMES
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.body.static_trial import static_markers, static_poses
from odah_gen.cli import main
from odah_gen.config import Config, Fit, to_mapping
from odah_gen.errors import InputError
from odah_gen.frames import ground_to_world
from odah_gen.registration.fit_stage import fit_clip, write_shape
from odah_gen.registration.regressor import load_regressor
from odah_gen.registration.store import regressor_file
from odah_gen.run import Run, open_run
from odah_gen.skeleton.static import static_with_centers
from odah_gen.skeleton.subject import scale_to_static
from odah_gen.skeleton.trc import write_trc
from odah_gen.storage import read_json, read_npz, write_json, write_npz, write_yaml

CLIP, SUBJECT, FRAMES, FPS = "s01-walking-01", "s01", 12, 12.0


def true_poses(model) -> np.ndarray:
    """Standing, with knees, hips, shoulders and elbows moving."""
    poses = np.tile(static_poses(model, np.zeros(8)), (FRAMES, 1)).reshape(FRAMES, 55, 3)
    swing = np.sin(2 * np.pi * np.arange(FRAMES) / FRAMES)
    poses[:, JOINT_NAMES.index("left_hip"), 0] -= 0.4 + 0.4 * swing
    poses[:, JOINT_NAMES.index("left_knee"), 0] += 0.5 + 0.4 * swing
    poses[:, JOINT_NAMES.index("right_elbow"), 1] += 0.6 + 0.5 * swing
    poses[:, JOINT_NAMES.index("left_index1"), 2] = 0.3
    return poses.reshape(FRAMES, 165)


@pytest.fixture
def run(tmp_path, model) -> Run:
    """A run of one neutral subject; the source motion is off by 5° at every joint that moves."""
    folder = tmp_path / "results" / "demo"
    config = Config(fit=Fit(shape_frames=4))
    write_yaml(folder / "config.yaml", to_mapping(config))
    pd.DataFrame({"clip_id": [CLIP], "subject": [SUBJECT], "action": ["walking"]}).to_parquet(folder / "clips.parquet")
    run = open_run(folder)
    betas = 0.5 * np.random.default_rng(0).standard_normal(8)
    poses, trans = true_poses(model), np.tile([0.1, 0.0, 1.6], (FRAMES, 1))
    write_npz(run.subject(SUBJECT) / "body.npz", betas=betas, gender="neutral", model="free")
    write_keypoints(run, model, betas, poses, trans)
    source = poses.copy().reshape(FRAMES, 55, 3)
    for name in ("left_hip", "left_knee", "right_elbow", "spine2"):
        joint = JOINT_NAMES.index(name)
        wrong = Rotation.from_rotvec(source[:, joint]) * Rotation.from_rotvec([0.05, 0.05, 0.05])
        source[:, joint] = wrong.as_rotvec()
    write_motion(run, source.reshape(FRAMES, 165), trans, betas)
    return run


def write_motion(run: Run, poses: np.ndarray, trans: np.ndarray, betas: np.ndarray) -> None:
    write_npz(
        run.clip(CLIP) / "motion.npz",
        poses=poses,
        trans=trans,
        betas=betas,
        gender="neutral",
        mocap_frame_rate=FPS,
        surface_model_type="smplx",
        time_s=np.arange(len(poses)) / FPS,
        source_file="procedural:walking",
    )


def write_keypoints(run: Run, model, betas: np.ndarray, poses: np.ndarray, trans: np.ndarray) -> None:
    layout, regressor = load_layout(), load_regressor(regressor_file(run))
    shaped = shape_body(model, torch.as_tensor(betas))
    vertices = pose_body(shaped, torch.as_tensor(poses), torch.as_tensor(trans)).vertices.double().numpy()
    write_npz(
        run.clip(CLIP) / "keypoints.npz",
        markers_m=vertices[:, layout.vertex_ids(model)],
        marker_names=np.array(layout.names),
        joint_centers_m=regressor.apply(vertices),
        joint_names=np.array(regressor.joint_names),
        valid=np.arange(FRAMES) != 3,
    )


def fit_shape(run: Run, model) -> None:
    """Stage 1 of a subject whose model carries its markers on the skin."""
    betas = read_npz(run.subject(SUBJECT) / "body.npz")["betas"]
    static = static_markers(model, betas, load_layout())
    write_shape(run, SUBJECT, dict(zip(static.names, ground_to_world(static.points_m[0]))))


def test_stage_recovers_the_body_and_writes_its_files(run, model):
    fit_shape(run, model)
    fit_clip(run, CLIP)
    fitted = read_npz(run.clip(CLIP) / "body.npz")
    source = read_npz(run.clip(CLIP) / "motion.npz")
    assert set(fitted) == set(source)
    assert fitted["source_file"] == "procedural:walking"
    turned = Rotation.from_rotvec(fitted["poses"].reshape(-1, 3))
    true = Rotation.from_rotvec(true_poses(model).reshape(-1, 3))
    wrong = np.rad2deg((turned.inv() * true).magnitude()).reshape(FRAMES, 55).max(0)
    spine = [JOINT_NAMES.index(f"spine{index}") for index in (1, 2, 3)]
    assert np.delete(wrong, spine).max() < 1.0
    # How a bend is shared along the spine shows on the skin only a little.
    assert wrong[spine].max() < 3.0
    report = read_json(run.clip(CLIP) / "fit.json")
    assert report["joint_center_mean_mm"] < 0.5
    assert report["marker_mean_mm"] < 0.5
    assert 2.0 < report["source_vertex_mean_mm"] < 50.0
    shape = read_npz(run.subject(SUBJECT) / "fit.npz")
    assert np.abs(shape["betas"] - source["betas"]).max() < 0.02
    assert np.linalg.norm(shape["marker_offsets_m"], axis=1).max() < 0.002
    assert len(shape["frames"]) == 4
    assert 3 not in shape["frames"]


def write_scaled(run: Run, model) -> None:
    """What fit takes from the scale stage."""
    folder, layout = run.subject(SUBJECT), load_layout()
    static = static_with_centers(model, read_npz(folder / "body.npz")["betas"], layout)
    scaled = scale_to_static(layout, static, 70.0)
    write_trc(folder / "static.trc", static)
    write_json(folder / "scaling.json", dict(scaled.report))
    (folder / "model.osim").write_text(scaled.text)


def test_commands_do_the_same(run, model):
    write_scaled(run, model)
    main(["fit", "--run", str(run.folder), "--subject", SUBJECT])
    main(["fit", "--run", str(run.folder), CLIP])
    assert (run.clip(CLIP) / "body.npz").exists()


def test_command_without_names_is_refused(run, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--run", str(run.folder)])
    assert stop.value.code == 2
    assert "names no clip" in capsys.readouterr().err


def test_missing_subject_fit_is_told(run):
    with pytest.raises(InputError, match=r"fit\.npz: there is no such file"):
        fit_clip(run, CLIP)
    assert not (run.clip(CLIP) / "body.npz").exists()


def test_other_number_of_frames_is_told(run, model):
    fit_shape(run, model)
    motion = read_npz(run.clip(CLIP) / "motion.npz")
    write_motion(run, motion["poses"][:5], motion["trans"][:5], motion["betas"])
    with pytest.raises(InputError, match=r"has 12 frames; motion\.npz has 5"):
        fit_clip(run, CLIP)


def test_missing_marker_is_told(run, model):
    label = read_npz(run.clip(CLIP) / "keypoints.npz")
    names = label["marker_names"].tolist()
    label["marker_names"] = np.array(["other", *names[1:]])
    write_npz(run.clip(CLIP) / "keypoints.npz", **label)
    with pytest.raises(InputError, match=f"lacks {names[0]}"):
        fit_shape(run, model)
