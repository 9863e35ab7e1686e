"""Seconds per picture against picture size, samples and shadows, for the time that a run tells before it starts.

    python benchmarks/render.py [--quick] [--clip results/demo/clips/s01-walking-01] --json PATH

Renders the first frames of a finished clip again in a temporary folder, both cameras with masks, and fits the model
of odah_gen/estimate.py: seconds = (fixed + per sample and megapixel) x shadows.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from machine import Stopwatch, machine

from odah_gen.run import CAMERAS, Run, open_run
from odah_gen.scene.render_stage import render_clip
from odah_gen.storage import read_json, read_npz, write_json, write_npz

FRAMES = 4
QUICK = [(240, 160, 1, True), (360, 240, 4, True)]
FULL = [
    *QUICK,
    (360, 240, 4, False),
    (540, 360, 4, True),
    (540, 360, 8, True),
    (540, 360, 4, False),
    (1080, 720, 4, True),
    (1080, 720, 8, True),
    (1080, 720, 8, False),
]


def measure(clip: Path, width: int, height: int, samples: int, shadows: bool) -> dict[str, Any]:
    """Render a few frames of a clip with other settings; processor and wall seconds per picture (one camera, one frame)."""
    run = open_run(clip.parents[1])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "clips" / clip.name
        copy_scene(clip, folder, width, height, samples, shadows)
        copy = Run(Path(scratch), run.config)
        copy.remember_clips(run.clips)
        with Stopwatch() as watch:
            render_clip(copy, clip.name)
        steady = read_json(folder / "render.json")["seconds_per_frame"]
    pictures = FRAMES * len(CAMERAS)
    return {
        "width": width,
        "height": height,
        "samples": samples,
        "shadows": shadows,
        "wall_s_per_picture": steady,
        "cpu_s_per_picture_with_start": round(watch.cpu_s / pictures, 3),
    }


def copy_scene(clip: Path, folder: Path, width: int, height: int, samples: int, shadows: bool) -> None:
    """The scene of a clip with its first frames, other picture size and other settings."""
    folder.mkdir(parents=True)
    scene, cameras = read_json(clip / "scene.json"), read_json(clip / "cameras.json")
    scene["frames"] = FRAMES
    scene["body"]["model"] = str((clip / scene["body"]["model"]).resolve())
    scene["render"] |= {"samples": samples, "shadows": shadows}
    for camera in cameras["cameras"].values():
        factor = width / camera["width"]
        camera["K"] = [[value * factor for value in row] for row in camera["K"][:2]] + [camera["K"][2]]
        camera["width"], camera["height"] = width, height
    motion = read_npz(clip / "body.npz")
    length = len(motion["poses"])
    write_npz(
        folder / "body.npz",
        **{name: array[:FRAMES] if array.shape[:1] == (length,) else array for name, array in motion.items()},
    )
    write_json(folder / "scene.json", scene)
    write_json(folder / "cameras.json", cameras)
    shutil.copy(clip / "clothes.npz", folder)


def fit_model(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Least squares for the constants of odah_gen/estimate.py, from wall seconds of one Blender."""
    rates = {}
    for shadows in (True, False):
        some = [row for row in rows if row["shadows"] == shadows]
        if len(some) < 2:
            continue
        work = [row["samples"] * row["width"] * row["height"] / 1e6 for row in some]
        design = np.stack([np.ones(len(some)), work], 1)
        wall = np.array([row["wall_s_per_picture"] for row in some])
        fixed, rate = np.linalg.lstsq(design / wall[:, None], np.ones(len(some)), rcond=None)[0]
        rates[f"{'shadows' if shadows else 'plain'}_fixed_s"] = round(float(fixed), 3)
        rates[f"{'shadows' if shadows else 'plain'}_s_per_sample_and_megapixel"] = round(float(rate), 3)
    return rates


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two settings only")
    parser.add_argument("--clip", type=Path, default=Path("results/demo/clips/s01-walking-01"))
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    rows = []
    for settings in QUICK if arguments.quick else FULL:
        rows.append(measure(arguments.clip, *settings))
        print(json.dumps(rows[-1]), file=sys.stderr)
    write_json(arguments.json, {"machine": machine(), "pictures": rows, "model": fit_model(rows)})


if __name__ == "__main__":
    main()
