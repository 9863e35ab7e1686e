"""How long a run will take, said before it starts."""

import math

from odah_gen.config import Config
from odah_gen.run import Run

# Processor seconds with Mesa's software OpenGL, by engine. Of one picture with its mask: (fixed, per sample and megapixel).
# Once per clip: (fixed, per sample and camera, per sample, megapixel and camera), mostly the empty rooms.
# docs/benchmarks.md, "Rendering", says what EEVEE's come from; those without shadows and of other engines are rough.
PICTURE_CPU_S = {
    "eevee": (1.37, 1.19),
    "eevee without shadows": (0.8, 0.35),
    "workbench": (0.22, 0.14),
    "cycles": (1.5, 12.0),
}
CLIP_CPU_S = {
    "eevee": (8.0, 1.4, 10.45),
    "eevee without shadows": (8.0, 0.6, 1.5),
    "workbench": (6.0, 0.0, 0.1),
    "cycles": (5.0, 0.0, 0.0),
}
WALL_PER_CPU = 0.55
"""Two idle cores."""
DRAPE_CPU_S_PER_STEP, DRAPE_CPU_S_PER_FRAME, DRAPE_CPU_S_PER_CLIP = 0.38, 0.4, 6.0
"""Simulated clothes: steps of the lead-in and the clip, at least DRAPE_STEPS_HZ of them a second; docs/people.md."""
DRAPE_LEAD_IN_S, DRAPE_STEPS_HZ = 1.05, 60.0
OTHER_STAGES_S_PER_FRAME = 0.04
OTHER_STAGES_S_PER_CLIP = 28.0
"""From the jobs' times of config/learn.yaml and of the demo, docs/benchmarks.md."""


def describe_estimate(run: Run) -> str:
    """One sentence: how many clips are still to render, and how long that takes without a GPU."""
    waiting = [clip for clip in run.clips.index if not (run.clip(clip) / "quality.json").exists()]
    frames = int(run.clips.loc[waiting, "frames"].sum())
    minutes = estimate_seconds(run.config, len(waiting), frames) / 60
    time = f"{minutes / 60:.1f} hours" if minutes > 90 else f"{max(1, round(minutes))} minutes"
    return f"run {run.config.run}: {len(waiting)} of {len(run.clips)} clips to make, {frames} frames; about {time} on two cores without a GPU."


def estimate_seconds(config: Config, clips: int, frames: int) -> float:
    """Wall-clock seconds for all stages of some clips on two cores, drawing without a GPU."""
    others = OTHER_STAGES_S_PER_CLIP * clips + OTHER_STAGES_S_PER_FRAME * frames
    return drape_seconds(config, clips, frames) + render_seconds(config, clips, frames) + others


def drape_seconds(config: Config, clips: int, frames: int) -> float:
    """Wall-clock seconds to simulate the clothes of some clips on two cores; none where they are not simulated."""
    if not config.clothes.simulation:
        return 0.0
    steps_hz = config.fps * math.ceil(DRAPE_STEPS_HZ / config.fps)
    steps = steps_hz * (DRAPE_LEAD_IN_S * clips + frames / config.fps)
    work = DRAPE_CPU_S_PER_STEP * steps + DRAPE_CPU_S_PER_FRAME * frames + DRAPE_CPU_S_PER_CLIP * clips
    return WALL_PER_CPU * work


def render_seconds(config: Config, clips: int, frames: int) -> float:
    """Wall-clock seconds to render some clips on two cores without a GPU: a share per picture and one per clip, each with
    a part that grows with cameras, samples and picture size."""
    engine, cameras = config.render.engine, len(config.camera.names)
    drawing = "eevee without shadows" if engine == "eevee" and not config.render.drawn_shadows else engine
    samples, megapixels = config.render.drawn_samples, config.camera.width * config.camera.height / 1e6
    of_picture, per_picture = PICTURE_CPU_S[drawing]
    of_clip, per_sample, per_work = CLIP_CPU_S[drawing]
    pictures = (of_picture + per_picture * samples * megapixels) * frames
    rooms = samples * (per_sample + per_work * megapixels) * clips
    return WALL_PER_CPU * ((pictures + rooms) * cameras + of_clip * clips)
