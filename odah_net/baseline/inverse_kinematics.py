"""Triangulated key points, and inverse kinematics of the subject's own skeleton on them."""

from collections.abc import Sequence

import numpy as np

from odah_gen.errors import InputError
from odah_gen.frames import world_to_ground
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.kinematics import Solution
from odah_gen.skeleton.low_pass import SHORTEST, low_pass
from odah_gen.skeleton.trc import MarkerTrajectories
from odah_net.baseline.detections import Detector
from odah_net.baseline.key_points import subject_skeleton, with_key_points
from odah_net.baseline.triangulation import triangulated
from odah_net.data.clips import ClipData, labelled_points
from odah_net.evaluation.methods import Track
from odah_net.kinematics import PELVIS_SHIFTS

CALLED = "triangulated"


def tracks(clips: Sequence[ClipData], detector: Detector, low_pass_hz: float | None = None) -> list[Track]:
    """What inverse kinematics finds on each clip, its subject's scaled model given.

    Raises:
        InputError: a model is missing, no frame of a clip has enough key points, or a clip cannot be smoothed so.
    """
    if low_pass_hz is not None:
        check_low_pass(clips, low_pass_hz)
    return [track(clip, detector, low_pass_hz) for clip in clips]


def check_low_pass(clips: Sequence[ClipData], low_pass_hz: float) -> None:
    """Refuse a cut-off that a clip cannot have.

    Raises:
        InputError: names the clip.
    """
    for clip in clips:
        if not 0 < low_pass_hz < clip.fps / 2 or clip.frames < SHORTEST:
            raise InputError(
                f"--low-pass-hz {low_pass_hz:g}: cannot smooth {clip.clip_id} ({clip.frames} frames, {clip.fps:g} a "
                f"second); less than half of its rate and {SHORTEST} frames were expected. Choose a lower one or none."
            )


def track(clip: ClipData, detector: Detector, low_pass_hz: float | None) -> Track:
    """One clip.

    A key point that a view misses has no place in that frame, and the frame is solved from the others. Frames with less
    than half of them, or without three on the pelvis, lie between their neighbours.
    """
    skeleton = with_key_points(subject_skeleton(clip))
    cameras = [clip.cameras[name] for name in clip.views]
    found_px = detector.detect(clip.cameras, labelled_points(clip), clip.clip_id)
    points_m = world_to_ground(triangulated(cameras, [found_px[name] for name in clip.views]))
    trial = MarkerTrajectories(skeleton.marker_names, np.arange(clip.frames) / clip.fps, points_m)
    if low_pass_hz is not None:
        trial = low_pass(trial, low_pass_hz, clip.clip_id)
    return from_solution(fast_ik.solve(skeleton, trial, dict.fromkeys(skeleton.marker_names, 1.0), called=clip.clip_id))


def from_solution(solution: Solution) -> Track:
    """Angles and key points of a solution; nothing is found out about sizes."""
    kept = [index for index, name in enumerate(solution.coordinate_names) if name not in PELVIS_SHIFTS]
    replay = solution.replay
    root = replay.joint_centers_m[:, [replay.joint_names.index("ground_pelvis")]]
    points = np.concatenate([replay.mass_centers_m, replay.joint_centers_m], 1) - root
    return Track(solution.coordinates[:, kept], None, points)
