"""ffmpeg as a child process, fed through its standard input; its command is written by ffmpeg-python."""

import contextlib
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import ffmpeg
import imageio_ffmpeg

from odah_gen.errors import InputError
from odah_gen.lock import run_lock_fds


@dataclass(frozen=True)
class FfmpegJob:
    """A file that ffmpeg makes; started by `ffmpeg_job`.

    Attributes:
        path: the file that is being made, for the message.
        cure: what the user can do when it cannot be made, a sentence.
        process: ffmpeg.
        errors: what ffmpeg says.
    """

    path: Path
    cure: str
    process: "subprocess.Popen[bytes]"
    errors: IO[bytes]

    def add(self, data: bytes) -> None:
        """Feed ffmpeg, for instance with one picture.

        Raises:
            InputError: ffmpeg has stopped, for instance because the disk is full.
        """
        try:
            cast(IO[bytes], self.process.stdin).write(data)
        except BrokenPipeError as error:
            raise self.failure() from error

    def finish(self) -> None:
        """Complete the file.

        Raises:
            InputError: ffmpeg could not make all of it.
        """
        try:
            cast(IO[bytes], self.process.stdin).close()
        except BrokenPipeError as error:
            raise self.failure() from error
        if self.process.wait() != 0:
            raise self.failure()

    def failure(self) -> InputError:
        """Why ffmpeg has stopped: the first line that it printed, as later ones tell what came of it."""
        self.process.wait()
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        reason = re.sub(r"^\[.*?\] ", "", lines[0]) if lines else f"ffmpeg ended with {self.process.returncode}"
        return InputError(f"{self.path}: cannot be made ({reason}). {self.cure}")


@contextlib.contextmanager
def ffmpeg_job(output: Any, path: Path, cure: str) -> Iterator[FfmpegJob]:
    """Start ffmpeg; however the block ends, ffmpeg has ended then too. Call `finish` for a complete file.

    Args:
        output: an output of ffmpeg-python; its input "pipe:" is what `add` feeds.
        path: the file that is being made, for the message.
        cure: what the user can do when it cannot be made, a sentence.
    """
    command = ffmpeg.compile(
        output.global_args("-loglevel", "error", "-nostdin"), cmd=imageio_ffmpeg.get_ffmpeg_exe(), overwrite_output=True
    )
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=errors, stderr=errors, pass_fds=run_lock_fds()
        )
        try:
            yield FfmpegJob(path, cure, process, errors)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
