"""Read an OpenSim model into a Skeleton. Imports opensim, so it is used inside worker processes only.

Functions are not re-implemented: within each of its pieces a function is a polynomial, which OpenSim's own values at
as many points as it has terms determine exactly.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import opensim
from jaxtyping import Float

from odah_gen.errors import InputError
from odah_gen.skeleton.skeleton import GROUND, NO_COORDINATE, SLOTS, Skeleton

AXES = ("translation1", "translation2", "translation3", "rotation1", "rotation2", "rotation3")
X, Y, Z = np.eye(3)
SIMPLE_JOINTS: dict[str, dict[int, tuple[int, np.ndarray]]] = {
    "WeldJoint": {},
    "PinJoint": {3: (0, Z)},
    "SliderJoint": {0: (0, X)},
    "UniversalJoint": {3: (0, X), 4: (1, Y)},
    "GimbalJoint": {3: (0, X), 4: (1, Y), 5: (2, Z)},
    "BallJoint": {3: (0, X), 4: (1, Y), 5: (2, Z)},
    "PlanarJoint": {0: (1, X), 1: (2, Y), 3: (0, Z)},
    "FreeJoint": {0: (3, X), 1: (4, Y), 2: (5, Z), 3: (0, X), 4: (1, Y), 5: (2, Z)},
}
"""Slot → (coordinate of the joint, axis). OpenSim uses Euler angles, body-fixed x-y-z, for ball and free joints."""
JOINTS = ("CustomJoint", *SIMPLE_JOINTS)
SPLINES = {"SimmSpline": 3, "NaturalCubicSpline": 3, "PiecewiseLinearFunction": 1}
"""Functions that are given by points, and the degree of their pieces."""
FUNCTIONS = ("Constant", "LinearFunction", "PolynomialFunction", "MultiplierFunction", "GCVSpline", *SPLINES)

Piece = tuple[float, float, np.ndarray]
"""Center, width and coefficients of a polynomial in (x - center) / width."""
Axis = tuple[np.ndarray, int, opensim.Function | None]
"""Direction, coordinate and function of a joint's axis; no function means the coordinate itself, or no motion."""


def skeleton_arrays(model: opensim.Model, called: str) -> Skeleton:
    """The arrays of a model whose properties and connections are final.

    Raises:
        InputError: a joint, constraint or function is not known, or bodies do not form a tree.
    """
    bodies = [model.getBodySet().get(i) for i in range(model.getBodySet().getSize())]
    joints = [model.getJointSet().get(i) for i in range(model.getJointSet().getSize())]
    coordinates = [model.getCoordinateSet().get(i) for i in range(model.getCoordinateSet().getSize())]
    markers = [model.getMarkerSet().get(i) for i in range(model.getMarkerSet().getSize())]
    body_names = tuple(body.getName() for body in bodies)
    coordinate_names = tuple(coordinate.getName() for coordinate in coordinates)
    index = {"ground": GROUND} | {name: i for i, name in enumerate(body_names)}
    check_kinds(called, joints, coordinates)
    parents = [index[joint.getParentFrame().findBaseFrame().getName()] for joint in joints]
    children = [index[joint.getChildFrame().findBaseFrame().getName()] for joint in joints]
    check_tree(called, body_names, children)
    axes = [joint_axes(joint, coordinate_names, called) for joint in joints]
    couplers = enforced_couplers(model, called)
    functions = [function for rows in axes for _, _, function in rows] + [coupler.getFunction() for coupler in couplers]
    owners = [f"joint {joint.getName()}" for joint in joints for _ in AXES]
    owners += [f"coupler {coupler.getName()}" for coupler in couplers]
    factors = [1.0] * (SLOTS * len(joints)) + [coupler_factor(coupler) for coupler in couplers]
    tables = function_tables(called, functions, owners, factors)
    drivers = [coupler_driver(coupler, called) for coupler in couplers]
    places = [marker.getParentFrame() for marker in markers]
    return Skeleton(
        body_names=body_names,
        mass_kg=np.array([body.getMass() for body in bodies]),
        mass_centers_m=np.array([body.getMassCenter().to_numpy() for body in bodies]).reshape(-1, 3),
        joint_names=tuple(joint.getName() for joint in joints),
        joint_parents=np.array(parents, dtype=int),
        joint_children=np.array(children, dtype=int),
        parent_rotations=np.array([frame_in_body(joint.getParentFrame())[0] for joint in joints]),
        child_rotations=np.array([frame_in_body(joint.getChildFrame())[0] for joint in joints]),
        parent_offsets_m=np.array([frame_in_body(joint.getParentFrame())[1] for joint in joints]),
        child_offsets_m=np.array([frame_in_body(joint.getChildFrame())[1] for joint in joints]),
        axis_directions=np.array([[direction for direction, _, _ in rows] for rows in axes]),
        axis_coordinates=np.array([[coordinate for _, coordinate, _ in rows] for rows in axes], dtype=int),
        axis_growth=np.array([axis_growth(joint, parent) for joint, parent in zip(joints, parents)]),
        **tables,
        coordinate_names=coordinate_names,
        defaults=np.array([coordinate.getDefaultValue() for coordinate in coordinates]),
        lower=np.array([coordinate.getRangeMin() for coordinate in coordinates]),
        upper=np.array([coordinate.getRangeMax() for coordinate in coordinates]),
        clamped=np.array([coordinate.getDefaultClamped() for coordinate in coordinates], dtype=bool),
        locked=np.array([coordinate.getDefaultLocked() for coordinate in coordinates], dtype=bool),
        rotational=np.array(
            [coordinate.getMotionType() == opensim.Coordinate.Rotational for coordinate in coordinates]
        ),
        coupled=np.array([coordinate_names.index(c.getDependentCoordinateName()) for c in couplers], dtype=int),
        drivers=np.array([coordinate_names.index(name) for name in drivers], dtype=int),
        coupler_bodies=np.array([index[growing_body(coupler, model)] for coupler in couplers], dtype=int),
        marker_names=tuple(marker.getName() for marker in markers),
        marker_bodies=np.array([index[place.findBaseFrame().getName()] for place in places], dtype=int),
        marker_offsets_m=np.array([marker_offset(marker) for marker in markers]).reshape(-1, 3, 3),
    )


def check_kinds(called: str, joints: Sequence[opensim.Joint], coordinates: Sequence[opensim.Coordinate]) -> None:
    """Refuse joints of other kinds, and coordinates that are a function of time."""
    for joint in joints:
        if joint.getConcreteClassName() not in JOINTS:
            raise InputError(
                f"{called}: joint {joint.getName()} is a {joint.getConcreteClassName()}, which the fast engine does "
                f"not know; it knows {', '.join(JOINTS)}."
            )
    for coordinate in coordinates:
        if coordinate.getDefaultIsPrescribed():
            raise InputError(
                f"{called}: coordinate {coordinate.getName()} is prescribed over time, which the fast engine does not "
                "know."
            )


def check_tree(called: str, bodies: Sequence[str], children: Sequence[int]) -> None:
    """Refuse bodies that hang on several joints: loops. To a body without any, OpenSim itself gives a free joint."""
    for number, name in enumerate(bodies):
        if children.count(number) != 1:
            raise InputError(
                f"{called}: body {name} is the child of {children.count(number)} joints; the fast engine expects one."
            )


def frame_in_body(frame: opensim.PhysicalFrame) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3 3"]]:
    """Rotation of a frame in its body, and the matrix that gives its origin from the body's scale factors."""
    offset = opensim.PhysicalOffsetFrame.safeDownCast(frame)
    if offset is None:
        return np.eye(3), np.zeros((3, 3))
    rotation, origin = frame_in_body(opensim.PhysicalFrame.safeDownCast(offset.getParentFrame()))
    turned = matrix(offset.getOffsetTransform().R())
    return rotation @ turned, origin + rotation @ np.diag(offset.get_translation().to_numpy())


def matrix(rotation: opensim.Rotation) -> Float[np.ndarray, "3 3"]:
    """A rotation of SimTK as an array."""
    mat = rotation.asMat33()
    return np.array([[mat.get(i, j) for j in range(3)] for i in range(3)])


def marker_offset(marker: opensim.Marker) -> Float[np.ndarray, "3 3"]:
    """The matrix that gives a marker's place in its body from the body's scale factors."""
    rotation, origin = frame_in_body(marker.getParentFrame())
    return origin + rotation @ np.diag(marker.get_location().to_numpy())


def joint_axes(joint: opensim.Joint, names: Sequence[str], called: str) -> list[Axis]:
    """The six axes of a joint."""
    custom = opensim.CustomJoint.safeDownCast(joint)
    if custom is None:
        known = SIMPLE_JOINTS[joint.getConcreteClassName()]
        rows: list[Axis] = [(X, NO_COORDINATE, None)] * SLOTS
        for slot, (number, direction) in known.items():
            rows[slot] = (direction, names.index(joint.get_coordinates(number).getName()), None)
        return rows
    return [custom_axis(axis, names, f"{called}: joint {joint.getName()}") for axis in transform_axes(custom)]


def transform_axes(joint: opensim.CustomJoint) -> list[opensim.TransformAxis]:
    """The axes of a custom joint in the order of the slots."""
    transform = joint.getSpatialTransform()
    return [getattr(transform, f"get_{name}")() for name in AXES]


def custom_axis(axis: opensim.TransformAxis, names: Sequence[str], called: str) -> Axis:
    """One axis of a custom joint.

    Raises:
        InputError: several coordinates drive it.
    """
    direction = axis.getAxis().to_numpy()
    drivers = axis.getCoordinateNamesInArray()
    if drivers.getSize() > 1:
        raise InputError(
            f"{called} moves along {axis.getName()} by {drivers.getSize()} coordinates; the fast engine expects one."
        )
    coordinate = names.index(drivers.get(0)) if drivers.getSize() else NO_COORDINATE
    function = axis.getFunction() if axis.hasFunction() else None
    return direction / (np.linalg.norm(direction) or 1.0), coordinate, function


def axis_growth(joint: opensim.Joint, parent: int) -> Float[np.ndarray, "3 3"]:
    """How a joint's translations grow with the parent body.

    OpenSim multiplies a custom joint's translation by |axis| · factors, whatever the axis' length, unless the
    coordinate itself is the translation or the parent is ground.
    """
    custom = opensim.CustomJoint.safeDownCast(joint)
    growth = np.zeros((3, 3))
    if custom is None or parent == GROUND:
        return growth
    for slot, axis in enumerate(transform_axes(custom)[:3]):
        if axis.hasFunction() and not is_identity(axis.getFunction()):
            growth[slot] = np.abs(axis.getAxis().to_numpy())
    return growth


def is_identity(function: opensim.Function) -> bool:
    """Whether a function is the line with slope one through the origin."""
    line = opensim.LinearFunction.safeDownCast(function)
    return line is not None and line.getSlope() == 1.0 and line.getIntercept() == 0.0


def enforced_couplers(model: opensim.Model, called: str) -> list[opensim.CoordinateCouplerConstraint]:
    """The couplers that are in force.

    Raises:
        InputError: another kind of constraint is in force.
    """
    found = []
    for number in range(model.getConstraintSet().getSize()):
        constraint = model.getConstraintSet().get(number)
        if not constraint.get_isEnforced():
            continue
        coupler = opensim.CoordinateCouplerConstraint.safeDownCast(constraint)
        if coupler is None:
            raise InputError(
                f"{called}: constraint {constraint.getName()} is a {constraint.getConcreteClassName()}; the fast "
                "engine knows CoordinateCouplerConstraint only."
            )
        found.append(coupler)
    return found


def coupler_driver(coupler: opensim.CoordinateCouplerConstraint, called: str) -> str:
    """The coordinate that a coupler follows.

    Raises:
        InputError: it follows several.
    """
    names = coupler.getIndependentCoordinateNames()
    if names.getSize() != 1:
        raise InputError(
            f"{called}: coupler {coupler.getName()} follows {names.getSize()} coordinates; the fast engine expects one."
        )
    return str(names.get(0))


def coupler_factor(coupler: opensim.CoordinateCouplerConstraint) -> float:
    """What multiplies a coupler's function: OpenSim keeps the scale of a scaled model there."""
    return float(opensim.PropertyHelper.getValueDouble(coupler.getPropertyByName("scale_factor")))


def growing_body(coupler: opensim.CoordinateCouplerConstraint, model: opensim.Model) -> str:
    """The body with which a coupler's values grow: OpenSim scales shifts with the parent of their joint.

    It refuses to do so by factors that differ between axes; their mean is taken here.
    """
    coordinate = model.getCoordinateSet().get(coupler.getDependentCoordinateName())
    if coordinate.getMotionType() != opensim.Coordinate.Translational:
        return "ground"
    return str(coordinate.getJoint().getParentFrame().findBaseFrame().getName())


def function_tables(
    called: str, functions: Sequence[opensim.Function | None], owners: Sequence[str], factors: Sequence[float]
) -> dict[str, np.ndarray]:
    """Lines and piecewise polynomials of all functions, times factors; no function means the coordinate itself."""
    slopes, intercepts = np.zeros(len(functions)), np.zeros(len(functions))
    curved: dict[int, tuple[list[float], list[Piece]]] = {}
    for number, (function, factor) in enumerate(zip(functions, factors)):
        if function is None:
            slopes[number] = 1.0
            continue
        breaks, pieces = polynomial_pieces(function, f"{called}: {owners[number]}")
        pieces = multiplied(pieces, factor)
        if not breaks and len(pieces[0][2]) <= 2:
            line = np.append(pieces[0][2], 0.0)
            intercepts[number], slopes[number] = line[0], line[1]
        else:
            curved[number] = breaks, pieces
    return {"slopes": slopes, "intercepts": intercepts, **curve_arrays(curved)}


def curve_arrays(curved: dict[int, tuple[list[float], list[Piece]]]) -> dict[str, np.ndarray]:
    """Pieces of different number and degree in common arrays."""
    pieces = max((len(rows) for _, rows in curved.values()), default=1)
    terms = max((len(row[2]) for _, rows in curved.values() for row in rows), default=1)
    arrays = {
        "curves": np.array(list(curved), dtype=int),
        "curve_breaks": np.full((len(curved), pieces - 1), np.inf),
        "curve_centers": np.zeros((len(curved), pieces)),
        "curve_widths": np.ones((len(curved), pieces)),
        "curve_coefficients": np.zeros((len(curved), pieces, terms)),
    }
    for row, (breaks, found) in enumerate(curved.values()):
        arrays["curve_breaks"][row, : len(breaks)] = breaks
        for column, (center, width, coefficients) in enumerate(found):
            arrays["curve_centers"][row, column] = center
            arrays["curve_widths"][row, column] = width
            arrays["curve_coefficients"][row, column, : len(coefficients)] = coefficients
    return arrays


def polynomial_pieces(function: opensim.Function, called: str) -> tuple[list[float], list[Piece]]:
    """A function of one variable as polynomials between breaks.

    Raises:
        InputError: a function of another kind.
    """
    kind = function.getConcreteClassName()
    if kind == "MultiplierFunction":
        multiplier = opensim.MultiplierFunction.safeDownCast(function)
        breaks, pieces = polynomial_pieces(multiplier.getFunction(), called)
        return breaks, multiplied(pieces, multiplier.getScale())
    if kind == "Constant":
        return [], [(0.0, 1.0, np.array([opensim.Constant.safeDownCast(function).getValue()]))]
    if kind == "LinearFunction":
        line = opensim.LinearFunction.safeDownCast(function)
        return [], [(0.0, 1.0, np.array([line.getIntercept(), line.getSlope()]))]
    if kind == "PolynomialFunction":
        falling = opensim.PolynomialFunction.safeDownCast(function).getCoefficients().to_numpy()
        return [], [(0.0, 1.0, falling[::-1].copy())]
    if kind in SPLINES or kind == "GCVSpline":
        spline = getattr(opensim, kind).safeDownCast(function)
        degree = SPLINES[kind] if kind in SPLINES else spline.getDegree()
        return spline_pieces(spline, degree)
    raise InputError(f"{called} uses a {kind}, which the fast engine does not know; it knows {', '.join(FUNCTIONS)}.")


def multiplied(pieces: Sequence[Piece], factor: float) -> list[Piece]:
    """A function times a factor."""
    return [(center, width, factor * row) for center, width, row in pieces]


def spline_pieces(spline: opensim.Function, degree: int) -> tuple[list[float], list[Piece]]:
    """The pieces of a spline, that before its first and that after its last point included."""
    knots = np.unique([spline.getX(i) for i in range(spline.getNumberOfPoints())])
    reach = knots[-1] - knots[0]
    edges = np.concatenate([[knots[0] - reach], knots, [knots[-1] + reach]])
    nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    powers = np.vander(nodes, increasing=True)
    pieces = []
    for low, high in pairwise(edges):
        center, width = (low + high) / 2, (high - low) / 2
        values = [spline.calcValue(opensim.Vector(1, float(center + width * node))) for node in nodes]
        pieces.append((float(center), float(width), np.linalg.solve(powers, values)))
    return [float(knot) for knot in knots], pieces
