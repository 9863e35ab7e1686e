"""The place of a clip: a room with its things and lights, or a floor in the user's own surroundings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from odah_gen.config import HDRI
from odah_gen.config import Room as RoomConfig
from odah_gen.errors import InputError
from odah_gen.scene.appearance import Material
from odah_gen.scene.cameras import Camera
from odah_gen.scene.room import Room, room_around
from odah_gen.scene.room_kinds import PANEL_M, ROOM_KINDS, RoomKind, draw_props, draw_surfaces, draw_trim
from odah_gen.scene.room_lights import Light, ceiling_lights
from odah_gen.scene.room_parts import Part, Prop
from odah_gen.scene.room_placing import place_props

HDRI_SUFFIXES = (".hdr", ".exr")
OPEN_FLOOR_M = 12.0
OPEN_LIGHT_M, OPEN_LIGHT_SIZE_M, OPEN_LIGHT_W = 4.5, 2.0, 120.0
"""Surroundings alone cast hardly a shadow: one soft light above the body does."""
OPEN_KIND = RoomKind(floors=("concrete", "tiles", "boards"), walls=("plaster",))


@dataclass(frozen=True)
class Hdri:
    """A picture of surroundings, turned about the Z axis."""

    file: Path
    turn_rad: float


@dataclass(frozen=True)
class Place:
    """Everything around a person.

    Attributes:
        kind: of room, or hdri.
        room: its bounds.
        props: things in it.
        lights: area lights.
        surfaces: materials of room and props.
        hdri: surroundings instead of walls.
    """

    kind: str
    room: Room
    props: tuple[Prop, ...]
    lights: tuple[Light, ...]
    surfaces: Mapping[str, Material]
    hdri: Hdri | None = None


def choose_kind(config: RoomConfig, generator: np.random.Generator) -> str:
    """The kind of a clip's place, all equally likely."""
    return config.kinds[int(generator.integers(len(config.kinds)))]


def draw_place(
    config: RoomConfig,
    kind: str,
    points_m: Float[np.ndarray, "points 3"],
    cameras: Mapping[str, Camera],
    generator: np.random.Generator,
) -> Place:
    """Draw a place of a kind around a clip.

    Args:
        config: whether there are props, and the folder of surroundings.
        kind: one of `ROOM_KINDS`, or hdri.
        points_m: outline of the body over the whole clip (world frame).
        cameras: by name.
        generator: decides everything else.

    Raises:
        InputError: kind hdri, and there is no folder of surroundings.
    """
    if kind == HDRI:
        return draw_open_place(config.hdri_dir, points_m, generator)
    look = ROOM_KINDS[kind]
    positions = [camera.position_m for camera in cameras.values()]
    room = room_around(points_m, positions, generator, look.free_m, look.height_m)
    lights = ceiling_lights(room, generator, look.spacing_m, look.temperature_k)
    surfaces = draw_surfaces(look, generator)
    things = draw_trim(look, room, generator)
    names = draw_props(look, generator)
    if config.props:
        things += place_props(room, names, points_m, cameras, generator)
    things += lamps(lights, room)
    used = {"floor", "walls", "ceiling"} | {part.material for thing in things for part in thing.parts}
    return Place(kind, room, tuple(things), tuple(lights), {name: surfaces[name] for name in surfaces if name in used})


def lamps(lights: list[Light], room: Room) -> list[Prop]:
    """A bright panel on the ceiling above each light."""
    top = float(room.max_m[2])
    return [
        Prop(
            "lamp",
            (
                Part(
                    "box",
                    (float(light.position_m[0]), float(light.position_m[1]), top - PANEL_M / 2),
                    (*light.size_m, PANEL_M),
                    "lamp",
                ),
            ),
        )
        for light in lights
    ]


def draw_open_place(
    folder: str | None, points_m: Float[np.ndarray, "points 3"], generator: np.random.Generator
) -> Place:
    """A wide floor under one of the user's skies."""
    files = hdri_files(folder)
    sky = Hdri(files[int(generator.integers(len(files)))], float(generator.uniform(0, 2 * np.pi)))
    middle = (points_m.min(0) + points_m.max(0)) / 2
    room = Room(
        np.array([*points_m.min(0)[:2] - OPEN_FLOOR_M, 0.0]),
        np.array([*points_m.max(0)[:2] + OPEN_FLOOR_M, max(3.0, points_m[:, 2].max())]),
    )
    above = np.array([middle[0], middle[1], max(OPEN_LIGHT_M, points_m[:, 2].max() + 1.5)])
    light = Light(above, (OPEN_LIGHT_SIZE_M, OPEN_LIGHT_SIZE_M), OPEN_LIGHT_W, (1.0, 1.0, 1.0))
    floor = draw_surfaces(OPEN_KIND, generator)["floor"]
    return Place(HDRI, room, (), (light,), {"floor": floor}, sky)


def hdri_files(folder: str | None) -> list[Path]:
    """Pictures of surroundings in a folder, by name.

    Raises:
        InputError: no folder is set, or it has none.
    """
    if folder is None:
        raise InputError("room.hdri_dir: is null, but room.kinds has hdri. Set the folder of your .hdr or .exr files.")
    files = sorted(path for path in Path(folder).glob("*") if path.suffix.lower() in HDRI_SUFFIXES)
    if not files:
        raise InputError(f"{folder}: has no .hdr or .exr file. Set room.hdri_dir to a folder that has some.")
    return files
