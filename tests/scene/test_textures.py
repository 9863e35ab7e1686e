"""Fabrics repeat without a seam, their normals belong to their relief, and the same fabric is the same anywhere."""

import json

import numpy as np
import pytest

from blender_addon.textures import PATTERNS, Texture, draw, folds
from odah_gen.paths import SCENE_SCHEMA
from odah_gen.scene.wardrobe import FABRIC_CHOICES, TILES_M

SIZE = 128
COLORS = [[0.25, 0.05, 0.06], [0.8, 0.78, 0.7], [0.02, 0.1, 0.2], [0.3, 0.3, 0.05]]


def fabric(pattern: str, seed: int = 3) -> dict:
    return {"pattern": pattern, "colors_linear": COLORS, "tile_m": 0.1, "seed": seed}


@pytest.fixture(scope="module", params=PATTERNS)
def texture(request: pytest.FixtureRequest) -> Texture:
    return draw(fabric(request.param), SIZE)


def test_opposite_edges_continue(texture: Texture) -> None:
    """Over the edge neighbours differ no more than they do inside."""
    for picture in (texture.color, texture.height[..., None], folds(SIZE)[..., None]):
        for axis in (0, 1):
            steps = np.abs(picture - np.roll(picture, 1, axis)).max(-1).mean(1 - axis)
            assert steps[0] <= 1.5 * np.sort(steps[1:])[-3] + 1e-9


def test_normals_are_those_of_the_relief(texture: Texture) -> None:
    """The slopes that the normals tell, summed up along a closed walk over the square, lead back to its height."""
    normal = 2 * texture.normal - 1
    assert np.allclose(np.linalg.norm(normal, axis=-1), 1)
    for axis, along in ((1, 0), (0, 1)):
        slope = -normal[..., along] / normal[..., 2]
        climbed = np.roll(texture.height, -1, axis) - np.roll(texture.height, 1, axis)
        assert np.allclose(slope, climbed * SIZE / 2, atol=1e-9)
        assert np.allclose(slope.mean(axis), 0, atol=1e-9)
    assert normal[..., 2].min() > 0.05


def test_colours_are_colours(texture: Texture) -> None:
    assert texture.color.min() >= 0
    assert texture.color.max() <= 1
    assert texture.color.shape == (SIZE, SIZE, 3)


def test_relief_is_raised_where_light_shows_it() -> None:
    """A ridge that runs up the cloth has its normals lean to the right on its right side."""
    ridge = Texture(np.zeros((64, 64, 3)), np.tile(np.cos(2 * np.pi * np.arange(64) / 64) * 0.05, (64, 1)))
    assert (ridge.normal[:, 4:28, 0] > 0.5).all()
    assert np.allclose(ridge.normal[..., 1], 0.5)


@pytest.mark.parametrize("pattern", ["stripes", "leaves", "camouflage"])
def test_the_seed_alone_decides(pattern: str) -> None:
    first, again, other = (draw(fabric(pattern, seed), 64).color for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_every_fabric_of_a_wardrobe_can_be_drawn() -> None:
    named = {kind for kinds in FABRIC_CHOICES.values() for kind in kinds} | {"hair", "leather", "canvas"}
    allowed = json.loads(SCENE_SCHEMA.read_text())["properties"]["materials"]["additionalProperties"]["properties"]
    assert named <= set(TILES_M)
    assert set(PATTERNS) == set(allowed["fabric"]["properties"]["pattern"]["enum"])
