"""Videos made by the test and then damaged."""

import ffmpeg
import imageio_ffmpeg
import numpy as np
import pytest

from odah_gen.dataset.video import VideoFacts, inspect_video, is_steady, read_frames
from odah_gen.errors import InputError

FRAMES, FPS = 12, 30
PICTURES = np.random.default_rng(0).integers(0, 255, (FRAMES, 48, 64, 3), dtype=np.uint8)
MASKS = np.where(PICTURES[..., 0] > 128, np.uint8(255), np.uint8(0))


def encode(path, frames, pixel_format, **options):
    source = ffmpeg.input("pipe:", format="rawvideo", pix_fmt=pixel_format, s="64x48", r=FPS)
    job = source.output(str(path), **options).overwrite_output()
    job.run(cmd=imageio_ffmpeg.get_ffmpeg_exe(), input=frames.tobytes(), quiet=True)
    return path


@pytest.fixture
def video(tmp_path):
    return encode(tmp_path / "front.mp4", PICTURES, "rgb24", vcodec="libx264", pix_fmt="yuv420p")


@pytest.fixture
def mask(tmp_path):
    return encode(tmp_path / "front_mask.mkv", MASKS, "gray", vcodec="ffv1", pix_fmt="gray")


def test_facts_of_a_whole_video(video, mask):
    expected = VideoFacts(width=64, height=48, fps=FPS, frames=FRAMES, steady=True)
    assert inspect_video(video) == expected
    assert inspect_video(mask) == expected


def test_a_mask_reads_back_exactly(mask):
    np.testing.assert_array_equal(list(read_frames(mask, "gray")), MASKS)


def test_pictures_read_back_in_colour(video):
    frames = list(read_frames(video))
    assert frames[0].shape == (48, 64, 3)
    assert len(frames) == FRAMES


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
def test_a_truncated_file_is_an_error_with_one_sentence(video, mask, share):
    for path in (video, mask):
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(InputError, match=rf"{path.name}: .*(cut off|cannot be read)"):
            inspect_video(path)
        with pytest.raises(InputError):
            list(read_frames(path))


def test_damage_in_the_middle_is_an_error_and_not_concealed(video):
    content = bytearray(video.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    video.write_bytes(content)
    with pytest.raises(InputError, match=r"front\.mp4"):
        inspect_video(video)


def test_a_file_that_is_missing_or_no_video(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        inspect_video(tmp_path / "none.mp4")
    (tmp_path / "text.mp4").write_text("no video at all")
    with pytest.raises(InputError, match=r"text\.mp4"):
        inspect_video(tmp_path / "text.mp4")


def test_steadiness_allows_rounded_clocks_and_no_skipped_frame():
    times = np.arange(600) / 60
    assert is_steady(times.round(3) + 5, 60)
    assert not is_steady(np.delete(times, 300), 60)
