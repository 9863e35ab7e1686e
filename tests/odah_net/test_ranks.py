"""Two processes that train together learn what one learns from the same steps."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from odah_net.training.batches import Steps
from odah_net.training.checkpoint import read_checkpoint
from odah_net.training.ranks import Ranks, join_ranks
from tests.odah_net import train_in_ranks
from tests.odah_net.test_training import losses_of

ROOT = Path(__file__).resolve().parents[2]


def test_two_processes_take_the_steps_of_one(drawn, trained, tmp_path):
    together, alone = tmp_path / "together", tmp_path / "alone"
    script, torchrun = str(Path(train_in_ranks.__file__)), [sys.executable, "-m", "torch.distributed.run"]
    started = subprocess.run(
        [*torchrun, "--standalone", "--nproc-per-node", "2", script, str(drawn), str(together), str(trained)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert started.returncode == 0, started.stderr
    train_in_ranks.main(drawn, alone, trained)
    rows = [losses_of(folder) for folder in (together, alone)]
    assert [row["stage"] for row in rows[0]] == ["frame"] * 3 + ["sequence"] * 2
    found, expected = (np.array([float(row["total"]) for row in each]) for each in rows)
    assert np.abs(found / expected - 1).max() < 1e-4
    left, right = (read_checkpoint(folder / "checkpoint.pt").network for folder in (together, alone))
    assert max(float((left[name] - right[name]).abs().max()) for name in left) < 3e-3


def test_shares_of_a_step_are_all_of_it():
    whole = list(Steps(10, 4, 0, 0, 5))
    shares = [list(Steps(10, 4, 0, 0, 5, rank=rank, ranks=2)) for rank in range(2)]
    for step, (first, second) in enumerate(zip(*shares)):
        assert sorted([*first, *second]) == sorted(whole[step])
    assert [Steps(10, 4, 0, 0, 5).size(step) for step in range(5)] == [len(step) for step in whole]


def test_a_process_without_a_share_takes_a_sample_that_counts_nothing():
    steps = Steps(3, 1, 0, 0, 3, rank=1, ranks=2)
    assert [len(step) for step in steps] == [1, 1, 1]
    assert steps.size(0) == 1


def test_alone_nothing_is_exchanged(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    ranks = join_ranks(on_gpu=False)
    assert ranks == Ranks()
    layer = nn.Linear(2, 1)
    layer(torch.ones(1, 2)).sum().backward()
    before = layer.weight.grad.clone()
    ranks.sum_gradients(list(layer.parameters()))
    assert torch.equal(layer.weight.grad, before)
    assert ranks.sum_terms({"a": torch.tensor(0.25)}) == {"a": pytest.approx(0.25)}
