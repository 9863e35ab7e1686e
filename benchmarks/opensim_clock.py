"""OpenSim's own inverse kinematics in a child process, with the processor seconds that solving alone takes."""

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from odah_gen.skeleton.mot import read_mot
from odah_gen.skeleton.trc import MarkerTrajectories, write_trc


def in_child(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function of this module in a process of its own, in a scratch folder, its output thrown away."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, tempfile.TemporaryDirectory() as folder:
        return pool.submit(quietly, folder, function, arguments).result()


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
    for name, weight in weights.items():
        task = opensim.IKMarkerTask()
        task.setName(name)
        task.setApply(True)
        task.setWeight(weight)
        tasks.cloneAndAppend(task)
    start = time.process_time()
    tool.run()
    seconds = time.process_time() - start
    motion = read_mot(Path("out.mot"))
    return seconds, motion.names, motion.values


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
