# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds the tab to Blender and takes it away."""

import bpy

from . import importing, opening, panels, pictures, posing, rendering, settings, showing, trying

CLASSES = (
    *settings.CLASSES,
    *opening.CLASSES,
    *showing.CLASSES,
    *trying.CLASSES,
    *posing.CLASSES,
    *rendering.CLASSES,
    *importing.CLASSES,
    *panels.CLASSES,
)


def register() -> None:
    """Add classes and settings."""
    for entry in CLASSES:
        if issubclass(entry, bpy.types.Operator):
            entry.bl_description = entry.__doc__.rstrip(".")  # Blender adds a full stop of its own
        bpy.utils.register_class(entry)
    bpy.types.Scene.odah = bpy.props.PointerProperty(type=settings.OdahSettings)


def unregister() -> None:
    """Take everything away again."""
    posing.stop_all()
    trying.TRIALS.clear()
    pictures.forget()
    del bpy.types.Scene.odah
    for entry in reversed(CLASSES):
        bpy.utils.unregister_class(entry)
