"""What SMPL-X's schema holds beside the body: facial expressions, hand poses, facial landmarks."""

from collections.abc import Mapping

import numpy as np
import trimesh
from jaxtyping import Float, Int

from odah_gen.body.free.landmarks import SMPLX_SLOTS

EXPRESSIONS = 10
EXPRESSION_GAIN = 1.5
HAND_SCALE = 0.6
CURL_RAD, THUMB_RAD = 0.25, 0.15


def expression_directions(
    fields: Mapping[str, Float[np.ndarray, "vertices 3"]], body: Int[np.ndarray, " body"]
) -> Float[np.ndarray, "body 3 10"]:
    """The principal directions of the face units (about 93 % of their energy)."""
    units = np.stack([field[body] for field in fields.values()]).reshape(len(fields), -1)
    _, sizes, directions = np.linalg.svd(units, full_matrices=False)
    scaled = directions[:EXPRESSIONS] * sizes[:EXPRESSIONS, None] / np.sqrt(len(fields)) * EXPRESSION_GAIN
    return scaled.reshape(EXPRESSIONS, -1, 3).transpose(1, 2, 0)


def hand_arrays() -> dict[str, np.ndarray]:
    """An orthonormal basis of hand poses that starts with grips, and a lightly curled mean, for each hand."""
    arrays = {}
    for letter, side in (("l", 1.0), ("r", -1.0)):
        mean = np.zeros((15, 3))
        mean[:12, 2] = -side * CURL_RAD
        mean[12:, 1] = -side * THUMB_RAD
        arrays[f"hands_mean{letter}"] = mean.ravel()
        arrays[f"hands_components{letter}"] = hand_basis(side) * HAND_SCALE
        arrays[f"hands_coeffs{letter}"] = np.zeros((1, 45))
    return arrays


def hand_basis(side: float) -> Float[np.ndarray, "45 45"]:
    """Curl of all fingers, of three of them, of the thumb, spread; then single angles that complete the basis.

    The little finger's curl follows from the first four, so it is not listed: a direction that depends on those
    before it would leave the rest of the basis to rounding.
    """
    grips = np.zeros((6, 15, 3))
    grips[0, :12, 2] = -side
    for finger in range(3):
        grips[1 + finger, 3 * finger : 3 * finger + 3, 2] = -side
    grips[4, 12:, 1] = -side
    grips[5, [0, 3, 6, 9], 1] = side * np.array([1, 0.3, -1, -0.5])
    return orthonormal_rows(np.vstack([grips.reshape(6, 45), np.eye(45)]))


def orthonormal_rows(rows: Float[np.ndarray, "rows size"]) -> Float[np.ndarray, "size size"]:
    """Gram-Schmidt: each row less its part along those before; rows that depend on them are left out."""
    basis = np.zeros((0, rows.shape[1]))
    for row in rows:
        # Twice, because one pass leaves rounding of the size of what was taken away.
        for _ in range(2):
            row = row - basis.T @ (basis @ row)
        length = np.linalg.norm(row)
        if length > 1e-6:
            basis = np.vstack([basis, row / length])
    return basis


def face_landmarks(
    vertices: Float[np.ndarray, "body 3"],
    faces: Int[np.ndarray, "faces 3"],
    eyes: Float[np.ndarray, "2 3"],
) -> tuple[Int[np.ndarray, "51"], Float[np.ndarray, "51 3"]]:
    """The 51 inner landmarks of the face (iBUG's order) as triangle and barycentric coordinates.

    A canonical layout is scaled on eyes and nose tip and cast onto the face from the front; good to about 5 mm.
    """
    span, level = eyes[0, 0] - eyes[1, 0], eyes[:, 1].mean()
    nose = (vertices[SMPLX_SLOTS["nose"][0], 1] - level) / span
    layout = np.array(face_layout(nose)) * span + [0, level]
    origins = np.column_stack([layout, np.full(len(layout), vertices[:, 2].max() + 0.5)])
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    rays = np.tile([0.0, 0, -1], (len(origins), 1))
    places, hit, triangles = mesh.ray.intersects_location(origins, rays, multiple_hits=False)
    order = np.argsort(hit)
    places, triangles = places[order], triangles[order]
    return triangles, trimesh.triangles.points_to_barycentric(mesh.triangles[triangles], places)


def face_layout(nose: float) -> list[tuple[float, float]]:
    """Landmarks in the plane of the face, in units of the distance between the eyes; `nose` is the tip's height."""
    brow = [(-0.95, 0.34), (-0.78, 0.46), (-0.56, 0.48), (-0.35, 0.43), (-0.17, 0.34)]
    bridge = [(0, 0.02), (0, nose * 0.35), (0, nose * 0.68), (0, nose)]
    nostrils = [(x, nose - 0.2 + abs(x) * 0.25) for x in (-0.22, -0.11, 0, 0.11, 0.22)]
    eye = [(-0.24, 0), (-0.1, 0.085), (0.1, 0.085), (0.24, 0), (0.1, -0.0765), (-0.1, -0.0765)]
    mouth = nose - 0.52
    upper = [(-0.4, 0), (-0.25, 0.08), (-0.09, 0.12), (0, 0.1), (0.09, 0.12), (0.25, 0.08)]
    lower = [(0.4, 0), (0.25, -0.1), (0.1, -0.15), (0, -0.16), (-0.1, -0.15), (-0.25, -0.1)]
    inner = [(-0.34, 0), (-0.1, 0.02), (0, 0.02), (0.1, 0.02), (0.34, 0), (0.1, -0.02), (0, -0.02), (-0.1, -0.02)]
    lips = [(x, mouth + y) for x, y in upper + lower + inner]
    eyes = [(side + x, y) for side in (-0.5, 0.5) for x, y in eye]
    return [*brow, *((-x, y) for x, y in brow[::-1]), *bridge, *nostrils, *eyes, *lips]
