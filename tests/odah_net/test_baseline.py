"""Baselines find the labels again where key points are exact, and lose them as key points get worse."""

import shutil

import numpy as np
import pytest

from odah_gen.config import Camera as CameraConfig
from odah_gen.errors import InputError
from odah_gen.scene.cameras import place_cameras, project
from odah_gen.storage import read_json
from odah_net.baseline import inverse_kinematics
from odah_net.baseline.detections import Detector
from odah_net.baseline.key_points import moved_markers, subject_skeleton, with_key_points
from odah_net.baseline.triangulation import triangulated
from odah_net.cli import main
from odah_net.data.clips import labelled_coordinates, labelled_points, open_clips
from odah_net.metrics import angle_errors_deg
from tests.odah_net.with_models import write_models


@pytest.fixture(scope="module")
def data(drawn, generic_text, tmp_path_factory):
    """The drawn data set with the subjects' scaled models."""
    folder = tmp_path_factory.mktemp("baseline") / "data"
    shutil.copytree(drawn, folder)
    write_models(folder, generic_text)
    return folder


@pytest.fixture(scope="module")
def clip(data):
    return open_clips(data)[0]


def error_deg(clip, detector, low_pass_hz=None) -> float:
    found = inverse_kinematics.tracks([clip], detector, low_pass_hz)[0]
    return float(angle_errors_deg(found.angles_rad, clip.labels["coordinates_rad"]).mean())


def test_points_are_where_their_pictures_meet():
    generator = np.random.default_rng(0)
    points = generator.uniform(-1, 1, (5, 7, 3))
    cameras = list(place_cameras(CameraConfig(), points.reshape(-1, 3), lambda name: generator).values())
    places = [project(camera, points) for camera in cameras]
    assert np.allclose(triangulated(cameras, places), points, atol=1e-9)
    places[1][2, 3] = np.nan
    found = triangulated(cameras, places)
    assert np.isnan(found[2, 3]).all()
    assert np.isfinite(found).all(-1).sum() == 34, "only the point that one camera misses has no place"


def test_the_key_points_are_those_of_the_label(clip):
    skeleton = with_key_points(subject_skeleton(clip))
    found = moved_markers(skeleton, labelled_coordinates(clip, skeleton.coordinate_names))
    world = np.stack([found[..., 0], -found[..., 2], found[..., 1]], -1)
    assert np.allclose(world, labelled_points(clip), atol=1e-6)


def test_exact_key_points_give_the_label_back(clip):
    assert error_deg(clip, Detector()) < 1e-3


def test_more_noise_is_never_better(clip):
    errors = [error_deg(clip, Detector(noise_px)) for noise_px in (0.05, 0.2, 0.8)]
    assert errors == sorted(errors)
    assert errors[0] > 1e-3


def test_a_key_point_that_one_view_misses_is_left_out_of_its_frame(clip, monkeypatch):
    detect = Detector.detect

    def without_one(self, cameras, points_m, clip_id):
        found = detect(self, cameras, points_m, clip_id)
        found["side"][10, 30] = np.nan
        found["front"][10, 30] += 40.0
        return found

    monkeypatch.setattr(Detector, "detect", without_one)
    assert error_deg(clip, Detector()) < 1e-3, "what the other view says of it alone counts for nothing"


def test_missed_key_points_cost_little_and_are_drawn_from_the_seed(clip):
    detector = Detector(drop_out=0.1, seed=3)
    first, again = (detector.detect(clip.cameras, labelled_points(clip), clip.clip_id)["side"] for _ in range(2))
    assert np.array_equal(first, again, equal_nan=True)
    assert np.isnan(first).all(-1).mean() == pytest.approx(0.1, abs=0.02)
    other = Detector(drop_out=0.1, seed=4).detect(clip.cameras, labelled_points(clip), clip.clip_id)["side"]
    assert not np.array_equal(first, other, equal_nan=True)
    assert error_deg(clip, detector) < 1.0


def test_the_command_writes_the_table_of_evaluate_and_takes_columns_beside(data, tmp_path, capsys):
    given = ["baseline", "--data", str(data), "--subjects", "s01", "--curves", "1"]
    main([*given, "--out", str(tmp_path / "a"), "--noise-px", "0"])
    main(
        [
            *given,
            "--out",
            str(tmp_path / "b"),
            "--noise-px",
            "0.5",
            "--low-pass-hz",
            "6",
            "--beside",
            str(tmp_path / "a" / "evaluation.json"),
        ]
    )
    printed = capsys.readouterr().out
    report = read_json(tmp_path / "b" / "evaluation.json")
    assert list(report["methods"]) == ["triangulated, 0.5 px, 6 Hz", "triangulated, 0 px"]
    assert (tmp_path / "b" / "table.txt").read_text() in printed
    exact = report["methods"]["triangulated, 0 px"]
    assert exact["pa_mpjpe_mm"] < 1e-2
    assert "scales_mae" not in exact, "sizes are given, not found"
    assert sorted(path.name for path in (tmp_path / "a").glob("*.png")) == [
        "coordinates.png",
        "curves-s01-waving-00.png",
    ]


def test_columns_of_other_clips_are_refused(data, tmp_path):
    given = ["baseline", "--data", str(data), "--curves", "0"]
    main([*given, "--subjects", "s01", "--out", str(tmp_path / "a")])
    with pytest.raises(SystemExit):
        main(
            [
                *given,
                "--subjects",
                "s02",
                "--out",
                str(tmp_path / "b"),
                "--beside",
                str(tmp_path / "a" / "evaluation.json"),
            ]
        )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--seed", "-1"], "--seed -1: must be at least 0"),
        (["--noise-px", "-1"], "noise is 0 or more pixels"),
        (["--drop-out", "1"], "a share from 0 to below 1"),
        (["--low-pass-hz", "30"], "less than half of its rate"),
        (["--method", "pose2sim", "--low-pass-hz", "6"], "Pose2Sim smooths by itself"),
    ],
)
def test_options_that_mean_nothing_are_refused(data, tmp_path, capsys, options, sentence):
    with pytest.raises(SystemExit):
        main(["baseline", "--data", str(data), "--out", str(tmp_path), *options])
    assert sentence in capsys.readouterr().err


def test_a_missing_environment_is_told(data, tmp_path, monkeypatch):
    monkeypatch.setattr("odah_net.baseline.pose2sim.PYTHON", tmp_path / "python")
    from odah_net.baseline.pose2sim import tracks

    with pytest.raises(InputError, match="--with pose2sim"):
        tracks(open_clips(data), Detector(), tmp_path)


def test_other_cameras_are_taken_by_their_names(data, tmp_path):
    for folder in (shutil.copytree(data, tmp_path / "data") / "clips").iterdir():
        for ending in (".mp4", "_mask.mkv"):
            (folder / f"side{ending}").rename(folder / f"left{ending}")
        text = (folder / "cameras.json").read_text()
        (folder / "cameras.json").write_text(text.replace('"side"', '"left"'))
    clip = open_clips(tmp_path / "data", views=("front", "left"))[0]
    assert error_deg(clip, Detector()) < 1e-3
