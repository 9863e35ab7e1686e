"""The same frame of some clips in several Blenders and engines: what a picture costs, and how far its colours are off.

    python benchmarks/blenders.py --clip CLIP CLIP --blender blender .venv-blender-lts/bin/python --png PNG --json JSON

Always draws with the module of ./odah setup; --blender adds other Blenders, or Pythons that have bpy. Each row: processor
seconds (user and system, all threads) of a picture, that is one frame of one camera with its mask, without encoding; what
comes once per clip; and the mean difference, as it is and with its sign, from the picture that the module's first engine
makes of the clip, in levels of sRGB of 255. The sheet has a row for each clip and engine, a column for each Blender.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine
from PIL import Image
from render import draw, picture_size

from odah_gen.config import Render
from odah_gen.scene.cameras import read_cameras
from odah_gen.storage import write_json

ENGINES = ("eevee", "workbench", "cycles")
FRAMES = 2
"""The first one compiles shaders."""


def measure(scene: Path, engine: str, width: int, blender: str | None, out: Path) -> tuple[dict[str, Any], np.ndarray]:
    """One row, without its difference, and the last picture of the first camera, [H, W, 3]."""
    render = Render(engine=engine)
    out.mkdir()
    job = {"scene": str(scene.resolve()), "renderer": "ours", "width": width, "frames": FRAMES, "out": str(out)}
    cameras = list(read_cameras(scene.parent / "cameras.json"))
    settings = {"engine": engine, "samples": render.drawn_samples, "shadows": render.drawn_shadows}
    facts = draw_with(job | settings, blender)
    row = {
        "clip": scene.parent.name,
        "engine": engine,
        "blender": facts["blender"],
        "samples": render.drawn_samples,
        "cpu_s_per_picture": round(facts["cpu_s_of_frames"][-1] / len(cameras), 2),
        "cpu_s_once_per_clip": facts["cpu_s_before_frames"],
    }
    columns, rows = picture_size(scene, width)
    last = max(out.glob(f"{cameras[0]}.*.raw"))
    return row, np.fromfile(last, np.uint8).reshape(rows, columns, 3)


def draw_with(job: dict[str, Any], blender: str | None) -> dict[str, Any]:
    """Run a job in the module, in the module of another Python, or in a Blender."""
    if blender is None or not Path(blender).name.startswith("python"):
        return draw(job, blender)
    before = os.environ.get("ODAH_BLENDER_PYTHON")
    os.environ["ODAH_BLENDER_PYTHON"] = blender
    try:
        return draw(job, None)
    finally:
        os.environ.pop("ODAH_BLENDER_PYTHON")
        if before is not None:
            os.environ["ODAH_BLENDER_PYTHON"] = before


def draw_clip(
    scene: Path, engines: Sequence[str], blenders: Sequence[str | None], width: int
) -> list[tuple[dict[str, Any], np.ndarray]]:
    """Row and picture of each engine in each Blender, the Blenders of an engine together."""
    drawn: list[tuple[dict[str, Any], np.ndarray]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for engine in engines:
            for blender in blenders:
                row, picture = measure(scene, engine, width, blender, Path(scratch) / str(len(drawn)))
                drawn.append((row, picture))
                off = picture - drawn[0][1].astype(float)
                row |= {"difference_levels": round(float(abs(off).mean()), 2), "brighter_levels": round(off.mean(), 2)}
                print(json.dumps(row), file=sys.stderr, flush=True)
    return drawn


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, nargs="+", default=[Path("results/demo/clips/s01-walking-01")])
    parser.add_argument("--blender", nargs="+", default=[], help="other Blenders")
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--width", type=int, default=360, help="of the pictures (px)")
    parser.add_argument("--png", type=Path, help="all pictures side by side")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    rows, sheet = [], []
    for clip in arguments.clip:
        drawn = draw_clip(clip / "scene.json", arguments.engine, (None, *arguments.blender), arguments.width)
        rows += [row for row, _ in drawn]
        pictures = [picture for _, picture in drawn]
        columns = 1 + len(arguments.blender)
        sheet += [np.hstack(pictures[first : first + columns]) for first in range(0, len(pictures), columns)]
    if arguments.png:
        Image.fromarray(np.vstack(sheet)).save(arguments.png)
    write_json(arguments.json, {"machine": machine(), "width": arguments.width, "pictures": rows})


if __name__ == "__main__":
    main()
