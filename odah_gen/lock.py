"""Locks of a run folder, so that nothing writes twice to the same place.

Every stage holds a shared lock on `<run>/.lock` for as long as it, or a child that it started, lives. A workflow that
starts takes the lock alone for a moment: so it waits for what a killed run left behind, and then clears it away.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from odah_gen.errors import InputError
from odah_gen.storage import remove_leftovers, writable

_HELD: list[int] = []


def hold_run(folder: Path) -> None:
    """Take the shared lock of a run for the life of this process and of the children that inherit it.

    A folder that cannot be written is left alone: reading stages work there, writing ones say what is wrong.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
        os.set_inheritable(descriptor, True)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _HELD.append(descriptor)


def run_lock_fds() -> tuple[int, ...]:
    """File descriptors to hand to child processes (`pass_fds`), so that they count as writers of the run."""
    return tuple(_HELD)


def wait_for_writers(folder: Path, tell: Callable[[str], None]) -> None:
    """Wait until nothing writes to the run any more, then delete the temporary files that were left behind.

    Args:
        folder: the run folder.
        tell: called with one sentence that names what is waited for.

    Raises:
        InputError: the folder cannot be written.
    """
    if not folder.is_dir():
        return
    with writable(folder), (folder / ".lock").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"{folder}: waiting for {writers(folder / '.lock')}, left behind by a run that was stopped.")
            fcntl.flock(stream, fcntl.LOCK_EX)
        remove_leftovers(folder)


def hold_alone(path: Path) -> None:
    """Take a lock that only one living process can have, until this process ends.

    Raises:
        InputError: another process has it, or its folder cannot be written.
    """
    with writable(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise InputError(
            f"{path.parent.parent.resolve()}: {writers(path)} is at work here. Wait for it, or stop it."
        ) from error


def writers(path: Path) -> str:
    """Name the processes that have a file open, as 'odah-gen render (process 123)'."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(process.name) != os.getpid() and any(
                os.path.samefile(entry, path) for entry in (process / "fd").iterdir() if entry.exists()
            ):
                found.append(f"{command_of(process)} (process {process.name})")
    return ", ".join(sorted(found)) or "another process"


def command_of(process: Path) -> str:
    """The command of a /proc entry in short: program, and the word that says what it does."""
    words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    named = [Path(word).name if "/" in word else word for word in words if word]
    if len(named) > 1 and named[0].startswith("python"):
        named = [word for word in named[1:] if word != "-m"]
    return " ".join(named[:1] if len(named) > 1 and named[1].startswith("-") else named[:2])
