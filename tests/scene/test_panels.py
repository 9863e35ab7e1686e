"""Panels lie flat without stretch: a rolled sheet comes out as it was, and cut garments keep their size everywhere."""

import numpy as np
import pytest

from odah_gen.body.model import BodyModel
from odah_gen.scene.cuts import LOWER_CUTS, UPPER_CUTS
from odah_gen.scene.cutting import split_quads
from odah_gen.scene.dressing import Outfit, dress
from odah_gen.scene.garments import Garment
from odah_gen.scene.panels import flatten
from tests.scene.test_cutting import flat_cloth


def areas(corners: np.ndarray) -> np.ndarray:
    """Areas of triangles [F, 3, 2 or 3]; in the plane with their sign."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    if corners.shape[-1] == 2:
        return (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2
    return np.linalg.norm(np.cross(first, second), axis=1) / 2


def test_a_rolled_sheet_is_rolled_out_again() -> None:
    sheet, quads = flat_cloth(12)
    angle = 2.5 * (sheet[:, 0] - 0.5)
    rolled = np.stack([np.sin(angle) / 2.5, sheet[:, 1], np.cos(angle) / 2.5], 1)
    flat = flatten(rolled, split_quads(quads), rolled[:, :2])
    assert np.abs(flat - flat.mean(0) - (sheet - sheet.mean(0))[:, :2]).max() < 0.01


def test_each_part_stays_where_it_was_laid_and_is_not_mirrored() -> None:
    sheet, quads = flat_cloth(5)
    faces = split_quads(quads)
    both = np.concatenate([sheet, sheet + np.array([3.0, 0, 0])])
    turned = np.concatenate([sheet[:, :2], sheet[:, :2] @ np.array([[0, 1], [-1, 0]]) + [5.0, 2]])
    flat = flatten(both, np.concatenate([faces, faces + len(sheet)]), turned)
    assert np.allclose(flat, turned, atol=1e-6)


@pytest.fixture(scope="module")
def garments(model: BodyModel) -> dict[str, Garment]:
    """All eight cuts on one body."""
    made = {}
    for upper, lower in zip(UPPER_CUTS, LOWER_CUTS):
        clothes = dress(model, np.array([1.0, -0.5, 0.3]), Outfit(upper, lower)).garments
        made |= {upper: clothes["upper"], lower: clothes["lower"]}
    return made


def test_cloth_has_the_same_size_everywhere(garments: dict[str, Garment]) -> None:
    for name, garment in garments.items():
        solid, flat = areas(garment.vertices[garment.faces]), areas(garment.uv_m)
        within = np.abs(flat / np.maximum(solid, 1e-9) - 1) < 0.15
        assert solid[within].sum() / solid.sum() > 0.93, name
        assert solid[flat <= 0].sum() / solid.sum() < 0.003, name
        assert flat.sum() == pytest.approx(solid.sum(), rel=0.03), name


def test_panels_are_sewn_from_whole_cloth_and_stand_upright(garments: dict[str, Garment]) -> None:
    """On trunk and legs, up on the body is up on the cloth; a sleeve hangs from the shoulder."""
    for name, garment in garments.items():
        corners = garment.vertices[garment.faces]
        trunk = np.abs(corners[..., 0]).max(1) < 0.14
        up = (corners[trunk, 1, 1] - corners[trunk, 0, 1], garment.uv_m[trunk, 1, 1] - garment.uv_m[trunk, 0, 1])
        assert np.corrcoef(*up)[0, 1] > 0.9, name
