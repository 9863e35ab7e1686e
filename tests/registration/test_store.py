"""Which regressor a run uses: the key changes with content, not with the file's packing."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest

from odah_gen.config import Body, Config, Skeleton
from odah_gen.errors import InputError
from odah_gen.registration.store import content_key, regressor_file, regressor_keys, regressor_name
from odah_gen.run import Run


@pytest.fixture
def folder(tmp_path):
    """A folder with one body model."""
    np.savez_compressed(tmp_path / "SMPLX_NEUTRAL.npz", v_template=np.zeros((4, 3)), f=np.arange(3))
    return tmp_path


def config_of(folder) -> Config:
    return Config(body=Body(model_dir=str(folder)))


def test_key_depends_on_content_alone(folder):
    first = content_key(folder / "SMPLX_NEUTRAL.npz")
    np.savez(folder / "SMPLX_NEUTRAL.npz", f=np.arange(3), v_template=np.zeros((4, 3)), note=np.ones(2))
    assert content_key(folder / "SMPLX_NEUTRAL.npz") == first
    np.savez(folder / "SMPLX_NEUTRAL.npz", v_template=np.full((4, 3), 1e-6), f=np.arange(3))
    assert content_key(folder / "SMPLX_NEUTRAL.npz") != first


def test_every_part_changes_the_name(folder, tmp_path):
    name = regressor_name(config_of(folder))
    (tmp_path / "own.osim").write_text("<OpenSimDocument/>\n")
    skeleton = Config(body=Body(model_dir=str(folder)), skeleton=Skeleton(model=str(tmp_path / "own.osim")))
    assert regressor_name(skeleton) != name
    (tmp_path / "own.yaml").write_text("markers: {}\n")
    markers = Config(body=Body(model_dir=str(folder)), skeleton=Skeleton(markers=str(tmp_path / "own.yaml")))
    assert regressor_name(markers) != name
    assert regressor_keys(markers)["body_model"] == regressor_keys(config_of(folder))["body_model"]


def test_a_users_regressor_lies_beside_the_runs(folder, tmp_path):
    path = regressor_file(Run(tmp_path / "results" / "demo", config_of(folder)))
    assert path.parent == tmp_path / "results" / "regressor"
    assert path.name.startswith("user-")


def test_missing_or_broken_models_are_told(tmp_path):
    with pytest.raises(InputError, match=r"holds no SMPLX_FEMALE\.npz and no"):
        regressor_name(config_of(tmp_path))
    (tmp_path / "SMPLX_MALE.npz").write_text("no zip")
    with pytest.raises(InputError, match="not a readable"):
        regressor_name(config_of(tmp_path))
    assert not zipfile.is_zipfile(tmp_path / "SMPLX_MALE.npz")


def test_asking_does_not_import_torch():
    code = "import sys, odah_gen.registration.store; sys.exit('torch' in sys.modules or 'opensim' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
