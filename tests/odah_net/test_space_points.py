"""Points in space lie on the person, wherever person and cameras stand."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from odah_net.data.space_points import View, passing_place, places_in_crop, space_points

SIDE = 64
BALL_M, PERSON_M = 0.3, np.array([2.0, -1.0, 1.0])


def look_at(position: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return rotation, -rotation @ position


def view_of_ball(position: np.ndarray, person: np.ndarray, turn: Rotation | None = None) -> View:
    """A camera 4 m or so away that sees a ball."""
    rotation, translation = look_at(position, PERSON_M)
    intrinsics = np.array([[300.0, 0, SIDE / 2], [0, 300.0, SIDE / 2], [0, 0, 1.0]])
    pixels = np.stack(np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5), -1).reshape(-1, 2)
    empty = View(np.zeros((SIDE, SIDE), dtype=bool), intrinsics, rotation, translation)
    rays, origin = empty.rays(pixels), empty.position_m
    away = np.linalg.norm(np.cross(person - origin, rays), axis=1)
    return View((away < BALL_M).reshape(SIDE, SIDE), intrinsics, rotation, translation)


def shows(view: View, points: np.ndarray) -> np.ndarray:
    """Which points fall on a view's mask, one by one."""
    found = []
    for column, row in np.floor(np.nan_to_num(view.project(points), nan=-1.0)).astype(int):
        found.append(0 <= row < SIDE and 0 <= column < SIDE and bool(view.mask[row, column]))
    return np.array(found)


@pytest.fixture
def views() -> list[View]:
    return [view_of_ball(PERSON_M + shift, PERSON_M) for shift in (np.array([4.0, 0, 0.3]), np.array([0, -5.0, 0.0]))]


def test_points_lie_on_both_masks_about_the_person(views):
    points = space_points(views, 500, np.random.default_rng(0))
    assert points.shape == (500, 3)
    assert all(shows(view, points).all() for view in views)
    assert np.abs(points.mean(0) - PERSON_M).max() < 0.05
    assert np.linalg.norm(points - PERSON_M, axis=1).max() < BALL_M * np.sqrt(2) + 0.05


def test_points_along_rays_are_seen_as_each_by_itself(views):
    generator = np.random.default_rng(5)
    rays = generator.normal([-1.0, 0, 0], 0.1, (40, 3))
    origin, depths = PERSON_M + np.array([3.0, 0.1, 0.2]), np.arange(-8.0, 8.0, 0.1)
    for view in views:
        found = view.shows_along(origin, rays, depths)
        expected = [shows(view, origin + depth * rays) for depth in depths]
        assert np.array_equal(found, expected)
        assert found.any()


def test_a_moved_scene_gives_the_moved_points_and_the_same_places(views):
    turn, shift = Rotation.from_euler("z", 1.1).as_matrix(), np.array([30.0, -12.0, 0.0])
    moved = []
    for view in views:
        rotation = view.rotation @ turn.T
        moved.append(View(view.mask, view.intrinsics, rotation, view.translation_m - rotation @ shift))
    points = space_points(views, 300, np.random.default_rng(3))
    others = space_points(moved, 300, np.random.default_rng(3))
    assert np.abs(points @ turn.T + shift - others).max() < 1e-9
    for view, other in zip(views, moved):
        assert np.abs(places_in_crop(view, points) - places_in_crop(other, others)).max() < 1e-9


def test_the_seed_decides(views):
    draw = [space_points(views, 50, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(draw[0], draw[1])
    assert not np.array_equal(draw[0], draw[2])


def test_rays_go_through_what_they_project_to(views):
    points = PERSON_M + 0.2 * np.random.default_rng(0).standard_normal((20, 3))
    for view in views:
        rays = view.rays(view.project(points))
        gap = np.cross(points - view.position_m, rays)
        assert np.abs(gap).max() < 1e-9


def test_lines_that_meet_pass_at_their_meeting(views):
    directions = [PERSON_M - view.position_m for view in views]
    directions = [direction / np.linalg.norm(direction) for direction in directions]
    assert np.allclose(passing_place([view.position_m for view in views], directions), PERSON_M)


@pytest.mark.parametrize("apart_deg", [0.0, 8.0, 172.0, 180.0])
def test_views_along_one_line_are_refused(apart_deg):
    sides = [np.array([np.cos(angle), np.sin(angle), 0.05]) for angle in (0.0, np.deg2rad(apart_deg))]
    views = [view_of_ball(PERSON_M + 4.0 * side, PERSON_M) for side in sides]
    with pytest.raises(ValueError, match="along one line"):
        space_points(views, 50, np.random.default_rng(0))


def test_views_a_little_apart_place_points():
    sides = [np.array([np.cos(angle), np.sin(angle), 0.05]) for angle in (0.0, np.deg2rad(15.0))]
    views = [view_of_ball(PERSON_M + 4.0 * side, PERSON_M) for side in sides]
    assert np.abs(space_points(views, 200, np.random.default_rng(0)).mean(0) - PERSON_M).max() < 0.5


def test_an_empty_mask_and_cameras_that_do_not_fit_are_refused(views):
    nothing = View(
        np.zeros((SIDE, SIDE), dtype=bool),
        *[getattr(views[0], name) for name in ("intrinsics", "rotation", "translation_m")],
    )
    with pytest.raises(ValueError, match="empty"):
        space_points([views[0], nothing], 5, np.random.default_rng(0))
    turned = View(views[1].mask, views[1].intrinsics, views[1].rotation, views[1].translation_m + np.array([0, 2.0, 0]))
    with pytest.raises(ValueError, match="do not fit"):
        space_points([views[0], turned], 5, np.random.default_rng(0))
