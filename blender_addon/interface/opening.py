# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators of the section Open: read the folder, load, step to another clip, unload."""

from collections.abc import Iterator
from pathlib import Path

import bpy

from ..description import SceneError
from .loading import Request, Step, load_steps, show_time
from .owned import loaded_clips, remove_owned, restore_scene
from .settings import apply_shown, check_program, color_residuals, geometry, preferences, project, read_folder
from .showing import look_at_person

TICK_S = 0.01


def redraw(context: bpy.types.Context) -> None:
    """Draw the sidebars anew, not what is beside them: that may take long."""
    for area in context.screen.areas if context.screen else ():
        for region in area.regions if area.type == "VIEW_3D" else ():
            if region.type == "UI":
                region.tag_redraw()


def tell(context: bpy.types.Context, doing: str) -> None:
    """Say in the panel what is going on."""
    if context.scene.odah.doing != doing:
        context.scene.odah.doing = doing
        redraw(context)


def activate(context: bpy.types.Context, name: str) -> None:
    """Show one loaded clip instead of the others."""
    context.scene.odah.active = name
    clip = bpy.data.collections.get(name)
    if clip is not None:
        show_time(context.scene, clip)


class ODAH_OT_read_folder(bpy.types.Operator):
    """Read the folder again."""

    bl_idname = "odah.read_folder"
    bl_label = "Read folder"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """List its clips."""
        read_folder(context.scene.odah)
        if context.scene.odah.message:
            self.report({"ERROR"}, context.scene.odah.message)
            return {"CANCELLED"}
        return {"FINISHED"}


class Loading:
    """What loading operators share: they go on step by step while the window stays alive, or at once without one."""

    def begin(self, context: bpy.types.Context) -> None:
        """Choose what to load, and begin.

        Raises:
            SceneError: nothing is chosen.
        """
        folder, clip, subject = self.wanted(context.scene.odah)
        self._before = {each.name for each in loaded_clips()}
        request = Request(Path(bpy.path.abspath(folder)), clip, subject, project(), geometry())
        self._steps: Iterator[Step] = load_steps(context.scene, request)
        context.scene.odah.message = ""

    def wanted(self, settings: bpy.types.PropertyGroup) -> tuple[str, str, str]:
        """Folder, clip and subject: those that are chosen in the panel.

        Raises:
            SceneError: nothing is chosen.
        """
        if not 0 <= settings.chosen < len(settings.clips):
            raise SceneError("No clip is chosen. Choose a folder and a clip of its list.")
        item = settings.clips[settings.chosen]
        return settings.folder, item.name, item.subject

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Load all at once."""
        try:
            self.begin(context)
            for _ in self._steps:
                pass
        except (SceneError, OSError) as error:
            return self.fail(context, str(error))
        return self.succeed(context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Begin to load in steps."""
        try:
            self.begin(context)
        except SceneError as error:
            return self.fail(context, str(error))
        self._timer = context.window_manager.event_timer_add(TICK_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        context.window_manager.progress_begin(0, 100)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Go one step on; Esc takes everything back."""
        if event.type == "ESC":
            self._steps.close()
            self.end(context)
            return self.fail(context, "Loading was stopped.")
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            share, doing = next(self._steps)
            context.window_manager.progress_update(100 * share)
            tell(context, doing)
        except StopIteration:
            self.end(context)
            return self.succeed(context)
        except (SceneError, OSError) as error:
            self.end(context)
            return self.fail(context, str(error))
        return {"RUNNING_MODAL"}

    def end(self, context: bpy.types.Context) -> None:
        """Stop the steps."""
        context.window_manager.event_timer_remove(self._timer)
        context.window_manager.progress_end()

    def fail(self, context: bpy.types.Context, sentence: str) -> set[str]:
        """Say in the panel what was wrong."""
        context.scene.odah.doing, context.scene.odah.message = "", sentence
        if not loaded_clips():
            restore_scene(context.scene)
        self.report({"ERROR"}, sentence)
        redraw(context)
        return {"CANCELLED"}

    def succeed(self, context: bpy.types.Context) -> set[str]:
        """Show the new clip."""
        context.scene.odah.doing = ""
        new = [clip.name for clip in loaded_clips() if clip.name not in self._before]
        activate(context, new[-1])
        color_residuals(context.scene.odah)
        look_at_person(context)
        redraw(context)
        return {"FINISHED"}


class ODAH_OT_load(Loading, bpy.types.Operator):
    """Load the chosen clip beside those that are loaded; Esc stops it."""

    bl_idname = "odah.load"
    bl_label = "Load"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012
    folder: bpy.props.StringProperty(description="Empty: as chosen in the panel", options={"SKIP_SAVE"})  # type: ignore[valid-type]
    clip: bpy.props.StringProperty(options={"SKIP_SAVE"})  # type: ignore[valid-type]
    subject: bpy.props.StringProperty(options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def wanted(self, settings: bpy.types.PropertyGroup) -> tuple[str, str, str]:
        """What the operator was given, else what is chosen."""
        return (self.folder, self.clip, self.subject) if self.folder else super().wanted(settings)


class ODAH_OT_step_clip(Loading, bpy.types.Operator):
    """Load the next or the previous clip of the list in place of the one that is shown."""

    bl_idname = "odah.step_clip"
    bl_label = "Next clip"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012
    by: bpy.props.IntProperty(default=1)  # type: ignore[valid-type]

    def begin(self, context: bpy.types.Context) -> None:
        """Choose the neighbour in the list."""
        settings = context.scene.odah
        self._replaced = settings.active
        settings.chosen = (settings.chosen + self.by) % max(len(settings.clips), 1)
        super().begin(context)

    def succeed(self, context: bpy.types.Context) -> set[str]:
        """Show the new clip and drop the one before."""
        result = super().succeed(context)
        remove_owned(self._replaced)
        return result


class ODAH_OT_activate(bpy.types.Operator):
    """Show this clip instead of the others."""

    bl_idname = "odah.activate"
    bl_label = "Show"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012
    clip: bpy.props.StringProperty()  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Show it, with its frames and frame rate."""
        activate(context, self.clip)
        return {"FINISHED"}


class ODAH_OT_unload(bpy.types.Operator):
    """Take a clip out of Blender, or all of them; the last one gives the scene its former frames and world back."""

    bl_idname = "odah.unload"
    bl_label = "Unload"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012
    clip: bpy.props.StringProperty(description="Empty: all")  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove all that loading has made."""
        for name in [clip.name for clip in loaded_clips()]:
            if self.clip in ("", name):
                remove_owned(name)
        left = loaded_clips()
        activate(context, left[-1].name if left else "")
        if not left:
            restore_scene(context.scene)
        apply_shown(context.scene.odah)
        return {"FINISHED"}


class ODAH_OT_check_program(bpy.types.Operator):
    """See whether odah-gen can be run."""

    bl_idname = "odah.check_program"
    bl_label = "Check"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Run it and say what came."""
        told = check_program()
        if preferences() is not None:
            preferences().checked = told
        self.report({"INFO"}, told)
        return {"FINISHED"}


CLASSES = (
    ODAH_OT_read_folder,
    ODAH_OT_load,
    ODAH_OT_step_clip,
    ODAH_OT_activate,
    ODAH_OT_unload,
    ODAH_OT_check_program,
)
