"""Changes to crops that leave the label as it is: another square, other colours, something before the person."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from odah_net.data.crop import Crop
from odah_net.data.crops_of_clip import Crops

ZOOM = (0.95, 1.2)
"""The new square's side over the old one's."""
SHIFT = 0.05
"""The new square is moved by up to this share of the old one's side."""
GAIN, OFFSET = 0.2, 20.0
"""Each colour is multiplied by 1 ± GAIN; all are moved by ± OFFSET (of 255)."""
HIDING, HIDDEN_SIDE, LEAST_LEFT = 0.5, 0.3, 0.6
"""How often a rectangle hides the person, its largest side, and the least share of the mask that must stay."""


def augmented(crops: Crops, generator: np.random.Generator) -> Crops:
    """The crops of a window changed, each view by itself and all frames alike; cameras change with their crops."""
    views = [augmented_view(crops, view, generator) for view in range(crops.pictures.shape[1])]
    return Crops(
        *(np.stack([getattr(view, name) for view in views], 1) for name in ("pictures", "masks", "intrinsics"))
    )


@dataclass(frozen=True)
class Change:
    """What is done to one view.

    Attributes:
        square: the new square in the old crop.
        gain, offset: of the colours.
        hidden: rectangle of the new crop: left, top, right, bottom (px).
    """

    square: Crop
    gain: Float[np.ndarray, "3"]
    offset: float
    hidden: tuple[int, int, int, int] | None


def drawn_change(pixels: int, generator: np.random.Generator) -> Change:
    """A random change to crops of some size."""
    side = pixels * generator.uniform(*ZOOM)
    left, top = (pixels - side) / 2 + pixels * generator.uniform(-SHIFT, SHIFT, 2)
    gain, offset = 1 + generator.uniform(-GAIN, GAIN, 3), generator.uniform(-OFFSET, OFFSET)
    corner, size = generator.uniform(0, pixels, 2), generator.uniform(0, HIDDEN_SIDE * pixels, 2)
    right, bottom = corner + size
    hides = generator.uniform() < HIDING
    hidden = (int(corner[0]), int(corner[1]), int(right), int(bottom)) if hides else None
    return Change(Crop(float(left), float(top), float(side), pixels), gain, offset, hidden)


def augmented_view(crops: Crops, view: int, generator: np.random.Generator) -> Crops:
    """One view of a window, changed."""
    change = drawn_change(crops.pictures.shape[2], generator)
    square = change.square
    pictures = np.stack([recoloured(square.cut(picture), change) for picture in crops.pictures[:, view]])
    masks = np.stack([square.cut(mask.astype(np.uint8) * 255, smooth=False) > 0 for mask in crops.masks[:, view]])
    return Crops(pictures, hide(masks, change.hidden), square.matrix @ crops.intrinsics[:, view])


def recoloured(picture: UInt8[np.ndarray, "side side 3"], change: Change) -> UInt8[np.ndarray, "side side 3"]:
    """The picture in other colours."""
    return np.clip(picture * change.gain + change.offset, 0, 255).astype(np.uint8)


def hide(
    masks: Bool[np.ndarray, "frames side side"], hidden: tuple[int, int, int, int] | None
) -> Bool[np.ndarray, "frames side side"]:
    """The masks without a rectangle, unless it would take too much of one."""
    if hidden is None:
        return masks
    left, top, right, bottom = hidden
    open_masks = masks.copy()
    open_masks[:, top:bottom, left:right] = False
    enough = (open_masks.sum((1, 2)) >= LEAST_LEFT * masks.sum((1, 2))).all()
    return open_masks if enough else masks
