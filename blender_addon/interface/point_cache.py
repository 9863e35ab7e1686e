# SPDX-License-Identifier: GPL-3.0-or-later
"""Vertices over time as a PC2 file, which Blender's Mesh Cache modifier plays without Python. numpy only."""

import struct
from pathlib import Path
from types import TracebackType

import numpy as np

HEADER = struct.Struct("<12siiffi")
SIGNATURE, VERSION = b"POINTCACHE2\0", 1


class PointCache:
    """A PC2 file that is written frame after frame: frame n of the clip is its sample n."""

    def __init__(self, path: Path, points: int, frames: int) -> None:
        """Begin a file for so many points and frames.

        Raises:
            OSError: it cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._stream = path.open("wb")
        self._stream.write(HEADER.pack(SIGNATURE, VERSION, points, 0.0, 1.0, frames))

    def write(self, vertices: np.ndarray) -> None:
        """Add frames [T, points, 3] (m)."""
        self._stream.write(np.ascontiguousarray(vertices, "<f4").data)

    def __enter__(self) -> "PointCache":
        return self

    def __exit__(self, *_error: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stream.close()


def read_point_cache(path: Path) -> np.ndarray:
    """Vertices [T, points, 3] of a PC2 file."""
    content = path.read_bytes()
    _, _, points, _, _, frames = HEADER.unpack_from(content)
    return np.frombuffer(content, "<f4", offset=HEADER.size).reshape(frames, points, 3)
