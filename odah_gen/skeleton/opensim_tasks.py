"""The tasks that a worker process runs with OpenSim; reach them through odah_gen.skeleton.worker.call.

A model travels as the text of its .osim. Positions are in OpenSim ground, in metres; angles in radians.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import opensim
from jaxtyping import Bool, Float

from odah_gen.errors import InputError
from odah_gen.skeleton.cross_check import FrameSolutions
from odah_gen.skeleton.generic import add_markers, build_generic, check_markers, check_names, lock_groups, strings
from odah_gen.skeleton.kinematics import (
    GOOD_RMS_M,
    STARTS,
    THUMBS_FORWARD,
    Replay,
    Solution,
    enough_markers,
    fill_invalid,
    nearest_branch,
    pelvis_angles,
    rigid_fit,
)
from odah_gen.skeleton.osim_arrays import skeleton_arrays
from odah_gen.skeleton.scaled_model import scale_bodies, shift_markers
from odah_gen.skeleton.scaling import JOINTS_OF_CENTERS, MIDDLES, Measurements, stature_factor, within_limits
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.table import skeleton_table
from odah_gen.skeleton.trc import MarkerTrajectories, write_trc

opensim.Logger.removeFileSink()

SCALE_AGAIN = "Run the scale stage again."
OTHER_ENGINE = "Set ik.engine: opensim, which knows every kind."
START_ACCURACY = 1e-5
"""Enough to tell minima apart: angles up to 16° and objectives up to 4 % off."""
REFERENCE_ACCURACY = 1e-10
"""From here on results stay: angles are within 1e-4° of those at 1e-12, and the error shrinks tenfold with every digit
(0.1° at 1e-7). OpenSim keeps coordinates a little inside their range, by a distance that shrinks with the accuracy."""


def generic_model(
    names: Sequence[str],
    bodies: Sequence[str],
    locations_m: Float[np.ndarray, "markers 3"],
    locked: Sequence[str],
    own: Path | None = None,
) -> str:
    """The generic model, or an own one, with the markers of the list and the wanted groups locked.

    An own model keeps its markers, joint ranges and locks; markers that it lacks are added.

    Raises:
        InputError: the own model cannot be read or lacks a body, joint or coordinate; an unknown group.
    """
    model = build_generic(skeleton_table()) if own is None else read_own(own)
    lock_groups(model, locked)
    add_markers(model, names, bodies, locations_m)
    return model_text(model)


def read_own(path: Path) -> opensim.Model:
    """Read an own .osim, without its muscles, and check its bodies, joints and coordinates."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file. Correct skeleton.model.")
    try:
        model = opensim.Model(str(path))
        model.finalizeFromProperties()
    except RuntimeError as error:
        raise InputError(f"{path}: OpenSim cannot read this model. Correct skeleton.model.") from error
    check_names(str(path), model, skeleton_table())
    model.updForceSet().clearAndDestroy()
    model.updControllerSet().clearAndDestroy()
    model.finalizeConnections()
    return model


def model_text(model: opensim.Model) -> str:
    """The model as the text of an .osim."""
    model.printToXML("model.osim")
    return Path("model.osim").read_text()


def read_skeleton(text: str, called: str = "the model", cure: str = "") -> Skeleton:
    """The kinematics of a model as plain arrays.

    Args:
        text: the .osim.
        called: what messages call the model.
        cure: how they end; that of a run's model when empty.

    Raises:
        InputError: OpenSim cannot read the model; it has a joint, constraint or function that the fast engine lacks.
    """
    try:
        model = read_model(text)
        model.finalizeConnections()
    except RuntimeError as error:
        raise InputError(f"{called}: OpenSim cannot read this model. {cure or SCALE_AGAIN}") from error
    try:
        return skeleton_arrays(model, called)
    except InputError as error:
        raise InputError(f"{error} {cure or OTHER_ENGINE}") from error


def read_model(text: str) -> opensim.Model:
    """A model from the text of an .osim."""
    Path("model.osim").write_text(text)
    return opensim.Model("model.osim")


def with_offsets(
    text: str, names: Sequence[str], offsets_m: Float[np.ndarray, "markers 3"], remove: Sequence[str] = ()
) -> str:
    """The model with some markers shifted in their bodies, and others taken away."""
    model = read_model(text)
    shift_markers(model, names, offsets_m)
    for name in remove:
        model.updMarkerSet().remove(model.getMarkerSet().get(name))
    model.finalizeConnections()
    return model_text(model)


def apply_scales(
    text: str,
    factors: Mapping[str, Sequence[float]],
    mass_kg: float,
    names: Sequence[str],
    offsets_m: Float[np.ndarray, "markers 3"],
) -> str:
    """The model scaled by OpenSim's Model.scale, its markers then shifted in their bodies (m)."""
    model = read_model(text)
    scale_bodies(model, factors, mass_kg)
    shift_markers(model, names, offsets_m)
    return model_text(model)


def add_virtual_markers(model: opensim.Model) -> None:
    """Add the virtual markers of odah_gen.skeleton.scaling: joint centres and middles of the model's markers."""
    for name, joint in JOINTS_OF_CENTERS.items():
        frame = model.getJointSet().get(joint).getParentFrame()
        place = frame.findTransformInBaseFrame().p().to_numpy()
        add_markers(model, [name], [frame.findBaseFrame().getName()], place[None])
    for name, group in MIDDLES.items():
        check_markers("the generic model", model, group)
        place = np.mean([location(model, part) for part in group], axis=0)
        add_markers(model, [name], [base_body(model, group[0])], place[None])


def listed(found: object) -> tuple[str, ...]:
    """The names of the elements of one of OpenSim's sets."""
    return tuple(found.get(index).getName() for index in range(found.getSize()))  # type: ignore[attr-defined]


def replay(text: str, names: Sequence[str], coordinates: Float[np.ndarray, "frames coordinates"]) -> Replay:
    """Move a model through coordinates; those not named keep their defaults.

    Raises:
        InputError: the model lacks a coordinate.
    """
    model = read_model(text)
    return replay_model(model, model.initSystem(), names, coordinates)


def replay_model(
    model: opensim.Model,
    state: opensim.State,
    names: Sequence[str],
    coordinates: Float[np.ndarray, "frames coordinates"],
) -> Replay:
    """As `replay`, for a model that is loaded."""
    known = model.getCoordinateSet()
    absent = [name for name in names if not known.contains(name)]
    if absent:
        raise InputError(f"The model has no coordinate {absent[0]}, which the motion has. Use the motion's own model.")
    rows = []
    for values in coordinates:
        for name, value in zip(names, values):
            if known.get(name).getLocked(state):
                known.get(name).setLocked(state, False)
            known.get(name).setValue(state, float(value), False)
        rows.append(positions(model, state))
    centers, masses, markers, origins, rotations = (np.array(part) for part in zip(*rows))
    return Replay(
        listed(model.getBodySet()),
        listed(model.getJointSet()),
        listed(model.getMarkerSet()),
        centers,
        masses,
        markers.reshape(len(rows), -1, 3),
        origins,
        rotations,
    )


def positions(model: opensim.Model, state: opensim.State) -> tuple[list, list, list, list, list]:
    """Joint centres, mass centres, markers, body origins and rotations of one state."""
    model.realizePosition(state)
    bodies = [model.getBodySet().get(i) for i in range(model.getBodySet().getSize())]
    joints = [model.getJointSet().get(i) for i in range(model.getJointSet().getSize())]
    markers = [model.getMarkerSet().get(i) for i in range(model.getMarkerSet().getSize())]
    return (
        [joint.getChildFrame().getPositionInGround(state).to_numpy() for joint in joints],
        [body.findStationLocationInGround(state, body.getMassCenter()).to_numpy() for body in bodies],
        [marker.getLocationInGround(state).to_numpy() for marker in markers],
        [body.getPositionInGround(state).to_numpy() for body in bodies],
        [matrix(body.getTransformInGround(state).R()) for body in bodies],
    )


def matrix(rotation: opensim.Rotation) -> Float[np.ndarray, "3 3"]:
    """A rotation of SimTK as an array."""
    mat = rotation.asMat33()
    return np.array([[mat.get(i, j) for j in range(3)] for i in range(3)])


def scale_model(
    text: str,
    static: MarkerTrajectories,
    measurements: Measurements,
    mass_kg: float,
) -> tuple[str, dict[str, list[float]]]:
    """Scale a model with OpenSim's Scale tool, by measurements only, after adding the virtual markers.

    Args:
        text: the generic model; lengths of its bones do not depend on its pose.
        static: the static trial, with every marker that a measurement names.
        measurements: name → (pairs of markers, body → axes such as "X Z").
        mass_kg: subject's mass; the generic distribution is kept.

    Returns:
        The scaled model, with virtual markers, and the factors [x, y, z] of each body, read from the tool's scale set by
        body name, the limited ones brought within their limits (`scaling.within_limits`).

    Raises:
        InputError: a measurement names a marker that the model or the static trial lacks.
    """
    model = read_model(text)
    add_virtual_markers(model)
    wanted = [marker for pairs, _ in measurements.values() for pair in pairs for marker in pair]
    check_markers("the generic model", model, wanted)
    absent = [name for name in wanted if name not in static.names]
    if absent:
        raise InputError(f"The static trial has no marker {absent[0]}, which scaling needs. Add it to the marker list.")
    bodies = listed(model.getBodySet())
    model.printToXML("generic.osim")
    write_trc(Path("static.trc"), static)
    scale_tool(static, measurements, mass_kg).run()
    if not Path("scaled.osim").exists():
        raise RuntimeError("the Scale tool wrote no model")
    measured = read_factors(Path("factors.xml"), bodies)
    factors = within_limits(measured, stature_factor(static))
    if factors == measured:
        return Path("scaled.osim").read_text(), factors
    return scaled_by(opensim.Model("generic.osim"), factors, mass_kg), factors


def scale_by(text: str, factors: Mapping[str, Sequence[float]], mass_kg: float) -> str:
    """As `scale_model`, virtual markers included, by given factors [x, y, z] of the bodies."""
    model = read_model(text)
    add_virtual_markers(model)
    return scaled_by(model, factors, mass_kg)


def scaled_by(model: opensim.Model, factors: Mapping[str, Sequence[float]], mass_kg: float) -> str:
    """A model scaled by given factors [x, y, z] of its bodies, as the text of an .osim; masses keep their shares."""
    scale_bodies(model, factors, mass_kg)
    return model_text(model)


def scale_tool(
    static: MarkerTrajectories,
    measurements: Measurements,
    mass_kg: float,
) -> opensim.ScaleTool:
    """The Scale tool, set up for the files that `scale_model` wrote; markers are not placed by it."""
    tool = opensim.ScaleTool()
    tool.setName("subject")
    tool.setSubjectMass(mass_kg)
    tool.setPathToSubject("./")
    tool.getGenericModelMaker().setModelFileName("generic.osim")
    tool.getMarkerPlacer().setApply(False)
    scaler = tool.getModelScaler()
    scaler.setApply(True)
    scaler.setScalingOrder(strings(["measurements"]))
    scaler.setMarkerFileName("static.trc")
    times = opensim.ArrayDouble()
    times.append(float(static.time_s[0]))
    times.append(float(static.time_s[-1]))
    scaler.setTimeRange(times)
    scaler.setPreserveMassDist(True)
    scaler.setOutputModelFileName("scaled.osim")
    scaler.setOutputScaleFileName("factors.xml")
    for name, (pairs, bodies) in measurements.items():
        scaler.addMeasurement(build_measurement(name, pairs, bodies))
    return tool


def build_measurement(name: str, pairs: Sequence[tuple[str, str]], bodies: Mapping[str, str]) -> opensim.Measurement:
    """A measurement of the Scale tool: the mean ratio of its pairs goes to the axes of its bodies."""
    measurement = opensim.Measurement()
    measurement.setName(name)
    measurement.setApply(True)
    for first, second in pairs:
        measurement.getMarkerPairSet().cloneAndAppend(opensim.MarkerPair(first, second))
    for body, axes in bodies.items():
        scale = opensim.BodyScale()
        scale.setName(body)
        scale.setAxisNames(strings(axes.split()))
        measurement.getBodyScaleSet().cloneAndAppend(scale)
    return measurement


def read_factors(path: Path, bodies: Sequence[str]) -> dict[str, list[float]]:
    """Factors by body name; the tool's scale set also lists ground and offset frames, some twice."""
    found = opensim.ScaleSet(str(path))
    factors = {}
    for index in range(found.getSize()):
        vector = found.get(index).getScaleFactors()
        factors[found.get(index).getSegmentName()] = [vector.get(axis) for axis in range(3)]
    return {body: factors[body] for body in bodies}


def solve(
    text: str,
    trial: MarkerTrajectories,
    weights: Mapping[str, float],
    accuracy: float,
    locked: Mapping[str, float] | None = None,
    called: str = "the model",
) -> Solution:
    """Inverse kinematics of a trial with OpenSim's solver.

    The first frame is solved from several poses, turned and placed by the pelvis markers; every later frame starts
    from the one before. Frames with less than half of the weighted markers, or without three on the pelvis, are not
    valid and are interpolated.

    Args:
        text: the subject's model.
        trial: marker trajectories (m).
        weights: marker → weight; markers of weight 0 are left out.
        accuracy: of OpenSim's assembler, 1e-7 or smaller to be converged.
        locked: coordinates held at values (rad, m).
        called: what messages call the model.

    Raises:
        InputError: the model cannot be read, or lacks a body, joint or coordinate; the model or the trial lacks a
            weighted marker; no frame has enough markers.
    """
    model = model_for_markers(text, trial, weights, called)
    hold(model, locked or {})
    weighted = positive(weights)
    points = trial.points_m[:, [trial.names.index(name) for name in weighted]]
    pelvis = np.array([base_body(model, name) == "pelvis" for name in weighted])
    valid = enough_markers(points, pelvis)
    if not valid.any():
        raise InputError(
            f"No frame of the trial has half of the {len(weighted)} weighted markers and three on the pelvis. "
            "Check the marker names and the gaps of the trial."
        )
    state = model.initSystem()
    names = listed(model.getCoordinateSet())
    solved = track(model, state, list(weighted.items()), points[valid], pelvis, accuracy)
    coordinates = np.zeros((len(points), len(names)))
    coordinates[valid] = nearest_branch(names, solved, limits(model))
    coordinates = fill_invalid(coordinates, valid)
    return Solution(names, coordinates, valid, replay_model(model, state, names, coordinates))


def check_frames(
    text: str,
    trial: MarkerTrajectories,
    weights: Mapping[str, float],
    frames: Sequence[int],
    starts: tuple[Sequence[str], Float[np.ndarray, "chosen coordinates"]] | None = None,
    locked: Mapping[str, float] | None = None,
    called: str = "the model",
) -> FrameSolutions:
    """Some frames of a trial solved one by one, as exactly as OpenSim can: what other solvers are held against.

    Every frame is solved from several poses, turned and placed by the pelvis markers, at an accuracy that tells the
    minima apart; the best is solved again at REFERENCE_ACCURACY. No frame knows of another.

    Args:
        text: the subject's model.
        trial: marker trajectories (m).
        weights: marker → weight; markers of weight 0 are left out.
        frames: numbers of the frames, each with half of the weighted markers and three on the pelvis.
        starts: names and values (rad, m) of coordinates to start from instead, a row for each frame.
        locked: coordinates held at values (rad, m).
        called: what messages call the model.

    Raises:
        InputError: the model cannot be read, or lacks a body, joint or coordinate; the model or the trial lacks a
            weighted marker.
    """
    model = model_for_markers(text, trial, weights, called)
    hold(model, locked or {})
    state = model.initSystem()
    weighted = list(positive(weights).items())
    points = trial.points_m[np.asarray(frames, dtype=int)][:, [trial.names.index(name) for name, _ in weighted]]
    solver = build_solver(model, weighted, points, REFERENCE_ACCURACY)
    known = model.getCoordinateSet()
    coordinates, objectives = np.full((len(points), known.getSize()), np.nan), np.full(len(points), np.inf)
    for row, seen in enumerate(points):
        state.setTime(float(row))
        if starts is not None:
            set_free(model, state, dict(zip(starts[0], starts[1][row])))
        elif not reach_best(model, state, solver, weighted, seen):
            continue
        solver.setAccuracy(REFERENCE_ACCURACY)
        if assembles(solver, state):
            coordinates[row] = [known.get(i).getValue(state) for i in range(known.getSize())]
            objectives[row] = objective(model, state, weighted, seen)
    return FrameSolutions(listed(known), coordinates, objectives)


def neutral_poses(
    model: opensim.Model, weights: Sequence[tuple[str, float]], points: Float[np.ndarray, "markers 3"]
) -> list[dict[str, float]]:
    """The poses of STARTS, with the pelvis where its markers put it."""
    names = [name for name, _ in weights]
    root = pelvis_start(model, names, points, np.array([base_body(model, name) == "pelvis" for name in names]))
    return [default_pose(model) | THUMBS_FORWARD | dict(start) | root for start in STARTS]


def reach_best(
    model: opensim.Model,
    state: opensim.State,
    solver: opensim.InverseKinematicsSolver,
    weights: Sequence[tuple[str, float]],
    points: Float[np.ndarray, "markers 3"],
) -> bool:
    """Solve one frame coarsely from every neutral pose and leave the state at the best; false when all fail."""
    ends = []
    solver.setAccuracy(START_ACCURACY)
    for pose in neutral_poses(model, weights, points):
        set_free(model, state, pose)
        if assembles(solver, state):
            ends.append((rms(model, state, weights, points), opensim.Vector(state.getQ())))
    if ends:
        state.setQ(min(ends, key=lambda end: end[0])[1])
    return bool(ends)


def assembles(solver: opensim.InverseKinematicsSolver, state: opensim.State) -> bool:
    """Solve from where the state is; false when OpenSim gives up."""
    try:
        solver.assemble(state)
    except RuntimeError:
        return False
    return True


def positive(weights: Mapping[str, float]) -> dict[str, float]:
    """The markers that count, and their weights."""
    return {name: weight for name, weight in weights.items() if weight > 0}


def model_for_markers(text: str, trial: MarkerTrajectories, weights: Mapping[str, float], called: str) -> opensim.Model:
    """Read a subject's model and check that model and trial have what inverse kinematics needs.

    Raises:
        InputError: the model cannot be read, or lacks a body, joint or coordinate; the model or the trial lacks a
            weighted marker.
    """
    try:
        model = read_model(text)
    except RuntimeError as error:
        raise InputError(f"{called}: OpenSim cannot read this model. {SCALE_AGAIN}") from error
    weighted = positive(weights)
    check_names(called, model, skeleton_table(), SCALE_AGAIN)
    check_markers(called, model, list(weighted))
    absent = [name for name in weighted if name not in trial.names]
    if absent:
        raise InputError(
            f"The trial has no marker {absent[0]}; all {len(weighted)} weighted markers were expected. "
            "Run the markers stage again with the marker list of the run."
        )
    return model


def hold(model: opensim.Model, locked: Mapping[str, float]) -> None:
    """Lock coordinates at values (rad, m)."""
    for name, value in locked.items():
        model.updCoordinateSet().get(name).setDefaultValue(float(value))
        model.updCoordinateSet().get(name).setDefaultLocked(True)


def base_body(model: opensim.Model, marker: str) -> str:
    """The body that carries a marker."""
    return model.getMarkerSet().get(marker).getParentFrame().findBaseFrame().getName()


def location(model: opensim.Model, marker: str) -> Float[np.ndarray, " 3"]:
    """Where a marker lies in its body (m)."""
    marker_ = model.getMarkerSet().get(marker)
    frame = marker_.getParentFrame().findTransformInBaseFrame()
    return frame.shiftFrameStationToBase(marker_.get_location()).to_numpy()


def track(
    model: opensim.Model,
    state: opensim.State,
    weights: Sequence[tuple[str, float]],
    points: Float[np.ndarray, "frames markers 3"],
    pelvis: Bool[np.ndarray, " markers"],
    accuracy: float,
) -> Float[np.ndarray, "frames coordinates"]:
    """Solve frame after frame; frame numbers stand for times, so gaps do not matter."""
    solver = build_solver(model, weights, points, accuracy)
    known = model.getCoordinateSet()
    solved = []
    for frame in range(len(points)):
        state.setTime(float(frame))
        if frame == 0:
            assemble_best(model, state, solver, weights, points[0], pelvis)
        else:
            solver.track(state)
        solved.append([known.get(i).getValue(state) for i in range(known.getSize())])
    return np.array(solved)


def build_solver(
    model: opensim.Model,
    weights: Sequence[tuple[str, float]],
    points: Float[np.ndarray, "frames markers 3"],
    accuracy: float,
) -> opensim.InverseKinematicsSolver:
    """OpenSim's solver for these marker positions; NaN markers are left out frame by frame."""
    write_trc(
        Path("trial.trc"), MarkerTrajectories(tuple(name for name, _ in weights), np.arange(float(len(points))), points)
    )
    marker_weights = opensim.SetMarkerWeights()
    for name, weight in weights:
        marker_weights.cloneAndAppend(opensim.MarkerWeight(name, float(weight)))
    reference = opensim.MarkersReference("trial.trc", marker_weights)
    solver = opensim.InverseKinematicsSolver(model, reference, opensim.SimTKArrayCoordinateReference(), float("inf"))
    solver.setAccuracy(accuracy)
    return solver


def assemble_best(
    model: opensim.Model,
    state: opensim.State,
    solver: opensim.InverseKinematicsSolver,
    weights: Sequence[tuple[str, float]],
    points: Float[np.ndarray, "markers 3"],
    pelvis: Bool[np.ndarray, " markers"],
) -> None:
    """Solve one frame from several poses and leave the state at the best."""
    root = pelvis_start(model, [name for name, _ in weights], points, pelvis)
    costs, ends = [], []
    for start in STARTS:
        set_free(model, state, default_pose(model) | THUMBS_FORWARD | dict(start) | root)
        solver.assemble(state)
        costs.append(rms(model, state, weights, points))
        ends.append(opensim.Vector(state.getQ()))
        if costs[-1] < GOOD_RMS_M:
            return
    state.setQ(ends[int(np.argmin(costs))])
    solver.assemble(state)


def rms(
    model: opensim.Model,
    state: opensim.State,
    weights: Sequence[tuple[str, float]],
    points: Float[np.ndarray, "markers 3"],
) -> float:
    """Weighted root mean square of the distances between model and measured markers that were seen (m)."""
    seen = np.isfinite(points).all(axis=1)
    total = sum(weight for (_, weight), there in zip(weights, seen) if there)
    return float(np.sqrt(objective(model, state, weights, points) / total))


def objective(
    model: opensim.Model,
    state: opensim.State,
    weights: Sequence[tuple[str, float]],
    points: Float[np.ndarray, "markers 3"],
) -> float:
    """What inverse kinematics makes small: Σ w |x − y|² over the markers that were seen (m²)."""
    model.realizePosition(state)
    found = np.array([model.getMarkerSet().get(name).getLocationInGround(state).to_numpy() for name, _ in weights])
    return float(np.nansum(np.array([weight for _, weight in weights]) * ((found - points) ** 2).sum(axis=1)))


def default_pose(model: opensim.Model) -> dict[str, float]:
    """The default values of all coordinates."""
    known = model.getCoordinateSet()
    return {known.get(i).getName(): known.get(i).getDefaultValue() for i in range(known.getSize())}


def limits(model: opensim.Model) -> tuple[Float[np.ndarray, " coordinates"], Float[np.ndarray, " coordinates"]]:
    """Lowest and highest value of each coordinate, infinite where it is not clamped."""
    known = [model.getCoordinateSet().get(i) for i in range(model.getCoordinateSet().getSize())]
    ranges = [(c.getRangeMin(), c.getRangeMax()) if c.getDefaultClamped() else (-np.inf, np.inf) for c in known]
    lower, upper = np.array(ranges).T
    return lower, upper


def set_free(model: opensim.Model, state: opensim.State, pose: Mapping[str, float]) -> None:
    """Set the coordinates that are not locked."""
    for name, value in pose.items():
        coordinate = model.getCoordinateSet().get(name)
        if not coordinate.getLocked(state):
            coordinate.setValue(state, float(value), False)


def pelvis_start(
    model: opensim.Model,
    markers: Sequence[str],
    points: Float[np.ndarray, "markers 3"],
    pelvis: Bool[np.ndarray, " markers"],
) -> dict[str, float]:
    """Where the pelvis markers put the pelvis, so that a subject who faces any way starts well."""
    seen = pelvis & np.isfinite(points).all(axis=1)
    local = np.array([location(model, name) for name, there in zip(markers, seen) if there])
    rotation, shift = rigid_fit(local, points[seen])
    names = ("pelvis_tilt", "pelvis_list", "pelvis_rotation", "pelvis_tx", "pelvis_ty", "pelvis_tz")
    return dict(zip(names, [*pelvis_angles(rotation), *shift]))
