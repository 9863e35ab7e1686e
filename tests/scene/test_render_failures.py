"""When rendering cannot be done there is one sentence, and nothing that looks finished."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from odah_gen.errors import InputError
from odah_gen.run import Run
from odah_gen.scene.blender import blender_command, check_device, pictures, require_egl
from odah_gen.scene.render_stage import render_clip, scratch_folder
from odah_gen.scene.stage import write_scene
from odah_gen.scene.video import segment_file, write_segment
from tests.scene.scene_clip import CLIP

RESULTS = ("front.mp4", "side.mp4", "front_mask.mkv", "side_mask.mkv", "render.json")


def stand_in(folder: Path, script: str) -> Path:
    """A program in the place of Blender's Python."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_whole_segments_outlive_a_failure_and_half_pictures_do_not(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a driver"):
        fail_after_a_segment(tmp_path)
    assert [file.name for file in tmp_path.glob("*/*")] == ["front.00000.nut"]
    with pytest.raises(InputError, match="at once"), scratch_folder(tmp_path, "b"):
        raise InputError("failed at once")
    assert not list(tmp_path.iterdir())


def fail_after_a_segment(folder: Path) -> None:
    with scratch_folder(folder, "a") as scratch:
        write_segment(segment_file(scratch, "front", 0), [BLACK], SIZE, 12, kind="picture")
        (scratch / "front.000001.raw").write_bytes(BLACK)
        (scratch / ".front.00001.nut.part").write_bytes(b"half")
        raise InputError("a driver that crashed")


def nothing_is_left(folder: Path) -> bool:
    hidden = [file for file in folder.iterdir() if file.name.startswith(".")]
    return not hidden and not any((folder / name).exists() for name in RESULTS)


def test_missing_egl_names_the_package() -> None:
    with pytest.raises(InputError, match=r"apt-get install .*libegl1"):
        require_egl("libEGL-that-is-not-there.so.1")


def test_missing_blender_names_the_setup(fresh_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write_scene(fresh_run, CLIP)
    monkeypatch.setenv("ODAH_BLENDER_PYTHON", "/nowhere/python")
    with pytest.raises(InputError, match=r"\./odah setup"):
        render_clip(fresh_run, CLIP)
    assert nothing_is_left(fresh_run.clip(CLIP))


def test_a_blender_that_aborts(fresh_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_scene(fresh_run, CLIP)
    monkeypatch.setenv("ODAH_BLENDER_PYTHON", str(stand_in(tmp_path, "echo no graphics at all; exit 134")))
    with pytest.raises(InputError, match=r"status 134 \(no graphics at all\)"):
        render_clip(fresh_run, CLIP)
    assert nothing_is_left(fresh_run.clip(CLIP))
    assert "no graphics" in (fresh_run.clip(CLIP) / "blender.log").read_text()


def test_a_scene_that_was_not_written(fresh_run: Run) -> None:
    with pytest.raises(InputError, match=r"scene\.json: there is no such file"):
        render_clip(fresh_run, CLIP)


def test_a_gpu_that_is_not_there() -> None:
    start = '{"event": "start", "blender": "5.0.1", "renderer": "llvmpipe (LLVM 15)", "frames": 1}'
    assert list(pictures(iter([start]), "auto")) == []
    with pytest.raises(InputError, match=r"render\.device is gpu"):
        list(pictures(iter([start]), "gpu"))


def test_a_device_that_another_was_asked_for() -> None:
    check_device("auto", "NVIDIA H200")
    check_device("gpu", "NVIDIA H200")
    with pytest.raises(InputError, match=r"render\.device is cpu, but Blender draws with NVIDIA H200\. Install"):
        check_device("cpu", "NVIDIA H200")
    with pytest.raises(InputError, match=r"Cycles on the processor draws\. Set render\.engine to eevee"):
        check_device("gpu", "Cycles on the processor")


def test_a_blender_that_is_not_there() -> None:
    with pytest.raises(InputError, match=r"render\.blender: /nowhere/blender is no program"):
        blender_command("/nowhere/blender")


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        ("exit 1", r"python is no Blender\. Give the path"),
        ("echo Blender 3.3.21; echo build date", r"python is Blender 3\.3; 3\.4 or later is needed\. Give the path"),
    ],
)
def test_a_program_that_cannot_draw_the_scenes(tmp_path: Path, says: str, sentence: str) -> None:
    with pytest.raises(InputError, match=rf"render\.blender: .*{sentence}"):
        blender_command(str(stand_in(tmp_path, says)))


def test_a_program_that_no_machine_can_run(tmp_path: Path) -> None:
    (tmp_path / "blender").write_bytes(b"\x7fELF")
    (tmp_path / "blender").chmod(0o755)
    with pytest.raises(InputError, match=r"is no Blender"):
        blender_command(str(tmp_path / "blender"))


@pytest.mark.parametrize("version", ["Blender 3.4.1", "Blender 4.2.23 LTS", "Blender 10.0.0 Alpha"])
def test_a_blender_that_is_new_enough(tmp_path: Path, version: str) -> None:
    program = stand_in(tmp_path, f"echo; echo {version}")
    assert blender_command(str(program))[0] == str(program)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "clip").write_text("a file where a folder should be")
    with pytest.raises(InputError, match="cannot be written"), scratch_folder(tmp_path / "clip", "a"):
        pass


def test_a_video_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"front\.00000\.nut: cannot be made"):
        write_segment(segment_file(tmp_path / "missing", "front", 0), [BLACK], SIZE, 12, kind="picture")


BLACK, SIZE = bytes(16 * 16 * 3), (16, 16)


def test_a_full_disk_is_named_as_the_reason(tmp_path: Path) -> None:
    segment = segment_file(tmp_path, "front", 0)
    segment.with_name(f".{segment.name}.part").symlink_to("/dev/full")
    with pytest.raises(InputError, match="No space left on device"):
        write_segment(segment, [BLACK], SIZE, 12, kind="picture")
    assert not segment.exists()


@pytest.mark.parametrize("kept", [0, 40])
def test_a_picture_that_found_no_room_is_no_frame(fresh_run: Run, tmp_path: Path, monkeypatch, kept: int) -> None:
    write_scene(fresh_run, CLIP)
    (tmp_path / "cut.raw").write_bytes(BLACK[:kept])
    start = '{"event": "start", "blender": "5.0.1", "renderer": "any", "frames": 3}'
    event = f'{{"event": "picture", "video": "front", "frame": 0, "file": "{tmp_path}/cut.raw"}}'
    script = f"while [ $1 != --progress-fd ]; do shift; done; printf '%s\\n' '{start}' '{event}' >/dev/fd/$2"
    monkeypatch.setenv("ODAH_BLENDER_PYTHON", str(stand_in(tmp_path, script)))
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)\. Free space"):
        render_clip(fresh_run, CLIP)
    assert nothing_is_left(fresh_run.clip(CLIP))


def test_killing_the_stage_ends_blender_and_leaves_no_result(fresh_run: Run) -> None:
    write_scene(fresh_run, CLIP)
    folder = fresh_run.clip(CLIP)
    command = [sys.executable, "-m", "odah_gen.cli", "render", "--run", str(fresh_run.folder), CLIP]
    stage = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    blender = wait_for(lambda: blender_of(stage.pid, folder), 60)
    time.sleep(0.5)
    os.kill(stage.pid, signal.SIGKILL)
    stage.wait()
    wait_for(lambda: not running(blender), 30)
    assert not any((folder / name).exists() for name in RESULTS)
    with scratch_folder(folder, "another"):
        pass
    assert not list(folder.glob(".render-*"))


def wait_for(condition: object, seconds: float) -> int:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():  # type: ignore[operator]
            return found
        time.sleep(0.1)
    raise AssertionError(f"did not happen within {seconds} s")


def blender_of(stage: int, folder: Path) -> int:
    """The child of the stage that runs blender_addon.render, once it is at work; 0 before."""
    children = Path(f"/proc/{stage}/task/{stage}/children").read_text().split()
    commands = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    return next((int(child) for child, words in commands.items() if b"blender_addon.render" in words), 0)


def running(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
