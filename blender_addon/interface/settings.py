# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels remember, and the add-on's preferences."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import bpy

from ..description import SceneError
from .clip_objects import CLASS, KIND, MODEL, paint
from .owned import loaded_clips
from .residuals import COLORS
from .run_folder import list_clips

ADDON = __package__.rpartition(".")[0]
SHOWN = {
    "body": True, "clothes": True, "floor": True, "room": False, "skeleton": True, "joint centres": False, "mass centres": False,
    "markers": True, "cameras": True, "floor contact": False,
}  # fmt: skip
"""Kinds of objects, and whether they are shown at first."""


class OdahClip(bpy.types.PropertyGroup):
    """A clip of the list; its name is the clip id."""

    subject: bpy.props.StringProperty()  # type: ignore[valid-type]
    verdict: bpy.props.StringProperty()  # type: ignore[valid-type]
    frames: bpy.props.IntProperty()  # type: ignore[valid-type]
    residual_mm: bpy.props.FloatProperty(default=-1.0)  # type: ignore[valid-type]
    reasons: bpy.props.StringProperty()  # type: ignore[valid-type]


def read_folder(settings: "OdahSettings", _context: object = None) -> None:
    """List the clips of the chosen folder; what is wrong stands in the panel."""
    settings.clips.clear()
    settings.message = ""
    try:
        entries = list_clips(Path(bpy.path.abspath(settings.folder)))
    except (SceneError, OSError) as error:
        settings.message = str(error)
        return
    for entry in entries:
        item = settings.clips.add()
        item.name, item.subject, item.verdict, item.frames = entry.name, entry.subject, entry.verdict, entry.frames
        item.residual_mm = -1.0 if entry.residual_mm is None else entry.residual_mm
        item.reasons = "\n".join(entry.reasons)
    settings.chosen = min(settings.chosen, len(entries) - 1)


def apply_shown(settings: "OdahSettings", _context: object = None) -> None:
    """Show and hide kinds of objects, and clips beside the active one."""
    for clip in loaded_clips():
        clip.hide_viewport = clip.hide_render = clip.name != settings.active
        for part in clip.children:
            part.hide_viewport = not getattr(settings, shown_name(part[KIND]))
            if part[KIND] in ("skeleton", "joint centres", "mass centres", "markers"):
                for item in part.objects:
                    item.show_in_front = settings.in_front


def color_residuals(settings: "OdahSettings", _context: object = None) -> None:
    """Colour the residuals by their class, or all alike."""
    for material in bpy.data.materials:
        if CLASS in material:
            paint(material, COLORS[material[CLASS]] if settings.color_by_residual else MODEL)


def shown_name(kind: str) -> str:
    """Name of the setting that shows a kind of objects."""
    return "show_" + kind.replace(" ", "_")


class OdahSettings(bpy.types.PropertyGroup):
    """What the panels of a scene remember."""

    folder: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Folder",
        description="A run (results/<run>) or an exported data set",
        subtype="DIR_PATH",
        update=read_folder,
    )
    clips: bpy.props.CollectionProperty(type=OdahClip)  # type: ignore[valid-type]
    chosen: bpy.props.IntProperty(min=0)  # type: ignore[valid-type]
    active: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Clip", description="The clip that is shown", update=apply_shown
    )
    message: bpy.props.StringProperty()  # type: ignore[valid-type]
    doing: bpy.props.StringProperty()  # type: ignore[valid-type]
    in_front: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="In front", description="Show skeleton and markers through the body", default=True, update=apply_shown
    )
    color_by_residual: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Colour by residual (mm)", description="Colour by the distance from model marker to measured marker",
        default=True, update=color_residuals,
    )  # fmt: skip
    pictures: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="To", description="Folder for stills and contact sheets", subtype="DIR_PATH", default="~/odah-pictures"
    )
    sheet_frames: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Frames", description="Frames of a contact sheet", default=6, min=1, max=24
    )


def add_toggles(shown: Iterable[tuple[str, bool]]) -> None:
    """One setting for each kind of objects."""
    for kind, default in shown:
        OdahSettings.__annotations__[shown_name(kind)] = bpy.props.BoolProperty(
            name=kind.capitalize(), default=default, update=apply_shown
        )


add_toggles(SHOWN.items())


class OdahPreferences(bpy.types.AddonPreferences):
    """Where odah-gen and OpenSim's bones are."""

    bl_idname = ADDON

    program: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="odah-gen", description="The program odah-gen; empty: as found on the search path", subtype="FILE_PATH"
    )
    geometry: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Geometry", description="Geometry folder of an OpenSim installation, for real bones", subtype="DIR_PATH"
    )
    checked: bpy.props.StringProperty()  # type: ignore[valid-type]

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the preferences."""
        row = self.layout.row(align=True)
        row.prop(self, "program")
        row.operator("odah.check_program")
        if self.checked:
            self.layout.label(text=self.checked)
        self.layout.prop(self, "geometry")


def preferences() -> OdahPreferences | None:
    """The add-on's preferences; None where it runs without being installed."""
    addon = bpy.context.preferences.addons.get(ADDON)
    return addon.preferences if addon else None


def program() -> Path | None:
    """The program odah-gen of the preferences, else of the search path."""
    told = preferences()
    found = bpy.path.abspath(told.program) if told and told.program else shutil.which("odah-gen")
    return Path(found) if found else None


def project() -> Path | None:
    """The clone of odah-gen that the program belongs to."""
    path = program()
    parents = [] if path is None else [*path.parents, *Path(os.path.realpath(path)).parents]
    return next((each for each in parents if (each / "assets" / "body").is_dir()), None)


def geometry() -> Path | None:
    """OpenSim's Geometry folder of the preferences."""
    told = preferences()
    return Path(bpy.path.abspath(told.geometry)) if told and told.geometry else None


def check_program(path: Path | None) -> str:
    """What is to be said of the program, in one sentence."""
    if path is None:
        return "odah-gen was not found. Choose .venv/bin/odah-gen of its clone."
    try:
        told = subprocess.run([str(path), "--help"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{path}: cannot be run ({error}). Choose .venv/bin/odah-gen of its clone."
    if told.returncode or "OpenSim" not in told.stdout:
        return f"{path}: is not odah-gen. Choose .venv/bin/odah-gen of its clone."
    return f"{path} works."


CLASSES = (OdahClip, OdahSettings, OdahPreferences)
