# SPDX-License-Identifier: GPL-3.0-or-later
"""ODAH: shows a clip of odah-gen in Blender, and renders it without a window.

The package needs Blender's own Python and numpy, nothing else. Modules that do not import bpy (description, skinning,
subject) work in any Python.
"""

bl_info = {
    "name": "ODAH",
    "author": "The odah-gen authors",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "3D View > Sidebar > ODAH",
    "description": "Load subjects that odah-gen made: body, clothes, room and cameras",
    "category": "Import-Export",
}


def register() -> None:
    """Add the panel to Blender."""
    from .interface import registering

    registering.register()


def unregister() -> None:
    """Take the panel out of Blender."""
    from .interface import registering

    registering.unregister()
