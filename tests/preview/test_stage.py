"""A preview of a clip that is known: figures, pixels, the video and the mistakes."""

import numpy as np
import pytest
from PIL import Image

from odah_gen.cli import main
from odah_gen.dataset.video import inspect_video, read_frames
from odah_gen.errors import InputError
from odah_gen.preview.picture import ABOVE_PX, BACKGROUND, BELOW_PX, BODY, draw_frame
from odah_gen.preview.stage import VIEW_SIZE, frames_of, read_clip, write_preview
from odah_gen.preview.view import extent_of, place_views
from odah_gen.storage import read_npz, write_npz

from .conftest import FPS, FRAMES, GLIDE_M, INVALID, RESIDUAL_M


def quiet(progress):
    """Nobody listens."""


def test_what_is_shown_is_what_the_files_say(stand):
    frames = list(frames_of(stand.clip_id, *read_clip(stand.run, stand.clip_id)))
    assert len(frames) == FRAMES
    trunk = np.linalg.norm(frames[0].body_m - stand.body_markers_m[0], axis=1) < 1e-4
    assert trunk.sum() > 20, "markers of trunk and legs, where the pose is the rest pose"
    np.testing.assert_allclose(frames[1].vertices_m, stand.vertices_m[1], atol=1e-6)
    np.testing.assert_allclose(
        frames[0].body_m[trunk] - frames[0].model_m[trunk], RESIDUAL_M + 0 * frames[0].body_m[trunk], atol=1e-4
    )
    assert "model to measured 12.0 mm" in frames[0].lines[1]
    assert f"{stand.clip_id}   frame 2 of {FRAMES}   0.08 s" == frames[1].lines[0]
    assert frames[1].middle_m[0] - frames[0].middle_m[0] == pytest.approx(GLIDE_M)


def test_a_frame_without_a_label_shows_the_body_alone(stand):
    frame = list(frames_of(stand.clip_id, *read_clip(stand.run, stand.clip_id)))[INVALID]
    assert frame.lines[1] == "no label in this frame"
    assert np.isnan(frame.model_m).all()
    assert np.isnan(list(frame.skeleton_m.values())).all()
    assert np.isfinite(frame.vertices_m).all()


def test_markers_are_drawn_where_they_are(stand):
    body, shown = read_clip(stand.run, stand.clip_id)
    views = place_views(extent_of(body.parts()), VIEW_SIZE, ABOVE_PX, BELOW_PX)
    frame = next(frames_of(stand.clip_id, body, shown))
    picture = np.asarray(draw_frame(frame, views, body.faces))
    names = [str(name) for name in read_npz(stand.run.subject("s01") / "fit.npz")["marker_names"]]
    for column, view, marker in ((0, views["front"], "LASI"), (VIEW_SIZE[0], views["side"], "RLFC")):
        (x, y), _ = view.project(frame.body_m[names.index(marker)], frame.middle_m)
        assert tuple(picture[int(y), column + int(x)]) == BODY[:3]
    # The subject's left is to the right as seen from the front, and it stands on the floor line.
    (left, _), (right, _) = (
        views["front"].project(frame.body_m[names.index(name)], frame.middle_m)[0] for name in ("LASI", "RASI")
    )
    assert left > VIEW_SIZE[0] / 2 > right
    floor = round(views["front"].floor_px)
    rows = np.flatnonzero((np.abs(picture[:floor, :480].astype(int) - BACKGROUND).max(axis=2) > 40).sum(axis=1) > 4)
    assert floor - rows.max() <= 2


def test_the_command_writes_a_video_and_a_sheet(stand, tmp_path, capsys):
    words = ["preview", "--run", str(stand.run.folder), stand.clip_id]
    main([*words, "--sheet"])
    video = stand.run.clip(stand.clip_id) / "preview.mp4"
    facts = inspect_video(video)
    assert (facts.width, facts.height, facts.frames, facts.fps) == (2 * VIEW_SIZE[0], VIEW_SIZE[1], FRAMES, FPS)
    assert facts.steady
    assert f"preview {stand.clip_id}: picture {FRAMES} of {FRAMES}" in capsys.readouterr().err
    assert Image.open(video.with_suffix(".png")).size[0] == 2 * 720 + 4
    assert np.ptp(next(read_frames(video))) > 150
    main([*words, "--out", str(tmp_path / "own.mp4")])
    assert (tmp_path / "own.mp4").is_file()
    assert not (tmp_path / "own.png").exists()


def test_mistakes_are_one_sentence_and_leave_no_file(stand, tmp_path, capsys):
    folder = stand.run.clip(stand.clip_id)
    for words in ([stand.clip_id, stand.clip_id, "--out", "a.mp4"], [stand.clip_id, "--out", "a.avi"]):
        with pytest.raises(SystemExit):
            main(["preview", "--run", str(stand.run.folder), *words])
        assert "one clip and a file name that ends in .mp4" in capsys.readouterr().err
    body = read_npz(folder / "body.npz")
    write_npz(folder / "body.npz", **{**body, "poses": body["poses"][:2], "trans": body["trans"][:2]})
    with pytest.raises(InputError, match=r"keypoints\.npz: has 3 frames; body\.npz has 2"):
        write_preview(stand.run, stand.clip_id, folder / "preview.mp4", quiet)
    (folder / "body.npz").unlink()
    with pytest.raises(InputError, match=r"body\.npz: there is no such file"):
        write_preview(stand.run, stand.clip_id, folder / "preview.mp4", quiet)
    assert not list(folder.glob("*preview*"))
