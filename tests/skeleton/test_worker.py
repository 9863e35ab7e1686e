import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from odah_gen.errors import InputError
from odah_gen.skeleton.table import coordinate_names
from odah_gen.skeleton.worker import call
from odah_gen.skeleton.worker_main import first_sentence


def test_the_parent_never_imports_opensim():
    code = (
        "import sys, odah_gen.skeleton.ik_stage, odah_gen.skeleton.scale_stage, odah_gen.skeleton.calibrate;"
        "sys.exit('opensim' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_task_answers_quietly_and_leaves_nothing_behind(generic, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    replay = call("replay", text=generic, names=coordinate_names(), coordinates=np.zeros((2, 39)))
    assert replay.joint_centers_m.shape == (2, 22, 3)
    assert os.listdir(tmp_path) == []
    assert capfd.readouterr() == ("", "")


def test_a_refusal_comes_back_as_it_was_said(generic):
    with pytest.raises(InputError, match="no coordinate knee_bend"):
        call("replay", text=generic, names=["knee_bend"], coordinates=np.zeros((1, 1)))


def test_a_failure_is_one_sentence_with_the_cause_and_a_kept_log():
    with pytest.raises(InputError, match=r"OpenSim failed in replay: .*model\.osim") as error:
        call("replay", text="<broken", names=[], coordinates=np.zeros((1, 0)))
    message = str(error.value)
    assert "\n" not in message
    log = Path(re.search(r"whole log is in (\S+);", message)[1])
    assert "broken" in log.read_text() or "Xml" in log.read_text()
    log.unlink()


def test_relative_paths_mean_the_callers_folder(generic, layout, tmp_path, monkeypatch):
    (tmp_path / "own.osim").write_text(generic)
    monkeypatch.chdir(tmp_path)
    text = call(
        "generic_model",
        names=layout.names,
        bodies=layout.bodies,
        locations_m=layout.locations_m,
        locked=(),
        own=Path("own.osim"),
    )
    assert "<OpenSimDocument" in text


def test_the_place_in_opensims_sources_is_left_out():
    message = "Model has no marker.\n\tThrown at Model.cpp:11 in f().\n\tIn Object 'x' of type Model."
    assert first_sentence(message) == "Model has no marker."
