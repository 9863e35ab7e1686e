"""Run OpenSim outside this process: own folder, captured output, one sentence when it fails.

OpenSim prints to the C output streams, drops opensim.log where it stands and holds Python's lock while it works, so
each task runs in a short-lived process. Arguments and results travel through pipes; the task writes nothing but
scratch files in its own temporary folder, so a killed run leaves nothing half-written.
"""

import os
import pickle
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from odah_gen.errors import InputError
from odah_gen.paths import ROOT

TASKS = "odah_gen.skeleton.opensim_tasks"


def call(function_name: str, **arguments: Any) -> Any:
    """Run one function of odah_gen.skeleton.opensim_tasks in a worker process and return its result.

    Args:
        function_name: a public function of the task module.
        arguments: plain data, arrays and paths; paths may be relative to the current folder.

    Raises:
        InputError: the task refused its input, or OpenSim failed; the sentence names the cause and the kept log.
    """
    arguments = {name: absolute(value) for name, value in arguments.items()}
    with tempfile.TemporaryDirectory(prefix="odah-opensim-") as folder:
        log = Path(folder) / "output.txt"
        with log.open("wb") as stream:
            process = subprocess.run(
                [sys.executable, "-m", "odah_gen.skeleton.worker_main"],
                input=pickle.dumps((function_name, arguments)),
                stdout=subprocess.PIPE,
                stderr=stream,
                cwd=folder,
                env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
                check=False,
            )
        text = log.read_text(errors="replace")
    if process.returncode == 0:
        kind, result = pickle.loads(process.stdout)
        if kind == "result":
            return result
        if kind == "refused":
            raise InputError(result)
        raise failure(function_name, result, text)
    raise failure(function_name, stop_reason(process.returncode), text)


def absolute(value: Any) -> Any:
    """Paths made absolute, because the worker stands in another folder."""
    return value.resolve() if isinstance(value, Path) else value


def stop_reason(returncode: int) -> str:
    """Why a process ended without a result."""
    if returncode < 0:
        return f"its process was stopped by {signal.Signals(-returncode).name}"
    return f"its process ended with code {returncode}"


def failure(function_name: str, cause: str, log: str) -> InputError:
    """The error for a failed task, with OpenSim's own words and the log kept beside other temporary files."""
    with tempfile.NamedTemporaryFile(
        "w", prefix=f"odah-opensim-{function_name}-", suffix=".log", delete=False
    ) as stream:
        stream.write(log + "\n" + cause + "\n")
    told = next((line for line in reversed(log.splitlines()) if "[error]" in line or "[critical]" in line), "")
    words = " ".join(f"{cause} {told}".split())
    return InputError(
        f"OpenSim failed in {function_name}: {words}. The whole log is in {stream.name}; correct the model or markers."
    )
