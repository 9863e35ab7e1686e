import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from odah_gen.body.skinning import pose_body, shape_body
from odah_gen.frames import WORLD_FROM_MODEL
from odah_gen.motion.clip import MotionClip
from odah_gen.motion.world import FLIGHT_M, FLOOR_PERCENTILE, floor_under, heading_turn, lowest_skin, place_in_world

BETAS = np.array([0.7, -0.4])


def upright(frames: int = 40, lean: float = 0.0) -> MotionClip:
    """A person who walks along +X and bends the knees, standing at an odd height; `lean` tips the trunk forward."""
    turn = Rotation.from_matrix(WORLD_FROM_MODEL) * Rotation.from_rotvec([lean, 0, 0])
    poses = np.zeros((frames, 165))
    poses[:, :3] = turn.as_rotvec()
    bend = 0.5 + 0.4 * np.sin(np.linspace(0, 6, frames))
    poses[:, 3], poses[:, 6] = -bend, -bend
    poses[:, 12], poses[:, 15] = 1.8 * bend, 1.8 * bend
    trans = np.stack([np.linspace(0, 0.6, frames), np.zeros(frames), np.full(frames, 0.37)], axis=1)
    return MotionClip(
        poses=poses,
        trans=trans,
        fps=30.0,
        gender="female",
        betas=np.zeros(0),
        flavour="smplx",
        source_file="made",
        source_frame=np.arange(frames, dtype=float),
        source_rate_hz=30.0,
    )


def moved(clip: MotionClip, yaw: float, shift: np.ndarray, rest_pelvis: np.ndarray) -> MotionClip:
    """The same motion elsewhere in the source's frame: turned about the vertical through its origin, then shifted."""
    turn = Rotation.from_rotvec([0, 0, yaw])
    pelvis = turn.apply(clip.trans + rest_pelvis) + shift
    poses = clip.poses.copy()
    poses[:, :3] = (turn * Rotation.from_rotvec(poses[:, :3])).as_rotvec()
    return dataclasses.replace(clip, poses=poses, trans=pelvis - rest_pelvis)


def joints_of(clip, model):
    posed = pose_body(
        shape_body(model, torch.as_tensor(BETAS), [0]), torch.as_tensor(clip.poses), torch.as_tensor(clip.trans)
    )
    return posed.joints.numpy()


@settings(max_examples=12, deadline=None)
@given(yaw=st.floats(-3.1, 3.1), shift=st.tuples(*[st.floats(-5, 5)] * 3), scaled=st.booleans())
def test_heading_and_place_of_the_source_change_nothing_but_the_stored_transform(female, yaw, shift, scaled):
    clip = dataclasses.replace(upright(), leg_length_m=0.7 if scaled else None)
    rest = shape_body(female, torch.as_tensor(BETAS), [0]).joints[0].double().numpy()
    first = place_in_world(clip, female, BETAS)
    source = moved(clip, yaw, np.array(shift), rest)
    second = place_in_world(source, female, BETAS)
    np.testing.assert_allclose(second.clip.poses, first.clip.poses, atol=1e-6)
    np.testing.assert_allclose(second.clip.trans, first.clip.trans, atol=1e-5)
    transform = second.world_from_source
    np.testing.assert_allclose(transform[:3, :3] @ transform[:3, :3].T, np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(transform[3], [0, 0, 0, 1])
    pelvis = second.source_scale * (source.trans + rest)
    mapped = pelvis @ transform[:3, :3].T + transform[:3, 3]
    np.testing.assert_allclose(mapped, second.clip.trans + rest, atol=1e-9)


def test_the_body_faces_x_over_the_origin_with_its_soles_on_the_floor(female):
    rest = shape_body(female, torch.as_tensor(BETAS), [0]).joints[0].double().numpy()
    placed = place_in_world(moved(upright(), 2.0, np.array([3.0, 4.0, 5.0]), rest), female, BETAS).clip
    joints = joints_of(placed, female)
    np.testing.assert_allclose(joints[0, 0, :2], 0, atol=1e-6)
    assert joints[0, 1, 1] > 0.05
    assert joints[0, 2, 1] < -0.05
    assert (joints[:, 10, 0] > joints[:, 7, 0] + 0.05).all()
    assert joints[0, 15, 2] > joints[0, 0, 2] + 0.4
    assert np.percentile(lowest_skin(placed.poses, placed.trans, female, BETAS), FLOOR_PERCENTILE) == pytest.approx(
        0, abs=1e-6
    )


def test_the_whole_body_moves_rigidly(female):
    clip = upright()
    placed = place_in_world(clip, female, BETAS)
    turn, shift = placed.world_from_source[:3, :3], placed.world_from_source[:3, 3]
    np.testing.assert_allclose(joints_of(placed.clip, female), joints_of(clip, female) @ turn.T + shift, atol=1e-5)


def test_legs_of_another_length_scale_the_path(female):
    clip = upright()
    short = place_in_world(dataclasses.replace(clip, leg_length_m=0.4), female, BETAS)
    travelled = short.clip.trans[-1, 0] - short.clip.trans[0, 0]
    assert travelled == pytest.approx(0.6 * short.source_scale)
    assert short.source_scale > 1.5


def test_a_crawling_body_heads_where_its_trunk_points(female):
    rest = shape_body(female, torch.as_tensor(BETAS), [0]).joints.double().numpy()
    crawling = upright(lean=np.radians(85))
    for yaw in (0.0, 1.0, -2.5):
        turn = heading_turn(moved(crawling, yaw, np.zeros(3), rest[0]), rest)
        np.testing.assert_allclose(turn @ [np.cos(yaw), np.sin(yaw), 0], [1, 0, 0], atol=1e-6)
    side = (
        Rotation.from_rotvec([0, 0, 0.7])
        * Rotation.from_rotvec([np.radians(90), 0, 0])
        * Rotation.from_matrix(WORLD_FROM_MODEL)
    )
    poses = crawling.poses.copy()
    poses[:, :3] = side.as_rotvec()
    lying = dataclasses.replace(crawling, poses=poses)
    trunk = heading_turn(lying, rest) @ side.apply(rest[12] - rest[0])
    assert trunk[0] > 0.4
    assert abs(trunk[1]) < 1e-6


def test_a_jump_does_not_lift_the_floor(female):
    clip = upright()
    trans = clip.trans.copy()
    trans[10:25, 2] += 0.4
    ground = place_in_world(clip, female, BETAS).world_from_source[2, 3]
    jumped = place_in_world(dataclasses.replace(clip, trans=trans), female, BETAS).world_from_source[2, 3]
    assert jumped == pytest.approx(ground, abs=0.012)


@settings(max_examples=40, deadline=None)
@given(
    fps=st.sampled_from([24.0, 30.0, 60.0]),
    seed=st.integers(0, 2**32 - 1),
    size_m=st.floats(0.0, 0.04),
    level_m=st.floats(-2, 2),
)
def test_the_floor_under_a_body_lies_under_it_and_is_smooth(fps, seed, size_m, level_m):
    time_s = np.arange(int(3 * fps)) / fps
    generator = np.random.default_rng(seed)
    wander = size_m * np.sin(2 * np.pi * (0.4 * time_s + generator.uniform()))
    steps = 0.03 * np.maximum(0, np.sin(2 * np.pi * 3 * time_s + generator.uniform(0, 6)))
    floor = floor_under(level_m + wander + steps, fps)
    assert (floor < level_m + wander + steps + 0.002).all()
    assert np.abs(floor - level_m - wander).max() < 0.03
    assert np.abs(np.diff(floor, 2) * fps**2).max() < 3.0
    np.testing.assert_allclose(floor_under(wander + steps, fps), floor - level_m, atol=1e-6)


def test_a_floor_that_wanders_is_found_through_flights_that_stay():
    time_s = np.arange(120) / 60
    wander = 0.03 * np.sin(2 * np.pi * 0.5 * time_s)
    flight = np.where(np.abs(time_s - 1.0) < 0.25, 1.2 * (1 - ((time_s - 1.0) / 0.25) ** 2), 0.0)
    floor = floor_under(wander + flight, 60)
    np.testing.assert_allclose(floor, wander, atol=0.012)
    assert (wander + flight - floor).max() == pytest.approx(1.2, abs=0.012)
    assert floor.max() < FLIGHT_M


def test_only_a_clip_whose_height_wanders_is_levelled_and_only_in_height(female):
    clip = upright(frames=90)
    clip = dataclasses.replace(clip, poses=np.repeat(clip.poses[:1], 90, 0))
    trans = clip.trans + np.outer(0.025 * np.sin(np.linspace(0, 7, 90)), [0, 0, 1])
    wandering = dataclasses.replace(clip, trans=trans)
    spread = {}
    for wanders in (False, True):
        placed = place_in_world(dataclasses.replace(wandering, height_wanders=wanders), female, BETAS).clip
        spread[wanders] = np.ptp(lowest_skin(placed.poses, placed.trans, female, BETAS))
        np.testing.assert_allclose(
            placed.trans[:, :2], place_in_world(clip, female, BETAS).clip.trans[:, :2], atol=1e-6
        )
        np.testing.assert_allclose(placed.poses, place_in_world(clip, female, BETAS).clip.poses, atol=1e-9)
    assert spread[False] > 0.045
    assert spread[True] < 0.1 * spread[False]
