"""How long a run will take, said before it starts."""

from odah_gen.config import Config
from odah_gen.run import CAMERAS, Run

# Wall seconds of one picture on two cores with Mesa's software OpenGL: (fixed, per sample and megapixel), with and
# without shadows. `python benchmarks/render.py` measures them; docs/benchmarks.md has the table.
PICTURE_S = {True: (1.1, 1.5), False: (0.7, 0.9)}
OTHER_STAGES_S_PER_FRAME = 0.2
OTHER_STAGES_S_PER_CLIP = 25.0


def describe_estimate(run: Run) -> str:
    """One sentence: how many clips are still to render, and how long that takes without a GPU."""
    waiting = [clip for clip in run.clips.index if not (run.clip(clip) / "quality.json").exists()]
    frames = int(run.clips.loc[waiting, "frames"].sum())
    minutes = estimate_seconds(run.config, len(waiting), frames) / 60
    time = f"{minutes / 60:.1f} hours" if minutes > 90 else f"{max(1, round(minutes))} minutes"
    return f"run {run.config.run}: {len(waiting)} of {len(run.clips)} clips to make, {frames} frames; about {time} on two cores without a GPU."


def estimate_seconds(config: Config, clips: int, frames: int) -> float:
    """Wall-clock seconds for all stages of some clips on two cores, drawing without a GPU.

    Rendering costs a fixed share per picture and one per sample and megapixel.
    """
    fixed, rate = PICTURE_S[config.render.drawn_shadows]
    work = config.render.drawn_samples * config.camera.width * config.camera.height / 1e6
    pictures = len(CAMERAS) * frames
    return (fixed + rate * work) * pictures + OTHER_STAGES_S_PER_CLIP * clips + OTHER_STAGES_S_PER_FRAME * frames
