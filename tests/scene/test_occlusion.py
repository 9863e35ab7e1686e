"""What a person hides of a lamp: held against rays that are traced one by one, and against shapes whose shadow is known."""

import numpy as np
import pytest

from blender_addon.occlusion import (
    CELL_M,
    PARTS,
    SPACING_M,
    LightMap,
    close_holes,
    draw_light_map,
    hidden_share,
    light_left,
    light_points,
    light_shares,
    owned,
    owners,
    spread_points,
)

LAMP_M, SIZE_M = np.array([0.3, -0.2, 3.0]), np.array([0.6, 0.6])


def ball(center: tuple[float, float, float], radius_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of a sphere."""
    rows, columns = 24, 48
    polar, around = np.meshgrid(
        np.linspace(0, np.pi, rows + 1), 2 * np.pi * np.arange(columns) / columns, indexing="ij"
    )
    unit = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], -1).reshape(-1, 3)
    here = np.arange(rows * columns).reshape(rows, columns)
    after = np.roll(here, -1, axis=1)
    faces = [
        np.stack(corners, -1) for corners in ((here, here + columns, after), (after, here + columns, after + columns))
    ]
    return (np.array(center) + radius_m * unit).astype(np.float32), np.concatenate(faces).reshape(-1, 3)


def ball_map(center: tuple[float, float, float], radius_m: float) -> LightMap:
    vertices, faces = ball(center, radius_m - CELL_M / 2)  # a map's outline lies half a cell outside the points
    return draw_light_map(spread_points(vertices, faces).places(vertices), light_points(LAMP_M, SIZE_M))


def traced_share(center: np.ndarray, radius_m: float, place: np.ndarray) -> float:
    """The share of the lamp's points whose straight way to a place meets the ball."""
    hidden = 0
    for origin in light_points(LAMP_M, SIZE_M):
        way = place - origin
        nearest = np.clip((center - origin) @ way / (way @ way), 0, 1)
        hidden += bool(np.linalg.norm(origin + nearest * way - center) < radius_m)
    return hidden / len(light_points(LAMP_M, SIZE_M))


@pytest.mark.parametrize("center", [(0.0, 0.0, 1.0), (1.4, 0.6, 0.5), (-2.0, 1.0, 1.6)])
def test_shadows_of_a_ball_on_the_floor_are_those_of_traced_rays(center: tuple[float, float, float]) -> None:
    middle, shadow = np.array(center), ball_map(center, 0.25)
    below = LAMP_M + (middle - LAMP_M) * 3.0 / (3.0 - center[2])
    places = np.column_stack([below[:2] + np.random.default_rng(0).uniform(-0.8, 0.8, (150, 2)), np.zeros(150)])
    wanted = np.array([traced_share(middle, 0.25, place) for place in places])
    found = hidden_share(shadow, places)
    assert 0.05 < wanted.mean() < 0.9
    assert np.abs(found - wanted).mean() < 0.02
    assert np.abs(found - wanted).max() < 0.35  # an outline that passes several points of the lamp at once


def test_what_lies_between_lamp_and_person_stays_lit() -> None:
    shadow = ball_map((0.3, -0.2, 1.0), 0.25)
    assert hidden_share(shadow, np.array([[0.3, -0.2, 2.0], [0.3, -0.2, 0.1]])).tolist() == [0, 1]


def test_a_ball_is_lit_above_and_dark_below() -> None:
    vertices, _ = ball((0.3, -0.2, 1.0), 0.25)
    shadow = ball_map((0.3, -0.2, 1.0), 0.25)
    normals = (vertices - np.array([0.3, -0.2, 1.0])) / 0.25
    assert (light_left([shadow], [100.0], 0.15, vertices, normals) > 0.9).all()  # but where part of the lamp has set
    hat, brim = ball((0.3, -0.2, 1.5), 0.6)
    shaded = draw_light_map(spread_points(hat, brim).places(hat), light_points(LAMP_M, SIZE_M))
    left = light_left([shaded], [100.0], 0.15, vertices, normals)
    assert left[0] < 0.05  # beneath the lamp, only the light from all around is left
    assert left[-1] > 0.999  # the underside had no more than that


def tube(radius_m: float, low_m: float, high_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Places on an upright tube about the Z axis, 4 mm apart along it, and their normals."""
    around, height = np.meshgrid(np.linspace(0, 2 * np.pi, 180, False), np.arange(low_m, high_m, 0.004))
    normals = np.stack([np.cos(around), np.sin(around), np.zeros_like(around)], -1).reshape(-1, 3)
    return radius_m * normals + [0, 0, 1] * height.reshape(-1, 1), normals


def test_a_hem_shades_what_lies_close_below_it_and_a_surface_not_itself() -> None:
    (thigh, normals), (hem, outward) = tube(0.10, 0.2, 1.4), tube(0.112, 1.0, 1.4)
    points = np.concatenate([thigh - CELL_M / 2 * normals, hem - CELL_M / 2 * outward])
    told = np.repeat([0, 1], [len(thigh), len(hem)])
    bare = (normals @ np.array([0.83, -0.55, 0]) > 0.5) & (thigh[:, 2] < 0.998)
    below, far = (thigh[bare, 2] > 0.98), (thigh[bare, 2] < 0.5)
    left, on_hem = {}, outward @ np.array([0.83, -0.55, 0]) > 0.5
    for name, parts in (("two surfaces", told), ("one", np.zeros_like(told))):
        shadow = draw_light_map(points, light_points(LAMP_M, SIZE_M), parts)
        left[name] = light_left([shadow], [100.0], 0.0, thigh[bare], normals[bare])
        of_hem = light_left([shadow], [100.0], 0.0, hem[on_hem], outward[on_hem], np.full(on_hem.sum(), parts[-1]))
        assert of_hem.mean() > 0.95
        assert left[name][far].mean() > 0.8  # a part of the lamp stands nearly above
    assert left["two surfaces"][below].mean() < 0.75 * left["one"][below].mean()


def test_more_surfaces_than_a_map_tells_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="17 surfaces"):
        draw_light_map(np.zeros((17, 3)), light_points(LAMP_M, SIZE_M), np.arange(17))


def test_depths_keep_their_order_and_tell_whose_they_are() -> None:
    random = np.random.default_rng(3)
    depths, parts = np.sort(random.uniform(0.5, 4, 200)).astype(np.float32), random.integers(0, PARTS, 200)
    told = owned(depths, parts)
    assert np.array_equal(owners(told), parts)
    assert np.abs(told - depths).max() < 1e-5
    assert (np.diff(told[np.diff(depths, prepend=0) > 1e-4]) > 0).all()


def test_points_cover_a_surface_evenly() -> None:
    vertices, faces = ball((0.0, 0.0, 0.0), 0.3)
    points = spread_points(vertices, faces).places(vertices)
    somewhere = np.random.default_rng(1).normal(size=(200, 3))
    somewhere *= 0.3 / np.linalg.norm(somewhere, axis=1, keepdims=True)
    nearest = np.linalg.norm(points[None] - somewhere[:, None], axis=2).min(axis=1)
    assert nearest.max() < 2 * SPACING_M
    assert len(points) < 3 * 4 * np.pi * 0.3**2 / SPACING_M**2


def test_small_holes_close_and_outlines_stay() -> None:
    depths = np.full((1, 12, 12), np.inf, np.float32)
    depths[0, 3:9, 3:9] = 2
    full = depths.copy()
    depths[0, 5, 4:6] = np.inf
    assert np.array_equal(close_holes(depths), full)


def test_shares_of_lamps_are_recovered_from_their_answers() -> None:
    random = np.random.default_rng(2)
    albedo, given = random.uniform(0.1, 0.9, (3, 4, 3)), random.uniform(0.1, 1.0, (5, 3, 4))
    color, ambient, around = np.array([1.15, 0.98, 0.75]), np.array([0.15, 0.15, 0.155]), random.uniform(1, 4, (3, 4))
    lamps = given[..., None] * color
    total = albedo * (lamps.sum(0) + around[..., None] * ambient)
    channels = np.arange(5) % 3
    answers = np.stack([albedo[..., channel] * amount for channel, amount in zip(channels, given)])
    answers /= total[..., channels].transpose(2, 0, 1)
    found = light_shares(answers, channels, np.tile(color, (5, 1)), ambient)
    assert np.abs(found - albedo * lamps / total).max() < 1e-3
