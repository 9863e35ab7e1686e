import numpy as np
import pytest
import torch

from odah_gen import cli
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.body.subject import subject_body
from odah_gen.config import Config, Motion
from odah_gen.dataset.schema import POSE_ARRAYS, array_problems
from odah_gen.errors import InputError
from odah_gen.motion.amass import read_amass
from odah_gen.motion.catalogue import create_run
from odah_gen.motion.stage import write_motion
from odah_gen.storage import read_npz


def joints_of(run, clip_id, arrays):
    model, betas = subject_body(run, str(run.row(clip_id)["subject"]))
    np.testing.assert_array_equal(arrays["betas"], betas)
    shaped = shape_body(model, torch.as_tensor(betas), [0])
    return pose_body(shaped, torch.as_tensor(arrays["poses"]), torch.as_tensor(arrays["trans"])).joints.numpy()


@pytest.mark.parametrize("fps", [12.0, 60.0])
def test_a_procedural_clip(tmp_path, fps):
    run = create_run(Config(fps=fps, motion=Motion(subjects=1, clips_per_subject=1)), tmp_path)
    cli.main(["motion", "--run", str(tmp_path), "s01-walking-01"])
    arrays = read_npz(tmp_path / "clips" / "s01-walking-01" / "motion.npz")
    frames = round(2 * fps)
    assert array_problems(arrays, POSE_ARRAYS, {"T": frames}) == []
    np.testing.assert_allclose(arrays["time_s"], np.arange(frames) / fps)
    np.testing.assert_allclose(arrays["source_frame"], np.arange(frames) * 120 / fps)
    assert (arrays["gender"], arrays["source_file"], arrays["source_rate_hz"]) == ("female", "procedural:walking", 120)
    joints = joints_of(run, "s01-walking-01", arrays)
    np.testing.assert_allclose(joints[0, 0, :2], 0, atol=1e-5)
    assert 1.7 < joints[-1, 0, 0] < 2.8
    assert abs(joints[-1, 0, 1]) < 0.25


def test_the_rate_changes_only_the_sampling(tmp_path):
    slow, fast = (
        read_npz(
            write_motion(create_run(Config(fps=fps, motion=Motion(subjects=1)), tmp_path / str(fps)), "s01-walking-01")
        )
        for fps in (12.0, 60.0)
    )
    np.testing.assert_allclose(slow["trans"][:, :2], fast["trans"][::5, :2], atol=1e-6)
    np.testing.assert_allclose(slow["poses"][:, 3:], fast["poses"][::5, 3:], atol=1e-9)


def test_cutting_a_clip_does_not_move_it(tmp_path):
    whole, cut = (
        read_npz(
            write_motion(
                create_run(Config(fps=12.0, motion=Motion(max_frames=limit)), tmp_path / str(limit)), "s02-jumping-02"
            )
        )
        for limit in (None, 5)
    )
    assert len(cut["poses"]) == 5
    for name in ("poses", "trans", "time_s", "source_frame"):
        np.testing.assert_array_equal(cut[name], whole[name][:5])


@pytest.mark.parametrize("columns", [156, 165])
def test_an_amass_file_in_either_flavour(amass_file, tmp_path, columns):
    rate = {"mocap_framerate" if columns == 156 else "mocap_frame_rate": 120.00004577636719}
    path = amass_file(columns=columns, frames=120, **rate)
    run = create_run(
        Config(fps=60.0, motion=Motion(source="amass", amass_dir=str(tmp_path / "amass"))), tmp_path / "run"
    )
    arrays = read_npz(write_motion(run, "subject1-walk-01"))
    assert array_problems(arrays, POSE_ARRAYS, {"T": 60}) == []
    source = read_amass(path)
    np.testing.assert_allclose(arrays["poses"][:, 3:], source.poses[::2][:60, 3:], atol=1e-5)
    turned, scale = arrays["world_from_source"], arrays["source_scale"]
    joints = joints_of(run, "subject1-walk-01", arrays)
    model, betas = subject_body(run, "subject1")
    rest = shape_body(model, torch.as_tensor(betas), [0]).joints[0].numpy()
    mapped = scale * (source.trans[::2][:60] + rest) @ turned[:3, :3].T + turned[:3, 3]
    np.testing.assert_allclose(joints[:, 0], mapped, atol=1e-5)
    np.testing.assert_allclose(joints[0, 0, :2], 0, atol=1e-5)
    assert read_amass(run.clip("subject1-walk-01") / "motion.npz").flavour == "smplx"


def test_an_unknown_clip_is_named(tmp_path):
    run = create_run(Config(), tmp_path)
    with pytest.raises(InputError, match="has no clip 's09-walking-01'"):
        write_motion(run, "s09-walking-01")
