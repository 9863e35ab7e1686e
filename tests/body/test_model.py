"""Reading body models: schema, names, errors, which file is found."""

import shutil

import numpy as np
import pytest
import torch

from odah_gen.body.model import JOINT_NAMES, SCHEMA, find_body_model, load_body_model
from odah_gen.config import Body
from odah_gen.errors import InputError
from odah_gen.paths import ASSETS

NEUTRAL = ASSETS / "body" / "free_neutral.npz"


@pytest.fixture(scope="module")
def small_arrays():
    """A valid model of 40 vertices with random content."""
    rng = np.random.default_rng(3)
    with np.load(NEUTRAL) as archive:
        tree, ids = archive["kintree_table"], rng.choice(len(archive["v_template"]), 40, replace=False)
        arrays = {name: archive[name][ids] for name in ("v_template", "posedirs", "weights")}
        arrays["shapedirs"] = archive["shapedirs"][ids]
    regressor = rng.dirichlet(np.ones(40), 55)
    return arrays | {"J_regressor": regressor, "kintree_table": tree, "f": np.array([[0, 1, 2]], np.uint32)}


def save(path, arrays):
    np.savez(path, **arrays)
    return path


def test_free_body_has_the_schema_of_smplx():
    model = load_body_model(NEUTRAL)
    assert (model.name, model.gender, len(model.v_template)) == ("free", "neutral", 13_524)
    assert len(JOINT_NAMES) == len(model.parents) == 55
    assert model.parents[:13] == (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    for rows in (model.weights.sum(1), model.joint_regressor.sum(1)):
        assert torch.allclose(rows, torch.ones_like(rows), atol=1e-5)
    assert float(model.joint_regressor.min()) >= 0


def test_pickled_tables_of_real_smplx_files_are_not_touched(tmp_path, small_arrays):
    path = tmp_path / "SMPLX_FEMALE.npz"
    np.savez(path, **small_arrays, joint2num=np.array({"pelvis": 0}, dtype=object), allow_pickle=np.array(True))
    model = load_body_model(path, torch.float64)
    assert (model.gender, model.name, model.dtype) == ("female", "SMPLX_FEMALE", torch.float64)


@pytest.mark.parametrize(("columns", "betas", "expressions"), [(400, 300, 100), (300, 300, 0), (20, 10, 10), (8, 8, 0)])
def test_number_of_coefficients_comes_from_the_file(tmp_path, small_arrays, columns, betas, expressions):
    directions = np.random.default_rng(0).normal(size=(40, 3, columns))
    model = load_body_model(save(tmp_path / "SMPLX_MALE.npz", small_arrays | {"shapedirs": directions}))
    assert (model.num_betas, model.expressions.shape[2]) == (betas, expressions)


@pytest.mark.parametrize("name", list(SCHEMA))
def test_a_missing_array_is_named(tmp_path, small_arrays, name):
    arrays = {key: value for key, value in small_arrays.items() if key != name}
    with pytest.raises(InputError, match=f"SMPLX_MALE.npz: lacks {name};"):
        load_body_model(save(tmp_path / "SMPLX_MALE.npz", arrays))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("posedirs", np.zeros((40, 3, 207))),
        ("weights", np.zeros((41, 55))),
        ("J_regressor", np.zeros((24, 40))),
        ("v_template", np.zeros(())),
        ("f", np.array([[0, 1, 40]])),
        ("v_template", np.full((40, 3), np.nan)),
        ("kintree_table", np.tile(np.arange(55), (2, 1))),
    ],
)
def test_a_wrong_array_is_named(tmp_path, small_arrays, name, wrong):
    with pytest.raises(InputError, match=f"SMPLX_MALE.npz: {name} "):
        load_body_model(save(tmp_path / "SMPLX_MALE.npz", small_arrays | {name: wrong}))


def test_files_that_are_no_models_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_body_model(tmp_path / "SMPLX_MALE.npz")
    (tmp_path / "SMPLX_MALE.npz").write_text("not an archive")
    with pytest.raises(InputError, match="not a readable"):
        load_body_model(tmp_path / "SMPLX_MALE.npz")
    with pytest.raises(InputError, match="array of Python objects"):
        load_body_model(save(tmp_path / "SMPLX_NEUTRAL.npz", dict.fromkeys(SCHEMA, np.array([None]))))


def test_the_subjects_gender_is_preferred_and_neutral_stands_in(tmp_path, small_arrays):
    body = Body(model_dir=str(tmp_path))
    with pytest.raises(InputError, match=r"holds no SMPLX_FEMALE\.npz and no SMPLX_NEUTRAL\.npz"):
        find_body_model(body, "female")
    (tmp_path / "smplx").mkdir()
    save(tmp_path / "smplx" / "SMPLX_NEUTRAL.npz", small_arrays)
    assert find_body_model(body, "female").gender == "neutral"
    shutil.copy(tmp_path / "smplx" / "SMPLX_NEUTRAL.npz", tmp_path / "SMPLX_FEMALE.npz")
    assert find_body_model(body, "female").path == tmp_path / "SMPLX_FEMALE.npz"
    with pytest.raises(InputError, match="'woman' is unknown"):
        find_body_model(body, "woman")


@pytest.mark.parametrize("gender", ["female", "male", "neutral"])
def test_without_a_folder_the_free_body_is_taken(gender):
    model = find_body_model(Body(), gender)
    assert (model.name, model.gender) == ("free", gender)
