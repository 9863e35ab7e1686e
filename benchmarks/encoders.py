"""Which encoder writes the pictures of a clip cheaper: ffmpeg's libx264, as the render stage drives it, or Blender's own.

    python benchmarks/encoders.py --clip results/demo/clips/s01-walking-01

Both get the same frames (those of the clip's video) and write H264 with the same length of closed groups and no B-frames.
Prints processor seconds and bytes of a frame and PSNR against the frames. Blender's includes reading the PNG files, which
it needs: its sequencer takes no frames from memory.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from machine import Stopwatch, processor
from PIL import Image

from odah_gen.dataset.video import read_frames
from odah_gen.scene.blender import blender_python
from odah_gen.scene.video import SEGMENT_FRAMES, join_segments, segment_file, write_segment

FPS = 60


def by_ffmpeg(frames: list[np.ndarray], folder: Path) -> tuple[Path, float]:
    """Encode as the render stage does; the file and processor seconds."""
    size, starts = frames[0].shape[1::-1], range(0, len(frames), SEGMENT_FRAMES)
    with Stopwatch() as watch:
        for number, first in enumerate(starts):
            group = [frame.tobytes() for frame in frames[first : first + SEGMENT_FRAMES]]
            write_segment(segment_file(folder, "front", number), group, size, FPS, "picture")
        join_segments(folder, "front", len(starts), FPS, folder / "ours.mp4")
    return folder / "ours.mp4", watch.cpu_s


def by_blender(frames: list[np.ndarray], folder: Path) -> tuple[Path, float]:
    """Encode in Blender; the file and processor seconds."""
    pictures = [folder / f"{number:06d}.png" for number in range(len(frames))]
    for frame, picture in zip(frames, pictures):
        Image.fromarray(frame).save(picture)
    out, (height, width) = folder / "blender.mp4", frames[0].shape[:2]
    job = {"pictures": [str(each) for each in pictures], "out": str(out), "fps": FPS, "gop": SEGMENT_FRAMES}
    script = Path(__file__).with_name("encode_in_blender.py")
    command = [str(blender_python()), str(script), json.dumps(job | {"width": width, "height": height})]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not told:
        raise SystemExit(f"Blender encoded nothing.\n{done.stderr[-2000:]}")
    return out, json.loads(told[-1])["cpu_s"]


def main() -> None:
    """Encode twice and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, default=Path("results/demo/clips/s01-walking-01"))
    frames = list(read_frames(parser.parse_args().clip / "front.mp4", "rgb24"))
    print(f"{len(frames)} frames, {frames[0].shape[1]} x {frames[0].shape[0]}; {processor()}")
    for name, encode in (("ffmpeg", by_ffmpeg), ("Blender", by_blender)):
        with tempfile.TemporaryDirectory() as scratch:
            file, cpu_s = encode(frames, Path(scratch))
            made, size = list(read_frames(file, "rgb24")), file.stat().st_size
        error = np.mean([((a.astype(float) - b) ** 2).mean() for a, b in zip(frames, made, strict=True)])
        print(
            f"{name}: {1000 * cpu_s / len(frames):.1f} ms of processor time and {size / len(frames):.0f} bytes a frame, "
            f"PSNR {10 * np.log10(255**2 / error):.1f} dB"
        )


if __name__ == "__main__":
    main()
