"""Assembling the free body of one gender as the arrays of a file in SMPL-X's schema."""

import zlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from odah_gen.body.free.components import principal_components, rest_people, rest_person
from odah_gen.body.free.correctives import fit_correctives
from odah_gen.body.free.extras import expression_directions, face_landmarks, hand_arrays
from odah_gen.body.free.landmarks import vertex_order
from odah_gen.body.free.makehuman import MakeHuman
from odah_gen.body.free.phenotypes import average_adult, target_coefficients
from odah_gen.body.free.regression import fit_regressor
from odah_gen.body.free.smoothing import smooth_patch
from odah_gen.body.free.weights import joint_weights
from odah_gen.body.model import JOINT_NAMES, SHAPE_COLUMNS

PARTS = ("body", "helper-l-eye", "helper-r-eye")
EXPRESSION_COLUMNS = 100
# Steps (m) to which displacements are rounded: invisible, and the files shrink.
SHAPE_STEP, POSE_STEP = 2.0**-17, 2.0**-16
WEIGHT_STEP = 2.0**-14
HAND_CHAINS = ("index", "middle", "pinky", "ring", "thumb")
PARENT_OF = {
    "left_hip": "pelvis", "right_hip": "pelvis", "spine1": "pelvis", "left_knee": "left_hip",
    "right_knee": "right_hip", "spine2": "spine1", "left_ankle": "left_knee", "right_ankle": "right_knee",
    "spine3": "spine2", "left_foot": "left_ankle", "right_foot": "right_ankle", "neck": "spine3",
    "left_collar": "spine3", "right_collar": "spine3", "head": "neck", "left_shoulder": "left_collar",
    "right_shoulder": "right_collar", "left_elbow": "left_shoulder", "right_elbow": "right_shoulder",
    "left_wrist": "left_elbow", "right_wrist": "right_elbow", "jaw": "head", "left_eye": "head", "right_eye": "head",
}  # fmt: skip


@dataclass(frozen=True)
class Common:
    """What all genders share, fixed on the average adult.

    Attributes:
        order: the body vertex at each place of the file.
        place: the place in the file of each MakeHuman vertex, -1 where it has none.
        weights: skinning weights of all MakeHuman vertices.
    """

    source: MakeHuman
    parents: tuple[int, ...]
    order: Int[np.ndarray, " body"]
    place: Int[np.ndarray, " vertices"]
    weights: Float[np.ndarray, "vertices 55"]
    faces: Int[np.ndarray, "faces 3"]
    landmarks: dict[str, np.ndarray]


def prepare(source: MakeHuman) -> Common:
    """Fix numbering, weights, triangles and facial landmarks."""
    order = source.body[vertex_order(len(source.body))]
    place = np.full(len(source.vertices), -1)
    place[order] = np.arange(len(order))
    vertices, joints = rest_person(
        source, smooth_patch(source.groups["body"].quads), target_coefficients(source, average_adult())[0]
    )
    faces = triangles(place[np.concatenate([source.groups[part].quads for part in PARTS])])
    eyes = joints[[JOINT_NAMES.index("left_eye"), JOINT_NAMES.index("right_eye")]]
    face, barycentric = face_landmarks(vertices[order].astype(np.float64), faces, eyes)
    return Common(
        source=source,
        parents=joint_parents(),
        order=order,
        place=place,
        weights=round_weights(joint_weights(source, vertices, joints)),
        faces=faces,
        landmarks={"lmk_faces_idx": face.astype(np.int64), "lmk_bary_coords": barycentric},
    )


def build_body(common: Common, gender: str, people: int) -> dict[str, np.ndarray]:
    """The arrays of one gender's file, built from so many random people (seeded by the gender's name)."""
    source, order = common.source, common.order
    generator = np.random.default_rng(zlib.crc32(gender.encode()))
    vertices, joints = rest_people(source, gender, people, generator)
    regressor = fit_regressor(source, vertices, joints, common.weights, common.parents, generator)
    regressor = regressor[:, vertex_order(len(order))]
    mean, components = principal_components(source, vertices)
    template = mean[order].astype(np.float64)
    weights = common.weights[order]
    posedirs = fit_correctives(template, regressor @ template, weights, common.parents, generator)
    expressions = expression_directions(source.expressions, order)
    return {
        "v_template": template.astype(np.float32),
        "shapedirs": pack_directions(components[order], expressions),
        "posedirs": rounded(posedirs, POSE_STEP),
        "J_regressor": regressor.astype(np.float32),
        "weights": weights.astype(np.float32),
        "kintree_table": np.array([common.parents, range(len(common.parents))], np.int64),
        "f": common.faces.astype(np.uint32),
        **texture_arrays(common),
        **common.landmarks,
        **hand_arrays(),
        **tights_arrays(common, mean, components),
    }


def joint_parents() -> tuple[int, ...]:
    """The parent of each joint; a finger is a chain of three on the wrist."""
    parents = dict(PARENT_OF)
    for side in ("left", "right"):
        for finger in HAND_CHAINS:
            bones = [f"{side}_wrist", *(f"{side}_{finger}{i}" for i in (1, 2, 3))]
            parents |= dict(zip(bones[1:], bones))
    return tuple(JOINT_NAMES.index(parents[name]) if name in parents else -1 for name in JOINT_NAMES)


def triangles(quads: Int[np.ndarray, "quads 4"]) -> Int[np.ndarray, "triangles 3"]:
    """Both triangles of each quad: all first ones, then all second ones."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def rounded(values: np.ndarray, step: float) -> np.ndarray:
    """Values rounded to a step, in single precision."""
    return (np.round(values / step) * step).astype(np.float32)


def round_weights(weights: Float[np.ndarray, "vertices 55"]) -> Float[np.ndarray, "vertices 55"]:
    """Weights rounded to a step; the largest of each vertex takes the rest, so that rows still sum to 1."""
    stepped = np.round(weights / WEIGHT_STEP) * WEIGHT_STEP
    rows = np.arange(len(stepped))
    largest = stepped.argmax(1)
    stepped[rows, largest] += 1 - stepped.sum(1)
    return stepped


def pack_directions(
    components: Float[np.ndarray, "body 3 components"], expressions: Float[np.ndarray, "body 3 10"]
) -> Float[np.ndarray, "body 3 400"]:
    """Shape in the first 300 columns and expression in the other 100, as smplx expects; the rest is zero."""
    packed = np.zeros((len(components), 3, SHAPE_COLUMNS + EXPRESSION_COLUMNS), np.float32)
    packed[:, :, : components.shape[2]] = rounded(components, SHAPE_STEP)
    packed[:, :, SHAPE_COLUMNS : SHAPE_COLUMNS + expressions.shape[2]] = rounded(expressions, SHAPE_STEP)
    return packed


def texture_arrays(common: Common) -> dict[str, np.ndarray]:
    """Texture coordinates with their triangles, and the quads of body and texture for subdivision."""
    groups = [common.source.groups[part] for part in PARTS]
    used, uv_quads = np.unique(np.concatenate([group.uv_quads for group in groups]), return_inverse=True)
    uv_quads = uv_quads.reshape(-1, 4)
    return {
        "vt": common.source.uv[used].astype(np.float32),
        "ft": triangles(uv_quads).astype(np.uint32),
        "quads": common.place[np.concatenate([group.quads for group in groups])].astype(np.uint32),
        "quads_uv": uv_quads.astype(np.uint32),
    }


def tights_arrays(
    common: Common, mean: Float[np.ndarray, "vertices 3"], components: Float[np.ndarray, "vertices 3 components"]
) -> dict[str, np.ndarray]:
    """The suit a few millimetres outside the skin, from which clothes are cut: same shape and joints as the body."""
    used, quads = np.unique(common.source.groups["helper-tights"].quads, return_inverse=True)
    return {
        "tights_v": mean[used].astype(np.float32),
        "tights_shapedirs": rounded(components[used], SHAPE_STEP),
        "tights_weights": common.weights[used].astype(np.float32),
        "tights_quads": quads.reshape(-1, 4).astype(np.uint32),
    }
