"""Where points land: by hand, and as a camera of the labels sees them from very far."""

import numpy as np
import pytest

from odah_gen.config import Camera as CameraConfig
from odah_gen.preview.view import SIDES, Extent, extent_of, look_along, place_views
from odah_gen.scene.cameras import aim, project

EXTENT = Extent(np.array([0.8, 0.5]), -0.1, 1.9)
SIZE, ABOVE, BELOW = (480, 640), 70, 50
FAR_M = 1e6


@pytest.fixture
def views():
    return place_views(EXTENT, SIZE, ABOVE, BELOW)


def test_a_known_point_at_a_known_pixel(views):
    """520 rows for 2 m: 260 px per metre, the floor 0.1 m above the lowest of them."""
    front, side = views["front"], views["side"]
    point, middle = np.array([3.5, 1.2, 1.0]), np.array([3.0, 1.0])
    assert front.px_per_m == side.px_per_m == 260
    assert front.floor_px == 640 - 50 - 26
    # From the front world Y, the subject's left, is to the right; what is forward is near.
    place, depth = front.project(point, middle)
    np.testing.assert_allclose([*place, depth], [240 + 52, 564 - 260, -0.5])
    # From the subject's right world X is to the right, and what is to the subject's left is far.
    place, depth = side.project(point, middle)
    np.testing.assert_allclose([*place, depth], [240 + 130, 564 - 260, 0.2])


@pytest.mark.parametrize("name", SIDES)
def test_a_view_is_what_a_camera_of_the_labels_sees_from_very_far(views, name):
    generator = np.random.default_rng(4)
    points = generator.uniform(-1, 2, (50, 3))
    middle = np.array([0.3, -0.2])
    target = np.array([*middle, 1.0])
    lens = CameraConfig(width=480, height=640, sensor_width_mm=36.0, lens_mm=FAR_M * views[name].px_per_m * 36 / 480)
    camera = aim(lens, target + FAR_M * np.array([*SIDES[name], 0.0]), target)
    seen = project(camera, points) - [240, 320]
    expected = views[name].project(points, middle)[0] - views[name].project(target, middle)[0]
    np.testing.assert_allclose(seen, expected, atol=0.01)


@pytest.mark.parametrize("name", SIDES)
def test_views_turn_and_never_mirror(name):
    rotation = look_along(-SIDES[name])
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_everything_stays_in_the_picture_and_touches_its_edge():
    generator = np.random.default_rng(5)
    points, middles = generator.normal(size=(20, 30, 3)), generator.normal(size=(20, 2))
    extent = extent_of([(points[:8], middles[:8]), (points[8:], middles[8:])])
    views = place_views(extent, SIZE, ABOVE, BELOW)
    places = np.array([[view.project(p, m)[0] for p, m in zip(points, middles)] for view in views.values()])
    columns, rows = places[..., 0], places[..., 1]
    assert columns.min() >= -1e-9
    assert columns.max() <= 480 + 1e-9
    assert rows.min() >= ABOVE - 1e-9
    assert rows.max() <= 640 - BELOW + 1e-9
    gaps = [columns.min(), 480 - columns.max(), rows.min() - ABOVE + 640 - BELOW - rows.max()]
    assert min(gaps) == pytest.approx(0, abs=1e-9)
