# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators of the section Render: another Blender without a window draws what the pipeline draws, with the same code."""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue

import bpy
import numpy as np

from ..description import SceneError, read_description
from .opening import tell
from .png import write_png
from .rendering_files import contact_sheet, pictures_of, read_raw
from .settings import odah_gen
from .showing import OfClip, active_clip, shown_scene

TICK_S = 0.1
START = """\
import importlib, sys
sys.path.insert(0, {parent!r})
sys.exit(importlib.import_module({package!r} + ".render").main(sys.argv[sys.argv.index("--") + 1:]))
"""


def renderer_command() -> list[str]:
    """What starts this add-on's renderer in a Blender of its own."""
    home = Path(__file__).resolve().parents[1]
    start = START.format(parent=str(home.parent), package=home.name)
    if not bpy.app.binary_path:
        return [sys.executable, "-c", start, "--"]
    options = ["--background", "--factory-startup", "-noaudio", "--python-exit-code", "3", "--python-expr", start, "--"]
    return [bpy.app.binary_path, *options]


class Child:
    """A program that works beside Blender; its lines are read as they come."""

    def __init__(self, command: Sequence[str], job: str = "") -> None:
        """Start it, and give it a job on its standard input.

        Raises:
            SceneError: it cannot be started.
        """
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        except OSError as error:
            raise SceneError(f"{command[0]}: cannot be started ({error}).") from error
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._process.stdin.write(job)
        self._process.stdin.close()
        self.last = ""

    def _read(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line.strip())

    def lines(self, patience_s: float = 0.0) -> list[str]:
        """What it has said since the last call; waits a little for the first line."""
        found = []
        try:
            while True:
                found.append(self._lines.get(timeout=patience_s or None, block=patience_s > 0))
                patience_s = 0.0
        except Empty:
            pass
        self.last = next((line for line in reversed(found) if line), self.last)
        return found

    @property
    def running(self) -> bool:
        """Whether it works, or has something left to say."""
        return self._process.poll() is None or self._reader.is_alive() or not self._lines.empty()

    @property
    def failed(self) -> bool:
        """Whether it ended with an error."""
        return bool(self._process.poll())

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


class Working:
    """What operators with a child share: it is waited for while the window stays alive, or at once without one."""

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Work to the end."""
        try:
            self.begin(context)
            while self.child.running:
                self.hear(context, self.child.lines(TICK_S))
            return self.close(context)
        except (SceneError, OSError) as error:
            return self.fail(context, str(error))

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Begin to work."""
        try:
            self.begin(context)
        except (SceneError, OSError) as error:
            return self.fail(context, str(error))
        self._timer = context.window_manager.event_timer_add(TICK_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Hear what the child says; Esc stops it."""
        if event.type == "ESC":
            return self.end(context, self.fail(context, "Rendering was stopped."))
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            self.hear(context, self.child.lines())
            return {"RUNNING_MODAL"} if self.child.running else self.end(context, self.close(context))
        except (SceneError, OSError) as error:
            return self.end(context, self.fail(context, str(error)))

    def end(self, context: bpy.types.Context, result: set[str]) -> set[str]:
        """Stop listening."""
        context.window_manager.event_timer_remove(self._timer)
        return result

    def told(self, context: bpy.types.Context, doing: str) -> None:
        """Say in the panel what begins now."""
        context.scene.odah.message = ""
        tell(context, doing)

    def fail(self, context: bpy.types.Context, sentence: str) -> set[str]:
        """Stop the child and say in the panel what was wrong."""
        if getattr(self, "child", None) is not None:
            self.child.stop()
        context.scene.odah.message = sentence
        tell(context, "")
        self.report({"ERROR"}, sentence)
        return {"CANCELLED"}

    def succeed(self, context: bpy.types.Context, sentence: str) -> set[str]:
        """Say in the panel where it went."""
        context.scene.odah.message = sentence
        tell(context, "")
        if sentence:
            self.report({"INFO"}, sentence)
        return {"FINISHED"}


class ODAH_OT_render_picture(Working, OfClip, bpy.types.Operator):
    """Draw pictures as the pipeline does, with the settings of scene.json; Esc stops it."""

    bl_idname = "odah.render_picture"
    bl_label = "Render pictures"
    sheet: bpy.props.BoolProperty(description="A contact sheet instead of the current frame")  # type: ignore[valid-type]

    def begin(self, context: bpy.types.Context) -> None:
        """Start a Blender that draws.

        Raises:
            SceneError: the clip has no scene.
        """
        clip, settings = active_clip(context), context.scene.odah
        self._clip, scene = clip["odah_clip_id"], shown_scene(clip)
        self._description = read_description(scene)
        count = min(settings.sheet_frames, self._description.frames)
        sheet = np.linspace(0, self._description.frames - 1, count).round().astype(int).tolist()
        frames = sheet if self.sheet else [min(context.scene.frame_current, self._description.frames - 1)]
        self._to = Path(bpy.path.abspath(settings.pictures)).expanduser()
        self._to.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(prefix="odah-")
        self._drawn: dict[str, list[np.ndarray]] = {name: [] for name in self._description.cameras}
        self._frames, self._count = frames, len(frames) * len(self._drawn)
        job = {"scene": str(scene), "out": self._folder.name, "cameras": list(self._drawn), "measured": []}
        self.child = Child(renderer_command(), json.dumps({**job, "first": 0, "frames": frames}) + "\n")
        self.told(context, "rendering")

    def hear(self, context: bpy.types.Context, lines: Sequence[str]) -> None:
        """Take the pictures that are done."""
        for camera, _frame, file in pictures_of(lines):
            self._drawn[camera].append(read_raw(file, self._description, camera))
            done = sum(map(len, self._drawn.values()))
            tell(context, f"rendering: {done} of {self._count} pictures")

    def close(self, context: bpy.types.Context) -> set[str]:
        """Write the pictures as .png."""
        self._folder.cleanup()
        if self.child.failed or sum(map(len, self._drawn.values())) < self._count:
            raise SceneError(f"Blender ended too early: {self.child.last}")
        if self.sheet:
            path = self._to / f"{self._clip}_sheet.png"
            write_png(path, contact_sheet(list(self._drawn.values())))
            return self.succeed(context, f"{path.name} is in {context.scene.odah.pictures}.")
        names = [f"{self._clip}_{camera}_{self._frames[0]:06d}.png" for camera in self._drawn]
        for name, pictures in zip(names, self._drawn.values()):
            write_png(self._to / name, pictures[0])
        return self.succeed(context, f"{' and '.join(names)} are in {context.scene.odah.pictures}.")


class ODAH_OT_render_clip(Working, OfClip, bpy.types.Operator):
    """Render the whole clip by odah-gen, into its run, if it is not up to date there; Esc stops it."""

    bl_idname = "odah.render_clip"
    bl_label = "Render clip"

    def begin(self, context: bpy.types.Context) -> None:
        """Start odah-gen render.

        Raises:
            SceneError: there is no scene or no odah-gen.
        """
        clip = active_clip(context)
        self._to = shown_scene(clip).parent
        self.child = Child([*odah_gen(), "render", "--run", clip["odah_folder"], clip["odah_clip_id"]])
        self.told(context, "rendering the clip")

    def hear(self, context: bpy.types.Context, _lines: Sequence[str]) -> None:
        """Show its last line."""
        tell(context, self.child.last or context.scene.odah.doing)

    def close(self, context: bpy.types.Context) -> set[str]:
        """Say where the videos are."""
        if self.child.failed:
            raise SceneError(self.child.last.removeprefix("odah-gen: "))
        return self.succeed(context, f"The videos are in {self._to}.")


CLASSES = (ODAH_OT_render_picture, ODAH_OT_render_clip)
