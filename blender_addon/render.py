# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders clips without a window, one after the other: python -m blender_addon.render < JOBS.

A job is a line of JSON on standard input: {"scene": path of scene.json, "out": folder, "cameras": names, "first":
first frame, "frames": which ones (optional; all from the first)}. Each frame of each camera gives OUT/<camera>.<frame>.raw (sRGB, 3 bytes a pixel) and
OUT/<camera>_mask.<frame>.raw (a byte a pixel, 255 where the person is), rows from the top; and
OUT/<camera>_<kind>.<frame>.raw of each kind of guides.KINDS in the job's "measured". After each picture a line of
JSON tells which one is done, on standard output or the file descriptor of --progress-fd.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import bpy
import numpy as np

from .description import SceneError, read_description
from .guides import Guides
from .jobs import run_jobs, tell
from .painter import Painter, body_window, new_caster
from .room_light import Caster
from .scene_builder import Stage, build_stage, new_mask_scene, remove_stage, set_engine, show_frame
from .shots import Window, shoot

CYCLES = "Cycles on the processor"
SOFTWARE_RENDERERS = ("llvmpipe", "softpipe", "swrast", "lavapipe", "processor")
"""Mesa's, and CYCLES; odah_gen.scene.blender names the same, for neither may import the other."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Render every job of standard input; returns the exit status."""
    return run_jobs("blender_addon.render", __doc__, render_job, arguments)


def render_job(job: Mapping[str, Any], progress: TextIO, parent: int) -> None:
    """Build a scene, render its frames from the first that is wanted, and take it down again."""
    path, out = Path(job["scene"]), Path(job["out"])
    description = read_description(path)
    for name in job["cameras"]:
        if name not in description.cameras:
            raise SceneError(f"{path}: has no camera {name!r}; it has {', '.join(description.cameras)}.")
    scene = bpy.context.scene
    stage = build_stage(scene, description)
    masks = new_mask_scene(stage.people.values())
    try:
        set_engine(scene, description.content["render"])
        scratch = out / f".{os.getpid()}.exr"
        drawn_by = renderer(stage, masks, scratch)
        tell(progress, event="start", blender=bpy.app.version_string, renderer=drawn_by, frames=description.frames)
        on_gpu = not is_software(drawn_by)
        caster = new_caster(stage, on_gpu)
        painters = {name: Painter(stage, scene, masks, name, caster, scratch, on_gpu) for name in job["cameras"]}
        guides = {}
        if job["measured"]:
            guides = {name: Guides(stage, name, job["measured"], scratch) for name in job["cameras"]}
        for frame in job.get("frames") or range(job["first"], description.frames):
            render_frame(stage, caster, painters, guides, frame, out, progress, parent)
        for each in guides.values():
            each.close()
    finally:
        take_down(stage, scene, masks)
    tell(progress, event="done")


def render_frame(
    stage: Stage,
    caster: Caster | None,
    painters: Mapping[str, Painter],
    guides: Mapping[str, Guides],
    frame: int,
    out: Path,
    progress: TextIO,
    parent: int,
) -> None:
    """Draw one frame of every camera: picture, what is measured, and mask."""
    show_frame(stage, frame)
    if caster is not None:
        caster.cast()
    for name, painter in painters.items():
        if os.getppid() != parent:
            raise SceneError("the process that asked for these pictures has ended.")
        drawn = {name: painter.picture(), f"{name}_mask": painter.mask()}
        if name in guides:
            window = body_window(stage, stage.description.cameras[name])
            found = guides[name].pictures(drawn[f"{name}_mask"], window)
            drawn |= {f"{name}_{kind}": numbers for kind, numbers in found.items()}
        for video, pixels in drawn.items():
            file = out / f"{video}.{frame:06d}.raw"
            np.ascontiguousarray(pixels).tofile(file)
            tell(progress, event="picture", video=video, frame=frame, file=str(file))


def take_down(stage: Stage, scene: bpy.types.Scene, masks: bpy.types.Scene) -> None:
    """Remove all that a job has put into Blender."""
    world = masks.world
    bpy.data.scenes.remove(masks)
    bpy.data.worlds.remove(world)
    remove_stage(scene, stage)
    bpy.data.orphans_purge(do_recursive=True)


def renderer(stage: Stage, masks: bpy.types.Scene, scratch: Path) -> str:
    """What draws: the GPU's name, or that of a software renderer."""
    if stage.description.content["render"]["engine"] == "cycles":
        return CYCLES
    import gpu

    # Without a window Blender opens the graphics driver at its first picture.
    name = next(iter(stage.cameras))
    shoot(masks, stage.description.cameras[name], stage.cameras[name], Window(0, 0, 1, 1), 1, scratch)
    return str(gpu.platform.renderer_get())


def is_software(renderer: str) -> bool:
    """Whether a renderer, by its name, draws without a GPU."""
    return any(name in renderer.lower() for name in SOFTWARE_RENDERERS)


if __name__ == "__main__":
    sys.exit(main())
