"""Some frames of a video without decoding all of it: from the key frame before the first one on."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from odah_gen.dataset.video import opened
from odah_gen.errors import InputError

CURE = "Export the data set again."


def decode(
    path: Path, start: int, count: int, pixel_format: str = "rgb24"
) -> UInt8[np.ndarray, "count height width *channels"]:
    """Frames `start` to `start + count - 1` of a video with a constant frame rate.

    Raises:
        InputError: the file is missing, damaged, or has fewer frames.
    """
    found: dict[int, np.ndarray] = {}
    with opened(path, CURE) as (container, stream):
        stream.thread_type = "SLICE"
        rate, base = stream.average_rate, stream.time_base
        first = stream.start_time or 0
        container.seek(first + int(start / rate / base), stream=stream, backward=True)
        for frame in container.decode(stream):
            number = round((frame.pts - first) * base * rate)
            if start <= number < start + count:
                found[number] = frame.to_ndarray(format=pixel_format)
            if len(found) == count or number >= start + count:
                break
    missing = [number for number in range(start, start + count) if number not in found]
    if missing:
        raise InputError(
            f"{path}: frame {missing[0]} cannot be read; frames {start} to {start + count - 1} were expected. {CURE}"
        )
    return np.stack([found[number] for number in range(start, start + count)])
