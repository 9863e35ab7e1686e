# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators of the section Show: the worst frame, and a camera's view."""

import math
from pathlib import Path

import bpy
from mathutils import Euler

from ..description import SceneError
from .owned import loaded_clips, remember_scene

VIEW_DISTANCE_M = 2.6
VIEW_ANGLES_RAD = (math.radians(80), 0.0, math.radians(55))


def active_clip(context: bpy.types.Context) -> bpy.types.Collection | None:
    """The clip that is shown."""
    clip = bpy.data.collections.get(context.scene.odah.active)
    return clip if clip in loaded_clips() else None


def cameras_of(clip: bpy.types.Collection) -> dict[str, bpy.types.Object]:
    """Camera objects of a clip by their name in cameras.json."""
    return {item["odah_camera"]: item for item in clip.all_objects if "odah_camera" in item}


def shown_scene(clip: bpy.types.Collection) -> Path:
    """scene.json of a loaded clip.

    Raises:
        SceneError: it has none.
    """
    path = Path(clip["odah_folder"]) / "clips" / clip["odah_clip_id"] / "scene.json"
    if not path.is_file():
        raise SceneError(f"{path}: is not there, so there is nothing to render. Write it with: odah-gen scene.")
    return path


class OfClip:
    """For operators that need a clip."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is one."""
        return active_clip(context) is not None


class ODAH_OT_worst_frame(OfClip, bpy.types.Operator):
    """Go to the frame in which measured markers lie farthest from the model's, in the mean."""

    bl_idname = "odah.worst_frame"
    bl_label = "Worst frame"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Go there."""
        clip = active_clip(context)
        if "odah_worst" not in clip:
            self.report({"ERROR"}, "A data set holds no measured markers. Open the run that it was exported from.")
            return {"CANCELLED"}
        context.scene.frame_set(clip["odah_worst"])
        return {"FINISHED"}


def look_at_person(context: bpy.types.Context) -> None:
    """Turn the 3D view in which the mouse is towards the middle of the person."""
    clip, space = active_clip(context), context.space_data
    if clip is None or space is None or space.type != "VIEW_3D":
        return
    view = space.region_3d
    view.view_perspective = "PERSP"
    view.view_location, view.view_distance = clip["odah_middle_m"], VIEW_DISTANCE_M
    view.view_rotation = Euler(VIEW_ANGLES_RAD).to_quaternion()


class ODAH_OT_look_at_person(OfClip, bpy.types.Operator):
    """Look at the person from the front and a little from its right."""

    bl_idname = "odah.look_at_person"
    bl_label = "Look at the person"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Turn the view."""
        look_at_person(context)
        return {"FINISHED"}


class ODAH_OT_look_through(OfClip, bpy.types.Operator):
    """Look through this camera, with the size of its picture."""

    bl_idname = "odah.look_through"
    bl_label = "Look through"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012
    camera: bpy.props.StringProperty()  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make it the scene's camera and show its view."""
        found = cameras_of(active_clip(context))
        if self.camera not in found:
            self.report({"ERROR"}, f"There is no camera {self.camera!r}; there are {', '.join(found) or 'none'}.")
            return {"CANCELLED"}
        remember_scene(context.scene)
        item, render = found[self.camera], context.scene.render
        context.scene.camera = item
        render.resolution_x, render.resolution_y = item["odah_size"]
        render.resolution_percentage = 100
        if context.space_data is not None and context.space_data.type == "VIEW_3D":
            context.space_data.region_3d.view_perspective = "CAMERA"
        return {"FINISHED"}


CLASSES = (ODAH_OT_worst_frame, ODAH_OT_look_at_person, ODAH_OT_look_through)
