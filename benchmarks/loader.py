"""How fast samples are made, in frames (both views) per second of one core, beside plain readers of the same videos.

    python benchmarks/loader.py --data DIR [--config small] [--frames N]

A sample is one frame: two pictures and two masks decoded from random places, crops, and points in space; or the same from
kept crops. Beside it: the same four videos read from the beginning, and nothing done with them, by OpenCV and, from
random places as ours, by torchcodec (.venv/bin/python -m pip install torchcodec==0.13.0 opencv-python-headless; a reader
that is not installed is left out, and the table says so). One thread. `python benchmarks/learning.py` writes such data to
dataset/learn/test.
"""

import argparse
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from odah_net.configuration import SIZES, VIEWS
from odah_net.data.clips import ClipData, open_clips
from odah_net.data.crops_of_clip import CropCache
from odah_net.data.dataset import Sequences

FILES = [f"{camera}{end}" for camera in VIEWS for end in (".mp4", "_mask.mkv")]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--config", choices=SIZES, default="small")
    parser.add_argument("--frames", type=int, default=40, help="samples that are timed; default: 40")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    clips, size = open_clips(arguments.data), SIZES[arguments.config]
    chosen = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        for name, cache in {"decoded": None, "from kept crops": CropCache(Path(scratch))}.items():
            samples = Sequences(clips, size, 1, 1, cache=cache)
            order = chosen.integers(0, len(samples), arguments.frames).tolist()
            for index in order if cache else order[:1]:
                samples[index]  # the first pass keeps the crops
            tell(f"samples of {arguments.config}, {name}", partial(take, samples, order), len(order))
    for package, read in {"cv2": read_opencv, "torchcodec": read_torchcodec}.items():
        if importlib.util.find_spec(package):
            tell(f"{package}, decoding alone", partial(read, clips[0], arguments.frames), arguments.frames)
        else:
            print(f"{package}: not installed")


def tell(name: str, work: Callable[[], Any], frames: int) -> None:
    """Time some work by the processor's clock."""
    start = time.process_time()
    work()
    print(f"{name:<40}{frames / (time.process_time() - start):8.1f} frames per second and core")


def take(samples: Sequences, order: Sequence[int]) -> None:
    """Make samples."""
    for index in order:
        samples[index]


def read_opencv(clip: ClipData, frames: int) -> None:
    """Frames of all four videos of a clip from the beginning, again and again if it is short."""
    import cv2

    cv2.setNumThreads(1)
    readers = [cv2.VideoCapture(str(clip.folder / file)) for file in FILES]
    for number in range(frames):
        for reader in readers:
            if number % clip.frames == 0:
                reader.set(cv2.CAP_PROP_POS_FRAMES, 0)
            reader.read()


def read_torchcodec(clip: ClipData, frames: int) -> None:
    """Random frames of all four videos of a clip."""
    from torchcodec.decoders import VideoDecoder

    readers = [VideoDecoder(str(clip.folder / file), num_ffmpeg_threads=1) for file in FILES]
    for number in np.random.default_rng(0).integers(0, clip.frames, frames).tolist():
        for reader in readers:
            reader[number]


if __name__ == "__main__":
    main()
