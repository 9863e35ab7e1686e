"""Blender as a child process: it draws clip after clip, tells which pictures are done, and ends when this process ends."""

import contextlib
import ctypes
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from odah_gen.errors import InputError
from odah_gen.lock import run_lock_fds
from odah_gen.paths import BLENDER_PYTHON, ROOT

EGL = "libEGL.so.1"
MESA = Path("/usr/share/glvnd/egl_vendor.d/50_mesa.json")
SOFTWARE_RENDERERS = ("llvmpipe", "softpipe", "swrast", "lavapipe", "processor")
MODULE = "module"
RENDER, DRAPE = "render", "drape"
"""Modules of blender_addon that a Blender without a window runs."""
FAREWELL = "Blender quit"
OLDEST_BLENDER = (3, 4)
VERSION_TIMEOUT_S = 120
START = """\
import sys
sys.path.insert(0, {root!r})
from blender_addon.{module} import main
sys.exit(main(sys.argv[sys.argv.index("--") + 1:]))
"""


@dataclass(frozen=True)
class Picture:
    """A picture that Blender has finished.

    Attributes:
        video: which video it belongs to: a camera's name, or that with "_mask", "_depth" or the like.
        frame: counted from 0.
        file: its bytes, rows from the top: sRGB, or one byte a pixel for a mask.
        renderer: the GPU or software renderer that drew it.
        blender: version of Blender.
    """

    video: str
    frame: int
    file: Path
    renderer: str
    blender: str


def is_software(renderer: str) -> bool:
    """Whether a renderer, by its name, draws without a GPU."""
    return any(name in renderer.lower() for name in SOFTWARE_RENDERERS)


def blender_python() -> Path:
    """The Python that has bpy: ODAH_BLENDER_PYTHON, or that of .venv-blender.

    Raises:
        InputError: there is none.
    """
    path = Path(os.environ.get("ODAH_BLENDER_PYTHON") or BLENDER_PYTHON)
    if not path.exists():
        raise InputError(f"{path}: Blender's Python environment is not there. Make it with: ./odah setup.")
    return path


def blender_command(blender: str, module: str = RENDER) -> list[str]:
    """What starts a module of blender_addon: in the module bpy, or in a Blender of the user.

    Args:
        blender: "module", or the path or name of a Blender.
        module: RENDER or DRAPE.

    Raises:
        InputError: it is not there, no Blender, or too old.
    """
    if blender == MODULE:
        return [str(blender_python()), "-m", f"blender_addon.{module}"]
    found = shutil.which(str(Path(blender).expanduser()))
    if found is None:
        raise InputError(f"render.blender: {blender} is no program. Give the path of a Blender, or set it to module.")
    require_version(found)
    start = START.format(root=str(ROOT), module=module)
    return [
        found,
        "--background",
        "--factory-startup",
        "-noaudio",
        "--python-exit-code",
        "3",
        "--python-expr",
        start,
        "--",
    ]


def require_version(program: str) -> None:
    """Make sure that a program is a Blender that can draw the scenes, by what it says of itself.

    Raises:
        InputError: it is another program, or a Blender before `OLDEST_BLENDER`.
    """
    try:
        asked = subprocess.run(
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=VERSION_TIMEOUT_S
        )
        said = asked.stdout.decode(errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    version = re.search(r"^Blender (\d+)\.(\d+)", said, re.MULTILINE)
    if version is None:
        raise InputError(f"render.blender: {program} is no Blender. Give the path of a Blender, or set it to module.")
    if tuple(map(int, version.groups())) < OLDEST_BLENDER:
        raise InputError(
            f"render.blender: {program} is {version[0]}; {'.'.join(map(str, OLDEST_BLENDER))} or later is needed. "
            "Give the path of such a Blender, or set it to module."
        )


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


class Blender:
    """A running Blender that draws one clip after the other; started by `blender_running`."""

    def __init__(self, child: "subprocess.Popen[bytes]", events: IO[str], log: Path, device: str) -> None:
        """Take over a child whose progress lines come from `events`."""
        self._child, self._events, self._log, self._device = child, events, log, device

    def pictures(
        self,
        scene: Path,
        out: Path,
        cameras: Sequence[str],
        measured: Sequence[str],
        first: int,
        started: Callable[[str, str], None] = lambda renderer, version: None,
    ) -> Generator[Picture]:
        """Render a scene from frame `first` on and yield each picture as it is done.

        Args:
            scene: scene.json.
            out: folder for the pictures.
            cameras: names of cameras.json.
            measured: what else to draw, of blender_addon.guides.KINDS.
            first: counted from 0.
            started: is told what draws and the version of Blender, before the first picture.

        Raises:
            InputError: Blender breaks off, or draws with another device than was asked for.
        """
        self._ask(scene, out, cameras=list(cameras), measured=list(measured), first=first)
        for event in pictures(self._events, self._device, started):
            if event is None:
                return
            yield event
        raise self._broken_off(scene, RENDER)

    def drape(self, scene: Path, out: Path) -> Generator[dict[str, Any]]:
        """Simulate the clothes of a scene and yield what blender_addon.drape tells of it, step by step.

        Args:
            scene: scene.json.
            out: folder for the places that are found.

        Raises:
            InputError: a file is not as expected, or Blender breaks off.
        """
        self._ask(scene, out)
        for line in self._events:
            event = json.loads(line)
            if event["event"] == "error":
                raise InputError(event["message"])
            if event["event"] == "done":
                return
            yield event
        raise self._broken_off(scene, DRAPE)

    def _ask(self, scene: Path, out: Path, **job: Any) -> None:
        """Give the child a job."""
        job |= {"scene": str(scene.resolve()), "out": str(out.resolve())}
        with contextlib.suppress(BrokenPipeError):
            cast(IO[bytes], self._child.stdin).write((json.dumps(job) + "\n").encode())
            cast(IO[bytes], self._child.stdin).flush()

    def _broken_off(self, scene: Path, stage: str) -> InputError:
        """The error for a child that ended in mid-job; what it said is kept beside the scene."""
        self._child.wait()
        shutil.copyfile(self._log, scene.with_name("blender.log"))
        return InputError(
            f"{scene}: {last_words(self._log, self._child.returncode)} "
            f"Read {scene.with_name('blender.log')} and run the {stage} stage again."
        )


@contextlib.contextmanager
def blender_running(blender: str, device: str, log: Path, module: str = RENDER) -> Iterator[Blender]:
    """Start Blender; however the block ends, Blender has ended then too.

    Args:
        blender: "module" or the path of a Blender.
        device: "auto", "cpu" or "gpu".
        log: file for all that Blender says; it is removed at the end.
        module: what it runs, RENDER or DRAPE.

    Raises:
        InputError: there is no such Blender.
    """
    read_end, write_end = os.pipe()
    with contextlib.ExitStack() as stack:
        events = stack.enter_context(os.fdopen(read_end))
        stack.callback(log.unlink, missing_ok=True)
        try:
            child = start_blender(blender_command(blender, module), device, log, write_end)
        finally:
            os.close(write_end)
        stack.callback(end, child)
        yield Blender(child, events, log, device)


def start_blender(command: Sequence[str], device: str, log: Path, progress: int) -> "subprocess.Popen[bytes]":
    """Start the renderer; its progress lines go to the file descriptor `progress`."""
    environment = dict(os.environ)
    if device == "cpu":
        environment["LIBGL_ALWAYS_SOFTWARE"] = "1"
        if MESA.is_file():  # other drivers than Mesa's do not heed that name
            environment["__EGL_VENDOR_LIBRARY_FILENAMES"] = str(MESA)
    with log.open("wb") as stream:
        return subprocess.Popen(
            [*command, "--parent", str(os.getpid()), "--progress-fd", str(progress)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=subprocess.STDOUT,
            pass_fds=(progress, *run_lock_fds()),
        )


def pictures(
    events: Iterator[str] | IO[str] | list[str],
    device: str,
    started: Callable[[str, str], None] = lambda renderer, version: None,
) -> Iterator[Picture | None]:
    """The pictures among the progress lines of one clip; None at its end."""
    start: dict[str, Any] = {}
    for line in events:
        event = json.loads(line)
        if event["event"] == "error":
            raise InputError(event["message"])
        if event["event"] == "start":
            start = event
            check_device(device, start["renderer"])
            started(start["renderer"], start["blender"])
        elif event["event"] == "done":
            yield None
            return
        else:
            yield Picture(event["video"], event["frame"], Path(event["file"]), start["renderer"], start["blender"])


def check_device(device: str, renderer: str) -> None:
    """Stop when a GPU was asked for and none draws, or the other way round.

    Raises:
        InputError: so it is.
    """
    if device == "cpu" and not is_software(renderer):
        raise InputError(
            f"render.device is cpu, but Blender draws with {renderer}. Install Mesa's EGL (libegl-mesa0), or set it to auto."
        )
    if device == "gpu" and renderer.startswith("Cycles"):
        raise InputError(
            f"render.device is gpu, but {renderer} draws. Set render.engine to eevee, or render.device to auto."
        )
    if device == "gpu" and is_software(renderer):
        raise InputError(
            f"render.device is gpu, but Blender draws with {renderer}. "
            "Install the GPU's OpenGL driver, or set render.device to auto."
        )


def end(child: "subprocess.Popen[bytes]") -> None:
    """Let a child that waits for work end, stop one that still works, and wait for it."""
    with contextlib.suppress(BrokenPipeError):
        cast(IO[bytes], child.stdin).close()
    if child.poll() is None:
        child.kill()
    child.wait()


def last_words(log: Path, status: int) -> str:
    """What a Blender that broke off said last, in a clause."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    lines = [line for line in lines if line and line != FAREWELL]
    return f"Blender ended with status {status} ({lines[-1] if lines else 'it said nothing'})."
