"""T-shirt and trousers, cut to the subject's shape from the suit that the body model wears.

The suit of the free body is its tights mesh, a few millimetres outside the skin; of any other body model it is the
skin itself without head, hands and feet. Garments move with the body: skinning weights and pose correctives are
taken from the skin below them.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
import torch
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.body.skinning import shape_body
from odah_gen.errors import InputError
from odah_gen.geometry import vertex_normals
from odah_gen.scene.cutting import compact, cut, neighbour_mean, split_quads, subdivide_quads
from odah_gen.storage import write_npz

HIDE_DEPTH_M = 0.025
"""Skin farther inside a garment than this is not drawn, so it cannot poke through."""
SHAPE_STEPS = 30
WEIGHT_STEPS = 8
LEG_RELEASE = 0.3
FEWEST_FACES = 100
NECK_HALF_WIDTH_M = 0.085
SHOULDER_TOP_M = 0.13
HEM_BELOW_HIP_M = 0.01
JOINTS_PER_VERTEX = 6
BODY_NEIGHBOURS = 4
TIGHTS = ("tights_v", "tights_shapedirs", "tights_weights", "tights_quads")
BARE_PARTS = ("head", "neck", "jaw", "eye", "wrist", "index", "middle", "pinky", "ring", "thumb", "foot")
LEG_JOINTS = tuple(JOINT_NAMES.index(f"{side}_{part}") for side in ("left", "right") for part in ("hip", "knee"))


@dataclass(frozen=True)
class RestBody:
    """A subject's body at rest: metres, model axes (Y up, facing +Z, left arm on +X)."""

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    weights: Float[np.ndarray, "vertices 55"]
    joints: Float[np.ndarray, "55 3"]

    def joint(self, name: str) -> Float[np.ndarray, "3"]:
        """Centre of a joint at rest."""
        return self.joints[JOINT_NAMES.index(name)]


@dataclass(frozen=True)
class Suit:
    """A close-fitting shell to cut from; `values` are position [3], then skinning weights [55]."""

    values: Float[np.ndarray, "vertices 58"]
    faces: Int[np.ndarray, "faces 3"]


@dataclass(frozen=True)
class Garment:
    """A garment at rest on one subject, and what moves it.

    Attributes:
        vertices: metres, model axes.
        faces: triangles, seen counter-clockwise from outside.
        joints, weights: the strongest joints of each vertex and their skinning weights (rows sum to 1).
        body_ids, body_weights: skin vertices below, whose pose correctives the vertex takes (rows sum to 1).
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    joints: Int[np.ndarray, "vertices 6"]
    weights: Float[np.ndarray, "vertices 6"]
    body_ids: Int[np.ndarray, "vertices 4"]
    body_weights: Float[np.ndarray, "vertices 4"]


@dataclass(frozen=True)
class Clothes:
    """What a subject wears, by name, and which faces of the skin it covers for good."""

    garments: dict[str, Garment]
    hidden_faces: Bool[np.ndarray, " faces"]


Thickness = Callable[[RestBody, np.ndarray], np.ndarray]
"""Distance (m) of a garment from the suit at points [N, 3] at rest."""


def dress(model: BodyModel, betas: Float[np.ndarray, " betas"]) -> Clothes:
    """Cut a T-shirt and trousers for a subject.

    Raises:
        InputError: the body model's shape leaves nothing of a garment, so its vertices are not where SMPL-X's are.
    """
    body = rest_body(model, betas)
    suit = tights_suit(model, betas) or skin_suit(body)
    shirt = sew(suit, body, shirt_field(body, suit.values[:, :3]), shirt_thickness, model.path)
    trousers = sew(suit, body, trousers_field(body, suit.values[:, :3]), trousers_thickness, model.path)
    covered = np.maximum(shirt_field(body, body.vertices), trousers_field(body, body.vertices)) > HIDE_DEPTH_M
    return Clothes({"upper": free_from_legs(shirt), "lower": tuck_in(trousers, body)}, covered[body.faces].all(1))


def rest_body(model: BodyModel, betas: Float[np.ndarray, " betas"]) -> RestBody:
    """The subject's body at rest as plain arrays."""
    shaped = shape_body(model, torch.as_tensor(np.asarray(betas)))
    numbers = (shaped.vertices, model.weights, shaped.joints)
    vertices, weights, joints = (tensor.numpy().astype(np.float64) for tensor in numbers)
    return RestBody(vertices, model.faces, weights, joints)


def tights_suit(model: BodyModel, betas: Float[np.ndarray, " betas"]) -> Suit | None:
    """The tights that come with the free body, in the subject's shape; None for a body model without them."""
    with np.load(model.path, allow_pickle=False) as archive:
        if any(name not in archive.files for name in TIGHTS):
            return None
        vertices, shapedirs, weights, quads = (archive[name] for name in TIGHTS)
    used = min(len(betas), shapedirs.shape[2])
    shaped = vertices + shapedirs[:, :, :used] @ np.asarray(betas)[:used]
    values, fine = subdivide_quads(np.concatenate([shaped, weights], 1).astype(np.float64), quads.astype(np.int64))
    return Suit(values, split_quads(fine))


def skin_suit(body: RestBody) -> Suit:
    """The skin itself without head, hands and feet."""
    bare = [i for i, name in enumerate(JOINT_NAMES) if any(part in name for part in BARE_PARTS)]
    keep = body.weights[:, bare].sum(1) < 0.5
    values, faces = compact(np.concatenate([body.vertices, body.weights], 1), body.faces[keep[body.faces].all(1)])
    return Suit(values, faces)


def shirt_field(body: RestBody, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, " points"]:
    """Distance (m) inside a T-shirt's borders on the rest pose: sleeve ends, hem and neckline; negative outside."""
    shoulder, elbow, neck = body.joint("left_shoulder"), body.joint("left_elbow"), body.joint("neck")
    outward = np.abs(points[:, 0])
    sleeve = shoulder[0] + 0.55 * (elbow[0] - shoulder[0]) - outward
    hem = points[:, 1] - (body.joint("left_hip")[1] - HEM_BELOW_HIP_M)
    # The neckline is a plane that slopes down to the front, cut off at both sides of the neck.
    plane = neck[1] - 0.005 + 0.35 * np.clip(neck[2] - points[:, 2], -0.1, 0.1) - points[:, 1]
    beside = np.minimum(outward - NECK_HALF_WIDTH_M, plane + 0.05)
    neckline = np.where(outward < SHOULDER_TOP_M, np.maximum(plane, beside), 1.0)
    return np.minimum.reduce([sleeve, hem, neckline])


def trousers_field(body: RestBody, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, " points"]:
    """Distance (m) inside the trousers' borders on the rest pose: waist and leg ends; negative outside."""
    shoulder, elbow = body.joint("left_shoulder"), body.joint("left_elbow")
    leg_end = points[:, 1] - (body.joint("left_ankle")[1] + 0.035)
    waist = body.joint("pelvis")[1] + 0.035 - points[:, 1]
    on_arm = np.abs(points[:, 0]) > (shoulder[0] + elbow[0]) / 2
    return np.where(on_arm, -1.0, np.minimum(waist, leg_end))


def shirt_thickness(body: RestBody, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, " points"]:
    """Distance (m) of a T-shirt from the suit: loose below the chest and at the sleeves."""
    shoulder, chest = body.joint("left_shoulder"), body.joint("spine3")
    below = np.clip((chest[1] - points[:, 1]) / 0.4, 0, 1) * (np.abs(points[:, 0]) < 0.25)
    sleeve = np.clip((np.abs(points[:, 0]) - shoulder[0]) / 0.15, 0, 1)
    return 0.014 + 0.012 * below + 0.012 * sleeve


def trousers_thickness(body: RestBody, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, " points"]:
    """Distance (m) of the trousers from the suit: wider down the leg, widest above the ankle."""
    hip, ankle = body.joint("left_hip"), body.joint("left_ankle")
    down = np.clip((hip[1] - points[:, 1]) / (hip[1] - ankle[1]), 0, 1)
    return 0.007 + 0.012 * down + 0.014 * np.exp(-(((down - 0.85) / 0.18) ** 2))


def sew(suit: Suit, body: RestBody, field: Float[np.ndarray, " vertices"], thickness: Thickness, path: Path) -> Garment:
    """Cut a garment from the suit, smooth it, hold it off the skin and tie it to the skin below."""
    values, faces = cut(suit.values, suit.faces, field)
    if len(faces) < FEWEST_FACES:
        raise InputError(f"{path}: no clothes can be cut from this body. Use a model with SMPL-X's rest pose and axes.")
    mean = neighbour_mean(len(values), faces)
    base, normals = values[:, :3], vertex_normals(values[:, :3], faces)
    ids, shares = skin_below(body, base, normals)
    vertices = hold_off(base, normals, mean, thickness(body, base))
    own = smooth(values[:, 3:], mean, WEIGHT_STEPS)
    skin = np.einsum("nk,nkj->nj", shares, body.weights[ids])
    joints, weights = strongest_joints(smooth((own + skin) / 2, mean, 2))
    return Garment(vertices, faces, joints, weights, ids, shares)


def skin_below(
    body: RestBody, points: Float[np.ndarray, "points 3"], normals: Float[np.ndarray, "points 3"]
) -> tuple[Int[np.ndarray, "points 4"], Float[np.ndarray, "points 4"]]:
    """The nearest skin vertices and their shares by inverse distance.

    Skin that faces another way counts as far: at the crotch the nearest skin may be the other leg.
    """
    skin_normals = vertex_normals(body.vertices, body.faces)
    distance, ids = cKDTree(body.vertices).query(points, k=4 * BODY_NEIGHBOURS)
    agreement = np.einsum("nkc,nc->nk", skin_normals[ids], normals)
    distance = distance + np.where(agreement > 0.2, 0.0, 1.0)
    best = np.argsort(distance, axis=1, kind="stable")[:, :BODY_NEIGHBOURS]
    shares = 1 / (np.take_along_axis(distance, best, 1) + 1e-3)
    return np.take_along_axis(ids, best, 1), shares / shares.sum(1, keepdims=True)


def hold_off(
    base: Float[np.ndarray, "vertices 3"],
    normals: Float[np.ndarray, "vertices 3"],
    mean: sparse.csr_matrix,
    least: Float[np.ndarray, " vertices"],
) -> Float[np.ndarray, "vertices 3"]:
    """Smooth cloth over the hollows of `base` and keep it at least `least` metres off along the normals."""
    vertices = push_out(smooth(base, mean, SHAPE_STEPS, 0.6), base, normals, least)
    for _ in range(3):
        vertices = push_out(smooth(vertices, mean, 1), base, normals, 0.8 * least)
    return vertices


def push_out(
    vertices: Float[np.ndarray, "vertices 3"],
    base: Float[np.ndarray, "vertices 3"],
    normals: Float[np.ndarray, "vertices 3"],
    least: Float[np.ndarray, " vertices"],
) -> Float[np.ndarray, "vertices 3"]:
    """Move vertices outward along the normals until they are `least` metres from `base`."""
    distance = ((vertices - base) * normals).sum(1)
    return vertices + normals * np.maximum(least - distance, 0)[:, None]


def smooth(
    values: Float[np.ndarray, "vertices columns"], mean: sparse.csr_matrix, steps: int, share: float = 0.5
) -> Float[np.ndarray, "vertices columns"]:
    """Move every row towards the mean of its neighbours, `steps` times by `share` of the way."""
    for _ in range(steps):
        values = (1 - share) * values + share * (mean @ values)
    return values


def strongest_joints(
    weights: Float[np.ndarray, "vertices 55"],
) -> tuple[Int[np.ndarray, "vertices 6"], Float[np.ndarray, "vertices 6"]]:
    """The largest weights of each vertex, made to sum to 1, and their joints."""
    joints = np.argsort(-weights, axis=1, kind="stable")[:, :JOINTS_PER_VERTEX]
    kept = np.take_along_axis(weights, joints, 1)
    return joints, kept / kept.sum(1, keepdims=True)


def free_from_legs(shirt: Garment) -> Garment:
    """Give a part of the legs' hold on a shirt to the pelvis, so that its hem does not ride up with the thigh."""
    legs = np.isin(shirt.joints, LEG_JOINTS)
    given = (LEG_RELEASE * shirt.weights * legs).sum(1)
    kept = shirt.weights * np.where(legs, 1 - LEG_RELEASE, 1.0)
    dense = np.zeros((len(kept), len(JOINT_NAMES)))
    np.put_along_axis(dense, shirt.joints, kept, 1)
    dense[:, JOINT_NAMES.index("pelvis")] += given
    joints, weights = strongest_joints(dense)
    return replace(shirt, joints=joints, weights=weights)


def tuck_in(trousers: Garment, body: RestBody) -> Garment:
    """Leave out the faces of the trousers that lie well under the shirt, so that they cannot poke through it."""
    under = shirt_field(body, trousers.vertices) > HIDE_DEPTH_M
    return replace(trousers, faces=trousers.faces[~under[trousers.faces].all(1)])


def write_clothes(path: Path, clothes: Clothes) -> None:
    """Write `<name>_<field>` of every garment, and `hidden_faces`."""
    arrays = {f"{name}_{key}": value for name, garment in clothes.garments.items() for key, value in fields_of(garment)}
    write_npz(path, hidden_faces=clothes.hidden_faces, **arrays)


def fields_of(garment: Garment) -> list[tuple[str, np.ndarray]]:
    """Names and arrays as they stand in the file: single precision, 32-bit indices."""
    return [
        (entry.name, value.astype(np.float32 if value.dtype.kind == "f" else np.int32))
        for entry in fields(garment)
        for value in (getattr(garment, entry.name),)
    ]
