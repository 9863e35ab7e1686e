import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from odah_gen import cli
from odah_gen.body.model import load_body_model
from odah_gen.body.skinning import shape_body
from odah_gen.body.subject import subject_body
from odah_gen.body.volume import body_mass
from odah_gen.config import Body, Config, Motion, Render, Shape, Split, from_mapping
from odah_gen.errors import InputError
from odah_gen.motion.catalogue import create_run, split_subjects
from odah_gen.motion.resample import resampled_frames
from odah_gen.motion.sources import action_of
from odah_gen.run import open_run

COLUMNS = [
    "clip_id", "subject", "gender", "action", "index", "source", "source_file", "frames", "fps", "source_fps", "split",
    "seed", "betas_source", "variant_of", "bmi_offset", "shard",
]  # fmt: skip


def amass_config(folder, **motion):
    return Config(motion=Motion(source="amass", amass_dir=str(folder), **motion))


def test_subjects_go_through_genders_and_actions_in_turn(tmp_path):
    run = create_run(Config(), tmp_path)
    assert list(run.clips.columns) == COLUMNS
    assert list(run.clips.index) == [
        "s01-walking-01", "s01-sitting-02", "s02-waving-01", "s02-jumping-02",
        "s03-sitting-01", "s03-waving-02", "s04-jumping-01", "s04-walking-02",
    ]  # fmt: skip
    assert list(run.clips["gender"][::2]) == ["female", "male", "female", "male"]
    assert set(run.clips["frames"]) == {120}
    assert run.clips["seed"].is_unique
    assert open_run(tmp_path).config == Config()


def test_a_shard_holds_some_clips_of_one_subject(tmp_path):
    config = Config(motion=Motion(subjects=2, clips_per_subject=5), render=Render(shard_clips=2))
    shards = create_run(config, tmp_path).clips["shard"]
    assert list(shards) == 2 * [0, 0, 1, 1, 2]


def test_every_gender_does_every_action(tmp_path):
    clips = create_run(Config(motion=Motion(subjects=16)), tmp_path).clips
    assert len(clips.groupby(["gender", "action"])) == 2 * 4


def test_the_same_configuration_touches_nothing(tmp_path):
    create_run(Config(), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    create_run(Config(), tmp_path)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    create_run(Config(seed=2), tmp_path)
    assert all(path.stat().st_mtime_ns != old for path, old in before.items())


def test_a_clip_keeps_its_seed_when_others_come(tmp_path):
    few = create_run(Config(motion=Motion(subjects=1)), tmp_path / "few").clips
    many = create_run(Config(motion=Motion(subjects=9)), tmp_path / "many").clips
    assert few.loc["s01-walking-01", "seed"] == many.loc["s01-walking-01", "seed"]


@pytest.mark.parametrize(("changes", "frames"), [({"fps": 12.0}, 24), ({"fps": 25.0}, 50), ({"fps": 240.0}, 480)])
def test_frames_follow_rate_and_length(tmp_path, changes, frames):
    assert set(create_run(Config(**changes), tmp_path).clips["frames"]) == {frames}
    assert set(create_run(Config(**changes, motion=Motion(max_frames=8)), tmp_path).clips["frames"]) == {8}


def test_an_unknown_action_is_named(tmp_path):
    with pytest.raises(InputError, match="no procedural action 'flying'; there are walking, sitting, waving, jumping"):
        create_run(Config(motion=Motion(actions=("walking", "flying"))), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_clip_of_one_frame_is_refused(tmp_path):
    with pytest.raises(InputError, match="gives 1 frame at 12 Hz"):
        create_run(Config(fps=12.0, motion=Motion(duration_s=0.05)), tmp_path)


@given(
    count=st.integers(1, 80),
    shares=st.tuples(*[st.floats(0, 1)] * 3).filter(lambda s: sum(s) > 0.1),
    seed=st.integers(0, 99),
)
def test_splits_follow_the_shares(count, shares, seed):
    subjects = [f"s{index:03d}" for index in range(count)]
    split = split_subjects(subjects, Split(*shares), seed)
    assert set(split) == set(subjects)
    for name, share in zip(("train", "val", "test"), shares):
        found = sum(value == name for value in split.values())
        assert abs(found - share / sum(shares) * count) < 1 + 1e-9
    assert split == split_subjects(subjects[::-1], Split(*shares), seed)


def test_splits_of_the_paper_and_of_few_subjects():
    def counts(number, shares=None):
        values = list(split_subjects([str(i) for i in range(number)], shares or Split(), 1).values())
        return [values.count(name) for name in ("train", "val", "test")]

    assert counts(56, Split(0.75, 0.107, 0.143)) == [42, 6, 8]
    assert [counts(number) for number in (1, 2, 4)] == [[1, 0, 0], [2, 0, 0], [3, 0, 1]]
    with pytest.raises(InputError, match="all 0"):
        counts(3, Split(0, 0, 0))


def test_an_amass_folder(amass_file, tmp_path):
    for name in ("S 1/Walk_2_poses.npz", "S 1/Walk_10_poses.npz", "S 1/kick_stageii.npz", "S 2/01_01_poses.npz"):
        amass_file(name, frames=240)
    amass_file("S 1/shape.npz")
    amass_file("S 1/kick_stagei.npz")
    config = amass_config(tmp_path / "amass", clips_per_subject=9)
    run = create_run(config, tmp_path / "run")
    assert list(run.clips.index) == ["s1-kick-00", "s1-walk-02", "s1-walk-10", "s2-01-01"]
    assert set(run.clips["frames"]) == {resampled_frames(240, 120, 60)}
    assert set(run.clips["source_fps"]) == {120.0}
    assert set(run.clips["betas_source"]) == {"drawn"}
    assert all(Path(file).is_relative_to(tmp_path / "amass") for file in run.clips["source_file"])
    few = create_run(amass_config(tmp_path / "amass", subjects=1, clips_per_subject=2), tmp_path / "few")
    assert list(few.clips.index) == ["s1-kick-00", "s1-walk-02"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Walk_03_poses", ("walk", 3)),
        ("walk", ("walk", 0)),
        ("C1 - stand_stageii", ("c1stand", 0)),
        ("01_01_poses", ("01", 1)),
        ("07_poses", ("motion", 7)),
        ("Jump-12-", ("jump", 12)),
    ],
)
def test_names_give_action_and_number(tmp_path, name, wanted):
    assert action_of(tmp_path / f"{name}.npz") == wanted


BAD_FOLDERS = {
    "empty": ([], "holds no motion files"),
    "shapes only": (["s1/shape.npz", "s1/walk_stagei.npz"], "holds no motion files"),
    "one clip twice": (["s1/walk_01.npz", "s1/Walk-1_poses.npz"], "both give the clip 's1-walk-01'"),
    "one subject twice": (["s1/walk_01.npz", "S_1/kick_01.npz"], "both give the subject 's1'"),
}


@pytest.mark.parametrize(("files", "sentence"), BAD_FOLDERS.values(), ids=BAD_FOLDERS.keys())
def test_folders_that_cannot_be_used(amass_file, tmp_path, capsys, files, sentence):
    (tmp_path / "amass").mkdir()
    paths = [amass_file(name) for name in files]
    config = tmp_path / "config.yaml"
    config.write_text(f"motion: {{source: amass, amass_dir: {tmp_path / 'amass'}}}\n")
    with pytest.raises(SystemExit) as stop:
        cli.main(["index", "--config", str(config), "--run", str(tmp_path / "run")])
    shown = capsys.readouterr().err
    assert stop.value.code == 2
    assert sentence in shown
    assert len(shown.splitlines()) == 1
    assert not (tmp_path / "run").exists()
    if "both" in sentence:
        assert all(path.name in shown or path.parent.name in shown for path in paths)


def test_genders_of_one_subject_must_agree(amass_file, tmp_path):
    amass_file("s1/a_1.npz")
    amass_file("s1/b_1.npz", gender="male")
    with pytest.raises(InputError, match=r"a_1.npz and .*b_1.npz: are of one subject and give two genders"):
        create_run(amass_config(tmp_path / "amass"), tmp_path / "run")


def test_no_amass_folder(tmp_path):
    with pytest.raises(InputError, match="amass_dir: is not set"):
        create_run(Config(motion=Motion(source="amass")), tmp_path / "run")
    with pytest.raises(InputError, match="is no folder"):
        create_run(amass_config(tmp_path / "absent"), tmp_path / "run")


def test_drawn_shapes_are_the_same_wherever_asked_and_bounded(tmp_path):
    first = create_run(Config(), tmp_path / "a")
    second = create_run(Config(motion=Motion(subjects=9, shape_sd=3.0)), tmp_path / "b")
    model, betas = subject_body(first, "s02")
    assert (model.name, model.gender, betas.shape) == ("free", "male", (16,))
    np.testing.assert_array_equal(betas, subject_body(open_run(tmp_path / "a"), "s02")[1])
    assert np.abs(betas - subject_body(first, "s01")[1]).max() > 0.1
    wide = np.concatenate([subject_body(second, f"s{index:02d}")[1] for index in range(1, 10)])
    assert np.abs(wide).max() == 2.0
    assert np.abs(wide).mean() > 1.2
    none = create_run(Config(motion=Motion(shape_sd=0.0)), tmp_path / "c")
    assert not subject_body(none, "s01")[1].any()


def test_a_files_shape_is_used_only_where_flavour_and_model_agree(amass_file, smplx_folder, tmp_path):
    x_file = amass_file("s1/walk_1.npz", columns=165, gender="neutral")
    amass_file("s2/walk_1.npz", columns=156, gender="neutral")
    amass_file("s3/walk_1.npz", columns=165, gender="female")
    config = amass_config(tmp_path / "amass")
    with_smplx = dataclasses.replace(config, body=Body(model_dir=str(smplx_folder), num_betas=10))
    run = create_run(with_smplx, tmp_path / "run")
    assert list(run.clips["betas_source"]) == ["file", "drawn", "drawn"]
    model, betas = subject_body(run, "s1")
    with np.load(x_file) as arrays:
        np.testing.assert_array_equal(betas, arrays["betas"][:10])
    assert model is load_body_model(model.path)
    free = create_run(config, tmp_path / "free")
    ignoring = dataclasses.replace(with_smplx, motion=dataclasses.replace(config.motion, betas="ignore"))
    assert set(free.clips["betas_source"]) == {"drawn"}
    assert set(create_run(ignoring, tmp_path / "ignore").clips["betas_source"]) == {"drawn"}


def test_later_configurations_go_over_earlier_ones(tmp_path, capsys):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("fps: 12\nmotion: {subjects: 3, clips_per_subject: 1}\n")
    second.write_text("motion: {subjects: 2}\n")
    cli.main(["index", "--config", str(first), "--config", str(second), "--run", str(tmp_path / "run")])
    run = open_run(tmp_path / "run")
    assert (run.config.fps, run.config.motion.subjects, len(run.clips)) == (12, 2, 2)
    assert "2 clips of 2 subjects, 48 frames at 12 Hz" in capsys.readouterr().err
    assert run.config == from_mapping({"fps": 12, "motion": {"subjects": 2, "clips_per_subject": 1}})


def test_variants_do_the_same_motion_with_another_mass(tmp_path):
    config = Config(
        motion=Motion(subjects=4, clips_per_subject=1, actions=("walking",)), shape=Shape(bmi_offsets=(-1.0, 0.0, 1.0))
    )
    run = create_run(config, tmp_path)
    assert list(run.clips["subject"])[:4] == ["s01b1", "s02b1", "s03b1", "s04b1"]
    assert run.clips.groupby("variant_of")[["seed", "split", "gender"]].nunique().to_numpy().max() == 1
    own = create_run(Config(motion=config.motion), tmp_path / "own")
    assert run.row("s02-walking-01")["seed"] == own.row("s02-walking-01")["seed"]
    model, light = subject_body(run, "s02b1")
    _, middle = subject_body(run, "s02")
    _, heavy = subject_body(run, "s02b3")
    np.testing.assert_allclose(middle, subject_body(own, "s02")[1])
    masses = [body_mass(model, betas) for betas in (light, middle, heavy)]
    assert masses[1] - masses[0] > 5.0
    assert masses[2] - masses[1] > 5.0
    heights = [
        float(np.ptp(shape_body(model, torch.as_tensor(betas)).vertices[:, 1].numpy())) for betas in (light, heavy)
    ]
    assert abs(heights[1] - heights[0]) < 0.005


def test_kept_skeletons_need_the_subjects_that_have_them(tmp_path, capsys):
    path = tmp_path / "a.yaml"
    path.write_text("shape: {bmi_offsets: [-1, 1], variant_skeleton: kept}\n")
    with pytest.raises(SystemExit):
        cli.main(["index", "--config", str(path), "--run", str(tmp_path / "run")])
    assert "shape.bmi_offsets has no 0" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_catalogue_from_before_variants_still_tells_the_bodies(tmp_path):
    run = create_run(Config(motion=Motion(subjects=1)), tmp_path)
    _, betas = subject_body(run, "s01")
    run.clips.drop(columns=["variant_of", "bmi_offset"]).to_parquet(tmp_path / "clips.parquet", index=False)
    old = open_run(tmp_path)
    np.testing.assert_array_equal(subject_body(old, "s01")[1], betas)
    assert old.skeleton_of("s01") == "s01"
