# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes that stand for skeleton, points, residuals, cameras and floor contact, over all frames. numpy only; m, world.

Where a frame has nothing to show, all vertices of a part lie in one point, and so it is not seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..description import Camera
from .clip_files import Kinematics
from .residuals import classes

OCTAHEDRON = np.array([(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)], np.float64)
OCTAHEDRON_FACES = np.array([(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)])
TUBE_FACES = np.array([(0, 1, 4), (1, 4, 3)[::-1], (1, 2, 5), (1, 5, 4), (2, 0, 3), (2, 3, 5)])
POINT_M, LINE_M, DISC_M = 0.012, 0.003, 0.045
CAPSULE_SIDES, CAPSULE_RINGS = 10, 3
RADIUS_M = {
    "pelvis": 0.065, "femur": 0.034, "tibia": 0.028, "patella": 0.018, "talus": 0.02, "calcn": 0.026, "toes": 0.018,
    "torso": 0.075, "humerus": 0.028, "ulna": 0.018, "radius": 0.018, "hand": 0.024,
}  # fmt: skip
"""Of each body's capsule at the generic model's size."""
FAR_END = {"femur": "tibia", "tibia": "talus", "talus": "calcn", "calcn": "toes", "humerus": "ulna", "ulna": "hand",
           "radius": "hand"}  # fmt: skip
"""The body at whose joint a capsule ends; others end as far beyond the mass centre as the joint lies before it."""
CONTACT_M, SUNK_M = 0.015, -0.01
FEET = {"left heel": 7, "right heel": 8, "left toes": 10, "right toes": 11}
"""Joints of SMPL-X whose skin is looked at."""


@dataclass(frozen=True)
class Moving:
    """A mesh over time: vertices [T, N, 3] (m), faces [F, 3], and of which material each face is, [F]."""

    vertices: np.ndarray
    faces: np.ndarray
    part: np.ndarray


def points(centers_m: np.ndarray, radius_m: float = POINT_M) -> Moving:
    """An octahedron at each of the points [T, P, 3]; a NaN is not seen."""
    seen = np.isfinite(centers_m).all(2)[..., None, None]
    corners = np.where(seen, np.nan_to_num(centers_m)[:, :, None] + radius_m * OCTAHEDRON, 0.0)
    count = centers_m.shape[1]
    faces = (OCTAHEDRON_FACES + 6 * np.arange(count)[:, None, None]).reshape(-1, 3)
    return Moving(corners.reshape(len(centers_m), -1, 3), faces, np.zeros(len(faces), np.int32))


def residual_lines(measured_m: np.ndarray, model_m: np.ndarray) -> Moving:
    """For each marker [T, M, 3] a ball on the model and a tube to the measured place, in the class's colour.

    A ball and a tube stand ready for every class that a marker ever has; those of the other classes are not seen.
    """
    of_class = classes(1000 * np.linalg.norm(measured_m - model_m, axis=2))
    pairs = [
        (marker, each) for marker in range(of_class.shape[1]) for each in np.unique(of_class[:, marker]) if each >= 0
    ]
    if not pairs:
        return Moving(np.zeros((len(model_m), 0, 3)), np.zeros((0, 3), int), np.zeros(0, np.int32))
    marker, each = np.array(pairs).T
    shown = (of_class[:, marker] == each)[..., None, None]
    start, end = model_m[:, marker], measured_m[:, marker]
    corners = np.concatenate([start[:, :, None] + 0.7 * POINT_M * OCTAHEDRON, tube(start, end)], 2)
    corners = np.where(shown, corners, 0.0)
    one = np.concatenate([OCTAHEDRON_FACES, TUBE_FACES + 6])
    faces = (one + corners.shape[2] * np.arange(len(marker))[:, None, None]).reshape(-1, 3)
    return Moving(corners.reshape(len(model_m), -1, 3), faces, np.repeat(each, len(one)).astype(np.int32))


def tube(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Three-sided tubes [T, L, 6, 3] from start to end [T, L, 3]."""
    along = end - start
    helper = np.where(
        np.abs(along[..., 2:]) < 0.9 * np.linalg.norm(along, axis=-1, keepdims=True), (0, 0, 1.0), (1.0, 0, 0)
    )
    first = normalised(np.cross(along, helper))
    second = normalised(np.cross(along, first))
    angle = 2 * np.pi * np.arange(3) / 3
    ring = LINE_M * (first[..., None, :] * np.cos(angle)[:, None] + second[..., None, :] * np.sin(angle)[:, None])
    return np.concatenate([start[..., None, :] + ring, end[..., None, :] + ring], axis=-2)


def normalised(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1; a zero stays."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def bone_ends(kinematics: Kinematics) -> tuple[np.ndarray, np.ndarray]:
    """Both ends [T, B, 3] of each body's capsule: its joint, and the next joint or a point beyond its mass centre."""
    index = {name: number for number, name in enumerate(kinematics.body_names)}
    joints, masses = kinematics.joint_centers_m, kinematics.mass_centers_m
    start, end = joints.copy(), 2 * masses - joints
    for name, number in index.items():
        stem, _, side = name.partition("_")
        following = index.get(f"{FAR_END.get(stem, '')}_{side}")
        if following is not None:
            end[:, number] = joints[:, following]
    if {"pelvis", "femur_r", "femur_l"} <= index.keys():
        start[:, index["pelvis"]], end[:, index["pelvis"]] = joints[:, index["femur_r"]], joints[:, index["femur_l"]]
    return start, end


def body_frames(kinematics: Kinematics) -> np.ndarray:
    """Rotations [T, B, 3, 3], world ← body.

    Where the files lack them, Y lies along the bone and Z as near the pelvis's right as it can: a round bone looks the same.
    """
    if kinematics.rotations is not None:
        return kinematics.rotations
    start, end = bone_ends(kinematics)
    up = normalised(start - end)
    right = np.broadcast_to(kinematics.pelvis_rotation[:, None, :, 2], up.shape)
    forward = normalised(np.cross(up, right))
    frames = np.stack([forward, up, np.cross(forward, up)], -1)
    frames[:, list(kinematics.body_names).index("pelvis")] = kinematics.pelvis_rotation
    return frames


def bones(kinematics: Kinematics) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """A capsule for each body: vertices [N, 3] in the body's axes from its mass centre (m), and faces.

    A capsule of the generic model's size is scaled by the body's factors along its axes, as OpenSim scales geometry.
    """
    frames, (start, end) = body_frames(kinematics), bone_ends(kinematics)
    found = {}
    for number, name in enumerate(kinematics.body_names):
        places = np.stack([start[:, number], end[:, number]], 1) - kinematics.mass_centers_m[:, None, number]
        local = np.nanmedian(np.einsum("tba,tkb->tka", frames[:, number], places), axis=0)
        scales = kinematics.scales[number]
        vertices, faces = capsule(*(local / scales), RADIUS_M.get(name.partition("_")[0], 0.02))
        found[name] = (vertices * scales, faces)
    return found


def capsule(start: np.ndarray, end: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of a capsule whose round ends reach the two points."""
    along = normalised(end - start)
    length = float(np.linalg.norm(end - start))
    first = normalised(np.cross(along, (1.0, 0, 0) if abs(along[0]) < 0.7 else (0, 0, 1.0)))
    second = np.cross(along, first)
    cap = min(radius, length / 2)
    angles = np.pi / 2 * (np.arange(CAPSULE_RINGS) + 1) / CAPSULE_RINGS
    heights = np.concatenate([cap * (1 - np.cos(angles)), length - cap * (1 - np.cos(angles[::-1]))])
    widths = radius * np.concatenate([np.sin(angles), np.sin(angles[::-1])])
    turn = 2 * np.pi * np.arange(CAPSULE_SIDES) / CAPSULE_SIDES
    ring = np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second
    rings = (start + heights[:, None] * along)[:, None] + widths[:, None, None] * ring
    vertices = np.concatenate([start[None], rings.reshape(-1, 3), end[None]])
    return vertices, capsule_faces(len(heights))


def capsule_faces(rings: int) -> np.ndarray:
    """Triangles of a capsule: first its start, then its rings, then its end."""
    here = np.arange(CAPSULE_SIDES)
    after = (here + 1) % CAPSULE_SIDES
    last = 1 + (rings - 1) * CAPSULE_SIDES
    parts = [np.stack([np.zeros_like(here), 1 + after, 1 + here], 1)]
    for low in range(1, last, CAPSULE_SIDES):
        high = low + CAPSULE_SIDES
        parts += [
            np.stack([low + here, low + after, high + after], 1),
            np.stack([low + here, high + after, high + here], 1),
        ]
    parts.append(np.stack([np.full_like(here, last + CAPSULE_SIDES), last + here, last + after], 1))
    return np.concatenate(parts)


def skeleton(kinematics: Kinematics, shapes: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Moving:
    """The shapes of the bodies (vertices from the mass centre in the body's axes, and faces) carried through all frames."""
    frames, vertices, faces, count = body_frames(kinematics), [], [], 0
    for number, name in enumerate(kinematics.body_names):
        local, triangles = shapes[name]
        placed = kinematics.mass_centers_m[:, None, number] + local @ frames[:, number].swapaxes(1, 2)
        vertices.append(np.nan_to_num(placed.astype(np.float32)))
        faces.append(triangles + count)
        count += len(local)
    joined = np.concatenate(faces)
    return Moving(np.concatenate(vertices, 1), joined, np.zeros(len(joined), np.int32))


def foot_vertices(weights: np.ndarray) -> dict[str, np.ndarray]:
    """Skin vertices of heels and toes: those that follow their joint [55] most, by weights [V, 55]."""
    strongest = weights.argmax(1)
    return {name: np.flatnonzero(strongest == joint) for name, joint in FEET.items()}


def lowest_points(skin: np.ndarray, feet: Mapping[str, np.ndarray]) -> np.ndarray:
    """The lowest point [T, 4, 3] of heels and toes of a skin [T, V, 3]."""
    found = []
    for vertices in feet.values():
        part = skin[:, vertices]
        lowest = part[..., 2].argmin(1)
        found.append(np.column_stack([part[..., :2].mean(1), part[np.arange(len(part)), lowest, 2]]))
    return np.stack(found, 1)


def contact_discs(lowest_m: np.ndarray) -> Moving:
    """Discs on the floor under heels and toes [T, 4, 3] that are near it (material 0) or sunk into it (material 1)."""
    height = lowest_m[..., 2]
    shown = [(height < CONTACT_M) & (height >= SUNK_M), height < SUNK_M]
    turn = 2 * np.pi * np.arange(12) / 12
    ring = DISC_M * np.column_stack([np.cos(turn), np.sin(turn), np.zeros(12)])
    centers = np.concatenate([lowest_m[..., :2], np.full((*height.shape, 1), 0.003)], -1)
    corners = centers[:, :, None] + ring
    vertices = np.concatenate([np.where(seen[..., None, None], corners, 0.0) for seen in shown], 1)
    fan = np.array([(0, i, i + 1) for i in range(1, 11)])
    count = vertices.shape[1]
    faces = (fan + 12 * np.arange(count)[:, None, None]).reshape(-1, 3)
    part = np.repeat(np.arange(count) >= height.shape[1], len(fan)).astype(np.int32)
    return Moving(vertices.reshape(len(vertices), -1, 3), faces, part)


def frustum(camera: Camera, depth_m: float) -> tuple[np.ndarray, Sequence[tuple[int, int]]]:
    """A camera's centre and the corners of its picture at a depth: [5, 3], corners from bottom left, and edges."""
    half = depth_m * camera.sensor_width_mm / camera.lens_mm / 2
    across, down = half, half * camera.height / camera.width
    seen = [
        (0, 0, 0),
        (-across, down, depth_m),
        (across, down, depth_m),
        (across, -down, depth_m),
        (-across, -down, depth_m),
    ]
    corners = (np.array(seen) - camera.translation_m) @ camera.rotation
    return corners, [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 1)]
