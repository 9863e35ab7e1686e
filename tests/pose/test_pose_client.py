"""The panel's end of the pipes, outside Blender, with the real child."""

import subprocess
import sys

import pytest

from blender_addon.odah_process import Job, ProgramError, check, command
from blender_addon.pose_client import MOST_RESTARTS, PoseClient
from odah_gen.command_line import version
from odah_gen.paths import ROOT
from tests.pose.client import wait_for


@pytest.fixture
def client(program, generic_file):
    client = PoseClient(program, ["--model", str(generic_file)])
    yield client
    client.stop()


def test_of_many_requests_the_last_is_answered(client):
    for angle in range(20):
        last = client.show({"knee_angle_r": angle}, vertices=False)
    answers = wait_for(client, lambda: not client.busy)
    assert answers[-1].header["id"] == last
    assert answers[-1].header["coordinates"]["knee_angle_r"] == pytest.approx(19)
    assert len(answers) <= 2
    assert answers[-1].array("body_rotations").shape == (len(client.ready["body_names"]), 3, 3)


def test_a_child_that_dies_is_started_again_but_not_for_ever(client):
    wait_for(client, lambda: client.ready is not None)
    client.child.process.kill()
    client.child.process.wait()
    asked = client.show({"knee_angle_r": 30}, vertices=False)
    answers = wait_for(client, lambda: not client.busy)
    assert [answer.header["id"] for answer in answers] == [asked]
    assert client.problem == ""
    client.restarts = MOST_RESTARTS
    client.child.process.kill()
    wait_for(client, lambda: client.problem != "")
    assert "ended with code" in client.problem
    assert client.child is None
    assert client.poll() == []


def test_what_the_child_says_when_it_cannot_start_is_the_problem(program, tmp_path):
    client = PoseClient(program, ["--run", str(tmp_path), "--subject", "s01"])
    wait_for(client, lambda: client.problem != "")
    assert client.problem.startswith(f"{tmp_path}: is no run (no config.yaml).")
    client.stop()


def test_no_program_is_told_at_once(tmp_path):
    for program, words in (("", "has not been chosen"), (str(tmp_path / "none"), "is no odah-gen")):
        client = PoseClient(program, [])
        assert words in client.problem
        assert client.poll() == []
        client.stop()


def test_the_check_gives_the_version_or_a_sentence(program, tmp_path):
    assert check(program) == version()
    other = tmp_path / "odah-gen"
    other.write_text("#!/bin/sh\necho something\n")
    with pytest.raises(ProgramError, match="cannot be run"):
        check(str(other))
    other.chmod(0o755)
    with pytest.raises(ProgramError, match="is not odah-gen"):
        check(str(other))


def test_the_program_may_be_a_file_an_interpreter_or_a_folder(tmp_path):
    inside = tmp_path / ".venv" / "bin" / "odah-gen"
    inside.parent.mkdir(parents=True)
    inside.touch()
    assert command(str(tmp_path)) == command(str(tmp_path / ".venv")) == command(str(inside)) == [str(inside)]
    assert command(sys.executable) == [sys.executable, "-m", "odah_gen.cli"]


def test_jobs_end_well_or_with_a_sentence(program, tmp_path):
    job = Job(program, ["pose", "--model", "none.osim", "--mot", "a.mot", "--out", str(tmp_path / "a.npz")])
    job.process.wait()
    assert job.poll().startswith("none.osim: there is no such file")
    job.stop()
    job = Job(program, ["--version"])
    job.process.wait()
    assert (job.poll(), job.words().split()[-1]) == ("", version())
    job.stop()


def test_the_client_needs_neither_torch_nor_opensim_nor_bpy():
    code = "import sys, blender_addon.pose_client, blender_addon.imported; print({'torch', 'opensim', 'bpy', 'odah_gen'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
