"""The joint regressor: finds an exact sparse truth, keeps its constraints, follows rigid motion."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.spatial.transform import Rotation

from odah_gen.errors import InputError
from odah_gen.registration.regressor import (
    JUDGED,
    JointErrors,
    JointRegressor,
    load_regressor,
    ring_of,
    save_regressor,
)
from odah_gen.registration.regressor_training import (
    candidate_vertices,
    held_out_centers,
    row_sums,
    solve_row,
    solve_sums,
    train_weights,
)
from odah_gen.skeleton.table import skeleton_table
from odah_gen.storage import read_npz, write_npz


def moving_points(samples: int, points: int, seed: int) -> np.ndarray:
    """Points that move independently about fixed places, metres."""
    generator = np.random.default_rng(seed)
    return generator.uniform(-0.2, 0.2, (1, points, 3)) + 0.05 * generator.standard_normal((samples, points, 3))


def test_exact_sparse_truth_is_found():
    vertices = moving_points(40, 30, 0)
    truth = np.zeros(30)
    truth[[3, 8, 21]] = 0.5, 0.3, 0.2
    found = solve_row(vertices, np.einsum("v,svc->sc", truth, vertices))
    assert np.abs(found - truth).max() < 0.02
    assert (found[truth == 0] < 0.01).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_weights_are_a_convex_combination(seed):
    generator = np.random.default_rng(seed)
    vertices = moving_points(8, 20, seed)
    found = solve_row(vertices, 0.3 * generator.standard_normal((8, 3)))
    assert (found >= 0).all()
    assert np.isclose(found.sum(), 1.0)


def example() -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    vertices = moving_points(24, 40, 1)
    centers = np.stack([vertices[:, [1, 2]].mean(1), vertices[:, [30, 31, 32]].mean(1)], 1)
    return vertices, centers, [np.arange(20), np.arange(20, 40)]


def test_rows_use_only_their_candidates():
    vertices, centers, candidates = example()
    weights = train_weights(vertices, centers, candidates).toarray()
    assert weights.shape == (2, 40)
    assert (weights[0, 20:] == 0).all()
    assert (weights[1, :20] == 0).all()


def test_sums_without_a_group_train_as_if_it_had_never_been():
    vertices, centers, candidates = example()
    points, center = vertices[:, candidates[0]], centers[:, 0]
    sums = row_sums(points, center).without(row_sums(points[:7], center[:7]))
    assert np.allclose(solve_sums(sums), solve_row(points[7:], center[7:]), atol=1e-7)


def test_held_out_centres_come_from_the_other_groups():
    vertices, centers, candidates = example()
    groups = np.repeat([0, 1, 2], 8)
    found = held_out_centers(vertices, centers, candidates, groups)
    for group in range(3):
        out = groups == group
        weights = train_weights(vertices[~out], centers[~out], candidates).toarray()
        assert np.allclose(found[out], np.einsum("jv,svc->sjc", weights, vertices[out]), atol=1e-7)


def test_held_out_error_is_small_for_a_true_regressor_and_large_for_noise():
    vertices, centers, candidates = example()
    bodies = np.repeat([0, 1, 2], 8)

    def error(wanted):
        return np.linalg.norm(held_out_centers(vertices, wanted, candidates, bodies) - wanted, axis=-1).mean()

    assert error(centers) < 0.002
    assert error(centers + 0.05 * np.random.default_rng(2).standard_normal(centers.shape)) > 0.03


def regressor() -> JointRegressor:
    vertices, centers, candidates = example()
    weights = train_weights(vertices, centers, candidates)
    keys = {"body_model": "a", "skeleton": "b", "markers": "c"}
    return JointRegressor(("one", "two"), weights, keys, errors(), np.eye(60))


def errors() -> dict[str, JointErrors]:
    return {kind: JointErrors(np.array([1.0, np.nan]), np.array([3.0, 4.0])) for kind in JUDGED}


def test_apply_follows_rigid_motion():
    vertices = example()[0]
    rotation, shift = Rotation.from_rotvec([0.3, -2.0, 1.0]).as_matrix(), np.array([1.0, 5.0, -2.0])
    moved = regressor().apply(vertices @ rotation.T + shift)
    assert np.allclose(moved, regressor().apply(vertices) @ rotation.T + shift, atol=1e-9)


def test_apply_refuses_another_topology():
    with pytest.raises(InputError, match="40 vertices; the body has 39"):
        regressor().apply(np.zeros((39, 3)))


def test_file_gives_the_same_regressor_back(tmp_path):
    save_regressor(tmp_path / "r.npz", regressor())
    found = load_regressor(tmp_path / "r.npz")
    vertices = example()[0]
    assert found.joint_names == ("one", "two")
    assert found.keys == regressor().keys
    assert np.array_equal(found.apply(vertices), regressor().apply(vertices))
    assert np.array_equal(found.held_out_mean_mm, [1.0, np.nan], equal_nan=True)
    assert np.array_equal(found.errors["own"].p95_mm, [3.0, 4.0])
    assert np.array_equal(found.correction_covariance, np.eye(60))


def test_a_file_without_the_prior_of_the_fit_is_refused(tmp_path):
    save_regressor(tmp_path / "r.npz", regressor())
    arrays = read_npz(tmp_path / "r.npz")
    del arrays["correction_covariance"]
    write_npz(tmp_path / "r.npz", **arrays)
    with pytest.raises(InputError, match=r"r.npz: lacks correction_covariance"):
        load_regressor(tmp_path / "r.npz")


def test_file_with_rows_that_are_no_weights_is_refused(tmp_path):
    wrong = JointRegressor(("one",), csr_array(np.array([[0.5, 0.2]])), regressor().keys, errors(), np.eye(60))
    save_regressor(tmp_path / "r.npz", wrong)
    with pytest.raises(InputError, match="sum to 1"):
        load_regressor(tmp_path / "r.npz")


def test_every_joint_of_the_skeleton_has_a_ring():
    for joint in skeleton_table()["joints"]:
        ring = ring_of(joint)
        if joint.endswith(("_r", "_l")):
            word = {"r": "right", "l": "left"}[joint[-1]]
            assert any(owner.startswith(word) for owner in ring.owners)
    with pytest.raises(InputError, match="no ring"):
        ring_of("jaw")


def test_candidates_come_from_the_whole_ring():
    generator = np.random.default_rng(3)
    vertices = np.concatenate([generator.uniform(-0.1, 0.1, (500, 3)), generator.uniform(0.5, 1, (100, 3))])[None]
    owned = np.ones(600)
    owned[:50] = 0.2
    chosen = candidate_vertices(vertices, np.zeros((1, 3)), owned, 0.2, 120, np.random.default_rng(0))
    assert len(set(chosen)) == 120
    assert chosen.min() >= 50
    assert chosen.max() < 500
    assert np.abs(vertices[0, chosen].mean(0)).max() < 0.02
