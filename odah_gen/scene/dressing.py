"""A dressed subject: garments, shoes, hair and eyes at rest, the skin that they hide, and the skin's own colours."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from odah_gen.body.model import BodyModel
from odah_gen.scene.cuts import LOWER_CUTS, UPPER_CUTS
from odah_gen.scene.eyes import eyes
from odah_gen.scene.garments import (
    HIDE_DEPTH_M,
    SWING_M,
    Garment,
    lower_garment,
    skin_suit,
    tights_suit,
    tuck_in,
    upper_garment,
)
from odah_gen.scene.hair import HAIRS, hair, hat
from odah_gen.scene.rest_body import RestBody, rest_body
from odah_gen.scene.shells import joined
from odah_gen.scene.shoes import in_shoe, shoe
from odah_gen.scene.skin_regions import skin_regions
from odah_gen.storage import write_npz


@dataclass(frozen=True)
class Outfit:
    """What somebody wears, by name.

    Attributes:
        upper, lower: cuts of UPPER_CUTS and LOWER_CUTS.
        upper_loose, lower_loose: factors of the cuts' distance from the body.
        shoes: of SHOES.
        hair: of HAIRS.
        hat: of HATS, or None.
        hair_seed: places the tufts.
    """

    upper: str = "t_shirt"
    lower: str = "trousers"
    upper_loose: float = 1.0
    lower_loose: float = 1.0
    shoes: str = "trainer"
    hair: str = "short"
    hat: str | None = None
    hair_seed: int = 0


@dataclass(frozen=True)
class Clothes:
    """What a subject wears, by name; which faces of the skin it covers for good; how far vertices have each colour."""

    garments: dict[str, Garment]
    hidden_faces: Bool[np.ndarray, " faces"]
    regions: dict[str, Float[np.ndarray, " vertices"]]


def dress(model: BodyModel, betas: Float[np.ndarray, " betas"], outfit: Outfit, simulated: bool = False) -> Clothes:
    """Cut and shape everything that a subject wears; where cloth will be simulated, more is left below it.

    Raises:
        InputError: the body model's shape leaves nothing of a garment, so its vertices are not where SMPL-X's are.
    """
    body = rest_body(model, betas)
    suit = tights_suit(model, betas) or skin_suit(body)
    upper, lower = UPPER_CUTS[outfit.upper], LOWER_CUTS[outfit.lower]
    trousers = lower_garment(suit, body, lower, outfit.lower_loose, model.path)
    garments = {
        "upper": upper_garment(suit, body, upper, outfit.upper_loose, model.path),
        "lower": tuck_in(trousers, upper.field(body, trousers.vertices) - (SWING_M if simulated else 0.0)),
        "shoes": joined(*(shoe(body, side, outfit.shoes) for side in ("left", "right"))),
        "hair": hair(body, HAIRS[outfit.hair], np.random.default_rng(outfit.hair_seed)),
        "eyes": eyes(body),
    }
    if outfit.hat:
        garments["hat"] = hat(body, outfit.hat)
    depth = np.maximum(upper.field(body, body.vertices), lower.field(body, body.vertices))
    clothed = depth > HIDE_DEPTH_M + (SWING_M if simulated else 0.0)
    return Clothes(garments, hidden_faces(body, clothed | in_shoe(body, outfit.shoes)), skin_regions(body))


def hidden_faces(body: RestBody, covered: Bool[np.ndarray, " vertices"]) -> Bool[np.ndarray, " faces"]:
    """Faces with no uncovered corner; eyes count as covered, because round ones stand in their place."""
    eye = body.held_by("left_eye", "right_eye") > 0.5
    return (covered | eye)[body.faces].all(1)


def write_clothes(path: Path, clothes: Clothes) -> None:
    """Write `<name>_<field>` of every garment, `hidden_faces`, and `region_<name>`."""
    arrays = {f"{name}_{key}": value for name, garment in clothes.garments.items() for key, value in fields_of(garment)}
    regions = {f"region_{name}": share.astype(np.float32) for name, share in clothes.regions.items()}
    write_npz(path, hidden_faces=clothes.hidden_faces, **regions, **arrays)


def fields_of(garment: Garment) -> list[tuple[str, np.ndarray]]:
    """Names and arrays as they stand in the file: single precision, 32-bit indices."""
    return [
        (entry.name, value.astype(np.float32 if value.dtype.kind == "f" else np.int32))
        for entry in fields(garment)
        for value in (getattr(garment, entry.name),)
    ]
