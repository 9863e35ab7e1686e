"""Everybody has a wardrobe of their own, the same in any order; a clip takes one upper and one lower garment of it."""

from pathlib import Path

import numpy as np

from odah_gen.config import from_mapping
from odah_gen.run import Run
from odah_gen.scene.appearance import MONK_SKIN_TONES, Material, draw_skin, skin_tone
from odah_gen.scene.cuts import LOWER_CUTS, UPPER_CUTS
from odah_gen.scene.dressing import Outfit
from odah_gen.scene.hair import HAIRS
from odah_gen.scene.shoes import SHOES
from odah_gen.scene.wardrobe import FABRICS_PER_CUT, Wardrobe, choose_clothes, draw_wardrobe

SUBJECTS = [f"s{i:03d}" for i in range(120)]
RUN = Run(Path("nowhere"), from_mapping({}))


def skin_of(subject: str) -> dict[str, Material]:
    return draw_skin(RUN.generator(subject, "skin"))


def wardrobe_of(subject: str) -> Wardrobe:
    return draw_wardrobe(RUN.generator(subject, "wardrobe"), skin_of(subject)["hair"])


def worn_in(subject: str, clip: str) -> tuple[Outfit, dict[str, Material]]:
    return choose_clothes(wardrobe_of(subject), RUN.generator(f"{subject}-{clip}", "clothes"))


def test_order_does_not_matter() -> None:
    forward = {subject: worn_in(subject, "walk-01") for subject in SUBJECTS[:20]}
    backward = {subject: worn_in(subject, "walk-01") for subject in reversed(SUBJECTS[:20])}
    assert forward == backward
    assert len({str(worn) for worn in forward.values()}) == 20


def test_four_uppers_and_four_lowers_of_five_fabrics_each() -> None:
    for subject in SUBJECTS[:10]:
        garments = wardrobe_of(subject).garments
        assert set(garments) == set(UPPER_CUTS) | set(LOWER_CUTS)
        for materials in garments.values():
            assert len({material.fabric.pattern for material in materials}) == FABRICS_PER_CUT == 5


def test_hair_and_shoes_stay_and_clothes_change() -> None:
    worn = [worn_in("s001", f"walk-{i:02d}") for i in range(60)]
    assert len({(outfit.hair, outfit.hat, outfit.shoes, outfit.hair_seed) for outfit, _ in worn}) == 1
    pairs = {(outfit.upper, outfit.lower) for outfit, _ in worn}
    assert {upper for upper, _ in pairs} == set(UPPER_CUTS)
    assert {lower for _, lower in pairs} == set(LOWER_CUTS)
    assert len(pairs) > 12
    owned = {str(material) for materials in wardrobe_of("s001").garments.values() for material in materials}
    assert {str(materials["upper"]) for _, materials in worn} <= owned


def test_all_skin_tones_hair_and_shoes_occur_and_nobody_is_bald() -> None:
    outfits = [wardrobe_of(subject).outfit for subject in SUBJECTS]
    assert {outfit.hair for outfit in outfits} == set(HAIRS)
    assert {outfit.shoes for outfit in outfits} == set(SHOES)
    assert 0.1 < np.mean([outfit.hat is not None for outfit in outfits]) < 0.45
    tones = np.array([skin_tone(number) for number in range(len(MONK_SKIN_TONES))])
    skins = np.array([skin_of(subject)["skin"].color_linear for subject in SUBJECTS])
    nearest = np.abs(np.log(skins[:, None] / tones)).sum(2).argmin(1)
    assert set(nearest) == set(range(len(MONK_SKIN_TONES)))
    assert len({tuple(skin) for skin in skins}) == len(SUBJECTS)


def test_lips_palms_and_flush_belong_to_the_skin() -> None:
    for subject in SUBJECTS[:40]:
        looks = {name: np.array(look.color_linear) for name, look in skin_of(subject).items()}
        redness = {name: color[0] / color[1:].mean() for name, color in looks.items()}
        assert redness["lip"] > redness["skin"]
        assert redness["flush"] > redness["skin"]
        assert looks["palm"].sum() > 0.9 * looks["skin"].sum()
        assert 0.3 <= skin_of(subject)["skin"].roughness <= 0.7
