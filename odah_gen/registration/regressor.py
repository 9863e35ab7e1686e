"""The joint regressor: joint centres of the skeleton as sparse, non-negative, normalised sums of body vertices.

Rows sum to 1, so the regressor follows any rigid motion exactly, and a regressed centre lies inside the vertices that
carry it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array

from odah_gen.errors import InputError
from odah_gen.storage import read_npz, write_npz

JUDGED = ("bodies", "poses", "own", "alike")
"""Against what a regressor is judged, see JointRegressor.errors."""
ARRAYS = (
    "joint_names",
    "data",
    "indices",
    "indptr",
    "vertex_count",
    "body_model",
    "skeleton",
    "markers",
    *(f"{kind}_{figure}_mm" for kind in JUDGED for figure in ("mean", "p95")),
    "correction_covariance",
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
class JointErrors:
    """Mean and 95th percentile of each joint's error (mm); NaN where a joint has nothing to be compared with."""

    mean_mm: Float[np.ndarray, " joints"]
    p95_mm: Float[np.ndarray, " joints"]

    @classmethod
    def of(cls, gaps_m: Float[np.ndarray, "samples joints 3"]) -> "JointErrors":
        """The errors that the differences of two sets of joint centres (m) are."""
        errors_mm = 1000 * np.linalg.norm(gaps_m, axis=-1)
        return cls(errors_mm.mean(0), np.percentile(errors_mm, 95, axis=0))


@dataclass(frozen=True)
class JointRegressor:
    """Joint centres as weighted sums of vertices.

    Attributes:
        joint_names: the skeleton's joints, in the order of the model.
        weights: rows are joints, columns vertices; non-negative, rows sum to 1.
        keys: hashes of what it was trained for: body_model, skeleton, markers.
        errors: on samples that training did not see. "bodies": other bodies, against the skeleton; "poses": other poses
            of the same bodies, against the skeleton; "own": new bodies, against the body model's own joints;
            "alike": the same where both mean the same (odah_gen.registration.own_joints).
        correction_covariance: how the body fit corrects the bank's poses (rad²), see `prior_training`; None until the
            bank has been fitted, never in a file.
    """

    joint_names: tuple[str, ...]
    weights: csr_array
    keys: Mapping[str, str]
    errors: Mapping[str, JointErrors]
    correction_covariance: Float[np.ndarray, "turns turns"] | None = None

    @property
    def held_out_mean_mm(self) -> Float[np.ndarray, " joints"]:
        """Mean error of each joint on bodies that training did not see (mm)."""
        return self.errors["bodies"].mean_mm

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


def save_regressor(path: Path, regressor: JointRegressor) -> None:
    """Write a regressor as .npz: names, the weights as a CSR matrix, keys, errors, and the prior of the fit."""
    errors = {
        f"{kind}_{figure}": values for kind, found in regressor.errors.items() for figure, values in vars(found).items()
    }
    write_npz(
        path,
        joint_names=np.array(regressor.joint_names),
        data=regressor.weights.data,
        indices=regressor.weights.indices.astype(np.int32),
        indptr=regressor.weights.indptr.astype(np.int32),
        vertex_count=np.int32(regressor.weights.shape[1]),
        **errors,
        correction_covariance=regressor.correction_covariance,
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
        errors={kind: JointErrors(arrays[f"{kind}_mean_mm"], arrays[f"{kind}_p95_mm"]) for kind in JUDGED},
        correction_covariance=arrays["correction_covariance"],
    )
