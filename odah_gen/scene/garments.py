"""Garments, cut to the subject's shape from the suit that the body model wears.

The suit of the free body is its tights mesh, a few millimetres outside the skin; of any other body model it is the
skin itself. Garments move with the body: skinning weights and pose correctives are
taken from the skin below them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from odah_gen.body.model import JOINT_NAMES, BodyModel
from odah_gen.errors import InputError
from odah_gen.geometry import unit, vertex_normals
from odah_gen.scene.cuts import LowerCut, UpperCut, armhole, before_side_seam
from odah_gen.scene.cutting import border_edges, cut, neighbour_mean, split, split_quads, subdivide_quads
from odah_gen.scene.panels import flatten
from odah_gen.scene.rest_body import RestBody

HIDE_DEPTH_M = 0.025
"""Skin farther inside a garment than this is not drawn, so it cannot poke through."""
TUCK_DEPTH_M = 0.06
"""The lower garment is left out farther under the upper one than this."""
SWING_M = 0.05
"""So much more is kept under cloth that is simulated, for its hems ride up."""
SHAPE_STEPS = 30
WEIGHT_STEPS = 2
LEG_RELEASE = 0.75
"""Share of the legs' hold on a shirt that the pelvis takes over, so that its hem does not ride up with the thigh."""
HOLD_SHARE = 0.7
"""In any pose cloth keeps this share of its distance from the skin at rest."""
NOT_HELD_M = -1.0
FEWEST_FACES = 100
SKIN_SUIT_GAP_M = 0.005
JOINTS_PER_VERTEX = 6
BODY_NEIGHBOURS = 4
TIGHTS = ("tights_v", "tights_shapedirs", "tights_weights", "tights_quads")
LEG_JOINTS = tuple(JOINT_NAMES.index(f"{side}_{part}") for side in ("left", "right") for part in ("hip", "knee"))
SLEEVE_RADIUS_M = 0.06


@dataclass(frozen=True)
class Suit:
    """A close-fitting shell to cut from; `values` are position [3], then skinning weights [55]."""

    values: Float[np.ndarray, "vertices 58"]
    faces: Int[np.ndarray, "faces 3"]


@dataclass(frozen=True)
class Garment:
    """Something worn, at rest on one subject, and what moves it.

    Attributes:
        vertices: metres, model axes.
        faces: triangles, seen counter-clockwise from outside.
        joints, weights: the strongest joints of each vertex and their skinning weights (rows sum to 1).
        body_ids, body_weights: skin vertices below, whose pose correctives the vertex takes (rows sum to 1).
        hold_m: least distance from the skin below, along its normal, in any pose; NOT_HELD_M where it is not held.
        uv_m: place of each corner of each face on the flat cloth, metres.
        part: of which material each face is, counted from 0.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    joints: Int[np.ndarray, "vertices 6"]
    weights: Float[np.ndarray, "vertices 6"]
    body_ids: Int[np.ndarray, "vertices 4"]
    body_weights: Float[np.ndarray, "vertices 4"]
    hold_m: Float[np.ndarray, " vertices"]
    uv_m: Float[np.ndarray, "faces 3 2"]
    part: Int[np.ndarray, " faces"]


Field = Callable[[np.ndarray], np.ndarray]
"""A number at points [N, 3] at rest."""


@dataclass(frozen=True)
class Cloth:
    """A piece cut from the suit, not yet shaped: rows as in Suit, and what the shaping needs.

    Attributes:
        values, faces: the piece.
        sides: on which side of each seam every face lies.
        rim: of each vertex, the direction in which its border may not move; zero inside.
    """

    values: Float[np.ndarray, "vertices 58"]
    faces: Int[np.ndarray, "faces 3"]
    sides: Bool[np.ndarray, "faces seams"]
    rim: Float[np.ndarray, "vertices 3"]


def upper_garment(suit: Suit, body: RestBody, style: UpperCut, loose: float, path: Path) -> Garment:
    """A shirt of four panels: front, back and two sleeves with their seams below the arms.

    Args:
        suit: what it is cut from.
        body: who wears it.
        style: where it ends.
        loose: factor of its distance from the suit.
        path: body model, named when nothing is left of the garment.
    """
    cloth = cut_cloth(suit, lambda points: style.field(body, points), path)
    cloth = along_seam(cloth, armhole(body, cloth.values[:, :3]))
    cloth = along_seam(cloth, before_side_seam(body, cloth.values[:, :3]))
    garment = sew(cloth, body, loose * style.thickness(body, cloth.values[:, :3]))
    arm, front = cloth.sides.T
    left = cloth.values[cloth.faces, 0].mean(1) > 0
    # The seam of a sleeve is a cut: its vertices have two places on the cloth, one for each side.
    on_seam = np.isin(cloth.faces, cloth.faces[front]) & np.isin(cloth.faces, cloth.faces[~front])
    on_seam &= cloth.values[cloth.faces, 1] < body.joint("left_elbow")[1]
    label = 2 * np.where(arm, 2 + left, front)[:, None] + (on_seam & (arm & front)[:, None])
    rough = np.where(arm[:, None, None], sleeve_layout(body, garment, front), flat_layout(garment, front))
    return replace(free_from_legs(garment), uv_m=lay_out(garment, label, rough))


def lower_garment(suit: Suit, body: RestBody, style: LowerCut, loose: float, path: Path) -> Garment:
    """Shorts or trousers of four panels: front and back of each leg. Arguments as of `upper_garment`."""
    cloth = cut_cloth(suit, lambda points: style.field(body, points), path)
    cloth = along_seam(cloth, cloth.values[:, 0])
    cloth = along_seam(cloth, before_side_seam(body, cloth.values[:, :3]))
    garment = sew(cloth, body, loose * style.thickness(body, cloth.values[:, :3]))
    left, front = cloth.sides.T
    label = np.repeat((2 * left + front)[:, None], 3, axis=1)
    return replace(garment, uv_m=lay_out(garment, label, flat_layout(garment, front)))


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
    """The skin itself, a little inflated; the borders of every cut leave head, hands and feet out."""
    off = body.vertices + SKIN_SUIT_GAP_M * vertex_normals(body.vertices, body.faces)
    return Suit(np.concatenate([off, body.weights], 1), body.faces)


def cut_cloth(suit: Suit, field: Field, path: Path) -> Cloth:
    """Cut where `field` is zero; a border may later move along its own surface only, so that hems stay even.

    Raises:
        InputError: nothing is left, so the body's vertices are not where SMPL-X's are.
    """
    values, faces = cut(suit.values, suit.faces, field(suit.values[:, :3]))
    if len(faces) < FEWEST_FACES:
        raise InputError(f"{path}: no clothes can be cut from this body. Use a model with SMPL-X's rest pose and axes.")
    border = np.unique(border_edges(faces))
    rim = np.zeros((len(values), 3))
    rim[border] = gradient(field, values[border, :3])
    return Cloth(values, faces, np.zeros((len(faces), 0), bool), rim)


def gradient(field: Field, points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
    """Direction in which a field grows, by central differences."""
    steps = 1e-4 * np.eye(3)
    return unit(np.stack([field(points + step) - field(points - step) for step in steps], 1) + 1e-12)


def along_seam(cloth: Cloth, line: Float[np.ndarray, " vertices"]) -> Cloth:
    """Put edges where `line` is zero, and note on which side of it each face lies."""
    tagged = np.concatenate([cloth.values, cloth.rim], 1)
    values, faces, inside, source = split(tagged, cloth.faces, line)
    used, renumbered = np.unique(faces, return_inverse=True)
    rim = values[used, -3:]
    length = np.linalg.norm(rim, axis=1, keepdims=True)
    rim = np.where(length > 0.5, rim / np.maximum(length, 1e-9), 0.0)
    sides = np.column_stack([cloth.sides[source], inside])
    return Cloth(values[used, :-3], renumbered.reshape(-1, 3), sides, rim)


def sew(cloth: Cloth, body: RestBody, thickness: Float[np.ndarray, " vertices"]) -> Garment:
    """Smooth a cut piece, hold it off the skin and tie it to the skin below."""
    values, faces = cloth.values, cloth.faces
    mean = neighbour_mean(len(values), faces)
    base, normals = values[:, :3], vertex_normals(values[:, :3], faces)
    ids, shares = skin_below(body, base, normals)
    aside = normals - cloth.rim * (normals * cloth.rim).sum(1, keepdims=True)
    aside /= np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 0.3)
    vertices = hold_off(base, aside, mean, thickness)
    own = smooth(values[:, 3:], mean, WEIGHT_STEPS)
    skin = np.einsum("nk,nkj->nj", shares, body.weights[ids])
    joints, weights = strongest_joints(smooth((own + skin) / 2, mean, 2))
    hold = HOLD_SHARE * np.maximum(above_skin(body, vertices, ids, shares), 0)
    empty = np.zeros((len(faces), 3, 2)), np.zeros(len(faces), int)
    return Garment(vertices, faces, joints, weights, ids, shares, hold, *empty)


def above_skin(
    body: RestBody,
    points: Float[np.ndarray, "points 3"],
    ids: Int[np.ndarray, "points 4"],
    shares: Float[np.ndarray, "points 4"],
) -> Float[np.ndarray, " points"]:
    """Distance (m) of points from the skin below them, along its normal."""
    normals = np.einsum("nk,nkc->nc", shares, vertex_normals(body.vertices, body.faces)[ids])
    below = np.einsum("nk,nkc->nc", shares, body.vertices[ids])
    return ((points - below) * normals).sum(1) / np.maximum(np.linalg.norm(normals, axis=1), 1e-9)


def flat_layout(garment: Garment, front: Bool[np.ndarray, " faces"]) -> Float[np.ndarray, "faces 3 2"]:
    """Corners as seen from the front, or from behind."""
    corners = garment.vertices[garment.faces]
    return np.stack([corners[..., 0] * np.where(front, 1, -1)[:, None], corners[..., 1]], -1)


def sleeve_layout(
    body: RestBody, garment: Garment, front: Bool[np.ndarray, " faces"]
) -> Float[np.ndarray, "faces 3 2"]:
    """Corners around and along the arm, rolled off from its upper side."""
    corners = garment.vertices[garment.faces]
    arm = np.array([body.joint(f"left_{name}") for name in ("shoulder", "elbow", "wrist")])
    middle = [np.interp(np.abs(corners[..., 0]), arm[:, 0], arm[:, axis]) for axis in (1, 2)]
    around = np.arctan2(np.abs(corners[..., 2] - middle[1]), corners[..., 1] - middle[0])
    around *= np.where(front, 1, -1)[:, None] * np.sign(corners[..., :1].mean(1))
    return np.stack([-SLEEVE_RADIUS_M * around, -np.abs(corners[..., 0])], -1)


def lay_out(
    garment: Garment, label: Int[np.ndarray, "faces 3"], rough: Float[np.ndarray, "faces 3 2"]
) -> Float[np.ndarray, "faces 3 2"]:
    """Flatten all panels; corners of one vertex with the same label have one place on the cloth."""
    key, place = np.unique(label * len(garment.vertices) + garment.faces, return_inverse=True)
    place = place.reshape(-1, 3)
    start = np.zeros((len(key), 2))
    start[place] = rough
    return flatten(garment.vertices[key % len(garment.vertices)], place, start)[place]


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


def tuck_in(trousers: Garment, under: Float[np.ndarray, " vertices"]) -> Garment:
    """Leave out the faces that lie well under the shirt (`under`, m), so that they cannot poke through it."""
    keep = ~(under > TUCK_DEPTH_M)[trousers.faces].all(1)
    return replace(trousers, faces=trousers.faces[keep], uv_m=trousers.uv_m[keep], part=trousers.part[keep])
