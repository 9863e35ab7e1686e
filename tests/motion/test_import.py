"""An AMASS file on a body, without a run."""

import numpy as np
import pytest
import torch

from blender_addon.description import SceneError
from blender_addon.imported import read_imported_body
from blender_addon.skinning import load_body, pose_joints
from odah_gen.body.model import load_body_model
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.cli import main
from odah_gen.dataset.schema import POSE_ARRAYS, array_problems
from odah_gen.storage import read_npz
from tests.motion.amass_files import amass_arrays


@pytest.mark.parametrize("columns", [156, 165])
def test_the_free_body_stands_on_the_floor(columns, tmp_path):
    np.savez(tmp_path / "Turn.npz", **amass_arrays(columns))
    main(["import", str(tmp_path / "Turn.npz"), "--out", str(tmp_path / "out")])
    shown = read_imported_body(tmp_path / "out")
    arrays = read_npz(shown.motion)
    assert (shown.clip, shown.fps, shown.frames) == ("Turn", 120.0, 40)
    assert array_problems(arrays, POSE_ARRAYS, {"T": 40}) == []
    assert not arrays["betas"].any()
    model = load_body_model(shown.model)
    posed = pose_body(
        shape_body(model, torch.as_tensor(arrays["betas"])), arrays["poses"], torch.as_tensor(arrays["trans"])
    )
    assert np.percentile(posed.vertices[..., 2].min(dim=1).values, 10) == pytest.approx(0, abs=1e-3)
    np.testing.assert_allclose(posed.joints[0, 0, :2], 0, atol=1e-5)
    # The panel's own numpy body says the same.
    pose = pose_joints(load_body(shown.model, arrays["betas"]), arrays["poses"][4], arrays["trans"][4])
    np.testing.assert_allclose(pose.rotations, posed.rotations[4], atol=1e-5)


def test_another_rate_changes_the_sampling_alone(tmp_path):
    np.savez(tmp_path / "a.npz", **amass_arrays())
    found = []
    for rate in ("120", "30"):
        main(["import", str(tmp_path / "a.npz"), "--out", str(tmp_path / rate), "--fps", rate])
        found.append(read_npz(tmp_path / rate / "body.npz"))
    assert read_imported_body(tmp_path / "30").fps == 30
    np.testing.assert_allclose(found[1]["poses"], found[0]["poses"][::4], atol=1e-9)
    np.testing.assert_allclose(found[1]["trans"], found[0]["trans"][::4], atol=1e-9)


def test_smplx_has_the_shape_of_the_file(smplx_folder, tmp_path):
    arrays = amass_arrays(165) | {"gender": np.array("neutral")}
    np.savez(tmp_path / "a.npz", **arrays)
    main(["import", str(tmp_path / "a.npz"), "--out", str(tmp_path), "--model-dir", str(smplx_folder)])
    found = read_npz(tmp_path / "body.npz")
    np.testing.assert_array_equal(found["betas"], arrays["betas"][: len(found["betas"])])
    assert (found["source_scale"], found["mocap_frame_rate"]) == (1, 120)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"poses": np.zeros((40, 100))}, "poses has 100 columns"),
        ({"trans": np.full((40, 3), np.nan)}, "trans holds NaN"),
        ({"gender": np.array("robot")}, "gender is 'robot'"),
    ],
)
def test_mistakes_are_one_sentence_and_leave_no_file(change, words, tmp_path, capsys):
    np.savez(tmp_path / "a.npz", **(amass_arrays() | change))
    with pytest.raises(SystemExit):
        main(["import", str(tmp_path / "a.npz"), "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert words in said
    assert not (tmp_path / "out").exists()


def test_the_panel_refuses_other_folders(tmp_path):
    with pytest.raises(SceneError, match=r"import\.json: cannot be read"):
        read_imported_body(tmp_path)
    (tmp_path / "import.json").write_text("{}")
    with pytest.raises(SceneError, match=r"is no import of odah-gen"):
        read_imported_body(tmp_path)
