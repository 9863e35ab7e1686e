"""Reading videos and masks frame by frame with PyAV; a file that is cut off or cannot be decoded is an error.

FFV1 conceals damage that keeps a file's length: masks are checked for values other than 0 and 255, exports by sha256.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from jaxtyping import Float, UInt8

from odah_gen.errors import InputError
from odah_gen.storage import missing

CURE = "Delete it and run the render stage again."
CLOCK_FRAMES = 0.1


@dataclass(frozen=True)
class VideoFacts:
    """What decoding a whole video has shown.

    Attributes:
        width, height: size of the picture (px).
        fps: frames per second.
        frames: how many were decoded.
        steady: whether every frame comes at its number divided by fps, to a tenth of a frame.
    """

    width: int
    height: int
    fps: float
    frames: int
    steady: bool


def read_frames(
    path: Path, pixel_format: str = "rgb24", cure: str = CURE
) -> Iterator[UInt8[np.ndarray, "height width *channels"]]:
    """Every frame of a video, in order; `rgb24` gives [height, width, 3], `gray` gives [height, width].

    `cure` is what the user is told to do about a file that cannot be read.

    Raises:
        InputError: the file is missing, cut off, or cannot be decoded to its end.
    """
    with opened(path, cure) as (container, stream):
        decoded = 0
        for frame in container.decode(stream):
            yield frame.to_ndarray(format=pixel_format)
            decoded += 1
        check_complete(path, decoded, declared_frames(container, stream), cure)


def inspect_video(path: Path, cure: str = CURE) -> VideoFacts:
    """Decode every frame of a video and say what was found.

    `cure` is what the user is told to do about a file that cannot be read.

    Raises:
        InputError: the file is missing, cut off, or cannot be decoded to its end.
    """
    with opened(path, cure) as (container, stream):
        times = np.array([float(frame.time or 0.0) for frame in container.decode(stream)])
        check_complete(path, len(times), declared_frames(container, stream), cure)
        rate = float(stream.average_rate)
        return VideoFacts(stream.width, stream.height, rate, len(times), is_steady(times, rate))


@contextmanager
def opened(path: Path, cure: str = CURE) -> Iterator[tuple[Any, Any]]:
    """The container and its video stream, set to stop at the first broken frame.

    Raises:
        InputError: the file is missing, is no video, or breaks while it is read.
    """
    if not path.is_file():
        raise missing(path)
    try:
        with av.open(str(path)) as container:
            if not container.streams.video or not container.streams.video[0].average_rate:
                raise InputError(f"{path}: holds no video; a picture stream was expected. {cure}")
            stream = container.streams.video[0]
            stream.codec_context.options = {"err_detect": "explode"}
            yield container, stream
    except av.error.FFmpegError as error:
        raise InputError(
            f"{path}: cannot be read as a video to its end ({error.strerror}); it is cut off or damaged. {cure}"
        ) from error


def declared_frames(container: Any, stream: Any) -> int:
    """How many frames the file says it has; 0 when it does not say."""
    if stream.frames:
        return int(stream.frames)
    return round(container.duration / av.time_base * float(stream.average_rate)) if container.duration else 0


def check_complete(path: Path, decoded: int, declared: int, cure: str) -> None:
    """Refuse a file that ends before the frames it announces."""
    if decoded < declared or not decoded:
        raise InputError(f"{path}: is cut off: {decoded} of {declared} frames can be read. {cure}")


def is_steady(times_s: Float[np.ndarray, " frames"], fps: float) -> bool:
    """Whether frame n comes at n / fps after the first."""
    return bool((np.abs((times_s - times_s[0]) * fps - np.arange(len(times_s))) < CLOCK_FRAMES).all())
