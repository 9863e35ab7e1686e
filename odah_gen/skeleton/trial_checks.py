"""Checks on marker trajectories before OpenSim sees them: it reports success on most of these mistakes.

Pure functions on trajectories and on where the model's markers sit; each mistake ends in one sentence. They go by what
no motion can change, so that somebody who lies, crawls or turns a cartwheel passes: markers of one bone keep their
distances (unit, size) and their handedness (left and right), whichever way the bone points.

What cannot be told: the heading, since a subject may face any way and is solved so; an up axis that is wrong in a trial
of somebody who lies, or whose floor is not at height 0; an upper arm or hand that was exchanged whole, and on bodies with
three markers on a segment that segment, which show as marker errors of the solution.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from odah_gen.errors import InputError
from odah_gen.skeleton.marker_places import MarkerPlaces
from odah_gen.skeleton.trc import MarkerTrajectories

FRAMES_LOOKED_AT = 50
UNEVEN = 0.25
"""Times may be off by this share of a frame: files round them to milliseconds."""
RATE_AGREES = 0.01
ANOTHER_SIZE = 1.2
"""Soft tissue and offsets change the distances of a bone's markers by a few percent in the median."""
ANOTHER_UNIT = 5.0
BAD_SHAPE_M = 0.012
"""Bones fit their own markers to 10 mm and mirrored ones to 17 (shank) or 33 and more (others), except those whose
markers lie in a plane (weighted root mean square)."""
CURED = 0.5
"""Names were exchanged where exchanging them back leaves less than this share of the misfit."""
MOVES_M = 0.02
"""A quietly standing person sways less than this in the few seconds of a static trial."""
LEANS = np.cos(np.deg2rad(40.0))
MOSTLY = 0.8
SELDOM = 0.1
UPRIGHT = np.cos(np.deg2rad(45.0))
FLOOR_M = (-0.1, 0.25)
"""Where the lowest marker of a trial stands above its floor: the sole's markers, a bare foot's thickness up."""
AXES: Mapping[str, tuple[float, float, float]] = {
    "+Z": (0, 0, 1),
    "-Z": (0, 0, -1),
    "+X": (1, 0, 0),
    "-X": (-1, 0, 0),
    "-Y": (0, -1, 0),
}
OTHER_SIDE = {"R": "L", "L": "R"}
STANDING = ("torso", "pelvis", "femur_r", "femur_l", "tibia_r", "tibia_l")
Y_UP = "OpenSim ground has Y up, X forward and Z to the right"

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Bones:
    """A trial seen bone by bone.

    Attributes:
        names: markers with a weight that both the model and the trial have.
        frames: the rigid frame of each.
        weights: [M].
        locations_m: [M, 3] in that frame.
        points_m: [T, M, 3] some frames of the trial.
    """

    names: tuple[str, ...]
    frames: tuple[str, ...]
    weights: Float[np.ndarray, " markers"]
    locations_m: Float[np.ndarray, "markers 3"]
    points_m: Float[np.ndarray, "frames markers 3"]

    def groups(self, least: int) -> Iterator[tuple[str, list[int]]]:
        """Frames with at least so many markers, and these."""
        for frame in dict.fromkeys(self.frames):
            members = [index for index, name in enumerate(self.frames) if name == frame]
            if len(members) >= least:
                yield frame, members

    def exchanged(self, pairs: Pairs) -> Float[np.ndarray, "frames markers 3"]:
        """The points after the names of some pairs were exchanged."""
        order = {left: right for pair in pairs for left, right in (pair, pair[::-1])}
        return self.points_m[:, [self.names.index(order.get(name, name)) for name in self.names]]


def check_clip(called: str, trial: MarkerTrajectories, places: MarkerPlaces, weights: Mapping[str, float]) -> None:
    """Refuse a clip's trial of another unit or size, with left and right exchanged, or with another axis up.

    Args:
        called: what messages call the trial.
        trial: marker trajectories (m).
        places: the markers of the subject's model.
        weights: marker → weight in inverse kinematics.

    Raises:
        InputError: says what is wrong.
    """
    bones = see_bones(trial, places, weights)
    check_size(called, bones, "the subject's model", "another subject's")
    check_sides(called, bones)
    check_up(called, bones)


def check_static(called: str, trial: MarkerTrajectories, places: MarkerPlaces, weights: Mapping[str, float]) -> None:
    """Refuse a static trial of another unit, that moves, with left and right exchanged, or that does not stand.

    Args:
        called: what messages call the trial.
        trial: marker trajectories (m).
        places: the markers of the model before it is scaled.
        weights: marker → weight.

    Raises:
        InputError: says what is wrong.
    """
    bones = see_bones(trial, places, weights)
    check_size(called, bones, "the generic model", "no adult's", ANOTHER_UNIT)
    check_stillness(called, bones)
    check_sides(called, bones)
    check_standing(called, bones)


def check_times(called: str, time_s: Float[np.ndarray, " frames"], frames: int, fps: float) -> None:
    """Refuse a trial that has other frames than its clip.

    Raises:
        InputError: times are not evenly spaced, or their number or rate is not the clip's.
    """
    count = len(time_s)
    if count != frames:
        raise InputError(
            f"{called}: has {count} frames; the clip has {frames} ({frames / fps:.4g} s at {fps:g} Hz). "
            "Export that stretch at that rate, or start a run with this clip's length."
        )
    if count < 2:
        return
    off = np.abs(time_s - np.linspace(time_s[0], time_s[-1], count)).max() / np.diff(time_s).mean()
    if off > UNEVEN:
        raise InputError(
            f"{called}: its times are not evenly spaced (one is off by {off:.2g} frames); a constant rate was expected. "
            "Resample the trial, and leave fields empty where no marker was seen."
        )
    rate = (count - 1) / float(time_s[-1] - time_s[0])
    if abs(rate / fps - 1) > RATE_AGREES:
        raise InputError(
            f"{called}: runs at {rate:.4g} frames per second; the clip runs at {fps:g}. Resample the trial."
        )


def see_bones(trial: MarkerTrajectories, places: MarkerPlaces, weights: Mapping[str, float]) -> Bones:
    """The weighted markers by their frames, in evenly spread frames of the trial."""
    names = tuple(name for name in places.names if weights.get(name, 0.0) > 0 and name in trial.names)
    rows = [places.names.index(name) for name in names]
    count = len(trial.time_s)
    chosen = np.unique(np.round(np.linspace(0, count - 1, min(count, FRAMES_LOOKED_AT))).astype(int))
    return Bones(
        names,
        tuple(places.frames[row] for row in rows),
        np.array([float(weights[name]) for name in names]),
        places.locations_m[rows],
        trial.points_m[chosen][:, [trial.names.index(name) for name in names]],
    )


def check_size(called: str, bones: Bones, model: str, whose: str, most: float = ANOTHER_SIZE) -> None:
    """Refuse a trial whose bones have another size than the model's.

    Raises:
        InputError: the median ratio of distances between markers of one bone is beyond `most` or its inverse.
    """
    ratio = bone_size(bones)
    if np.isnan(ratio) or 1 / most <= ratio <= most:
        return
    cause = "its unit is not the one that it says" if max(ratio, 1 / ratio) > ANOTHER_UNIT else f"it is {whose}"
    raise InputError(
        f"{called}: distances between markers of one bone are {ratio:.3g} times those of {model}, so {cause}. "
        "Correct Units in the third line of the file, or take the trial of this subject."
    )


def bone_size(bones: Bones) -> float:
    """Median ratio of the trial's to the model's distances between markers of one bone; NaN when there are none."""
    ratios = [np.empty(0)]
    for _, members in bones.groups(least=2):
        first, second = np.array(members)[np.array(np.triu_indices(len(members), 1))]
        model = np.linalg.norm(bones.locations_m[first] - bones.locations_m[second], axis=1)
        found = np.linalg.norm(bones.points_m[:, first] - bones.points_m[:, second], axis=2)
        ratios.append((found / np.maximum(model, 1e-6))[np.isfinite(found)])
    every = np.concatenate(ratios)
    return float(np.median(every)) if len(every) else np.nan


def check_sides(called: str, bones: Bones) -> None:
    """Refuse a trial in which left and right were exchanged, of all markers, of a limb, or of single pairs.

    Raises:
        InputError: names the markers.
    """
    pairs = side_pairs(bones)
    if is_cured(bones, pairs):
        raise InputError(
            f"{called}: is the mirror image of the model: left and right are exchanged in the names of its markers, "
            "or one of its axes points the other way. Rename the markers or turn that axis."
        )
    wrong = [pair for limb in limb_pairs(bones, pairs) if is_cured(bones, limb) for pair in limb]
    wrong = wrong or crossed_pelvis(bones, pairs) or [pair for pair in pairs if is_cured(bones, (pair,))]
    if wrong:
        raise InputError(exchanged_names(called, wrong))


def exchanged_names(called: str, pairs: Sequence[tuple[str, str]]) -> str:
    """The sentence about markers whose names were exchanged."""
    named = ", ".join(f"{right} and {left}" for right, left in pairs[:4])
    more = f" (and {len(pairs) - 4} more pairs)" if len(pairs) > 4 else ""
    return f"{called}: {named}{more} are exchanged, left for right. Rename these columns."


def side_pairs(bones: Bones) -> Pairs:
    """Markers of the right side with their partners of the left."""
    partners = ((name, OTHER_SIDE[name[0]] + name[1:]) for name in bones.names if name[0] == "R")
    return tuple(pair for pair in partners if pair[1] in bones.names)


def limb_pairs(bones: Bones, pairs: Pairs) -> list[Pairs]:
    """The pairs grouped by the two bones that carry them."""
    frame = dict(zip(bones.names, bones.frames))
    carriers = dict.fromkeys((frame[right], frame[left]) for right, left in pairs)
    return [tuple(pair for pair in pairs if (frame[pair[0]], frame[pair[1]]) == both) for both in carriers]


def is_cured(bones: Bones, pairs: Pairs) -> bool:
    """Whether exchanging these names makes the bones that carry them much more like the model's."""
    touched = {bones.frames[bones.names.index(name)] for pair in pairs for name in pair}
    before = misfit(bones, bones.points_m, touched)
    return before > BAD_SHAPE_M and misfit(bones, bones.exchanged(pairs), touched) < CURED * before


def misfit(bones: Bones, points_m: Float[np.ndarray, "frames markers 3"], among: set[str] | None = None) -> float:
    """Weighted root mean square (m) of how far markers are from the model's, each bone laid on them as it fits best."""
    squares, total = 0.0, 0.0
    for frame, members in bones.groups(least=3):
        if among is not None and frame not in among:
            continue
        points = points_m[:, members]
        points = points[np.isfinite(points).all(axis=(1, 2))]
        _, errors = lay_on(bones.locations_m[members], bones.weights[members], points)
        squares += float((bones.weights[members] * errors**2).sum())
        total += float(bones.weights[members].sum()) * len(points)
    return float(np.sqrt(squares / total)) if total else 0.0


def lay_on(
    locations_m: Float[np.ndarray, "markers 3"],
    weights: Float[np.ndarray, " markers"],
    points_m: Float[np.ndarray, "frames markers 3"],
) -> tuple[Float[np.ndarray, "frames 3 3"], Float[np.ndarray, "frames markers"]]:
    """Rotations ground ← bone that lay a bone's markers on measured ones, and what distances stay (Kabsch 1976)."""
    shares = weights / weights.sum()
    local = locations_m - shares @ locations_m
    world = points_m - np.einsum("m,tmi->ti", shares, points_m)[:, None]
    left, _, right = np.linalg.svd(np.einsum("m,tmi,mj->tij", shares, world, local))
    signs = np.ones((len(points_m), 3))
    signs[:, 2] = np.sign(np.linalg.det(left @ right))
    rotations = left @ (signs[:, :, None] * right)
    return rotations, np.linalg.norm(world - np.einsum("tij,mj->tmi", rotations, local), axis=2)


def crossed_pelvis(bones: Bones, pairs: Pairs) -> list[tuple[str, str]]:
    """Pairs of the pelvis whose right marker is mostly nearer to the left side of thighs and trunk.

    The four markers lie in a plane, so that an exchanged pelvis looks like one that is upside down.
    """
    frame = dict(zip(bones.names, bones.frames))
    sides: list[list[int]] = [
        [bones.names.index(pair[side]) for pair in pairs if frame[pair[side]] in ("torso", f"femur_{letter}")]
        for side, letter in enumerate("rl")
    ]
    crossed = []
    for pair in (pair for pair in pairs if frame[pair[0]] == frame[pair[1]] == "pelvis"):
        right, left = (bones.points_m[:, [bones.names.index(name)]] for name in pair)
        near = [right - bones.points_m[:, sides[0]], left - bones.points_m[:, sides[1]]]
        far = [right - bones.points_m[:, sides[1]], left - bones.points_m[:, sides[0]]]
        same, other = (np.linalg.norm(np.concatenate(gaps, axis=1), axis=2).mean(axis=1) for gaps in (near, far))
        seen = np.isfinite(same + other)
        if seen.any() and (other < same)[seen].mean() > MOSTLY:
            crossed.append(pair)
    return crossed


def check_up(called: str, bones: Bones) -> None:
    """Refuse a trial in which an upright person stands along another axis than Y.

    Somebody who lies has his trunk along another axis, too, but on a floor at y = 0. So an axis is taken for the real
    up only if the trunk mostly points along it, the floor lies at 0 along it, and no floor lies at y = 0.

    Raises:
        InputError: names the axis.
    """
    trunk = bone_up(bones, "torso")
    if not len(trunk) or (trunk[:, 1] > UPRIGHT).mean() > SELDOM or stands_on_floor(bones, (0.0, 1.0, 0.0)):
        return
    for name, axis in AXES.items():
        if (trunk @ np.array(axis) > UPRIGHT).mean() >= MOSTLY and stands_on_floor(bones, axis):
            raise InputError(
                f"{called}: its subject stands along {name} on a floor at 0; {Y_UP}. Turn the trial so that Y is up."
            )


def bone_up(bones: Bones, frame: str) -> Float[np.ndarray, "some 3"]:
    """Where the y axis of a bone points in ground, in the frames that show all its markers."""
    members = dict(bones.groups(least=3)).get(frame, [])
    points = bones.points_m[:, members]
    points = points[np.isfinite(points).all(axis=(1, 2))]
    if not members or not len(points):
        return np.empty((0, 3))
    return lay_on(bones.locations_m[members], bones.weights[members], points)[0][:, :, 1]


def stands_on_floor(bones: Bones, axis: Sequence[float]) -> bool:
    """Whether the lowest marker along an axis, over all frames, is about where a foot's is on a floor at 0."""
    heights = bones.points_m @ np.array(axis, dtype=float)
    low, high = FLOOR_M
    return bool(low <= np.nanmin(heights) <= high) if np.isfinite(heights).any() else False


def check_stillness(called: str, bones: Bones) -> None:
    """Refuse a static trial in which a marker moves.

    Raises:
        InputError: names the marker that moves most, if it is more than 20 mm away from its mean.
    """
    seen = np.isfinite(bones.points_m).all(axis=(0, 2))
    if not seen.any():
        return
    away = np.linalg.norm(bones.points_m - bones.points_m.mean(axis=0), axis=2)[:, seen].max(axis=0)
    if away.max() > MOVES_M:
        name = np.array(bones.names)[seen][away.argmax()]
        raise InputError(
            f"{called}: is not static: {name} moves {1000 * away.max():.0f} mm away from its mean; at most "
            f"{1000 * MOVES_M:.0f} mm were expected. Cut it to where the subject stands still."
        )


def check_standing(called: str, bones: Bones) -> None:
    """Refuse a static trial in which trunk or legs do not stand upright.

    Raises:
        InputError: names the first bone that leans more than 40°.
    """
    for frame in STANDING:
        up = bone_up(bones, frame)
        if len(up) and np.median(up[:, 1]) < LEANS:
            lean = np.rad2deg(np.arccos(np.clip(np.median(up[:, 1]), -1, 1)))
            raise InputError(
                f"{called}: {frame} leans {lean:.0f}° away from +Y; a person who stands upright was expected, and "
                f"{Y_UP}. Turn the trial so that Y is up, or let the subject stand."
            )
