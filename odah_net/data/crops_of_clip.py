"""Crops of a clip's frames with their cameras, decoded, or kept on disk from the first time on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from odah_gen.errors import InputError
from odah_gen.run import CAMERAS
from odah_gen.storage import read_npz, write_npz
from odah_net.data.clips import ClipData
from odah_net.data.crop import crop_about

ARRAYS = ("pictures", "masks", "intrinsics")


@dataclass(frozen=True)
class Crops:
    """Crops of some frames, both views.

    Attributes:
        pictures: as cut, background kept.
        masks: where the person is.
        intrinsics: K of each crop (px).
    """

    pictures: UInt8[np.ndarray, "frames 2 side side 3"]
    masks: Bool[np.ndarray, "frames 2 side side"]
    intrinsics: Float[np.ndarray, "frames 2 3 3"]

    def take(self, start: int, count: int) -> "Crops":
        """Some of the frames."""
        part = slice(start, start + count)
        return Crops(self.pictures[part], self.masks[part], self.intrinsics[part])


def read_crops(clip: ClipData, start: int, count: int, pixels: int) -> Crops:
    """Decode some frames of both views and cut the person out.

    Raises:
        InputError: a video is damaged or too short, or a mask is empty.
    """
    views = [read_view(clip, camera, start, count, pixels) for camera in CAMERAS]
    pictures, masks, intrinsics = (np.stack(part, 1) for part in zip(*views))
    return Crops(pictures, masks, intrinsics)


def read_view(clip: ClipData, camera: str, start: int, count: int, pixels: int) -> tuple[np.ndarray, ...]:
    """The crops, masks and intrinsics of one camera."""
    found = []
    frames = zip(clip.pictures(camera, start, count), clip.masks(camera, start, count))
    for number, (picture, mask) in enumerate(frames, start):
        crop = crop_about(mask, pixels)
        if crop is None:
            raise InputError(
                f"{clip.folder / f'{camera}_mask.mkv'}: frame {number} shows nobody; every frame must show the person. "
                "Leave this clip out, or render it again with the person in the picture."
            )
        cut = crop.cut(mask.astype(np.uint8) * 255, smooth=False) > 0
        found.append((crop.cut(picture), cut, crop.matrix @ clip.cameras[camera].intrinsics))
    return tuple(np.stack(part) for part in zip(*found))


@dataclass(frozen=True)
class CropCache:
    """Crops of whole clips on disk, one file for each clip and size; made when they are first asked for."""

    folder: Path

    def read(self, clip: ClipData, pixels: int) -> Crops:
        """All crops of a clip.

        Raises:
            InputError: as `read_crops`.
        """
        path = self.folder / f"{clip.clip_id}-{pixels}.npz"
        if not path.is_file():
            crops = read_crops(clip, 0, clip.frames, pixels)
            self.folder.mkdir(parents=True, exist_ok=True)
            write_npz(path, pictures=crops.pictures, masks=crops.masks, intrinsics=crops.intrinsics)
            return crops
        return Crops(**read_npz(path, ARRAYS))
