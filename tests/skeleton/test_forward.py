import dataclasses
from dataclasses import dataclass

import numpy as np
import opensim
import pytest
import torch

from odah_gen.skeleton import opensim_tasks
from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.scaled_skeleton import scaled_skeleton
from odah_gen.skeleton.skeleton import GROUND, Skeleton, read_skeleton, write_skeleton
from odah_gen.skeleton.table import coordinate_names
from tests.skeleton.held_against_opensim import assert_as_opensim
from tests.skeleton.random_models import FUNCTIONS, JOINTS, grow, random_factors, random_model

SEEDS = range(8)
FRAMES = 5
RAD = 2.2
"""Splines of the random models have their points within 1.5."""


@dataclass(frozen=True)
class Drawn:
    """A random model, the same grown by OpenSim once and twice, and the factors of both times."""

    texts: tuple[str, str, str]
    skeletons: tuple[Skeleton, Skeleton, Skeleton]
    factors: tuple[np.ndarray, np.ndarray]
    coordinates: np.ndarray


@pytest.fixture(params=SEEDS, scope="module")
def drawn(request, tmp_path_factory):
    random = np.random.default_rng(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("random"))
        texts = [opensim_tasks.model_text(random_model(request.param))]
        skeletons, factors = [opensim_tasks.read_skeleton(texts[0])], []
        for _ in range(2):
            factors.append(random_factors(random, skeletons[0]))
            texts.append(opensim_tasks.model_text(grow(opensim_tasks.read_model(texts[-1]), factors[-1])))
            skeletons.append(opensim_tasks.read_skeleton(texts[-1]))
    coordinates = random.uniform(-RAD, RAD, (FRAMES, len(skeletons[0].coordinate_names)))
    return Drawn(tuple(texts), tuple(skeletons), tuple(factors), coordinates)


@pytest.fixture
def own(tasks, generic):
    return tasks.read_skeleton(generic)


def inner_kinds(function):
    """The kind of a function, and those within it."""
    multiplier = opensim.MultiplierFunction.safeDownCast(function)
    return {function.getConcreteClassName()} | (inner_kinds(multiplier.getFunction()) if multiplier else set())


def test_the_random_models_have_every_joint_and_every_function():
    models = [random_model(seed) for seed in SEEDS]
    for model in models:
        assert {joint.getConcreteClassName() for joint in model.getJointSet()} == set(JOINTS)
    customs = [opensim.CustomJoint.safeDownCast(joint) for model in models for joint in model.getJointSet()]
    for slots in (range(3), range(3, 6)):
        axes = [joint.getSpatialTransform().getTransformAxis(slot) for joint in customs if joint for slot in slots]
        found = set.union(*(inner_kinds(axis.getFunction()) for axis in axes))
        assert found == set(FUNCTIONS) - {"Identity"}


def test_the_random_models_have_what_is_easily_mistaken(tasks):
    skeletons = [tasks.read_skeleton(tasks.model_text(random_model(seed))) for seed in SEEDS]
    for skeleton in skeletons:
        assert (skeleton.marker_bodies == GROUND).any()
        # A joint that stands before that of its parent.
        place = {child: number for number, child in enumerate(skeleton.joint_children)}
        assert any(place.get(p, -1) > j for j, p in enumerate(skeleton.joint_parents))
        # Nested and rotated offset frames on both sides of joints, and under markers.
        for offsets in (skeleton.parent_offsets_m, skeleton.child_offsets_m, skeleton.marker_offsets_m):
            assert np.abs(offsets * (1 - np.eye(3))).max() > 0.01
    assert any((skeleton.coupler_bodies != GROUND).any() for skeleton in skeletons)


def test_equals_opensim(drawn, tasks):
    assert_as_opensim(drawn.texts[0], drawn.skeletons[0], drawn.coordinates)


def test_equals_opensim_after_model_scale(drawn, tasks):
    assert_as_opensim(drawn.texts[1], drawn.skeletons[0], drawn.coordinates, drawn.factors[0])


def test_equals_opensim_after_model_scale_of_a_scaled_model(drawn, tasks):
    assert_as_opensim(drawn.texts[1], drawn.skeletons[1], drawn.coordinates)
    assert_as_opensim(drawn.texts[2], drawn.skeletons[1], drawn.coordinates, drawn.factors[1])


def test_a_scaled_skeleton_equals_the_scaled_model(drawn, tasks):
    grown = scaled_skeleton(drawn.skeletons[0], drawn.factors[0])
    assert_as_opensim(drawn.texts[1], grown, drawn.coordinates)
    assert_as_opensim(drawn.texts[2], grown, drawn.coordinates, drawn.factors[1])


def test_the_generic_model_equals_opensim(own, generic, tasks, random_pose):
    poses = random_pose(20, spread=1.3)
    assert_as_opensim(generic, own, poses)
    assert_as_opensim(generic, own, poses, dtype=torch.float32, atol_m=5e-6)
    factors = np.random.default_rng(0).uniform(0.7, 1.4, (22, 3))
    grown = tasks.model_text(grow(tasks.read_model(generic), factors))
    assert_as_opensim(grown, own, poses, factors)
    assert_as_opensim(grown, own, poses, factors, dtype=torch.float32, atol_m=5e-6)


def followed(skeleton, model, coordinates):
    """The coordinates with those that follow set by OpenSim's own functions."""
    expected = coordinates.copy()
    for number in range(model.getConstraintSet().getSize()):
        coupler = opensim.CoordinateCouplerConstraint.safeDownCast(model.getConstraintSet().get(number))
        factor = opensim.PropertyHelper.getValueDouble(coupler.getPropertyByName("scale_factor"))
        driver = skeleton.coordinate_names.index(coupler.getIndependentCoordinateNames().get(0))
        follower = skeleton.coordinate_names.index(coupler.getDependentCoordinateName())
        values = [coupler.getFunction().calcValue(opensim.Vector(1, float(q))) for q in coordinates[:, driver]]
        expected[:, follower] = factor * np.array(values)
    return expected


def test_couplers_give_opensims_values(drawn, tasks):
    """Of a model as it is; of a scaled one as it was read, by factors, and as a scaled skeleton."""
    skeleton, coordinates = drawn.skeletons[0], torch.as_tensor(drawn.coordinates)
    model, grown = (followed(skeleton, tasks.read_model(text), drawn.coordinates) for text in drawn.texts[:2])
    scaled = scaled_skeleton(skeleton, drawn.factors[0])
    for found, expected in (
        (ForwardKinematics(skeleton).complete(coordinates), model),
        (ForwardKinematics(skeleton).complete(coordinates, torch.as_tensor(drawn.factors[0])), grown),
        (ForwardKinematics(drawn.skeletons[1]).complete(coordinates), grown),
        (ForwardKinematics(scaled).complete(coordinates), grown),
    ):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-9)


def test_couplers_hold_where_opensim_assembles_the_model(generic, own, tasks):
    model = tasks.read_model(generic)
    model.set_assembly_accuracy(1e-12)
    state = model.initSystem()
    knee, patella = (model.getCoordinateSet().get(name) for name in ("knee_angle_r", "knee_angle_r_beta"))
    knee.setValue(state, 1.1, True)
    values = [model.getCoordinateSet().get(name).getValue(state) for name in own.coordinate_names]
    given = torch.tensor(values, dtype=torch.float64)
    given[own.coordinate_names.index(patella.getName())] = 0.0
    np.testing.assert_allclose(ForwardKinematics(own).complete(given).numpy(), values, atol=1e-9)


@pytest.mark.parametrize("seed", [0, 3])
def test_slopes_of_positions_equal_finite_differences(tasks, seed):
    """Autograd, forward and backward, by coordinates and by scale factors, couplers included."""
    skeleton = tasks.read_skeleton(tasks.model_text(random_model(seed)))
    kinematics = ForwardKinematics(skeleton)
    random = np.random.default_rng(seed)
    coordinates = torch.tensor(random.uniform(-1.2, 1.2, (2, len(skeleton.coordinate_names))), requires_grad=True)
    scales = torch.tensor(random.uniform(0.7, 1.4, (len(skeleton.body_names), 3)), requires_grad=True)

    def positions(coordinates, scales):
        pose = kinematics.move(kinematics.complete(coordinates, scales), scales)
        return pose.joint_centers_m, kinematics.mass_centers(pose, scales), kinematics.markers(pose, scales)

    assert torch.autograd.gradcheck(positions, (coordinates, scales), eps=1e-6, rtol=1e-5, atol=1e-5)
    assert torch.autograd.gradcheck(
        positions, (coordinates, scales), eps=1e-6, rtol=1e-5, atol=1e-5, check_forward_ad=True, fast_mode=True
    )


def test_slopes_of_markers_equal_differences_of_opensims_markers(own, generic, tasks, random_pose):
    kinematics, step = ForwardKinematics(own), 1e-5
    pose = random_pose(1, seed=4, spread=0.5)[0]
    places = np.concatenate([pose + step * np.eye(39), pose - step * np.eye(39)])
    plus, minus = np.split(tasks.replay(generic, coordinate_names(), places).markers_m, 2)
    slopes = torch.func.jacrev(lambda q: kinematics.markers(kinematics.move(q)))(torch.tensor(pose))
    np.testing.assert_allclose(slopes.numpy(), np.moveaxis((plus - minus) / (2 * step), 0, -1), atol=1e-8)


def test_derivatives_of_functions_equal_finite_differences(drawn):
    """Inside and outside of the points of splines; a step of the slope at a point is left out."""
    functions, step = ForwardKinematics(drawn.skeletons[0]).functions, 1e-4
    random = np.random.default_rng(1)
    inputs = torch.tensor(random.uniform(-2.5, 2.5, (400, len(drawn.skeletons[0].slopes))))
    here, low, high = (functions.derivatives(inputs + by) for by in (0, -step, step))
    torch.testing.assert_close(here.value, functions(inputs), rtol=1e-12, atol=1e-12)
    breaks = functions.breaks[None]
    near = torch.zeros_like(inputs, dtype=torch.bool)
    near[:, functions.curves] = ((inputs[:, functions.curves, None] - breaks).abs() < 2 * step).any(dim=-1)
    assert near.any(), "no input fell beside a point; draw more"
    for wanted, ends in ((here.slope, (low.value, high.value)), (here.bend, (low.slope, high.slope))):
        difference = (ends[1] - ends[0]) / (2 * step)
        error = ((difference - wanted).abs() / (1 + wanted.abs()))[~near]
        # Splines of degree 7 bend by up to 1e6 between close points, so differences are coarse for a few inputs.
        assert error.median() < 1e-6
        assert error.quantile(0.99) < 1e-3


def test_batches_of_frames_and_subjects(own, random_pose):
    kinematics = ForwardKinematics(own)
    coordinates = torch.tensor(random_pose(3))
    scales = torch.rand((2, 1, 22, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.5
    pose = kinematics.move(coordinates, scales)
    markers, masses = kinematics.markers(pose, scales), kinematics.mass_centers(pose, scales)
    assert pose.rotations.shape == (2, 3, 22, 3, 3)
    assert markers.shape == (2, 3, len(own.marker_names), 3)
    for subject in range(2):
        for frame in range(3):
            one, factors = (subject, frame), scales[subject, 0]
            alone = kinematics.move(coordinates[frame], factors)
            for found, expected in (
                (pose.rotations[one], alone.rotations),
                (pose.origins_m[one], alone.origins_m),
                (pose.joint_centers_m[one], alone.joint_centers_m),
                (markers[one], kinematics.markers(alone, factors)),
                (masses[one], kinematics.mass_centers(alone, factors)),
            ):
                torch.testing.assert_close(found, expected, rtol=0, atol=1e-14)


def test_points_may_differ_between_frames(own, random_pose):
    kinematics = ForwardKinematics(own)
    pose = kinematics.move(torch.tensor(random_pose(2)))
    bodies = torch.tensor([3, 7])
    places = torch.rand((4, 1, 2, 3), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = pose.origins_m[:, bodies] + torch.einsum("fpij,sfpj->sfpi", pose.rotations[:, bodies], places[:, [0, 0]])
    torch.testing.assert_close(kinematics.points(pose, bodies, places), expected)


def test_a_body_of_a_tree_moves_with_its_joint_only(own):
    """A knee moves what hangs below it and nothing else."""
    kinematics = ForwardKinematics(own)
    rest = torch.tensor(own.defaults)
    bent = rest.clone()
    bent[own.coordinate_names.index("knee_angle_r")] = 0.5
    moved = (kinematics.move(bent).rotations - kinematics.move(rest).rotations).abs().amax(dim=(-2, -1)) > 1e-6
    names = {name for name, flag in zip(own.body_names, moved) if flag}
    assert names == {"tibia_r", "talus_r", "calcn_r", "toes_r"}


def test_skeletons_survive_a_file(drawn, tmp_path):
    skeleton = drawn.skeletons[0]
    write_skeleton(tmp_path / "skeleton.npz", skeleton)
    again = read_skeleton(tmp_path / "skeleton.npz")
    for entry in dataclasses.fields(Skeleton):
        before, after = getattr(skeleton, entry.name), getattr(again, entry.name)
        assert type(before) is type(after), entry.name
        np.testing.assert_array_equal(before, after)
    coordinates = torch.as_tensor(drawn.coordinates)
    assert torch.equal(
        ForwardKinematics(again).move(coordinates).origins_m, ForwardKinematics(skeleton).move(coordinates).origins_m
    )


def test_a_model_of_old_files_with_natural_cubic_splines(own, generic, tasks):
    again = tasks.read_skeleton(generic.replace("SimmSpline", "NaturalCubicSpline"))
    np.testing.assert_array_equal(again.curve_coefficients, own.curve_coefficients)
