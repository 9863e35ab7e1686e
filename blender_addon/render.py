# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the pictures and masks of a clip without a window: python -m blender_addon.render SCENE_JSON --out DIR.

Each frame of each camera gives DIR/<camera>/000000.png and, white on black, DIR/<camera>_mask/000000.png. After each
picture a line of JSON tells which one is done, on standard output or the file descriptor of --progress-fd.
"""

import argparse
import ctypes
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import bpy

from .description import SceneError, read_description
from .scene_builder import Stage, build_stage, new_mask_scene, set_engine, set_picture, show_frame

PNG_COMPRESSION = 15
PR_SET_PDEATHSIG = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Render a scene; returns the exit status."""
    parsed = build_parser().parse_args(arguments)
    die_with_parent()
    with open_progress(parsed.progress_fd) as progress:
        try:
            render_scene(parsed.scene, parsed.out, parsed.camera, progress, parsed.parent)
        except (SceneError, OSError) as error:
            print(json.dumps({"event": "error", "message": str(error)}), file=progress, flush=True)
            return 2
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="blender_addon.render", description=__doc__)
    parser.add_argument("scene", type=Path, metavar="SCENE_JSON", help="scene.json of a clip")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the pictures")
    parser.add_argument("--camera", action="append", help="camera to render, may be repeated; default: all")
    parser.add_argument("--parent", type=int, default=os.getppid(), help="process without which this one ends")
    parser.add_argument("--progress-fd", type=int, help="file descriptor for the progress lines")
    return parser


def die_with_parent() -> None:
    """Ask Linux to end this process when the one that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def open_progress(descriptor: int | None) -> TextIO:
    """Where progress lines go."""
    return os.fdopen(os.dup(1) if descriptor is None else descriptor, "w")


def render_scene(path: Path, out: Path, wanted: Sequence[str] | None, progress: TextIO, parent: int) -> None:
    """Build the scene once and render every frame, all cameras of a frame before the next frame."""
    description = read_description(path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    stage = build_stage(scene, description)
    set_engine(scene, description.content["render"])
    masks = new_mask_scene(stage.people.values())
    cameras = list(wanted or stage.cameras)
    for name in cameras:
        if name not in stage.cameras:
            raise SceneError(f"{path}: has no camera {name!r}; it has {', '.join(stage.cameras)}.")
    tell(progress, event="start", blender=bpy.app.version_string, frames=description.frames)
    for frame in range(description.frames):
        show_frame(stage, frame)
        for name in cameras:
            if os.getppid() != parent:
                raise SceneError("the process that asked for these pictures has ended.")
            render_frame(stage, name, frame, {name: scene, f"{name}_mask": masks}, out, progress)


def render_frame(
    stage: Stage, camera: str, frame: int, scenes: dict[str, bpy.types.Scene], out: Path, progress: TextIO
) -> None:
    """Render the picture and the mask of one camera."""
    for video, scene in scenes.items():
        set_picture(scene, stage.description.cameras[camera], stage.cameras[camera])
        file = out / video / f"{frame:06d}.png"
        set_png(scene, file, gray=scene.render.engine == "BLENDER_WORKBENCH" and video.endswith("_mask"))
        bpy.ops.render.render(write_still=True, scene=scene.name)
        tell(progress, event="picture", video=video, frame=frame, file=str(file), renderer=renderer())


def set_png(scene: bpy.types.Scene, file: Path, gray: bool) -> None:
    """Write the next picture as a lightly compressed PNG of 8 bits."""
    settings = scene.render.image_settings
    settings.file_format = "PNG"
    settings.color_mode, settings.color_depth = "BW" if gray else "RGB", "8"
    settings.compression = PNG_COMPRESSION
    scene.render.filepath = str(file)


def renderer() -> str:
    """What draws: the GPU's name, or that of a software renderer."""
    import gpu

    return str(gpu.platform.renderer_get())


def tell(progress: TextIO, **event: Any) -> None:
    """Write one progress line."""
    print(json.dumps(event), file=progress, flush=True)


if __name__ == "__main__":
    sys.exit(main())
