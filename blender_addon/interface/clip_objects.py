# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of a clip beside the rendered scene: skeleton, points, residuals, camera pyramids, videos, floor contact."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import bpy
import numpy as np

from ..description import Camera
from ..scene_builder import add_mesh, add_thickness, new_material, principled
from .point_cache import PointCache
from .residuals import COLORS, class_names
from .shapes import Moving, frustum

KIND, CLASS = "odah_kind", "odah_class"
"""Names of the properties that tell what a collection holds, and of which class of residuals a material is."""
BONE, JOINT, MASS, MEASURED, MODEL = (
    (0.75, 0.68, 0.5),
    (0.02, 0.3, 0.8),
    (0.8, 0.1, 0.05),
    (0.9, 0.9, 0.9),
    (0.2, 0.6, 0.9),
)
TOUCHING, SUNK = (0.05, 0.6, 0.1), (0.9, 0.05, 0.02)
FRUSTUM_M = 0.6


def new_part(clip: bpy.types.Collection, kind: str, rendered: bool = False) -> bpy.types.Collection:
    """A collection for one kind of objects of a clip; only what the pipeline draws too is rendered."""
    part = bpy.data.collections.new(f"{clip.name} {kind}")
    part[KIND] = kind
    part.hide_render = not rendered
    clip.children.link(part)
    return part


def plain_material(name: str, color: tuple[float, float, float]) -> bpy.types.Material:
    """A dull surface of one colour, the same in every shading mode."""
    return new_material(name, {"color_linear": color, "roughness": 0.8, "glow": 0.0})


def class_materials() -> list[bpy.types.Material]:
    """A material for each class of residuals."""
    found = []
    for number, (name, color) in enumerate(zip(class_names(), COLORS)):
        material = plain_material(f"residual {name} mm", color)
        material[CLASS] = number
        found.append(material)
    return found


def paint(material: bpy.types.Material, color: tuple[float, float, float]) -> None:
    """Give a plain material another colour."""
    material.diffuse_color = (*color, 1.0)
    principled(material).inputs["Base Color"].default_value = (*color, 1.0)


def add_moving(
    part: bpy.types.Collection, name: str, moving: Moving, materials: Sequence[bpy.types.Material], cache: Path
) -> bpy.types.Object:
    """A mesh that moves by a point cache, written here.

    Raises:
        OSError: the cache cannot be written.
    """
    item = add_mesh(part, name, moving.vertices[0], moving.faces, smooth=False)
    for material in materials:
        item.data.materials.append(material)
    item.data.polygons.foreach_set("material_index", moving.part.astype(np.int32))
    with PointCache(cache, moving.vertices.shape[1], len(moving.vertices)) as file:
        file.write(moving.vertices)
    play(item, cache)
    return item


def play(item: bpy.types.Object, cache: Path) -> None:
    """Let a mesh follow a point cache: sample n in frame n. The cache comes before thickness and the like."""
    thick = item.modifiers.get("thickness")
    if thick is not None:
        item.modifiers.remove(thick)
    modifier = item.modifiers.new("motion", "MESH_CACHE")
    modifier.cache_format = "PC2"
    modifier.filepath = str(cache)
    modifier.interpolation = "NONE"
    modifier.forward_axis, modifier.up_axis = "POS_Y", "POS_Z"
    modifier.frame_start, modifier.frame_scale = 0.0, 1.0
    if thick is not None:
        add_thickness(item)


def add_frustum(part: bpy.types.Collection, name: str, camera: Camera, video: Path | None, frames: int) -> None:
    """The pyramid that a camera sees, and its video on the picture's plane."""
    corners, edges = frustum(camera, FRUSTUM_M)
    mesh = bpy.data.meshes.new(f"{name} pyramid")
    mesh.from_pydata(corners.tolist(), list(edges), [])
    part.objects.link(bpy.data.objects.new(f"{name} pyramid", mesh))
    if video is not None:
        plane = add_mesh(part, f"{name} picture", corners[1:], np.array([[0, 1, 2, 3]]), smooth=False)
        layer = plane.data.uv_layers.new(name="picture")
        layer.data.foreach_set("uv", np.array([0, 0, 1, 0, 1, 1, 0, 1], np.float32))
        plane.data.materials.append(video_material(f"{name} video", video, frames))


def video_material(name: str, video: Path, frames: int) -> bpy.types.Material:
    """A surface that shows a video: its picture n in frame n."""
    material = plain_material(name, (0.0, 0.0, 0.0))
    image = bpy.data.images.load(str(video))
    tree = material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    node.image_user.frame_start, node.image_user.frame_duration = 0, frames
    node.image_user.use_auto_refresh = True
    inputs = principled(material).inputs
    tree.links.new(node.outputs["Color"], inputs["Emission Color" if "Emission Color" in inputs else "Emission"])
    inputs["Emission Strength"].default_value = 1.0
    tree.nodes.active = node
    return material


def show_behind(camera: bpy.types.Object, video: Path) -> None:
    """Show a video as the background of a camera's view, behind what Blender draws."""
    clip = bpy.data.movieclips.load(str(video))
    clip.frame_start = 0
    background = camera.data.background_images.new()
    background.source, background.clip = "MOVIE_CLIP", clip
    background.alpha = 1.0
    camera.data.show_background_images = True


def sort_objects(clip: bpy.types.Collection, kinds: Mapping[str, Sequence[bpy.types.Object]]) -> None:
    """Put objects of a clip's collection into collections of their kinds."""
    for kind, items in kinds.items():
        part = new_part(clip, kind, rendered=True)
        for item in items:
            part.objects.link(item)
            clip.objects.unlink(item)
