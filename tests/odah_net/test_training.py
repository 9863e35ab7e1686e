"""Training learns, and going on from a checkpoint is the same as never having stopped."""

import csv
import dataclasses
import sys

import numpy as np
import pytest
import torch

from odah_gen.errors import InputError
from odah_net.cli import main
from odah_net.data.clips import open_clips
from odah_net.data.dataset import Sequences
from odah_net.losses import LossTerms
from odah_net.network.model import read_features
from odah_net.training.batches import Steps
from odah_net.training.checkpoint import read_checkpoint
from odah_net.training.features import FeatureWindows, frame_features
from odah_net.training.plan import Length, Plan
from odah_net.training.run import beginning, mean_pose, train
from odah_net.training.samples import Machine
from odah_net.training.stages import frame_prediction, sequence_prediction
from tests.odah_net.conftest import TINY

CPU = torch.device("cpu")
PLAN = Plan("tiny", frame_batch=4, sequence_batch=2, learning_rate=1e-3)


def losses_of(folder):
    with (folder / "losses.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture(scope="module")
def whole(drawn, kinematics, tmp_path_factory):
    """A run that never stopped."""
    out, skeleton = tmp_path_factory.mktemp("whole"), kinematics.forward.skeleton
    return train(drawn, out, PLAN, Length(6, 4, True), Machine(CPU, save_every=2), skeleton=skeleton)


@pytest.mark.parametrize("stop", [(3, 0), (6, 3)], ids=["in the frame stage", "in the sequence stage"])
def test_going_on_equals_never_having_stopped(drawn, kinematics, whole, tmp_path, stop):
    machine, skeleton = Machine(CPU, save_every=2), kinematics.forward.skeleton
    train(drawn, tmp_path / "parts", PLAN, Length(*stop, True), machine, skeleton=skeleton)
    parts = train(drawn, tmp_path / "parts", PLAN, Length(6, 4, True), machine, resume=True)
    left, right = read_checkpoint(whole), read_checkpoint(parts)
    assert (left.stage, left.step) == (right.stage, right.step) == ("sequence", 4)
    assert same(left.network, right.network)
    assert losses_of(whole.parent) == losses_of(parts.parent)
    assert len(losses_of(whole.parent)) == 10


def test_passes_of_any_size_give_the_same_step(drawn, kinematics, tmp_path):
    skeleton = kinematics.forward.skeleton
    found = [
        train(
            drawn, tmp_path / str(at_once), PLAN, Length(2, 0, True), Machine(CPU, at_once=at_once), skeleton=skeleton
        )
        for at_once in (4, 1)
    ]
    first, second = (losses_of(path.parent) for path in found)
    assert [float(row["total"]) for row in first] == pytest.approx([float(row["total"]) for row in second], rel=1e-4)


def test_both_stages_learn(trained):
    rows = losses_of(trained.parent)
    totals = {stage: [float(row["total"]) for row in rows if row["stage"] == stage] for stage in ("frame", "sequence")}
    assert np.mean(totals["frame"][-10:]) < 0.8 * np.mean(totals["frame"][:5])
    assert np.mean(totals["sequence"][-10:]) < 0.9 * np.mean(totals["sequence"][:5])


def test_every_part_that_can_learn_has_moved_and_the_encoder_rests_in_the_second_stage(drawn, kinematics, tmp_path):
    skeleton = kinematics.forward.skeleton
    first = read_checkpoint(train(drawn, tmp_path, PLAN, Length(2, 0, True), Machine(CPU), skeleton=skeleton))
    second = read_checkpoint(train(drawn, tmp_path, PLAN, Length(2, 3, True), Machine(CPU), resume=True))
    rested = {name for name in first.network if torch.equal(first.network[name], second.network[name])}
    assert rested == {name for name in first.network if name.startswith("frame.")}


def test_kept_features_are_the_encoders(trained, drawn):
    checkpoint = read_checkpoint(trained)
    network = checkpoint.build()
    frames = Sequences(open_clips(drawn), TINY, 1, 1, seed=0)
    features = frame_features(network.frame.eval(), frames, 16, 0, CPU)["s02-waving-00"]
    sample = torch.utils.data.default_collate([frames[45]])
    assert (int(sample["clip"]), int(sample["frame"])) == (1, 5)
    with torch.no_grad():
        alone = frame_prediction(network, sample)
    assert torch.allclose(alone.angles_rad[0], read_features(torch.from_numpy(features[5])).angles_rad, atol=1e-4)


def test_every_epoch_takes_every_sample_once_in_another_order():
    steps = list(Steps(10, 4, 0, 0, 6))
    assert [len(step) for step in steps] == [4, 4, 2, 4, 4, 2]
    epochs = [[index for step in steps[start : start + 3] for _, index in step] for start in (0, 3)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(10))] * 2
    assert epochs[0] != epochs[1]
    assert list(Steps(10, 4, 0, 4, 6)) == steps[4:]


def test_the_mean_pose_is_taken_on_the_circle_over_valid_frames():
    labels = {
        "valid": np.array([True, True, False]),
        "coordinates_rad": np.array([[3.1, 0.2], [-3.1, 0.4], [0.0, 9.0]]),
        "scales": np.full((2, 3), 1.1),
    }
    mean = mean_pose([labels])
    assert abs(float(mean.angles_rad[0])) == pytest.approx(np.pi, abs=1e-6)
    assert float(mean.angles_rad[1]) == pytest.approx(0.3)
    assert torch.allclose(mean.scales, torch.tensor(1.1))


def test_the_best_validated_weights_are_kept(drawn, kinematics, tmp_path):
    skeleton, length, machine = kinematics.forward.skeleton, Length(4, 3, True), Machine(CPU, save_every=2)
    best = read_checkpoint(train(drawn, tmp_path, PLAN, length, machine, skeleton=skeleton, unseen=drawn))
    with (tmp_path / "validation.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["stage"], row["step"]) for row in rows] == [
        *(("frame", step) for step in "13"),
        *(("sequence", step) for step in "12"),
    ]
    refined = {int(row["step"]) + 1: float(row["total"]) for row in rows if row["stage"] == "sequence"}
    assert (best.stage, best.step) == ("sequence", min(refined, key=refined.__getitem__))


def test_mistakes_are_named(drawn, kinematics, trained, tmp_path, capsys):
    skeleton, short = kinematics.forward.skeleton, Length(1, 0, True)
    with pytest.raises(InputError, match=r"is there already\. Go on with it by --resume"):
        train(drawn, trained.parent, PLAN, short, Machine(CPU), skeleton=skeleton)
    other = dataclasses.replace(PLAN, terms=LossTerms(points=False), seed=4)
    with pytest.raises(InputError, match=r"--resume: .*seed was 0 and is 4"):
        train(drawn, trained.parent, other, short, Machine(CPU), resume=True)
    with pytest.raises(InputError, match="no such file"):
        train(drawn, tmp_path, PLAN, short, Machine(CPU), resume=True)
    (tmp_path / "checkpoint.pt").write_text("nothing")
    with pytest.raises(InputError, match="is no checkpoint of odah-net train"):
        read_checkpoint(tmp_path / "checkpoint.pt")
    with pytest.raises(SystemExit) as stop:
        main(["train", "--config", "huge", "--data", str(drawn), "--out", str(tmp_path)])
    assert stop.value.code == 2
    assert "--config huge: there is no such network" in capsys.readouterr().err


def test_the_encoder_learns_on_where_it_is_not_frozen(drawn, kinematics, tmp_path):
    skeleton, plan = kinematics.forward.skeleton, dataclasses.replace(PLAN, unfreeze=True)
    first = read_checkpoint(train(drawn, tmp_path, plan, Length(2, 0, True), Machine(CPU), skeleton=skeleton))
    machine = Machine(CPU, at_once=1)
    second = read_checkpoint(train(drawn, tmp_path, plan, Length(2, 2, True), machine, resume=True))
    rested = {name for name in first.network if torch.equal(first.network[name], second.network[name])}
    never = {name for name, part in first.build().named_parameters() if not part.requires_grad}
    assert rested == never


def test_the_encoders_own_windows_say_what_its_features_say(trained, drawn):
    network = read_checkpoint(trained).build().eval()
    clips = open_clips(drawn)
    windows, frames = Sequences(clips, TINY, TINY.frames, 8), Sequences(clips, TINY, 1, 1)
    features = FeatureWindows(clips, TINY.frames)
    features.features = frame_features(network.frame, frames, 16, 0, CPU)
    sample, cached = (torch.utils.data.default_collate([each[2]]) for each in (windows, features))
    with torch.no_grad():
        found, expected = sequence_prediction(network, sample), network.sequence(cached["features"])
    assert torch.allclose(found.angles_rad, expected.angles_rad, atol=1e-4)


def test_the_rate_falls_along_a_cosine(drawn, kinematics, tmp_path):
    plan = dataclasses.replace(PLAN, schedule="cosine")
    rates = [plan.rate(step, 10) for step in range(10)]
    assert rates[0] == pytest.approx(1e-3)
    assert rates[5] == pytest.approx(1e-3 * (1 + 0.01) / 2)
    assert plan.rate(10, 10) == pytest.approx(1e-5)
    assert rates == sorted(rates, reverse=True)
    assert {PLAN.rate(step, 10) for step in range(10)} == {1e-3}
    skeleton, machine = kinematics.forward.skeleton, Machine(CPU, save_every=1)
    whole = train(drawn, tmp_path / "whole", plan, Length(4, 0, True), machine, skeleton=skeleton)
    state = read_checkpoint(whole)
    assert [group["lr"] for group in state.optimizer["param_groups"]] == [pytest.approx(plan.rate(3, 4))]


def test_a_network_may_begin_with_the_mean_pose(drawn, kinematics):
    clips = open_clips(drawn)
    found = beginning(dataclasses.replace(PLAN, from_mean=True), clips, kinematics.forward.skeleton)
    said = read_features(found.build().frame.frame_mlp[-1].bias.detach())
    assert torch.allclose(said.angles_rad, found.mean.angles_rad)
    assert torch.allclose(said.scales, found.mean.scales)
    sample = torch.utils.data.default_collate([Sequences(clips, TINY, 1, 1)[5]])
    with torch.no_grad():
        first = frame_prediction(found.build(), sample)
    assert (first.angles_rad - found.mean.angles_rad).abs().mean() < 0.2


def test_noise_of_features_has_its_size_and_another_draw_in_each_epoch(drawn):
    clips = open_clips(drawn)
    windows = FeatureWindows(clips, 16, 8, noise_rad=0.05, seed=1)
    windows.features = {clip.clip_id: np.zeros((clip.frames, 102), dtype=np.float32) for clip in clips}
    first = windows[1]["features"]
    assert float(first.std()) == pytest.approx(0.05, rel=0.1)
    windows.epoch = 1
    assert not torch.equal(first, windows[1]["features"])


def test_a_missing_tensorboard_is_said_before_anything_is_trained(drawn, kinematics, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    machine = Machine(CPU, tensorboard=True)
    with pytest.raises(InputError, match="--tensorboard: the package tensorboard is not installed"):
        train(drawn, tmp_path, PLAN, Length(1, 0, True), machine, skeleton=kinematics.forward.skeleton)
    assert not (tmp_path / "checkpoint.pt").exists()
