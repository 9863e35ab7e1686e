"""What hides what, on shapes where the answer is known."""

import numpy as np
import pytest
import torch
import trimesh

from odah_gen.body.model import JOINT_NAMES, find_body_model
from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.config import Body
from odah_gen.dataset import visibility
from odah_gen.dataset.visibility import body_mesh, count_crossings, on_skin_visible, parts_of_vertices

EYE = np.array([5.0, 0.0, 0.0])


def totals(mesh, points):
    crossings = count_crossings(mesh, EYE, points, 0.001)
    return crossings.entering.tolist(), crossings.leaving.tolist()


def sphere(x, radius=0.5):
    return trimesh.creation.icosphere(subdivisions=3, radius=radius).apply_translation([x, 0.003, 0.002])


def inside_visible(mesh, eye, points):
    """Each shape of the mesh is a part of the body."""
    parts = trimesh.graph.connected_component_labels(mesh.face_adjacency, node_count=len(mesh.faces))
    of_vertices = np.zeros(len(mesh.vertices), int)
    of_vertices[mesh.faces] = parts[:, None]
    return visibility.inside_visible(mesh, of_vertices, eye, points)


def mesh_of(*shapes):
    whole = trimesh.util.concatenate(shapes)
    return body_mesh(whole.vertices, whole.faces)


def test_center_of_a_sphere_is_behind_one_skin_and_visible():
    mesh, center = mesh_of(sphere(0)), np.zeros((1, 3))
    assert totals(mesh, center) == ([1], [0])
    assert inside_visible(mesh, EYE, center).tolist() == [True]


def test_a_sphere_in_between_hides_the_center_of_another():
    mesh = mesh_of(sphere(0), sphere(2))
    centers = np.array([[0.0, 0, 0], [2.0, 0, 0]])
    assert totals(mesh, centers) == ([2, 1], [1, 0])
    assert inside_visible(mesh, EYE, centers).tolist() == [False, True]


def test_skin_points_are_visible_on_the_near_side_only():
    mesh = mesh_of(sphere(0))
    near, far, just_under = [0.5, 0, 0], [-0.5, 0, 0], [0.49, 0, 0]
    assert on_skin_visible(mesh, EYE, np.array([near, far, just_under])).tolist() == [True, False, True]


def test_a_point_before_the_surface_or_beside_it_is_visible():
    mesh = mesh_of(sphere(0))
    assert inside_visible(mesh, EYE, np.array([[1.0, 0, 0], [0.0, 0, 3.0]])).all()


def test_a_point_behind_the_body_but_outside_it_is_hidden():
    assert not inside_visible(mesh_of(sphere(0)), EYE, np.array([[-1.0, 0, 0]])).any()


@pytest.mark.parametrize("behind_m", [-0.01, 0.001, 0.006, 0.01])
def test_a_joint_just_behind_its_own_thin_limb_is_visible_until_another_limb_comes_before_it(behind_m):
    limb, other = (limb_at(x) for x in (0, 0.3))
    joint = np.array([[-0.02 - behind_m, 0.003, 0.152]])
    assert inside_visible(mesh_of(limb), EYE, joint).tolist() == [True]
    assert inside_visible(mesh_of(limb, other), EYE, joint).tolist() == [False]


def test_a_joint_between_two_limbs_belongs_to_the_nearer_one():
    mesh = mesh_of(limb_at(0), limb_at(-0.056))
    nearer_the_front, nearer_the_back = [-0.026, 0.003, 0.152], [-0.030, 0.003, 0.152]
    assert inside_visible(mesh, EYE, np.array([nearer_the_front, nearer_the_back])).tolist() == [True, False]


def limb_at(x):
    return (
        trimesh.creation.capsule(height=0.3, radius=0.02, count=[48, 48]).subdivide().apply_translation([x, 0.001, 0])
    )


def test_a_thumb_does_not_hide_its_palm_and_every_joint_has_a_part():
    model = find_body_model(Body(), "neutral")
    vertices = shape_body(model, torch.zeros(1)).vertices.numpy().astype(float).reshape(-1, 3)
    mesh, parts = body_mesh(vertices, model.faces), parts_of_vertices(model)
    palm = vertices[model.vertices_of(["left_wrist"])].mean(0, keepdims=True)
    thumb = vertices[model.vertices_of(["left_thumb3"])].mean(0)
    eye = palm[0] + 20 * (thumb - palm[0])
    assert count_crossings(mesh, eye, palm, 0.005).leaving > 0
    assert visibility.inside_visible(mesh, parts, eye, palm).all()
    assert len(np.unique(parts)) == 14


def test_unknown_points_are_crossed_by_nothing():
    assert totals(mesh_of(sphere(0)), np.full((2, 3), np.nan)) == ([0, 0], [0, 0])


def test_where_nothing_is_hit_nothing_is_crossed():
    assert totals(mesh_of(sphere(0)), np.array([[0.0, 0, 9]])) == ([0], [0])


def test_parts_that_reach_into_each_other_do_not_hide_what_is_in_both():
    mesh = mesh_of(sphere(0), sphere(0.4))
    in_both, in_the_far_one = [0.2, 0, 0], [-0.3, 0, 0]
    assert inside_visible(mesh, EYE, np.array([in_both, in_the_far_one])).tolist() == [True, False]


def test_counts_equal_a_slow_twin_on_two_spheres():
    centers, radii = np.array([[0.0, 0.003, 0.002], [2.0, 0.003, 0.002]]), [0.5, 0.5]
    points = np.random.default_rng(3).uniform([-2, -0.8, -0.8], [3, 0.8, 0.8], (300, 3))
    fine = [trimesh.creation.icosphere(subdivisions=5, radius=0.5).apply_translation(center) for center in centers]
    exact = sum((slow_crossings(points, center, radius) for center, radius in zip(centers, radii)), np.zeros(300))
    away = np.min([np.abs(np.linalg.norm(points - center, axis=1) - 0.5) for center in centers], axis=0) > 0.005
    grazing = np.min([grazes(points, center, 0.5) for center in centers], axis=0) > 0.005
    crossings = count_crossings(mesh_of(*fine), EYE, points, 0.0)
    counts = crossings.entering + crossings.leaving
    np.testing.assert_array_equal(counts[away & grazing], exact[away & grazing])


def slow_crossings(points, center, radius):
    """Roots of the quadratic of ray and sphere that lie before each point."""
    counts = []
    for point in points:
        direction = point - EYE
        roots = np.roots(
            [direction @ direction, 2 * direction @ (EYE - center), (EYE - center) @ (EYE - center) - radius**2]
        )
        counts.append(sum(0 < root.real < 1 for root in roots if abs(root.imag) < 1e-12))
    return np.array(counts)


def grazes(points, center, radius):
    """How far each ray passes from touching the sphere without entering it."""
    directions = (points - EYE) / np.linalg.norm(points - EYE, axis=1)[:, None]
    return np.abs(np.linalg.norm(np.cross(center - EYE, directions), axis=1) - radius)


@pytest.mark.parametrize(("hand_x", "seen"), [(0.5, False), (-0.5, True)])
def test_a_hand_before_the_torso_hides_what_is_inside(hand_x, seen):
    torso = trimesh.creation.capsule(height=0.5, radius=0.15)
    hand = trimesh.creation.box([0.03, 0.1, 0.18]).apply_translation([hand_x, 0, 0.2])
    spine, elsewhere = [0.0, 0.01, 0.22], [0.0, 0.01, 0.45]
    assert inside_visible(mesh_of(torso, hand), EYE, np.array([spine, elsewhere])).tolist() == [seen, True]


def test_a_raised_hand_hides_the_chest_of_the_free_body():
    model = find_body_model(Body(), "neutral")
    poses = torch.zeros(2, 165)
    arm = 3 * JOINT_NAMES.index("right_shoulder")
    poses[1, arm : arm + 3] = torch.tensor([0.0, np.pi / 2, 0.0])  # the right arm points forward
    posed = pose_body(shape_body(model, torch.zeros(1)), poses)
    chest = posed.joints[1, JOINT_NAMES.index("spine3")].numpy().astype(float)
    hand = posed.joints[1, JOINT_NAMES.index("right_middle1")].numpy().astype(float)
    eye = chest + 4 * (hand - chest)
    seen = [
        visibility.inside_visible(
            body_mesh(vertices.numpy().astype(float), model.faces),
            parts_of_vertices(model),
            eye,
            np.stack([chest, hand]),
        ).tolist()
        for vertices in posed.vertices
    ]
    assert seen[0][0], "with the arms at the sides nothing stands before the chest"
    assert seen[1] == [False, True], "the hand does, and is seen itself"
