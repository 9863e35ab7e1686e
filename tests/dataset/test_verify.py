"""A sound run has no problems; each kind of damage is found and named."""

import numpy as np
import pandas as pd
import pytest

from odah_gen.cli import main
from odah_gen.dataset.verify import verify_folder
from odah_gen.storage import read_json, read_npz, write_json, write_npz

CLIP = "s01-walking-00"


def problems_of(folder):
    return [problem for entry in verify_folder(folder) for problem in entry.problems]


def change_arrays(path, **changes):
    write_npz(path, **{**read_npz(path), **changes})


def test_a_sound_run_has_no_problems(finished_run, capsys):
    findings = verify_folder(finished_run.folder)
    assert [entry.problems for entry in findings] == [()] * 5
    assert {entry.name: entry.verdict for entry in findings}[CLIP] == "pass"
    main(["verify", "--run", str(finished_run.folder)])
    assert capsys.readouterr().out.endswith(": 0 problems.\n")


def test_a_truncated_video_is_unreadable_and_exits_with_2(run_copy, capsys):
    path = run_copy.clip(CLIP) / "side.mp4"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (problem,) = problems_of(run_copy.folder)
    assert problem.unreadable
    assert "side.mp4: " in problem.sentence
    with pytest.raises(SystemExit) as stop:
        main(["verify", "--run", str(run_copy.folder)])
    assert stop.value.code == 2
    assert "1 problem." in capsys.readouterr().out


def test_a_missing_file_exits_with_1(run_copy):
    (run_copy.clip(CLIP) / "kinematics.mot").unlink()
    (problem,) = problems_of(run_copy.folder)
    assert "kinematics.mot: is missing" in problem.sentence
    with pytest.raises(SystemExit) as stop:
        main(["verify", "--run", str(run_copy.folder)])
    assert stop.value.code == 1


def test_a_folder_that_is_no_run_exits_with_2(tmp_path, capsys):
    for arguments in (["--run", str(tmp_path)], [str(tmp_path / "none")], []):
        with pytest.raises(SystemExit) as stop:
            main(["verify", *arguments])
        assert stop.value.code == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_moved_points_in_the_picture_are_found(run_copy):
    path = run_copy.clip(CLIP) / "labels.npz"
    change_arrays(path, front_markers_px=read_npz(path)["front_markers_px"] + 0.2)
    assert sentences(run_copy) == [f"{path}: front_markers_px is not the projection of markers_m."]


def test_angles_that_differ_from_the_mot_are_found(run_copy):
    path = run_copy.clip(CLIP) / "labels.npz"
    change_arrays(path, coordinates_rad=read_npz(path)["coordinates_rad"] + 1e-4)
    assert sentences(run_copy) == [f"{path.parent / 'kinematics.mot'}: differs from coordinates_rad of labels.npz."]


def test_nan_in_a_valid_frame_is_found_and_in_others_not(run_copy):
    path = run_copy.clip(CLIP) / "keypoints.npz"
    markers = read_npz(path)["markers_m"].copy()
    markers[2] = np.nan
    change_arrays(path, markers_m=markers, valid=np.array([True, True, False, True]))
    assert sentences(run_copy) == []
    change_arrays(path, valid=np.ones(4, bool))
    assert sentences(run_copy) == [f"{path}: markers_m holds NaN or infinite values in valid frames."]


def test_a_mirrored_camera_is_found(run_copy):
    path = run_copy.clip(CLIP) / "cameras.json"
    content = read_json(path)
    content["cameras"]["front"]["R"][0] = [-value for value in content["cameras"]["front"]["R"][0]]
    write_json(path, content)
    found = sentences(run_copy)
    assert f"{path}: front: R is no rotation matrix." in found
    assert any("is not the projection" in sentence for sentence in found)


def test_another_scale_and_another_length_are_found(run_copy):
    scales = run_copy.subject("s01") / "scales.json"
    write_json(scales, {**read_json(scales), "pelvis": [1, 1, 2]})
    table = pd.read_parquet(run_copy.folder / "clips.parquet")
    table.loc[table["clip_id"] == "s02-walking-00", "frames"] = 5
    table.to_parquet(run_copy.folder / "clips.parquet")
    found = sentences(run_copy)
    assert any("scales.json: differs from scales of" in sentence for sentence in found)
    assert any("front.mp4: has 4 frames; the clip has 5." in sentence for sentence in found)
    assert any("labels.npz: time_s has shape [4], [T = 5] was expected." in sentence for sentence in found)


def test_centers_off_the_person_are_found_unless_the_clip_has_failed(run_copy):
    folder = run_copy.clip(CLIP)
    (folder / "front_mask.mkv").write_bytes((folder / "side_mask.mkv").read_bytes())
    assert "should lie inside the masks" in sentences(run_copy)[0]
    quality = read_json(folder / "quality.json")
    write_json(folder / "quality.json", {**quality, "verdict": "fail", "reasons": ["masks."]})
    assert sentences(run_copy) == []


def test_a_lossy_mask_is_found(run_copy):
    folder = run_copy.clip(CLIP)
    (folder / "front_mask.mkv").write_bytes((folder / "front.mp4").read_bytes())
    assert "front_mask.mkv: frame 0 holds values other than 0 and 255" in sentences(run_copy)[0]


def test_a_catalogue_with_a_subject_in_two_splits_is_found(run_copy):
    table = pd.read_parquet(run_copy.folder / "clips.parquet")
    table["subject"] = "s01"
    table.to_parquet(run_copy.folder / "clips.parquet")
    assert "subject s01 in more than one split" in sentences(run_copy)[0]


def sentences(run):
    return [problem.sentence for problem in problems_of(run.folder)]
