"""How long a run will take, said before it starts."""

from odah_gen.config import Config
from odah_gen.run import CAMERAS, Run

# Processor seconds with Mesa's software OpenGL, with and without shadows. Of one picture with its mask: (fixed, per sample
# and megapixel). Once per clip: (fixed, per sample, per sample and megapixel), mostly the empty rooms of two cameras.
# docs/benchmarks.md, "Rendering", says what they come from.
PICTURE_CPU_S = {True: (1.0, 0.35), False: (0.8, 0.35)}
CLIP_CPU_S = {True: (12.0, 4.4, 6.0), False: (8.0, 1.2, 3.0)}
WALL_PER_CPU = 0.55
"""Two idle cores."""
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
    """Wall-clock seconds for all stages of some clips on two cores, drawing without a GPU."""
    others = OTHER_STAGES_S_PER_CLIP * clips + OTHER_STAGES_S_PER_FRAME * frames
    return render_seconds(config, clips, frames) + others


def render_seconds(config: Config, clips: int, frames: int) -> float:
    """Wall-clock seconds to render some clips on two cores without a GPU: a share per picture and one per clip, each with
    a part that grows with samples and picture size."""
    samples, megapixels = config.render.drawn_samples, config.camera.width * config.camera.height / 1e6
    of_picture, per_picture = PICTURE_CPU_S[config.render.drawn_shadows]
    of_clip, per_sample, per_work = CLIP_CPU_S[config.render.drawn_shadows]
    pictures = (of_picture + per_picture * samples * megapixels) * len(CAMERAS) * frames
    return WALL_PER_CPU * (pictures + (of_clip + samples * (per_sample + per_work * megapixels)) * clips)
