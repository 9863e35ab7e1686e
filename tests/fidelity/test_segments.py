"""Rotations of segments: known ones come back, against SciPy's alignment frame by frame."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from odah_gen.body.model import JOINT_NAMES, load_body_model
from odah_gen.fidelity.segments import (
    MESH_JOINTS,
    TRUNK_AND_LEGS,
    angles_between,
    best_rotations,
    rotation_errors,
    segment_vertices,
)
from odah_gen.paths import ASSETS
from odah_gen.skeleton.table import body_names


def test_known_rotations_come_back():
    generator = np.random.default_rng(0)
    points, turns = generator.standard_normal((9, 3)), Rotation.random(5, rng=generator)
    moved = np.stack([turn.apply(points) for turn in turns]) + generator.standard_normal((5, 1, 3))
    assert np.abs(best_rotations(points, moved) - turns.as_matrix()).max() < 1e-12


def test_noisy_rotations_equal_those_of_scipy():
    generator = np.random.default_rng(1)
    points = generator.standard_normal((9, 3))
    moved = points[None] + 0.5 * generator.standard_normal((6, 9, 3))
    slow = [Rotation.align_vectors(frame - frame.mean(0), points - points.mean(0))[0].as_matrix() for frame in moved]
    assert np.abs(best_rotations(points, moved) - slow).max() < 1e-9


@pytest.mark.parametrize("angle", [0.0, 1e-7, 0.3, np.pi])
def test_angles_between_rotations_are_exact(angle):
    first = Rotation.random(rng=np.random.default_rng(2))
    second = first * Rotation.from_rotvec(angle * np.array([0.6, 0.0, 0.8]))
    assert angles_between(first.as_matrix()[None], second.as_matrix()[None])[0] == pytest.approx(angle, abs=1e-12)


@pytest.mark.parametrize("gender", ["female", "male"])
def test_every_segment_has_vertices_that_follow_it(gender):
    weights = load_body_model(ASSETS / "body" / f"free_{gender}.npz").weights.numpy()
    for body, ids in segment_vertices(weights).items():
        joints = [JOINT_NAMES.index(name) for name in MESH_JOINTS[body]]
        assert len(set(ids)) == 64
        assert weights[ids][:, joints].sum(1).min() > (0.85 if body in TRUNK_AND_LEGS else 0.5), body


def test_a_common_turn_of_mesh_and_label_is_no_error_and_another_one_is():
    generator = np.random.default_rng(3)
    names = list(body_names())
    standing, points = Rotation.random(len(names), rng=generator).as_matrix(), generator.standard_normal((1, 8, 3))
    turn = Rotation.from_rotvec([0.1, -0.4, 0.2]).as_matrix()
    moved, label = points @ turn.T, (turn @ standing)[None]
    errors = rotation_errors({"torso": points}, standing, {"torso": moved}, label, names)
    assert errors["torso"][0] == pytest.approx(0, abs=1e-7)
    errors = rotation_errors({"torso": points}, standing, {"torso": points}, label, names)
    assert errors["torso"][0] == pytest.approx(np.linalg.norm([0.1, -0.4, 0.2]))
