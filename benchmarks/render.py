"""What a rendered picture costs: the project's renderer beside the loop that most people write, in one run.

    python benchmarks/render.py --clip results/demo/clips/s01-walking-01 [--quick] [--blender PATH] --json PATH

Both draw the same frames of a finished clip, all cameras with masks, with the same samples and shadows, and encode
them. The plain loop renders whole frames to PNG at Blender's default compression, then runs ffmpeg. Each row: processor
seconds (user and system, all threads) and wall seconds of a picture, that is one frame of one camera with its mask;
seconds to the first frame, and what comes once per clip; memory. `psnr_db` holds our pictures against whole frames that
Blender renders at the same settings, all together, `worst_psnr_db` the worst one; at the smallest size the frames are spread
over the whole clip. (The plain loop's own settings differ in that each sample asks one place of a lamp about shadow, not
four.) A full run also holds both against whole frames of 64 samples, in the clip's first frame, which tells whose grain the
difference is, and adds rows of the Blender on the path, if there is one, for instance Debian's 3.4.1; --blender names
another. It also watches one Blender's memory over many clips, which are small: --clips N.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import ffmpeg
import imageio_ffmpeg
import numpy as np
from machine import Stopwatch, machine

from odah_gen.paths import ROOT
from odah_gen.scene.blender import blender_python
from odah_gen.scene.cameras import read_cameras
from odah_gen.scene.video import segment_file, write_segment
from odah_gen.storage import write_json

WIDTHS, QUICK_WIDTHS = (360, 540, 1080), (180,)
SAMPLES, SHADOWS = 4, True
"""Those of render.quality standard."""
FPS = 60.0
CLIP_FRAMES, FRAMES, QUICK_FRAMES = 30, 3, 2
MEMORY_CLIPS = 50
REFERENCE_SAMPLES = 64
IN_BLENDER = Path(__file__).with_name("render_in_blender.py")


def measure(
    scene: Path, renderer: str, width: int, frames: int, blender: str | None, out: Path, samples: int = SAMPLES
) -> dict[str, Any]:
    """One row; the pictures stay in `out`."""
    out.mkdir()
    facts = draw(
        {
            "scene": str(scene.resolve()),
            "renderer": renderer,
            "width": width,
            "samples": samples,
            "shadows": SHADOWS,
            "frames": frames,
            "out": str(out),
        },
        blender,
    )
    size, cameras = picture_size(scene, width), camera_names(scene)
    with Stopwatch() as encoding:
        for camera in cameras:
            for video in (camera, f"{camera}_mask"):
                encode = encode_raw if renderer == "ours" else encode_png
                encode(out, video, size)
    pictures = frames * len(cameras)
    steady = slice(1, None) if frames > 1 else slice(None)
    cpu, wall = (np.median(facts[name][steady]) / len(cameras) for name in ("cpu_s_of_frames", "wall_s_of_frames"))
    return {
        "renderer": renderer,
        "blender": facts["blender"],
        "frames": frames,
        "width": size[0],
        "height": size[1],
        "cpu_s_per_picture": round(float(cpu) + encoding.cpu_s / pictures, 3),
        "wall_s_per_picture": round(float(wall) + encoding.wall_s / pictures, 3),
        "frames_per_minute": round(60 / (len(cameras) * (float(wall) + encoding.wall_s / pictures)), 1),
        "cpu_s_once_per_clip": facts["cpu_s_before_frames"],
        "first_frame_s": facts["first_frame_s"],
        "memory_mib": facts["memory_mib"],
    }


def draw(job: Mapping[str, Any], blender: str | None) -> dict[str, Any]:
    """Run render_in_blender.py and read what it prints."""
    start = (
        [blender, "--background", "--factory-startup", "-noaudio", "--python"] if blender else [str(blender_python())]
    )
    command = [*start, str(IN_BLENDER), *(["--"] if blender else []), json.dumps(job)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"{job['renderer']}: Blender made nothing.\n{done.stderr[-3000:]}")
    return dict(json.loads(lines[-1]))


def picture_size(scene: Path, width: int) -> tuple[int, int]:
    """Width and height (px) of the pictures."""
    camera = read_cameras(scene.with_name("cameras.json"))[camera_names(scene)[0]]
    return width, round(width * camera.height / camera.width)


def camera_names(scene: Path) -> list[str]:
    """The cameras of a scene."""
    return list(read_cameras(scene.with_name("cameras.json")))


def encode_raw(out: Path, video: str, size: tuple[int, int]) -> None:
    """Encode as the render stage does."""
    frames = [file.read_bytes() for file in sorted(out.glob(f"{video}.*.raw"))]
    write_segment(segment_file(out, video, 0), frames, size, FPS, "mask" if video.endswith("_mask") else "picture")


def encode_png(out: Path, video: str, size: tuple[int, int]) -> None:
    """Encode PNG files, with ffmpeg's defaults for H264 and FFV1."""
    mask = video.endswith("_mask")
    pictures = ffmpeg.input(str(out / f"{video}.*.png"), pattern_type="glob", framerate=FPS)
    options = {"vcodec": "ffv1"} if mask else {"vcodec": "libx264", "pix_fmt": "yuv420p"}
    target = ffmpeg.output(pictures, str(out / f"{video}.{'mkv' if mask else 'mp4'}"), **options)
    target.run(cmd=imageio_ffmpeg.get_ffmpeg_exe(), quiet=True)


def signal_to_noise(ours: Path, whole: Path, cameras: list[str], size: tuple[int, int]) -> dict[str, float]:
    """Peak signal-to-noise ratio (dB) of some pictures against whole frames: of all together, and of the worst."""
    errors = []
    for file in sorted(file for camera in cameras for file in whole.glob(f"{camera}.*.png")):
        raw, wanted = ours / f"{file.stem}.raw", read_png(file)
        made = np.fromfile(raw, np.uint8).reshape(size[1], size[0], 3) if raw.is_file() else read_png(ours / file.name)
        errors.append(((made - wanted) ** 2).mean())
    squares = {"psnr_db": np.mean(errors), "worst_psnr_db": max(errors)}
    return {name: round(float(10 * np.log10(255**2 / square)), 2) for name, square in squares.items()}


def read_png(file: Path) -> np.ndarray:
    """A picture [H, W, 3], as numbers that may be taken from each other."""
    with av.open(str(file)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24").astype(float)


def against_many_samples(scene: Path, width: int) -> dict[str, Any]:
    """How near (dB) our picture and the whole frame come to that of many samples, in the clip's first frame."""
    found: dict[str, Any] = {"samples": REFERENCE_SAMPLES, "width": width}
    with tempfile.TemporaryDirectory() as scratch:
        many = Path(scratch) / "many"
        measure(scene, "whole", width, 1, None, many, REFERENCE_SAMPLES)
        for renderer in ("ours", "whole"):
            measure(scene, renderer, width, 1, None, Path(scratch) / renderer)
            nearness = signal_to_noise(Path(scratch) / renderer, many, camera_names(scene), picture_size(scene, width))
            found[f"{renderer}_psnr_db"] = nearness["psnr_db"]
    return found


def compare(scene: Path, width: int, frames: int, blender: str | None) -> list[dict[str, Any]]:
    """Our row and the plain one of a picture size; the plain loop draws few frames, for it is slow."""
    counts = {"ours": frames, "plain": min(frames, FRAMES), "whole": frames}
    with tempfile.TemporaryDirectory() as scratch:
        outs = {renderer: Path(scratch) / renderer for renderer in counts}
        rows = [measure(scene, renderer, width, counts[renderer], blender, out) for renderer, out in outs.items()]
        rows[0] |= signal_to_noise(outs["ours"], outs["whole"], camera_names(scene), picture_size(scene, width))
    del rows[2]  # drawn for its pictures
    rows[0]["times_cheaper"] = round(rows[1]["cpu_s_per_picture"] / rows[0]["cpu_s_per_picture"], 2)
    return rows


def memory_of_clips(scene: Path, clips: int) -> dict[str, Any]:
    """Memory of one Blender that renders the last frame of a clip again and again, as if each were another clip."""
    with tempfile.TemporaryDirectory() as scratch:
        return draw({"scene": str(scene.resolve()), "renderer": "memory", "clips": clips, "out": scratch}, None)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one small size, two frames, no other Blender, no memory")
    parser.add_argument("--clip", type=Path, default=Path("results/demo/clips/s01-walking-01"))
    parser.add_argument("--frames", type=int, default=FRAMES, help="frames that are drawn of each camera")
    parser.add_argument(
        "--clip-frames", type=int, default=CLIP_FRAMES, help="the same at the smallest size, this Blender's only"
    )
    parser.add_argument("--width", type=int, action="append", help="picture width, may be repeated")
    parser.add_argument("--blender", help="path of another Blender, for rows of its own; default: the one on the path")
    parser.add_argument(
        "--clips", type=int, default=MEMORY_CLIPS, help="clips over which memory is watched; 0 for none"
    )
    parser.add_argument("--json", type=Path, required=True)
    arguments = parser.parse_args()
    other = arguments.blender or (None if arguments.quick else shutil.which("blender"))
    rows, widths = [], arguments.width or (QUICK_WIDTHS if arguments.quick else WIDTHS)
    for width in widths:
        for blender in (None, *([other] if other else [])):
            frames = arguments.clip_frames if width == min(widths) and blender is None else arguments.frames
            frames = QUICK_FRAMES if arguments.quick else frames
            rows += compare(arguments.clip / "scene.json", width, frames, blender)
            for row in rows[-2:]:
                print(json.dumps(row), file=sys.stderr, flush=True)
    content = {"machine": machine(), "samples": SAMPLES, "shadows": SHADOWS, "pictures": rows}
    if not arguments.quick:
        content["reference"] = against_many_samples(arguments.clip / "scene.json", min(widths))
        print(json.dumps(content["reference"]), file=sys.stderr)
    if arguments.clips and not arguments.quick:
        content["memory"] = memory_of_clips(arguments.clip / "scene.json", arguments.clips)
        print(json.dumps(content["memory"]), file=sys.stderr)
    write_json(arguments.json, content)


if __name__ == "__main__":
    main()
