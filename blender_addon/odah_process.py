# SPDX-License-Identifier: GPL-3.0-or-later
"""odah-gen as a process of its own: where it is, whether it answers, and single commands in the background.

Blender's Python has neither torch nor opensim, so what needs them is run outside. Standard library only.
"""

import contextlib
import os
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

CHECK_S = 60
KEPT_LINES = 40
PYTHONS = ("python", "pypy")
IN_ENVIRONMENT = ("bin/odah-gen", "Scripts/odah-gen.exe")
CURE = "Choose the odah-gen of .venv/bin (or the folder of the clone) in the add-on's preferences."


class ProgramError(Exception):
    """odah-gen cannot be run, or has refused what it was asked; told in one sentence."""


def command(program: str) -> list[str]:
    """The words that start odah-gen.

    Args:
        program: its executable, the Python of the environment it is installed in, or the folder of environment or clone.

    Raises:
        ProgramError: there is no such thing.
    """
    if not program.strip():
        raise ProgramError(f"odah-gen has not been chosen. {CURE}")
    path = Path(program).expanduser()
    if path.is_dir():
        found = [path / part / name for part in ("", ".venv") for name in IN_ENVIRONMENT]
        path = next((file for file in found if file.is_file()), path)
    if not path.is_file():
        raise ProgramError(f"{path}: is no odah-gen. {CURE}")
    if path.name.lower().startswith(PYTHONS):
        return [str(path), "-m", "odah_gen.cli"]
    return [str(path)]


def check(program: str) -> str:
    """The version of odah-gen, by running it; takes some seconds at most.

    Raises:
        ProgramError: it does not run, or is something else.
    """
    words = command(program)
    try:
        result = subprocess.run(
            [*words, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CHECK_S,
            check=False,
            **hidden(),
        )
    except subprocess.TimeoutExpired as error:
        raise ProgramError(
            f"{words[0]}: did not answer within {CHECK_S} s. Try again, or run it in a terminal."
        ) from error
    except OSError as error:
        raise ProgramError(f"{words[0]}: cannot be run ({error.strerror or error}). {CURE}") from error
    name, _, version = result.stdout.strip().partition(" ")
    if result.returncode or name != "odah-gen":
        raise ProgramError(f"{words[0]}: is not odah-gen ({last_line(result.stderr) or 'it says nothing'}). {CURE}")
    return version


def hidden() -> dict[str, int]:
    """No console window on Windows."""
    return {"creationflags": subprocess.CREATE_NO_WINDOW} if os.name == "nt" else {}  # type: ignore[attr-defined]


def last_line(text: str) -> str:
    """The last line that says something, without the program's name before it: odah-gen's errors are one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("odah-gen: ") if lines else ""


def listen(stream: BinaryIO, said: deque[str]) -> None:
    """Keep the last lines of a pipe, to its end."""
    with contextlib.suppress(OSError, ValueError):
        for line in stream:
            said.append(line.decode("utf-8", "replace"))


class Job:
    """One command of odah-gen in the background."""

    def __init__(self, program: str, arguments: Sequence[str]) -> None:
        """Start it.

        Raises:
            ProgramError: odah-gen is not there or cannot be started.
        """
        words = [*command(program), *arguments]
        try:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **hidden()
            )
        except OSError as error:
            raise ProgramError(f"{words[0]}: cannot be run ({error.strerror or error}). {CURE}") from error
        self.said: deque[str] = deque(maxlen=KEPT_LINES)
        self.listener = threading.Thread(target=listen, args=(self.process.stdout, self.said), daemon=True)
        self.listener.start()

    def poll(self) -> str | None:
        """None while it runs, an empty text when it has ended well, otherwise one sentence."""
        code = self.process.poll()
        if code is None:
            return None
        self.listener.join(1)
        return (
            ""
            if code == 0
            else self.words() or f"odah-gen ended with code {code} without a word. Run it in a terminal."
        )

    def words(self) -> str:
        """The last line that it has said so far."""
        return last_line("\n".join(self.said))

    def stop(self) -> None:
        """End it, if it still runs."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.listener.join(1)
        self.process.stdout.close()  # type: ignore[union-attr]
