# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators of the section Try: another shape at once, another wardrobe or room by odah-gen's scene stage."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

from ..description import SceneError, read_arrays, read_description
from ..subject import load_subject, posed_vertices
from .owned import cache_folder
from .rendering import Child, Working
from .scene_trial import finish_trial, snippet, start_trial, trial_folder, tried
from .settings import CONFIGURED, odah_gen
from .shape_trial import ShapeTrial, size
from .showing import OfClip, active_clip, shown_scene

TRIED_IN = "odah-trials"
"""Folder of scratch runs beside the point caches."""
TRIALS: dict[str, ShapeTrial] = {}
"""Shape spaces that were read in this session, by clip."""


def trial_of(clip: bpy.types.Collection) -> ShapeTrial:
    """The shape space of a loaded clip.

    Raises:
        SceneError: the clip has no scene, or a file cannot be read.
    """
    if clip.name not in TRIALS:
        description = read_description(shown_scene(clip))
        betas = read_arrays(description.motion, ("betas",))["betas"]
        TRIALS[clip.name] = ShapeTrial(load_subject(replace(description, cloth=None)), description.model, betas)
    return TRIALS[clip.name]


def people_of(clip: bpy.types.Collection) -> dict[str, bpy.types.Object]:
    """Body and garments of a clip by their name in clothes.npz."""
    return {item["odah_person"]: item for item in clip.all_objects if "odah_person" in item}


def show_shape(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    """Show the tried shape in the current frame; with all sliders at zero the clip moves again."""
    clip = active_clip(context)
    if clip is None:
        return
    tried = any(settings.shape) or settings.height_cm or settings.mass_sd
    for item in people_of(clip).values():
        item.modifiers["motion"].show_viewport = not tried
    if not tried:
        settings.shape_told = ""
        return
    try:
        trial = trial_of(clip)
    except SceneError as error:
        settings.message = str(error)
        return
    subject = trial.subject(trial.betas(settings.shape, settings.height_cm / 100, settings.mass_sd))
    frame = min(max(context.scene.frame_current, 0), subject.frames - 1)
    for name, vertices in posed_vertices(subject, frame).items():
        mesh = people_of(clip)[name].data
        mesh.vertices.foreach_set("co", np.ascontiguousarray(vertices, np.float32).ravel())
        mesh.update()
    height, mass = size(subject)
    settings.shape_told = f"{100 * height:.0f} cm, {mass:.0f} kg"


def chosen_kind(settings: bpy.types.PropertyGroup) -> str:
    """The kind of room that is wanted; empty: as configured."""
    return "" if settings.try_kind == CONFIGURED else settings.try_kind


class ODAH_OT_reset_shape(OfClip, bpy.types.Operator):
    """Give the person its own shape back."""

    bl_idname = "odah.reset_shape"
    bl_label = "Reset"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put all sliders to zero."""
        settings = context.scene.odah
        settings.shape, settings.height_cm, settings.mass_sd = [0.0] * len(settings.shape), 0.0, 0.0
        return {"FINISHED"}


class ODAH_OT_try_scene(Working, OfClip, bpy.types.Operator):
    """Draw wardrobe, room or light anew with this seed, and load the result beside the clip; Esc stops it."""

    bl_idname = "odah.try_scene"
    bl_label = "Try"

    def begin(self, context: bpy.types.Context) -> None:
        """Start odah-gen scene on a copy of the clip.

        Raises:
            SceneError: there is no run or no odah-gen.
        """
        clip, settings = active_clip(context), context.scene.odah
        program = odah_gen()
        self._folder, self._clip, self._subject = Path(clip["odah_folder"]), clip["odah_clip_id"], clip["odah_subject"]
        shown, kind = read_description(shown_scene(clip)), chosen_kind(settings)
        self._part = settings.try_part
        if self._part == "light":
            kind = shown.content["room"]["kind"]
        self._scratch = trial_folder(
            cache_folder().with_name(TRIED_IN), self._clip, self._part, settings.try_seed, kind
        )
        start_trial(self._folder, self._clip, self._subject, self._scratch, settings.try_seed, kind)
        self.child = Child([*program, "scene", "--run", str(self._scratch), self._clip])
        self.told(context, "drawing the scene")

    def hear(self, context: bpy.types.Context, _lines: Sequence[str]) -> None:
        """There is nothing to tell before it is done."""

    def close(self, context: bpy.types.Context) -> set[str]:
        """Load what was drawn."""
        if self.child.failed:
            raise SceneError(self.child.last.removeprefix("odah-gen: "))
        finish_trial(self._folder, self._clip, self._scratch, self._part)
        result = self.succeed(context, "")
        how = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
        bpy.ops.odah.load(how, folder=str(self._scratch), clip=self._clip, subject=self._subject)
        return result


class ODAH_OT_save_configuration(OfClip, bpy.types.Operator):
    """Write what was tried as lines for a configuration."""

    bl_idname = "odah.save_configuration"
    bl_label = "Save as configuration"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write it beside the pictures."""
        clip, settings = active_clip(context), context.scene.odah
        betas = None
        try:
            if any(settings.shape) or settings.height_cm:
                trial = trial_of(clip)
                betas = trial.betas(settings.shape, settings.height_cm / 100, settings.mass_sd).tolist()
            folder = Path(clip["odah_folder"])
            trial = tried(folder) if folder.parent.name == TRIED_IN else None
            text = snippet(clip["odah_clip_id"], trial, settings.mass_sd, betas)
            path = Path(bpy.path.abspath(settings.pictures)).expanduser() / f"{clip['odah_clip_id']}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except (SceneError, OSError) as error:
            settings.message = str(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        settings.message = f"The lines are in {path}."
        return {"FINISHED"}


CLASSES = (ODAH_OT_reset_shape, ODAH_OT_try_scene, ODAH_OT_save_configuration)
