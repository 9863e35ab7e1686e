"""Two videos of a person that are no part of a data set: no labels, and masks perhaps by background subtraction."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy import ndimage

from odah_gen.dataset.video import inspect_video
from odah_gen.errors import InputError
from odah_gen.scene.cameras import Camera, read_cameras
from odah_net.configuration import VIEWS
from odah_net.data.random_access import decode
from odah_net.predict.segmenter import Segmenter

BACKGROUND_FRAMES = 50
DIFFERENCE = 25.0
"""A pixel differs from the background when a colour does by more than this (of 255)."""
OPENING_PX = 2


@dataclass(frozen=True)
class Recording:
    """Two synchronous videos of static cameras.

    Attributes:
        videos: by camera.
        cameras: by name; the world is that of the training data (docs/network.md).
        fps, frames: of both.
        mask_files: by camera.
        segmenter: makes masks where there are no files; background subtraction where there is neither.
    """

    videos: Mapping[str, Path]
    cameras: Mapping[str, Camera]
    fps: float
    frames: int
    mask_files: Mapping[str, Path] | None = None
    segmenter: Segmenter | None = None

    def pictures(self, camera: str, start: int, count: int) -> UInt8[np.ndarray, "count height width 3"]:
        """Some frames of a camera."""
        return decode(self.videos[camera], start, count)

    def masks(self, camera: str, start: int, count: int) -> Bool[np.ndarray, "count height width"]:
        """Where the person is in some frames of a camera; nowhere in a frame where nothing is found."""
        if self.mask_files:
            return decode(self.mask_files[camera], start, count, "gray") > 127
        if self.segmenter:
            return self.segmenter.masks(self.pictures(camera, start, count))
        return np.stack([person(frame, self.backgrounds[camera]) for frame in self.pictures(camera, start, count)])

    @cached_property
    def backgrounds(self) -> dict[str, Float[np.ndarray, "height width 3"]]:
        """The median of frames all over each video: what the picture shows where nobody stays."""
        wanted = np.unique(np.linspace(0, self.frames - 1, BACKGROUND_FRAMES).astype(int))
        return {
            camera: np.median(np.concatenate([self.pictures(camera, int(frame), 1) for frame in wanted]), 0)
            for camera in VIEWS
        }


def person(
    picture: UInt8[np.ndarray, "height width 3"], background: Float[np.ndarray, "height width 3"]
) -> Bool[np.ndarray, "height width"]:
    """The largest connected part that differs from the background, its holes closed; empty where there is none."""
    differs = np.abs(picture - background).max(-1) > DIFFERENCE
    kept = ndimage.binary_opening(differs, iterations=OPENING_PX)
    labelled, count = ndimage.label(kept)
    if not count:
        return kept
    sizes = np.bincount(labelled.ravel())[1:]
    return ndimage.binary_fill_holes(labelled == 1 + int(sizes.argmax()))


def open_recording(
    videos: Mapping[str, Path],
    cameras_file: Path,
    mask_files: Mapping[str, Path] | None = None,
    segmenter: Segmenter | None = None,
) -> Recording:
    """Look at both videos and the cameras.

    Raises:
        InputError: a file is missing or damaged, or videos and cameras do not fit together.
    """
    cameras = read_cameras(cameras_file)
    facts = {camera: inspect_video(videos[camera]) for camera in VIEWS}
    for camera, fact in facts.items():
        if camera not in cameras:
            raise InputError(
                f"{cameras_file}: has no camera {camera}; it has {', '.join(cameras)}. Call the two {' and '.join(VIEWS)}."
            )
        size, picture = (cameras[camera].width, cameras[camera].height), (fact.width, fact.height)
        if size != picture:
            raise InputError(
                f"{videos[camera]}: is {picture} px, but {cameras_file} says {size}. Give its own cameras."
            )
    rates = {fact.fps for fact in facts.values()}
    if len(rates) > 1:
        raise InputError(
            f"{videos['side']}: has {facts['side'].fps} frames/s and the other {facts['front'].fps}. Resample one."
        )
    frames = min(fact.frames for fact in facts.values())
    return Recording(videos, cameras, rates.pop(), frames, mask_files, segmenter)
