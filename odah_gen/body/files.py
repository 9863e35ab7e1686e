"""Where body model files lie: the free body of assets/, or the user's folder. Cheap to ask: torch is not imported."""

from collections.abc import Iterable
from pathlib import Path

from odah_gen.config import GENDERS, Body
from odah_gen.errors import InputError
from odah_gen.paths import ASSETS

FREE = ASSETS / "body"


def body_file(body: Body, gender: str) -> Path:
    """The body model file for a gender; in a user's folder the neutral one serves where there is none of that gender.

    Raises:
        InputError: the gender is unknown, or the folder has neither file.
    """
    if gender not in GENDERS:
        raise InputError(f"gender {gender!r} is unknown; a body model is one of {', '.join(GENDERS)}. Correct it.")
    found = own_file(body, gender) or own_file(body, "neutral")
    if found is None:
        raise no_body_model(body, dict.fromkeys((gender, "neutral")))
    return found


def body_files(body: Body) -> list[Path]:
    """The body model files of all genders that have one.

    Raises:
        InputError: there is none.
    """
    found = [path for gender in GENDERS if (path := own_file(body, gender)) is not None]
    if not found:
        raise no_body_model(body, GENDERS)
    return found


def own_file(body: Body, gender: str) -> Path | None:
    """The file of exactly this gender, if there is one; a user's folder is searched directly, then in smplx/."""
    if body.model_dir is None:
        candidates = [FREE / f"free_{gender}.npz"]
    else:
        candidates = [Path(body.model_dir) / part / f"SMPLX_{gender.upper()}.npz" for part in ("", "smplx")]
    return next((path for path in candidates if path.exists()), None)


def no_body_model(body: Body, genders: Iterable[str]) -> InputError:
    """The error for a folder without any of the wanted files."""
    if body.model_dir is None:
        return InputError(f"{FREE}: holds no body model. Build the free body with: odah-gen body build.")
    names = " and no ".join(f"SMPLX_{gender.upper()}.npz" for gender in genders)
    return InputError(
        f"{body.model_dir}: holds no {names}, neither directly nor in smplx/. "
        "Point body.model_dir at the folder of the unpacked SMPL-X models, or leave it out to use the free body."
    )
