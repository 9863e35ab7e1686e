# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame from parts: the empty room, how the person changes its light, and the person. Plain arrays, linear RGB."""

import numpy as np

FEATHER_PX = 6
DARK = 1e-3
"""Added to both sides of a quotient of light, so that black does not divide by black."""
LEVELS = 65535


def light_change(with_person: np.ndarray, without: np.ndarray) -> np.ndarray:
    """By what factor the person changes the light of each coarse pixel [h, w, 3]; smoothed over 3 x 3 pixels."""
    return smooth((with_person + DARK) / (without + DARK))


def smooth(picture: np.ndarray) -> np.ndarray:
    """Weights 1 2 1 along both axes; edges repeat."""
    for axis in (0, 1):
        padded = np.moveaxis(np.pad(picture, [(1, 1) if a == axis else (0, 0) for a in range(3)], "edge"), axis, 0)
        picture = np.moveaxis(0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:], 0, axis)
    return picture


def enlarge(coarse: np.ndarray, width: int, height: int) -> np.ndarray:
    """Interpolate [h, w, 3] to [height, width, 3]; both show the same view, with one scale for both axes."""
    scale = coarse.shape[1] / width
    for axis, size in ((0, height), (1, width)):
        coarse = interpolate(coarse, axis, size, scale)
    return coarse


def interpolate(coarse: np.ndarray, axis: int, size: int, scale: float) -> np.ndarray:
    """Linear interpolation along one axis about the picture's middle."""
    count = coarse.shape[axis]
    place = np.clip((np.arange(size) + 0.5 - size / 2) * scale + count / 2 - 0.5, 0, count - 1)
    first = np.minimum(place.astype(int), max(count - 2, 0))
    share = (place - first).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
    below, above = coarse.take(first, axis), coarse.take(np.minimum(first + 1, count - 1), axis)
    return below + share * (above - below)


def lay_over(frame: np.ndarray, part: np.ndarray, top: int, left: int) -> None:
    """Lay premultiplied RGBA over `frame` in place."""
    inside = frame[top : top + part.shape[0], left : left + part.shape[1]]
    inside *= 1 - part[..., 3:]
    inside += part[..., :3]


def paste(frame: np.ndarray, part: np.ndarray, top: int, left: int) -> None:
    """Put `part` into `frame` in place; it fades in over its outer pixels, except along the picture's own edges."""
    rows, columns = part.shape[:2]
    inside = frame[top : top + rows, left : left + columns]
    vertical = fade(rows, top > 0, top + rows < frame.shape[0])
    horizontal = fade(columns, left > 0, left + columns < frame.shape[1])
    share = np.minimum(vertical[:, None], horizontal[None, :])[..., None]
    inside += share * (part - inside)


def fade(count: int, at_start: bool, at_end: bool) -> np.ndarray:
    """Shares that rise from the ends that fade."""
    place = np.arange(count, dtype=np.float32) + 0.5
    share = np.ones(count, np.float32)
    for wanted, distance in ((at_start, place), (at_end, place[::-1])):
        if wanted:
            share = np.minimum(share, np.minimum(distance / FEATHER_PX, 1))
    return share


def to_display(linear: np.ndarray) -> np.ndarray:
    """Linear RGB to bytes of sRGB, which is Blender's view transform Standard."""
    levels = np.clip(linear * np.float32(LEVELS) + np.float32(0.5), 0, LEVELS).astype(np.uint16)
    return DISPLAY_BYTES[levels]


def display_bytes() -> np.ndarray:
    """sRGB byte of each of 65,536 levels of linear light (IEC 61966-2-1)."""
    light = np.arange(LEVELS + 1) / LEVELS
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)
    return np.round(255 * encoded).astype(np.uint8)


DISPLAY_BYTES = display_bytes()
