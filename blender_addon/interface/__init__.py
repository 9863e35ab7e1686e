# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's tab in Blender's window.

What needs no window (run_folder, clip_files, import_files, shapes, residuals, point_cache, osim_geometry, shape_trial,
scene_trial, png) is numpy on plain arrays. What builds objects (clip_objects, loading, owned) keeps all its knowledge in the
datablocks themselves, so that undo and saved files tell it too. Settings, operators (opening, showing, trying, posing,
rendering, importing) and panels are thin.
"""

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
