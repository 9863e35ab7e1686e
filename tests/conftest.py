"""Shared fixtures: tiny, and made by the project."""

import pytest

from tests.smplx_topology import write_smplx_topology


@pytest.fixture(scope="session")
def smplx_folder(tmp_path_factory):
    """A folder as a user of SMPL-X has it: smplx/SMPLX_NEUTRAL.npz with 10,475 vertices, made from the free body."""
    folder = tmp_path_factory.mktemp("models")
    write_smplx_topology(folder / "smplx" / "SMPLX_NEUTRAL.npz")
    return folder
