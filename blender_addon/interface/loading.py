# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads a clip in steps, none of them long, so that the window stays alive; the headless renderer's code builds the person.

Slow arithmetic (skinning, fabrics) runs in threads, which touch nothing of Blender's.
"""

import contextlib
import os
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from .. import scene_builder
from ..description import Description
from ..many_frames import Mover
from ..subject import Subject
from ..textures import Texture, draw
from .clip_files import PLAIN_SKIN, ClipFiles, Kinematics
from .clip_objects import (
    BONE,
    JOINT,
    MASS,
    MEASURED,
    SUNK,
    TOUCHING,
    add_frustum,
    add_moving,
    class_materials,
    new_part,
    plain_material,
    play,
    show_behind,
    sort_objects,
)
from .import_files import read_shown
from .osim_geometry import bone_meshes
from .owned import OWNER, cache_folder, owned_steps, remember_scene, remove_owned, sweep_caches
from .point_cache import PointCache
from .residuals import frame_means, worst_frame
from .shapes import Moving, bones, contact_discs, foot_vertices, lowest_points, points, residual_lines, skeleton

BATCH = 24
AHEAD = 8
"""So many batches are computed before they are asked for, while Blender builds objects."""
MOST_THREADS = 4
PATIENCE_S = 0.05
TEXTURE_PX = 256
"""Enough to look at in a window, and drawn many times faster than what is rendered."""
Step = tuple[float, str]
"""Share of the work that is done, and what comes next."""


@dataclass(frozen=True)
class Request:
    """What to load: a clip of a folder; where odah-gen's clone and OpenSim's Geometry are, if anywhere."""

    folder: Path
    clip: str
    subject: str
    project: Path | None = None
    geometry: Path | None = None


class Motion:
    """The vertices of a person over time, batch after batch, computed ahead in threads."""

    def __init__(self, subject: Subject, pool: ThreadPoolExecutor) -> None:
        """Begin with the first batches."""
        self._mover, self._pool = Mover(subject), pool
        firsts = range(0, subject.frames, BATCH)
        self._rest = deque(range(first, min(first + BATCH, subject.frames)) for first in firsts)
        self._waiting: deque[Future[dict[str, np.ndarray]]] = deque()
        for _ in range(AHEAD):
            self._ask()

    def ready(self) -> bool:
        """Whether the next batch is there; waits a moment for it."""
        return not wait([self._waiting[0]], PATIENCE_S).not_done

    def take(self) -> dict[str, np.ndarray]:
        """Vertices [T, N, 3] (m, world) by name of the next batch."""
        self._ask()
        return self._waiting.popleft().result()

    def _ask(self) -> None:
        if self._rest:
            self._waiting.append(self._pool.submit(self._mover.vertices, self._rest.popleft()))


def load_steps(scene: bpy.types.Scene, request: Request) -> Iterator[Step]:
    """Load a clip, a little at each step; an error or an early end takes everything back.

    Raises:
        SceneError: the clip cannot be shown.
        OSError: a cache cannot be written.
    """
    sweep_caches()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_shown, request.folder, request.clip, request.subject, request.project)
        while wait([reading], PATIENCE_S).not_done:
            yield 0.0, "reading files"
    files = reading.result()
    remember_scene(scene)
    clip = bpy.data.collections.new(f"ODAH {request.clip}")
    clip[OWNER] = clip.name
    clip.hide_viewport = True
    done = False
    try:
        yield from owned_steps(build_steps(scene, clip, files, request), clip.name)
        done = True
    finally:
        if not done:
            remove_owned(clip.name)


def build_steps(
    scene: bpy.types.Scene, clip: bpy.types.Collection, files: ClipFiles, request: Request
) -> Iterator[Step]:
    """Build everything of a clip in its collection, and show it."""
    scene.collection.children.link(clip)
    tell_facts(clip, files, request)
    caches = cache_folder() / bpy.path.clean_name(clip.name)
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        person = None if files.subject is None else begin_person(files, files.subject, pool)
        if files.kinematics is not None:
            yield 0.02, "skeleton"
            add_skeleton(clip, files.kinematics, caches, request)
            yield 0.04, "markers"
            add_points(clip, files.kinematics, caches)
        yield 0.06, "cameras"
        add_cameras(clip, files)
        if person is not None:
            yield from person_steps(clip, files.description, person, caches)
    show_time(scene, clip)
    yield 1.0, "done"


def tell_facts(clip: bpy.types.Collection, files: ClipFiles, request: Request) -> None:
    """Write on the collection what the panel says of the clip."""
    clip["odah_folder"], clip["odah_clip_id"] = str(request.folder), request.clip
    clip["odah_subject"], clip["odah_frames"], clip["odah_fps"] = request.subject, files.frames, files.fps
    clip["odah_notes"] = "\n".join(files.notes)
    clip["odah_middle_m"] = files.middle_m.tolist()
    residuals = None if files.kinematics is None else files.kinematics.residuals_mm
    if residuals is not None:
        means = frame_means(residuals)
        clip["odah_residual_mm"] = np.nan_to_num(means).tolist()
        clip["odah_worst"] = worst_frame(means)
        worst = np.nan_to_num(residuals[clip["odah_worst"]])
        clip["odah_worst_marker"] = f"{files.kinematics.marker_names[worst.argmax()]} {worst.max():.1f} mm"


@dataclass(frozen=True)
class Person:
    """A person whose fabrics and motion threads are at work on.

    Attributes:
        subject: body, clothes and motion.
        looks: materials by name.
        fabrics: textures of those that have one.
        motion: vertices.
    """

    subject: Subject
    looks: Mapping[str, Any]
    fabrics: Mapping[str, Future[Texture]]
    motion: Motion


def begin_person(files: ClipFiles, subject: Subject, pool: ThreadPoolExecutor) -> Person:
    """Let threads begin with what takes longest."""
    description = files.description
    looks = {"skin": PLAIN_SKIN} if description is None else description.content["materials"]
    fabrics = {name: pool.submit(draw, look["fabric"], TEXTURE_PX) for name, look in looks.items() if "fabric" in look}
    return Person(subject, looks, fabrics, Motion(subject, pool))


def person_steps(
    clip: bpy.types.Collection, description: Description | None, person: Person, caches: Path
) -> Iterator[Step]:
    """Body and clothes with their motion; room and lights where the scene stage has been."""
    materials = {}
    for name, look in person.looks.items():
        fabric = person.fabrics.get(name)
        while fabric is not None and wait([fabric], PATIENCE_S).not_done:
            yield 0.08, f"fabrics: {name}"
        materials[name] = scene_builder.new_material(name, look, fabric and fabric.result())
    yield 0.1, "body and clothes"
    people = add_person(clip, description, person.subject, materials)
    yield 0.12, "room"
    if description is not None:
        add_room(clip, description, materials)
    yield from motion_steps(clip, person, people, caches)


def add_person(
    clip: bpy.types.Collection,
    description: Description | None,
    subject: Subject,
    materials: Mapping[str, bpy.types.Material],
) -> dict[str, bpy.types.Object]:
    """Body and clothes as the renderer builds them."""
    undressed = Description({"wear": {}}, Path(), Path(), Path(), {})
    people = scene_builder.add_people(clip, subject, description or undressed, materials)
    for name, item in people.items():
        item["odah_person"] = name
    clothes = [item for name, item in people.items() if name != "body"]
    sort_objects(clip, {"body": [people["body"]], "clothes": clothes})
    return people


def add_room(clip: bpy.types.Collection, description: Description, materials: Mapping[str, bpy.types.Material]) -> None:
    """Room, lights and world as the renderer builds them; the floor apart, for walls and ceiling hide the person."""
    content = description.content
    scene_builder.add_room(clip, content, materials)
    for light in content["lights"]:
        scene_builder.add_light(clip, light, scene_builder.light_factor(content["render"]["engine"]))
    floor = [item for item in clip.objects if item.name.startswith("floor")]
    sort_objects(clip, {"floor": floor, "room": [item for item in clip.objects if item not in floor]})
    clip["odah_world"] = scene_builder.new_world(scene_builder.ambient_light(content), description.sky).name


def motion_steps(
    clip: bpy.types.Collection, person: Person, people: Mapping[str, bpy.types.Object], caches: Path
) -> Iterator[Step]:
    """Write the point caches of body and clothes, and of their contact with the floor."""
    subject, motion = person.subject, person.motion
    feet, lowest = foot_vertices(subject.body.weights), []
    with contextlib.ExitStack() as stack:
        files = {
            name: stack.enter_context(PointCache(caches / f"{name}.pc2", len(item.data.vertices), subject.frames))
            for name, item in people.items()
        }
        written = 0
        while written < subject.frames:
            while not motion.ready():
                yield 0.15 + 0.85 * written / subject.frames, f"motion: {written} of {subject.frames} frames"
            vertices = motion.take()
            for name, file in files.items():
                file.write(vertices[name])
            lowest.append(lowest_points(vertices["body"], feet))
            written += len(vertices["body"])
            yield 0.15 + 0.85 * written / subject.frames, f"motion: {written} of {subject.frames} frames"
    for name, item in people.items():
        play(item, caches / f"{name}.pc2")
    colors = [plain_material("touches the floor", TOUCHING), plain_material("sunk into the floor", SUNK)]
    discs = contact_discs(np.concatenate(lowest))
    add_moving(new_part(clip, "floor contact"), "floor contact", discs, colors, caches / "contact.pc2")


def add_skeleton(clip: bpy.types.Collection, data: Kinematics, caches: Path, request: Request) -> None:
    """A mesh of all bones: those of OpenSim's Geometry where they are to be had, capsules otherwise."""
    shapes = bones(data)
    model = request.folder / "subjects" / request.subject / "model.osim"
    if request.geometry is not None and data.rotations is not None and model.is_file():
        shapes |= bone_meshes(model, request.geometry)
    moving = skeleton(data, shapes)
    add_moving(new_part(clip, "skeleton"), "skeleton", moving, [plain_material("bone", BONE)], caches / "skeleton.pc2")


def add_points(clip: bpy.types.Collection, data: Kinematics, caches: Path) -> None:
    """Joint centres, mass centres and markers."""
    plain: dict[str, tuple[Moving, tuple[float, float, float]]] = {
        "joint centres": (points(data.joint_centers_m), JOINT),
        "mass centres": (points(data.mass_centers_m), MASS),
    }
    for kind, (moving, color) in plain.items():
        add_moving(new_part(clip, kind), kind, moving, [plain_material(kind, color)], caches / f"{kind}.pc2")
    part = new_part(clip, "markers")
    if data.measured_m is None:
        still = points(data.markers_m, 0.006)
        add_moving(part, "markers on the model", still, [plain_material("marker", MEASURED)], caches / "markers.pc2")
        return
    measured = points(data.measured_m, 0.005)
    add_moving(part, "measured markers", measured, [plain_material("measured", MEASURED)], caches / "measured.pc2")
    lines = residual_lines(data.measured_m, data.markers_m)
    add_moving(part, "residuals", lines, class_materials(), caches / "residuals.pc2")


def add_cameras(clip: bpy.types.Collection, files: ClipFiles) -> None:
    """The cameras, what they see, and their videos."""
    part = new_part(clip, "cameras")
    for name, camera in files.cameras.items():
        item = scene_builder.add_camera(part, name, camera)
        item["odah_camera"], item["odah_size"] = name, (camera.width, camera.height)
        video = files.videos.get(name)
        add_frustum(part, name, camera, video, files.frames)
        if video is not None:
            show_behind(item, video)


def show_time(scene: bpy.types.Scene, clip: bpy.types.Collection) -> None:
    """The clip's frames, frame rate and world in the scene."""
    scene.render.fps, scene.render.fps_base = scene_builder.whole_frame_rate(clip["odah_fps"])
    scene.frame_start, scene.frame_end = 0, clip["odah_frames"] - 1
    scene.frame_set(min(max(scene.frame_current, 0), scene.frame_end))
    world = bpy.data.worlds.get(clip.get("odah_world", ""))
    if world is not None:
        scene.world = world
