"""Kinds of rooms: how large, of what surfaces, with what things in them and which light."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from odah_gen.scene.appearance import Fabric, Material, Rgb, linear, material, pick
from odah_gen.scene.room import Range, Room
from odah_gen.scene.room_parts import Part, Prop

SURFACE_TILES_M = {
    "boards": 2.1, "wood": 0.8, "tiles": 1.8, "carpet": 1.0, "linoleum": 1.6, "speckle": 1.2, "plaster": 1.5,
    "concrete": 2.4, "brick": 1.5, "panels": 1.25,
}  # fmt: skip
"""Side of the square that repeats."""
FLOOR_COLORS = {
    "boards": (("b98a5a", "8a5f38"), ("c9a878", "a27e50"), ("7a5638", "4f3522"), ("d8c3a0", "b59c78")),
    "tiles": (("b9b5ac", "8a8882"), ("8f9498", "6c7074"), ("cfc8ba", "9a958a"), ("a08873", "7a6656")),
    "carpet": (("5b6270", "7f8694"), ("8b8378", "aaa295"), ("6b5d58", "8f7f78"), ("4f6466", "728688")),
    "linoleum": (("8c979c", "aab4b6"), ("9a9484", "b8b2a2"), ("7f9488", "a2b3a8"), ("6f8299", "93a4b6")),
    "speckle": (("4a4b4e", "8d8f92", "5573a8"), ("a29d94", "cfcac0", "6a645c"), ("54585a", "9a9c9c", "7c9a68")),
    "concrete": (("8c8b88",), ("a3a09a",), ("787a7c",)),
}
WALL_COLORS = {
    "plaster": ("e4e0d6", "d6dcde", "e2d8c6", "d3dccf", "dfd6da", "c9d0d6", "d8c9b0", "bcc8c2"),
    "brick": ("d8d5cc", "c9ced0", "d6c8b4", "b4a08e"),
    "concrete": ("a8a6a1", "b8b5ae"),
    "tiles": ("dfe5e4", "d3e0e2", "e6e2d8"),
}
WALL_SHADE = 0.85
"""Walls as light as fresh paint are blown out beside a lamp."""
JOINT = "a5a29b"
ACCENTS = ("3f5f8a", "2f7f7c", "a5473c", "c28a3a", "5c7a4a", "6a5580", "39424e", "b8b0a2")
CLOTHS = ("6f7680", "8a7b68", "4c5a66", "a49a88", "5f6b58", "7c5a4e")
WOODS = (("b78b5e", "8a6038"), ("d3b48a", "b28f62"), ("7d5a3c", "54392a"), ("c2b29a", "9c8b72"))
PAINTS = ("c9cbc9", "8f979c", "b7c0bd", "d6d2c8")
SKIRTING_M = (0.08, 0.012)
DADO_M = (1.1, 0.006)
PANEL_M = 0.02


@dataclass(frozen=True)
class RoomKind:
    """What a kind of room may look like.

    Attributes:
        floors, walls: patterns to choose from.
        always: props of every such room.
        maybe: props of which some are there.
        some: how many of `maybe`, at least and at most.
        dado: how often the walls' lower part has a colour of its own.
        free_m, height_m: as in `room_around`.
        spacing_m, temperature_k: as in `ceiling_lights`.
        panelled: whether the ceiling is of panels.
    """

    floors: tuple[str, ...]
    walls: tuple[str, ...]
    always: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()
    some: tuple[int, int] = (0, 0)
    dado: float = 0.0
    free_m: Range = (1.3, 2.4)
    height_m: Range = (2.7, 3.2)
    spacing_m: Range = (2.2, 3.4)
    temperature_k: Range = (3800, 5800)
    panelled: bool = False


ROOM_KINDS = {
    "lab": RoomKind(
        floors=("linoleum", "concrete", "speckle"), walls=("plaster", "concrete"), panelled=True,
        always=("door", "whiteboard", "desk", "cabinet"), some=(3, 6),
        maybe=("window", "shelf", "tripod", "table", "chair", "notice_board", "treadmill", "crate", "desk"),
    ),
    "gym": RoomKind(
        floors=("boards", "speckle"), walls=("brick", "plaster", "concrete"), dado=0.5,
        free_m=(1.6, 3.0), height_m=(3.4, 4.4),
        always=("wall_bars", "door", "treadmill", "mats"), some=(3, 6),
        maybe=("window", "bench", "exercise_ball", "dumbbells", "wall_bars", "exercise_ball", "mats", "treadmill"),
    ),
    "corridor": RoomKind(
        floors=("linoleum", "tiles", "speckle"), walls=("plaster", "brick"), dado=0.7, panelled=True,
        free_m=(1.0, 1.5), height_m=(2.5, 2.8), spacing_m=(1.8, 2.6),
        always=("door", "door", "handrail", "door"), some=(2, 5),
        maybe=("door", "notice_board", "chairs", "plant", "bench", "picture", "window", "handrail"),
    ),
    "living room": RoomKind(
        floors=("boards", "carpet"), walls=("plaster",), temperature_k=(2900, 4200),
        height_m=(2.5, 2.9), spacing_m=(2.6, 3.6),
        always=("window", "sofa", "shelf", "floor_lamp"), some=(3, 6),
        maybe=("plant", "sideboard", "picture", "picture", "door", "table", "chair", "window", "crate", "plant"),
    ),
    "clinic": RoomKind(
        floors=("linoleum", "tiles"), walls=("plaster", "tiles"), dado=0.4, panelled=True, height_m=(2.6, 2.9),
        always=("couch", "door", "cabinet", "basin"), some=(2, 5),
        maybe=("window", "folding_screen", "desk", "chairs", "notice_board", "plant", "picture", "chair"),
    ),
    "studio": RoomKind(
        floors=("concrete", "carpet", "linoleum"), walls=("plaster", "concrete"), height_m=(2.9, 3.6), some=(0, 2),
        maybe=("tripod", "crate", "door"), temperature_k=(4300, 5600),
    ),
}  # fmt: skip


def draw_props(kind: RoomKind, generator: np.random.Generator) -> list[str]:
    """Names of the things in a room, those that are always there first."""
    least, most = kind.some
    chosen = generator.permutation(len(kind.maybe))[: int(generator.integers(least, most + 1))]
    return [*kind.always, *(kind.maybe[int(i)] for i in chosen)]


def draw_surfaces(kind: RoomKind, generator: np.random.Generator) -> dict[str, Material]:
    """Floor, walls, ceiling, and whatever the props of a room may be made of."""
    floor, walls = pick(kind.floors, generator), pick(kind.walls, generator)
    colors = [linear(color) for color in FLOOR_COLORS[floor][int(generator.integers(len(FLOOR_COLORS[floor])))]]
    red, green, blue = (WALL_SHADE * part for part in linear(pick(WALL_COLORS[walls], generator)))
    wall = (red, green, blue)
    accent, second = (linear(ACCENTS[int(i)]) for i in generator.permutation(len(ACCENTS))[:2])
    wood = [linear(color) for color in WOODS[int(generator.integers(len(WOODS)))]]
    cloth = linear(pick(CLOTHS, generator))
    surfaces = {
        "floor": patterned(floor, colors, generator.uniform(0.35, 0.65), generator),
        "walls": patterned(walls, [wall, linear(JOINT)], 0.35 if walls == "tiles" else 0.9, generator),
        "ceiling": ceiling(kind, generator),
        "skirting": material(np.array(wall) * 0.5, 0.6),
        "dado": material(mixed(wall, accent, generator.uniform(0.35, 0.7)), 0.5),
        "door": material(pick_color(PAINTS, generator), 0.5) if generator.uniform() < 0.5 else wooden(wood, generator),
        "wood": wooden(wood, generator),
        "paint": material(pick_color(PAINTS, generator), 0.45),
        "cloth": patterned("carpet", [cloth, tuple(1.3 * np.array(cloth))], 0.95, generator, tile_m=0.3),
        "accent": material(accent, 0.6),
        "second": material(second, 0.6),
    }
    return surfaces | plain_surfaces()


def plain_surfaces() -> dict[str, Material]:
    """Surfaces that look alike in every room."""
    return {
        "metal": material(linear("9a9c9f"), 0.3),
        "dark": material(linear("2b2c2f"), 0.5),
        "rubber": material(linear("1d1d1f"), 0.85),
        "frame": material(linear("c6c4bd"), 0.5),
        "board": material(linear("e6e7e6"), 0.25),
        "paper": material(linear("dedbd2"), 0.9),
        "cork": material(linear("a67c50"), 0.95),
        "screen": material(linear("17191c"), 0.15),
        "pot": material(linear("8d5a42"), 0.8),
        "bark": material(linear("5a4630"), 0.9),
        "leaf": material(linear("3f6a36"), 0.6),
        "pane": replace(material(linear("c4d6e6"), 0.2), glow=0.35),
        "shade": replace(material(linear("e8d3a8"), 0.9), glow=0.6),
        "lamp": replace(material(linear("f4f4f0"), 0.9), glow=1.0),
    }


def ceiling(kind: RoomKind, generator: np.random.Generator) -> Material:
    """A white ceiling, of panels or plain."""
    # EEVEE has no light that bounces from the floor; without the glow a ceiling whose lamps shine down is black.
    white = linear("efeeea")
    plain = replace(material(white, 0.9), glow=0.4)
    return plain.of(Fabric("panels", (white, linear("b4b4b0")), SURFACE_TILES_M["panels"])) if kind.panelled else plain


def patterned(
    pattern: str, colors: Sequence[Rgb], roughness: float, generator: np.random.Generator, tile_m: float | None = None
) -> Material:
    """A surface with a pattern of the usual size."""
    fabric = Fabric(pattern, tuple(colors), tile_m or SURFACE_TILES_M[pattern], int(generator.integers(1000)))
    return material(colors[0], roughness).of(fabric)


def wooden(colors: Sequence[Rgb], generator: np.random.Generator) -> Material:
    """Furniture of wood."""
    return patterned("wood", colors, 0.5, generator)


def pick_color(choices: Sequence[str], generator: np.random.Generator) -> Rgb:
    """One of some sRGB colours, linear."""
    return linear(pick(choices, generator))


def mixed(first: Rgb, second: Rgb, share: float) -> np.ndarray:
    """A colour between two."""
    return (1 - share) * np.array(first) + share * np.array(second)


def draw_trim(kind: RoomKind, room: Room, generator: np.random.Generator) -> list[Prop]:
    """What runs around the room: a skirting board, and in some a lower wall of another colour."""
    trim = [around("skirting", room, *SKIRTING_M)]
    return [*trim, around("dado", room, *DADO_M)] if generator.uniform() < kind.dado else trim


def around(name: str, room: Room, height_m: float, thick_m: float) -> Prop:
    """A strip along the foot of all four walls."""
    low, high = room.min_m, room.max_m
    middle, extent = (low + high) / 2, high - low
    parts = []
    for axis in (0, 1):
        for wall, inward in ((low[axis], 1), (high[axis], -1)):
            center, size = middle.copy(), extent.copy()
            center[axis], size[axis] = wall + inward * thick_m / 2, thick_m
            center[2], size[2] = height_m / 2, height_m
            parts.append(Part("box", (*center.tolist(),), (*size.tolist(),), name))
    return Prop(name, tuple(parts))
