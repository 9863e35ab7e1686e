# SPDX-License-Identifier: GPL-3.0-or-later
"""What the renderer tells and writes: pictures among its lines, their bytes, and contact sheets of them. numpy only."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..description import Description, SceneError


def pictures_of(lines: Sequence[str]) -> list[tuple[str, int, Path]]:
    """Camera, frame and file of the pictures that the renderer's lines tell of, masks left out.

    Raises:
        SceneError: the renderer tells of an error.
    """
    found = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("event") == "error":
            raise SceneError(event["message"])
        if event.get("event") == "picture" and not event["video"].endswith("_mask"):
            found.append((event["video"], event["frame"], Path(event["file"])))
    return found


def read_raw(file: Path, description: Description, camera: str) -> np.ndarray:
    """A picture [H, W, 3] of the renderer, sRGB bytes."""
    size = description.cameras[camera]
    return np.fromfile(file, np.uint8).reshape(size.height, size.width, 3)


def contact_sheet(rows: Sequence[Sequence[np.ndarray]], border_px: int = 4) -> np.ndarray:
    """Pictures of one size each row, side by side and below each other, on black."""
    strips = []
    for row in rows:
        parts = [np.pad(each, ((0, border_px), (0, border_px), (0, 0))) for each in row]
        strips.append(np.concatenate(parts, axis=1))
    width = max(strip.shape[1] for strip in strips)
    return np.concatenate([np.pad(strip, ((0, 0), (0, width - strip.shape[1]), (0, 0))) for strip in strips])
