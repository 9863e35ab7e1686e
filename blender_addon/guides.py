# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that measure: depth, normals and parts of what one camera sees, on the pixels of picture and mask.

A surface carries the quantity as the colour of its corners; Workbench draws it flat, with one sample at the centre of
each pixel, as it draws the mask. What stands still is drawn once.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import bpy
import numpy as np

from .description import Camera
from .scene_builder import CLOTH_THICKNESS_M, Stage, new_mask_scene
from .shots import Window, shoot, whole
from .subject import Subject

KINDS = ("depth", "normals", "parts")
LAYER = "guide"
WORN = ("upper", "lower", "shoes", "hair", "eyes", "hat")
"""What covers the skin; its number in `parts` is its place here, counted from 1."""
WORN_STEP = 256
NORMAL_SCALE, NORMAL_ZERO = 127.0, 128.0
FARTHEST_MM = 65535
BYTE = 255.0
DIGITS = 256 ** np.arange(3)


class Guides:
    """Draws some of KINDS for one camera, as the numbers that docs/formats.md tells."""

    def __init__(self, stage: Stage, name: str, kinds: Sequence[str], scratch: Path) -> None:
        """Draw the room of camera `name`; `scratch` is a file that comes and goes."""
        self._stage, self._scratch = stage, scratch
        self._camera, self._item = stage.description.cameras[name], stage.cameras[name]
        self._people = list(stage.people.values())
        room = [item for item in stage.collection.objects if item.type == "MESH" and item not in self._people]
        parts = face_parts(stage.subject)
        self._parts = {item.name: parts[part] for part, item in stage.people.items()}
        self._scene = new_guide_scene(self._people)
        behind = new_guide_scene(room)
        self._room = {kind: self._measure(behind, room, kind, whole(self._camera)) for kind in kinds}
        remove_scene(behind)

    def pictures(self, mask: np.ndarray, window: Window | None) -> dict[str, np.ndarray]:
        """Each kind in the frame that the stage shows now: depth and parts 16 bits [H, W], normals bytes [H, W, 3].

        Args:
            mask: where the person is, [H, W].
            window: beyond which the person is not; None where it is out of sight.
        """
        found = {}
        for kind, room in self._room.items():
            found[kind] = room.copy()
            if window is not None:
                rows, columns = slice(window.top, window.bottom), slice(window.left, window.right)
                person = self._measure(self._scene, self._people, kind, window)
                seen = mask[rows, columns] > 0
                found[kind][rows, columns][seen] = person[seen]
        return found

    def close(self) -> None:
        """Take out of Blender what was put into it."""
        remove_scene(self._scene)

    def _measure(
        self, scene: bpy.types.Scene, items: Sequence[bpy.types.Object], kind: str, window: Window
    ) -> np.ndarray:
        """One kind of some objects in a window."""
        if kind == "parts":
            for item in items:
                numbers = self._parts.get(item.name, np.zeros((len(item.data.polygons), 2)))
                paint(item, np.repeat(numbers, corners_per_face(item), axis=0))
            return parts_of(self._draw(scene, window))
        if kind == "normals":
            for item in items:
                paint(item, 0.5 + 0.5 * corner_normals(item))
            return normals_of(self._draw(scene, window), self._rays(window) @ self._camera.rotation)
        first = 0
        for item in items:
            count = len(item.data.polygons)
            paint(item, np.repeat(digits(np.arange(first, first + count)), corners_per_face(item), axis=0))
            first += count
        planes = [face_planes(item, self._camera) for item in items]
        return depth_of(self._draw(scene, window), self._rays(window), *map(np.concatenate, zip(*planes)))

    def _draw(self, scene: bpy.types.Scene, window: Window) -> np.ndarray:
        """Colours and alpha in a window."""
        return shoot(scene, self._camera, self._item, window, 1, self._scratch, alpha=True).copy()

    def _rays(self, window: Window) -> np.ndarray:
        """From the camera to the points at a depth of 1 m on the pixels of a window, camera frame, [h, w, 3]."""
        camera = self._camera
        focal = camera.lens_mm / camera.sensor_width_mm * camera.width
        rows, columns = np.mgrid[window.top : window.bottom, window.left : window.right] + 0.5
        return np.stack(
            [(columns - camera.width / 2) / focal, (rows - camera.height / 2) / focal, np.ones(rows.shape)], axis=-1
        )


def new_guide_scene(items: Iterable[bpy.types.Object]) -> bpy.types.Scene:
    """A scene of some objects that shows the colours of their corners; transparent where there is nothing."""
    items = list(items)
    scene = new_mask_scene(items)
    scene.display.shading.color_type = "VERTEX"
    scene.render.film_transparent = True
    for item in items:
        colors = item.data.color_attributes
        layer = colors.get(LAYER) or colors.new(LAYER, "FLOAT_COLOR", "CORNER")
        colors.active_color = layer
        colors.render_color_index = colors.find(LAYER)
    return scene


def remove_scene(scene: bpy.types.Scene) -> None:
    """Take a guide scene out of Blender; its objects stay."""
    world = scene.world
    bpy.data.scenes.remove(scene)
    bpy.data.worlds.remove(world)


def paint(item: bpy.types.Object, values: np.ndarray) -> None:
    """Colour the corners of a mesh with up to three values each, [corners, C], between 0 and 1."""
    colors = np.zeros((len(values), 4), np.float32)
    colors[:, : values.shape[1]] = values
    colors[:, 3] = 1
    item.data.color_attributes[LAYER].data.foreach_set("color", colors.ravel())
    item.data.update()


def corners_per_face(item: bpy.types.Object) -> np.ndarray:
    """How many corners each face has."""
    counts = np.empty(len(item.data.polygons), np.int32)
    item.data.polygons.foreach_get("loop_total", counts)
    return counts


def corner_vertices(item: bpy.types.Object) -> np.ndarray:
    """The vertex of each corner."""
    vertices = np.empty(len(item.data.loops), np.int32)
    item.data.loops.foreach_get("vertex_index", vertices)
    return vertices


def corner_places(item: bpy.types.Object) -> np.ndarray:
    """Places of the corners [corners, 3] (m, world frame)."""
    places = np.empty(3 * len(item.data.vertices), np.float32)
    item.data.vertices.foreach_get("co", places)
    matrix = np.array(item.matrix_world)
    return (places.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])[corner_vertices(item)]


def corner_normals(item: bpy.types.Object) -> np.ndarray:
    """Normals at the corners [corners, 3], world frame: the vertex's on smooth faces, the face's on others."""
    mesh = item.data
    of_vertex, of_face = np.empty(3 * len(mesh.vertices), np.float32), np.empty(3 * len(mesh.polygons), np.float32)
    smooth = np.empty(len(mesh.polygons), bool)
    mesh.vertices.foreach_get("normal", of_vertex)
    mesh.polygons.foreach_get("normal", of_face)
    mesh.polygons.foreach_get("use_smooth", smooth)
    faces = np.repeat(np.arange(len(smooth)), corners_per_face(item))
    normals = np.where(
        smooth[faces, None], of_vertex.reshape(-1, 3)[corner_vertices(item)], of_face.reshape(-1, 3)[faces]
    )
    turned = normals @ np.linalg.inv(np.array(item.matrix_world)[:3, :3])
    return turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9)


def face_parts(subject: Subject) -> dict[str, np.ndarray]:
    """For each object of the person [F, 2]: the skinning joint that moves a face most, and what is worn there, as bytes
    over 255, both counted from 1; 0 where nothing is worn."""
    parts = {"body": strongest(subject.body.weights, subject.body.faces[subject.visible], 0)}
    for name, garment in subject.garments.items():
        parts[name] = strongest(garment.weights, garment.faces, WORN.index(name) + 1)
    return parts


def strongest(weights: np.ndarray, faces: np.ndarray, worn: int) -> np.ndarray:
    """Both numbers of each face, over 255."""
    joints = weights[faces].sum(axis=1).argmax(axis=1) + 1
    return np.column_stack([joints, np.full(len(faces), worn)]) / BYTE


def parts_of(drawn: np.ndarray) -> np.ndarray:
    """Numbers of segments, plus WORN_STEP times that of what is worn; 0 where there is no person."""
    joint, worn = (np.round(BYTE * drawn[..., channel]).astype(np.uint16) for channel in (0, 1))
    return np.where(drawn[..., 3] > 0.5, joint + WORN_STEP * worn, 0).astype(np.uint16)


def normals_of(drawn: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Unit normals that face the camera, as bytes about 128; 0, 0, 0 where there is no surface."""
    normals = 2 * drawn[..., :3] - 1
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    away = (normals * rays).sum(-1, keepdims=True) > 0
    levels = np.round(NORMAL_ZERO + NORMAL_SCALE * np.where(away, -normals, normals))
    return np.where(drawn[..., 3:] > 0.5, levels, 0).astype(np.uint8)


def digits(numbers: np.ndarray) -> np.ndarray:
    """Whole numbers [N] as three bytes each over 255, [N, 3]; colours are too coarse to hold them in one."""
    return numbers[:, None] // DIGITS % 256 / BYTE


def face_planes(item: bpy.types.Object, camera: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The plane of each face of a mesh in the camera's frame, and what it can be seen at: normals [F, 3], distances
    from the camera along them [F] (m), least and largest depth [F, 2] (m)."""
    mesh = item.data
    starts, normals = np.empty(len(mesh.polygons), np.int32), np.empty(3 * len(mesh.polygons), np.float32)
    mesh.polygons.foreach_get("loop_start", starts)
    mesh.polygons.foreach_get("normal", normals)
    turned = normals.reshape(-1, 3) @ np.linalg.inv(np.array(item.matrix_world)[:3, :3]) @ camera.rotation.T
    seen = corner_places(item) @ camera.rotation.T + camera.translation_m
    depth = seen[:, 2]
    nearest = np.minimum.reduceat(depth, starts) - CLOTH_THICKNESS_M
    farthest = np.maximum.reduceat(depth, starts) + CLOTH_THICKNESS_M
    return turned, (turned * seen[starts]).sum(1), np.column_stack([nearest, farthest])


def depth_of(
    drawn: np.ndarray, rays: np.ndarray, normals: np.ndarray, distances: np.ndarray, bounds: np.ndarray
) -> np.ndarray:
    """Depth of each pixel's point on the face that it shows, in whole millimetres; 0 where there is no surface.

    A hem's rim bears the number of the face beside it, whose plane the ray may meet far away; hence the bounds.
    """
    there = drawn[..., 3] > 0.5
    face = np.where(there, np.round(BYTE * drawn[..., :3]) @ DIGITS, 0).astype(int)
    slope = (normals[face] * rays).sum(-1)
    depth = distances[face] / np.where(np.abs(slope) < 1e-9, 1e-9, slope)
    depth_mm = 1000 * np.clip(depth, bounds[face, 0], bounds[face, 1])
    return np.where(there, np.clip(np.round(depth_mm), 1, FARTHEST_MM), 0).astype(np.uint16)
