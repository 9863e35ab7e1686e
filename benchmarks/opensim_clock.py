"""OpenSim's own tools in a child process, and the processor seconds that solving alone takes."""

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from odah_gen.skeleton.mot import read_mot
from odah_gen.skeleton.scaling import Measurements
from odah_gen.skeleton.trc import MarkerTrajectories, write_trc

HELD_WEIGHT = 1000.0
"""Of coordinates (per rad²) beside markers (0.02 to 10 per m²)."""


@cache
def child() -> ProcessPoolExecutor:
    """The process beside this one in which OpenSim's tools run, one call after the other."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def in_child(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function of this module in the child process, in a scratch folder, its output thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        return child().submit(quietly, folder, function, arguments).result()


def quietly(folder: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Stand in a folder, send OpenSim's words nowhere, and call."""
    import opensim

    os.chdir(folder)
    opensim.Logger.removeFileSink()
    opensim.Logger.setLevelString("Off")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return function(*arguments)


def run_tool(
    text: str, trial: MarkerTrajectories, weights: Mapping[str, float]
) -> tuple[float, tuple[str, ...], Float[np.ndarray, "frames coordinates"]]:
    """InverseKinematicsTool at its defaults (accuracy 1e-5): processor seconds of run(), names, coordinates (rad, m)."""
    import opensim

    Path("model.osim").write_text(text)
    write_trc(Path("trial.trc"), trial)
    tool = opensim.InverseKinematicsTool()
    model = opensim.Model("model.osim")
    tool.setModel(model)
    tool.setMarkerDataFileName("trial.trc")
    tool.setOutputMotionFileName("out.mot")
    tool.setStartTime(float(trial.time_s[0]))
    tool.setEndTime(float(trial.time_s[-1]))
    tool.set_report_errors(False)
    tasks = tool.upd_IKTaskSet()
    for task in marker_tasks(weights):
        tasks.cloneAndAppend(task)
    start = time.process_time()
    tool.run()
    seconds = time.process_time() - start
    motion = read_mot(Path("out.mot"))
    return seconds, motion.names, motion.values


def marker_tasks(weights: Mapping[str, float]) -> list[Any]:
    """A task of inverse kinematics for every weighted marker."""
    import opensim

    found = []
    for name, weight in ((name, float(weight)) for name, weight in weights.items() if weight > 0):
        task = opensim.IKMarkerTask()
        task.setName(name)
        task.setApply(True)
        task.setWeight(weight)
        found.append(task)
    return found


def coordinate_tasks(held: Mapping[str, float]) -> list[Any]:
    """A heavy task for every coordinate that is to have a value (rad)."""
    import opensim

    found = []
    for name, value in held.items():
        task = opensim.IKCoordinateTask()
        task.setName(name)
        task.setApply(True)
        task.setValueType(opensim.IKCoordinateTask.ManualValue)
        task.setValue(value)
        task.setWeight(HELD_WEIGHT)
        found.append(task)
    return found


def run_solver(text: str, trial: MarkerTrajectories, weights: Mapping[str, float], accuracy: float) -> float:
    """InverseKinematicsSolver, frame after frame: processor seconds of assembling and tracking."""
    from odah_gen.skeleton.opensim_tasks import build_solver, read_model

    model = read_model(text)
    state = model.initSystem()
    weighted = list(weights.items())
    points = trial.points_m[:, [trial.names.index(name) for name in weights]]
    solver = build_solver(model, weighted, points, accuracy)
    state.setTime(0.0)
    start = time.process_time()
    solver.assemble(state)
    for frame in range(1, len(points)):
        state.setTime(float(frame))
        solver.track(state)
    return time.process_time() - start


def run_scale_tool(
    text: str,
    static: MarkerTrajectories,
    measurements: Measurements,
    weights: Mapping[str, float],
    held: Mapping[str, float],
) -> tuple[dict[str, list[float]], dict[str, Float[np.ndarray, " 3"]]]:
    """ScaleTool with its marker placer: factors [x, y, z] by body, and where the markers are then in their bodies (m).

    Coordinates of `held` (rad) get tasks that outweigh all markers, as nobody moves them in a static trial.
    """
    import opensim

    from odah_gen.skeleton.opensim_tasks import listed, location, read_factors, read_model, scale_tool

    model = read_model(text)
    model.printToXML("generic.osim")
    bodies = listed(model.getBodySet())
    write_trc(Path("static.trc"), static)
    tool = scale_tool(static, measurements, 70.0)
    placer = tool.getMarkerPlacer()
    placer.setApply(True)
    placer.setMarkerFileName("static.trc")
    placer.setTimeRange(tool.getModelScaler().getTimeRange())
    placer.setOutputModelFileName("placed.osim")
    placer.setOutputMotionFileName("static.mot")
    for task in marker_tasks(weights) + coordinate_tasks(held):
        placer.getIKTaskSet().cloneAndAppend(task)
    if not tool.run():
        raise RuntimeError("the Scale tool failed")
    placed = opensim.Model("placed.osim")
    return read_factors(Path("factors.xml"), bodies), {name: location(placed, name) for name in static.names}
