# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the frames of one camera. What stands still is rendered once.

The empty room is rendered once per camera. In each frame the light that the person takes from it is computed
(room_light.py); the person is rendered alone and laid over the room. Under a sky, whose shadows only EEVEE knows, a
coarse picture of the room, the person hidden but not its shadow, tells by what factor the light changes. Workbench, which
has no light to keep, renders a window around the body with the room in it, which is pasted in. `benchmarks/render.py` holds
the frames against whole ones. A GPU draws whole frames: there most of a frame's time is what each call to Blender costs. So
does EEVEE before 4.2, which cannot hide the room from the camera and keep its light.
"""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .compose import enlarge, lay_over, light_change, paste, to_display
from .description import Camera
from .meshes import world_vertices
from .raster import LEAST_DEPTH_M, project
from .room_light import Caster, RoomLight, room_parts
from .scene_builder import Stage, set_engine
from .shots import Window, shoot, shoot_coarse, shoot_filtered, shoot_sampled, whole

COARSENESS = 2
MARGIN = 0.02
"""The window reaches beyond the body by this share of its height: there lie the shadows where it touches the floor."""
FIRST_HIDING_VERSION = (4, 2, 0)
LEAST_MARGIN_PX = 16
"""As far as the coarse picture's pixels, once smoothed, take light from the person; and the fade."""


@dataclass(frozen=True)
class Plate:
    """The empty room as one camera sees it, linear RGB: [H, W, 3]. Where there are shadows, what the lamps give to it,
    or, under a sky, the room again, coarse [h, w, 3].
    """

    room: np.ndarray
    light: RoomLight | None = None
    coarse: np.ndarray | None = None


class Painter:
    """Draws pictures and masks of one camera, as bytes."""

    def __init__(
        self,
        stage: Stage,
        scene: bpy.types.Scene,
        masks: bpy.types.Scene,
        name: str,
        caster: Caster | None,
        scratch: Path,
        on_gpu: bool = False,
    ) -> None:
        """Render the empty room of camera `name`, unless a GPU draws; `scratch` is a file that comes and goes.

        The caster is that of `new_caster`; whoever shows another frame lets it cast before a picture is drawn.
        """
        self._stage, self._scene, self._masks, self._scratch = stage, scene, masks, scratch
        self._name, self._caster = name, caster
        self._camera, self._item = stage.description.cameras[name], stage.cameras[name]
        self._people = list(stage.people.values())
        self._render: dict[str, Any] = stage.description.content["render"]
        set_engine(scene, self._render)
        self._plate = None if whole_frames(self._render["engine"], on_gpu) else self._empty_room()

    def picture(self) -> np.ndarray:
        """The frame that the stage shows now: sRGB bytes [H, W, 3]."""
        if self._plate is None:
            return to_display(shoot(self._scene, self._camera, self._item, whole(self._camera), 1, self._scratch))
        window = body_window(self._stage, self._camera)
        frame = self._lit_room(self._plate)
        if window is not None and self._render["engine"] == "eevee":
            lay_over(frame, self._person(window), window.top, window.left)
        elif window is not None:
            part = shoot(self._scene, self._camera, self._item, window, 1, self._scratch)
            paste(frame, part, window.top, window.left)
        return to_display(frame)

    def mask(self) -> np.ndarray:
        """Where body and clothes are in the frame that the stage shows now: 0 or 255, [H, W]."""
        mask = np.zeros((self._camera.height, self._camera.width), np.uint8)
        window = body_window(self._stage, self._camera)
        if window is not None:
            seen = shoot(self._masks, self._camera, self._item, window, 1, self._scratch)
            mask[window.top : window.bottom, window.left : window.right] = np.where(seen[..., 0] > 0.5, 255, 0)
        return mask

    def _empty_room(self) -> Plate:
        """Everything but the person."""
        for item in self._people:
            item.hide_render = True
        room = shoot_sampled(self._scene, self._camera, self._item, self._render["samples"], self._scratch)
        plate = Plate(room)
        if self._caster is not None:
            light = RoomLight(self._stage, self._scene, self._name, room, COARSENESS, self._scratch)
            plate = Plate(room, light=light)
        elif self._render["engine"] == "eevee" and self._render["shadows"]:
            plate = Plate(room, coarse=self._coarse())
        for item in self._people:
            item.hide_render = False
        return plate

    def _lit_room(self, plate: Plate) -> np.ndarray:
        """The room in the light that the person leaves it."""
        if plate.light is not None and self._caster is not None:
            change = plate.light.change(self._caster.maps)
        elif plate.coarse is not None:
            change = light_change(self._coarse(), plate.coarse)
        else:
            return plate.room.copy()
        return plate.room * enlarge(change, self._camera.width, self._camera.height)

    def _person(self, window: Window) -> np.ndarray:
        """The person without the room but in its light; RGBA, premultiplied."""
        self._scene.render.film_transparent = True
        caster, samples = self._caster, self._render["samples"]
        light = partial(caster.share_left, self._camera) if caster is not None else None
        shadows = without_shadows(self._scene) if caster is not None else contextlib.nullcontext()
        with hidden_from_camera(room_parts(self._stage)), shadows:
            person = shoot_filtered(
                self._scene, self._camera, self._item, window, samples, self._scratch, alpha=True, light=light
            )
        self._scene.render.film_transparent = False
        return person

    def _coarse(self) -> np.ndarray:
        """All of the room, coarse."""
        with hidden_from_camera(self._people):
            return shoot_coarse(self._scene, self._camera, self._item, COARSENESS, self._scratch)


@contextlib.contextmanager
def hidden_from_camera(items: Iterable[bpy.types.Object]) -> Iterator[None]:
    """Objects that cast shadows but are not seen, for the length of a block."""
    for item in items:
        item.visible_camera = False
    yield
    for item in items:
        item.visible_camera = True


@contextlib.contextmanager
def without_shadows(scene: bpy.types.Scene) -> Iterator[None]:
    """EEVEE draws no shadows for the length of a block."""
    scene.eevee.use_shadows = False
    yield
    scene.eevee.use_shadows = True


def whole_frames(engine: str, on_gpu: bool) -> bool:
    """Whether frames are drawn whole, not put together from parts."""
    return engine == "cycles" or (engine == "eevee" and (on_gpu or bpy.app.version < FIRST_HIDING_VERSION))


def new_caster(stage: Stage, on_gpu: bool) -> Caster | None:
    """What computes the person's shadows, or None where Blender draws them all, or nobody does."""
    render = stage.description.content["render"]
    drawn = whole_frames(render["engine"], on_gpu) or stage.description.sky is not None
    return Caster(stage) if render["engine"] == "eevee" and render["shadows"] and not drawn else None


def body_window(stage: Stage, camera: Camera) -> Window | None:
    """The part of the picture that the person and the shadows at its feet can touch; None when it is out of sight."""
    points = np.concatenate([world_vertices(item) for item in stage.people.values()])
    pixels, depths = project(camera, points)
    if (depths < LEAST_DEPTH_M).any():
        return whole(camera)
    low, high = pixels.min(0), pixels.max(0)
    margin = max(LEAST_MARGIN_PX, MARGIN * (high[1] - low[1]))
    (left, top), (right, bottom) = np.floor(low - margin).astype(int), np.ceil(high + margin).astype(int)
    window = Window(max(int(left), 0), max(int(top), 0), min(int(right), camera.width), min(int(bottom), camera.height))
    return window if window.width > 0 and window.height > 0 else None
