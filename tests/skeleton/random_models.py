"""OpenSim models drawn at random: every joint type, every function, nested offset frames on both sides."""

import numpy as np
import opensim
from numpy.random import Generator

from odah_gen.skeleton.skeleton import GROUND, Skeleton

SIMPLE_JOINTS = ("PinJoint", "UniversalJoint", "WeldJoint", "BallJoint", "FreeJoint", "SliderJoint")
JOINTS = (*SIMPLE_JOINTS, "PlanarJoint", "GimbalJoint", *["CustomJoint"] * 5)
FUNCTIONS = (
    "Constant",
    "LinearFunction",
    "Identity",
    "SimmSpline",
    "GCVSpline",
    "PolynomialFunction",
    "PiecewiseLinearFunction",
    "MultiplierFunction",
)
COUPLERS = 4
MARKERS = 12


def random_model(seed: int) -> opensim.Model:
    """A tree with one joint of every kind of `JOINTS`; joints stand in any order, so some before their parent's."""
    random = np.random.default_rng(seed)
    model = opensim.Model()
    model.setName(f"random{seed}")
    bodies = [random_body(random, f"body{number}") for number in range(len(JOINTS))]
    for body in bodies:
        model.addBody(body)
    kinds = random.permutation(JOINTS)
    joints = []
    for number, kind in enumerate(kinds):
        parent = model.getGround() if number == 0 else bodies[random.integers(number)]
        frames = [
            random_frame(random, model, base, f"joint{number}_{side}")
            for side, base in (("parent", parent), ("child", bodies[number]))
        ]
        joints.append(random_joint(random, str(kind), f"joint{number}", *frames))
    for number in random.permutation(len(joints)):
        model.addJoint(joints[number])
    for number in range(MARKERS):
        owner = model.getGround() if number == 0 else bodies[random.integers(len(bodies))]
        frame = random_frame(random, model, owner, f"marker{number}")
        model.addMarker(opensim.Marker(f"marker{number}", frame, vector(random.normal(0, 0.1, 3))))
    model.finalizeFromProperties()
    add_couplers(random, model)
    model.finalizeConnections()
    model.initSystem()
    return model


def random_body(random: Generator, name: str) -> opensim.Body:
    return opensim.Body(name, float(random.uniform(0.5, 2)), vector(random.normal(0, 0.1, 3)), opensim.Inertia(1, 1, 1))


def random_frame(
    random: Generator, model: opensim.Model, base: opensim.PhysicalFrame, name: str
) -> opensim.PhysicalFrame:
    """The body itself, or an offset frame in it, or one in that one: up to three deep."""
    frame = base
    for depth in range(random.integers(4)):
        place = opensim.Transform(vector(random.normal(0, 0.1, 3)))
        offset = opensim.PhysicalOffsetFrame(f"{name}_frame{depth}", frame, place)
        offset.set_orientation(vector(random.uniform(-3, 3, 3)))
        model.addComponent(offset)
        frame = offset
    return frame


def random_joint(
    random: Generator, kind: str, name: str, parent: opensim.PhysicalFrame, child: opensim.PhysicalFrame
) -> opensim.Joint:
    if kind == "CustomJoint":
        transform = random_transform(random, [f"{name}_q{number}" for number in range(random.integers(1, 5))])
        return opensim.CustomJoint(name, parent, child, transform)
    return getattr(opensim, kind)(name, parent, child)


def random_transform(random: Generator, coordinates: list[str]) -> opensim.SpatialTransform:
    """Six oblique axes; every coordinate drives one of the three rotations or translations at least."""
    transform = opensim.SpatialTransform()
    slots = random.permutation(6)
    for place, slot in enumerate(slots):
        axis = transform.updTransformAxis(int(slot))
        axis.setAxis(vector(random.normal(0, 1, 3)))
        if place < len(coordinates) or random.random() < 0.7:
            kind = random.choice([name for name in FUNCTIONS if name != "Constant"])
            driver = coordinates[place] if place < len(coordinates) else str(random.choice(coordinates))
            names = opensim.ArrayStr()
            names.append(driver)
            axis.setCoordinateNames(names)
            axis.set_function(random_function(random, str(kind)))
        else:
            axis.set_function(random_function(random, "Constant"))
    return transform


def random_function(random: Generator, kind: str) -> opensim.Function:
    """A function of one variable with values of about one; its points lie within -1.5 and 1.5."""
    if kind == "Constant":
        return opensim.Constant(float(random.normal(0, 0.3)))
    if kind == "Identity":
        return opensim.LinearFunction(1.0, 0.0)
    if kind == "LinearFunction":
        return opensim.LinearFunction(*map(float, random.normal(0, 0.5, 2)))
    if kind == "PolynomialFunction":
        return opensim.PolynomialFunction(opensim.Vector.createFromMat(random.normal(0, 0.2, random.integers(1, 7))))
    if kind == "MultiplierFunction":
        inner = random_function(random, str(random.choice([name for name in FUNCTIONS if name != kind])))
        inner.thisown = False  # the multiplier keeps it
        return opensim.MultiplierFunction(inner, float(random.normal()))
    places = np.sort(random.uniform(-1.5, 1.5, random.integers(8, 12)))
    if kind == "GCVSpline":
        return random_gcv_spline(random, places)
    spline = getattr(opensim, kind)()
    for place in places:
        spline.addPoint(float(place), float(random.normal(0, 0.2)))
    return spline


def random_gcv_spline(random: Generator, places: np.ndarray) -> opensim.Function:
    """A spline of degree 1, 3, 5 or 7; addPoint leaves its weights unset, so it is made from a table."""
    table = opensim.TimeSeriesTable()
    table.setColumnLabels(["y"])
    for place in places:
        table.appendRow(float(place), opensim.RowVector(1, float(random.normal(0, 0.2))))
    splines = opensim.GCVSplineSet(table, ["y"], int(random.choice([1, 3, 5, 7])), 0.0)
    return splines.get(0).clone()


def add_couplers(random: Generator, model: opensim.Model) -> None:
    """Coordinates that follow others through functions that are no lines; turns and shifts both occur."""
    names = random.permutation([coordinate.getName() for coordinate in model.getCoordinateSet()])
    for number in range(COUPLERS):
        coupler = opensim.CoordinateCouplerConstraint()
        coupler.setName(f"coupler{number}")
        drivers = opensim.ArrayStr()
        drivers.append(str(names[COUPLERS + number]))
        coupler.setIndependentCoordinateNames(drivers)
        coupler.setDependentCoordinateName(str(names[number]))
        coupler.setFunction(
            random_function(random, str(random.choice(["SimmSpline", "GCVSpline", "PolynomialFunction"])))
        )
        model.addConstraint(coupler)


def random_factors(random: Generator, skeleton: Skeleton) -> np.ndarray:
    """Factors by body and axis; even ones where a coupler shifts, for OpenSim refuses others there."""
    factors = random.uniform(0.6, 1.5, (len(skeleton.body_names), 3))
    bodies = skeleton.coupler_bodies[skeleton.coupler_bodies != GROUND]
    factors[bodies] = factors[bodies, :1]
    return factors


def grow(model: opensim.Model, factors: np.ndarray) -> opensim.Model:
    """The model scaled by OpenSim's own Model.scale, by body."""
    scales = opensim.ScaleSet()
    for body, row in zip(model.getBodySet(), factors):
        scale = opensim.Scale()
        scale.setSegmentName(body.getName())
        scale.setScaleFactors(vector(row))
        scale.setApply(True)
        scales.cloneAndAppend(scale)
    if not model.scale(model.initSystem(), scales, True, -1.0):
        raise RuntimeError("OpenSim did not scale the model")
    return model


def vector(values: np.ndarray) -> opensim.Vec3:
    return opensim.Vec3(*map(float, values))
