"""The joint regressor of the free body: each joint as a non-negative mean of skin vertices around it.

It is fitted on many people, for the left side and the middle; the right side is the mirror image.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import nnls

from odah_gen.body.free.landmarks import LANDMARKS
from odah_gen.body.free.makehuman import SKIN, MakeHuman
from odah_gen.body.model import JOINT_NAMES

PEOPLE = 160
CANDIDATES = 300
SUM_WEIGHT = 30.0
SMALLEST = 1e-4
TRUNK = ("pelvis", "spine1", "spine2", "spine3")
UPPER_TRUNK = ("neck", "left_collar")
EYEBALL = 72
LANDMARKS_OF = {
    "left_hip": ("asis", "psis"),
    "left_knee": ("lateral_epicondyle", "medial_epicondyle"),
    "left_ankle": ("lateral_malleolus", "medial_malleolus"),
    "left_elbow": ("lateral_elbow", "medial_elbow"),
}


def fit_regressor(
    source: MakeHuman,
    people: Float[np.ndarray, "people vertices 3"],
    joints: Float[np.ndarray, "people 55 3"],
    weights: Float[np.ndarray, "vertices 55"],
    parents: tuple[int, ...],
    generator: np.random.Generator,
) -> Float[np.ndarray, "55 body"]:
    """Fit all rows over the body's vertices; rows are non-negative and sum to 1."""
    chosen = generator.choice(len(people), min(len(people), PEOPLE), replace=False)
    body, joints = people[np.ix_(chosen, source.body)].astype(np.float64), joints[chosen]
    mirror = mirror_body(source)
    rows = np.zeros((len(JOINT_NAMES), body.shape[1]))
    for joint, name in enumerate(JOINT_NAMES):
        if name.startswith("right_"):
            continue
        around = candidates(source, name, body.mean(0), joints[:, joint].mean(0), weights, parents)
        some = generator.choice(around, min(len(around), CANDIDATES), replace=False)
        some = np.unique([*some, *(vertex for mark in LANDMARKS_OF.get(name, ()) for vertex in LANDMARKS[mark])])
        rows[joint, some] = convex_weights(body[:, some], joints[:, joint])
        if name.startswith("left_"):
            rows[JOINT_NAMES.index(name.replace("left", "right")), mirror] = rows[joint]
        else:
            rows[joint] = (rows[joint] + rows[joint, mirror]) / 2
    return rows


def mirror_body(source: MakeHuman) -> Int[np.ndarray, " body"]:
    """The mirror vertex of each vertex of the body, both numbered within the body."""
    number = np.zeros(len(source.vertices), int)
    number[source.body] = np.arange(len(source.body))
    return number[source.mirror[source.body]]


def convex_weights(
    points: Float[np.ndarray, "people candidates 3"], targets: Float[np.ndarray, "people 3"]
) -> Float[np.ndarray, " candidates"]:
    """Non-negative weights of sum 1 that bring the candidates' mean nearest to the targets."""
    origin = targets.mean(0)
    matrix = (points - origin).transpose(0, 2, 1).reshape(-1, points.shape[1])
    total = np.full((1, points.shape[1]), SUM_WEIGHT)
    weights, _ = nnls(np.vstack([matrix, total]), np.append((targets - origin).ravel(), SUM_WEIGHT), maxiter=4000)
    weights[weights < SMALLEST] = 0
    return weights / weights.sum()


def candidates(
    source: MakeHuman,
    name: str,
    body: Float[np.ndarray, "body 3"],
    center: Float[np.ndarray, "3"],
    weights: Float[np.ndarray, "vertices 55"],
    parents: tuple[int, ...],
) -> Int[np.ndarray, " candidates"]:
    """Vertices all around a joint; of the trunk's, those that neither arms nor breasts move."""
    if name == "left_eye":
        return np.arange(SKIN, SKIN + EYEBALL)
    skin = weights[source.body]
    level = np.abs(body[:, 1] - center[1])
    distance = np.linalg.norm(body - center, axis=1)
    joint = JOINT_NAMES.index(name)
    near = skin[:, joint] + (skin[:, parents[joint]] if joint else 0) > 0.02
    if name in TRUNK:
        fits = (level < 0.1) & still_trunk(source, skin, ("shoulder", "elbow"))
    elif name in UPPER_TRUNK:
        fits = (
            (distance < 0.2) & (body[:, 1] > center[1] - 0.1) & still_trunk(source, skin, ("shoulder", "jaw", "head"))
        )
    elif name == "left_hip":
        fits = near & (level < 0.11) & (distance < 0.22)
    else:
        fits = near & (distance < max(0.07, 2.2 * distance.min()))
    return np.flatnonzero(fits)


def still_trunk(
    source: MakeHuman, skin: Float[np.ndarray, "body 55"], movers: tuple[str, ...]
) -> Bool[np.ndarray, " body"]:
    """Which vertices neither the named joints nor the breast bones move."""
    columns = [joint for joint, name in enumerate(JOINT_NAMES) if name.split("_")[-1] in movers]
    breasts = [source.rig.index("breast.L"), source.rig.index("breast.R")]
    moved = skin[:, columns].sum(1) + source.rig.weights[source.body][:, breasts].sum(1)
    return moved < 0.05
