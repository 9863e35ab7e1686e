"""Training learns, and going on from a checkpoint is the same as never having stopped."""

import csv
import dataclasses
import shutil
import sys

import numpy as np
import pytest
import torch

from odah_gen.errors import InputError
from odah_gen.storage import write_npz
from odah_net.cli import main
from odah_net.data.clips import open_clips
from odah_net.data.dataset import Sequences
from odah_net.losses import LossTerms
from odah_net.network.model import read_features
from odah_net.training import stages
from odah_net.training.batches import Steps
from odah_net.training.begun import Begun
from odah_net.training.checkpoint import read_checkpoint
from odah_net.training.features import FeatureWindows, frame_features
from odah_net.training.plan import Length, Plan
from odah_net.training.run import beginning, check_labels, mean_pose, train
from odah_net.training.samples import Machine, samples_of
from odah_net.training.stages import frame_prediction, sequence_prediction
from tests.odah_net.conftest import TINY
from tests.odah_net.drawn_data_set import write_data_set

CPU = torch.device("cpu")
PLAN = Plan("tiny", frame_batch=4, sequence_batch=2, learning_rate=1e-3)


def losses_of(folder):
    with (folder / "losses.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture(scope="module", params=["constant", "cosine, validated"])
def whole(request, drawn, kinematics, tmp_path_factory):
    """A run that never stopped, with its plan and the data for its validation."""
    out, skeleton = tmp_path_factory.mktemp("whole"), kinematics.forward.skeleton
    plan = dataclasses.replace(PLAN, schedule=request.param.split(",")[0])
    unseen = drawn if "validated" in request.param else None
    length, machine = Length(6, 4, True), Machine(CPU, save_every=2)
    return train(drawn, out, plan, length, machine, skeleton=skeleton, unseen=unseen), plan, unseen


@pytest.mark.parametrize("steps", [3, 9], ids=["in the frame stage", "in the sequence stage"])
def test_going_on_equals_never_having_stopped(drawn, kinematics, whole, tmp_path, monkeypatch, steps):
    path, plan, unseen = whole
    length, machine, skeleton = Length(6, 4, True), Machine(CPU, save_every=2), kinematics.forward.skeleton
    monkeypatch.setattr(stages, "take_step", stopping_after(steps))
    with pytest.raises(KeyboardInterrupt):
        train(drawn, tmp_path, plan, length, machine, skeleton=skeleton, unseen=unseen)
    monkeypatch.undo()
    parts = train(drawn, tmp_path, plan, length, machine, resume=True, unseen=unseen)
    left, right = (read_checkpoint(each.parent / "checkpoint.pt") for each in (path, parts))
    assert (left.stage, left.step) == (right.stage, right.step) == ("sequence", 4)
    assert same(left.network, right.network)
    assert same(read_checkpoint(path).network, read_checkpoint(parts).network)
    assert losses_of(path.parent) == losses_of(parts.parent)
    assert len(losses_of(path.parent)) == 10
    if unseen:
        assert (path.parent / "validation.csv").read_text() == (tmp_path / "validation.csv").read_text()


def stopping_after(steps):
    """`take_step` until the user stops it."""
    left, take_step = iter(range(steps)), stages.take_step

    def step(*arguments):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return take_step(*arguments)

    return step


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
    with pytest.raises(InputError, match=r"was begun otherwise: .*seed was 0 and is 4.*the frame stage had 30 steps"):
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


def test_a_run_goes_on_with_its_data_and_only_in_a_length_that_changes_no_step(drawn, kinematics, tmp_path):
    other = write_data_set(tmp_path / "other", kinematics, ("s05",))
    before = Begun({"frame": 6, "sequence": 4}, ("a", "b"), ("c",))
    cosine = dataclasses.replace(PLAN, schedule="cosine")
    for now, plan, stage, words in (
        (before, cosine, "sequence", []),
        (dataclasses.replace(before, steps={"frame": 6, "sequence": 9}), cosine, "frame", []),
        (dataclasses.replace(before, steps={"frame": 6, "sequence": 9}), PLAN, "sequence", []),
        (dataclasses.replace(before, steps={"frame": 6, "sequence": 9}), cosine, "sequence", ["had 4 steps and has 9"]),
        (dataclasses.replace(before, steps={"frame": 6, "sequence": 2}), PLAN, "sequence", ["had 4 steps and has 2"]),
        (dataclasses.replace(before, steps={"frame": 7, "sequence": 4}), PLAN, "sequence", ["had 6 steps and has 7"]),
        (dataclasses.replace(before, clips=("a",), unseen=()), PLAN, "frame", ["--data was", "--val was"]),
    ):
        found = now.differences(before, plan, stage, 4)
        assert len(found) == len(words)
        assert all(word in each for word, each in zip(words, found))
    skeleton, length = kinematics.forward.skeleton, Length(1, 0, True)
    train(drawn, tmp_path / "out", PLAN, length, Machine(CPU), skeleton=skeleton)
    with pytest.raises(InputError, match="--data was a data set of 2 clips and is another one of 1"):
        train(other, tmp_path / "out", PLAN, length, Machine(CPU), resume=True)


def test_a_checkpoint_of_an_earlier_odah_net_is_read(trained, tmp_path):
    content = torch.load(trained, weights_only=True)
    del content["begun"], content["plan"]["window_step"], content["plan"]["terms"]["angles"]
    torch.save(content, tmp_path / "old.pt")
    old, new = read_checkpoint(tmp_path / "old.pt"), read_checkpoint(trained)
    assert (old.begun, old.plan) == (None, new.plan)


def test_labels_of_another_skeleton_are_refused(drawn, kinematics, tmp_path):
    data = shutil.copytree(drawn, tmp_path / "data")
    clip = open_clips(data)[1]
    check_labels([clip], kinematics)
    labels = dict(clip.labels)
    labels["joint_centers_m"] = labels["joint_centers_m"] + np.array([0.0, 0.0, 0.02]) * (np.arange(22) == 7)[:, None]
    write_npz(clip.folder / "labels.npz", **labels)
    with pytest.raises(InputError, match=r"labels\.npz: its key points are 20 mm from where the skeleton has them"):
        train(data, tmp_path / "out", PLAN, Length(1, 0, True), Machine(CPU), skeleton=kinematics.forward.skeleton)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_mistake_that_a_sample_shows_is_one_sentence_from_any_process(drawn, kinematics, tmp_path, workers):
    data = shutil.copytree(drawn, tmp_path / "data")
    (data / "clips" / "s01-waving-00" / "side.mp4").write_bytes(b"cut off")
    machine = Machine(CPU, workers)
    with pytest.raises(InputError) as mistake:
        train(data, tmp_path / "out", PLAN, Length(9, 0, True), machine, skeleton=kinematics.forward.skeleton)
    assert str(mistake.value).startswith(str(data))
    assert "Traceback" not in str(mistake.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--seed", "-1"], "--seed -1: must be at least 0"),
        (["--workers", "-1"], "--workers -1: must be at least 0"),
        (["--batch", "8", "0"], "--batch 0: must be at least 1"),
        (["--window-step", "0"], "--window-step 0: must be at least 1"),
        (["--learning-rate", "-1"], "--learning-rate -1: must be above 0"),
        (["--steps", "0", "5"], "at least 1 of the first stage"),
        (["--no-angles", "--no-scales", "--no-limits", "--no-points"], "no loss is left"),
        (["--views", "front", "front"], "is one camera; two different ones were expected"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(drawn, tmp_path, capsys, options, sentence):
    with pytest.raises(SystemExit) as stop:
        main(["train", "--config", "tiny", "--data", str(drawn), "--out", str(tmp_path), *options])
    assert stop.value.code == 2
    assert sentence in capsys.readouterr().err


def test_windows_of_the_second_stage_begin_where_the_plan_says(drawn, tmp_path):
    plan = dataclasses.replace(PLAN, window_step=24)
    windows = samples_of(drawn, tmp_path, plan, Length(1, 1, True), "features.npz").windows
    assert [start for _, start in windows.windows] == [0, 24] * 2


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
    features = FeatureWindows(clips, TINY.frames, 8)
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
