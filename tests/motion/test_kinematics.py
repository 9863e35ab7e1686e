import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from odah_gen.body.model import JOINT_NAMES
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.motion.kinematics import BODY_JOINTS, PARENTS, Limb, forward_kinematics, reach, turn


def test_parents_are_those_of_the_body_model(female):
    assert female.parents[:BODY_JOINTS] == PARENTS
    assert JOINT_NAMES[PARENTS[20]] == "left_elbow"


def test_forward_kinematics_agrees_with_the_skinned_body(female):
    poses = np.random.default_rng(2).normal(0, 0.5, (4, 165))
    pelvis = np.random.default_rng(3).normal(0, 1, (4, 3))
    shaped = shape_body(female, torch.zeros(4), [0])
    rest = shaped.joints.double().numpy()
    posed = pose_body(shaped, torch.as_tensor(poses), torch.as_tensor(pelvis - rest[0]))
    rotations = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(4, 55, 3, 3)
    centers, turned = forward_kinematics(rotations[:, :BODY_JOINTS], pelvis, rest)
    np.testing.assert_allclose(centers, posed.joints[:, :BODY_JOINTS].numpy(), atol=1e-5)
    np.testing.assert_allclose(turned, posed.rotations[:, :BODY_JOINTS].numpy(), atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_reach_brings_the_end_to_the_target_and_the_knee_to_its_side(seed):
    generator = np.random.default_rng(seed)
    limb = Limb(np.array([0.02, -0.4, 0.01]), np.array([0.01, -0.41, -0.02]), np.array([0.0, 0.0, 1.0]))
    parent = Rotation.random(5, random_state=seed).as_matrix()
    root = generator.normal(0, 1, (5, 3))
    way = generator.normal(0, 1, (5, 3))
    target = root + way / np.linalg.norm(way, axis=1, keepdims=True) * generator.uniform(0.1, 0.79, (5, 1))
    pole = generator.normal(0, 1, (5, 3))
    first, second = reach(limb, parent, root, target, pole)
    upper = parent @ first
    knee = root + upper @ limb.upper
    end = knee + upper @ second @ limb.lower
    np.testing.assert_allclose(end, target, atol=1e-9)
    # Only the part of the pole across the way can be obeyed; the bones' lengths settle the part along it.
    along = way / np.linalg.norm(way, axis=1, keepdims=True)
    across = pole - np.sum(pole * along, axis=1, keepdims=True) * along
    assert (np.sum((knee - root) * across, axis=1) > 0).all()


def test_a_target_out_of_reach_is_approached_along_the_straight_limb():
    limb = Limb(np.array([0.0, -0.4, 0.0]), np.array([0.0, -0.4, 0.0]), np.array([0.0, 0.0, 1.0]))
    first, second = reach(
        limb, np.eye(3)[None], np.zeros((1, 3)), np.array([[0.0, 0.0, 2.0]]), np.array([[0.0, 1.0, 0.0]])
    )
    end = first[0] @ (limb.upper + second[0] @ limb.lower)
    np.testing.assert_allclose(end, [0, 0, 0.799], atol=1e-9)


def test_turns_are_right_handed():
    np.testing.assert_allclose(turn("x", np.array([np.pi / 2]))[0] @ [0, 1, 0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(turn("y", np.array([np.pi / 2]))[0] @ [0, 0, 1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(turn("z", np.array([np.pi / 2]))[0] @ [1, 0, 0], [0, 1, 0], atol=1e-12)
