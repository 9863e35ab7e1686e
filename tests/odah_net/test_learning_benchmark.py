"""The benchmark of learning puts the baselines beside the network and its figures into the document."""

import os
import shutil

import learning

from odah_gen.storage import read_json
from odah_net.evaluation.methods import FRAMES, MEAN, SEQUENCE
from tests.odah_net.with_models import write_models


def test_baselines_are_evaluated_and_a_missing_pose2sim_is_told(drawn, generic_text, tmp_path, monkeypatch):
    data = shutil.copytree(drawn, tmp_path / "data")
    write_models(data, generic_text)
    monkeypatch.setattr("odah_net.baseline.pose2sim.PYTHON", tmp_path / "python")
    files, notes = learning.baselines(data, tmp_path / "out")
    assert notes == ["Pose2Sim was not run: it needs ./odah setup --with pose2sim."]
    methods = read_json(files[0])["methods"]
    assert list(methods) == ["triangulated, 0 px", "triangulated, 1 px, 6 Hz"]
    assert methods["triangulated, 0 px"]["mae_all_deg"] < 1e-2 < methods["triangulated, 1 px, 6 Hz"]["mae_all_deg"]


def test_the_document_gets_table_goals_and_picture_between_its_marks(tmp_path):
    document = tmp_path / "network.md"
    document.write_text(f"before\n\n{learning.BEGIN}\n\nold\n\n{learning.END}\n\nafter\n")
    figures = {"mae_all_deg": 10.0, "pa_mpjpe_mm": 60.0, "pa_mpjve_mm_per_s": 300.0}
    methods = {
        SEQUENCE: {**figures, "mae_all_deg": 6.0},
        FRAMES: {**figures, "pa_mpjve_mm_per_s": 500.0},
        MEAN: figures,
        "other": {"mae_all_deg": 1.0},
    }
    for _ in range(2):
        learning.put_into_document(document, [learning.markdown(methods), learning.bullets(learning.goals(methods))])
    lines = document.read_text().splitlines()
    assert "| MAE, 36 angles (°) | 6 | 10 | 10 | 1 |" in lines
    assert "| PA-MPJVE (mm/s) | 300 | 500 | 300 | – |" in lines
    assert "- MAE, 36 angles (°): 40 % below the mean pose; goal 30 %: met." in lines
    assert "- PA-MPJPE, 44 points (mm): 0 % below the mean pose; goal 30 %: missed." in lines
    assert lines[0] == "before"
    assert lines[-1] == "after"
    assert "old" not in lines


def test_an_export_older_than_a_file_of_its_run_is_told(tmp_path):
    run, export = tmp_path / "run", tmp_path / "test"
    labels = run / "clips" / "s01-waving-00" / "labels.npz"
    for folder in (labels.parent, export):
        folder.mkdir(parents=True)
    labels.touch()
    assert learning.is_older(export, run)
    (export / learning.MANIFEST).touch()
    os.utime(labels, (1000, 1000))
    assert not learning.is_older(export, run)
    os.utime(export / learning.MANIFEST, (500, 500))
    assert learning.is_older(export, run)
