"""Points and masks: how many of them lie on the person."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from odah_gen.dataset.video import read_frames
from odah_gen.errors import InputError
from odah_gen.scene.cameras import Camera


def count_in_mask(
    masks: Iterable[UInt8[np.ndarray, "height width"]],
    points_px: Float[np.ndarray, "frames points 2"],
    counted: Bool[np.ndarray, "frames points"],
) -> tuple[int, int]:
    """How many of the counted points lie on the person as far as pixels can tell, and how many were counted.

    A mask samples the silhouette at pixel centres, so an edge between a point and the four centres around it is not
    told apart: a point counts when any of these four pixels is of the person. In a small picture, where a pixel is as
    wide as a heel, the one pixel a point falls into would often miss it.

    Args:
        masks: one per frame, 255 where the person is.
        points_px: picture positions, the first pixel's centre at (0.5, 0.5).
        counted: points to count; all of them must lie inside the picture.

    Raises:
        ValueError: there are more or fewer masks than frames.
    """
    inside = total = 0
    for mask, points, chosen in zip(masks, points_px, counted, strict=True):
        corner = np.floor(points[chosen] - 0.5).astype(int)
        columns = np.clip(corner[:, :1] + [0, 1, 0, 1], 0, mask.shape[1] - 1)
        rows = np.clip(corner[:, 1:] + [0, 0, 1, 1], 0, mask.shape[0] - 1)
        inside += int((mask[rows, columns] > 0).any(axis=1).sum())
        total += int(chosen.sum())
    return inside, total


def count_in_video(
    path: Path,
    camera: Camera,
    points_px: Float[np.ndarray, "frames points 2"],
    counted: Bool[np.ndarray, "frames points"],
) -> tuple[int, int]:
    """`count_in_mask` on a mask video that must have the camera's size and a frame for every frame of the clip.

    Raises:
        InputError: the video is damaged, or has another size or number of frames.
    """
    first = next(read_frames(path, "gray"))
    if first.shape != (camera.height, camera.width):
        raise InputError(
            f"{path}: is {first.shape[1]} x {first.shape[0]} px; its camera is {camera.width} x {camera.height} px. "
            "Run the render stage again."
        )
    try:
        return count_in_mask(read_frames(path, "gray"), points_px, counted)
    except ValueError as error:
        raise InputError(
            f"{path}: has not the clip's {len(points_px)} frames. Delete it and run the render stage again."
        ) from error
