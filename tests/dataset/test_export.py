"""A split is exported whole, checked, or not at all."""

import os
import shutil

import pandas as pd
import pytest

from odah_gen.cli import main
from odah_gen.dataset.export import export_split, find_run
from odah_gen.dataset.verify import verify_folder
from odah_gen.errors import InputError
from odah_gen.storage import read_json, write_json

TRAIN, TEST = "s01-walking-00", "s02-walking-00"


def fail(run, clip):
    path = run.clip(clip) / "quality.json"
    write_json(path, {**read_json(path), "verdict": "fail", "reasons": ["marker RMS is 25 mm."]})


def files_below(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_an_export_is_self_contained_and_verifies(finished_run, tmp_path):
    out = tmp_path / "dataset" / "train"
    export = export_split(finished_run, "train", out)
    assert (export.clips, export.left_out) == ((TRAIN,), {})
    moved = tmp_path / "elsewhere"
    out.rename(moved)
    assert [problem for entry in verify_folder(moved) for problem in entry.problems] == []
    assert not (moved / "clips" / TEST).exists()
    assert not (moved / "subjects" / "s02").exists()
    assert set(pd.read_parquet(moved / "manifest.parquet")["path"]) == set(files_below(moved)) - {"manifest.parquet"}
    assert pd.read_parquet(moved / "clips.parquet")["verdict"].tolist() == ["pass"]
    assert TRAIN not in (moved / "README.md").read_text()
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("option", [["--run"], []])
def test_the_verify_command_leaves_an_export_as_it_was(finished_run, tmp_path, option):
    out = tmp_path / "train"
    export_split(finished_run, "train", out)
    before = files_below(out)
    main(["verify", *option, str(out)])
    assert files_below(out) == before


def test_a_changed_or_foreign_file_in_an_export_is_found(finished_run, tmp_path):
    out = tmp_path / "train"
    export_split(finished_run, "train", out)
    scales = out / "subjects" / "s01" / "scales.json"
    scales.write_text(scales.read_text().replace("1.0", "1.1", 1))
    (out / "notes.txt").write_text("mine")
    found = [problem.sentence for entry in verify_folder(out) for problem in entry.problems]
    assert any("scales.json: its sha256 is not the manifest's" in sentence for sentence in found)
    assert any("notes.txt: is not in the manifest" in sentence for sentence in found)


def test_a_split_without_subjects_says_so_and_writes_nothing(finished_run, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["export", "--split", "val", "--run", str(finished_run.folder), "--out", str(tmp_path / "val")])
    assert stop.value.code == 2
    assert "split val has no subject; subjects are in test (1), train (1)." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_failed_clips_are_left_out_by_name_and_kept_on_request(run_copy, tmp_path, capsys):
    table = pd.read_parquet(run_copy.folder / "clips.parquet")
    table["split"] = "train"
    table.to_parquet(run_copy.folder / "clips.parquet")
    fail(run_copy, TEST)
    arguments = ["export", "--split", "train", "--run", str(run_copy.folder), "--out", str(tmp_path / "out")]
    main(arguments)
    assert f"left out {TEST}: marker RMS is 25 mm." in capsys.readouterr().err
    assert TEST in (tmp_path / "out" / "README.md").read_text()
    assert not (tmp_path / "out" / "clips" / TEST).exists()
    main([*arguments, "--include-failed"])
    assert capsys.readouterr().err == ""
    assert pd.read_parquet(tmp_path / "out" / "clips.parquet")["verdict"].tolist() == ["pass", "fail"]


def test_a_split_that_failed_whole_writes_nothing(run_copy, tmp_path):
    fail(run_copy, TRAIN)
    with pytest.raises(InputError, match=r"every clip of split train has failed \(marker RMS is 25 mm"):
        export_split(run_copy, "train", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unfinished_clip_is_named(run_copy, tmp_path):
    (run_copy.clip(TRAIN) / "side.mp4").unlink()
    with pytest.raises(InputError, match=r"s01-walking-00 is not finished \(s01-walking-00 lacks side\.mp4\)"):
        export_split(run_copy, "train", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_truncated_video_stops_an_export_and_the_old_one_stays(run_copy, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["export", "--split", "train", "--run", str(run_copy.folder), "--out", str(out)]
    main(arguments)
    before = files_below(out)
    path = run_copy.clip(TRAIN) / "front.mp4"
    path.write_bytes(path.read_bytes()[:-300])
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert "front.mp4: " in error
    assert len(error.splitlines()) == 1
    assert files_below(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mini", "out"]


def test_another_folder_is_never_overwritten(finished_run, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match="is no export"):
        export_split(finished_run, "train", tmp_path / "precious")
    assert files_below(tmp_path / "precious") == ["thesis.tex"]


def test_a_full_disk_leaves_nothing(finished_run, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(InputError, match="No space left"):
        export_split(finished_run, "train", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_run_that_is_meant(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        find_run(tmp_path)
    for name in ("demo", "smoke"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").touch()
        if name == "demo":
            assert find_run(tmp_path) == tmp_path / "demo"
    with pytest.raises(InputError, match=r"several runs \(demo, smoke\)"):
        find_run(tmp_path)
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "config.yaml").touch()
    assert find_run(tmp_path) == tmp_path / "default"
