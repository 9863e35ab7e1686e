"""The same frames of a clip in several Blenders and engines: what a picture costs, and how far its colours are off.

    python benchmarks/blenders.py --clip CLIP --blender blender --blender .venv-blender-lts/bin/python --png PNG --json JSON

Always draws with the module of ./odah setup; --blender adds another Blender, or a Python that has bpy. Each row:
processor seconds (user and system, all threads) of a picture, that is one frame of one camera with its mask, without
encoding; what comes once per clip; and the mean difference from the picture of the first row, in levels of sRGB of 255.
The sheet has a row for each engine and a column for each Blender.
"""

import argparse
import json
import os
import sys
import tempfile
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


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, default=Path("results/demo/clips/s01-walking-01"))
    parser.add_argument("--blender", action="append", default=[], help="another Blender; may be repeated")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="may be repeated; default: all")
    parser.add_argument("--width", type=int, default=360, help="of the pictures (px)")
    parser.add_argument("--png", type=Path, help="all pictures side by side")
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    scene, rows, sheet = arguments.clip / "scene.json", [], []
    with tempfile.TemporaryDirectory() as scratch:
        for engine in arguments.engine or ENGINES:
            sheet.append([])
            for blender in (None, *arguments.blender):
                row, picture = measure(scene, engine, arguments.width, blender, Path(scratch) / str(len(rows)))
                sheet[-1].append(picture)
                row["difference_levels"] = round(float(np.abs(picture - sheet[0][0].astype(float)).mean()), 2)
                rows.append(row)
                print(json.dumps(row), file=sys.stderr, flush=True)
    if arguments.png:
        Image.fromarray(np.vstack([np.hstack(pictures) for pictures in sheet])).save(arguments.png)
    write_json(arguments.json, {"machine": machine(), "width": arguments.width, "pictures": rows})


if __name__ == "__main__":
    main()
