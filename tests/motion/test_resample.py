import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from odah_gen.motion.clip import MotionClip
from odah_gen.motion.resample import resample, resampled_frames, slerp_rows


def make_clip(poses: np.ndarray, fps: float) -> MotionClip:
    frames = len(poses)
    return MotionClip(
        poses=poses,
        trans=np.outer(np.arange(frames), [0.1, -0.2, 0.3]),
        fps=fps,
        gender="female",
        betas=np.zeros(0),
        flavour="smplx",
        source_file="made",
        source_frame=np.arange(frames, dtype=float),
        source_rate_hz=fps,
    )


def spinning(axis: np.ndarray, rate: float, fps: float, frames: int) -> np.ndarray:
    """All 55 joints turn about one axis at a constant rate (rad/s); vectors wrap when the angle passes pi."""
    angle = rate * np.arange(frames) / fps
    one = Rotation.from_rotvec(np.outer(angle, axis / np.linalg.norm(axis))).as_rotvec()
    return np.tile(one, (1, 55))


@pytest.mark.parametrize("rate", [120.0, 120.00004577636719])
def test_equal_rates_change_nothing(rate):
    clip = make_clip(np.random.default_rng(1).normal(0, 0.3, (9, 165)), rate)
    same = resample(clip, 120.0)
    np.testing.assert_array_equal(same.poses, clip.poses)
    np.testing.assert_array_equal(same.trans, clip.trans)
    np.testing.assert_array_equal(same.source_frame, np.arange(9))
    assert same.fps == 120.0


@settings(max_examples=40, deadline=None)
@given(
    axis=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda a: np.linalg.norm(a) > 0.1),
    rate=st.floats(0.5, 40),
    source=st.sampled_from([30.0, 59.94, 120.0, 100.0]),
    fps=st.sampled_from([12.0, 25.0, 60.0, 90.0]),
)
def test_a_constant_angular_velocity_is_kept_also_through_pi(axis, rate, source, fps):
    clip = make_clip(spinning(np.array(axis), rate, source, 60), source)
    made = resample(clip, fps)
    wanted = Rotation.from_rotvec(np.outer(rate * made.time_s, np.array(axis) / np.linalg.norm(axis)))
    for joint in (0, 54):
        found = Rotation.from_rotvec(made.poses[:, 3 * joint : 3 * joint + 3])
        assert (found.inv() * wanted).magnitude().max() < 1e-6


@settings(max_examples=60, deadline=None)
@given(frames=st.integers(2, 400), source=st.floats(10, 240), fps=st.floats(5, 240))
def test_the_time_axis_is_exact_and_stays_inside_the_source(frames, source, fps):
    clip = make_clip(np.zeros((frames, 165)), source)
    made = resample(clip, fps)
    assert made.frames == resampled_frames(frames, source, fps)
    if made.fps == fps and made.frames > 1 and abs(source - fps) > 1e-3 * fps:
        np.testing.assert_allclose(made.source_frame, np.arange(made.frames) / fps * source, atol=1e-5)
        assert (made.frames - 1) / fps <= (frames - 1) / source + 1e-6 / fps
        assert made.frames / fps > (frames - 1) / source - 1e-6 / fps
        np.testing.assert_allclose(made.trans, np.outer(made.source_frame, [0.1, -0.2, 0.3]), atol=1e-9)


def test_two_seconds_are_as_many_frames_as_the_rate_says():
    assert [resampled_frames(241, 120, fps) for fps in (12, 25, 30, 60)] == [25, 51, 61, 121]


def test_slerp_agrees_with_scipy():
    generator = np.random.default_rng(3)
    rotvecs = generator.normal(0, 1, (8, 4, 3))
    places = generator.uniform(0, 7, 30)
    found = slerp_rows(rotvecs, places)
    for joint in range(4):
        wanted = Slerp(np.arange(8), Rotation.from_rotvec(rotvecs[:, joint]))(places)
        assert (Rotation.from_rotvec(found[:, joint]).inv() * wanted).magnitude().max() < 1e-7


def test_source_frames_are_carried_along():
    clip = dataclasses.replace(make_clip(np.zeros((5, 165)), 100.0), source_frame=np.arange(10.0, 15.0))
    np.testing.assert_allclose(resample(clip, 50.0).source_frame, [10, 12, 14])
