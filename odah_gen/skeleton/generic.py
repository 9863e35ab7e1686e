"""The generic OpenSim model, built through OpenSim's API from assets/skeleton.yaml and a marker list.

Imports opensim, so it is used inside worker processes only (odah_gen.skeleton.worker).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import opensim
from jaxtyping import Float

from odah_gen.errors import InputError
from odah_gen.skeleton.table import coordinates_of_group, groups, require_names

AXES = ("rotation1", "rotation2", "rotation3", "translation1", "translation2", "translation3")


def build_generic(table: Mapping[str, Any]) -> opensim.Model:
    """Build the model without markers: bodies with display meshes, joints, coordinates, couplers.

    Display meshes are named as stock OpenSim installations know them; none is shipped.
    """
    model = opensim.Model()
    model.setName(table["name"])
    model.set_credits(f"{table['source']}. doi {table['doi']}. {table['ranges']}")
    model.set_publications(f"doi {table['doi']}")
    bodies = {"ground": model.getGround()}
    for name, row in table["bodies"].items():
        bodies[name] = opensim.Body(
            name, row["mass_kg"], opensim.Vec3(*row["mass_center_m"]), opensim.Inertia(*row["inertia_kgm2"])
        )
        attach_meshes(bodies[name], table["display_geometry"][name])
        model.addBody(bodies[name])
    for name, row in table["joints"].items():
        model.addJoint(build_joint(name, row, bodies, table))
    # Coordinates come into being with the joints, but the model lists them only after this call.
    model.finalizeFromProperties()
    for name, row in table["coordinates"].items():
        set_coordinate(model.updCoordinateSet().get(name), row)
    for name, row in table["couplers"].items():
        model.addConstraint(build_coupler(name, row))
    model.finalizeConnections()
    return model


def attach_meshes(body: opensim.Body, row: Mapping[str, Any]) -> None:
    """Attach the stock display meshes of a body."""
    for bone in row["bones"]:
        mesh = opensim.Mesh(f"{bone}{row['suffix']}")
        mesh.set_scale_factors(opensim.Vec3(row.get("scale", 1.0)))
        body.attachGeometry(mesh)


def build_joint(
    name: str, row: Mapping[str, Any], bodies: Mapping[str, opensim.PhysicalFrame], table: Mapping[str, Any]
) -> opensim.Joint:
    """Build a custom, pin or universal joint with its two frames."""
    frames: list[Any] = [name]
    for side in (row["parent"], row["child"]):
        frames += [
            bodies[side["body"]],
            opensim.Vec3(*side["translation_m"]),
            opensim.Vec3(*side["orientation_rad"]),
        ]
    if row["type"] == "CustomJoint":
        return opensim.CustomJoint(*frames, build_transform(row["axes"], table))
    joint = getattr(opensim, row["type"])(*frames)
    for index, coordinate in enumerate(row["coordinates"]):
        joint.upd_coordinates(index).setName(coordinate)
    return joint


def build_transform(axes: Mapping[str, Any], table: Mapping[str, Any]) -> opensim.SpatialTransform:
    """The six axes of a custom joint, each with its function of one coordinate."""
    transform = opensim.SpatialTransform()
    for name in AXES:
        row = axes[name]
        axis = getattr(transform, f"upd_{name}")()
        if "coordinate" in row:
            axis.setCoordinateNames(strings([row["coordinate"]]))
        axis.setAxis(opensim.Vec3(*row["axis"]))
        # set_function copies; setFunction would take over the Python object and crash later.
        axis.set_function(build_function(row, table))
    return transform


def build_function(row: Mapping[str, Any], table: Mapping[str, Any]) -> opensim.Function:
    """The function of an axis: a line, a spline of the table, or a constant."""
    if "slope" in row:
        return opensim.LinearFunction(row["slope"], 0.0)
    if "constant" in row:
        return opensim.Constant(row["constant"])
    spline = opensim.SimmSpline()
    for knot, value in zip(table["spline_knots_rad"], table["splines"][row["spline"]]):
        spline.addPoint(knot, row.get("sign", 1) * value)
    return spline


def set_coordinate(coordinate: opensim.Coordinate, row: Mapping[str, Any]) -> None:
    """Range, default and clamping of a coordinate; a coupled one only follows."""
    if row["motion"] == "coupled":
        coordinate.setDefaultClamped(False)
        return
    low, high = np.deg2rad(row["range_deg"]) if "range_deg" in row else row["range_m"]
    coordinate.setRangeMin(float(low))
    coordinate.setRangeMax(float(high))
    coordinate.setDefaultValue(float(row.get("default_m", 0.0)))
    coordinate.setDefaultClamped(row["clamped"])


def build_coupler(name: str, row: Mapping[str, Any]) -> opensim.CoordinateCouplerConstraint:
    """The constraint that makes the patella follow the knee."""
    coupler = opensim.CoordinateCouplerConstraint()
    coupler.setName(name)
    coupler.setDependentCoordinateName(row["dependent"])
    coupler.setIndependentCoordinateNames(strings([row["independent"]]))
    coupler.setFunction(opensim.LinearFunction(row["slope"], 0.0))
    return coupler


def add_markers(
    model: opensim.Model, names: Sequence[str], bodies: Sequence[str], locations_m: Float[np.ndarray, "markers 3"]
) -> None:
    """Add the markers that the model does not have yet, each in the frame of its body.

    Raises:
        InputError: a marker's body is not in the model.
    """
    present = model.getMarkerSet()
    for name, body, location in zip(names, bodies, locations_m):
        if present.contains(name):
            continue
        if not model.getBodySet().contains(body):
            raise InputError(
                f"The marker list puts marker {name} on body {body}, which the model does not have. "
                "Correct the body in the marker list."
            )
        model.addMarker(opensim.Marker(name, model.getBodySet().get(body), opensim.Vec3(*map(float, location))))
    model.finalizeConnections()


def lock_groups(model: opensim.Model, locked: Sequence[str]) -> None:
    """Lock groups of coordinates at zero (any of subtalar, mtp, wrist); the others stay as the model has them.

    Raises:
        InputError: there is no such group.
    """
    unknown = [group for group in locked if group not in groups()]
    if unknown:
        raise InputError(
            f"skeleton.locked: {unknown[0]!r} is no group of joints; any of {', '.join(groups())} was expected. "
            "Correct the configuration."
        )
    for group in locked:
        for name in coordinates_of_group(group):
            coordinate = model.updCoordinateSet().get(name)
            coordinate.setDefaultValue(0.0)
            coordinate.setDefaultLocked(True)


OWN_MODEL_CURE = "Add it, or leave skeleton.model empty."


def check_names(path: str, model: opensim.Model, table: Mapping[str, Any], cure: str = OWN_MODEL_CURE) -> None:
    """Refuse a model that lacks a body, joint or coordinate of the generic one.

    Raises:
        InputError: names the first thing that is missing.
    """
    sets = {"bodies": model.getBodySet(), "joints": model.getJointSet(), "coordinates": model.getCoordinateSet()}
    found = {kind: [entries.get(i).getName() for i in range(entries.getSize())] for kind, entries in sets.items()}
    require_names(path, found, table, cure)


def check_markers(path: str, model: opensim.Model, names: Sequence[str]) -> None:
    """Refuse a model that lacks a marker.

    Raises:
        InputError: names the first marker that is missing.
    """
    absent = [name for name in names if not model.getMarkerSet().contains(name)]
    if absent:
        raise InputError(
            f"{path}: has no marker {absent[0]}; all {len(names)} markers of the marker list were expected. "
            "Run the scale stage again with this marker list."
        )


def strings(values: Sequence[str]) -> opensim.ArrayStr:
    """OpenSim's own array of strings."""
    array = opensim.ArrayStr()
    for value in values:
        array.append(value)
    return array
