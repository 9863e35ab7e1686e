import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odah_gen import cli
from odah_gen.errors import InputError
from odah_gen.motion.amass import read_amass, read_header, write_amass
from tests.motion.amass_files import amass_arrays

OBJECTS = np.array([[1.0], [1.0, 2.0]], dtype=object)
DEGREES = np.rad2deg(amass_arrays()["poses"])
WITH_NAN = np.where(np.arange(40)[:, None] == 7, np.nan, amass_arrays()["poses"])
BAD = {
    "150 columns": ({"poses": np.zeros((40, 150))}, "poses has 150 columns; AMASS has 156"),
    "one axis": ({"poses": np.zeros(156)}, "poses has shape [156]; AMASS has 156"),
    "nan in poses": ({"poses": WITH_NAN}, "poses holds NaN or infinite values, first in frame 7"),
    "nan in trans": ({"trans": np.full((40, 3), np.inf)}, "trans holds NaN or infinite values, first in frame 0"),
    "degrees": ({"poses": DEGREES}, "look like degrees"),
    "object poses": ({"poses": OBJECTS}, "poses is an array of Python objects"),
    "object trans": ({"trans": OBJECTS}, "trans is an array of Python objects"),
    "text": ({"trans": np.full((40, 3), "x")}, "trans holds <U1 values"),
    "lengths": ({"trans": np.zeros((39, 3))}, "trans has shape [39, 3] and poses has 40 frames"),
    "no frame": ({"poses": np.zeros((0, 156)), "trans": np.zeros((0, 3))}, "has 0 frames; a motion needs at least 2"),
    "one frame": ({"poses": np.zeros((1, 156)), "trans": np.zeros((1, 3))}, "has 1 frame; a motion needs at least 2"),
    "no rate": ({"mocap_framerate": None}, "has no frame rate"),
    "rate 0": ({"mocap_framerate": 0.0}, "mocap_framerate is 0.0; a positive number"),
    "rate below 0": ({"mocap_framerate": -30}, "mocap_framerate is -30; a positive number"),
    "rate nan": ({"mocap_framerate": np.nan}, "mocap_framerate is nan; a positive number"),
    "rates": ({"mocap_framerate": np.array([30.0, 60.0])}, "an array of shape [2]; a positive number"),
    "gender": ({"gender": np.array("robot")}, "gender is 'robot'; female, male, neutral"),
    "betas nan": ({"betas": np.full(16, np.nan)}, "float64 with NaN or infinite values; one row of finite numbers"),
    "no gender": ({"gender": None}, "lacks gender"),
    "no poses": ({"poses": None}, "lacks poses"),
    "betas": ({"betas": np.zeros((2, 16))}, "betas has shape [2, 16]"),
}


@pytest.mark.parametrize(("changes", "sentence"), BAD.values(), ids=BAD.keys())
def test_bad_files_are_refused_in_one_sentence(amass_file, changes, sentence):
    path = amass_file(**changes)
    with pytest.raises(InputError) as caught:
        read_amass(path)
    message = str(caught.value)
    assert sentence in message
    assert message.startswith(str(path))
    assert "\n" not in message
    assert message.rstrip().endswith(".")


def index_and_move(config, run):
    cli.main(["index", "--config", str(config), "--run", str(run)])
    cli.main(["motion", "--run", str(run), "subject1-walk-01"])


@pytest.mark.parametrize("changes", [entry[0] for entry in BAD.values()], ids=BAD.keys())
def test_the_command_line_shows_no_traceback_and_writes_nothing_half(amass_file, tmp_path, capsys, changes):
    path = amass_file(**changes)
    config = tmp_path / "config.yaml"
    config.write_text(f"motion: {{source: amass, amass_dir: {tmp_path / 'amass'}}}\n")
    run = tmp_path / "run"
    with pytest.raises(SystemExit) as stop:
        index_and_move(config, run)
    shown = capsys.readouterr().err
    told = [line for line in shown.splitlines() if line.startswith("odah-gen: ")]
    assert stop.value.code == 2
    assert len(told) == 1
    assert path.name in told[0]
    assert "Traceback" not in shown
    assert not [file for file in run.rglob("*") if ".part" in file.name or file.name == "motion.npz"]


def test_a_file_that_is_no_npz(tmp_path):
    path = tmp_path / "walk.npz"
    path.write_text("not a zip file")
    for read in (read_amass, read_header):
        with pytest.raises(InputError, match=r"is not a readable \.npz file"):
            read(path)
        with pytest.raises(InputError, match="there is no such file"):
            read(tmp_path / "absent.npz")


def test_smplh_hands_move_behind_jaw_and_eyes(amass_file):
    poses = np.tile(np.arange(156) / 1000, (3, 1))
    path = amass_file(poses=poses, trans=np.zeros((3, 3)))
    clip = read_amass(path)
    assert clip.flavour == "smplh"
    np.testing.assert_array_equal(clip.poses[:, :66], poses[:, :66])
    np.testing.assert_array_equal(clip.poses[:, 66:75], 0)
    np.testing.assert_array_equal(clip.poses[:, 75:], poses[:, 66:])


def test_smplx_columns_stay(amass_file):
    poses = np.tile(np.arange(165) / 1000, (3, 1))
    clip = read_amass(amass_file(columns=165, poses=poses, trans=np.zeros((3, 3))))
    assert clip.flavour == "smplx"
    np.testing.assert_array_equal(clip.poses, poses)


@pytest.mark.parametrize("gender", [np.array("male"), np.array(b"male"), "b'male'", np.array(["Male"])])
def test_genders_as_files_have_them(amass_file, gender):
    assert read_amass(amass_file(gender=gender)).gender == "male"


@pytest.mark.parametrize("rate", [120.00004577636719, np.float32(59.94), np.array([100]), 60])
def test_rates_need_not_be_whole(amass_file, rate):
    assert read_amass(amass_file(mocap_framerate=rate)).fps == float(np.asarray(rate).item())


def test_either_rate_key_serves_either_flavour(amass_file):
    path = amass_file(mocap_framerate=None, mocap_frame_rate=90.0)
    assert read_amass(path).fps == 90.0


def test_object_arrays_that_are_not_needed_are_left_alone(amass_file):
    path = amass_file(columns=165, marker_labels=OBJECTS)
    assert read_amass(path).frames == 40


def test_betas_may_be_missing_or_a_row_of_a_table(amass_file):
    assert len(read_amass(amass_file(betas=None)).betas) == 0
    assert read_amass(amass_file(betas=np.ones((1, 10)))).betas.shape == (10,)


@settings(max_examples=25, deadline=None)
@given(
    columns=st.sampled_from([156, 165]),
    frames=st.integers(2, 9),
    rate=st.floats(1, 240),
    gender=st.sampled_from(["female", "male", "neutral"]),
    seed=st.integers(0, 1000),
)
def test_round_trip(tmp_path_factory, columns, frames, rate, gender, seed):
    generator = np.random.default_rng(seed)
    source, copy = (tmp_path_factory.mktemp("amass") / name for name in ("a.npz", "b.npz"))
    key = "mocap_framerate" if columns == 156 else "mocap_frame_rate"
    np.savez(
        source,
        poses=generator.normal(0, 1, (frames, columns)),
        trans=generator.normal(0, 1, (frames, 3)),
        betas=generator.normal(0, 1, 16),
        gender=gender,
        **{key: rate},
    )
    write_amass(copy, read_amass(source))
    with np.load(source) as first, np.load(copy) as second:
        for name in ("poses", "trans", "betas", "gender", key):
            np.testing.assert_array_equal(first[name], second[name])
    assert read_header(copy) == read_header(source)


@pytest.mark.parametrize("name", ["poses", "trans"])
def test_the_catalogue_already_refuses_objects(amass_file, name):
    path = amass_file(**{name: amass_arrays()[name].astype(object)})
    with pytest.raises(InputError, match=f"{name} is an array of Python objects"):
        read_header(path)


def test_header_tells_what_the_file_holds(amass_file):
    path = amass_file(columns=165, frames=17)
    header, clip = read_header(path), read_amass(path)
    assert (header.frames, header.fps, header.gender, header.flavour) == (17, clip.fps, clip.gender, clip.flavour)
    assert header.has_betas
    assert not read_header(amass_file(betas=None)).has_betas


def test_an_smplh_file_cannot_hold_a_moving_jaw(amass_file, tmp_path):
    clip = read_amass(amass_file())
    clip.poses[0, 66] = 0.1
    with pytest.raises(ValueError, match="jaw"):
        write_amass(tmp_path / "copy.npz", clip)
