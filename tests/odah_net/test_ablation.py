"""Every variant of the ablation is trained and evaluated once."""

import dataclasses
import json

import pytest
import torch

from odah_gen.errors import InputError
from odah_net.losses import LossTerms
from odah_net.training.ablation import WHOLE, ablate, variants
from odah_net.training.checkpoint import read_checkpoint
from odah_net.training.plan import Length, Plan
from odah_net.training.samples import Machine
from tests.odah_net.drawn_data_set import write_data_set

PLAN = Plan("tiny", frame_batch=4, sequence_batch=2, learning_rate=1e-3)


def test_variants_differ_in_one_thing_each():
    found = variants(PLAN, ["a", "b", "c"], (2, 3, 1))
    assert list(found) == [WHOLE, "1 subject", "2 subjects", "angles and scales", "and limits"]
    assert found["2 subjects"].subjects == ("a", "b")
    assert found["1 subject"].terms == found[WHOLE].terms
    assert [(found[name].terms.limits, found[name].terms.points) for name in ("angles and scales", "and limits")] == [
        (False, False),
        (True, False),
    ]
    on_circle = dataclasses.replace(PLAN, terms=LossTerms(limits_on_circle=True))
    assert all(variant.terms.limits_on_circle for variant in variants(on_circle, ["a"], ()).values())
    with pytest.raises(InputError, match="--counts 4: the data set has 3 subjects"):
        variants(PLAN, ["a", "b", "c"], (4,))


def test_all_variants_are_trained_evaluated_and_kept(drawn, kinematics, tmp_path):
    skeleton, machine = kinematics.forward.skeleton, Machine(torch.device("cpu"))
    found = ablate(drawn, drawn, tmp_path, PLAN, Length(2, 2, True), machine, (1,), skeleton=skeleton)
    assert set(found) == {WHOLE, "1 subject", "angles and scales", "and limits"}
    assert set(found[WHOLE]) == {"sequence", "frames", "mean pose"}
    table = (tmp_path / "ablation.txt").read_text().splitlines()
    assert len(table) == 1 + 4 * 3
    assert read_checkpoint(tmp_path / "1-subject" / "checkpoint.pt").plan.subjects == ("s01",)
    times = [path.stat().st_mtime_ns for path in tmp_path.glob("*/checkpoint.pt")]
    again = ablate(drawn, drawn, tmp_path, PLAN, Length(2, 2, True), machine, (1,), skeleton=skeleton)
    assert again == found == json.loads((tmp_path / "ablation.json").read_text())
    assert times == [path.stat().st_mtime_ns for path in tmp_path.glob("*/checkpoint.pt")]
    one = write_data_set(tmp_path / "one", kinematics, ("s07",))
    other = ablate(drawn, one, tmp_path, PLAN, Length(2, 2, True), machine, skeleton=skeleton)
    assert other[WHOLE]["mean pose"]["mae_all_deg"] != found[WHOLE]["mean pose"]["mae_all_deg"], "another test set"
    for plan, length in ((dataclasses.replace(PLAN, seed=3), Length(2, 2, True)), (PLAN, Length(1, 2, True))):
        with pytest.raises(InputError, match=r"was begun otherwise"):
            ablate(drawn, drawn, tmp_path, plan, length, machine, skeleton=skeleton)
