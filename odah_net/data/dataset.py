"""Frames and sequences of an exported data set, as the network takes them."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from odah_gen.errors import InputError
from odah_net.configuration import NetworkSize
from odah_net.data.augment import augmented
from odah_net.data.clips import ClipData, root_relative
from odah_net.data.crop import normalised
from odah_net.data.crops_of_clip import CropCache, Crops, read_crops
from odah_net.data.mirror import change_places, mirrored
from odah_net.data.space_points import View, places_in_crop, space_points

Sample = dict[str, Tensor]
POINTS, AUGMENTATION, MIRROR = 0, 1, 2


@dataclass(frozen=True)
class Window:
    """Some consecutive frames of a clip."""

    clip: int
    start: int


class Sequences(Dataset[Sample]):
    """Windows of consecutive frames whose labels are all valid.

    A sample's tensors, each with the frames in front: `pictures` [T, 2, 3, side, side]; `points` [T, N, 3] about their
    mean (m, world axes); `places` [T, 2, N, 2]; `angles` [T, 36] (rad); `scales` [T, 22, 3]; `key_points` [T, 44, 3]
    (m, OpenSim ground, from the pelvis); `clip` and `frame` [T].

    Points in space are drawn anew in each epoch from (seed, epoch, clip, frame): the same on any worker, in any order.
    """

    def __init__(
        self,
        clips: Sequence[ClipData],
        size: NetworkSize,
        length: int,
        step: int,
        seed: int = 0,
        cache: CropCache | None = None,
        augment: bool = False,
        mirror: bool = False,
    ) -> None:
        """Find the windows.

        Args:
            clips: of a data set.
            size: of the network.
            length: frames of a window.
            step: windows begin every so many frames.
            seed: decides points and augmentation.
            cache: where crops are kept; decoded for every sample where there is none.
            augment: change squares and colours and hide parts, differently in every epoch.
            mirror: exchange left and right in half of the windows, in other ones in every epoch.

        Raises:
            InputError: no clip is long enough.
        """
        self.clips, self.size, self.length, self.seed, self.cache, self.epoch = clips, size, length, seed, cache, 0
        self.augment, self.mirror = augment, mirror
        self.windows = [
            Window(number, start)
            for number, clip in enumerate(clips)
            for start in window_starts(clip.labels["valid"], length, step)
        ]
        if not self.windows:
            longest = max((clip.frames for clip in clips), default=0)
            raise InputError(
                f"{len(clips)} clips: none has {length} valid frames in a row (the longest clip has {longest}). "
                "Render longer clips, or choose a network with shorter sequences."
            )

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> Sample:
        window = self.windows[index]
        clip = self.clips[window.clip]
        crops = self._crops(clip, window.start)
        frames = np.arange(window.start, window.start + self.length)
        points, places = self._points(clip, crops, frames)
        labels = clip.labels
        sample = {
            "pictures": normalised(crops.pictures, crops.masks),
            "points": points,
            "places": places,
            "angles": labels["coordinates_rad"][frames],
            "scales": np.broadcast_to(labels["scales"], (self.length, *labels["scales"].shape)),
            "key_points": root_relative(labels)[frames],
        }
        if self.mirror and self._generator(clip, window.start, MIRROR).uniform() < 0.5:
            sample = mirrored(sample, labels, change_places(*(clip.cameras[view] for view in clip.views)))
        tensors = {name: torch.from_numpy(np.array(array, dtype=np.float32)) for name, array in sample.items()}
        return tensors | {"clip": torch.full((self.length,), window.clip), "frame": torch.from_numpy(frames)}

    def _crops(self, clip: ClipData, start: int) -> Crops:
        """The crops of a window."""
        if self.cache is None:
            crops = read_crops(clip, start, self.length, self.size.image_px)
        else:
            crops = self.cache.read(clip, self.size.image_px).take(start, self.length)
        return augmented(crops, self._generator(clip, start, AUGMENTATION)) if self.augment else crops

    def _points(self, clip: ClipData, crops: Crops, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points in space and their places in both crops, frame by frame."""
        drawn = [
            frame_points(clip, frame, crops.take(number, 1), self.size, self._generator(clip, frame, POINTS))
            for number, frame in enumerate(frames)
        ]
        return np.stack([points for points, _ in drawn]), np.stack([places for _, places in drawn])

    def _generator(self, clip: ClipData, frame: int, purpose: int) -> np.random.Generator:
        """What decides the points of a frame, or how a window that begins there is changed."""
        return np.random.default_rng([self.seed, self.epoch, zlib.crc32(clip.clip_id.encode()), int(frame), purpose])


def frame_points(
    clip: ClipData, frame: int, crops: Crops, size: NetworkSize, generator: np.random.Generator
) -> tuple[Float[np.ndarray, "points 3"], Float[np.ndarray, "2 points 2"]]:
    """Points in space about their mean (m) and their places in the crops of a frame.

    Raises:
        InputError: the cameras do not fit the masks, or look along one line.
    """
    views = [
        View(mask, matrix, clip.cameras[camera].rotation, clip.cameras[camera].translation_m)
        for mask, matrix, camera in zip(crops.masks[0], crops.intrinsics[0], clip.views)
    ]
    try:
        points = space_points(views, size.points, generator, size.rays)
    except ValueError as error:
        raise InputError(
            f"{clip.folder}: frame {frame}: {error}. Check cameras.json and the masks of this clip."
        ) from error
    return points - points.mean(0), np.stack([places_in_crop(view, points) for view in views])


def window_starts(valid: np.ndarray, length: int, step: int) -> list[int]:
    """First frames of windows in which every frame is valid, every `step` frames; the last window ends with the clip."""
    last = len(valid) - length
    starts = sorted({*range(0, last + 1, step), last}) if last >= 0 else []
    return [start for start in starts if valid[start : start + length].all()]
