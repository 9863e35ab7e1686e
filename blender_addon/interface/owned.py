# SPDX-License-Identifier: GPL-3.0-or-later
"""What loading has put into Blender: each datablock bears the name of its clip, so that undo and saving keep account."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

OWNER = "odah_clip"
KINDS = (
    "objects", "meshes", "materials", "images", "movieclips", "cameras", "lights", "worlds", "node_groups", "collections",
)  # fmt: skip
CACHES = "odah"
BEFORE = "odah_before"
TIME = ("frame_start", "frame_end", "frame_current")
PICTURE = ("fps", "fps_base", "resolution_x", "resolution_y", "resolution_percentage")


def datablocks() -> Iterator[bpy.types.ID]:
    """All datablocks of the kinds that loading makes."""
    for kind in KINDS:
        yield from getattr(bpy.data, kind)


def owned_steps(steps: Iterator[Any], owner: str) -> Iterator[Any]:
    """Pass steps on; whatever comes into Blender during a step then belongs to `owner`."""
    while True:
        before = {block.as_pointer() for block in datablocks()}
        try:
            progress = next(steps)
        except StopIteration:
            return
        finally:
            for block in datablocks():
                if block.as_pointer() not in before:
                    block[OWNER] = owner
        yield progress


def loaded_clips() -> list[bpy.types.Collection]:
    """The clips that are in this file, by name."""
    return [each for each in bpy.data.collections if each.get(OWNER) == each.name and not each.get("odah_kind")]


def remove_owned(owner: str) -> None:
    """Take everything of a clip out of Blender."""
    bpy.data.batch_remove([block for block in datablocks() if block.get(OWNER) == owner])


def cache_folder() -> Path:
    """Where point caches lie: Blender's own temporary folder, which it removes when it ends."""
    return Path(bpy.app.tempdir) / CACHES


def sweep_caches() -> None:
    """Remove point caches that no mesh follows any more; undo of an older unloading is then not to be had."""
    used = {
        Path(modifier.filepath).parent
        for item in bpy.data.objects
        for modifier in item.modifiers
        if modifier.type == "MESH_CACHE"
    }
    folder = cache_folder()
    for each in folder.iterdir() if folder.is_dir() else ():
        if each not in used:
            shutil.rmtree(each, ignore_errors=True)


def remember_scene(scene: bpy.types.Scene) -> None:
    """Keep what loading will change in the scene, at the first clip."""
    if BEFORE not in scene:
        scene[BEFORE] = {
            **{name: getattr(scene, name) for name in TIME},
            **{name: getattr(scene.render, name) for name in PICTURE},
            "world": scene.world.name if scene.world else "",
            "camera": scene.camera.name if scene.camera else "",
        }


def restore_scene(scene: bpy.types.Scene) -> None:
    """Put the scene back as it was before the first clip."""
    if BEFORE not in scene:
        return
    before = scene[BEFORE].to_dict()
    del scene[BEFORE]
    for name in PICTURE:
        setattr(scene.render, name, before[name])
    scene.frame_end = max(scene.frame_end, before["frame_start"])
    for name in ("frame_start", "frame_end"):
        setattr(scene, name, before[name])
    scene.frame_set(before["frame_current"])
    scene.world = bpy.data.worlds.get(before["world"])
    scene.camera = bpy.data.objects.get(before["camera"])
