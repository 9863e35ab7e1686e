"""One row of benchmarks/render.py, run inside Blender: python benchmarks/render_in_blender.py JOB < nothing.

JOB is JSON: scene, renderer ("ours", "plain", or "whole" for whole frames at the settings of ours), engine (without it,
eevee), width, samples, shadows, frames, out; prints processor and wall seconds of each frame (all cameras, pictures and
masks), seconds to the first frame, and memory. With renderer "memory" and clips
instead, prints the memory in use after each clip, small ones of one camera and one lamp.
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
from blender_addon.painter import Painter, new_caster  # noqa: E402
from blender_addon.render import is_software, render_job, renderer  # noqa: E402
from blender_addon.scene_builder import Stage, build_stage, new_mask_scene, set_engine, set_picture, show_frame  # noqa: E402

BLENDER_DEFAULT_COMPRESSION = 15
SMALL_WIDTH_PX = 90


def main() -> None:
    """Draw, and print what it took."""
    job = json.loads(sys.argv[-1])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    facts = watch_memory(job) if job["renderer"] == "memory" else draw_frames(job)
    print("\n" + json.dumps({**facts, "blender": bpy.app.version_string}), flush=True)


def draw_frames(job: dict[str, Any]) -> dict[str, Any]:
    """Draw some frames of a clip."""
    scene = bpy.context.scene
    stage = build_stage(scene, resized(Path(job["scene"]), job))
    masks = new_mask_scene(stage.people.values())
    begin = {"ours": draw_ours, "plain": draw_plain, "whole": draw_whole}[job["renderer"]]
    draw = begin(stage, scene, masks, Path(job["out"]))
    cpu, wall, first_s = [processor_s()], [time.monotonic()], 0.0
    for frame in frames_to_draw(stage, job["frames"]):
        show_frame(stage, frame)
        draw(frame)
        cpu.append(processor_s())
        wall.append(time.monotonic())
        first_s = first_s or time.monotonic() - START_S
    return {
        "cpu_s_of_frames": np.diff(cpu).round(3).tolist(),
        "wall_s_of_frames": np.diff(wall).round(3).tolist(),
        "cpu_s_before_frames": round(cpu[0], 2),
        "first_frame_s": round(first_s, 2),
        "memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def watch_memory(job: dict[str, Any]) -> dict[str, Any]:
    """Render the last frame of a clip again and again as a shard does, and note the memory in use after each."""
    scene = write_small_clip(Path(job["scene"]), Path(job["out"]))
    description = read_description(scene)
    wanted = {
        "scene": str(scene),
        "out": job["out"],
        "cameras": list(description.cameras)[:1],
        "measured": [],
        "first": description.frames - 1,
    }
    memory_mib = []
    with open(os.devnull, "w") as progress:
        for _ in range(job["clips"]):
            render_job(wanted, progress, os.getppid())
            memory_mib.append(round(resident_mib(), 1))
    return {"memory_mib_after_clips": memory_mib}


def write_small_clip(scene: Path, out: Path) -> Path:
    """The clip with pictures 90 px wide, one lamp and one sample; returns its scene.json."""
    content, cameras = (json.loads(scene.with_name(name).read_text()) for name in ("scene.json", "cameras.json"))
    for file in (*content["body"], "clothes", "cameras", *(["cloth"] if "cloth" in content else [])):
        holder = content["body"] if file in content["body"] else content
        holder[file] = str((scene.parent / holder[file]).resolve())
    content |= {"cameras": "cameras.json", "lights": content["lights"][:1]}
    content["render"] |= {"engine": "eevee", "samples": 1, "shadows": True}
    for camera in cameras["cameras"].values():
        camera |= {"width": SMALL_WIDTH_PX, "height": round(SMALL_WIDTH_PX * camera["height"] / camera["width"])}
    for name, plain in (("scene.json", content), ("cameras.json", cameras)):
        (out / name).write_text(json.dumps(plain))
    return out / "scene.json"


def resident_mib() -> float:
    """Memory of this process that is in use (MiB)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def resized(path: Path, job: dict[str, Any]) -> Any:
    """The scene with another picture size and other settings."""
    description = read_description(path)
    description.content["render"].update(
        engine=job.get("engine", "eevee"), samples=job["samples"], shadows=job["shadows"]
    )
    cameras = {
        name: dataclasses.replace(camera, width=job["width"], height=round(job["width"] * camera.height / camera.width))
        for name, camera in description.cameras.items()
    }
    return dataclasses.replace(description, cameras=cameras)


def frames_to_draw(stage: Stage, count: int) -> Iterator[int]:
    """So many frames, evenly spread over the clip."""
    if count > stage.description.frames:
        raise SystemExit(f"The clip has {stage.description.frames} frames, fewer than the {count} to draw.")
    yield from np.linspace(0, stage.description.frames - 1, count).round().astype(int).tolist()


def processor_s() -> float:
    """User and system seconds of this process, all threads."""
    times = os.times()
    return times.user + times.system


def draw_ours(stage: Stage, scene: bpy.types.Scene, masks: bpy.types.Scene, out: Path) -> Callable[[int], None]:
    """The project's renderer; the empty rooms are drawn here, before the frames."""
    on_gpu = not is_software(renderer(stage, masks, out / "shot.exr"))
    caster = new_caster(stage, on_gpu)
    painters = {name: Painter(stage, scene, masks, name, caster, out / "shot.exr", on_gpu) for name in stage.cameras}

    def draw(frame: int) -> None:
        if caster is not None:
            caster.cast()
        for name, painter in painters.items():
            painter.picture().tofile(out / f"{name}.{frame:06d}.raw")
            painter.mask().tofile(out / f"{name}_mask.{frame:06d}.raw")

    return draw


def draw_plain(stage: Stage, scene: bpy.types.Scene, masks: bpy.types.Scene, out: Path) -> Callable[[int], None]:
    """What most people write: whole frames to PNG, at Blender's own settings."""
    draw = draw_whole(stage, scene, masks, out)
    if hasattr(scene.eevee, "shadow_ray_count"):
        scene.world.probe_resolution, scene.eevee.shadow_ray_count = "1024", 1  # Blender's defaults
    return draw


def draw_whole(stage: Stage, scene: bpy.types.Scene, masks: bpy.types.Scene, out: Path) -> Callable[[int], None]:
    """Whole frames to PNG at the settings of ours: what its pictures are held against."""
    set_engine(scene, stage.description.content["render"])
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
