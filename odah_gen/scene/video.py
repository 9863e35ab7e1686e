"""Encoding frames as they come: H264 for pictures, lossless FFV1 for masks, by ffmpeg-python.

Settings are those that random access and repeatable bytes want: constant frame rate, a short closed group of
pictures, no B-frames, one thread.
"""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import ffmpeg
import imageio_ffmpeg

from odah_gen.errors import InputError
from odah_gen.lock import run_lock_fds

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


@dataclass(frozen=True)
class Encoder:
    """One video that grows by a PNG picture at a time; made by `encoding`.

    Attributes:
        path: where the video goes.
        process: ffmpeg.
        errors: what ffmpeg says.
    """

    path: Path
    process: "subprocess.Popen[bytes]"
    errors: IO[bytes]

    def add(self, picture: bytes) -> None:
        """Append one picture, a whole PNG file.

        Raises:
            InputError: ffmpeg has stopped, for instance because the disk is full.
        """
        try:
            cast(IO[bytes], self.process.stdin).write(picture)
        except BrokenPipeError as error:
            raise self.failure() from error

    def finish(self) -> None:
        """Complete the video.

        Raises:
            InputError: ffmpeg could not write all of it.
        """
        try:
            cast(IO[bytes], self.process.stdin).close()
        except BrokenPipeError as error:
            raise self.failure() from error
        if self.process.wait() != 0:
            raise self.failure()

    def failure(self) -> InputError:
        """Why ffmpeg has stopped."""
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else f"ffmpeg ended with {self.process.returncode}"
        return InputError(f"{self.path}: the video cannot be written ({reason}). Free space or change the folder.")


@contextlib.contextmanager
def encoding(path: Path, fps: float, mask: bool) -> Iterator[Encoder]:
    """Start ffmpeg for one video; however the block ends, ffmpeg has ended then too.

    Args:
        path: where the video goes: .mp4 or, for a mask, .mkv.
        fps: frames per second.
        mask: lossless gray instead of H264.
    """
    with tempfile.TemporaryFile() as errors:
        process = start_ffmpeg(path, fps, mask, errors)
        try:
            yield Encoder(path, process, errors)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def start_ffmpeg(path: Path, fps: float, mask: bool, errors: IO[bytes]) -> "subprocess.Popen[bytes]":
    """Start ffmpeg with PNG pictures on its standard input."""
    pictures = ffmpeg.input("pipe:", format="image2pipe", vcodec="png", framerate=fps)
    if mask:
        output = ffmpeg.output(pictures, str(path), r=fps, threads=1, **MASK)
    else:
        studio = ffmpeg.filter(pictures, "scale", out_color_matrix="bt709", out_range="tv")
        output = ffmpeg.output(studio, str(path), r=fps, threads=1, **PICTURE)
    command = ffmpeg.compile(
        output.global_args("-loglevel", "error", "-nostdin"), cmd=imageio_ffmpeg.get_ffmpeg_exe(), overwrite_output=True
    )
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=errors, stderr=errors, pass_fds=run_lock_fds())
