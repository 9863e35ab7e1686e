"""The markers stage: virtual markers on the skin of a moving body, written as .trc."""

import numpy as np

from odah_gen.body.layout import load_layout
from odah_gen.body.model import find_body_model
from odah_gen.body.trajectories import skin_trajectories
from odah_gen.motion.amass import read_world_motion
from odah_gen.run import Run
from odah_gen.skeleton.trc import MarkerTrajectories, write_trc


def write_markers(run: Run, clip_id: str) -> None:
    """Write markers.trc and held_out.trc of a clip: OpenSim ground, metres, at the times of motion.npz.

    The held-out points go to a file of their own, so that no later stage takes them for markers by mistake.

    Raises:
        InputError: motion.npz is missing or incomplete, or the marker list does not fit the body model.
    """
    folder = run.clip(clip_id)
    motion = read_world_motion(folder / "motion.npz", ("time_s",))
    model = find_body_model(run.config.body, str(motion["gender"]))
    layout = load_layout(run.config.skeleton.markers).on(model)
    ids = np.concatenate([layout.vertex_ids(model), layout.held_out_ids(model)])
    points = (layout.names + layout.held_out_names, ids)
    trajectories = skin_trajectories(model, motion["betas"], motion["poses"], motion["trans"], motion["time_s"], points)
    count = len(layout.names)
    write_trc(folder / "markers.trc", part(trajectories, slice(0, count)))
    write_trc(folder / "held_out.trc", part(trajectories, slice(count, None)))


def part(trajectories: MarkerTrajectories, columns: slice) -> MarkerTrajectories:
    """Some of the markers."""
    return MarkerTrajectories(trajectories.names[columns], trajectories.time_s, trajectories.points_m[:, columns])
