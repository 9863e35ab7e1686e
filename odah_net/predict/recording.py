"""Two videos of a person that are no part of a data set: no labels, and masks perhaps by background subtraction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy import ndimage

from odah_gen.dataset.video import VideoFacts, inspect_video, read_frames
from odah_gen.errors import InputError
from odah_gen.scene.cameras import Camera, read_cameras
from odah_net.configuration import VIEWS
from odah_net.predict.segmenter import Segmenter

BACKGROUND_FRAMES = 50
DIFFERENCE = 25.0
"""A pixel differs from the background when a colour does by more than this (of 255)."""
OPENING_PX = 2
FRAMES_AT_ONCE = 32
CURE = "Make the file again, or encode it anew as H264."

Picture = UInt8[np.ndarray, "height width 3"]
Mask = Bool[np.ndarray, "height width"]


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

    def pictures(self, camera: str) -> Iterator[Picture]:
        """The frames of a camera, decoded from the first one on: not every recording can be entered in its middle."""
        return islice(read_frames(self.videos[camera], cure=CURE), self.frames)

    def shown(self, camera: str) -> Iterator[tuple[Picture, Mask]]:
        """The frames of a camera, and where the person is in each; nowhere where nothing is found."""
        pictures = self.pictures(camera)
        if self.mask_files:
            for picture, mask in zip(pictures, read_frames(self.mask_files[camera], "gray", CURE)):
                yield picture, mask > 127
            return
        while part := list(islice(pictures, FRAMES_AT_ONCE)):
            yield from zip(part, self.found_masks(camera, np.stack(part)))

    def found_masks(
        self, camera: str, pictures: UInt8[np.ndarray, "count height width 3"]
    ) -> Bool[np.ndarray, "count height width"]:
        """Masks by the segmenter, or of what differs from the background."""
        if self.segmenter:
            return self.segmenter.masks(pictures)
        return np.stack([person(picture, self.backgrounds[camera]) for picture in pictures])

    @cached_property
    def backgrounds(self) -> dict[str, Float[np.ndarray, "height width 3"]]:
        """The median of frames all over each video: what the picture shows where nobody stays."""
        wanted = set(np.linspace(0, self.frames - 1, BACKGROUND_FRAMES).astype(int).tolist())
        return {
            camera: np.median([picture for number, picture in enumerate(self.pictures(camera)) if number in wanted], 0)
            for camera in VIEWS
        }


def person(picture: Picture, background: Float[np.ndarray, "height width 3"]) -> Mask:
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
    """Look at both videos, their masks and the cameras.

    Raises:
        InputError: a file is missing or damaged, its frames come unevenly, or videos, masks and cameras do not fit
            together.
    """
    cameras = read_cameras(cameras_file)
    facts = {camera: inspect_video(videos[camera], CURE) for camera in VIEWS}
    for camera, fact in facts.items():
        check_camera(videos[camera], fact, cameras_file, cameras, camera)
        if not fact.steady:
            raise InputError(
                f"{videos[camera]}: its frames do not come evenly; a constant frame rate was expected. Convert it first: "
                f"ffmpeg -i {videos[camera].name} -fps_mode cfr -r {fact.fps:.4g} even.mp4."
            )
        if mask_files:
            check_masks(mask_files[camera], videos[camera], fact)
    rates = {fact.fps for fact in facts.values()}
    if len(rates) > 1:
        raise InputError(
            f"{videos['side']}: has {facts['side'].fps} frames/s and the other {facts['front'].fps}. Resample one."
        )
    frames = min(fact.frames for fact in facts.values())
    return Recording(videos, cameras, rates.pop(), frames, mask_files, segmenter)


def check_camera(video: Path, fact: VideoFacts, cameras_file: Path, cameras: Mapping[str, Camera], camera: str) -> None:
    """See that a video has a camera, of its size.

    Raises:
        InputError: it has not.
    """
    if camera not in cameras:
        raise InputError(
            f"{cameras_file}: has no camera {camera}; it has {', '.join(cameras)}. Call the two {' and '.join(VIEWS)}."
        )
    size, picture = (cameras[camera].width, cameras[camera].height), (fact.width, fact.height)
    if size != picture:
        raise InputError(f"{video}: is {picture} px, but {cameras_file} says {size}. Give its own cameras.")


def check_masks(path: Path, video: Path, fact: VideoFacts) -> None:
    """See that masks are of a video's size and length.

    Raises:
        InputError: they are not.
    """
    masks = inspect_video(path, CURE)
    found, wanted = ((each.width, each.height, each.frames) for each in (masks, fact))
    if found != wanted:
        told = ["{} × {} px and {} frames".format(*each) for each in (found, wanted)]
        raise InputError(f"{path}: has {told[0]}; {told[1]} were expected, as {video} has. Give its own masks.")
