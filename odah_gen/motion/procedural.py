"""The built-in library of actions: walking, sitting down, waving and a vertical jump, for any body.

Not a substitute for motion capture: there is no personal style, little secondary motion and no finger motion.
"""

from dataclasses import dataclass

import numpy as np

from odah_gen.motion.choreography import Plan, solve
from odah_gen.motion.clip import MotionClip
from odah_gen.motion.jumping import jumping
from odah_gen.motion.physique import Physique
from odah_gen.motion.sitting import sitting
from odah_gen.motion.walking import walking
from odah_gen.motion.waving import waving

RATE_HZ = 120.0
ACTIONS = ("walking", "sitting", "waving", "jumping")


@dataclass(frozen=True)
class Style:
    """How an action is done.

    Attributes:
        speed: tempo, 1 being normal.
        amplitude: size of the movement, 1 being normal.
        side: 0 for the left hand, 1 for the right, where one hand acts.
    """

    speed: float = 1.0
    amplitude: float = 1.0
    side: int = 1


def draw_style(generator: np.random.Generator) -> Style:
    """A style near the normal one; four in five use the right hand."""
    return Style(
        speed=float(generator.uniform(0.92, 1.08)),
        amplitude=float(generator.uniform(0.9, 1.1)),
        side=int(generator.uniform() < 0.8),
    )


def procedural_frames(duration_s: float) -> int:
    """Frames at 120 Hz that cover a duration, its end included."""
    return int(np.ceil(duration_s * RATE_HZ - 1e-6)) + 1


def procedural_clip(
    action: str, body: Physique, gender: str, duration_s: float, generator: np.random.Generator, style: Style
) -> MotionClip:
    """An action on a body at 120 Hz, Z up, facing +X, the soles at height 0.

    Args:
        action: one of ACTIONS.
        body: whose joints it is solved for.
        gender: written into the clip.
        duration_s: length; the actions are complete at 2 s.
        generator: draws phase and sway.
        style: tempo, size and side.
    """
    time_s = np.arange(procedural_frames(duration_s)) / RATE_HZ
    poses, trans = solve(plan_action(action, body, time_s, generator, style), body)
    return MotionClip(
        poses=poses,
        trans=trans,
        fps=RATE_HZ,
        gender=gender,
        betas=np.zeros(0),
        flavour="smplx",
        source_file=f"procedural:{action}",
        source_frame=np.arange(len(poses), dtype=np.float64),
        source_rate_hz=RATE_HZ,
    )


def plan_action(action: str, body: Physique, time_s: np.ndarray, generator: np.random.Generator, style: Style) -> Plan:
    """The plan of an action."""
    if action == "waving":
        return waving(body, time_s, generator, style.speed, style.amplitude, style.side)
    plans = {"walking": walking, "sitting": sitting, "jumping": jumping}
    return plans[action](body, time_s, generator, style.speed, style.amplitude)
