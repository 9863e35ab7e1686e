"""Feet and floor: points that can be lowest, contacts, and a fit that neither sinks nor slides."""

import dataclasses

import numpy as np
import torch

from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.body.static_trial import standing_translation, static_poses
from odah_gen.registration.clip_fit import fit_clip_motion
from odah_gen.registration.fit_frames import FitSettings, Motion, Targets
from odah_gen.registration.floor import bent_away, contact_numbers, sole_vertices, standing_places
from odah_gen.registration.points import skin_points

FRAMES, FPS = 20, 30.0


def test_soles_hold_the_lowest_vertex_of_a_tilted_foot(model):
    betas = np.zeros(16)
    chosen = sole_vertices(model, betas)
    pose = static_poses(model, betas)
    for pitch in (-0.4, 0.0, 0.5):
        tilted = pose.reshape(55, 3).copy()
        tilted[7, 0] += pitch
        posed = pose_body(shape_body(model, torch.as_tensor(betas)), torch.as_tensor(tilted.reshape(1, 165)))
        heights = posed.vertices[0, :, 2].numpy()
        foot = model.vertices_of(("left_ankle", "left_foot"))
        assert heights[np.intersect1d(chosen, foot)].min() < heights[foot].min() + 0.004


def test_contacts_are_numbered_one_by_one():
    touches = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]], bool)
    assert contact_numbers(touches).tolist() == [[1, 0, 3], [1, 2, 0], [0, 2, 4]]


def test_standing_places_shift_a_contact_as_a_whole():
    source = np.zeros((4, 1, 3))
    source[:, 0] = [[0.0, 0, -0.01], [0.01, 0, 0.005], [0.02, 0, 0.5], [1.0, 0, 0.0]]
    fitted = source + np.array([[[0.1, 0, 0]], [[0.3, 0, 0]], [[9.0, 9, 9]], [[0.0, 0.2, 0]]])
    places = standing_places(source, fitted, np.array([[True], [True], [False], [True]]))
    assert np.allclose(places[[0, 1, 3], 0], [[0.2, 0, 0.0], [0.21, 0, 0.005], [1.0, 0.2, 0.0]])


def test_only_a_held_joint_that_the_source_bends_lets_its_points_go():
    held = torch.eye(3, dtype=torch.float64).expand(2, 55, 3, 3)
    source = held.clone()
    source[1, 10] = source[1, 7] = torch.linalg.matrix_exp(
        torch.tensor([[0, 0, 0], [0, 0, -0.3], [0, 0.3, 0.0]]).double()
    )
    weights = np.eye(55)[[7, 10, 11]]
    bent = bent_away(source, held, weights, ("left_foot", "right_foot"))
    assert bent.tolist() == [[False, False, False], [False, True, False]]


def with_soles(subject):
    """The subject with soles to be held over the floor."""
    ids = sole_vertices(subject.model, np.zeros(16))
    soles, points = skin_points(subject.model, ids, 16), subject.body.points
    joined = {
        name: torch.cat([getattr(points, name), getattr(soles, name)])
        for name in ("template", "shape_basis", "posedirs", "weights")
    }
    return dataclasses.replace(subject.body, points=dataclasses.replace(points, **joined)), ids


def test_feet_neither_sink_nor_slide_when_the_label_does(subject):
    body, ids = with_soles(subject)
    pose = static_poses(subject.model, np.zeros(16))[None]
    trans = standing_translation(subject.model, np.zeros(16), pose)
    source = Motion(np.repeat(pose, FRAMES, 0), np.repeat(trans, FRAMES, 0))
    wrong = subject.targets(source, np.zeros(16), np.zeros((body.markers, 3)))
    time_s = np.arange(FRAMES)[:, None] / FPS
    sinking = np.concatenate([0.05 * time_s, 0 * time_s, np.full_like(time_s, -0.015)], 1)[:, None]
    targets = Targets(wrong.markers_m + sinking, wrong.joint_centers_m + sinking)
    lowest, slid = {}, {}
    for name, used in (("without", subject.body), ("with", body)):
        found = fit_clip_motion(used, np.zeros(16), np.zeros((body.markers, 3)), source, targets, FPS, FitSettings())
        shaped = shape_body(subject.model, torch.zeros(16), ids)
        feet = pose_body(shaped, torch.as_tensor(found.motion.poses), torch.as_tensor(found.motion.trans)).vertices
        lowest[name] = float(feet[..., 2].min())
        slid[name] = float((feet[-1, :, 0] - feet[0, :, 0]).mean())
    assert lowest["without"] < -0.012
    assert lowest["with"] > -0.005
    assert slid["with"] < 0.5 * slid["without"]
