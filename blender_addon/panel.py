# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar tab ODAH: choose a scene.json, load its subject, watch it move; the renderer's own scene builder."""

import bpy
from bpy.app.handlers import persistent

from .description import SceneError, read_description
from .scene_builder import Stage, build_stage, remove_stage, set_engine, set_picture, show_frame

LOADED: dict[str, Stage] = {}
"""Loaded subjects by the name of their collection."""


class OdahSettings(bpy.types.PropertyGroup):
    """What the panel remembers."""

    scene_file: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Scene", description="scene.json of a clip that odah-gen made", subtype="FILE_PATH"
    )


class ODAH_OT_load_subject(bpy.types.Operator):
    """Load body, clothes, room and cameras of the chosen scene."""

    bl_idname = "odah.load_subject"
    bl_label = "Load subject"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Build the scene in a collection of its own."""
        try:
            description = read_description(bpy.path.abspath(context.scene.odah.scene_file))
            stage = build_stage(context.scene, description)
        except SceneError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        LOADED[stage.collection.name] = stage
        first = next(iter(stage.cameras))
        set_engine(context.scene, description.content["render"])
        set_picture(context.scene, description.cameras[first], stage.cameras[first])
        return {"FINISHED"}


class ODAH_OT_unload_subjects(bpy.types.Operator):
    """Take all loaded subjects out of the scene again."""

    bl_idname = "odah.unload_subjects"
    bl_label = "Unload"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove their objects."""
        forget_deleted()
        for name in list(LOADED):
            remove_stage(context.scene, LOADED.pop(name))
        return {"FINISHED"}


class ODAH_PT_sidebar(bpy.types.Panel):
    """The tab in the 3D view's sidebar."""

    bl_label = "ODAH"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "ODAH"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the tab."""
        self.layout.prop(context.scene.odah, "scene_file")
        self.layout.operator(ODAH_OT_load_subject.bl_idname)
        for name, stage in LOADED.items():
            self.layout.label(text=f"{name}: {stage.description.frames} frames")
        if LOADED:
            self.layout.operator(ODAH_OT_unload_subjects.bl_idname)


CLASSES = (OdahSettings, ODAH_OT_load_subject, ODAH_OT_unload_subjects, ODAH_PT_sidebar)


@persistent
def follow_time(scene: bpy.types.Scene, _depsgraph: object = None) -> None:
    """Show every loaded subject at the current frame."""
    forget_deleted()
    for stage in LOADED.values():
        show_frame(stage, scene.frame_current)


def forget_deleted() -> None:
    """Drop subjects whose objects the user, undo or a new file has removed."""
    for name in [name for name, stage in LOADED.items() if name not in bpy.data.collections or not alive(stage)]:
        del LOADED[name]


def alive(stage: Stage) -> bool:
    """Whether Blender still has the stage's objects."""
    try:
        return all(item.data is not None for item in stage.people.values())
    except ReferenceError:
        return False


def register() -> None:
    """Add classes, settings and the frame handler."""
    for entry in CLASSES:
        bpy.utils.register_class(entry)
    bpy.types.Scene.odah = bpy.props.PointerProperty(type=OdahSettings)
    bpy.app.handlers.frame_change_post.append(follow_time)


def unregister() -> None:
    """Take everything away again."""
    bpy.app.handlers.frame_change_post.remove(follow_time)
    LOADED.clear()
    del bpy.types.Scene.odah
    for entry in reversed(CLASSES):
        bpy.utils.unregister_class(entry)
