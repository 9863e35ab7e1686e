"""How long a run will take, said before it starts."""

import os

from odah_gen.config import Config
from odah_gen.run import CAMERAS, Run

# Seconds of one core with Mesa's software OpenGL; `python benchmarks/render.py` measures them.
FIXED_S_PER_FRAME = 2.0
S_PER_SAMPLE_AND_MEGAPIXEL = 2.3
SHADOW_FACTOR = 1.6
OTHER_STAGES_S_PER_FRAME = 0.35
OTHER_STAGES_S_PER_CLIP = 45.0
CORES_ONE_BLENDER_USES = 2


def describe_estimate(run: Run) -> str:
    """One sentence: how many clips are still to render, and how long that takes without a GPU."""
    waiting = [clip for clip in run.clips.index if not (run.clip(clip) / "quality.json").exists()]
    frames = int(run.clips.loc[waiting, "frames"].sum())
    minutes = estimate_seconds(run.config, len(waiting), frames) / 60
    time = f"{minutes / 60:.1f} hours" if minutes > 90 else f"{max(1, round(minutes))} minutes"
    return f"run {run.config.run}: {len(waiting)} of {len(run.clips)} clips to make, {frames} frames; about {time} without a GPU."


def estimate_seconds(config: Config, clips: int, frames: int) -> float:
    """Wall-clock seconds for all stages of some clips on this machine's cores, drawing without a GPU.

    Rendering costs a fixed share per picture and one per sample and megapixel; the other stages run beside it.
    """
    megapixels = config.camera.width * config.camera.height / 1e6
    per_picture = FIXED_S_PER_FRAME + S_PER_SAMPLE_AND_MEGAPIXEL * config.render.samples * megapixels
    if config.render.shadows:
        per_picture *= SHADOW_FACTOR
    cores = min(os.cpu_count() or 1, CORES_ONE_BLENDER_USES)
    others = OTHER_STAGES_S_PER_CLIP * clips + OTHER_STAGES_S_PER_FRAME * frames
    return (per_picture * len(CAMERAS) * frames + others) / cores
