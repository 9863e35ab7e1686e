"""Crops of a clip's frames with their cameras, decoded, or kept on disk from the first time on."""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from odah_gen.errors import InputError
from odah_gen.storage import atomic
from odah_net.data.clips import ClipData
from odah_net.data.crop import Crop, crop_about

ARRAYS = ("pictures", "masks", "intrinsics")
FRAMES_AT_ONCE = 32


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
        InputError: a video is damaged or too short, or the mask of a frame with a valid label is empty.
    """
    views = [read_view(clip, camera, start, count, pixels) for camera in clip.views]
    pictures, masks, intrinsics = (np.stack(part, 1) for part in zip(*views))
    return Crops(pictures, masks, intrinsics)


def read_view(clip: ClipData, camera: str, start: int, count: int, pixels: int) -> tuple[np.ndarray, ...]:
    """The crops, masks and intrinsics of one camera; of the whole picture where nobody is and no label says so."""
    found = []
    frames = zip(clip.pictures(camera, start, count), clip.masks(camera, start, count))
    for number, (picture, mask) in enumerate(frames, start):
        crop = crop_about(mask, pixels)
        if crop is None and not clip.labels["valid"][number]:
            crop = Crop(0.0, 0.0, float(max(mask.shape)), pixels)
        if crop is None:
            raise InputError(
                f"{clip.folder / f'{camera}_mask.mkv'}: frame {number} shows nobody; every frame with a valid label must show the person. "
                "Leave this clip out, or render it again with the person in the picture."
            )
        cut = crop.cut(mask.astype(np.uint8) * 255, smooth=False) > 0
        found.append((crop.cut(picture), cut, crop.matrix @ clip.cameras[camera].intrinsics))
    return tuple(np.stack(part) for part in zip(*found))


@dataclass(frozen=True)
class CropCache:
    """Crops of whole clips on disk, made when they are first asked for.

    Each clip has three plain .npy files, so that a sample reads only its own frames; a folder's name ends with a
    checksum of the videos' sizes and times, so that a data set that was exported again is not taken for the old one.
    """

    folder: Path

    def read(self, clip: ClipData, pixels: int) -> Crops:
        """All crops of a clip, mapped from disk.

        Raises:
            InputError: as `read_crops`, or a file of the cache is damaged.
        """
        folder = self.folder / f"{clip.clip_id}-{pixels}-{fingerprint(clip):08x}"
        if not all((folder / f"{name}.npy").is_file() for name in ARRAYS):
            store(folder, clip, pixels)
        try:
            return Crops(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS))
        except (ValueError, OSError, EOFError) as error:
            raise InputError(f"{folder}: the crops kept here cannot be read ({error}). Delete this folder.") from error


def store(folder: Path, clip: ClipData, pixels: int) -> None:
    """Write the crops of a clip; they are all in memory then, its pictures a part at a time."""
    starts = range(0, clip.frames, FRAMES_AT_ONCE)
    parts = [read_crops(clip, start, min(FRAMES_AT_ONCE, clip.frames - start), pixels) for start in starts]
    for name in ARRAYS:
        with atomic(folder / f"{name}.npy") as temporary:
            np.save(temporary, np.concatenate([getattr(part, name) for part in parts]))


def fingerprint(clip: ClipData) -> int:
    """A checksum of sizes and times of a clip's videos and cameras."""
    names = ("cameras.json", *(f"{camera}{end}" for camera in clip.views for end in (".mp4", "_mask.mkv")))
    facts = [(clip.folder / name).stat() for name in names]
    return zlib.crc32(repr([(fact.st_size, fact.st_mtime_ns) for fact in facts]).encode())
