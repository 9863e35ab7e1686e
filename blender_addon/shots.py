# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendered windows of a picture as linear pixels: supersampled in one sample per fine pixel, then filtered.

EEVEE starts its shadows anew for every sample, at a cost that does not depend on the picture. So n samples of a pixel
are taken as one sample of each of n finer pixels, and EEVEE's own film filter is applied to those. EEVEE before 4.2
draws its shadows once for all samples, each of which sees an area light from another of its points: there they are left
to EEVEE, or shadows would be hard.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from .description import Camera
from .scene_builder import set_picture, set_shadow_detail

FILTER_RADIUS_PX = 1.5
FILTER_SIGMA = 0.284
"""EEVEE's film: a Gaussian fitted to the Blackman-Harris window, cut off at the radius; sigma in radii."""
FILTER_REACH_PX = math.ceil(FILTER_RADIUS_PX)
FIRST_SHADOWS_PER_SAMPLE = (4, 2, 0)
POINT_SAMPLE_PX = 0.02
"""A film so narrow that the only sample of a pixel lies at its centre."""


@dataclass(frozen=True)
class Window:
    """Part of a picture, in whole pixels from its top-left corner; the far edges are not part of it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns (px)."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows (px)."""
        return self.bottom - self.top

    def grown(self, pixels: int, width: int, height: int) -> "Window":
        """The window with more pixels on each side, inside a picture of this size."""
        return Window(
            max(self.left - pixels, 0),
            max(self.top - pixels, 0),
            min(self.right + pixels, width),
            min(self.bottom + pixels, height),
        )


def whole(camera: Camera) -> Window:
    """The window that is all of a camera's picture."""
    return Window(0, 0, camera.width, camera.height)


def fineness(samples: int) -> int:
    """Fine pixels along a pixel's side for so many samples: the square root, rounded up."""
    return math.isqrt(samples - 1) + 1


def shoot_sampled(
    scene: bpy.types.Scene, camera: Camera, item: bpy.types.Object, samples: int, file: Path
) -> np.ndarray:
    """Linear RGB of the whole picture as EEVEE itself samples it."""
    scene.render.filter_size, scene.eevee.taa_render_samples = FILTER_RADIUS_PX, samples
    set_shadow_detail(scene, 1.0)
    return shoot(scene, camera, item, whole(camera), 1, file)


def shoot_filtered(
    scene: bpy.types.Scene,
    camera: Camera,
    item: bpy.types.Object,
    window: Window,
    samples: int,
    file: Path,
    alpha: bool = False,
    light: Callable[[Window, int], np.ndarray] | None = None,
) -> np.ndarray:
    """Linear RGB or RGBA of a window, each pixel from about so many samples (rounded up to a square).

    `light` tells by what the colours of the fine pixels of a window are multiplied [rows, columns, 1], for so many fine
    pixels along a pixel's side; only where shadows belong to samples.
    """
    if bpy.app.version < FIRST_SHADOWS_PER_SAMPLE:
        scene.render.filter_size, scene.eevee.taa_render_samples = FILTER_RADIUS_PX, samples
        return shoot(scene, camera, item, window, 1, file, alpha)
    fine = fineness(samples)
    around = window.grown(FILTER_REACH_PX, camera.width, camera.height)
    scene.render.filter_size, scene.eevee.taa_render_samples = POINT_SAMPLE_PX, 1
    set_shadow_detail(scene, fine)
    pixels = shoot(scene, camera, item, around, fine, file, alpha)
    if light is not None:
        pixels = np.concatenate([pixels[..., :3] * light(around, fine), pixels[..., 3:]], axis=2)
    filtered = filter_film(pixels, fine)
    top, left = window.top - around.top, window.left - around.left
    return filtered[top : top + window.height, left : left + window.width]


def coarse_camera(camera: Camera, coarseness: int) -> Camera:
    """The camera with a fraction of the pixels along each side."""
    width, height = (max(round(side / coarseness), 1) for side in (camera.width, camera.height))
    return dataclasses.replace(camera, width=width, height=height)


def shoot_coarse(
    scene: bpy.types.Scene, camera: Camera, item: bpy.types.Object, coarseness: int, file: Path
) -> np.ndarray:
    """Linear RGB of the whole picture at a fraction of its size, one sample per coarse pixel (before 4.2, the scene's)."""
    small = coarse_camera(camera, coarseness)
    scene.render.filter_size = POINT_SAMPLE_PX
    if bpy.app.version >= FIRST_SHADOWS_PER_SAMPLE:
        scene.eevee.taa_render_samples = 1
    set_shadow_detail(scene, small.width / camera.width)
    return shoot(scene, small, item, whole(small), 1, file)


def shoot(
    scene: bpy.types.Scene,
    camera: Camera,
    item: bpy.types.Object,
    window: Window,
    scale: int,
    file: Path,
    alpha: bool = False,
) -> np.ndarray:
    """Render a window of the picture with `scale` x `scale` pixels for each of its own; linear RGB or RGBA, from the top.

    Raises:
        OSError: the picture could not be written, for instance because the disk is full.
    """
    set_picture(scene, camera, item)
    render, settings = scene.render, scene.render.image_settings
    render.resolution_x, render.resolution_y = camera.width * scale, camera.height * scale
    render.use_border = render.use_crop_to_border = True
    # A quarter of a fine pixel keeps Blender's rounding of the border on the wanted side.
    nudge_x, nudge_y = 0.25 / render.resolution_x, 0.25 / render.resolution_y
    render.border_min_x, render.border_max_x = (
        window.left / camera.width + nudge_x,
        min(window.right / camera.width + nudge_x, 1.0),
    )
    render.border_min_y, render.border_max_y = (
        1 - window.bottom / camera.height + nudge_y,
        min(1 - window.top / camera.height + nudge_y, 1.0),
    )
    mode = "RGBA" if alpha else "RGB"
    settings.file_format, settings.color_mode, settings.color_depth, settings.exr_codec = (
        "OPEN_EXR",
        mode,
        "16",
        "NONE",
    )
    render.filepath = str(file)
    bpy.ops.render.render(write_still=True, scene=scene.name)
    pixels = read_pixels(file)[..., : len(mode)]
    if pixels.shape[:2] != (window.height * scale, window.width * scale):
        raise OSError(f"{file}: is {pixels.shape[1]} x {pixels.shape[0]}, not the window that was asked for.")
    return pixels


def read_pixels(file: Path) -> np.ndarray:
    """Linear channels [rows, columns, C] of a picture file, top row first; the file is removed.

    Raises:
        OSError: the file is cut off or missing.
    """
    try:
        image = bpy.data.images.load(str(file))
    except RuntimeError as error:
        raise OSError(f"{file}: cannot be read back; is the disk full?") from error
    try:
        width, height = image.size
        pixels = np.empty(width * height * image.channels, np.float32)
        image.pixels.foreach_get(pixels)
        return pixels.reshape(height, width, image.channels)[::-1]
    finally:
        bpy.data.images.remove(image)
        file.unlink(missing_ok=True)


def filter_film(fine_pixels: np.ndarray, fine: int) -> np.ndarray:
    """Weigh fine pixels [rows x fine, columns x fine, 3] into pixels [rows, columns, 3] as EEVEE's film does."""
    offsets, weights = film_taps(fine)
    for axis in (0, 1):
        fine_pixels = weigh(fine_pixels, axis, offsets, weights, fine)
    return fine_pixels


def film_taps(fine: int) -> tuple[np.ndarray, np.ndarray]:
    """Fine pixels under the film along one axis: their numbers from a pixel's first one, and weights that sum to 1."""
    numbers = np.arange(-FILTER_REACH_PX * fine, (FILTER_REACH_PX + 1) * fine)
    distance_px = (numbers + 0.5) / fine - 0.5
    inside = np.abs(distance_px) < FILTER_RADIUS_PX
    weights = np.exp(-0.5 * (distance_px[inside] / (FILTER_SIGMA * FILTER_RADIUS_PX)) ** 2)
    return numbers[inside], (weights / weights.sum()).astype(np.float32)


def weigh(pixels: np.ndarray, axis: int, offsets: np.ndarray, weights: np.ndarray, fine: int) -> np.ndarray:
    """Filter along one axis and keep one of `fine` places; beyond the edges the last pixel repeats."""
    before, after = max(-offsets[0], 0), max(offsets[-1] - fine + 1, 0)
    pad = [(0, 0)] * 3
    pad[axis] = (before, after)
    padded = np.moveaxis(np.pad(pixels, pad, mode="edge"), axis, 0)
    count = pixels.shape[axis] // fine
    total = np.zeros((count, *padded.shape[1:]), np.float32)
    for offset, weight in zip(offsets, weights):
        start = before + offset
        total += weight * padded[start : start + count * fine : fine]
    return np.moveaxis(total, 0, axis)
