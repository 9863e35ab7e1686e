"""An evaluation is exact where the answer is known, and blends windows without a seam."""

import numpy as np
import pytest
import torch

from odah_gen.errors import InputError
from odah_gen.storage import read_json, write_json
from odah_net.cli import main
from odah_net.configuration import FEATURES
from odah_net.data.clips import open_clips
from odah_net.evaluation.evaluate import scored
from odah_net.evaluation.methods import ClipTracks, Track, methods, track
from odah_net.evaluation.scores import groups, pelvis, scores_of, valid_runs
from odah_net.kinematics import Kinematics
from odah_net.metrics import angle_errors_deg
from odah_net.network.model import Network, Prediction, SequenceNetwork
from odah_net.refinement import blended, filled, overlapping_starts, refined
from tests.odah_net.conftest import TINY, random_angles


@pytest.fixture(scope="module")
def single(kinematics) -> Kinematics:
    return Kinematics(kinematics.forward.skeleton)


def clip_with(single, angles, found, valid=None) -> ClipTracks:
    scales = torch.ones(22, 3)
    valid = np.ones(len(angles), dtype=bool) if valid is None else valid
    truth, other = track(single, angles, scales), track(single, found, scales)
    return ClipTracks("clip", 60.0, valid, truth, {"method": other})


def test_the_truth_scores_zero_and_a_known_error_its_size(single):
    angles = random_angles(single, 6).float()
    sure = np.ones(36)
    perfect = scores_of([clip_with(single, angles, angles)], "method", single.names, sure)
    assert perfect.pop("key_points") == 44
    assert all(value < 1e-3 for name, value in perfect.items() if name != "coordinates_deg")
    bent = angles.clone()
    bent[:, single.columns(["elbow_flex_r"])] += np.deg2rad(9.0)
    scores = scores_of([clip_with(single, angles, bent)], "method", single.names, sure)
    assert scores["mae_all_deg"] == pytest.approx(9 / 36, rel=1e-3)
    assert scores["mae_no_pelvis_deg"] == pytest.approx(9 / 33, rel=1e-3)
    assert scores["coordinates_deg"]["elbow_flex_r"] == pytest.approx(9.0, rel=1e-3)
    assert scores["pelvis_geodesic_deg"] < 1e-3


def test_a_method_beside_never_takes_the_place_of_another(single, tmp_path):
    angles = random_angles(single, 4).float()
    clips = [clip_with(single, angles, angles + 0.1)]
    alone = scored(clips, single.names, np.ones(36))
    files = [tmp_path / name / "evaluation.json" for name in ("a", "b")]
    for number, file in enumerate(files):
        write_json(file, {"clip_ids": ["clip"], "methods": {"method": {"mae_all_deg": float(number)}}})
    together = scored(clips, single.names, np.ones(36), files)["methods"]
    assert list(together) == ["method", "method (a)", "method (b)"]
    assert together["method"] == alone["methods"]["method"]
    assert [together[f"method ({name})"]["mae_all_deg"] for name in "ab"] == [0.0, 1.0]
    with pytest.raises(InputError, match=r"the table has a column method \(a\) already"):
        scored(clips, single.names, np.ones(36), [files[0], files[0]])


def test_points_of_a_sequence_are_aligned_once_and_joints_also_by_themselves(single):
    angles = random_angles(single, 5).float()
    clip = clip_with(single, angles, angles)
    moved = clip.truth.points_m + np.array([0.1, 0, 0])
    moved[:, :22] += np.random.default_rng(0).normal(0, 0.02, moved[:, :22].shape)
    wrong_masses = ClipTracks("clip", 60.0, clip.valid, clip.truth, {"method": Track(angles.numpy(), None, moved)})
    scores = scores_of([wrong_masses], "method", single.names, np.ones(36))
    assert scores["pa_mpjpe_joints_of_sequence_mm"] < 1e-3
    assert scores["pa_mpjpe_of_sequence_mm"] > 10


def test_frames_without_a_label_do_not_count(single):
    angles = random_angles(single, 9).float()
    wrong, valid = angles.clone(), np.ones(9, dtype=bool)
    wrong[[0, 4]] += 1.0
    valid[[0, 4]] = False
    scores = scores_of([clip_with(single, angles, wrong, valid)], "method", single.names, np.ones(36))
    assert scores["mae_all_deg"] < 1e-3
    assert scores["pa_mpjve_mm_per_s"] < 1e-1
    assert [(run.start, run.stop) for run in valid_runs(valid)] == [(1, 4), (5, 9)]


def test_key_points_that_a_method_lacks_do_not_count(single):
    angles = random_angles(single, 4).float()
    clip = clip_with(single, angles, angles)
    whole = clip.found["method"]
    points = whole.points_m.copy()
    points[:, [3, 25]] = np.nan
    lacking = ClipTracks("clip", 60.0, clip.valid, clip.truth, {"method": Track(whole.angles_rad, None, points)})
    scores = scores_of([lacking], "method", single.names, np.ones(36))
    assert scores["key_points"] == 42
    assert max(scores["pa_mpjpe_mm"], scores["pa_mpjpe_joints_mm"], scores["pa_mpjve_mm_per_s"]) < 1e-3
    assert "scales_mae" not in scores


def test_clips_count_by_their_frames(single):
    angles = random_angles(single, 8).float()
    long, short = clip_with(single, angles[:6], angles[:6]), clip_with(single, angles[6:], angles[6:] + 0.1)
    both, alone = (scores_of(clips, "method", single.names, np.ones(36)) for clips in ([long, short], [short]))
    for name in ("mae_all_deg", "pa_mpjpe_mm", "mpjpe_mm"):
        assert both[name] == pytest.approx(alone[name] / 4, rel=1e-2)


def test_groups_leave_out_what_their_names_say(single):
    confidence = np.ones(36)
    confidence[[single.names.index("mtp_angle_r"), single.names.index("pro_sup_r")]] = 0.0, 0.25
    left_out = {name: set(np.array(single.names)[~kept]) for name, kept in groups(single.names, confidence).items()}
    assert left_out["no_arm_flexion"] == {"arm_flex_r", "arm_flex_l"}
    assert left_out["own"] == {"mtp_angle_r", "knee_angle_r_beta", "knee_angle_l_beta"}
    assert left_out["sure"] == left_out["own"] | {"pro_sup_r"}


def test_the_pelvis_is_turned_as_by_the_skeleton(single):
    angles = random_angles(single, 5, seed=8).float()
    coordinates = torch.zeros(5, 39)
    coordinates[:, single.kept] = angles
    expected = single.forward.move(coordinates).rotations[:, single.forward.skeleton.root]
    assert np.allclose(pelvis(track(single, angles, torch.ones(22, 3)), single.names), expected, atol=1e-5)


def test_windows_of_one_curve_are_blended_to_that_curve():
    time = np.arange(45)[:, None] * np.array([0.1, 0.15])
    curve = np.stack([np.sin(time[:, 0]), 3.0 + time[:, 1]], 1)
    free = np.array([False, True])
    starts = overlapping_starts(45, 16)
    assert starts == [0, 8, 16, 24, 29]
    windows = np.stack([curve[start : start + 16] for start in starts])
    windows[1::2, :, 1] += 2 * np.pi
    found = blended(windows, starts, free)
    assert np.allclose(found[:, 0], curve[:, 0])
    assert angle_errors_deg(found[:, 1], curve[:, 1]).max() < 1e-9


def test_a_window_that_is_off_leaves_no_seam():
    starts = overlapping_starts(40, 16)
    windows = np.zeros((len(starts), 16, 1))
    windows[1] = 1.0
    steps = np.abs(np.diff(blended(windows, starts, np.array([False]))[:, 0]))
    assert steps.max() < 0.15


def test_missing_features_lie_between_their_neighbours():
    features = np.array([[np.nan], [1.0], [np.nan], [3.0], [np.nan]])
    assert filled(features)[:, 0].tolist() == [1.0, 1.0, 2.0, 3.0, 3.0]
    with pytest.raises(ValueError, match="no frame"):
        filled(np.full((3, 2), np.nan))


@pytest.mark.parametrize("frames", [3, 16, 21, 50])
def test_clips_of_any_length_are_refined(kinematics, frames):
    torch.manual_seed(0)
    network = SequenceNetwork(TINY)
    features = np.random.default_rng(0).standard_normal((frames, FEATURES)).astype(np.float32)
    angles, scales = refined(network, features, kinematics.free.numpy())
    assert angles.shape == (frames, 36)
    assert scales.shape == (22, 3)
    if frames == 16:
        alone = network(torch.from_numpy(features)[None]).angles_rad[0].detach().numpy()
        assert angle_errors_deg(angles, alone).max() < 1e-3


def test_a_network_without_second_stage_is_not_asked_for_sequences(single):
    mean = Prediction(torch.zeros(36), torch.ones(22, 3))
    found = methods(Network(TINY), single, mean, np.zeros((4, FEATURES), dtype=np.float32), with_sequence=False)
    assert list(found) == ["frames", "mean pose"]


def test_the_command_writes_table_figures_and_pictures(trained, drawn, tmp_path, capsys):
    clips, other = open_clips(drawn), tmp_path / "other.json"
    zeros = dict.fromkeys(clips[0].labels["coordinate_names"].tolist(), 0.0)
    scores = {"other": {"mae_all_deg": 1.25, "coordinates_deg": zeros}}
    write_json(other, {"clip_ids": [clip.clip_id for clip in clips], "methods": scores})
    given = ["--checkpoint", str(trained), "--data", str(drawn), "--out", str(tmp_path), "--curves", "1"]
    main(["evaluate", *given, "--beside", str(other)])
    printed = capsys.readouterr().out
    assert printed.startswith("2 clips, 80 frames")
    report = read_json(tmp_path / "evaluation.json")
    assert (tmp_path / "table.txt").read_text() in printed
    assert sorted(path.suffix for path in tmp_path.glob("*.png")) == [".png"] * 2
    methods = report["methods"]
    assert list(methods) == ["sequence", "frames", "mean pose", "other"]
    assert "1.25" in printed
    angles = np.concatenate([clip.labels["coordinates_rad"] for clip in clips])
    mean = np.arctan2(np.sin(angles).mean(0), np.cos(angles).mean(0))
    expected = angle_errors_deg(mean, angles).mean()
    assert methods["mean pose"]["mae_all_deg"] == pytest.approx(expected, rel=1e-4)
