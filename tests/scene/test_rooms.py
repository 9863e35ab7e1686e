"""Rooms hold the clip, their things stand on floor or wall, and nothing comes near the body or between it and a camera."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_addon.rooms import room_surfaces
from blender_addon.textures import PATTERNS
from odah_gen.config import Camera as CameraConfig
from odah_gen.config import Room as RoomConfig
from odah_gen.errors import InputError
from odah_gen.scene.cameras import Camera, outline, place_cameras
from odah_gen.scene.place import Place, choose_kind, draw_place
from odah_gen.scene.room import Room
from odah_gen.scene.room_kinds import ROOM_KINDS, SURFACE_TILES_M, draw_surfaces
from odah_gen.scene.room_lights import MOST_LIGHTS, black_body, ceiling_lights, light_color
from odah_gen.scene.room_parts import Part, Prop
from odah_gen.scene.room_placing import distance
from odah_gen.scene.room_props import PROPS, build_prop
from odah_gen.scene.stage import describe_place
from odah_gen.scene.wardrobe import TILES_M

TOUCH_M = 0.021


def clip_of(seed: int) -> tuple[np.ndarray, dict[str, Camera]]:
    """Outline of a body that walks somewhere, and its cameras."""
    random = np.random.default_rng(seed)
    body = random.uniform([-0.4, -0.5, 0], [0.4, 0.5, random.uniform(0.5, 2.4)], (300, 3))
    path = np.linspace(0, 1, 5)[:, None, None] * random.uniform([-1, -2, 0], [5, 2, 0])
    points = outline((body + path).reshape(-1, 3))
    return points, place_cameras(CameraConfig(), points, lambda name: random)


def place_of(seed: int, kind: str) -> tuple[Place, np.ndarray, dict[str, Camera]]:
    """A place around such a clip."""
    points, cameras = clip_of(seed)
    return draw_place(RoomConfig(), kind, points, cameras, np.random.default_rng(seed)), points, cameras


def boxes(place: Place) -> list[np.ndarray]:
    """Bounds of the things along the walls, without what belongs to the walls and the ceiling."""
    return [prop.bounds_m for prop in place.props if prop.name not in ("skirting", "dado", "lamp")]


def crosses(start: np.ndarray, ends: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Whether lines from one point to others [N, 3] go through a box (slabs)."""
    way = ends - start
    with np.errstate(divide="ignore", invalid="ignore"):
        at = (bounds[:, None] - start) / way
    return np.maximum(at.min(0).max(1), 0) < np.minimum(at.max(0).min(1), 1)


@given(st.integers(0, 10**6), st.sampled_from(list(ROOM_KINDS)))
@settings(max_examples=25, deadline=None)
def test_nothing_touches_or_hides_the_body(seed: int, kind: str) -> None:
    place, points, cameras = place_of(seed, kind)
    weights = np.random.default_rng(seed).dirichlet(np.full(len(points), 0.1), size=300)
    inside = np.concatenate([points, weights @ points])
    for bounds in boxes(place):
        assert not ((inside > bounds[0] - 0.2) & (inside < bounds[1] + 0.2)).all(1).any()
        for camera in cameras.values():
            assert not crosses(camera.position_m, inside, bounds).any()


@given(st.integers(0, 10**6), st.sampled_from(list(ROOM_KINDS)))
@settings(max_examples=25, deadline=None)
def test_every_camera_s_view_is_free_up_to_the_body(seed: int, kind: str) -> None:
    place, points, cameras = place_of(seed, kind)
    random = np.random.default_rng(seed)
    for camera in cameras.values():
        near = (points @ camera.rotation.T + camera.translation_m)[:, 2].min()
        pixels = random.uniform(size=(500, 2)) * [camera.width, camera.height]
        rays = np.column_stack([pixels, np.ones(500)]) @ np.linalg.inv(camera.intrinsics).T
        ends = (rays * near - camera.translation_m) @ camera.rotation
        assert not any(crosses(camera.position_m, ends, bounds).any() for bounds in boxes(place))


@given(st.integers(0, 10**6), st.sampled_from(list(ROOM_KINDS)))
@settings(max_examples=20, deadline=None)
def test_things_stand_on_the_floor_or_hang_on_a_wall_apart_from_each_other(seed: int, kind: str) -> None:
    place, points, cameras = place_of(seed, kind)
    low, high = place.room.min_m, place.room.max_m
    assert (points > low - 1e-9).all()
    assert (points < high).all()
    for camera in cameras.values():
        assert (camera.position_m > low + 0.4).all()
        assert (camera.position_m < high - 0.4).all()
    found = boxes(place)
    for i, bounds in enumerate(found):
        assert (bounds[0] >= low - 1e-6).all()
        assert (bounds[1] <= high + 1e-6).all()
        on_wall = min(np.abs(bounds[0] - low)[:2].min(), np.abs(bounds[1] - high)[:2].min()) < 1e-6
        assert abs(bounds[0, 2]) < 1e-6 or on_wall
        for other in found[:i]:
            assert ((bounds[0] > other[1]) | (bounds[1] < other[0]))[:2].any()


@pytest.mark.parametrize("name", PROPS)
def test_parts_of_a_thing_hold_together(name: str) -> None:
    """From the part that touches floor or wall one gets to every other over parts that touch."""
    for seed in range(12):
        prop = build_prop(name, np.random.default_rng(seed))
        assert prop.bounds_m[0, 1] > -1e-9  # nothing in the wall
        assert prop.bounds_m[0, 2] > -1e-9
        bounds = np.array([Prop("", (part,)).bounds_m for part in prop.parts])
        low, high = bounds[:, 0] - TOUCH_M / 2, bounds[:, 1] + TOUCH_M / 2
        touch = ((low[:, None] <= high[None]) & (high[:, None] >= low[None])).all(-1)
        held = (bounds[:, 0, 2] < TOUCH_M) | (bounds[:, 0, 1] < TOUCH_M / 2)
        assert held.any()
        for _ in prop.parts:
            held = held | touch[held].any(0)
        assert held.all(), [part for part, is_held in zip(prop.parts, held, strict=True) if not is_held]


def test_rooms_of_a_kind_have_their_things() -> None:
    """Most of what makes a room what it is finds a place."""
    for kind, look in ROOM_KINDS.items():
        shares = []
        for seed in range(6):
            names = [prop.name for prop in place_of(seed, kind)[0].props]
            shares += [name in names for name in look.always]
        assert not shares or np.mean(shares) > 0.7, kind


def test_kinds_are_drawn_evenly_and_places_by_the_seed_alone() -> None:
    kinds = [choose_kind(RoomConfig(), np.random.default_rng(seed)) for seed in range(300)]
    assert all(30 < kinds.count(kind) < 70 for kind in ROOM_KINDS)
    first, again, other = (describe_place(place_of(seed, "lab")[0], Path()) for seed in (4, 4, 5))
    assert first == again != other


def test_a_room_without_props_is_empty() -> None:
    points, cameras = clip_of(1)
    place = draw_place(RoomConfig(props=False), "gym", points, cameras, np.random.default_rng(1))
    assert not boxes(place)


@given(st.integers(0, 10**6), st.floats(3, 30), st.floats(3, 30))
@settings(max_examples=60, deadline=None)
def test_lights_are_few_and_even_over_the_ceiling(seed: int, wide: float, deep: float) -> None:
    room = Room(np.array([-1.0, 2.0, 0.0]), np.array([wide - 1, deep + 2, 3.0]))
    lights = ceiling_lights(room, np.random.default_rng(seed))
    assert 1 <= len(lights) <= MOST_LIGHTS
    places = np.array([light.position_m for light in lights])
    assert np.allclose(places.mean(0)[:2], (room.min_m + room.max_m)[:2] / 2)
    assert len(np.unique(places.round(6), axis=0)) == len(lights)
    assert ((places > room.min_m) & (places < room.max_m)).all()
    assert (places[:, 2] > 2.9).all()
    power = np.array([light.power_w for light in lights])
    assert power.max() <= 13 * 9 + 1e-9
    assert power.max() / power.min() < 1.25 / 0.75 + 1e-9
    assert all(np.isclose(np.dot(light.color_linear, [0.2126, 0.7152, 0.0722]), 1) for light in lights)


def test_colour_temperature() -> None:
    """6504 K is the white of sRGB, 4500 K that of the camera; lower is redder, higher bluer."""
    day = black_body(6504)
    assert np.allclose(day / day[1], 1, atol=0.06)  # daylight lies beside the black body's line
    assert np.allclose(light_color(4500), 1)
    blue = [light_color(kelvin)[2] / light_color(kelvin)[0] for kelvin in (2800, 3500, 4100, 5000, 6500)]
    assert (np.diff(blue) > 0).all()


def test_every_surface_can_be_drawn_and_every_part_has_one() -> None:
    assert set(TILES_M) | set(SURFACE_TILES_M) == set(PATTERNS)
    for seed in range(6):
        for look in ROOM_KINDS.values():
            surfaces = draw_surfaces(look, np.random.default_rng(seed))
            materials = {
                part.material for name in PROPS for part in build_prop(name, np.random.default_rng(seed)).parts
            }
            assert materials <= set(surfaces)
            assert all(0 <= part <= 1 for surface in surfaces.values() for part in surface.color_linear)


def content_of(*parts: Part) -> dict:
    """A scene with one prop."""
    prop = Prop("thing", parts, shadow=True).as_json()
    return {"room": {"min_m": [-2, -3, 0], "max_m": [3, 4, 2.5]}, "props": [prop]}


@pytest.mark.parametrize(
    ("shape", "share", "tolerance"),
    [("box", 1, 1e-12), ("rod_x", np.pi / 4, 0.03), ("rod_z", np.pi / 4, 0.03), ("ball", np.pi / 6, 0.08)],
)
def test_solids_are_closed_and_face_outward(shape: str, share: float, tolerance: float) -> None:
    """The volume inside the faces, by the divergence theorem, is that of the solid."""
    surface = room_surfaces(content_of(Part(shape, (0.3, -1, 0.7), (0.4, 0.6, 1.1), "wood")))["wood", True]
    corners = surface.vertices[surface.faces]
    volume = sum((np.cross(corners[:, 0], corners[:, i]) * corners[:, i + 1]).sum() for i in (1, 2)) / 6
    assert volume == pytest.approx(share * 0.4 * 0.6 * 1.1, rel=tolerance)
    assert np.allclose([surface.vertices.min(0), surface.vertices.max(0)], [[0.1, -1.3, 0.15], [0.5, -0.7, 1.25]])


def test_room_is_seen_from_inside_and_textures_have_their_true_size() -> None:
    surfaces = room_surfaces(content_of(Part("box", (0, 0, 1), (0.4, 0.6, 1.1), "wood")))
    middle = np.array([0.5, 0.5, 1.25])
    for name in ("floor", "walls", "ceiling"):
        corners = surfaces[name, False].vertices[surfaces[name, False].faces]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert ((normal * (middle - corners.mean(1))).sum(1) > 0).all()
    for surface in surfaces.values():
        corners, flat = surface.vertices[surface.faces], surface.uv_m
        for i in range(4):
            side = np.linalg.norm(corners[:, i] - corners[:, i - 1], axis=1)
            assert np.allclose(side, np.linalg.norm(flat[:, i] - flat[:, i - 1], axis=1))
    walls = surfaces["walls", False]
    assert np.allclose(walls.uv_m[..., 1], walls.vertices[walls.faces][..., 2])


def test_distance_of_polygons_is_never_too_large() -> None:
    """Against the distances of points of their borders."""
    random = np.random.default_rng(0)
    square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    share = np.linspace(0, 1, 60, endpoint=False)[:, None]
    border = np.concatenate([square[i - 1] + share * (square[i] - square[i - 1]) for i in range(4)])
    assert distance(square, square + np.array([3, 0.5])) == pytest.approx(2)
    for _ in range(200):
        move = random.uniform(-3, 3, 2)
        true = np.linalg.norm(border[:, None] - (border + move), axis=-1).min()
        assert distance(square, square + move) <= true + 1e-9
        if np.abs(move).max() < 0.98:
            assert distance(square, square + move) == 0


def test_surroundings_come_from_the_user_s_folder(tmp_path: Path) -> None:
    points, cameras = clip_of(3)

    def drawn(folder: str | None, seed: int = 0) -> Place:
        config = RoomConfig(kinds=("hdri",), hdri_dir=folder)
        return draw_place(config, "hdri", points, cameras, np.random.default_rng(seed))

    with pytest.raises(InputError, match="is null, but room"):
        drawn(None)
    with pytest.raises(InputError, match="has no "):
        drawn(str(tmp_path))
    for name in ("a.hdr", "b.EXR", "notes.txt"):
        (tmp_path / name).touch()
    skies = [drawn(str(tmp_path), seed).hdri for seed in range(20)]
    assert {sky.file.name for sky in skies if sky is not None} == {"a.hdr", "b.EXR"}
    assert not drawn(str(tmp_path)).props
