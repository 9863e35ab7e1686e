"""The child side of odah_gen.skeleton.worker: run one task, send its result back.

The pipe carries pickles between two processes of one run; no file ever holds one.
"""

import importlib
import os
import pickle
import sys
from typing import Any

from odah_gen.errors import InputError
from odah_gen.skeleton.worker import TASKS


def main() -> None:
    """Read a task from standard input and write ("result" | "refused" | "failed", content) to standard output."""
    function_name, arguments = pickle.load(sys.stdin.buffer)
    # OpenSim prints through C++ streams: give it the log, and keep the pipe for the result.
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer = run_task(function_name, arguments)
    pickle.dump(answer, pipe)
    pipe.close()


def run_task(function_name: str, arguments: dict[str, Any]) -> tuple[str, Any]:
    """Run the task; refusals and OpenSim's exceptions come back as text."""
    tasks = importlib.import_module(TASKS)
    try:
        return "result", getattr(tasks, function_name)(**arguments)
    except InputError as error:
        return "refused", str(error)
    except (RuntimeError, ValueError, OSError) as error:
        return "failed", first_sentence(str(error))


def first_sentence(message: str) -> str:
    """OpenSim's message without the place in its sources."""
    lines = [line.strip() for line in message.splitlines()]
    kept = [line for line in lines if line and not line.startswith(("Thrown at", "In Object", "std::exception"))]
    return " ".join(kept)[:400] or message[:400]


if __name__ == "__main__":
    main()
