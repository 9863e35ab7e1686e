"""Cameras project as the convention says, keep the body in frame, and stand where they should."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odah_gen.config import Camera as CameraConfig
from odah_gen.config import Config, View, paper_views
from odah_gen.errors import InputError
from odah_gen.run import Run
from odah_gen.scene.cameras import Camera, aim, as_json, in_picture, outline, place_cameras, project
from odah_gen.scene.stage import camera_generator

CONFIG = CameraConfig()
STILL = {"height_spread_m": 0.0, "position_spread_m": 0.0}
PERSON = np.random.default_rng(0).uniform([-0.3, -0.5, 0], [0.3, 0.5, 1.8], (200, 3))


def place(config: CameraConfig, points: np.ndarray = PERSON, seed: int = 0) -> dict[str, Camera]:
    """Cameras that all draw from one generator."""
    generator = np.random.default_rng(seed)
    return place_cameras(config, points, lambda name: generator)


def camera_at(position: tuple[float, float, float], target: tuple[float, float, float]) -> Camera:
    return aim(CONFIG, np.array(position), np.array(target))


def test_projection_by_hand() -> None:
    """A camera on +X, 4 m away, 1 m high, level: f = 33 / 36 * 1080 = 990 px."""
    front = camera_at((4, 0, 1), (0, 0, 1))
    assert np.allclose(project(front, np.array([0.0, 0.0, 1.0])), [540, 360])
    # 1 m to the subject's left (+Y) is the right of the picture; 0.5 m up is 123.75 px up.
    assert np.allclose(project(front, np.array([0.0, 1.0, 1.5])), [540 + 990 / 4, 360 - 990 / 8])
    side = camera_at((0, -4, 1), (0, 0, 1))
    assert np.allclose(project(side, np.array([1.0, 0.0, 1.0])), [540 + 990 / 4, 360])
    assert np.isnan(project(front, np.array([5.0, 0.0, 1.0]))).all()


def test_pitched_camera_against_a_slow_twin() -> None:
    camera = camera_at((3.2, 0.4, 1.15), (0.1, -0.2, 0.8))
    point = np.array([0.3, 0.5, 1.4])
    forward = np.array([0.1, -0.2, 0.8]) - camera.position_m
    forward /= np.linalg.norm(forward)
    right = np.array([forward[1], -forward[0], 0]) / np.hypot(*forward[:2])
    down = -(np.array([0, 0, 1]) - forward[2] * forward) / np.hypot(*forward[:2])
    seen = point - camera.position_m
    wanted = [540 + 990 * (seen @ right) / (seen @ forward), 360 + 990 * (seen @ down) / (seen @ forward)]
    assert np.allclose(project(camera, point), wanted)


@st.composite
def clips(draw: st.DrawFn) -> np.ndarray:
    """Points of a body that walks: a box of body size swept along a path."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    reach = draw(st.floats(0.0, 4.0))
    body = rng.uniform([-0.4, -0.5, 0], [0.4, 0.5, draw(st.floats(0.4, 2.3))], (300, 3))
    return (body[None] + np.linspace(0, reach, 5)[:, None, None] * np.array([1, 0.2, 0])).reshape(-1, 3)


@given(clips(), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_everything_stays_in_frame_with_its_margin(points: np.ndarray, seed: int) -> None:
    cameras = place(CONFIG, points, seed)
    for camera in cameras.values():
        assert in_picture(camera, project(camera, points)).all()
        from_center = np.abs(project(camera, points) - [540, 360]) / [540, 360]
        assert from_center.max() < 1 / CONFIG.margin
        assert from_center.max() > 0.6  # no farther away than needed
        assert abs(camera.position_m[2] - CONFIG.height_m) <= CONFIG.height_spread_m + 1e-9
        assert np.allclose(camera.rotation @ camera.rotation.T, np.eye(3))
        assert np.isclose(np.linalg.det(camera.rotation), 1)
    center = (points.min(0) + points.max(0)) / 2
    assert cameras["front"].position_m[0] > points[:, 0].max()
    assert cameras["side"].position_m[1] < points[:, 1].min()
    assert abs(cameras["front"].position_m[1] - center[1]) <= CONFIG.position_spread_m
    assert abs(cameras["side"].position_m[0] - center[0]) <= CONFIG.position_spread_m


def test_a_camera_may_have_a_place_and_lens_of_its_own() -> None:
    side = View(azimuth_deg=135.0, lens_mm=50.0, height_m=1.6, distance_m=6.0)
    usual = place(CameraConfig(**STILL))
    cameras = place(CameraConfig(**STILL, views={"front": View(0.0), "side": side}))
    middle = (PERSON.min(0) + PERSON.max(0)) / 2
    away = cameras["side"].position_m - middle
    assert np.allclose(away[:2], 6 * np.array([-1, 1]) / np.sqrt(2))
    assert cameras["side"].position_m[2] == pytest.approx(1.6)
    assert cameras["side"].intrinsics[0, 0] == pytest.approx(50 / 36 * 1080)
    assert np.allclose(project(cameras["side"], middle), [540, 360])
    assert as_json(cameras["front"]) == as_json(usual["front"])


FOUR = {
    "front": View(0.0),
    "left": View(90.0, distance_m=5.0, height_spread_m=0.0, position_spread_m=0.0),
    "behind-low": View(180.0, look_at_m=(0.1, -0.2, 0.4), lens_mm=24.0, height_m=0.5),
    "half_right": View(-45.0, distance_m=4.0, sensor_width_mm=24.0, look_at_m=(0.2, 0.1, 1.6)),
}


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_four_cameras_stand_and_look_where_they_should(seed: int) -> None:
    cameras = place(CameraConfig(views=FOUR), PERSON, seed)
    assert list(cameras) == list(FOUR)
    middle = (PERSON.min(0) + PERSON.max(0)) / 2
    for name, camera in cameras.items():
        target = middle if FOUR[name].look_at_m is None else np.array(FOUR[name].look_at_m)
        assert np.allclose(project(camera, target), [540, 360])
        above = project(camera, np.add(target, [0, 0, 0.2]))
        assert above[0] == pytest.approx(540)
        assert above[1] < 360
    # Without a spread a camera is exactly where it is put, whatever is drawn.
    assert np.allclose(cameras["left"].position_m, [middle[0], middle[1] + 5, CONFIG.height_m])
    # From 5 m to the left: 0.5 m forward (+X) is to the left of the picture, f = 990 px.
    assert np.allclose(
        project(cameras["left"], [middle[0] + 0.5, middle[1], middle[2]])[0], 540 - 990 * 0.5 / 5, atol=2
    )
    assert cameras["behind-low"].position_m[0] < PERSON[:, 0].min()
    assert cameras["behind-low"].intrinsics[0, 0] == pytest.approx(24 / 36 * 1080)
    assert cameras["half_right"].intrinsics[0, 0] == pytest.approx(33 / 24 * 1080)
    assert in_picture(cameras["behind-low"], project(cameras["behind-low"], PERSON)).all()


def test_other_cameras_change_nothing_in_one_s_place(tmp_path: Path) -> None:
    run = Run(tmp_path, Config())

    def placed(views: dict[str, View]) -> dict[str, dict]:
        found = place_cameras(CameraConfig(views=views), PERSON, lambda name: camera_generator(run, "clip", name))
        return {name: as_json(camera) for name, camera in found.items()}

    usual, views = placed(paper_views()), paper_views() | {"back": View(180.0), "left": View(90.0)}
    more = placed(views)
    assert {name: more[name] for name in usual} == usual
    assert placed({"side": views["side"]})["side"] == usual["side"]
    assert placed({"left": views["left"], "back": views["back"]})["back"] == more["back"]
    # The paper's two draw from one generator, one after the other, as they always have.
    generator = run.generator("clip", "cameras")
    before = place_cameras(CONFIG, PERSON, lambda name: generator)
    assert {name: as_json(camera) for name, camera in before.items()} == usual


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (View(0.0, distance_m=0.2), "camera.views.odd: it would stand where the body moves"),
        (
            View(0.0, distance_m=2.0, height_m=3.0, look_at_m=(2.0, 0.0, 1.0)),
            "straight above or below what it looks at",
        ),
        (View(0.0, look_at_m=(0.0, 1e6, 1.0)), "cannot be kept in frame from any distance"),
    ],
)
def test_a_camera_that_cannot_be_is_one_sentence(view: View, words: str) -> None:
    body = PERSON - (PERSON.min(0) + PERSON.max(0)) / 2 * [1, 1, 0]
    with pytest.raises(InputError, match=words):
        place(CameraConfig(**STILL, views={"odd": view}), body)


def test_left_is_left() -> None:
    """In the front picture the subject's left (+Y) is on the right; the side camera sees the front (+X) on the right."""
    cameras = place(CONFIG)
    left, right = project(cameras["front"], np.array([[0, 0.4, 1], [0, -0.4, 1]]))
    assert left[0] > right[0]
    nose, back = project(cameras["side"], np.array([[0.2, 0, 1.6], [-0.2, 0, 1.6]]))
    assert nose[0] > back[0]


def test_heights_fill_their_spread() -> None:
    points = np.random.default_rng(0).uniform([-0.3, -0.5, 0], [0.3, 0.5, 1.8], (100, 3))
    placed = [place(CONFIG, points, seed) for seed in range(60)]
    heights = [camera.position_m[2] for cameras in placed for camera in cameras.values()]
    assert min(heights) < 1.03
    assert max(heights) > 1.17


def test_outline_keeps_what_a_camera_can_see() -> None:
    points = np.random.default_rng(1).normal(size=(500, 3))
    corners = outline(points)
    directions = np.random.default_rng(2).normal(size=(100, 3))
    assert np.allclose((points @ directions.T).max(0), (corners @ directions.T).max(0))


def test_camera_file_states_the_lens() -> None:
    entry = as_json(camera_at((4, 0, 1), (0, 0, 1)))
    assert entry["K"][0][0] == pytest.approx(entry["lens_mm"] / entry["sensor_width_mm"] * entry["width"])
    assert np.allclose(-np.array(entry["R"]).T @ entry["t_m"], [4, 0, 1])
