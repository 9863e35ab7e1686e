# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets Blender's cloth simulation drape the clothes of clips, without a window: python -m blender_addon.drape < JOBS.

A job is a line of JSON on standard input: {"scene": path of scene.json, "out": folder}. It writes OUT/<garment>.npy for
each garment of DRAPED, positions [T, N, 3] (m, world frame, single precision). Progress is told in lines of JSON, on
standard output or the file descriptor of --progress-fd: "start" with the number of steps, a "step" after each, "skinned"
with a reason for a garment whose simulation failed and that moves with the body instead, and "done".
"""

import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import bpy
import numpy as np

from .description import SceneError, read_description
from .drape_mesh import LEASH_M, Coarse, coarse_mesh, edges_of, fault, follow, held_share, lengths
from .drape_motion import Steps, simulated_steps
from .interface.point_cache import PointCache
from .jobs import run_jobs, tell
from .many_frames import Mover
from .push_out import Surface, push_out
from .scene_builder import add_mesh
from .subject import DRAPED, Subject, load_subject

BATCH = 32
SPACING_M, SKIN_SPACING_M = 0.018, 0.02
"""Vertices of simulated cloth, and of the skin that it touches, are so far apart."""
SOLVED_HZ = 300.0
"""The solver is called at least so often."""
UNTOUCHED_JOINTS = (15, *range(22, 55))
"""Head and fingers, half of the skin's faces: no cloth gets there."""
HELD = "held"
TRUE_STEP_S = 1 / math.sqrt(1000)
"""Blender's cloth falls with 0.001 g per step squared: true where a step takes so long (tests/scene/test_drape.py)."""
VERTEX_KG, STIFFNESS, DAMPING, BENDING, AIR = 0.3, 30.0, 5.0, 1.0, 1.0
"""In Blender's own units, near its preset for cotton but stiffer against stretch, as woven cloth is."""
PIN_STIFFNESS = {"upper": 1.0, "lower": 10.0}
"""Blender takes the fourth power of a weight for the share of it that holds a vertex."""
CLOTH_GAP_M, SKIN_GAP_M, FRICTION = 0.004, 0.006, 5.0
LEAST_M, LEAST_BETWEEN_M, REACH_BETWEEN_M = 0.006, 0.004, 0.02
"""Least distance of cloth from the skin (nearer only where it was cut nearer) and of a shirt from trousers below it."""
ASTRAY, ASTRAY_SHARE = 2.0, 0.1
"""A simulation has failed when more than this share of the cloth is so many leashes from where skinning puts it."""
DEEP_M, DEEP_SHARE = 0.02, 0.01
"""A simulation has failed, too, when more than this share of the cloth lies so deep inside the body."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Drape the clothes of every job of standard input; returns the exit status."""
    return run_jobs("blender_addon.drape", __doc__, drape_job, arguments)


def drape_job(job: Mapping[str, Any], progress: TextIO, parent: int) -> None:
    """Simulate the clothes of one clip and write where they are."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    description, out = read_description(Path(job["scene"])), Path(job["out"])
    subject = load_subject(replace(description, cloth=None))
    steps = simulated_steps(subject.poses, subject.trans, float(description.content["fps"]))
    count = len(steps.poses)
    tell(progress, event="start", blender=bpy.app.version_string, steps=count + subject.frames)
    hanging = Hanging(bpy.context.scene, subject, steps, out)
    for step in range(count):
        hanging.advance(step)
        report(progress, parent)
    finish = Finish(subject, hanging.meshes)
    for frame in range(subject.frames):
        hanging.faults = finish.faults(frame, hanging.found) | hanging.faults
        report(progress, parent)
    for name, reason in hanging.faults.items():
        tell(progress, event="skinned", garment=name, reason=reason)
    good = {name: found for name, found in hanging.found.items() if name not in hanging.faults}
    places = [finish.vertices(frame, good) for frame in range(subject.frames)]
    for name in DRAPED:
        np.save(out / f"{name}.npy", np.array([found[name] for found in places], np.float32))
    tell(progress, event="done")


def report(progress: TextIO, parent: int) -> None:
    """Tell that a step is done.

    Raises:
        SceneError: the process that asked for it has ended.
    """
    if os.getppid() != parent:
        raise SceneError("the process that asked for these clothes has ended.")
    tell(progress, event="step")


class Hanging:
    """Cloth in Blender that hangs from a moving body, simulated step after step.

    Attributes:
        meshes: what of each garment is simulated.
        found: of each garment its simulated vertices [K, 3] (m, world) in each frame of the clip so far.
        faults: of garments whose simulation has failed, the reason.
    """

    def __init__(self, scene: bpy.types.Scene, subject: Subject, steps: Steps, scratch: Path) -> None:
        """Put the body and its clothes into an empty scene; their skinned motion goes into files of the scratch folder."""
        worn = {name: subject.garments[name] for name in DRAPED}
        self._scene, self._steps = scene, steps
        self.meshes = {name: coarse_mesh(item.vertices, item.faces, SPACING_M) for name, item in worn.items()}
        self.found: dict[str, list[np.ndarray]] = {name: [] for name in worn}
        self.faults: dict[str, str] = {}
        self._edges = {name: edges_of(mesh.faces) for name, mesh in self.meshes.items()}
        self._rest_m = {
            name: lengths(item.vertices[self.meshes[name].chosen], self._edges[name]) for name, item in worn.items()
        }
        skin = coarse_mesh(subject.body.vertices, touched_faces(subject), SKIN_SPACING_M)
        shown = {"body": skin, **self.meshes}
        self._skinned = skinned_motion(replace(subject, poses=steps.poses, trans=steps.trans, garments=worn), shown)
        items = {name: add_moving(scene, name, self._skinned[name], mesh, scratch) for name, mesh in shown.items()}
        for name, item in worn.items():
            held = held_share(name, item)[self.meshes[name].chosen]
            make_cloth(items[name], held, PIN_STIFFNESS[name], steps)
        for name in ("body", DRAPED[0]):
            make_obstacle(items[name])
        self._items = {name: items[name] for name in worn}
        scene.frame_start, scene.frame_end = 0, len(steps.poses) - 1

    def advance(self, step: int) -> None:
        """Simulate the next step, and keep what is found where it is a frame of the clip."""
        self._scene.frame_set(step)
        frame, rest = divmod(step - self._steps.first, self._steps.per_frame)
        for name, item in self._items.items():
            if rest == 0 and frame >= 0:
                places = vertices_of(item)
                self.found[name].append(places)
                self._check(name, places, step, frame)

    def _check(self, name: str, places: np.ndarray, step: int, frame: int) -> None:
        """Note a garment whose simulation fails in a step that is a frame of the clip."""
        edges, leash_m = self._edges[name], LEASH_M[name]
        astray = np.linalg.norm(places - self._skinned[name][step], axis=1) > ASTRAY * leash_m
        longest = np.maximum(self._rest_m[name], lengths(self._skinned[name][step], edges))
        reason = fault(lengths(places, edges), longest)
        if reason is None and astray.mean() > ASTRAY_SHARE:
            reason = f"{astray.mean():.0%} of it is more than {100 * ASTRAY * leash_m:.0f} cm from where it should hang"
        if reason and name not in self.faults:
            self.faults[name] = f"in frame {frame} {reason}"


def skinned_motion(subject: Subject, meshes: Mapping[str, Coarse]) -> dict[str, np.ndarray]:
    """The chosen vertices [S, K, 3] (m, world) of each mesh as skinning moves them."""
    mover, parts = Mover(subject), []
    for first in range(0, subject.frames, BATCH):
        vertices = mover.vertices(range(first, min(first + BATCH, subject.frames)))
        parts.append({name: vertices[name][:, mesh.chosen] for name, mesh in meshes.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in meshes}


def touched_faces(subject: Subject) -> np.ndarray:
    """Faces [F, 3] of the skin that cloth may touch."""
    untouched = subject.body.weights[:, UNTOUCHED_JOINTS].sum(1) > 0.5
    return subject.body.faces[~untouched[subject.body.faces].any(1)]


def add_moving(scene: bpy.types.Scene, name: str, places: np.ndarray, mesh: Coarse, scratch: Path) -> bpy.types.Object:
    """A mesh that moves through places [S, K, 3], one in each frame of the scene."""
    with PointCache(scratch / f"{name}.pc2", places.shape[1], len(places)) as cache:
        cache.write(places)
    item = add_mesh(scene.collection, name, places[0], mesh.faces, smooth=False)
    modifier = item.modifiers.new("motion", "MESH_CACHE")
    modifier.cache_format, modifier.filepath = "PC2", str(cache.path)
    modifier.interpolation, modifier.forward_axis, modifier.up_axis = "NONE", "POS_Y", "POS_Z"
    modifier.frame_start = 0
    return item


def make_obstacle(item: bpy.types.Object) -> None:
    """Let cloth keep off an object."""
    item.modifiers.new("obstacle", "COLLISION")
    item.collision.thickness_outer, item.collision.cloth_friction = SKIN_GAP_M, FRICTION


def make_cloth(item: bpy.types.Object, held: np.ndarray, pin_stiffness: float, steps: Steps) -> None:
    """Let an object hang from the places that its other modifiers give it: held there 1, loose 0."""
    group = item.vertex_groups.new(name=HELD)
    for vertex in np.flatnonzero(held > 0):
        group.add([int(vertex)], float(held[vertex]), "REPLACE")
    cloth = item.modifiers.new("cloth", "CLOTH")
    rules, contact = cloth.settings, cloth.collision_settings
    rules.vertex_group_mass, rules.pin_stiffness = HELD, pin_stiffness
    rules.quality = math.ceil(SOLVED_HZ / steps.rate_hz)
    rules.time_scale = 1 / (TRUE_STEP_S * steps.rate_hz)
    rules.mass, rules.air_damping, rules.bending_stiffness = VERTEX_KG, AIR, BENDING
    rules.tension_stiffness = rules.compression_stiffness = STIFFNESS
    rules.tension_damping = rules.compression_damping = rules.shear_damping = DAMPING
    contact.distance_min, contact.use_self_collision = CLOTH_GAP_M, False
    cloth.point_cache.frame_start, cloth.point_cache.frame_end = 0, len(steps.poses)


def vertices_of(item: bpy.types.Object) -> np.ndarray:
    """Vertices [K, 3] of an object as its modifiers leave them in this frame."""
    mesh = item.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    places = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", places)
    return places.reshape(-1, 3)


class Finish:
    """Lets whole garments follow their simulated vertices, and keeps them off the skin and off each other."""

    def __init__(self, subject: Subject, meshes: Mapping[str, Coarse]) -> None:
        """Prepare what all frames share."""
        self._subject, self._meshes, self._mover = subject, meshes, Mover(subject)
        self._skin = touched_faces(subject)
        self._least = {name: np.clip(subject.garments[name].hold_m, 0, LEAST_M) for name in meshes}

    def faults(self, frame: int, simulated: Mapping[str, Sequence[np.ndarray]]) -> dict[str, str]:
        """Of garments that lie in the body in a frame, the reason why their simulation has failed."""
        skinned = self._skinned(frame)
        skin = Surface([(skinned["body"], self._skin)])
        found = {}
        for name, places in simulated.items():
            garment = self._subject.garments[name]
            if not np.isfinite(places[frame]).all():
                continue
            used = np.isin(np.arange(len(garment.vertices)), garment.faces)
            distances, _ = skin.distances(
                follow(garment, self._meshes[name], skinned[name], places[frame], LEASH_M[name]), used
            )
            share = (distances[used] < -DEEP_M).mean()
            if share > DEEP_SHARE:
                found[name] = f"in frame {frame} {share:.0%} of it lies inside the body"
        return found

    def vertices(self, frame: int, simulated: Mapping[str, Sequence[np.ndarray]]) -> dict[str, np.ndarray]:
        """Vertices [N, 3] (m, world) of every garment that can hang in a frame; those not simulated as skinned."""
        skinned = self._skinned(frame)
        surfaces = [(skinned["body"], self._skin)]
        if "shoes" in self._subject.garments:
            surfaces.append((skinned["shoes"], self._subject.garments["shoes"].faces))
        skin, under, found = Surface(surfaces), None, {}
        for name, mesh in self._meshes.items():
            garment, places = self._subject.garments[name], skinned[name]
            if name in simulated:
                places = follow(garment, mesh, places, simulated[name][frame], LEASH_M[name])
                places = push_out(garment, places, skin, self._least[name])
                if under is not None:
                    places = push_out(garment, places, under, np.full(len(places), LEAST_BETWEEN_M))
            found[name] = places
            under = Surface([(places, garment.faces)], REACH_BETWEEN_M)
        return found

    def _skinned(self, frame: int) -> dict[str, np.ndarray]:
        return {name: found[0] for name, found in self._mover.vertices(range(frame, frame + 1)).items()}


if __name__ == "__main__":
    sys.exit(main())
