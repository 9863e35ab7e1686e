"""The square about a person that the network sees, and the camera that belongs to it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

MARGIN = 1.1
"""Side of the square over the longer side of the person's box (ODAH's published program)."""
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
SD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
"""Mean and standard deviation of ImageNet's pictures, per channel."""


@dataclass(frozen=True)
class Crop:
    """A square of a picture, resized to `pixels` × `pixels`.

    Attributes:
        left, top: the square's corner in the picture (px; may lie outside it).
        side: the square's side in the picture (px).
        pixels: side after resizing.
    """

    left: float
    top: float
    side: float
    pixels: int

    @property
    def matrix(self) -> Float[np.ndarray, "3 3"]:
        """Picture → crop (px, the first pixel's centre at 0.5 in both); times K it is the crop's K."""
        scale = self.pixels / self.side
        return np.array([[scale, 0, -scale * self.left], [0, scale, -scale * self.top], [0, 0, 1]])

    def cut(self, picture: UInt8[np.ndarray, "height width *channels"], smooth: bool = True) -> np.ndarray:
        """The crop of a picture, black outside it; masks are cut without smoothing."""
        method = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
        padded, (right, down) = pad_to(picture, self)
        left, top = self.left + right, self.top + down
        box = (left, top, left + self.side, top + self.side)
        return np.asarray(Image.fromarray(padded).resize((self.pixels, self.pixels), method, box=box))


def pad_to(picture: UInt8[np.ndarray, "height width *channels"], crop: Crop) -> tuple[np.ndarray, tuple[int, int]]:
    """The picture with black round it, so that it holds a crop; and how far it moved right and down (px)."""
    height, width = picture.shape[:2]
    left, top = (max(0, int(np.ceil(-corner))) for corner in (crop.left, crop.top))
    right = max(0, int(np.ceil(crop.left + crop.side - width)))
    bottom = max(0, int(np.ceil(crop.top + crop.side - height)))
    more = [(top, bottom), (left, right)] + [(0, 0)] * (picture.ndim - 2)
    return np.pad(picture, more), (left, top)


def crop_about(mask: Bool[np.ndarray, "height width"], pixels: int, margin: float = MARGIN) -> Crop | None:
    """The square about the person's box, with a margin; None where the mask is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    low = np.array([columns[0], rows[0]], dtype=float)
    high = np.array([columns[-1], rows[-1]], dtype=float) + 1.0
    side = margin * float((high - low).max())
    left, top = (low + high - side) / 2
    return Crop(float(left), float(top), side, pixels)


def normalised(
    picture: UInt8[np.ndarray, "*batch side side 3"], mask: Bool[np.ndarray, "*batch side side"]
) -> Float[np.ndarray, "*batch 3 side side"]:
    """The picture as the network takes it: ImageNet's mean and sd, then zero where the person is not."""
    values = (picture.astype(np.float32) / 255.0 - MEAN) / SD * mask[..., None]
    return np.moveaxis(values, -1, -3)
