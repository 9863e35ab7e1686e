# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab ODAH in the 3D view's sidebar."""

import textwrap

import bpy

from .owned import loaded_clips
from .pictures import curve_icon, swatch
from .posing import POSINGS, posed_part
from .residuals import class_names
from .settings import SHOWN, OdahSettings, program, shown_name
from .showing import active_clip, cameras_of

VERDICT_ICONS = {"pass": "CHECKMARK", "fail": "ERROR", "": "BLANK1"}
BESIDE_PX, LETTER_PX = 70, 6.5
"""What stands beside a line of text in a sidebar, and the width of a letter, at a resolution scale of 1."""


def write(layout: bpy.types.UILayout, text: str, icon: str = "NONE") -> None:
    """A sentence on as many lines as it needs."""
    column, region = layout.column(align=True), bpy.context.region
    width = region.width / bpy.context.preferences.system.ui_scale if region else 0
    letters = max(int((width - BESIDE_PX) / LETTER_PX), 16)
    for number, line in enumerate(textwrap.wrap(text, letters, break_on_hyphens=False)):
        column.label(text=line, icon=icon if number == 0 else "NONE" if icon == "NONE" else "BLANK1")


def columns(layout: bpy.types.UILayout) -> tuple[bpy.types.UILayout, bpy.types.UILayout, bpy.types.UILayout]:
    """Clip, frames and residual of the list."""
    row = layout.split(factor=0.68)
    name, right = row.row(), row.split(factor=0.5)
    return name, right.row(), right.row()


def write_state(layout: bpy.types.UILayout, settings: OdahSettings) -> None:
    """What was said last, and what is going on."""
    if settings.message:
        write(layout, settings.message, "INFO")
    if settings.doing:
        write(layout, settings.doing, "SORTTIME")


class ODAH_UL_clips(bpy.types.UIList):
    """Clips with verdict, frames and residual; the filter looks at clip, subject and verdict."""

    def draw_item(self, _context, layout, _data, item, _icon, _active, _property) -> None:  # noqa: ANN001
        """One clip."""
        name, frames, residual = columns(layout)
        name.label(text=item.name, icon=VERDICT_ICONS.get(item.verdict, "QUESTION"))
        frames.label(text=str(item.frames or "–"))
        residual.label(text=f"{item.residual_mm:.1f}" if item.residual_mm >= 0 else "–")

    def filter_items(self, _context, data, name: str) -> tuple[list[int], list[int]]:  # noqa: ANN001
        """Keep the clips in which the text is found."""
        wanted, items = self.filter_name.lower(), getattr(data, name)
        texts = (f"{item.name} {item.subject} {item.verdict}".lower() for item in items)
        return [self.bitflag_filter_item if wanted in text else 0 for text in texts], []


class Section:
    """A panel of the tab."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "ODAH"


class ODAH_PT_open(Section, bpy.types.Panel):
    """Choose a folder, load its clips."""

    bl_label = "Open"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the section."""
        settings, layout = context.scene.odah, self.layout
        row = layout.row(align=True)
        row.prop(settings, "folder", text="")
        row.operator("odah.read_folder", text="", icon="FILE_REFRESH")
        if len(settings.clips):
            for part, title in zip(columns(layout), ("Clip", "frames", "mm")):
                part.label(text=title)
            layout.template_list("ODAH_UL_clips", "", settings, "clips", settings, "chosen", rows=4)
            chosen = settings.clips[min(settings.chosen, len(settings.clips) - 1)]
            for reason in filter(None, chosen.reasons.split("\n")):
                write(layout, reason, "ERROR")
            row = layout.row(align=True)
            row.operator("odah.step_clip", text="", icon="TRIA_LEFT").by = -1
            row.operator("odah.load", icon="IMPORT")
            row.operator("odah.step_clip", text="", icon="TRIA_RIGHT").by = 1
        self.draw_loaded(settings)
        write_state(layout, settings)

    def draw_loaded(self, settings: OdahSettings) -> None:
        """Clips that are loaded."""
        for clip in loaded_clips():
            row = self.layout.row(align=True)
            shown = clip.name == settings.active
            row.operator(
                "odah.activate", text="", icon="HIDE_OFF" if shown else "HIDE_ON", depress=shown
            ).clip = clip.name
            row.label(text=clip.name.removeprefix("ODAH "))
            row.operator("odah.unload", text="", icon="X").clip = clip.name


class OfClip(Section):
    """A panel that needs a clip."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is one."""
        return active_clip(context) is not None


class ODAH_PT_show(OfClip, bpy.types.Panel):
    """What is seen of a clip, and how good its fit is."""

    bl_label = "Show"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the section."""
        settings, clip, layout = context.scene.odah, active_clip(context), self.layout
        grid = layout.grid_flow(columns=2, even_columns=True, align=True)
        for kind in SHOWN:
            grid.prop(settings, shown_name(kind), toggle=True)
        layout.prop(settings, "in_front")
        row = layout.row(align=True)
        row.operator("odah.look_at_person", text="", icon="VIEWZOOM")
        for name in cameras_of(clip):
            row.operator("odah.look_through", text=name, icon="CAMERA_DATA").camera = name
        for note in filter(None, clip["odah_notes"].split("\n")):
            write(layout, note, "INFO")
        if "odah_residual_mm" in clip:
            self.draw_residual(context, clip)

    def draw_residual(self, context: bpy.types.Context, clip: bpy.types.Collection) -> None:
        """Legend, curve and worst frame."""
        box, residuals = self.layout.box(), clip["odah_residual_mm"]
        box.prop(context.scene.odah, "color_by_residual")
        if context.scene.odah.color_by_residual:
            legend = box.grid_flow(columns=2, row_major=False, even_columns=True, align=True)
            for number, name in enumerate(class_names()):
                legend.label(text=name, icon_value=swatch(number))
        now, worst = min(max(context.scene.frame_current, 0), len(residuals) - 1), clip["odah_worst"]
        box.label(text=f"Frame {now}: {residuals[now]:.1f} mm")
        box.template_icon(icon_value=curve_icon(clip), scale=5.0)
        box.operator("odah.worst_frame", text=f"Worst frame {worst}: {residuals[worst]:.1f} mm")
        box.label(text=f"there {clip['odah_worst_marker']}")


class ODAH_PT_render(OfClip, bpy.types.Panel):
    """Draw what the pipeline would draw."""

    bl_label = "Render"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the section."""
        settings, layout = context.scene.odah, self.layout
        layout.prop(settings, "pictures")
        row = layout.row(align=True)
        row.operator("odah.render_picture", text="Still", icon="RENDER_STILL").sheet = False
        row.operator("odah.render_picture", text="Sheet", icon="MESH_GRID").sheet = True
        layout.prop(settings, "sheet_frames")
        layout.operator("odah.render_clip", icon="RENDER_ANIMATION")
        if not program():
            write(layout, "The clip is rendered by odah-gen: choose it in the add-on's preferences.", "INFO")
        write_state(layout, settings)


class ODAH_PT_try(OfClip, bpy.types.Panel):
    """Another shape, wardrobe or room."""

    bl_label = "Try"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the section."""
        settings, layout = context.scene.odah, self.layout
        row = layout.row(align=True)
        row.prop(settings, "try_part", text="")
        row.prop(settings, "try_seed")
        row = layout.row(align=True)
        row.prop(settings, "try_kind", text="")
        row.operator("odah.try_scene", icon="FILE_REFRESH")
        column = layout.column(align=True)
        column.prop(settings, "height_cm", slider=True, text="Height, cm")
        column.prop(settings, "mass_sd", slider=True, text="Mass, sd")
        for number in range(len(settings.shape)):
            column.prop(settings, "shape", index=number, slider=True, text=f"Coefficient {number + 1}")
        row = layout.row(align=True)
        row.label(text=settings.shape_told)
        row.operator("odah.reset_shape")
        layout.operator("odah.save_configuration", icon="FILE_TICK")
        write_state(layout, settings)


class ODAH_PT_kinematics(OfClip, bpy.types.Panel):
    """Move skeleton and body by the model's coordinates."""

    bl_label = "Kinematics"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the section."""
        clip, layout = active_clip(context), self.layout
        part, posing = posed_part(clip), POSINGS.get(clip.name)
        if part is None or posing is None:
            layout.operator("odah.pose_start", icon="ARMATURE_DATA")
            return
        layout.operator("odah.pose_stop", icon="LOOP_BACK")
        ready = posing.client.ready
        if ready is None:
            write(layout, posing.client.problem or "odah-gen is starting.", "SORTTIME")
            return
        for sentence in filter(None, (ready["no_mesh"], posing.notes)):
            write(layout, sentence, "INFO")
        self.draw_paste(context.scene.odah)
        column = layout.column(align=True)
        for name, facts in ready["coordinates"].items():
            row = column.row()
            row.enabled = not facts["locked"] and not facts["follows"]
            row.prop(part, f'["{name}"]', text=f"{name}, {facts['unit']}", slider=True)

    def draw_paste(self, settings: OdahSettings) -> None:
        """Buttons that pose by a file."""
        row = self.layout.row(align=True)
        row.operator("odah.pose_reset")
        row.operator("odah.pose_paste", text="This frame").own = True
        self.layout.prop(settings, "mot")
        row = self.layout.row(align=True)
        row.prop(settings, "mot_row")
        row.operator("odah.pose_paste", icon="PASTEDOWN").own = False


class ODAH_PT_import(Section, bpy.types.Panel):
    """Show motions without a run."""

    bl_label = "Import"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the section."""
        settings, layout = context.scene.odah, self.layout
        layout.prop(settings, "amass")
        layout.operator("odah.import_amass", icon="IMPORT")
        layout.prop(settings, "osim")
        layout.prop(settings, "mot")
        layout.operator("odah.import_opensim", icon="IMPORT")


CLASSES = (
    ODAH_UL_clips,
    ODAH_PT_open,
    ODAH_PT_show,
    ODAH_PT_try,
    ODAH_PT_kinematics,
    ODAH_PT_render,
    ODAH_PT_import,
)
