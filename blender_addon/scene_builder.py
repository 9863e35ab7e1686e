# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds a described scene in Blender: room, lights, the dressed body, cameras. Used by the renderer and the panel."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from .description import Camera, Description, SceneError, Sky, whole_frame_rate
from .rooms import room_surfaces
from .subject import Garment, Subject, load_subject, posed_vertices
from .surfaces import SURFACES
from .textures import Texture, draw, folds

Materials = Mapping[str, bpy.types.Material]
CLOTH_THICKNESS_M = 0.003
FABRIC_SHELLS = ("upper", "lower", "hat", "shoes")
FABRIC_UV, FOLDS_UV = "fabric", "folds"
FOLDS_TILE_M = 0.55
TILE_M = "tile_m"
UNCREASED = ("hair", "leather", "canvas", *SURFACES)
MASK_VIEW, PICTURE_VIEW = "Raw", "Standard"
EXPOSURE = 0.0
SKY_LUMINANCE = 0.5
"""Mean luminance that pictures of surroundings are brought to: their own scales differ by thousands."""
SHADOW_DETAIL = 1.0
ENGINES = {
    "eevee": ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"),
    "workbench": ("BLENDER_WORKBENCH",),
    "cycles": ("CYCLES",),
}
CYCLES_BOUNCES = 4
SHADOW_RAYS = 4
"""Places of each lamp that a sample of EEVEE asks about shadow: with one, penumbrae look like scattered sand."""
WORLD_PROBE_PX = "128"
"""EEVEE draws the world into a cube for every render; where it has one colour the smallest cube is as good."""
SKY_PROBE_PX = "512"


@dataclass(frozen=True)
class Stage:
    """A scene that stands in Blender.

    Attributes:
        description: what it was built from.
        subject: the person's arrays.
        collection: holds every object of the scene.
        people: objects of body and garments, by name.
        cameras: camera objects, by name.
        looks: materials and world that only this scene uses.
        world_before: what `scene.world` was.
    """

    description: Description
    subject: Subject
    collection: bpy.types.Collection
    people: dict[str, bpy.types.Object]
    cameras: dict[str, bpy.types.Object]
    looks: list[bpy.types.ID]
    world_before: bpy.types.World | None


def build_stage(scene: bpy.types.Scene, description: Description) -> Stage:
    """Build everything that a scene describes, in a collection of its own, and show its first frame."""
    subject = load_subject(description)
    collection = bpy.data.collections.new(f"ODAH {description.clip}")
    scene.collection.children.link(collection)
    materials = {name: new_material(name, look) for name, look in description.content["materials"].items()}
    unshadowed = add_room(collection, description.content, materials)
    for light in description.content["lights"]:
        add_light(collection, light, light_factor(description.content["render"]["engine"]))
    people = add_people(collection, subject, description, materials)
    cameras = {name: add_camera(collection, name, camera) for name, camera in description.cameras.items()}
    world = new_world(ambient_light(description.content), description.sky)
    looks = [*materials.values(), *unshadowed, world]
    stage = Stage(description, subject, collection, people, cameras, looks, scene.world)
    set_time(scene, description)
    scene.world = world
    show_frame(stage, 0)
    return stage


def remove_stage(scene: bpy.types.Scene, stage: Stage) -> None:
    """Take a built scene out of Blender again, with everything that was made for it."""
    if scene.world in stage.looks:
        scene.world = stage.world_before
    data = {item.data for item in stage.collection.objects}
    pictures = {
        node.image
        for look in stage.looks
        for node in look.node_tree.nodes
        if node.type in ("TEX_IMAGE", "TEX_ENVIRONMENT")
    }
    bpy.data.batch_remove([*stage.collection.objects, *data, *stage.looks, *pictures, stage.collection])


def show_frame(stage: Stage, frame: int) -> None:
    """Put body and garments where they are in a frame (counted from 0; beyond the ends the nearest)."""
    frame = min(max(frame, 0), stage.subject.frames - 1)
    for name, vertices in posed_vertices(stage.subject, frame).items():
        mesh = stage.people[name].data
        mesh.vertices.foreach_set("co", np.ascontiguousarray(vertices, np.float32).ravel())
        mesh.update()


def add_people(
    collection: bpy.types.Collection, subject: Subject, description: Description, materials: Materials
) -> dict[str, bpy.types.Object]:
    """Objects of the body and of everything worn."""
    body = add_mesh(collection, "body", subject.body.vertices, subject.body.faces[subject.visible], smooth=True)
    body.data.materials.append(materials["skin"])
    color_regions(body, subject.regions, materials)
    people = {"body": body}
    for name, garment in subject.garments.items():
        parts = description.content["wear"][name]
        people[name] = add_garment(collection, name, garment, [materials[part] for part in parts])
        if name in FABRIC_SHELLS:
            add_thickness(people[name])
    return people


def add_garment(
    collection: bpy.types.Collection, name: str, garment: Garment, parts: Sequence[bpy.types.Material]
) -> bpy.types.Object:
    """A garment with the materials of its parts, and its cloth laid out in tiles of each material's fabric."""
    item = add_mesh(collection, name, garment.vertices, garment.faces, smooth=True)
    for part in parts:
        item.data.materials.append(part)
    item.data.polygons.foreach_set("material_index", garment.part.astype(np.int32))
    tiles = np.array([part.get(TILE_M, 1.0) for part in parts])[garment.part]
    for layer, size in ((FABRIC_UV, tiles[:, None, None]), (FOLDS_UV, FOLDS_TILE_M)):
        uv = item.data.uv_layers.new(name=layer)
        uv.data.foreach_set("uv", (garment.uv_m / size).astype(np.float32).ravel())
    return item


def color_regions(body: bpy.types.Object, regions: Mapping[str, np.ndarray], materials: Materials) -> None:
    """Colour the skin by vertex with the colours of its regions; alpha carries the roughness."""
    skin = materials["skin"]
    colors = np.tile([*skin.diffuse_color[:3], skin.roughness], (len(body.data.vertices), 1))
    for name, share in regions.items():
        look = materials[name]
        colors += share[:, None] * ([*look.diffuse_color[:3], look.roughness] - colors)
    layer = body.data.color_attributes.new("regions", "FLOAT_COLOR", "POINT")
    layer.data.foreach_set("color", colors.astype(np.float32).ravel())
    reader = skin.node_tree.nodes.new("ShaderNodeAttribute")
    reader.attribute_name = layer.name
    for output, entry in (("Color", "Base Color"), ("Alpha", "Roughness")):
        skin.node_tree.links.new(reader.outputs[output], principled(skin).inputs[entry])


def add_thickness(garment: bpy.types.Object) -> None:
    """Fold the hems inward, so that cloth does not look like paper."""
    modifier = garment.modifiers.new("thickness", "SOLIDIFY")
    modifier.thickness = CLOTH_THICKNESS_M
    modifier.offset = -1.0
    modifier.use_rim = True


def add_mesh(
    collection: bpy.types.Collection, name: str, vertices: np.ndarray, faces: np.ndarray, smooth: bool
) -> bpy.types.Object:
    """A mesh object from vertices [N, 3] and faces [F, corners]."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], faces.tolist())
    mesh.polygons.foreach_set("use_smooth", np.full(len(faces), smooth))
    item = bpy.data.objects.new(name, mesh)
    collection.objects.link(item)
    return item


def add_room(
    collection: bpy.types.Collection, content: Mapping[str, Any], materials: Materials
) -> list[bpy.types.Material]:
    """Floor, walls, ceiling and props, which all stand still: one object for each material and shadow.

    Returns:
        Further materials, where Blender needs them for things without a shadow.
    """
    further = []
    for (name, shadow), surface in room_surfaces(content).items():
        part = add_mesh(collection, name, surface.vertices, surface.faces, smooth=False)
        part.visible_shadow = shadow
        part.data.polygons.foreach_set("use_smooth", surface.smooth)
        look = materials[name]
        if not shadow and bpy.app.version < (4, 2, 0):  # EEVEE asked the material then, not the object.
            look = look.copy()
            look.shadow_method = "NONE"
            further.append(look)
        part.data.materials.append(look)
        layer = part.data.uv_layers.new(name=FABRIC_UV)
        layer.data.foreach_set("uv", (surface.uv_m / materials[name].get(TILE_M, 1.0)).astype(np.float32).ravel())
    return further


def light_factor(engine: str) -> float:
    """By what a light's power is multiplied.

    EEVEE before 4.2 shows less of an area light's power, but before 4.0 what a surface mirrors is not taken from what it
    scatters. With this factor it shows the person as bright as 5.0 does (docs/blenders.md); floors come out brighter.
    """
    return 1.18 if engine == "eevee" and bpy.app.version < (4, 2, 0) else 1.0


def add_light(collection: bpy.types.Collection, light: Mapping[str, Any], factor: float) -> None:
    """A rectangular area light that shines down, its power multiplied by `factor`."""
    data = bpy.data.lights.new("ceiling light", "AREA")
    data.shape = "RECTANGLE"
    data.energy, data.color = factor * light["power_w"], light["color_linear"]
    data.size, data.size_y = light["size_m"]
    item = bpy.data.objects.new("ceiling light", data)
    item.location = light["position_m"]
    collection.objects.link(item)


def add_camera(collection: bpy.types.Collection, name: str, camera: Camera) -> bpy.types.Object:
    """A camera with the lens, sensor and pose of cameras.json; Blender's looks along -Z with Y up."""
    data = bpy.data.cameras.new(name)
    data.sensor_fit, data.sensor_width, data.lens = "HORIZONTAL", camera.sensor_width_mm, camera.lens_mm
    item = bpy.data.objects.new(name, data)
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3] = camera.rotation.T @ np.diag([1.0, -1.0, -1.0])
    world_from_camera[:3, 3] = -camera.rotation.T @ camera.translation_m
    item.matrix_world = Matrix(world_from_camera.tolist())
    collection.objects.link(item)
    return item


def new_material(name: str, look: Mapping[str, Any], texture: Texture | None = None) -> bpy.types.Material:
    """A surface; its fabric's texture is drawn here unless it is given."""
    material = bpy.data.materials.new(name)
    if not material.use_nodes:
        material.use_nodes = True
    color = (*look["color_linear"], 1.0)
    inputs = principled(material).inputs
    inputs["Base Color"].default_value = color
    inputs["Roughness"].default_value = look["roughness"]
    inputs["Emission Color" if "Emission Color" in inputs else "Emission"].default_value = color
    inputs["Emission Strength"].default_value = look["glow"]
    material.diffuse_color, material.roughness = color, look["roughness"]
    if "fabric" in look:
        weave(material, look["fabric"], texture or draw(look["fabric"]))
    return material


def weave(material: bpy.types.Material, fabric: Mapping[str, Any], texture: Texture) -> None:
    """Give a surface the colours, threads and folds of a fabric."""
    material[TILE_M] = fabric["tile_m"]
    tree, shader = material.node_tree, principled(material)
    picture = add_picture(tree, new_picture(f"{material.name} colour", texture.color, "sRGB"), FABRIC_UV)
    threads = add_picture(tree, new_picture(f"{material.name} normal", texture.normal, "Non-Color"), FABRIC_UV)
    relief = tree.nodes.new("ShaderNodeNormalMap")
    relief.uv_map = FABRIC_UV
    tree.links.new(picture.outputs["Color"], shader.inputs["Base Color"])
    tree.links.new(threads.outputs["Color"], relief.inputs["Color"])
    normal = relief.outputs["Normal"]
    if fabric["pattern"] not in UNCREASED:
        normal = add_folds(tree, material.name, normal)
    tree.links.new(normal, shader.inputs["Normal"])
    tree.nodes.active = picture  # Workbench draws the active picture


def add_folds(tree: bpy.types.NodeTree, name: str, normal: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """Shallow folds over normals; returns the socket of the folded normals."""
    height = folds()
    shades = np.repeat((height / height.max())[..., None], 3, axis=2)
    picture = add_picture(tree, new_picture(f"{name} folds", shades, "Non-Color"), FOLDS_UV)
    bump = tree.nodes.new("ShaderNodeBump")
    bump.inputs["Distance"].default_value = FOLDS_TILE_M * float(height.max())
    tree.links.new(picture.outputs["Color"], bump.inputs["Height"])
    tree.links.new(normal, bump.inputs["Normal"])
    return bump.outputs["Normal"]


def new_picture(name: str, pixels: np.ndarray, space: str) -> bpy.types.Image:
    """A picture in memory from [N, N, 3] between 0 and 1, its first row at the bottom."""
    image = bpy.data.images.new(name, pixels.shape[1], pixels.shape[0])
    image.colorspace_settings.name = space
    opaque = np.ones((*pixels.shape[:2], 4), np.float32)
    opaque[..., :3] = pixels
    image.pixels.foreach_set(opaque.ravel())
    image.pack()
    return image


def add_picture(tree: bpy.types.NodeTree, image: bpy.types.Image, layer: str) -> bpy.types.Node:
    """A texture node that shows a picture, repeated, over a UV layer."""
    place, node = tree.nodes.new("ShaderNodeUVMap"), tree.nodes.new("ShaderNodeTexImage")
    place.uv_map, node.image = layer, image
    tree.links.new(place.outputs["UV"], node.inputs["Vector"])
    return node


def principled(material: bpy.types.Material) -> bpy.types.Node:
    """The shader of a material."""
    return next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")


def ambient_light(content: Mapping[str, Any]) -> tuple[float, float, float]:
    """Even light from all around. It stands for what walls throw back, which Cycles finds by itself."""
    return (0.0, 0.0, 0.0) if content["render"]["engine"] == "cycles" else content["ambient_linear"]


def new_world(ambient: tuple[float, float, float], sky: Sky | None) -> bpy.types.World:
    """Light from all around: even, or of a picture of the surroundings."""
    world = bpy.data.worlds.new("ODAH")
    if not world.use_nodes:
        world.use_nodes = True
    tree = world.node_tree
    background = next(node for node in tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (*ambient, 1.0)
    if hasattr(world, "probe_resolution"):
        world.probe_resolution = WORLD_PROBE_PX if sky is None else SKY_PROBE_PX
    if sky is not None:
        image = bpy.data.images.load(str(sky.file))
        if 0 in image.size:
            raise SceneError(f"{sky.file}: is no .hdr or .exr picture that can be read. Take it out of room.hdri_dir.")
        surroundings, turn, place = (
            tree.nodes.new(f"ShaderNode{kind}") for kind in ("TexEnvironment", "Mapping", "TexCoord")
        )
        surroundings.image = image
        turn.inputs["Rotation"].default_value = (0.0, 0.0, sky.turn_rad)
        tree.links.new(place.outputs["Generated"], turn.inputs["Vector"])
        tree.links.new(turn.outputs["Vector"], surroundings.inputs["Vector"])
        tree.links.new(surroundings.outputs["Color"], background.inputs["Color"])
        background.inputs["Strength"].default_value = SKY_LUMINANCE / max(mean_luminance(image), 1e-4)
    return world


def mean_luminance(image: bpy.types.Image) -> float:
    """Mean luminance of a picture of the whole sphere (equirectangular), each row by its share of the sphere."""
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    luminance = pixels.reshape(image.size[1], image.size[0], -1)[..., :3] @ [0.2126, 0.7152, 0.0722]
    share = np.cos(np.pi * ((np.arange(image.size[1]) + 0.5) / image.size[1] - 0.5))
    return float((luminance.mean(1) * share).sum() / share.sum())


def set_time(scene: bpy.types.Scene, description: Description) -> None:
    """Frames 0 to T - 1 at the clip's frame rate."""
    scene.render.fps, scene.render.fps_base = whole_frame_rate(float(description.content["fps"]))
    scene.frame_start, scene.frame_end = 0, description.frames - 1
    scene.frame_set(0)


def set_picture(scene: bpy.types.Scene, camera: Camera, item: bpy.types.Object) -> None:
    """Picture size and camera of a scene."""
    scene.camera = item
    scene.render.resolution_x, scene.render.resolution_y = camera.width, camera.height
    scene.render.resolution_percentage = 100
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0


def set_engine(scene: bpy.types.Scene, render: Mapping[str, Any]) -> None:
    """Render engine, samples, shadows and colours; the same in every version of Blender."""
    known = [item.identifier for item in scene.render.bl_rna.properties["engine"].enum_items]
    scene.render.engine = next(
        (name for name in ENGINES[render["engine"]] if name in known), ENGINES[render["engine"]][0]
    )
    scene.render.use_motion_blur = False
    scene.render.use_compositing = scene.render.use_sequencer = False
    scene.view_settings.view_transform, scene.view_settings.look = PICTURE_VIEW, "None"
    scene.view_settings.exposure, scene.view_settings.gamma = EXPOSURE, 1.0
    scene.render.dither_intensity = 0.0
    scene.eevee.taa_render_samples = render["samples"]
    if hasattr(scene.eevee, "use_shadows"):
        scene.eevee.use_shadows, scene.eevee.shadow_ray_count = render["shadows"], SHADOW_RAYS
    set_shadow_detail(scene, 1.0)
    if scene.render.engine == "CYCLES":
        set_cycles(scene.cycles, render["samples"])
    scene.display.render_aa = workbench_smoothing(render["samples"])
    scene.display.shading.light = "STUDIO"
    scene.display.shading.color_type = "TEXTURE"


def set_cycles(cycles: bpy.types.PropertyGroup, samples: int) -> None:
    """Path tracing by the processor, the same pixels each time; freed of noise where Blender was built for it."""
    cycles.device, cycles.samples, cycles.use_adaptive_sampling, cycles.seed = "CPU", samples, False, 0
    cycles.max_bounces, cycles.caustics_reflective, cycles.caustics_refractive = CYCLES_BOUNCES, False, False
    try:
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.use_denoising = True
    except TypeError:  # Debian builds Blender without it.
        cycles.use_denoising = False


def workbench_smoothing(samples: int) -> str:
    """The least anti-aliasing of Workbench that takes so many samples of a pixel; a sample more is a picture more."""
    return "OFF" if samples == 1 else next((str(offered) for offered in (5, 8, 11, 16) if offered >= samples), "32")


def set_shadow_detail(scene: bpy.types.Scene, scale: float) -> None:
    """Keep shadow maps as fine in the room when a picture has `scale` times as many pixels along its sides."""
    if hasattr(scene.eevee, "shadow_resolution_scale"):
        scene.eevee.shadow_resolution_scale = min(SHADOW_DETAIL / scale, 1.0)


def new_mask_scene(people: Iterable[bpy.types.Object]) -> bpy.types.Scene:
    """A second scene that shows some objects only, in pure white on pure black, each pixel one sample at its centre."""
    scene = bpy.data.scenes.new("ODAH mask")
    for item in people:
        scene.collection.objects.link(item)
    scene.world = bpy.data.worlds.new("ODAH mask")
    scene.world.color = (0.0, 0.0, 0.0)
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.use_compositing = scene.render.use_sequencer = False
    scene.render.dither_intensity = 0.0
    scene.view_settings.view_transform, scene.view_settings.look = MASK_VIEW, "None"
    shading = scene.display.shading
    shading.light, shading.color_type, shading.single_color = "FLAT", "SINGLE", (1.0, 1.0, 1.0)
    shading.show_object_outline = shading.show_cavity = shading.show_shadows = shading.show_xray = False
    scene.display.render_aa = "OFF"
    return scene
