"""Tight boxes around the person's mask, frame by frame, kept segment by segment beside the videos'."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int32, UInt8

from odah_gen.storage import atomic


def mask_box(mask: UInt8[np.ndarray, "height width"]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom edge (px) of what is not 0, so that right - left is its width; all 0 without any."""
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    if not len(columns):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def boxes_file(folder: Path, camera: str, number: int) -> Path:
    """Where the boxes of a segment lie."""
    return folder / f"{camera}_boxes.{number:05d}.npy"


def write_boxes(path: Path, masks: Sequence[bytes], size: tuple[int, int]) -> None:
    """Write the boxes of a segment's masks, each of `size` width and height (px)."""
    boxes = [mask_box(np.frombuffer(mask, np.uint8).reshape(size[1], size[0])) for mask in masks]
    with atomic(path) as temporary:
        np.save(temporary, np.array(boxes, np.int32))


def join_boxes(folder: Path, cameras: Sequence[str], count: int) -> dict[str, Int32[np.ndarray, "frames 4"]]:
    """The content of boxes.npz from the first segments."""
    return {
        f"{camera}_box_px": np.concatenate([np.load(boxes_file(folder, camera, number)) for number in range(count)])
        for camera in cameras
    }
