"""One row of benchmarks/render.py, run inside Blender: python benchmarks/render_in_blender.py JOB < nothing.

JOB is JSON: scene, renderer ("ours" or "plain"), width, samples, shadows, frames, out. Prints processor seconds of each
frame (all cameras, pictures and masks), seconds to the first frame, and the memory in use.
"""

import dataclasses
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

START_S = time.monotonic()
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bpy  # noqa: E402
import numpy as np  # noqa: E402

from blender_addon.description import read_description  # noqa: E402
from blender_addon.painter import Painter  # noqa: E402
from blender_addon.scene_builder import Stage, build_stage, new_mask_scene, set_engine, set_picture, show_frame  # noqa: E402

BLENDER_DEFAULT_COMPRESSION = 15


def main() -> None:
    """Draw, and print what it took."""
    job = json.loads(sys.argv[-1])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    stage = build_stage(scene, resized(Path(job["scene"]), job))
    masks = new_mask_scene(stage.people.values())
    draw = {"ours": draw_ours, "plain": draw_plain}[job["renderer"]](stage, scene, masks, Path(job["out"]))
    cpu, first_s = [processor_s()], 0.0
    for frame in frames_to_draw(stage, job["frames"]):
        show_frame(stage, frame)
        draw(frame)
        cpu.append(processor_s())
        first_s = first_s or time.monotonic() - START_S
    facts = {
        "cpu_s_of_frames": np.diff(cpu).round(3).tolist(),
        "cpu_s_before_frames": round(cpu[0], 2),
        "first_frame_s": round(first_s, 2),
        "memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "blender": bpy.app.version_string,
    }
    print("\n" + json.dumps(facts), flush=True)


def resized(path: Path, job: dict[str, Any]) -> Any:
    """The scene with another picture size and other settings."""
    description = read_description(path)
    description.content["render"].update(engine="eevee", samples=job["samples"], shadows=job["shadows"])
    cameras = {
        name: dataclasses.replace(camera, width=job["width"], height=round(job["width"] * camera.height / camera.width))
        for name, camera in description.cameras.items()
    }
    return dataclasses.replace(description, cameras=cameras)


def frames_to_draw(stage: Stage, count: int) -> Iterator[int]:
    """So many frames, evenly spread over the clip."""
    yield from np.linspace(0, stage.description.frames - 1, count).round().astype(int).tolist()


def processor_s() -> float:
    """User and system seconds of this process, all threads."""
    times = os.times()
    return times.user + times.system


def draw_ours(stage: Stage, scene: bpy.types.Scene, masks: bpy.types.Scene, out: Path) -> Callable[[int], None]:
    """The project's renderer; the empty rooms are drawn here, before the frames."""
    painters = {name: Painter(stage, scene, masks, name, out / "shot.exr") for name in stage.cameras}

    def draw(frame: int) -> None:
        for name, painter in painters.items():
            painter.picture().tofile(out / f"{name}.{frame:06d}.raw")
            painter.mask().tofile(out / f"{name}_mask.{frame:06d}.raw")

    return draw


def draw_plain(stage: Stage, scene: bpy.types.Scene, masks: bpy.types.Scene, out: Path) -> Callable[[int], None]:
    """What most people write: whole frames to PNG."""
    set_engine(scene, stage.description.content["render"])
    if hasattr(stage.looks[-1], "probe_resolution"):
        scene.world.probe_resolution = "1024"  # Blender's default
    for each, mode in ((scene, "RGB"), (masks, "BW")):
        settings = each.render.image_settings
        settings.file_format, settings.color_mode, settings.compression = "PNG", mode, BLENDER_DEFAULT_COMPRESSION

    def draw(frame: int) -> None:
        for name, item in stage.cameras.items():
            for video, each in ((name, scene), (f"{name}_mask", masks)):
                set_picture(each, stage.description.cameras[name], item)
                each.render.filepath = str(out / f"{video}.{frame:06d}.png")
                bpy.ops.render.render(write_still=True, scene=each.name)

    return draw


if __name__ == "__main__":
    main()
