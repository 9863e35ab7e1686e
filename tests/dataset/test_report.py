"""The skeleton lands where the labels say, and the page and table say what quality.json says."""

import shutil

import numpy as np
import pytest
from PIL import Image

from odah_gen.cli import main
from odah_gen.dataset.overlay import (
    LEFT,
    RIGHT,
    draw_skeleton,
    segments,
    sheet_frames,
    write_contact_sheet,
    write_overlay,
)
from odah_gen.dataset.report import figures_table, write_pictures, write_report
from odah_gen.dataset.video import inspect_video, read_frames
from odah_gen.errors import InputError
from odah_gen.scene.cameras import read_cameras
from odah_gen.skeleton.table import body_names, joint_names
from odah_gen.storage import read_json, read_npz, write_json

CLIP = "s01-walking-00"


def test_every_line_of_the_skeleton_ends_in_a_labelled_point():
    ends = {name for line in segments() for name in line}
    assert ends <= {*joint_names(), *body_names()}
    assert {name for name in ends if name.endswith("_r")} == {name[:-1] + "r" for name in ends if name.endswith("_l")}


def test_lines_have_the_colour_of_their_side_and_unknown_points_none():
    picture = Image.new("RGBA", (100, 100))
    places = {"walker_knee_r": [10, 50], "ankle_r": [10, 90], "walker_knee_l": [70, 50], "ankle_l": [70, 90]}
    places["mtp_l"] = [np.nan, np.nan]
    draw_skeleton(picture, {name: np.array(place, dtype=float) for name, place in places.items()}, {})
    assert picture.getpixel((10, 70)) == RIGHT
    assert picture.getpixel((70, 70)) == LEFT
    assert picture.getpixel((40, 70))[3] == 0


def test_sheets_show_the_first_and_the_last_frame():
    assert sheet_frames(100) == [0, 20, 40, 59, 79, 99]
    assert sheet_frames(4) == [0, 1, 2, 3]
    assert sheet_frames(1) == [0]


def test_an_overlay_draws_the_skeleton_over_both_videos(run_copy):
    folder = run_copy.clip(CLIP)
    labels = read_npz(folder / "labels.npz")
    write_overlay(folder, labels, read_cameras(folder / "cameras.json"), 12.0)
    facts = inspect_video(folder / "overlay.mp4")
    assert (facts.width, facts.height, facts.frames, facts.fps) == (2 * 720, 480, 4, 12)
    picture = next(read_frames(folder / "overlay.mp4"))
    names = [str(name) for name in labels["joint_names"]]
    for side, (channel, other) in {"r": (0, 2), "l": (2, 0)}.items():
        knee, ankle = (
            labels["front_joint_centers_px"][0][names.index(f"{name}_{side}")] for name in ("walker_knee", "ankle")
        )
        x, y = (6 * (knee + ankle) / 2).astype(int)
        assert picture[y, x, channel] > 150, "the line has the colour of its side"
        assert picture[y, x, other] < 130


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (3, 3, 1), (4, 2, 2), (5, 3, 2)])
def test_any_number_of_cameras_is_drawn_in_rows(run_copy, tmp_path, count, columns, rows):
    folder, names = run_copy.clip(CLIP), [f"view-{number}" for number in range(count)]
    labels, front = read_npz(folder / "labels.npz"), read_cameras(folder / "cameras.json")["front"]
    seen = {name: array for name, array in labels.items() if name.startswith("front_")}
    for name in names:
        shutil.copy(folder / "front.mp4", tmp_path / f"{name}.mp4")
        labels |= {key.replace("front", name): array for key, array in seen.items()}
    write_overlay(tmp_path, labels, dict.fromkeys(names, front), 12.0)
    write_contact_sheet(tmp_path, 4, count)
    picture = next(read_frames(tmp_path / "overlay.mp4"))
    assert picture.shape == (480 * rows, 720 * columns, 3)
    assert Image.open(tmp_path / "contact_sheet.png").size == (2 * 360 * columns + 4, 2 * 240 * rows + 4)
    joints = [str(name) for name in labels["joint_names"]]
    knee, ankle = (labels["front_joint_centers_px"][0][joints.index(f"{name}_r")] for name in ("walker_knee", "ankle"))
    x, y = (6 * (knee + ankle) / 2).astype(int)
    for number in range(columns * rows):
        red, _, blue = picture[y + 480 * (number // columns), x + 720 * (number % columns)]
        assert (red > 150 and blue < 130) == (number < count)


def test_an_overlay_of_a_damaged_video_is_one_sentence_and_no_file(run_copy):
    folder = run_copy.clip(CLIP)
    labels = read_npz(folder / "labels.npz")
    (folder / "side.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match=r"overlay\.mp4: cannot be made"):
        write_overlay(folder, labels, read_cameras(folder / "cameras.json"), 12.0)
    assert not list(folder.glob("*overlay*")) + list(folder.glob(".*"))


def test_the_report_shows_every_clip_and_keeps_fresh_pictures(run_copy):
    page = write_report(run_copy).read_text()
    sheet = run_copy.clip(CLIP) / "contact_sheet.png"
    assert Image.open(sheet).size == (2 * 720 + 4, 2 * 240 + 4)
    for clip in run_copy.clips.index:
        assert f"src='clips/{clip}/contact_sheet.png'" in page
        assert (run_copy.clip(clip) / "overlay.mp4").is_file()
    assert "2 of 2 clips pass" in page
    assert "Blender 5.0.1" in page
    assert "knee_angle_r 100 %" in page
    written = sheet.stat().st_mtime_ns
    write_pictures(run_copy, CLIP)
    assert sheet.stat().st_mtime_ns == written
    (run_copy.clip(CLIP) / "front.mp4").touch()
    write_pictures(run_copy, CLIP)
    assert sheet.stat().st_mtime_ns > written


def test_the_table_has_the_figures_and_names_what_is_missing(run_copy, capsys):
    (run_copy.clip("s02-walking-00") / "quality.json").unlink()
    quality = run_copy.clip(CLIP) / "quality.json"
    content = read_json(quality)
    content["fit"]["joint_center_mean_mm"] = None
    write_json(quality, {**content, "verdict": "fail", "reasons": ["<b>bad</b>"]})
    main(["report", "--run", str(run_copy.folder), "--table"])
    heading, first, second = capsys.readouterr().out.splitlines()
    assert heading.split("  ")[0] == "clip"
    assert first.split() == [CLIP, "4", "7.0", "–", "0.50", "fail"]
    assert second.split() == ["s02-walking-00", "4", "–", "–", "–", "not", "finished"]
    assert figures_table(run_copy).count("\n") == 2
    page = write_report(run_copy).read_text()
    assert "&lt;b&gt;bad&lt;/b&gt;" in page
    assert "0 of 2 clips pass" in page


def test_a_run_without_finished_clips_has_no_report(run_copy):
    for clip in run_copy.clips.index:
        (run_copy.clip(clip) / "quality.json").unlink()
    with pytest.raises(InputError, match="no clip is finished"):
        write_report(run_copy)
    assert not (run_copy.folder / "report.html").exists()
