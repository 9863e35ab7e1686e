"""Videos that grow in segments: H264 for pictures, lossless FFV1 for masks and all that measures, by ffmpeg-python.

A segment is one closed group of pictures, encoded by an ffmpeg of its own and renamed when it is whole; segments are
joined without encoding again. So an interrupted clip goes on at its last whole segment, and the bytes are those of an
uninterrupted run. Constant frame rate, no B-frames, one thread.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg

from odah_gen.ffmpeg_job import ffmpeg_job

SEGMENT_FRAMES = 15
"""Frames of a group of pictures, and of a segment."""
PICTURE: Mapping[str, Any] = {
    "vcodec": "libx264",
    "preset": "medium",
    "crf": 20,
    "pix_fmt": "yuv420p",
    "g": SEGMENT_FRAMES,
    "bf": 0,
    "flags": "+cgop",
    "sc_threshold": 0,
    "colorspace": "bt709",
    "color_primaries": "bt709",
    "color_trc": "bt709",
    "color_range": "tv",
}
LOSSLESS: Mapping[str, Any] = {"vcodec": "ffv1", "level": 3, "g": 1}
BITEXACT: Mapping[str, Any] = {"fflags": "+bitexact"}
CURE = "Free space or change the folder."


@dataclass(frozen=True)
class Form:
    """How the frames of a kind of video come, and how they are encoded.

    Attributes:
        pix_fmt: of the bytes that come, in ffmpeg's words.
        pixel_bytes: of one pixel.
        encoder: options of ffmpeg.
    """

    pix_fmt: str
    pixel_bytes: int
    encoder: Mapping[str, Any]


FORMS: Mapping[str, Form] = {
    "picture": Form("rgb24", 3, PICTURE),
    "mask": Form("gray", 1, {**LOSSLESS, "pix_fmt": "gray"}),
    "depth": Form("gray16le", 2, {**LOSSLESS, "pix_fmt": "gray16le"}),
    "normals": Form("rgb24", 3, {**LOSSLESS, "pix_fmt": "bgr0"}),
    "parts": Form("gray16le", 2, {**LOSSLESS, "pix_fmt": "gray16le"}),
}
"""By kind of video; docs/formats.md tells what their numbers mean."""


def segment_file(folder: Path, video: str, number: int) -> Path:
    """Where a whole segment of a video lies. NUT keeps frame times exact, which Matroska rounds to milliseconds."""
    return folder / f"{video}.{number:05d}.nut"


def whole_segments(folder: Path, videos: Sequence[str]) -> int:
    """How many segments from the start every one of the videos has."""
    count = 0
    while all(segment_file(folder, video, count).is_file() for video in videos):
        count += 1
    return count


def write_segment(path: Path, frames: Sequence[bytes], size: tuple[int, int], fps: float, kind: str) -> None:
    """Encode one segment; it appears under its name when it is whole.

    Args:
        path: the segment.
        frames: bytes of each frame, rows from the top.
        size: width and height (px).
        fps: frames per second.
        kind: of FORMS.

    Raises:
        InputError: ffmpeg cannot make the file.
    """
    form = FORMS[kind]
    source = ffmpeg.input("pipe:", format="rawvideo", pix_fmt=form.pix_fmt, s=f"{size[0]}x{size[1]}", framerate=fps)
    part = path.with_name(f".{path.name}.part")
    if kind == "picture":
        source = ffmpeg.filter(source, "scale", out_color_matrix="bt709", out_range="tv")
    output = ffmpeg.output(source, str(part), f="nut", r=fps, threads=1, **form.encoder, **BITEXACT)
    with ffmpeg_job(output, path, CURE) as encoder:
        for frame in frames:
            encoder.add(frame)
        encoder.finish()
    os.replace(part, path)


def join_segments(folder: Path, video: str, count: int, fps: float, path: Path) -> None:
    """Join the first segments of a video into one file, .mp4 or .mkv, without encoding again.

    Args:
        folder: where the segments lie.
        video: which video.
        count: how many segments; all but the last have SEGMENT_FRAMES frames.
        fps: frames per second.
        path: the file.

    Raises:
        InputError: ffmpeg cannot make the file.
    """
    duration_s = SEGMENT_FRAMES / fps
    listed = "".join(
        f"file '{segment_file(folder, video, number).name}'\nduration {duration_s:.6f}\n" for number in range(count)
    )
    names = folder / f"{video}.txt"
    names.write_text(listed, encoding="utf-8")
    source = ffmpeg.input(str(names), format="concat", safe=0)
    more = {"movflags": "+faststart"} if path.suffix == ".mp4" else {}
    output = ffmpeg.output(source, str(path), c="copy", **more, **BITEXACT)
    with ffmpeg_job(output, path, CURE) as joiner:
        joiner.finish()
