"""Things that stand in rooms, their sizes drawn; frames as in room_parts.py."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from odah_gen.scene.room_parts import Part, Prop, box, crossbar, moved, solid, upright

FLAT_M = 0.25
"""What reaches no farther into the room than this casts no shadow."""


def legs(material: str, width: float, depth: float, height: float, thick: float = 0.05) -> list[Part]:
    """Four square legs under a top of width × depth."""
    return [
        box(material, (x - thick / 2, x + thick / 2), (y - thick / 2, y + thick / 2), (0, height))
        for x in (-width / 2 + thick, width / 2 - thick)
        for y in (thick, depth - thick)
    ]


def door(random: np.random.Generator) -> list[Part]:
    """A closed door in its frame, with a handle."""
    half = random.uniform(0.42, 0.5)
    side = 1 if random.uniform() < 0.5 else -1
    handle = sorted((side * (half - 0.06), side * (half - 0.2)))
    return [
        box("door", (-half, half), (0, 0.03), (0, 2.05)),
        box("frame", (-half - 0.08, -half), (0, 0.05), (0, 2.13)),
        box("frame", (half, half + 0.08), (0, 0.05), (0, 2.13)),
        box("frame", (-half, half), (0, 0.05), (2.05, 2.13)),
        box("metal", (handle[0], handle[1]), (0.06, 0.08), (1.03, 1.055)),
        box("metal", (side * (half - 0.08) - 0.02, side * (half - 0.08) + 0.02), (0.03, 0.06), (0.98, 1.1)),
    ]


def window(random: np.random.Generator) -> list[Part]:
    """A bright window of two or three panes with a sill."""
    panes = int(random.integers(2, 4))
    half, low, high = panes * random.uniform(0.32, 0.42), 0.95, random.uniform(2.0, 2.3)
    posts = np.linspace(-half, half, panes + 1)
    return [
        box("pane", (-half, half), (0, 0.01), (low, high)),
        *(box("frame", (x - 0.03, x + 0.03), (0, 0.05), (low, high)) for x in posts),
        box("frame", (-half, half), (0, 0.05), (high - 0.05, high)),
        box("frame", (-half - 0.08, half + 0.08), (0, 0.16), (low - 0.04, low)),
    ]


def whiteboard(random: np.random.Generator) -> list[Part]:
    """A board with a rail for pens."""
    half, low = random.uniform(0.7, 1.1), 0.95
    return [
        box("board", (-half, half), (0, 0.02), (low, low + 1.1)),
        *(box("metal", (-half, half), (0, 0.03), (z - 0.012, z + 0.012)) for z in (low, low + 1.1)),
        *(box("metal", (x - 0.012, x + 0.012), (0, 0.03), (low, low + 1.1)) for x in (-half, half)),
        box("metal", (-half / 2, half / 2), (0.02, 0.09), (low - 0.02, low)),
    ]


def picture(random: np.random.Generator) -> list[Part]:
    """A framed picture: a few bands of colour."""
    wide, tall, middle = random.uniform(0.25, 0.6), random.uniform(0.25, 0.45), 1.55
    cut = middle + random.uniform(-0.5, 0.5) * tall
    return [
        box("dark", (-wide - 0.03, wide + 0.03), (0, 0.025), (middle - tall - 0.03, middle + tall + 0.03)),
        box("accent", (-wide, wide), (0, 0.03), (middle - tall, cut)),
        box("second", (-wide, wide), (0, 0.03), (cut, middle + tall)),
    ]


def table(random: np.random.Generator) -> list[Part]:
    """A plain table."""
    width, depth, height = random.uniform(1.1, 1.8), random.uniform(0.6, 0.8), random.uniform(0.72, 0.78)
    top = box("wood", (-width / 2, width / 2), (0, depth), (height - 0.035, height))
    return [top, *legs("metal", width, depth, height - 0.035)]


def desk(random: np.random.Generator) -> list[Part]:
    """A table with a monitor and a computer below."""
    parts = table(random)
    height, x = parts[0].center_m[2] + parts[0].size_m[2] / 2, random.uniform(-0.25, 0.25)
    return [
        *parts,
        box("dark", (x - 0.28, x + 0.28), (0.14, 0.17), (height + 0.12, height + 0.46)),
        box("dark", (x - 0.03, x + 0.03), (0.11, 0.14), (height, height + 0.25)),
        box("dark", (x - 0.13, x + 0.13), (0.06, 0.26), (height, height + 0.015)),
        box("dark", (x - 0.2, x + 0.2), (0.32, 0.46), (height, height + 0.02)),
        box("dark", (0.3, 0.48), (0.08, 0.48), (0.02, 0.42)),
    ]


def chair(random: np.random.Generator) -> list[Part]:
    """A chair with its back to the wall."""
    width, seat = random.uniform(0.42, 0.48), 0.45
    half = width / 2
    return [
        box("accent", (-half, half), (0.05, 0.48), (seat - 0.05, seat)),
        box("accent", (-half, half), (0.02, 0.06), (seat + 0.15, seat + 0.45)),
        *legs("metal", width, 0.46, seat - 0.05, 0.035),
        *(
            box("metal", (x - 0.0175, x + 0.0175), (0.02, 0.055), (seat - 0.05, seat + 0.2))
            for x in (-half + 0.05, half - 0.05)
        ),
    ]


def chairs(random: np.random.Generator) -> list[Part]:
    """A row of chairs."""
    count, single = int(random.integers(2, 4)), chair(random)
    return [moved(part, 0.55 * (i - (count - 1) / 2)) for i in range(count) for part in single]


def shelf(random: np.random.Generator) -> list[Part]:
    """Shelves with books and boxes."""
    half, depth, height = random.uniform(0.4, 0.6), 0.32, random.uniform(1.3, 2.0)
    count = int(random.integers(3, 6))
    boards = np.linspace(0.06, height, count)
    parts = [box("wood", (x - 0.012, x + 0.012), (0, depth), (0, height)) for x in (-half, half)]
    parts += [box("wood", (-half, half), (0, depth), (z - 0.012, z + 0.012)) for z in boards]
    parts.append(box("wood", (-half, half), (0, 0.01), (0, height)))
    for z in boards[:-1]:
        parts += books(random, half, z + 0.012, min(0.3, height / count * 0.75))
    return parts


def books(random: np.random.Generator, half: float, z: float, tall: float) -> list[Part]:
    """Blocks of books on a shelf between −half and half."""
    parts, x = [], -half + 0.03 + random.uniform(0, 0.1)
    while x < half - 0.2:
        wide = random.uniform(0.06, 0.16)
        material = ("accent", "second", "paper", "dark")[int(random.integers(4))]
        parts.append(
            box(material, (x, x + wide), (0.03, random.uniform(0.18, 0.26)), (z, z + tall * random.uniform(0.65, 1)))
        )
        x += wide + (random.uniform(0.1, 0.3) if random.uniform() < 0.35 else 0.004)
    return parts


def cabinet(random: np.random.Generator) -> list[Part]:
    """A cupboard with two doors."""
    half, depth, height = random.uniform(0.4, 0.55), 0.42, random.uniform(0.9, 1.9)
    return [
        box("paint", (-half, half), (0, depth), (0.05, height)),
        box("dark", (-half + 0.03, half - 0.03), (0.02, depth - 0.03), (0, 0.05)),
        *(
            box(
                "paint", sorted_pair(side * 0.004, side * (half - 0.006)), (depth, depth + 0.012), (0.06, height - 0.01)
            )
            for side in (-1, 1)
        ),
        *(
            upright("metal", side * 0.05, depth + 0.03, (height * 0.45, height * 0.45 + 0.14), 0.014)
            for side in (-1, 1)
        ),
    ]


def sorted_pair(first: float, second: float) -> tuple[float, float]:
    """The smaller and the larger."""
    return min(first, second), max(first, second)


def wall_bars(random: np.random.Generator) -> list[Part]:
    """Swedish ladder: bars between uprights, one to three fields wide."""
    fields, height, bars = int(random.integers(1, 4)), random.uniform(2.2, 2.5), 13
    posts = [0.9 * (i - fields / 2) for i in range(fields + 1)]
    parts = [box("wood", (x - 0.02, x + 0.02), (0, 0.12), (0, height)) for x in posts]
    return parts + [
        crossbar("wood", (posts[0], posts[-1]), 0.09, float(z), 0.035) for z in np.linspace(0.25, height - 0.06, bars)
    ]


def treadmill(random: np.random.Generator) -> list[Part]:
    """A treadmill with handrails and a console, its long side against the wall."""
    half, deep = random.uniform(0.8, 0.95), 0.75
    front = half - 0.12
    return [
        box("dark", (-half, half), (0.05, deep), (0, 0.15)),
        box("rubber", (-half + 0.06, front - 0.12), (0.15, deep - 0.1), (0.15, 0.16)),
        box("dark", (front - 0.1, half), (0.05, deep), (0.15, 0.26)),
        *(upright("metal", front, y, (0.2, 1.2), 0.05) for y in (0.1, deep - 0.05)),
        *(crossbar("metal", (front - 0.7, front), y, 1.0, 0.04) for y in (0.1, deep - 0.05)),
        box("dark", (front - 0.04, front + 0.06), (0.1, deep - 0.05), (1.12, 1.38)),
        box("pane", (front - 0.05, front - 0.04), (0.25, deep - 0.2), (1.17, 1.33)),
    ]


def exercise_ball(random: np.random.Generator) -> list[Part]:
    """A large ball."""
    size = random.uniform(0.5, 0.72)
    return [solid("ball", "accent", (-size / 2, size / 2), (0.02, 0.02 + size), (0, size * 0.97))]


def mats(random: np.random.Generator) -> list[Part]:
    """A pile of mats."""
    half, deep, count = random.uniform(0.7, 0.95), random.uniform(0.6, 0.9), int(random.integers(2, 6))
    return [
        box(("accent", "second")[i % 2], (-half, half), (0.03, 0.03 + deep), (0.06 * i, 0.06 * i + 0.055))
        for i in range(count)
    ]


def dumbbells(random: np.random.Generator) -> list[Part]:
    """A rack of dumbbells on two boards."""
    half = random.uniform(0.55, 0.8)
    parts = [box("metal", (x - 0.03, x + 0.03), (0.05, 0.45), (0, 0.85)) for x in (-half, half)]
    for y, z in ((0.3, 0.4), (0.18, 0.8)):
        parts.append(box("metal", (-half, half), (y - 0.13, y + 0.13), (z - 0.03, z)))
        for x in np.arange(-half + 0.12, half - 0.08, 0.2):
            parts.append(solid("rod_y", "metal", (x - 0.015, x + 0.015), (y - 0.12, y + 0.12), (z + 0.04, z + 0.07)))
            parts += [
                solid("rod_y", "dark", (x - 0.06, x + 0.06), sorted_pair(y + s * 0.06, y + s * 0.14), (z, z + 0.12))
                for s in (-1, 1)
            ]
    return parts


def bench(random: np.random.Generator) -> list[Part]:
    """A long low bench."""
    half = random.uniform(0.7, 1.1)
    return [
        box("wood", (-half, half), (0.05, 0.38), (0.4, 0.44)),
        *(box("metal", (x - 0.03, x + 0.03), (0.08, 0.35), (0, 0.4)) for x in (-half + 0.2, half - 0.2)),
    ]


def sofa(random: np.random.Generator) -> list[Part]:
    """A sofa for two or three."""
    seats = int(random.integers(2, 4))
    half, deep = seats * 0.34 + 0.02, 0.85
    return [
        box("cloth", (-half, half), (0.05, deep), (0.08, 0.3)),
        box("cloth", (-half, half), (0.05, 0.28), (0.3, 0.8)),
        *(box("cloth", sorted_pair(s * half, s * (half + 0.18)), (0.05, deep), (0.08, 0.6)) for s in (-1, 1)),
        *(
            box("cloth", (-half + 0.68 * i + 0.03, -half + 0.68 * (i + 1) - 0.01), (0.28, deep + 0.02), (0.3, 0.44))
            for i in range(seats)
        ),
        box("accent", (-half + 0.05, -half + 0.43), (0.28, 0.4), (0.44, 0.8)),
        *(
            box("dark", (x - 0.03, x + 0.03), (y - 0.03, y + 0.03), (0, 0.08))
            for x in (-half, half)
            for y in (0.12, deep - 0.08)
        ),
    ]


def sideboard(random: np.random.Generator) -> list[Part]:
    """A low board with a television."""
    half, x = random.uniform(0.75, 1.0), random.uniform(-0.1, 0.1)
    return [
        box("wood", (-half, half), (0.02, 0.42), (0.1, 0.5)),
        *(box("dark", (at - 0.003, at + 0.003), (0.42, 0.423), (0.12, 0.48)) for at in (-half / 3, half / 3)),
        *(box("metal", (at - 0.02, at + 0.02), (0.05, 0.38), (0, 0.1)) for at in (-half + 0.12, half - 0.12)),
        box("dark", (x - 0.15, x + 0.15), (0.12, 0.32), (0.5, 0.515)),
        box("dark", (x - 0.03, x + 0.03), (0.2, 0.23), (0.5, 0.6)),
        box("screen", (x - 0.55, x + 0.55), (0.19, 0.23), (0.58, 1.22)),
    ]


def floor_lamp(random: np.random.Generator) -> list[Part]:
    """A standing lamp with a shade that glows faintly."""
    height = random.uniform(1.4, 1.7)
    return [
        solid("rod_z", "dark", (-0.14, 0.14), (0.06, 0.34), (0, 0.025)),
        upright("dark", 0, 0.2, (0.02, height - 0.25), 0.025),
        solid("rod_z", "shade", (-0.19, 0.19), (0.01, 0.39), (height - 0.3, height)),
    ]


def plant(random: np.random.Generator) -> list[Part]:
    """A pot with a bush of leaves on thin stems."""
    pot, height = random.uniform(0.28, 0.4), random.uniform(0.8, 1.5)
    y = 0.32
    parts = [
        solid("rod_z", "pot", (-pot / 2, pot / 2), (y - pot / 2, y + pot / 2), (0, pot)),
        upright("bark", 0, y, (pot, height - 0.1), 0.03),
    ]
    for _ in range(16):
        level, turn = random.uniform(0.25, 1), random.uniform(0, 2 * np.pi)
        reach = random.uniform(0.08, 0.3) * (1.15 - 0.6 * level)
        x, z = reach * np.cos(turn), pot + level * (height - pot)
        side = y + reach * np.sin(turn)
        # A leaf reaches back to the stem.
        wide, flat = np.maximum(random.uniform(0.06, 0.13, 2), np.abs([x, side - y]))
        tall = random.uniform(0.04, 0.09)
        parts.append(
            solid("ball", "leaf", (x - wide, x + wide), (max(side - flat, 0.01), side + flat), (z - tall, z + tall))
        )
    return parts


def couch(random: np.random.Generator) -> list[Part]:
    """An examination couch with paper on it."""
    half, deep, high = 0.95, 0.65, random.uniform(0.6, 0.75)
    return [
        box("accent", (-half, half), (0.04, deep), (high - 0.1, high)),
        box("paper", (-half + 0.01, half - 0.35), (0.14, deep - 0.1), (high, high + 0.006)),
        box("paper", (half - 0.4, half - 0.08), (0.12, deep - 0.08), (high, high + 0.09)),
        *legs("metal", 2 * half - 0.2, deep, high - 0.1, 0.045),
        crossbar("metal", (-half + 0.15, half - 0.15), 0.1, 0.2, 0.03),
    ]


def basin(random: np.random.Generator) -> list[Part]:
    """A washbasin with a mirror above tiles."""
    return [
        box("board", (-0.28, 0.28), (0, 0.4), (0.76, 0.88)),
        box("metal", (-0.2, 0.2), (0.08, 0.34), (0.88, 0.883)),
        upright("board", 0, 0.12, (0, 0.76), 0.14),
        upright("metal", 0, 0.06, (0.88, 1.02), 0.025),
        solid("rod_y", "metal", (-0.012, 0.012), (0.05, 0.2), (1.0, 1.025)),
        box("screen", (-0.25, 0.25), (0, 0.015), (1.25, 1.85)),
    ]


def folding_screen(random: np.random.Generator) -> list[Part]:
    """A screen of three cloth panels on a frame."""
    parts = []
    for i, y in enumerate((0.06, 0.12, 0.06)):
        x = 0.62 * (i - 1)
        parts.append(box("cloth", (x - 0.28, x + 0.28), (y - 0.008, y + 0.008), (0.2, 1.68)))
        parts += [upright("metal", x + s * 0.295, y, (0, 1.72), 0.025) for s in (-1, 1)]
        parts += [crossbar("metal", (x - 0.295, x + 0.295), y, z, 0.022) for z in (0.18, 1.7)]
    return parts


def handrail(random: np.random.Generator) -> list[Part]:
    """A rail along the wall."""
    half = random.uniform(1.0, 1.8)
    return [
        crossbar("wood", (-half, half), 0.08, 0.9, 0.045),
        *(solid("rod_y", "metal", (x - 0.012, x + 0.012), (0, 0.08), (0.87, 0.894)) for x in (-half + 0.2, half - 0.2)),
    ]


def notice_board(random: np.random.Generator) -> list[Part]:
    """Cork with sheets of paper."""
    half = random.uniform(0.45, 0.7)
    parts = [
        box("metal", (-half - 0.02, half + 0.02), (0, 0.02), (1.08, 1.87)),
        box("cork", (-half, half), (0, 0.025), (1.1, 1.85)),
    ]
    for x in np.arange(-half + 0.15, half - 0.12, 0.27):
        z = random.uniform(1.3, 1.65)
        parts.append(
            box(("paper", "second")[int(random.integers(2))], (x - 0.1, x + 0.1), (0.025, 0.027), (z - 0.14, z + 0.14))
        )
    return parts


def tripod(random: np.random.Generator) -> list[Part]:
    """A camera on a stand."""
    high = random.uniform(1.2, 1.5)
    return [
        upright("dark", 0, 0.3, (0.25, high), 0.035),
        crossbar("dark", (-0.28, 0.28), 0.3, 0.015, 0.03),
        solid("rod_y", "dark", (-0.015, 0.015), (0.03, 0.57), (0, 0.03)),
        upright("dark", 0, 0.3, (0.02, 0.25), 0.05),
        box("dark", (-0.07, 0.07), (0.24, 0.4), (high, high + 0.11)),
        solid("rod_y", "metal", (-0.04, 0.04), (0.4, 0.48), (high + 0.02, high + 0.1)),
    ]


def crate(random: np.random.Generator) -> list[Part]:
    """One or two wooden boxes."""
    half, deep, high = random.uniform(0.2, 0.35), random.uniform(0.3, 0.45), random.uniform(0.25, 0.45)
    parts = [box("wood", (-half, half), (0.05, 0.05 + deep), (0, high))]
    if random.uniform() < 0.5:
        parts.append(box("wood", (-half * 0.8, half * 0.6), (0.08, deep), (high, high * 1.7)))
    return parts


Builder = Callable[[np.random.Generator], list[Part]]
PROPS: dict[str, Builder] = {
    builder.__name__: builder
    for builder in (
        door, window, whiteboard, picture, table, desk, chair, chairs, shelf, cabinet, wall_bars, treadmill,
        exercise_ball, mats, dumbbells, bench, sofa, sideboard, floor_lamp, plant, couch, basin, folding_screen,
        handrail, notice_board, tripod, crate,
    )
}  # fmt: skip


def build_prop(name: str, generator: np.random.Generator) -> Prop:
    """A prop in its own frame, its sizes drawn."""
    prop = Prop(name, tuple(PROPS[name](generator)))
    return replace(prop, shadow=bool(prop.bounds_m[1, 1] > FLAT_M))
