"""What the fast engine lacks is refused by name, with the cure."""

import numpy as np
import opensim
import pytest
import torch

from odah_gen.errors import InputError
from odah_gen.skeleton.forward import ForwardKinematics

CURE = r" Set ik\.engine: opensim, which knows every kind\.$"


def upper_and_lower(joint=None, axis_function=None, drivers=("angle",)):
    """Two bodies: a pin from ground to the upper one, the joint in question from there to the lower one."""
    model = opensim.Model()
    upper, lower = (opensim.Body(name, 1, opensim.Vec3(0), opensim.Inertia(1, 1, 1)) for name in ("upper", "lower"))
    model.addBody(upper)
    model.addBody(lower)
    model.addJoint(opensim.PinJoint("shoulder", model.getGround(), upper))
    if joint is None:
        transform = opensim.SpatialTransform()
        axis = transform.upd_rotation1()
        names = opensim.ArrayStr()
        for name in drivers:
            names.append(name)
        axis.setCoordinateNames(names)
        axis.set_function(axis_function or opensim.LinearFunction(1.0, 0.0))
        model.addJoint(opensim.CustomJoint("elbow", upper, lower, transform))
    else:
        joint.setName("elbow")
        joint.connectSocket_parent_frame(upper)
        joint.connectSocket_child_frame(lower)
        model.addJoint(joint)
    model.finalizeConnections()
    return model


def assert_refused(tasks, model, words):
    model.finalizeConnections()
    with pytest.raises(InputError, match=CURE) as error:
        tasks.read_skeleton(tasks.model_text(model), "arm.osim")
    message = str(error.value)
    assert message.startswith("arm.osim: ")
    assert words in message
    assert "\n" not in message


def test_the_arm_itself_is_known(tasks):
    skeleton = tasks.read_skeleton(tasks.model_text(upper_and_lower()))
    assert skeleton.body_names == ("upper", "lower")
    assert skeleton.coordinate_names == ("shoulder_coord_0", "angle")


@pytest.mark.parametrize("kind", ["EllipsoidJoint", "ScapulothoracicJoint", "ConstantCurvatureJoint"])
def test_other_joints(tasks, kind):
    model = upper_and_lower(getattr(opensim, kind)())
    assert_refused(tasks, model, f"joint elbow is a {kind}, which the fast engine does not know; it knows CustomJoint,")


OTHER_FUNCTIONS = {
    "Sine": lambda: opensim.Sine(1.0, 1.0, 0.0),
    "StepFunction": lambda: opensim.StepFunction(0.0, 1.0, 0.0, 1.0),
    "PiecewiseConstantFunction": lambda: opensim.PiecewiseConstantFunction(),
    "ExpressionBasedFunction": lambda: opensim.ExpressionBasedFunction("x*x", strings(["x"])),
}


def strings(values):
    vector = opensim.StdVectorString()
    for value in values:
        vector.append(value)
    return vector


@pytest.mark.parametrize("kind", OTHER_FUNCTIONS)
def test_other_functions_of_joints(tasks, kind):
    model = upper_and_lower(axis_function=OTHER_FUNCTIONS[kind]())
    assert_refused(tasks, model, f"joint elbow uses a {kind}, which the fast engine does not know; it knows Constant,")


def test_other_functions_within_a_multiplier(tasks):
    inner = OTHER_FUNCTIONS["Sine"]()
    inner.thisown = False
    model = upper_and_lower(axis_function=opensim.MultiplierFunction(inner, 2.0))
    assert_refused(tasks, model, "joint elbow uses a Sine")


def test_axes_of_two_coordinates(tasks):
    model = upper_and_lower(
        axis_function=opensim.MultivariatePolynomialFunction(opensim.Vector(4, 1.0), 2, 1), drivers=("bend", "twist")
    )
    assert_refused(tasks, model, "joint elbow moves along rotation1 by 2 coordinates; the fast engine expects one.")


def couple(model, drivers, function):
    coupler = opensim.CoordinateCouplerConstraint()
    coupler.setName("rhythm")
    names = opensim.ArrayStr()
    for driver in drivers:
        names.append(driver)
    coupler.setIndependentCoordinateNames(names)
    coupler.setDependentCoordinateName("angle")
    coupler.setFunction(function)
    model.addConstraint(coupler)
    return coupler


def test_other_functions_of_couplers(tasks):
    model = upper_and_lower()
    couple(model, ["shoulder_coord_0"], OTHER_FUNCTIONS["Sine"]())
    assert_refused(tasks, model, "coupler rhythm uses a Sine")


def test_couplers_of_two_coordinates(tasks):
    model = upper_and_lower(opensim.UniversalJoint())
    shoulder, first, second = (coordinate.getName() for coordinate in model.getCoordinateSet())
    coupler = couple(model, [shoulder, second], opensim.LinearFunction(opensim.ArrayDouble(1.0, 3)))
    coupler.setDependentCoordinateName(first)
    assert_refused(tasks, model, "coupler rhythm follows 2 coordinates; the fast engine expects one.")


def weld(model):
    upper, lower = model.getBodySet().get("upper"), model.getBodySet().get("lower")
    return opensim.WeldConstraint("tie", upper, opensim.Transform(), lower, opensim.Transform())


@pytest.mark.parametrize("kind", ["PointConstraint", "WeldConstraint", "ConstantDistanceConstraint"])
def test_other_constraints(tasks, kind):
    model = upper_and_lower()
    upper, lower = model.getBodySet().get("upper"), model.getBodySet().get("lower")
    here = opensim.Vec3(0)
    constraints = {
        "WeldConstraint": lambda: weld(model),
        "PointConstraint": lambda: opensim.PointConstraint(upper, here, lower, here),
        "ConstantDistanceConstraint": lambda: opensim.ConstantDistanceConstraint(upper, here, lower, here, 0.1),
    }
    constraint = constraints[kind]()
    constraint.setName("tie")
    model.addConstraint(constraint)
    assert_refused(tasks, model, f"constraint tie is a {kind}; the fast engine knows CoordinateCouplerConstraint only.")


def test_constraints_that_are_not_enforced_do_not_matter(tasks):
    model = upper_and_lower()
    constraint = weld(model)
    constraint.set_isEnforced(False)
    model.addConstraint(constraint)
    model.finalizeConnections()
    assert len(tasks.read_skeleton(tasks.model_text(model)).coupled) == 0


def test_prescribed_coordinates(tasks):
    model = upper_and_lower()
    coordinate = model.updCoordinateSet().get("angle")
    coordinate.setPrescribedFunction(opensim.Constant(0.5))
    coordinate.setDefaultIsPrescribed(True)
    assert_refused(tasks, model, "coordinate angle is prescribed over time")


def test_a_body_with_two_joints(tasks):
    model = upper_and_lower()
    model.addJoint(opensim.PinJoint("loop", model.getGround(), model.getBodySet().get("lower")))
    assert_refused(tasks, model, "body lower is the child of 2 joints; the fast engine expects one.")


def test_a_body_without_a_joint_is_free_as_in_opensim(tasks):
    model = upper_and_lower()
    model.addBody(opensim.Body("bag", 1, opensim.Vec3(0.1, 0, 0), opensim.Inertia(1, 1, 1)))
    model.finalizeConnections()
    text = tasks.model_text(model)
    skeleton = tasks.read_skeleton(text)
    coordinates = np.linspace(-1, 1, 8)[None]
    pose = ForwardKinematics(skeleton).move(torch.tensor(coordinates))
    assert skeleton.body_names[-1] == "bag"
    truth = tasks.replay(text, skeleton.coordinate_names, coordinates)
    np.testing.assert_allclose(pose.rotations.numpy(), truth.body_rotations, atol=1e-12)
    np.testing.assert_allclose(pose.origins_m.numpy(), truth.body_origins_m, atol=1e-12)


def test_joints_in_a_ring(tasks):
    """Two bodies, each hanging on the other, and none on ground; OpenSim frees one of them."""
    model = opensim.Model()
    left, right = (opensim.Body(name, 1, opensim.Vec3(0), opensim.Inertia(1, 1, 1)) for name in ("left", "right"))
    model.addBody(left)
    model.addBody(right)
    model.addJoint(opensim.PinJoint("there", left, right))
    model.addJoint(opensim.PinJoint("back", right, left))
    assert_refused(tasks, model, "body left is the child of 2 joints; the fast engine expects one.")
