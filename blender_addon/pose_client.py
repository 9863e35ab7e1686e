# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's end of `odah-gen pose`: asks without waiting, takes answers when they are there.

The child's messages are in docs/formats.md, "The pose child". One request is under way at a time; of those that
come meanwhile the last is kept, so that a dragged slider never queues up. Threads read the pipes, and `poll` is called
from a timer.
"""

import contextlib
import json
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from .odah_process import CURE, KEPT_LINES, ProgramError, command, hidden, last_line, listen

PROTOCOL = 1
MOST_RESTARTS = 3
"""So often in a row a child that dies is started again before it has answered anything."""


@dataclass(frozen=True)
class Answer:
    """An answer of the child.

    Attributes:
        header: its JSON.
        vertices: [V, 3] float32 (m, world), or nothing.
    """

    header: Mapping[str, Any]
    vertices: np.ndarray | None

    @property
    def error(self) -> str:
        """One sentence where the request was refused; empty otherwise."""
        return str(self.header.get("error", ""))

    def array(self, name: str) -> np.ndarray:
        """One of the header's lists of numbers, such as body_rotations [B, 3, 3] or joint_centers_m [J, 3]."""
        return np.array(self.header[name], dtype=np.float64)


class Child:
    """One process, and the threads that read it; bytes that come after it was given up are dropped with it."""

    def __init__(self, words: Sequence[str]) -> None:
        """Start the process.

        Raises:
            OSError: it cannot be started.
        """
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(list(words), stdin=pipe, stdout=pipe, stderr=pipe, **hidden())
        self.answers: queue.Queue[Answer | None] = queue.Queue()
        self.said: deque[str] = deque(maxlen=KEPT_LINES)
        self.listener = threading.Thread(target=listen, args=(self.process.stderr, self.said), daemon=True)
        self.reader = threading.Thread(target=read_all, args=(self.process.stdout, self.answers), daemon=True)
        self.listener.start()
        self.reader.start()

    def send(self, request: Mapping[str, Any]) -> None:
        """Write one request; a child that has died is noticed by its answers' end."""
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(request).encode() + b"\n")  # type: ignore[union-attr]
            self.process.stdin.flush()  # type: ignore[union-attr]

    def last_words(self) -> str:
        """Its last line on standard error, once it has ended."""
        self.listener.join(1)
        return last_line("\n".join(self.said))

    def stop(self) -> None:
        """End it: by the end of its requests, and by force if it does not heed that."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # type: ignore[union-attr]
        try:
            self.process.wait(0.2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(1)
        self.listener.join(1)
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()  # type: ignore[union-attr]


class PoseClient:
    """Poses of one model.

    Attributes:
        ready: the child's first message (names, units, ranges, number of vertices); None before it has come.
        problem: one sentence when there is no child and none will be started; empty otherwise.
    """

    def __init__(self, program: str, arguments: Sequence[str]) -> None:
        """Start a child.

        Args:
            program: the add-on's preference, see odah_process.command.
            arguments: after `odah-gen pose`, for instance ("--run", "results/demo", "--subject", "s01").
        """
        self.ready: Mapping[str, Any] | None = None
        self.problem = ""
        self.words: list[str] = []
        self.child: Child | None = None
        self.waiting: dict[str, Any] | None = None
        self.under_way: dict[str, Any] | None = None
        self.restarts = 0
        self.number = 0
        try:
            self.words = [*command(program), "pose", *arguments]
        except ProgramError as error:
            self.problem = str(error)
            return
        self.start()

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self.under_way is not None or self.waiting is not None

    def show(
        self,
        coordinates: Mapping[str, float],
        vertices: bool = True,
        near: tuple[str, int] | None = None,
    ) -> int:
        """Ask for a pose; returns the id that the answer will have, unless a later request takes its place.

        Args:
            coordinates: by name, degrees and metres.
            vertices: whether the body is wanted.
            near: clip and frame that the body's pose starts from.
        """
        return self.ask({"do": "pose", "coordinates": dict(coordinates), "vertices": vertices, **started(near)})

    def show_default(self, vertices: bool = True, near: tuple[str, int] | None = None) -> int:
        """Ask for the model's default pose; see `show`."""
        return self.ask({"do": "default", "vertices": vertices, **started(near)})

    def show_row(self, file: str, row: int, vertices: bool = True, near: tuple[str, int] | None = None) -> int:
        """Ask for a row (from 0) of a .mot; see `show`."""
        return self.ask({"do": "row", "file": file, "row": row, "vertices": vertices, **started(near)})

    def ask(self, request: Mapping[str, Any]) -> int:
        """Send a request now, or when the one under way is answered; only the last of those that wait is kept."""
        self.number += 1
        self.waiting = {**request, "id": self.number}
        self.send_waiting()
        return self.number

    def poll(self) -> list[Answer]:
        """The answers that have come since the last call; starts a child again that has died."""
        answers = []
        while self.child is not None:
            try:
                answer = self.child.answers.get_nowait()
            except queue.Empty:
                break
            if answer is None:
                self.restart()
            elif answer.header.get("ready"):
                self.greet(answer.header)
            else:
                self.under_way, self.restarts = None, 0
                answers.append(answer)
            self.send_waiting()
        return answers

    def stop(self) -> None:
        """End the child; call this when the panel goes."""
        if self.child is not None:
            self.child.stop()
        self.child = self.ready = self.waiting = self.under_way = None

    def start(self) -> None:
        """Start a child, or say why that cannot be."""
        try:
            self.child = Child(self.words)
        except OSError as error:
            self.problem = f"{self.words[0]}: cannot be run ({error.strerror or error}). {CURE}"

    def greet(self, header: Mapping[str, Any]) -> None:
        """Take the child's first message."""
        if header.get("protocol") == PROTOCOL:
            self.ready = header
            return
        self.stop()
        self.problem = (
            f"odah-gen {header.get('version')} speaks protocol {header.get('protocol')} and the add-on {PROTOCOL}. "
            "Install add-on and odah-gen from the same clone."
        )

    def restart(self) -> None:
        """Take a dead child's place; one that never was ready has told why, and is not started again."""
        child, was_ready = self.child, self.ready is not None
        said, code = child.last_words(), child.process.wait()  # type: ignore[union-attr]
        lost = self.waiting or self.under_way
        self.stop()
        self.restarts += 1
        if not was_ready or self.restarts > MOST_RESTARTS:
            self.problem = said or f"odah-gen pose ended with code {code} and said nothing. Run it in a terminal."
            return
        self.waiting = lost
        self.start()

    def send_waiting(self) -> None:
        """Send what waits, when the child is ready and nothing is under way."""
        if self.child is None or self.ready is None or self.under_way is not None or self.waiting is None:
            return
        self.under_way, self.waiting = self.waiting, None
        self.child.send(self.under_way)


def started(near: tuple[str, int] | None) -> dict[str, Any]:
    """The field that names the frame to start from, where there is one."""
    return {} if near is None else {"near": list(near)}


def read_all(stream: BinaryIO, answers: queue.Queue[Answer | None]) -> None:
    """Put every answer into the queue, and None at the end."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        for line in stream:
            header = json.loads(line)
            count = int(header["bytes"])
            body = stream.read(count)
            if len(body) < count:
                break
            answers.put(Answer(header, np.frombuffer(body, "<f4").reshape(-1, 3) if count else None))
    answers.put(None)
