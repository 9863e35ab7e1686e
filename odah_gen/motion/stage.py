"""The motion stage: source motion on the subject's body, at the run's rate, in the world frame."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from odah_gen.body.model import BodyModel
from odah_gen.body.subject import subject_body
from odah_gen.motion.amass import read_amass, write_amass
from odah_gen.motion.clip import MotionClip
from odah_gen.motion.physique import measure
from odah_gen.motion.procedural import draw_style, procedural_clip
from odah_gen.motion.pybullet_clips import motions_folder, read_pybullet
from odah_gen.motion.resample import resample
from odah_gen.motion.world import WorldMotion, place_in_world
from odah_gen.run import Run

AMASS_LEG_M = 0.788
"""Hip to ankle of SMPL-X's mean body: the mover's legs where the file's shape is not used."""


def write_motion(run: Run, clip_id: str) -> Path:
    """Write a clip's motion.npz (docs/architecture.md) and return its path.

    Floor and heading are found on the whole source, so that they depend neither on the run's rate nor on max_frames.

    Raises:
        InputError: the clip is not in the catalogue, or its source cannot be used.
    """
    row = run.row(clip_id)
    model, betas = subject_body(run, str(row["subject"]))
    source = source_clip(run, row, model, betas)
    placed = place_in_world(source, model, betas)
    placed = dataclasses.replace(placed, clip=resample(placed.clip, run.config.fps))
    path = run.clip(clip_id) / "motion.npz"
    write_world_motion(path, placed, betas, int(row["frames"]))
    return path


def source_clip(run: Run, row: pd.Series, model: BodyModel, betas: Float[np.ndarray, " betas"]) -> MotionClip:
    """The motion of a catalogue row as its source gives it, Z up, with the subject's gender."""
    gender = str(row["gender"])
    if row["source"] == "procedural":
        generator = np.random.default_rng(int(row["seed"]))
        style = draw_style(generator)
        body = measure(model, betas)
        return procedural_clip(str(row["action"]), body, gender, run.config.motion.duration_s, generator, style)
    if row["source"] == "pybullet":
        clip = read_pybullet(motions_folder() / str(row["source_file"]))
        return dataclasses.replace(clip, gender=gender)
    clip = read_amass(Path(str(row["source_file"])))
    return clip if row["betas_source"] == "file" else dataclasses.replace(clip, leg_length_m=AMASS_LEG_M)


def write_world_motion(path: Path, placed: WorldMotion, betas: Float[np.ndarray, " betas"], frames: int) -> None:
    """Write the first frames of a clip in the world frame, in AMASS's format with its source beside it."""
    clip = placed.clip
    cut = dataclasses.replace(
        clip,
        poses=clip.poses[:frames],
        trans=clip.trans[:frames],
        source_frame=clip.source_frame[:frames],
        betas=betas,
        flavour="smplx",
    )
    write_amass(
        path,
        cut,
        time_s=cut.time_s,
        source_frame=cut.source_frame,
        source_rate_hz=cut.source_rate_hz,
        source_file=cut.source_file,
        source_scale=placed.source_scale,
        world_from_source=placed.world_from_source,
    )
