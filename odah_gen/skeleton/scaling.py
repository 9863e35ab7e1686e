"""How a subject's static trial becomes scale factors and marker offsets: measurements, virtual markers, shrinking.

Pure arrays and names; OpenSim's Scale tool applies the measurements in a worker process.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from odah_gen.errors import InputError
from odah_gen.geometry import unit
from odah_gen.skeleton.trc import MarkerTrajectories

Measurements = Mapping[str, tuple[Sequence[tuple[str, str]], Mapping[str, str]]]
"""Name → (pairs of markers whose mean ratio is taken, body → axes that get it)."""

JOINTS_OF_CENTERS: Mapping[str, str] = {
    f"{side.upper()}{name}": f"{joint}_{side}"
    for side in "rl"
    for name, joint in (
        ("HJC", "hip"),
        ("KJC", "walker_knee"),
        ("AJC", "ankle"),
        ("SJC", "acromial"),
        ("EJC", "elbow"),
        ("WJC", "radius_hand"),
    )
}
"""Virtual markers that stand for joint centres, and the joints of the model whose parent frames carry them."""

MIDDLES: Mapping[str, tuple[str, ...]] = {
    "MASI": ("RASI", "LASI"),
    "MPSI": ("RPSI", "LPSI"),
    "MPEL": ("RASI", "LASI", "RPSI", "LPSI"),
    "MHJC": ("RHJC", "LHJC"),
    "MSJC": ("RSJC", "LSJC"),
}
"""Virtual markers that are the middle of other markers of one body."""

CENTERS_BETWEEN: Mapping[str, tuple[str, str]] = {"KJC": ("LFC", "MFC"), "AJC": ("LMAL", "MMAL")}
"""Landmarks on the skin with the joint centre midway between them."""

VIRTUAL = (*JOINTS_OF_CENTERS, *MIDDLES)

HEAD, HEELS = ("RFHD", "LFHD", "RBHD", "LBHD"), ("RCAL", "LCAL")
STATURE_PER_HEAD = 1.065
"""Stature against the height of the head markers over the heel markers, on the free body: mean of 40 bodies, whose
spread is 0.4 %."""
STATURE_PER_LENGTH = 1.0 / 0.754
"""Stature against the way from the shoulders over hips and knees to the ankles, on the free body: mean of 20 bodies,
whose spread is 1 %."""
GENERIC_STATURE_M = 1.70
"""Stature of the man whose size the generic skeleton has (Rajagopal et al. 2016)."""
LIMITS: Mapping[str, float] = {"pelvis": 0.145, "torso": 0.14}
"""How far depth and breadth of a body may be from what stature alone would give, as a fraction: their measures reach
over soft tissue, so that a stout person's bones would come out too thick."""

TISSUE_M = (0.008, 0.006, 0.006)
"""Soft tissue over the spines of the pelvis: before the ASIS, behind the PSIS, beside the ASIS."""

POSE_SD_M = 0.003
"""Uncertainty of where the static pose puts a model marker: the noise against which an offset is believed."""
CLIP_SD = 2.0
LARGEST_OFFSET_M, WITHIN = 0.025, 0.98
"""Offsets end at this many standard deviations, and all stay within this share of the greatest length."""


def with_virtual(
    static: MarkerTrajectories, body_centers: Mapping[str, Float[np.ndarray, "frames 3"]]
) -> MarkerTrajectories:
    """The static trial with joint centres and middles added as virtual markers.

    The body model's own joint centres are taken where they are given. Hips that are not given follow from ASIS and
    PSIS (Harrington et al. 2007, doi 10.1016/j.jbiomech.2006.02.003); knees and ankles lie midway between the
    epicondyles and the malleoli.

    Args:
        static: the markers of the static trial.
        body_centers: the body's shoulders, elbows and wrists (RSJC, REJC, RWJC …), and its hips, knees and ankles if
            those are anatomical (m, as the trial).

    Raises:
        InputError: the trial lacks a landmark.
    """
    points = {name: static.points_m[:, index] for index, name in enumerate(static.names)} | dict(body_centers)
    spines = ("RASI", "LASI", "RPSI", "LPSI")
    require(spines, points)
    if "RHJC" not in points:
        points |= hip_centers(*(points[name] for name in spines))
    for side in "RL":
        for name, pair in CENTERS_BETWEEN.items():
            if side + name not in points:
                ends = [side + end for end in pair]
                require(ends, points)
                points[side + name] = (points[ends[0]] + points[ends[1]]) / 2
    for name, group in MIDDLES.items():
        points[name] = np.mean([points[part] for part in group], axis=0)
    stacked = np.stack([points[name] for name in VIRTUAL], axis=1)
    return MarkerTrajectories(static.names + VIRTUAL, static.time_s, np.concatenate([static.points_m, stacked], axis=1))


def require(names: Sequence[str], points: Collection[str]) -> None:
    """Refuse a static trial without a landmark that scaling cannot do without.

    Raises:
        InputError: names the first one that is missing.
    """
    absent = [name for name in names if name not in points]
    if absent:
        raise InputError(f"The static trial has no marker {absent[0]}, which scaling needs. Add it to the marker list.")


def hip_centers(
    right_front: Float[np.ndarray, "frames 3"],
    left_front: Float[np.ndarray, "frames 3"],
    right_back: Float[np.ndarray, "frames 3"],
    left_back: Float[np.ndarray, "frames 3"],
) -> dict[str, Float[np.ndarray, "frames 3"]]:
    """Both hip centres from the skin over ASIS and PSIS (Harrington et al. 2007, adults and children together)."""
    front, back = (right_front + left_front) / 2, (right_back + left_back) / 2
    lateral = unit(right_front - left_front)
    upward = unit(np.cross(lateral, front - back))
    forward = np.cross(upward, lateral)
    width = np.linalg.norm(right_front - left_front, axis=1, keepdims=True) - 2 * TISSUE_M[2]
    front = front - TISSUE_M[0] * forward
    depth = np.linalg.norm(front - back, axis=1, keepdims=True) - TISSUE_M[1]
    middle = front + (-0.24 * depth - 0.0099) * forward + (-0.30 * width - 0.0109) * upward
    aside = (0.33 * width + 0.0073) * lateral
    return {"RHJC": middle + aside, "LHJC": middle - aside}


def lengths(axes: str) -> Measurements:
    """Measurements of segment lengths between joint centres, given to the named axes of the limbs ("Y" or "X Y Z").

    Rules: pelvis and torso share the height from hips to shoulders, because no landmark tells where the one lumbar joint
    divides it; the patella follows the femur; talus and toes follow the calcaneus; radius and ulna go together.
    """
    foot = {"talus": "X Y Z", "calcn": "X Y Z", "toes": "X Y Z"} if axes == "X Y Z" else {}
    return {
        "pelvis_depth": ([("MASI", "MPSI")], {"pelvis": "X"}),
        "pelvis_breadth": ([("RHJC", "LHJC")], {"pelvis": "Z"}),
        "trunk_height": ([("MHJC", "MSJC")], {"pelvis": "Y", "torso": "Y"}),
        "torso_breadth": ([("RSJC", "LSJC")], {"torso": "Z"}),
        "thigh_length": both_sides("HJC", "KJC", {"femur": axes, "patella": axes}),
        "shank_length": both_sides("KJC", "AJC", {"tibia": axes}),
        "foot_length": both_sides("CAL", "TOE", foot or {"talus": "Y", "calcn": "X Y", "toes": "X Y"}),
        "upper_arm_length": both_sides("SJC", "EJC", {"humerus": axes}),
        "forearm_length": both_sides("EJC", "WJC", {"ulna": axes, "radius": axes}),
    }


def mean_body_measurements() -> Measurements:
    """The measurements of the mean body, on which the generic markers are placed.

    Published figures know bones, not skin, so breadths cannot be compared: at the mean, limbs are scaled evenly by
    their lengths, the trunk's depth by the mean of its height and breadth, the hand as the forearm.
    """
    trunk: Measurements = {"torso_depth": ([("MHJC", "MSJC"), ("RSJC", "LSJC")], {"torso": "X"})}
    hand: Measurements = {"hand": both_sides("EJC", "WJC", {"hand": "X Y Z"})}
    return {**lengths("X Y Z"), **trunk, **hand}


def subject_measurements(names: Sequence[str]) -> Measurements:
    """The measurements of a subject: every axis of every body has a pair or a stated rule.

    Lengths go by joint centres, breadths and depths by bony landmarks relative to the mean body's. Every measurement
    takes both sides, so left and right are equal. Rules: those of `lengths`; the height of the foot follows its
    length, but the talus reaches as far back as the heel; the depth of the hand follows its breadth. Without its landmarks in `names` (an SMPL-X body lacks some) the
    length of the foot goes from the heel to the fifth metatarsal, and a breadth follows the length of its segment.

    Args:
        names: the markers of the static trial.
    """
    hand_pairs, hand = both_sides("WJC", "HM2", {"hand": "Y"})
    breadths: Measurements = {
        "torso_depth": ([("C7", "CLAV"), ("T10", "XIPH")], {"torso": "X"}),
        "knee_breadth": both_sides("LFC", "MFC", {"femur": "X Z", "patella": "X Z"}),
        "ankle_breadth": both_sides("LMAL", "MMAL", {"tibia": "X Z"}),
        "heel_length": both_sides("AJC", "CAL", {"talus": "X"}),
        "foot_breadth": both_sides("TOE", "MT5", {"talus": "Z", "calcn": "Z", "toes": "Z"}),
        "elbow_breadth": both_sides("LEL", "MEL", {"humerus": "X Z"}),
        "wrist_breadth": both_sides("FAradius", "FAulna", {"ulna": "X Z", "radius": "X Z"}),
        "hand_length": ([*hand_pairs, *both_sides("WJC", "HM5", {})[0]], hand),
        "hand_breadth": both_sides("HM2", "HM5", {"hand": "X Z"}),
    }
    wanted = {**lengths("Y"), **breadths}
    return {name: (pairs_in(name, wanted, names), bodies) for name, (_, bodies) in wanted.items()}


STANDS_IN: Mapping[str, str] = {
    "torso_depth": "trunk_height",
    "knee_breadth": "thigh_length",
    "ankle_breadth": "shank_length",
    "foot_length": "shank_length",
    "heel_length": "foot_length",
    "foot_breadth": "foot_length",
    "elbow_breadth": "upper_arm_length",
    "wrist_breadth": "forearm_length",
    "hand_length": "forearm_length",
    "hand_breadth": "hand_length",
}
"""Which measurement stands in for one that has no pair of known markers."""


SPARE_PAIRS: Mapping[str, Sequence[tuple[str, str]]] = {"foot_length": [("RCAL", "RMT5"), ("LCAL", "LMT5")]}
"""Pairs of a measurement for a body without any of its own: feet differ too much to go by the shank."""


def pairs_in(name: str, wanted: Measurements, names: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of a measurement whose markers are known, or those of the measurement that stands in for it."""
    for candidates in (wanted[name][0], SPARE_PAIRS.get(name, ())):
        pairs = [pair for pair in candidates if set(pair) <= {*names, *VIRTUAL}]
        if pairs:
            return pairs
    return pairs_in(STANDS_IN[name], wanted, names) if name in STANDS_IN else []


def stature_factor(static: MarkerTrajectories) -> float:
    """The subject's stature against the generic skeleton's, from the first frame of a static trial.

    Head markers tell it best; without them the lengths of trunk and legs do.
    """
    if {*HEAD, *HEELS} <= set(static.names):
        head, heels = (np.mean([static.column(name)[0, 1] for name in names]) for names in (HEAD, HEELS))
        return float(STATURE_PER_HEAD * (head - heels) / GENERIC_STATURE_M)
    legs = [(f"{side}{start}", f"{side}{end}") for side in "RL" for start, end in (("HJC", "KJC"), ("KJC", "AJC"))]
    trunk, *rest = [np.linalg.norm(static.column(a)[0] - static.column(b)[0]) for a, b in (("MSJC", "MHJC"), *legs)]
    return float(STATURE_PER_LENGTH * (trunk + sum(rest) / 2) / GENERIC_STATURE_M)


def within_limits(factors: Mapping[str, Sequence[float]], even: float) -> dict[str, list[float]]:
    """The factors [x, y, z] by body, depths and breadths of LIMITS brought near the factor of stature, `even`."""
    bounded = {body: list(values) for body, values in factors.items()}
    for body, limit in LIMITS.items():
        for axis in (0, 2):
            bounded[body][axis] = float(np.clip(bounded[body][axis], even * (1 - limit), even * (1 + limit)))
    return bounded


def both_sides(first: str, second: str, bodies: Mapping[str, str]) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """A measurement on both sides: its pairs, and its bodies with _r and _l."""
    pairs = [(f"{side}{first}", f"{side}{second}") for side in "RL"]
    return pairs, {f"{body}_{side}": axes for body, axes in bodies.items() for side in "rl"}


def shrunk_offsets(
    displacement_m: Float[np.ndarray, "markers 3"], sd_m: Float[np.ndarray, " markers"]
) -> Float[np.ndarray, "markers 3"]:
    """Where a marker probably sits, given where the static trial saw it against the model marker (body frame, m).

    Posterior mean of a normal prior of standard deviation sd and a noise of POSE_SD_M, no longer than CLIP_SD × sd and
    shorter than LARGEST_OFFSET_M.
    """
    believed = displacement_m * (sd_m**2 / (sd_m**2 + POSE_SD_M**2))[:, None]
    length = np.linalg.norm(believed, axis=1, keepdims=True)
    longest = np.minimum(CLIP_SD * sd_m, WITHIN * LARGEST_OFFSET_M)[:, None]
    return believed * np.minimum(1.0, longest / np.maximum(length, 1e-12))
