"""Which point of a mesh a pixel shows: held against rays that are cast one by one."""

import numpy as np
import pytest
import trimesh

from blender_addon import raster
from blender_addon.description import Camera
from blender_addon.raster import project, see, turned_to

WIDTH, HEIGHT = 48, 32


def camera() -> Camera:
    """One that stands at (0, -3, 1) and looks along Y."""
    rotation = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    return Camera(WIDTH, HEIGHT, rotation, -rotation @ np.array([0.0, -3.0, 1.0]), 35.0, 36.0)


def shape(seed: int) -> trimesh.Trimesh:
    """Triangles of all sizes that cut each other and hide each other, some of them wider than the picture."""
    random = np.random.default_rng(seed)
    middles = random.uniform([-1.5, -1, 0], [1.5, 2, 2], (60, 1, 3))
    corners = middles + random.normal(0, random.choice([0.05, 0.3, 2.0], (60, 1, 1)), (60, 3, 3))
    return trimesh.Trimesh(corners.reshape(-1, 3), np.arange(180).reshape(-1, 3), process=False)


@pytest.mark.parametrize(("seed", "block"), [(0, raster.BLOCK), (1, raster.BLOCK), (2, 100), (3, 5000)])
def test_pixels_show_what_rays_through_their_middles_meet(
    seed: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raster, "BLOCK", block)
    mesh, eye = shape(seed), camera()
    pixels, depths = project(eye, mesh.vertices)
    in_front = (depths[mesh.faces] > 0.1).all(axis=1)
    mesh.update_faces(in_front)
    seen = see(pixels, depths, mesh.faces, WIDTH, HEIGHT)
    found = np.full((WIDTH * HEIGHT, 3), np.nan)
    found[seen.pixels] = seen.values(mesh.faces, mesh.vertices)
    rows, columns = (index.ravel() + 0.5 for index in np.mgrid[:HEIGHT, :WIDTH])
    focal = 35.0 / 36.0 * WIDTH
    rays = np.column_stack([(columns - WIDTH / 2) / focal, (rows - HEIGHT / 2) / focal, np.ones(len(rows))])
    start = -eye.rotation.T @ eye.translation_m
    wanted = np.array([first_hit(mesh, start, ray) for ray in rays @ eye.rotation])
    assert np.isfinite(wanted[:, 0]).mean() > 0.2
    same = np.isclose(found, wanted, atol=2e-3, equal_nan=True).all(axis=1)
    assert same.mean() > 0.995  # a ray along an edge may fall to either side


def first_hit(mesh: trimesh.Trimesh, start: np.ndarray, ray: np.ndarray) -> np.ndarray:
    """Where a ray meets a mesh first [3]; not a number where it does not (Moeller and Trumbore, 1997)."""
    first, second, third = mesh.triangles.transpose(1, 0, 2)
    across = np.cross(ray, third - first)
    scale = ((second - first) * across).sum(1)
    u = ((start - first) * across).sum(1) / scale
    around = np.cross(start - first, second - first)
    v, away = around @ ray / scale, ((third - first) * around).sum(1) / scale
    met = (u >= 0) & (v >= 0) & (u + v <= 1) & (away > 0)
    return start + ray * away[met].min() if met.any() else np.full(3, np.nan)


def test_normals_face_the_camera_from_either_side() -> None:
    places = np.random.default_rng(5).uniform(-1, 1, (200, 3))
    normals = np.random.default_rng(6).normal(size=(200, 3))
    seen = turned_to(camera(), places, normals)
    assert ((seen * (places - [0.0, -3.0, 1.0])).sum(1) <= 0).all()
    assert np.allclose(np.abs(seen), np.abs(normals))
    assert np.array_equal(turned_to(camera(), places, -normals), seen)


def test_nothing_is_seen_of_what_lies_behind_or_beside_the_camera() -> None:
    corners = np.array([[0, -4, 1], [0.5, -4, 1], [0, -4, 1.5], [40, 0, 1], [41, 0, 1], [40, 0, 2]], float)
    pixels, depths = project(camera(), corners)
    assert len(see(pixels, depths, np.arange(6).reshape(2, 3), WIDTH, HEIGHT).pixels) == 0
