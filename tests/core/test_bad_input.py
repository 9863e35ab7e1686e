"""Mistakes that meet every command: one sentence, exit code 2, nothing half-written."""

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from odah_gen import cli
from odah_gen.config import Config, Motion
from odah_gen.motion.catalogue import create_run
from odah_gen.paths import ROOT

ONE_CLIP = Config(run="one", fps=12, motion=Motion(actions=("walking",), subjects=1, clips_per_subject=1))
CLIP = "s01-walking-01"
STAGES_OF_CLIPS = ("motion", "markers", "ik", "fit", "preview", "scene", "render", "labels", "report")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return create_run(ONE_CLIP, tmp_path / "run").folder


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one sentence that a command says before it exits with 2."""
    with pytest.raises(SystemExit) as stop:
        cli.main(words)
    shown = capsys.readouterr()
    assert stop.value.code == 2
    assert shown.out == ""
    assert shown.err.startswith("odah-gen: ")
    assert shown.err.count("\n") == 1
    return shown.err


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.name != ".lock")


@pytest.mark.parametrize("stage", STAGES_OF_CLIPS)
def test_an_unknown_clip(run: Path, capsys: pytest.CaptureFixture[str], stage: str) -> None:
    before = files(run)
    assert f"has no clip 'nobody'; it has {CLIP}." in refused(capsys, stage, "--run", str(run), "nobody")
    assert files(run) == before


@pytest.mark.parametrize("words", [("scale", "s99"), ("fit", "--subject", "s99")])
def test_an_unknown_subject(run: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    assert "has no subject 's99'; it has s01." in refused(capsys, words[0], "--run", str(run), *words[1:])


@pytest.mark.parametrize("stage", STAGES_OF_CLIPS)
def test_a_folder_that_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], stage: str) -> None:
    assert "is no run (no config.yaml)" in refused(capsys, stage, "--run", str(tmp_path / "absent"), CLIP)


@pytest.mark.parametrize(
    "words", [("motion", CLIP), ("report", "--table"), ("verify",), ("export", "--split", "train")]
)
def test_a_damaged_catalogue(run: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    catalogue = run / "clips.parquet"
    catalogue.write_bytes(catalogue.read_bytes()[:300])
    told = refused(capsys, words[0], "--run", str(run), *words[1:])
    assert "clips.parquet: is not a readable .parquet file" in told


def test_a_folder_where_a_file_was_meant(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot be read (Is a directory)" in refused(capsys, "index", "--config", str(tmp_path))
    (run / "config.yaml").unlink()
    (run / "config.yaml").mkdir()
    assert "config.yaml: cannot be read" in refused(capsys, "motion", "--run", str(run), CLIP)


@pytest.mark.parametrize("stage", ["motion", "markers", "scene", "render"])
def test_a_file_where_a_clip_s_folder_was_meant(run: Path, capsys: pytest.CaptureFixture[str], stage: str) -> None:
    (run / "clips").mkdir()
    (run / "clips" / CLIP).write_text("")
    told = refused(capsys, stage, "--run", str(run), CLIP)
    assert CLIP in told
    assert files(run / "clips") == [run / "clips" / CLIP]


def test_what_the_system_refuses_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(28, os.strerror(28), "some/file")

    monkeypatch.setattr("odah_gen.motion.index_command.main", refuse)
    assert "some/file: No space left on device." in refused(capsys, "index", "--config", "any.yaml")


def test_ctrl_c_is_one_line(run: Path) -> None:
    command = [sys.executable, "-m", "odah_gen.cli", "motion", "--run", str(run), *[CLIP] * 1000]
    # A shell that starts the tests in the background makes them, and what they start, ignore Ctrl-C.
    heeding = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    stage = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heeding)
    deadline = time.monotonic() + 60
    while not (run / "clips" / CLIP / "motion.npz").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    stage.send_signal(signal.SIGINT)
    told = stage.communicate(timeout=60)[1]
    assert stage.returncode == 130
    assert told.splitlines()[-1] == "odah-gen: stopped; no file is left half-written."
    assert "Traceback" not in told
    assert [path.name for path in (run / "clips" / CLIP).iterdir()] == ["motion.npz"]


def start_workflow(folder: Path, config: str) -> str:
    """What snakemake says of a configuration that it refuses."""
    (folder / "bad.yaml").write_text(config)
    command = [Path(sys.executable).parent / "snakemake", "-s", ROOT / "Snakefile", "--directory", folder]
    words = ["--cores", "1", "render_all", "--configfile", folder / "bad.yaml"]
    result = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    shown = result.stdout + result.stderr
    assert result.returncode == 2, shown
    assert "Traceback" not in shown
    assert ' File "' not in shown
    return shown


def test_the_workflow_refuses_before_it_starts(tmp_path: Path) -> None:
    told = start_workflow(tmp_path, "fsp: 30\n")
    assert f"{tmp_path}/bad.yaml: fsp is no key here (known: run, seed, fps," in told
    told = start_workflow(tmp_path, "skeleton: {markers: absent.yaml}\n")
    assert "absent.yaml: there is no such file" in told
    assert not (tmp_path / "results").exists() or not list((tmp_path / "results").rglob("*.part*"))


def test_the_workflow_refuses_a_place_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file where a folder should be")
    assert "cannot be written (Not a directory)" in start_workflow(tmp_path, "run: one\n")
