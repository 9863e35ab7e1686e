"""Body models in SMPL-X's .npz schema: the free body of assets/, or a user's own SMPL-X."""

import functools
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from odah_gen.body.files import body_file
from odah_gen.config import GENDERS, Body
from odah_gen.errors import InputError
from odah_gen.storage import missing, read_array

FINGERS = ("index", "middle", "pinky", "ring", "thumb")
# fmt: off
JOINT_NAMES = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "jaw", "left_eye", "right_eye",
    *(f"{side}_{finger}{i}" for side in ("left", "right") for finger in FINGERS for i in (1, 2, 3)),
)
# fmt: on
FEET = (("left_ankle", "left_foot"), ("right_ankle", "right_foot"))
"""Mesh joints of each foot: they carry the hind foot and the toes."""
TOPOLOGIES = {13_524: "free", 10_475: "smplx"}
SHAPE_COLUMNS = 300
SCHEMA = {
    "v_template": "[V, 3]",
    "shapedirs": "[V, 3, S]",
    "posedirs": "[V, 3, 486]",
    "J_regressor": "[55, V]",
    "weights": "[V, 55]",
    "kintree_table": "[2, 55]",
    "f": "[F, 3]",
}


@dataclass(frozen=True)
class BodyModel:
    """A skinned body with 55 joints; metres, Y up, facing +Z, left arm on +X, joint frames parallel at rest.

    Attributes:
        name: "free" or "smplx" by the number of vertices, otherwise the file's stem.
        gender: "female", "male" or "neutral", from the file's name.
        path: the file that was read.
        v_template: mean shape at rest.
        shapedirs: displacement per unit of each shape coefficient; trailing zero columns are left out.
        expressions: the same for facial expression; may have no columns.
        posedirs: correctives, linear in the rotation matrices of joints 1 to 54 minus identity.
        joint_regressor: joints at rest as weighted sums of vertices; rows sum to 1.
        weights: skinning weights; rows sum to 1.
        parents: parent of each joint, -1 for the pelvis; a parent comes before its children.
        faces: triangles, seen counter-clockwise from outside.
    """

    name: str
    gender: str
    path: Path
    v_template: Float[Tensor, "vertices 3"]
    shapedirs: Float[Tensor, "vertices 3 shape"]
    expressions: Float[Tensor, "vertices 3 expression"]
    posedirs: Float[Tensor, "vertices 3 486"]
    joint_regressor: Float[Tensor, "55 vertices"]
    weights: Float[Tensor, "vertices 55"]
    parents: tuple[int, ...]
    faces: Int[np.ndarray, "faces 3"]

    @property
    def num_betas(self) -> int:
        """How many shape coefficients the file has."""
        return self.shapedirs.shape[2]

    @property
    def dtype(self) -> torch.dtype:
        """The type of every floating-point array."""
        return self.v_template.dtype

    @functools.cached_property
    def joint_template(self) -> Float[Tensor, "55 3"]:
        """Joints of the mean shape at rest."""
        return self.joint_regressor @ self.v_template

    @functools.cached_property
    def joint_shapedirs(self) -> Float[Tensor, "55 3 shape"]:
        """Displacement of the joints per unit of each shape coefficient."""
        return torch.einsum("jv,vcs->jcs", self.joint_regressor, self.shapedirs)

    @functools.cached_property
    def joint_expressions(self) -> Float[Tensor, "55 3 expression"]:
        """Displacement of the joints per unit of each expression coefficient."""
        return torch.einsum("jv,vce->jce", self.joint_regressor, self.expressions)

    def vertices_of(self, joints: Sequence[str]) -> Int[np.ndarray, " some"]:
        """The vertices that follow one of the named joints more than any other, ascending."""
        wanted = [JOINT_NAMES.index(name) for name in joints]
        return np.flatnonzero(np.isin(self.weights.argmax(dim=1).numpy(), wanted))


def find_body_model(body: Body, gender: str, dtype: torch.dtype = torch.float32) -> BodyModel:
    """Load the body model for a gender: the free one, or the user's from `body.model_dir`.

    A folder of the user is searched for SMPLX_<GENDER>.npz, then for SMPLX_NEUTRAL.npz, directly or in smplx/.

    Raises:
        InputError: the gender is unknown, or the folder has neither file.
    """
    return load_body_model(body_file(body, gender), dtype)


def load_body_model(path: Path, dtype: torch.dtype = torch.float32) -> BodyModel:
    """Read a body model in SMPL-X's .npz schema; arrays of Python objects in the file are never touched.

    A file is read once per process, type and time of change; treat the result as constant.

    Raises:
        InputError: the file is missing or unreadable, lacks an array, or has one of a wrong shape.
    """
    path = Path(path)
    if not path.is_file():
        raise missing(path)
    return read_once(path, dtype, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=4)
def read_once(path: Path, dtype: torch.dtype, changed_ns: int) -> BodyModel:
    """Read, check and convert one file; `changed_ns` only keeps a changed file from being taken for the old one."""
    arrays = read_schema(path)
    check_shapes(path, arrays)
    shape, expressions = split_directions(arrays["shapedirs"])
    parents = read_parents(path, arrays["kintree_table"])
    numbers = {
        "v_template": arrays["v_template"],
        "shapedirs": shape,
        "expressions": expressions,
        "posedirs": arrays["posedirs"],
        "joint_regressor": arrays["J_regressor"],
        "weights": arrays["weights"],
    }
    return BodyModel(
        name=TOPOLOGIES.get(len(arrays["v_template"]), path.stem),
        gender=gender_of(path),
        path=path,
        parents=parents,
        faces=arrays["f"].astype(np.int64),
        **{name: torch.as_tensor(np.ascontiguousarray(array), dtype=dtype) for name, array in numbers.items()},
    )


def read_schema(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of the schema, and no others."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            absent = [name for name in SCHEMA if name not in archive.files]
            if absent:
                raise InputError(
                    f"{path}: lacks {', '.join(absent)}; a body model in SMPL-X's .npz schema has "
                    f"{', '.join(SCHEMA)}. Use an SMPL-X model file (not SMPL or SMPL-H)."
                )
            return {name: read_array(path, archive, name) for name in SCHEMA}
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise InputError(f"{path}: is not a readable .npz file ({error}). Download or make it again.") from error


def check_shapes(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Compare every array's shape with the schema, V and F being free."""
    vertices = arrays["v_template"].shape[0] if arrays["v_template"].ndim else 0
    for name, schema in SCHEMA.items():
        shape = arrays[name].shape
        wanted = [vertices if part == "V" else part for part in schema.strip("[]").split(", ")]
        agrees = len(shape) == len(wanted) and all(
            str(size) == str(part) or part in ("S", "F") for size, part in zip(shape, wanted)
        )
        if not agrees:
            raise InputError(
                f"{path}: {name} has shape {list(shape)}; {schema} with V = {vertices} was expected. "
                "Use an SMPL-X model file (SMPL and SMPL-H have fewer joints)."
            )
        if not np.isfinite(arrays[name]).all():
            raise InputError(f"{path}: {name} holds NaN or infinite values. Download or make the file again.")
    if arrays["f"].size and arrays["f"].max() >= vertices:
        raise InputError(
            f"{path}: f names vertex {arrays['f'].max()}; the model has {vertices} vertices. Download or make the file again."
        )


def split_directions(directions: Float[np.ndarray, "vertices 3 columns"]) -> tuple[np.ndarray, np.ndarray]:
    """Shape and expression columns: 300 and the rest, or 10 and 10 in the small files, as in smplx.

    Trailing shape columns that are zero everywhere carry no information and are dropped.
    """
    columns = directions.shape[2]
    split = SHAPE_COLUMNS if columns >= SHAPE_COLUMNS else min(columns, 10)
    shape, expressions = directions[:, :, :split], directions[:, :, split:]
    return trim(shape), trim(expressions)


def trim(directions: Float[np.ndarray, "vertices 3 columns"]) -> Float[np.ndarray, "vertices 3 fewer"]:
    """Drop trailing zero columns."""
    used = np.flatnonzero(directions.any(axis=(0, 1)))
    return directions[:, :, : used[-1] + 1 if len(used) else 0]


def read_parents(path: Path, table: Int[np.ndarray, "2 55"]) -> tuple[int, ...]:
    """The parent of each joint; the root's entry, whatever it is in the file, becomes -1."""
    parents = (-1, *(int(parent) for parent in table[0, 1:]))
    if any(not 0 <= parent < joint for joint, parent in enumerate(parents) if joint):
        raise InputError(f"{path}: kintree_table has a joint before its parent. Download or make the file again.")
    return parents


def gender_of(path: Path) -> str:
    """The gender in a file name such as SMPLX_FEMALE.npz; neutral when there is none."""
    words = path.stem.lower().replace("-", "_").split("_")
    return next((gender for gender in GENDERS if gender in words), "neutral")
