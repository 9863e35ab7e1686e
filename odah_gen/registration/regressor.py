"""The joint regressor: joint centres of the skeleton as sparse, non-negative, normalised sums of body vertices.

Rows sum to 1, so the regressor follows any rigid motion exactly, and a regressed centre lies inside the vertices that
carry it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import nnls
from scipy.sparse import csr_array

from odah_gen.errors import InputError
from odah_gen.storage import read_npz, write_npz

SUM_WEIGHT = 100.0
"""Weight (m) of the row that asks for a sum of 1, against residuals in metres."""
RIDGE = 0.002
"""Penalty (m) on the weights, which spreads a centre over several vertices; below the error of the targets."""
SMALLEST_WEIGHT = 1e-4
ARRAYS = (
    "joint_names",
    "data",
    "indices",
    "indptr",
    "vertex_count",
    "body_model",
    "skeleton",
    "markers",
    "held_out_mean_mm",
    "held_out_p95_mm",
)


@dataclass(frozen=True)
class Ring:
    """Where the vertices of a joint may come from.

    Attributes:
        owners: mesh joints; a candidate hangs on them by at least half of its skinning weight.
        radius_m: greatest mean distance of a candidate from the joint's centre.
    """

    owners: tuple[str, ...]
    radius_m: float


TRUNK_RINGS = {
    "ground_pelvis": Ring(("pelvis", "left_hip", "right_hip", "spine1"), 0.20),
    "back": Ring(("pelvis", "spine1", "spine2"), 0.20),
}
SIDE_RINGS = {
    "hip": Ring(("pelvis", "{side}_hip", "spine1"), 0.18),
    "walker_knee": Ring(("{side}_hip", "{side}_knee"), 0.12),
    "patellofemoral": Ring(("{side}_hip", "{side}_knee"), 0.12),
    "ankle": Ring(("{side}_knee", "{side}_ankle"), 0.10),
    "subtalar": Ring(("{side}_knee", "{side}_ankle"), 0.10),
    "mtp": Ring(("{side}_ankle", "{side}_foot"), 0.09),
    "acromial": Ring(("spine3", "{side}_collar", "{side}_shoulder"), 0.15),
    "elbow": Ring(("{side}_shoulder", "{side}_elbow"), 0.11),
    "radioulnar": Ring(("{side}_shoulder", "{side}_elbow"), 0.11),
    "radius_hand": Ring(("{side}_elbow", "{side}_wrist"), 0.10),
}
"""Rings are wide at hip, back and pelvis: for the hip, 11 cm instead of 17 doubles the error."""


@dataclass(frozen=True)
class JointRegressor:
    """Joint centres as weighted sums of vertices.

    Attributes:
        joint_names: the skeleton's joints, in the order of the model.
        weights: rows are joints, columns vertices; non-negative, rows sum to 1.
        keys: hashes of what it was trained for: body_model, skeleton, markers.
        held_out_mean_mm: mean error of each joint on bodies that training did not see.
        held_out_p95_mm: 95th percentile of the same.
    """

    joint_names: tuple[str, ...]
    weights: csr_array
    keys: Mapping[str, str]
    held_out_mean_mm: Float[np.ndarray, " joints"]
    held_out_p95_mm: Float[np.ndarray, " joints"]

    @property
    def vertex_ids(self) -> Int[np.ndarray, " used"]:
        """The vertices with a weight, ascending."""
        return np.unique(self.weights.indices)

    def on_used_vertices(self) -> Float[np.ndarray, "joints used"]:
        """The weights on `vertex_ids` alone."""
        return self.weights[:, self.vertex_ids].toarray()

    def apply(self, vertices: Float[np.ndarray, "*frames vertices 3"]) -> Float[np.ndarray, "*frames joints 3"]:
        """Joint centres of meshes, in the unit and frame of the vertices.

        Raises:
            InputError: the meshes have another number of vertices than the regressor.
        """
        self.check(vertices.shape[-2])
        return self.combine(np.asarray(vertices)[..., self.vertex_ids, :])

    def combine(self, used: Float[np.ndarray, "*frames used 3"]) -> Float[np.ndarray, "*frames joints 3"]:
        """Joint centres from the vertices `vertex_ids` alone."""
        return np.einsum("jv,...vc->...jc", self.on_used_vertices(), used)

    def check(self, vertex_count: int) -> None:
        """Refuse a body of another topology.

        Raises:
            InputError: the body has another number of vertices.
        """
        if vertex_count != self.weights.shape[1]:
            raise InputError(
                f"the joint regressor is for {self.weights.shape[1]} vertices; the body has {vertex_count}. "
                "Train one for this body model: odah-gen regressor train."
            )


def ring_of(joint: str) -> Ring:
    """The ring of a joint of the skeleton, by its name.

    Raises:
        InputError: the joint has no ring.
    """
    if joint in TRUNK_RINGS:
        return TRUNK_RINGS[joint]
    stem, _, side = joint.rpartition("_")
    if stem not in SIDE_RINGS or side not in ("r", "l"):
        known = ", ".join([*TRUNK_RINGS, *(f"{name}_r" for name in SIDE_RINGS)])
        raise InputError(f"skeleton: joint {joint!r} has no ring of vertices; the known ones are {known}, and _l.")
    ring = SIDE_RINGS[stem]
    word = {"r": "right", "l": "left"}[side]
    return Ring(tuple(owner.format(side=word) for owner in ring.owners), ring.radius_m)


def candidate_vertices(
    vertices: Float[np.ndarray, "samples vertices 3"],
    center: Float[np.ndarray, "samples 3"],
    owner_weights: Float[np.ndarray, " vertices"],
    radius_m: float,
    count: int,
    generator: np.random.Generator,
) -> Int[np.ndarray, " candidates"]:
    """At most `count` vertices of a ring, drawn evenly from all of it: the nearest alone would lie on one side.

    Args:
        vertices: meshes in many shapes and poses (m).
        center: the joint's centre in each (m).
        owner_weights: skinning weight of each vertex on the ring's joints.
        radius_m: greatest mean distance from the centre.
        count: most candidates.
        generator: for the draw.
    """
    distance = np.linalg.norm(vertices - center[:, None], axis=-1).mean(0)
    ring = np.flatnonzero((distance < radius_m) & (owner_weights >= 0.5))
    return ring if len(ring) <= count else np.sort(generator.choice(ring, count, replace=False))


def solve_row(
    vertices: Float[np.ndarray, "samples candidates 3"], center: Float[np.ndarray, "samples 3"]
) -> Float[np.ndarray, " candidates"]:
    """Non-negative weights with sum 1 that carry the vertices to the centre, by least squares (Lawson and Hanson).

    Everything is taken relative to the mean candidate of its sample, which changes nothing when the weights sum to 1
    and keeps the problem well scaled.
    """
    origin = vertices.mean(1)
    samples, candidates = vertices.shape[:2]
    scale = 1 / np.sqrt(3 * samples)
    rows = (vertices - origin[:, None]).transpose(0, 2, 1).reshape(-1, candidates) * scale
    system = np.concatenate([rows, np.full((1, candidates), SUM_WEIGHT), RIDGE * np.eye(candidates)])
    right = np.concatenate([(center - origin).ravel() * scale, [SUM_WEIGHT], np.zeros(candidates)])
    weights, _ = nnls(system, right)
    weights[weights < SMALLEST_WEIGHT] = 0.0
    return weights / weights.sum()


def train_weights(
    vertices: Float[np.ndarray, "samples vertices 3"],
    centers: Float[np.ndarray, "samples joints 3"],
    candidates: Sequence[Int[np.ndarray, " candidates"]],
) -> csr_array:
    """Solve every joint on its candidates; the result is sparse, [joints, vertices]."""
    rows = [solve_row(vertices[:, ids], centers[:, joint]) for joint, ids in enumerate(candidates)]
    joints = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    dense = csr_array(
        (np.concatenate(rows), (joints, np.concatenate(candidates))), shape=(len(rows), vertices.shape[1])
    )
    dense.eliminate_zeros()
    dense.sort_indices()
    return dense


def held_out_errors_mm(
    vertices: Float[np.ndarray, "samples vertices 3"],
    centers: Float[np.ndarray, "samples joints 3"],
    candidates: Sequence[Int[np.ndarray, " candidates"]],
    bodies: Int[np.ndarray, " samples"],
) -> Float[np.ndarray, "samples joints"]:
    """Error of every sample when its body is left out of the training (mm)."""
    errors = np.empty(centers.shape[:2])
    for body in np.unique(bodies):
        out = bodies == body
        weights = train_weights(vertices[~out], centers[~out], candidates)
        used = np.unique(weights.indices)
        found = np.einsum("jv,svc->sjc", weights[:, used].toarray(), vertices[out][:, used])
        errors[out] = 1000 * np.linalg.norm(found - centers[out], axis=-1)
    return errors


def save_regressor(path: Path, regressor: JointRegressor) -> None:
    """Write a regressor as .npz: names, the weights as a CSR matrix, keys and held-out errors."""
    write_npz(
        path,
        joint_names=np.array(regressor.joint_names),
        data=regressor.weights.data,
        indices=regressor.weights.indices.astype(np.int32),
        indptr=regressor.weights.indptr.astype(np.int32),
        vertex_count=np.int32(regressor.weights.shape[1]),
        held_out_mean_mm=regressor.held_out_mean_mm,
        held_out_p95_mm=regressor.held_out_p95_mm,
        **{name: np.array(key) for name, key in regressor.keys.items()},
    )


def load_regressor(path: Path) -> JointRegressor:
    """Read a regressor.

    Raises:
        InputError: the file is missing, lacks an array, or its rows are no weights.
    """
    arrays = read_npz(path, required=ARRAYS)
    names = tuple(str(name) for name in arrays["joint_names"])
    weights = csr_array(
        (arrays["data"], arrays["indices"], arrays["indptr"]), shape=(len(names), int(arrays["vertex_count"]))
    )
    if (arrays["data"] < 0).any() or not np.allclose(weights.sum(1), 1.0, atol=1e-6):
        raise InputError(
            f"{path}: its rows are not non-negative weights that sum to 1. Train it again: odah-gen regressor train."
        )
    return JointRegressor(
        joint_names=names,
        weights=weights,
        keys={name: str(arrays[name]) for name in ("body_model", "skeleton", "markers")},
        held_out_mean_mm=arrays["held_out_mean_mm"],
        held_out_p95_mm=arrays["held_out_p95_mm"],
    )
