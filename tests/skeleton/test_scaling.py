import dataclasses
from collections import Counter

import numpy as np
import opensim
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from odah_gen.body.model import load_body_model
from odah_gen.errors import InputError
from odah_gen.paths import ASSETS
from odah_gen.skeleton.anatomy import stature
from odah_gen.skeleton.scaling import (
    CLIP_SD,
    GENERIC_STATURE_M,
    HEAD,
    LIMITS,
    STANDS_IN,
    VIRTUAL,
    hip_centers,
    mean_body_measurements,
    shrunk_offsets,
    stature_factor,
    subject_measurements,
    with_virtual,
    within_limits,
)
from odah_gen.skeleton.static import static_with_centers
from odah_gen.skeleton.subject import scale_to_static
from odah_gen.skeleton.table import body_names, coordinate_names
from odah_gen.skeleton.trc import MarkerTrajectories

LONG_SHANKS_SMALL_FEET = np.eye(16)[3] * 2 - np.eye(16)[14] * 2
QUIET = [
    f"{name}_{side}"
    for name in ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")
    for side in "rl"
]


def test_every_axis_of_every_body_is_measured_once(layout):
    for measures in (subject_measurements(layout.names), mean_body_measurements()):
        given_to = Counter(
            (body, axis) for _, bodies in measures.values() for body, axes in bodies.items() for axis in axes.split()
        )
        assert set(given_to) == {(body, axis) for body in body_names() for axis in "XYZ"}
        assert set(given_to.values()) == {1}


def test_every_pair_has_its_mirror_image(layout):
    swap = {"R": "L", "L": "R"}
    for pairs, _ in subject_measurements(layout.names).values():
        mirrored = [tuple(swap.get(name[0], name[0]) + name[1:] for name in pair) for pair in pairs]
        assert {frozenset(pair) for pair in mirrored} == {frozenset(pair) for pair in pairs}


def test_a_body_without_some_landmarks_uses_the_stated_rule(layout):
    few = [name for name in layout.names if name[1:] not in ("TOE", "HM2", "MEL")]
    measures = subject_measurements(few)
    assert measures["foot_breadth"][0] == measures["foot_length"][0] == [("RCAL", "RMT5"), ("LCAL", "LMT5")]
    fewer = subject_measurements([name for name in few if name[1:] != "MT5"])
    assert fewer["foot_length"][0] == fewer["shank_length"][0]
    assert measures["elbow_breadth"][0] == measures["upper_arm_length"][0]
    assert measures["hand_breadth"][0] == measures["hand_length"][0] == [("RWJC", "RHM5"), ("LWJC", "LHM5")]
    assert measures["knee_breadth"] == subject_measurements(layout.names)["knee_breadth"]
    assert set(STANDS_IN) <= set(measures)


@given(st.lists(st.floats(-0.3, 0.3), min_size=3, max_size=3), st.sampled_from([0.005, 0.02]))
def test_offsets_are_shrunk_and_bounded(displacement, sd):
    moved = shrunk_offsets(np.array([displacement]), np.array([sd]))[0]
    assert np.linalg.norm(moved) <= min(CLIP_SD * sd, np.linalg.norm(displacement)) + 1e-12
    np.testing.assert_allclose(np.cross(moved, displacement), 0, atol=1e-12)


def test_bony_offsets_are_believed_less_than_soft_ones():
    bony, soft = shrunk_offsets(np.full((2, 3), 0.002), np.array([0.005, 0.02]))
    assert bony[0] == pytest.approx(0.002 * 25 / 34)
    assert soft[0] == pytest.approx(0.002, rel=0.1)


def test_thick_flesh_makes_no_thick_bones():
    """Depth and breadth of the trunk end near what stature gives; lengths stay as they were measured."""
    factors = {"pelvis": [1.4, 1.3, 0.9], "torso": [1.0, 0.5, 0.6], "femur_r": [1.5, 1.5, 1.5]}
    bounded = within_limits(factors, 1.0)
    assert bounded["pelvis"] == pytest.approx([1 + LIMITS["pelvis"], 1.3, 0.9])
    assert bounded["torso"] == pytest.approx([1.0, 0.5, 1 - LIMITS["torso"]])
    assert bounded["femur_r"] == factors["femur_r"]


@pytest.mark.parametrize("seed", range(3))
def test_stature_follows_from_the_standing_body(seed, woman, layout):
    betas = np.random.default_rng(seed).normal(0, 1, 16)
    static, expected = static_with_centers(woman, betas, layout), stature(woman, betas) / GENERIC_STATURE_M
    assert stature_factor(static) == pytest.approx(expected, rel=0.01)
    headless = [index for index, name in enumerate(static.names) if name not in HEAD]
    names = tuple(static.names[index] for index in headless)
    lengths = stature_factor(MarkerTrajectories(names, static.time_s, static.points_m[:, headless]))
    assert lengths == pytest.approx(expected, rel=0.03)
    assert lengths != stature_factor(static)


def test_hip_centres_lie_where_harrington_puts_them():
    """A pelvis 0.24 m wide and 0.16 m deep, bone to bone, level and facing +X."""
    corners = [np.array([[x, 1.0, z]]) for x, z in ((0.008, 0.126), (0.008, -0.126), (-0.166, 0.05), (-0.166, -0.05))]
    centers = hip_centers(*corners)
    np.testing.assert_allclose(centers["RHJC"], [[-0.0483, 0.9171, 0.0865]], atol=1e-9)
    np.testing.assert_allclose(centers["LHJC"], [[-0.0483, 0.9171, -0.0865]], atol=1e-9)


def test_legs_of_another_body_go_by_landmarks(woman, layout):
    """Hips from the spines of the pelvis and knees from the epicondyles come near the free body's anatomical joints."""
    static = static_with_centers(woman, np.zeros(16), layout)
    markers = MarkerTrajectories(layout.names, static.time_s, static.points_m[:, : len(layout.names)])
    arms = {side + name: static.column(side + name) for side in "RL" for name in ("SJC", "EJC", "WJC")}
    found = with_virtual(markers, arms)
    for name, limit in (("RHJC", 0.02), ("LHJC", 0.02), ("RKJC", 0.01), ("LAJC", 0.01)):
        assert np.linalg.norm(found.column(name) - static.column(name), axis=1).max() < limit
    assert found.names[-len(VIRTUAL) :] == VIRTUAL


def test_a_missing_landmark_is_named(woman, layout):
    static = static_with_centers(woman, np.zeros(16), layout)
    few = MarkerTrajectories(static.names[6:], static.time_s, static.points_m[:, 6:])
    with pytest.raises(InputError, match="RASI"):
        with_virtual(few, {})


def test_the_mean_woman_reads_near_zero_when_she_stands(scaled_woman, layout):
    check_quiet_stance(scaled_woman, layout)


@pytest.mark.parametrize(("gender", "betas"), [("female", [-1.2, 1.0, 0.5]), ("male", [1.2, -0.5, 1.0])])
def test_other_subjects_read_near_zero_when_they_stand(gender, betas, layout):
    model = load_body_model(ASSETS / "body" / f"free_{gender}.npz", torch.float64)
    shape = np.pad(np.array(betas), (0, 13))
    check_quiet_stance(scale_to_static(layout, static_with_centers(model, shape, layout), 70.0), layout)


def test_a_body_with_the_markers_of_smplx_reads_near_zero_too(woman, layout):
    reduced = markers_of_smplx(layout)
    subject = scale_to_static(reduced, smplx_static(woman, np.zeros(16), reduced), 60.0)
    check_quiet_stance(subject, reduced)
    assert subject.report["static_angles_deg"]["pro_sup_r"] == pytest.approx(90, abs=10)


def test_the_markers_of_smplx_give_the_same_bones(woman, layout):
    """A woman with long shanks on small feet, whose feet must not be scaled as her shanks."""
    betas, reduced = LONG_SHANKS_SMALL_FEET, markers_of_smplx(layout)
    full = scale_to_static(layout, static_with_centers(woman, betas, layout), 60.0).scales
    few = scale_to_static(reduced, smplx_static(woman, betas, reduced), 60.0).scales
    assert full["calcn_r"][0] < 0.92 * full["tibia_r"][1]
    for body, axis in (("femur_r", 1), ("tibia_r", 1), ("calcn_r", 0), ("toes_r", 0), ("humerus_r", 1), ("ulna_r", 1)):
        assert few[body][axis] == pytest.approx(full[body][axis], rel=0.04), body


def smplx_static(woman, betas, reduced):
    """The same skin, legs by landmarks."""
    return static_with_centers(dataclasses.replace(woman, name="smplx"), betas, reduced)


def markers_of_smplx(layout):
    """Only the markers that have a vertex on SMPL-X."""
    kept = layout.vertices["smplx"] >= 0
    names = {
        name: [item for item, keep in zip(getattr(layout, name), kept) if keep] for name in ("names", "bodies", "kinds")
    }
    return dataclasses.replace(
        layout,
        **{name: tuple(items) for name, items in names.items()},
        locations_m=layout.locations_m[kept],
        weights=layout.weights[kept],
        vertices={topology: ids[kept] for topology, ids in layout.vertices.items()},
    )


def check_quiet_stance(subject, layout):
    angles = subject.report["static_angles_deg"]
    assert max(abs(angles[name]) for name in QUIET) < 8
    assert subject.report["marker_rms_mm"] < 4
    for body in body_names():
        assert subject.scales[body] == pytest.approx(subject.scales[body.replace("_l", "_r")], rel=1e-6)
    offsets = np.linalg.norm(list(subject.report["marker_offsets_mm"].values()), axis=1)
    assert (offsets <= CLIP_SD * 1000 * layout.offset_sd_m + 0.02).all()


def test_the_pelvis_of_the_mean_body_has_a_likely_size(scaled_woman):
    depth, height, breadth = scaled_woman.scales["pelvis"]
    assert 0.85 <= depth <= 1.15
    assert 0.85 <= breadth <= 1.15
    # The generic trunk is as tall as that of a person of 1.8 m (docs/skeleton.md).
    assert 0.80 <= height <= 1.0
    assert scaled_woman.report["mass_kg"] == pytest.approx(60, abs=15)


def test_the_mass_of_the_model_is_the_subjects(scaled_woman, tasks):
    model = tasks.read_model(scaled_woman.text)
    assert model.getTotalMass(model.initSystem()) == pytest.approx(scaled_woman.report["mass_kg"], abs=0.01)
    assert set(tasks.listed(model.getMarkerSet())).isdisjoint(VIRTUAL)


def test_known_factors_come_back_through_scale_and_inverse_kinematics(generic, layout, tasks):
    """A subject made by OpenSim's own Model.scale, standing with abducted arms: limbs uniformly, the trunk by axis.

    Pelvis and torso share their height, as the measurements do.
    """
    wanted = {
        "femur": [0.9] * 3,
        "tibia": [1.1] * 3,
        "humerus": [0.95] * 3,
        "pelvis": [1.05, 0.95, 1.05],
        "torso": [1.0, 0.95, 1.1],
    }
    wanted |= {"patella": wanted["femur"], "ulna": [1.08] * 3, "radius": [1.08] * 3, "hand": [0.97] * 3}
    factors = {body: wanted.get(body.removesuffix("_r").removesuffix("_l"), [1.04] * 3) for body in body_names()}
    true = scaled_by_opensim(tasks, generic, factors)
    pose = np.zeros((1, 39))
    for name, value in {"arm_add": -0.6, "elbow_flex": 0.2, "pro_sup": 1.5, "hip_flexion": 0.05}.items():
        for side in "rl":
            pose[0, coordinate_names().index(f"{name}_{side}")] = value
    pose[0, coordinate_names().index("pelvis_ty")] = 0.95
    replay = tasks.replay(true, coordinate_names(), pose)
    points = np.repeat(replay.markers_m, 3, axis=0)
    centers = dict(zip(replay.joint_names, replay.joint_centers_m[0]))
    joints = {
        "HJC": "hip",
        "KJC": "walker_knee",
        "AJC": "ankle",
        "SJC": "acromial",
        "EJC": "elbow",
        "WJC": "radius_hand",
    }
    known = {f"{s.upper()}{v}": np.tile(centers[f"{j}_{s}"], (3, 1)) for v, j in joints.items() for s in "rl"}
    static = with_virtual(MarkerTrajectories(replay.marker_names, np.arange(3) / 60, points), known)
    subject = scale_to_static(layout, static, 70.0)
    for body, factor in factors.items():
        assert subject.scales[body] == pytest.approx(factor, abs=0.035), body
    angles = [subject.report["static_angles_deg"][name] for name in QUIET]
    assert (
        np.abs(np.array(angles) - [np.rad2deg(0.05) * (name.startswith("hip_flexion")) for name in QUIET]).max() < 3.5
    )
    assert subject.report["static_angles_deg"]["arm_add_r"] == pytest.approx(np.rad2deg(-0.6), abs=2)


def scaled_by_opensim(tasks, text, factors):
    model = tasks.read_model(text)
    state = model.initSystem()
    scales = opensim.ScaleSet()
    for body, factor in factors.items():
        scale = opensim.Scale()
        scale.setSegmentName(body)
        scale.setScaleFactors(opensim.Vec3(*factor))
        scale.setApply(True)
        scales.cloneAndAppend(scale)
    model.scale(state, scales, True, 70.0)
    return tasks.model_text(model)
