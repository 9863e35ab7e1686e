"""Encoding frames as they come: H264 for pictures, lossless FFV1 for masks, by ffmpeg-python.

Settings are those that random access and repeatable bytes want: constant frame rate, a short closed group of
pictures, no B-frames, one thread.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import ffmpeg

from odah_gen.ffmpeg_job import FfmpegJob, ffmpeg_job

GROUP_FRAMES = 15
PICTURE: Mapping[str, Any] = {
    "vcodec": "libx264",
    "preset": "medium",
    "crf": 20,
    "pix_fmt": "yuv420p",
    "g": GROUP_FRAMES,
    "bf": 0,
    "flags": "+cgop",
    "sc_threshold": 0,
    "movflags": "+faststart",
    "colorspace": "bt709",
    "color_primaries": "bt709",
    "color_trc": "bt709",
    "color_range": "tv",
}
MASK: Mapping[str, Any] = {"vcodec": "ffv1", "level": 3, "g": 1, "pix_fmt": "gray", "fflags": "+bitexact"}


CURE = "Free space or change the folder."


def encoding(path: Path, fps: float, mask: bool) -> AbstractContextManager[FfmpegJob]:
    """Start ffmpeg for one video that grows by a PNG picture at a time.

    Args:
        path: where the video goes: .mp4 or, for a mask, .mkv.
        fps: frames per second.
        mask: lossless gray instead of H264.
    """
    pictures = ffmpeg.input("pipe:", format="image2pipe", vcodec="png", framerate=fps)
    if mask:
        output = ffmpeg.output(pictures, str(path), r=fps, threads=1, **MASK)
    else:
        studio = ffmpeg.filter(pictures, "scale", out_color_matrix="bt709", out_range="tv")
        output = ffmpeg.output(studio, str(path), r=fps, threads=1, **PICTURE)
    return ffmpeg_job(output, path, CURE)
