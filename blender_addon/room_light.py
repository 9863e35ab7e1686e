# SPDX-License-Identifier: GPL-3.0-or-later
"""The light that the person leaves the room and itself: computed, where ceiling lights alone cast shadows.

EEVEE of Blender 4.2 and later begins its shadows anew in every render, which takes most of its time without a GPU. Which share of a picture's light each lamp gives is rendered once, coarse; three
lamps in a render, one in each of red, green and blue. How much of a lamp the person hides from a place is a matter of geometry (occlusion.py).
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from .compose import DARK, enlarge, smooth
from .description import Camera
from .meshes import triangles, vertex_normals, world_vertices
from .occlusion import (
    CELL_M,
    LightMap,
    draw_light_map,
    hidden_share,
    light_left,
    light_points,
    light_shares,
    spread_points,
)
from .raster import project, see, turned_to
from .scene_builder import Stage, principled
from .shots import Window, coarse_camera, shoot_coarse

CHANNELS = 3
LEAK_M = 0.02
"""EEVEE's own shadows leave some light on what lies closer below the person, such as the floor along a shoe's sole."""


class Caster:
    """The person as every lamp sees it, and in what light that leaves it."""

    def __init__(self, stage: Stage) -> None:
        """Spread points over body and clothes in the frame that the stage shows."""
        self._people = list(stage.people.values())
        starts = np.cumsum([0, *(len(item.data.vertices) for item in self._people)])
        triangles_of = [triangles(item) for item in self._people]
        self._faces = np.concatenate([faces + start for faces, start in zip(triangles_of, starts)])
        self._points = spread_points(np.concatenate([world_vertices(item) for item in self._people]), self._faces)
        of_vertex = np.repeat(np.arange(len(self._people)), np.diff(starts))
        self._parts_of_faces, self._parts_of_points = (
            of_vertex[self._faces[:, 0]],
            of_vertex[self._points.vertices[:, 0]],
        )
        self._lamps = [light_points(np.array(item.location), lamp_size(item)) for item in lamps(stage)]
        self._powers_w = [float(item.data.energy) for item in lamps(stage)]
        self._ambient = float(np.mean(stage.description.content["ambient_linear"]))
        self.maps: list[LightMap] = []

    def cast(self) -> None:
        """Draw the maps of the frame that the stage shows now; before the first picture of it."""
        self._vertices = np.concatenate([world_vertices(item) for item in self._people]).astype(np.float32)
        self._normals = np.concatenate([vertex_normals(item) for item in self._people])
        # Half a cell below the surface, for a map's outline lies half a cell outside the points.
        points = self._points.places(self._vertices - CELL_M / 2 * self._normals)
        self.maps = [draw_light_map(points, lamp, self._parts_of_points) for lamp in self._lamps]

    def share_left(self, camera: Camera, window: Window, fine: int) -> np.ndarray:
        """What share of its light the person leaves itself in each fine pixel of a window, [rows, columns, 1].

        Args:
            camera: whose picture it is.
            window: part of the picture.
            fine: fine pixels along a pixel's side.
        """
        width, height = window.width * fine, window.height * fine
        pixels, depths = project(camera, self._vertices)
        seen = see((pixels - [window.left, window.top]) * fine, depths, self._faces, width, height)
        places, normals = (seen.values(self._faces, values) for values in (self._vertices, self._normals))
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
        normals = turned_to(camera, places, normals)
        left = np.full(width * height, np.nan, np.float32)
        left[seen.pixels] = light_left(
            self.maps, self._powers_w, self._ambient, places, normals, self._parts_of_faces[seen.triangles]
        )
        return reach_out(left.reshape(height, width))[..., None]


class RoomLight:
    """By what factor the person changes the light of the room."""

    def __init__(
        self,
        stage: Stage,
        scene: bpy.types.Scene,
        name: str,
        room: np.ndarray,
        coarseness: int,
        scratch: Path,
    ) -> None:
        """Find what each lamp gives to `room`, the empty room [H, W, 3], while the person is hidden."""
        camera, item = stage.description.cameras[name], stage.cameras[name]
        small = coarse_camera(camera, coarseness)
        whole = smooth(enlarge(room, small.width, small.height)) + DARK
        channels = np.arange(len(lamps(stage))) % CHANNELS
        answers = np.empty((len(channels), small.height, small.width), np.float32)
        for first in range(0, len(channels), CHANNELS):
            with only_lamps(stage, scene, first):
                seen = smooth(shoot_coarse(scene, camera, item, coarseness, scratch)) / whole
            for lamp in range(first, min(first + CHANNELS, len(channels))):
                answers[lamp] = seen[..., channels[lamp]]
        colors = np.array([item.data.color for item in lamps(stage)])
        shares = light_shares(answers, channels, colors, np.array(stage.description.content["ambient_linear"]))
        self._places, met = seen_places(stage, small)
        self._places[:, 2] += LEAK_M
        self._shares = shares * met.reshape(small.height, small.width, 1)

    def change(self, maps: list[LightMap]) -> np.ndarray:
        """The factor for each coarse pixel [h, w, 3]."""
        change = np.ones(self._shares.shape[1:], np.float32)
        for light, share in zip(maps, self._shares):
            change -= hidden_share(light, self._places).reshape(share.shape[:2])[..., None] * share
        return np.maximum(change, 0)


def reach_out(left: np.ndarray) -> np.ndarray:
    """Fill what is not known [rows, columns] from its neighbours, where a rounded outline may still show the person."""
    around = np.pad(left, 1, constant_values=np.nan)
    filled = left
    for rows, columns in ((0, 1), (2, 1), (1, 0), (1, 2)):
        beside = around[rows : rows + left.shape[0], columns : columns + left.shape[1]]
        filled = np.where(np.isfinite(filled), filled, beside)
    return np.where(np.isfinite(filled), filled, 1).astype(np.float32)


def lamps(stage: Stage) -> list[bpy.types.Object]:
    """The lights of a scene."""
    return [item for item in stage.collection.objects if item.type == "LIGHT"]


def lamp_size(lamp: bpy.types.Object) -> np.ndarray:
    """Sides along X and Y (m)."""
    return np.array([lamp.data.size, lamp.data.size_y])


def room_parts(stage: Stage) -> list[bpy.types.Object]:
    """Everything of the scene that has a surface, but for the person."""
    people = list(stage.people.values())
    return [item for item in stage.collection.objects if item.type == "MESH" and item not in people]


@contextlib.contextmanager
def only_lamps(stage: Stage, scene: bpy.types.Scene, first: int) -> Iterator[None]:
    """Nothing shines, for the length of a block, but lamp `first` in red, the next in green, the one after in blue."""
    background = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    strength = background.inputs["Strength"].default_value
    colors = [tuple(lamp.data.color) for lamp in lamps(stage)]
    glowing = [
        item
        for item in room_parts(stage)
        if principled(item.data.materials[0]).inputs["Emission Strength"].default_value
    ]
    background.inputs["Strength"].default_value = 0
    for number, lamp in enumerate(lamps(stage)):
        lamp.hide_render = not first <= number < first + CHANNELS
        lamp.data.color = np.eye(CHANNELS)[number % CHANNELS]
    for item in glowing:
        item.hide_render = True
    yield
    background.inputs["Strength"].default_value = strength
    for color, lamp in zip(colors, lamps(stage)):
        lamp.hide_render, lamp.data.color = False, color
    for item in glowing:
        item.hide_render = False


def seen_places(stage: Stage, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """The place of the empty room at the middle of each pixel, [H x W, 3] (m, world frame), and whether there is one."""
    vertices, faces = [], []
    for item in room_parts(stage):
        faces += [[len(vertices) + corner for corner in polygon.vertices] for polygon in item.data.polygons]
        vertices += world_vertices(item).tolist()
    tree = BVHTree.FromPolygons(vertices, faces)
    focal = camera.lens_mm / camera.sensor_width_mm * camera.width
    rows, columns = (index.ravel() + 0.5 for index in np.mgrid[: camera.height, : camera.width])
    rays = np.column_stack(
        [(columns - camera.width / 2) / focal, (rows - camera.height / 2) / focal, np.ones(len(rows))]
    )
    start = Vector(-camera.rotation.T @ camera.translation_m)
    hits = [tree.ray_cast(start, Vector(ray))[0] for ray in rays @ camera.rotation]
    met = np.array([hit is not None for hit in hits])
    return np.array([hit or (0.0, 0.0, 0.0) for hit in hits], np.float32), met
