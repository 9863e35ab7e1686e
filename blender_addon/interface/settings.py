# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels remember, and the add-on's preferences."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import bpy

from ..description import SceneError
from ..odah_process import ProgramError, check, command
from .clip_objects import CLASS, KIND, MODEL, paint
from .owned import loaded_clips
from .residuals import COLORS
from .run_folder import list_clips
from .scene_trial import PARTS
from .shape_trial import COEFFICIENTS

ADDON = __package__.rpartition(".")[0]
SHOWN = {
    "body": True, "clothes": True, "floor": True, "room": False, "skeleton": True, "joint centres": False, "mass centres": False,
    "markers": True, "cameras": True, "floor contact": False,
}  # fmt: skip
"""Kinds of objects, and whether they are shown at first."""
REPLACED = ("body", "clothes", "skeleton", "joint centres", "mass centres", "markers", "floor contact")
"""Kinds that are not shown while a clip is posed by hand."""
CONFIGURED = "configured"
KINDS_OF_ROOM = ("lab", "gym", "corridor", "living room", "clinic", "studio")


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
            posed = part[KIND] in REPLACED and any(other[KIND] == "posed" for other in clip.children)
            part.hide_viewport = posed or not getattr(settings, shown_name(part[KIND]), True)
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


def shape_changed(settings: "OdahSettings", context: bpy.types.Context) -> None:
    """Show the tried shape."""
    from .trying import show_shape

    show_shape(settings, context)


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
    shape: bpy.props.FloatVectorProperty(  # type: ignore[valid-type]
        name="Shape", description="Added to the first shape coefficients (sd)", size=COEFFICIENTS, soft_min=-3, soft_max=3,
        update=shape_changed,
    )  # fmt: skip
    height_cm: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Height",
        description="Taller by so much at the same mass (cm)",
        soft_min=-20,
        soft_max=20,
        update=shape_changed,
    )
    mass_sd: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Mass", description="Heavier at the same height, as shape.bmi_offsets counts it (sd)", soft_min=-3, soft_max=3,
        update=shape_changed,
    )  # fmt: skip
    shape_told: bpy.props.StringProperty()  # type: ignore[valid-type]
    try_seed: bpy.props.IntProperty(name="Seed", description="Seed of what is drawn", default=2, min=0)  # type: ignore[valid-type]
    try_part: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="What", items=[(part, part.capitalize(), "Draw this anew") for part in PARTS], default="wardrobe"
    )
    try_kind: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Room",
        items=[(CONFIGURED, "As configured", "")] + [(kind, kind.capitalize(), "") for kind in KINDS_OF_ROOM],
    )
    amass: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="AMASS", description="Motion in AMASS's format (.npz)", subtype="FILE_PATH"
    )
    osim: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Model", description="An OpenSim model (.osim)", subtype="FILE_PATH"
    )
    mot: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Motion", description="Coordinates over time (.mot)", subtype="FILE_PATH"
    )
    mot_row: bpy.props.IntProperty(name="Row", description="Row of the motion, counted from 0", min=0)  # type: ignore[valid-type]


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


def program() -> str:
    """odah-gen as the preferences name it, else as it is found on the search path; empty where it is not."""
    told = preferences()
    chosen = bpy.path.abspath(told.program) if told and told.program else ""
    return chosen or shutil.which("odah-gen") or ""


def odah_gen() -> list[str]:
    """The words that start odah-gen.

    Raises:
        SceneError: it is not to be had.
    """
    try:
        return command(program())
    except ProgramError as error:
        raise SceneError(str(error)) from error


def project() -> Path | None:
    """The clone of odah-gen that the program belongs to; None where there is none."""
    try:
        path = Path(odah_gen()[0])
    except SceneError:
        return None
    parents = [*path.parents, *Path(os.path.realpath(path)).parents]
    return next((each for each in parents if (each / "assets" / "body").is_dir()), None)


def geometry() -> Path | None:
    """OpenSim's Geometry folder of the preferences."""
    told = preferences()
    return Path(bpy.path.abspath(told.geometry)) if told and told.geometry else None


def check_program() -> str:
    """What is to be said of odah-gen, in one sentence."""
    try:
        return f"odah-gen {check(program())} works."
    except ProgramError as error:
        return str(error)


CLASSES = (OdahClip, OdahSettings, OdahPreferences)
