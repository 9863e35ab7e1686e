"""A small body, motion files made on the spot, and a run over them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from odah_gen.body.model import BodyModel, load_body_model
from odah_gen.motion.physique import Physique, measure
from odah_gen.paths import ASSETS
from tests.motion.amass_files import amass_arrays


@pytest.fixture(scope="session")
def female() -> BodyModel:
    return load_body_model(ASSETS / "body" / "free_female.npz")


@pytest.fixture(scope="session")
def tall_male() -> tuple[BodyModel, np.ndarray]:
    return load_body_model(ASSETS / "body" / "free_male.npz"), np.array([1.8, -0.6, 1.0, 0.5])


@pytest.fixture(scope="session")
def physiques(female, tall_male) -> dict[str, tuple[BodyModel, np.ndarray, Physique]]:
    small = np.array([-1.8, 0.5, 0.0, 0.0])
    return {
        "small": (female, small, measure(female, small)),
        "tall": (*tall_male, measure(*tall_male)),
    }


@pytest.fixture
def amass_file(tmp_path) -> Callable[..., Path]:
    """Write an AMASS file below tmp_path/amass with some arrays changed; None leaves one out."""

    def write(name: str = "subject_1/walk_01_poses.npz", columns: int = 156, frames: int = 40, **changes: Any) -> Path:
        arrays = {**amass_arrays(columns, frames), **changes}
        path = tmp_path / "amass" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
        return path

    return write
