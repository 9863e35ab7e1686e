import subprocess
import sys
import time
from pathlib import Path

import pytest

from odah_gen.errors import InputError
from odah_gen.lock import hold_alone, wait_for_writers, writers

STAGE_WITH_CHILD = """
import subprocess, sys
from pathlib import Path
from odah_gen.lock import hold_run, run_lock_fds
hold_run(Path(sys.argv[1]))
child = "import time, pathlib, sys; time.sleep(1.5); pathlib.Path(sys.argv[1], 'written').touch()"
subprocess.Popen([sys.executable, "-c", child, sys.argv[1]], pass_fds=run_lock_fds())
print("ready", flush=True)
import time; time.sleep(60)
"""


def test_a_start_waits_for_the_child_of_a_killed_stage_and_names_it(tmp_path: Path):
    (tmp_path / ".half.1.part.npz").touch()
    stage = subprocess.Popen([sys.executable, "-c", STAGE_WITH_CHILD, str(tmp_path)], stdout=subprocess.PIPE)
    assert stage.stdout.readline() == b"ready\n"
    stage.kill()
    stage.wait()
    said: list[str] = []
    wait_for_writers(tmp_path, said.append)
    assert (tmp_path / "written").exists()
    assert len(said) == 1
    assert "process" in said[0]
    assert not (tmp_path / ".half.1.part.npz").exists()


def test_without_writers_nothing_is_said(tmp_path: Path):
    said: list[str] = []
    start = time.monotonic()
    wait_for_writers(tmp_path, said.append)
    assert said == []
    assert time.monotonic() - start < 1


def test_only_one_process_works_alone(tmp_path: Path):
    path = tmp_path / "state" / "alone.lock"
    script = "import sys, pathlib, time; from odah_gen.lock import hold_alone; hold_alone(pathlib.Path(sys.argv[1])); print('ready', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"ready\n"
        with pytest.raises(InputError, match=f"process {other.pid}"):
            hold_alone(path)
        assert str(other.pid) in writers(path)
    finally:
        other.kill()
        other.wait()
    hold_alone(path)
