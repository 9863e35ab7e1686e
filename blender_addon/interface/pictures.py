# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures in the panels: swatches of the legend, and the curve of a clip's residual."""

import bpy
import bpy.utils.previews
import numpy as np

from .residuals import COLORS, curve

SWATCH_PX = 16
DRAWN: list[bpy.utils.previews.ImagePreviewCollection] = []
"""The previews of this session, once there are any."""


def swatch(number: int) -> int:
    """Icon of a class's colour."""
    color = np.array([*np.array(COLORS[number]) ** (1 / 2.2), 1.0], np.float32)
    return icon(f"class {number}", lambda: np.tile(color, (SWATCH_PX, SWATCH_PX, 1)))


def curve_icon(clip: bpy.types.Collection) -> int:
    """Icon with the curve of a clip's residual."""
    means = clip["odah_residual_mm"]
    return icon(f"{clip.name} {hash(tuple(means))}", lambda: curve(np.array(means)))


def icon(name: str, draw) -> int:  # noqa: ANN001
    """Icon of a picture [N, N, 4], drawn when it is first asked for."""
    if not DRAWN:
        DRAWN.append(bpy.utils.previews.new())
    if name not in DRAWN[0]:
        pixels, preview = draw(), DRAWN[0].new(name)
        size = (pixels.shape[1], pixels.shape[0])
        preview.icon_size = preview.image_size = size
        preview.icon_pixels_float = preview.image_pixels_float = pixels.ravel().tolist()
    return DRAWN[0][name].icon_id


def forget() -> None:
    """Remove all pictures."""
    while DRAWN:
        bpy.utils.previews.remove(DRAWN.pop())
