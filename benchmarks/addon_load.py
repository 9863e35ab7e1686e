"""How long the add-on takes to load a long clip, how long it holds the window up, and how fast the clip plays then.

.venv-blender/bin/python benchmarks/addon_load.py --run results/demo --clip s01-walking-01 --frames 600
blender -b --factory-startup -P benchmarks/addon_load.py -- --run results/demo --clip s01-walking-01 --frames 600

The clip's frames are repeated until there are so many.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bpy
import numpy as np

import blender_addon
from blender_addon.interface.loading import Request, load_steps
from blender_addon.interface.owned import loaded_clips

BY_FRAME = ("poses", "trans", "valid", "joint_centers_m", "mass_centers_m", "body_rotations", "markers_m")
TRC_HEAD = 6
PLAYED = 60


def write_long_clip(run: Path, clip: str, subject: str, frames: int, out: Path) -> None:
    """A run of one clip whose frames are those of another, over and over."""
    folder = out / "clips" / clip
    shutil.copytree(run / "clips" / clip, folder)
    shutil.copytree(run / "subjects" / subject, out / "subjects" / subject)
    shutil.copy(run / "config.yaml", out)
    for name in ("body.npz", "keypoints.npz"):
        with np.load(folder / name) as file:
            arrays = dict(file)
        repeated = {key: np.resize(arrays[key], (frames, *arrays[key].shape[1:])) for key in BY_FRAME if key in arrays}
        step = np.diff(arrays["time_s"][:2]) if "time_s" in arrays else 0
        times = {"time_s": np.arange(frames) * step} if "time_s" in arrays else {}
        np.savez(folder / name, **arrays | repeated | times)
    lines = (folder / "markers.trc").read_text().splitlines()
    rows = [line for line in lines[TRC_HEAD - 1 :] if line.strip()]
    repeated_rows = [rows[frame % len(rows)] for frame in range(frames)]
    (folder / "markers.trc").write_text("\n".join([*lines[: TRC_HEAD - 1], *repeated_rows]) + "\n")
    scene = json.loads((folder / "scene.json").read_text())
    model = run / "clips" / clip / scene["body"]["model"]
    scene |= {"frames": frames, "body": scene["body"] | {"model": str(model.resolve())}}
    (folder / "scene.json").write_text(json.dumps(scene))


def load(request: Request) -> dict[str, float]:
    """Load a clip step by step, as the window does."""
    wall, cpu, longest = time.perf_counter(), time.process_time(), 0.0
    begin = wall
    for _ in load_steps(bpy.context.scene, request):
        longest = max(longest, time.perf_counter() - begin)
        begin = time.perf_counter()
    return {
        "seconds": time.perf_counter() - wall,
        "processor_seconds": time.process_time() - cpu,
        "longest_step_s": longest,
    }


def play(frames: int) -> float:
    """Seconds for a frame of playing: all that moves is evaluated."""
    scene = bpy.context.scene
    loaded_clips()[0].hide_viewport = False
    scene.frame_set(0)
    begin = time.perf_counter()
    for frame in range(1, min(PLAYED, frames)):
        scene.frame_set(frame)
    return (time.perf_counter() - begin) / (min(PLAYED, frames) - 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, metavar="DIR")
    parser.add_argument("--clip", required=True, metavar="C", help="such as s01-walking-01")
    parser.add_argument("--frames", type=int, default=600, metavar="N")
    own = sys.argv.index("--") + 1 if "--" in sys.argv else 1
    arguments = parser.parse_args(sys.argv[own:])
    subject = arguments.clip.partition("-")[0]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    blender_addon.register()
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / "run"
        write_long_clip(arguments.run, arguments.clip, subject, arguments.frames, long)
        facts = load(Request(long, arguments.clip, subject)) | {"played_frame_s": play(arguments.frames)}
    print("\n" + json.dumps({name: round(value, 3) for name, value in facts.items()}))


if __name__ == "__main__":
    main()
