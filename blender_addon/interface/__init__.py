# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's tab in Blender's window.

What needs no window (run_folder, clip_files, shapes, residuals, point_cache, osim_geometry, png) is numpy on plain
arrays. What builds objects (clip_objects, loading, owned) keeps all its knowledge in the datablocks themselves, so that
undo and saved files tell it too. Settings, operators (opening, showing, rendering) and panels are thin.
"""

import bpy

from . import opening, panels, pictures, rendering, settings, showing

CLASSES = (*settings.CLASSES, *opening.CLASSES, *showing.CLASSES, *rendering.CLASSES, *panels.CLASSES)


def register() -> None:
    """Add classes and settings."""
    for entry in CLASSES:
        bpy.utils.register_class(entry)
    bpy.types.Scene.odah = bpy.props.PointerProperty(type=settings.OdahSettings)


def unregister() -> None:
    """Take everything away again."""
    pictures.forget()
    del bpy.types.Scene.odah
    for entry in reversed(CLASSES):
        bpy.utils.unregister_class(entry)
