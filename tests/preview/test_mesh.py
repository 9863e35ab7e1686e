"""The surface on pixels against a slow twin, ray by ray, and against shapes whose answer is known."""

import numpy as np
import pytest
import trimesh

from odah_gen.preview.mesh import draw_surface

SIZE = (40, 30)
SCALE = 10.0


def drawn(mesh):
    """A mesh in view axes (X right, Y down, Z forward; m) drawn about the middle of the picture."""
    places = SCALE * mesh.vertices[:, :2] + [SIZE[0] / 2, SIZE[1] / 2]
    return draw_surface(places, mesh.vertices[:, 2], SCALE, mesh.faces, SIZE)


def by_rays(mesh):
    """The twin: one ray through every pixel's centre; depth of the first hit, and the cosine there."""
    depth, shade = np.full(SIZE[::-1], np.inf), np.zeros(SIZE[::-1])
    for row in range(SIZE[1]):
        for column in range(SIZE[0]):
            start = [(column + 0.5 - SIZE[0] / 2) / SCALE, (row + 0.5 - SIZE[1] / 2) / SCALE, -50]
            places, _, faces = mesh.ray.intersects_location([start], [[0, 0, 1]])
            if len(places):
                first = places[:, 2].argmin()
                depth[row, column], shade[row, column] = places[first, 2], -mesh.face_normals[faces[first], 2]
    return depth, shade


@pytest.mark.parametrize("seed", range(3))
def test_a_surface_is_what_rays_meet_first(seed):
    generator = np.random.default_rng(seed)
    balls = [trimesh.creation.icosphere(2, radius) for radius in generator.uniform(0.4, 1.2, 3)]
    for ball in balls:
        ball.apply_translation(generator.uniform([-2.2, -1.6, -1], [2.2, 1.6, 1]))
    mesh = trimesh.util.concatenate(balls)
    surface, (depth, shade) = drawn(mesh), by_rays(mesh)
    # A ray through an edge may go either way; it is one of very few pixels.
    assert (surface.covered != np.isfinite(depth)).sum() <= 2
    both = surface.covered & np.isfinite(depth)
    assert both.sum() > 50
    assert (np.abs(surface.depth_m[both] - depth[both]) > 1e-4).sum() <= 2
    assert (np.abs(surface.shade[both] - shade[both]) > 1e-3).mean() < 0.02


def test_points_behind_the_surface_are_hidden():
    ball = trimesh.creation.icosphere(3, 1.0)
    surface = drawn(ball)
    places = np.array([[20, 15], [20, 15], [20, 15], [35, 15], [-5, 15], [np.nan, 3]], dtype=float)
    depths = np.array([-1.0, -0.9, 1.0, 5.0, 5.0, 5.0])
    assert surface.hides(places, depths, 0.015).tolist() == [False, True, True, False, False, False]


def test_nothing_is_drawn_of_a_body_outside_of_the_picture():
    ball = trimesh.creation.icosphere(1, 0.5)
    ball.apply_translation([9, 0, 0])
    assert not drawn(ball).covered.any()
