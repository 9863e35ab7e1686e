import numpy as np
import opensim
import pytest
import torch

from odah_gen.body.layout import load_layout
from odah_gen.body.model import load_body_model
from odah_gen.body.volume import body_mass
from odah_gen.paths import ASSETS
from odah_gen.skeleton import opensim_tasks
from odah_gen.skeleton.static import static_with_centers
from odah_gen.skeleton.subject import scale_to_static
from odah_gen.skeleton.table import coordinate_names, skeleton_table

opensim.Logger.setLevelString("Off")
opensim.Logger.removeFileSink()


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    """The OpenSim tasks in this process, with their scratch files in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return opensim_tasks


@pytest.fixture(scope="session")
def layout():
    return load_layout()


@pytest.fixture(scope="session")
def generic(layout, tmp_path_factory):
    """The generic model's text, with the markers of the list."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("generic"))
        return opensim_tasks.generic_model(layout.names, layout.bodies, layout.locations_m, ())


@pytest.fixture(scope="session")
def woman():
    return load_body_model(ASSETS / "body" / "free_female.npz", torch.float64)


@pytest.fixture(scope="session")
def scaled_woman(woman, layout):
    """The mean woman's model, as the scale stage makes it."""
    betas = np.zeros(16)
    return scale_to_static(layout, static_with_centers(woman, betas, layout), body_mass(woman, betas))


@pytest.fixture
def random_pose():
    """Draws coordinates (rad, m) within the middle of their ranges, the patella following."""

    def draw(frames, seed=0, spread=0.8):
        random = np.random.default_rng(seed)
        values = np.zeros((frames, 39))
        for column, row in enumerate(skeleton_table()["coordinates"].values()):
            if row["motion"] == "rotation":
                low, high = np.deg2rad(row["range_deg"]) if row["clamped"] else (-0.7, 0.7)
                middle, half = (low + high) / 2, spread * (high - low) / 2
                values[:, column] = middle + half * random.uniform(-1, 1, frames)
            elif row["motion"] == "translation":
                values[:, column] = random.uniform(-1, 1, frames)
        return couple(values)

    return draw


def couple(values):
    names = list(coordinate_names())
    for side in "rl":
        values[:, names.index(f"knee_angle_{side}_beta")] = values[:, names.index(f"knee_angle_{side}")]
    return values
