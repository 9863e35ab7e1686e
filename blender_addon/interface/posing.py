# SPDX-License-Identifier: GPL-3.0-or-later
"""The section Kinematics: sliders of all coordinates; a child of odah-gen tells where skeleton and body are then.

The sliders are properties of the collection that holds the posed objects, so undo reaches them too; a timer asks the child
whenever they differ from what was asked last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import numpy as np

from ..description import SceneError
from ..pose_client import Answer, PoseClient
from ..scene_builder import add_mesh, new_material
from .clip_files import PLAIN_SKIN, read_clip
from .clip_objects import BONE, new_part, plain_material
from .opening import redraw
from .owned import OWNER, loaded_clips, owned_steps
from .settings import apply_shown, program, project
from .shapes import bones
from .showing import OfClip, active_clip

TICK_S = 0.02
TOUCHED = 1e-6
"""A slider that differs by more from what was asked was moved by the user."""
POSED = "posed"
UNITS = {"deg": "°", "m": " m", "rad": " rad"}


@dataclass
class Posing:
    """A clip that is posed.

    Attributes:
        client: the child's other end.
        shapes: vertices of each bone from its body's mass centre, in the body's axes (m).
        asked: coordinates as they were asked for last.
        notes: what the child had to say of its last answer.
    """

    client: PoseClient
    shapes: Mapping[str, np.ndarray]
    asked: dict[str, float] = field(default_factory=dict)
    notes: str = ""


POSINGS: dict[str, Posing] = {}
"""By the name of the clip; processes live no longer than the session."""


def posed_part(clip: bpy.types.Collection | None) -> bpy.types.Collection | None:
    """The collection with a clip's posed objects and sliders."""
    return None if clip is None else next((part for part in clip.children if part["odah_kind"] == POSED), None)


def poll() -> float | None:
    """Take the child's answers and ask for what the sliders say; called by a timer."""
    for name, posing in list(POSINGS.items()):
        clip = bpy.data.collections.get(name)
        part = posed_part(clip)
        if part is None:
            POSINGS.pop(name).client.stop()
            continue
        known = posing.client.ready is not None
        answers = posing.client.poll()
        if posing.client.ready is not None and not known:
            add_sliders(part, posing.client.ready["coordinates"])
            posing.client.show_row(*frame_of(clip))
        for answer in answers:
            take(part, posing, answer)
        ask(part, posing)
        if answers or (posing.client.ready is not None) != known or posing.client.problem:
            redraw(bpy.context)
    return TICK_S if POSINGS else None


def frame_of(clip: bpy.types.Collection) -> tuple[str, int]:
    """The clip's .mot, and the row of the current frame."""
    place = Path(clip["odah_folder"]) / "clips" / clip["odah_clip_id"] / "kinematics.mot"
    return str(place), min(max(bpy.context.scene.frame_current, 0), clip["odah_frames"] - 1)


def add_sliders(part: bpy.types.Collection, coordinates: Mapping[str, Mapping]) -> None:
    """A slider for each coordinate, between its ends."""
    for name, facts in coordinates.items():
        part[name] = float(facts["default"])
        low, high = float(facts["lowest"]), float(facts["highest"])
        hard = {"min": low, "max": high} if facts["clamped"] else {}
        part.id_properties_ui(name).update(soft_min=low, soft_max=high, description=limits(facts), **hard)


def limits(facts: Mapping) -> str:
    """A coordinate's range, in words."""
    unit = UNITS[facts["unit"]]
    ends = f"{facts['lowest']:.4g} to {facts['highest']:.4g}{unit}"
    if facts["locked"]:
        return f"locked; {ends}"
    return f"follows {facts['follows']}" if facts["follows"] else ends


def ask(part: bpy.types.Collection, posing: Posing) -> None:
    """Ask for what the sliders say, if that is new."""
    if posing.client.ready is None or not posing.asked:
        return
    wanted = {name: float(part[name]) for name in posing.asked}
    if any(abs(wanted[name] - value) > TOUCHED for name, value in posing.asked.items()):
        posing.asked = wanted
        posing.client.show(wanted)


def take(part: bpy.types.Collection, posing: Posing, answer: Answer) -> None:
    """Put skeleton and body where an answer says; unless something newer is wanted meanwhile, the sliders follow."""
    posing.notes = answer.error or " ".join(answer.header.get("notes", ()))
    if answer.error:
        return
    touched = any(abs(part[name] - value) > TOUCHED for name, value in posing.asked.items())
    if not posing.client.busy and not touched:
        for name, value in answer.header["coordinates"].items():
            part[name] = float(value)
        posing.asked = {name: float(part[name]) for name in answer.header["coordinates"]}
    rotations, centers = answer.array("body_rotations"), answer.array("mass_centers_m")
    names = posing.client.ready["body_names"]
    placed = [
        centers[i] + posing.shapes[name] @ rotations[i].T for i, name in enumerate(names) if name in posing.shapes
    ]
    move(part, "posed skeleton", np.concatenate(placed))
    if answer.vertices is not None:
        move(part, "posed body", answer.vertices)


def move(part: bpy.types.Collection, kind: str, vertices: np.ndarray) -> None:
    """Give an object of the posed part other vertices [N, 3] (m, world)."""
    item = next((item for item in part.objects if item["odah_posed"] == kind), None)
    if item is not None and len(item.data.vertices) == len(vertices):
        item.data.vertices.foreach_set("co", np.ascontiguousarray(vertices, np.float32).ravel())
        item.data.update()
        item.hide_viewport = False


class ODAH_OT_pose_start(OfClip, bpy.types.Operator):
    """Pose skeleton and body by hand: starts odah-gen, which takes some seconds."""

    bl_idname = "odah.pose_start"
    bl_label = "Pose by hand"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the child and build what it will move."""
        clip = active_clip(context)
        try:
            start(clip)
        except SceneError as error:
            context.scene.odah.message = str(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        apply_shown(context.scene.odah)
        if not bpy.app.timers.is_registered(poll):
            bpy.app.timers.register(poll)
        return {"FINISHED"}


def start(clip: bpy.types.Collection) -> None:
    """Start a child for a clip, and add the objects that it moves, hidden until its first answer.

    Raises:
        SceneError: there is no odah-gen or a file is damaged.
    """
    folder, subject = Path(clip["odah_folder"]), clip["odah_subject"]
    files = read_clip(folder, clip["odah_clip_id"], subject, project())
    client = PoseClient(program(), ("--run", str(folder), "--subject", subject))
    if client.problem:
        raise SceneError(client.problem)
    shapes = bones(files.kinematics)
    for _ in owned_steps(add_posed(clip, files.subject, shapes), clip[OWNER]):
        pass
    POSINGS[clip.name] = Posing(client, {name: vertices for name, (vertices, _) in shapes.items()})


def add_posed(clip, person, shapes):  # noqa: ANN001, ANN201
    """Objects of skeleton and body to be posed (one step)."""
    part = new_part(clip, POSED)
    counts = np.cumsum([0, *(len(vertices) for vertices, _ in shapes.values())])
    faces = np.concatenate([faces + first for (_, faces), first in zip(shapes.values(), counts)])
    vertices = np.concatenate([vertices for vertices, _ in shapes.values()])
    items = [add_mesh(part, "posed skeleton", vertices, faces, smooth=False)]
    items[0].data.materials.append(plain_material("posed bone", BONE))
    items[0].show_in_front = True
    if person is not None:
        items.append(add_mesh(part, "posed body", person.body.vertices, person.body.faces, smooth=True))
        items[1].data.materials.append(new_material("posed skin", PLAIN_SKIN))
    for item, kind in zip(items, ("posed skeleton", "posed body")):
        item["odah_posed"], item.hide_viewport = kind, True
    yield part


class OfPosing(OfClip):
    """For operators that need a clip that is posed."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is one."""
        clip = active_clip(context)
        return clip is not None and clip.name in POSINGS


class ODAH_OT_pose_reset(OfPosing, bpy.types.Operator):
    """Pose the model at its defaults."""

    bl_idname = "odah.pose_reset"
    bl_label = "Reset"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask for it."""
        POSINGS[active_clip(context).name].client.show_default()
        return {"FINISHED"}


class ODAH_OT_pose_paste(OfPosing, bpy.types.Operator):
    """Pose the model as a row of a .mot says: of the chosen file, or of this clip at the current frame."""

    bl_idname = "odah.pose_paste"
    bl_label = "Paste a frame"
    own: bpy.props.BoolProperty(description="The clip's own .mot")  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask for it."""
        clip, settings = active_clip(context), context.scene.odah
        row = frame_of(clip) if self.own else (bpy.path.abspath(settings.mot), settings.mot_row)
        POSINGS[clip.name].client.show_row(*row)
        return {"FINISHED"}


class ODAH_OT_pose_stop(OfClip, bpy.types.Operator):
    """Let the clip move as it was recorded again."""

    bl_idname = "odah.pose_stop"
    bl_label = "Back to the clip"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Stop the child and remove what it moved."""
        clip = active_clip(context)
        if clip.name in POSINGS:
            POSINGS.pop(clip.name).client.stop()
        part = posed_part(clip)
        if part is not None:
            data = {item.data for item in part.objects}
            looks = {material for mesh in data for material in mesh.materials}
            bpy.data.batch_remove([*part.objects, *data, *looks, part])
        apply_shown(context.scene.odah)
        return {"FINISHED"}


def stop_all() -> None:
    """End all children."""
    while POSINGS:
        POSINGS.popitem()[1].client.stop()
    if bpy.app.timers.is_registered(poll):
        bpy.app.timers.unregister(poll)


def is_posed(name: str) -> bool:
    """Whether a loaded clip is posed."""
    return any(clip.name == name and posed_part(clip) is not None for clip in loaded_clips())


CLASSES = (ODAH_OT_pose_start, ODAH_OT_pose_reset, ODAH_OT_pose_paste, ODAH_OT_pose_stop)
