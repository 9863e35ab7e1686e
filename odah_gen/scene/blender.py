"""Blender as a child process: it draws pictures, tells which are done, and ends when this process ends."""

import contextlib
import ctypes
import json
import os
import subprocess
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from odah_gen.errors import InputError
from odah_gen.lock import run_lock_fds
from odah_gen.paths import BLENDER_PYTHON, ROOT

EGL = "libEGL.so.1"
SOFTWARE_RENDERERS = ("llvmpipe", "softpipe", "swrast", "lavapipe")


@dataclass(frozen=True)
class Picture:
    """A picture that Blender has finished.

    Attributes:
        video: which video it belongs to: a camera's name, or that with "_mask".
        frame: counted from 0.
        file: the PNG file.
        renderer: the GPU or software renderer that drew it.
        blender: version of Blender.
    """

    video: str
    frame: int
    file: Path
    renderer: str
    blender: str


def blender_python() -> Path:
    """The Python that has bpy: ODAH_BLENDER_PYTHON, or that of .venv-blender.

    Raises:
        InputError: there is none.
    """
    path = Path(os.environ.get("ODAH_BLENDER_PYTHON") or BLENDER_PYTHON)
    if not path.exists():
        raise InputError(f"{path}: Blender's Python environment is not there. Make it with: ./odah setup.")
    return path


def require_egl(library: str = EGL) -> None:
    """Make sure that OpenGL without a window is to be had; without it Blender aborts in mid-render.

    Raises:
        InputError: the library cannot be loaded.
    """
    try:
        ctypes.CDLL(library)
    except OSError as error:
        raise InputError(
            f"{library} is missing, which Blender needs to draw without a window. "
            "Install it with: apt-get install --no-install-recommends libegl1 libgl1."
        ) from error


def render_pictures(scene: Path, out: Path, cameras: Sequence[str], device: str, log: Path) -> Generator[Picture]:
    """Render a scene and yield each picture as it is done; ending the iteration early ends Blender.

    Args:
        scene: scene.json.
        out: folder for the pictures.
        cameras: names of cameras.json.
        device: "auto", "cpu" or "gpu".
        log: file for all that Blender says.

    Raises:
        InputError: Blender cannot start, breaks off, or draws in software although a GPU was asked for.
    """
    read_end, write_end = os.pipe()
    with contextlib.ExitStack() as stack:
        events = stack.enter_context(os.fdopen(read_end))
        try:
            child = start_blender(scene, out, cameras, device, log, write_end)
        finally:
            os.close(write_end)
        stack.callback(end, child)
        yield from pictures(events, device)
        if child.wait() != 0:
            raise InputError(f"{scene}: {last_words(log, child.returncode)} Read {log} and run the render stage again.")


def start_blender(
    scene: Path, out: Path, cameras: Sequence[str], device: str, log: Path, progress: int
) -> "subprocess.Popen[bytes]":
    """Start the renderer of blender_addon; its progress lines go to the file descriptor `progress`."""
    wanted = [word for camera in cameras for word in ("--camera", camera)]
    command = [str(blender_python()), "-m", "blender_addon.render", str(scene.resolve()), "--out", str(out.resolve())]
    environment = dict(os.environ)
    if device == "cpu":
        environment["LIBGL_ALWAYS_SOFTWARE"] = "1"
    with log.open("wb") as stream:
        return subprocess.Popen(
            [*command, *wanted, "--parent", str(os.getpid()), "--progress-fd", str(progress)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            pass_fds=(progress, *run_lock_fds()),
        )


def pictures(events: Iterable[str], device: str) -> Iterator[Picture]:
    """The pictures among the progress lines."""
    version = ""
    for line in events:
        event = json.loads(line)
        if event["event"] == "error":
            raise InputError(event["message"])
        if event["event"] == "start":
            version = event["blender"]
            continue
        if device == "gpu" and any(name in event["renderer"].lower() for name in SOFTWARE_RENDERERS):
            raise InputError(
                f"render.device is gpu, but Blender draws with {event['renderer']}. "
                "Install the GPU's OpenGL driver, or set render.device to auto."
            )
        yield Picture(event["video"], event["frame"], Path(event["file"]), event["renderer"], version)


def end(child: "subprocess.Popen[bytes]") -> None:
    """Stop a child that still runs, and wait for it."""
    if child.poll() is None:
        child.kill()
    child.wait()


def last_words(log: Path, status: int) -> str:
    """What a Blender that broke off said last, in a clause."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f"Blender ended with status {status} ({lines[-1] if lines else 'it said nothing'})."
