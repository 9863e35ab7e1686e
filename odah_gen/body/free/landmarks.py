"""Landmarks of the skin, the anatomical joint centres that follow from them, and fixed places of vertices.

All numbers are vertices of MakeHuman's base mesh on the left side; the right side is the mirror image.
"""

import numpy as np
from jaxtyping import Float, Int

from odah_gen.body.free.makehuman import MakeHuman
from odah_gen.geometry import unit

# Found on the average adult: spines of the ilium at 0.576 and 0.587 of stature, 0.14 of stature apart; the
# epicondyles at 0.282 of stature; the malleoli at 0.043; the skin on both sides of the elbow where its middle is that
# of MakeHuman's elbow, which lies 10 mm further back in the skin of men than of women. Several vertices stand for their
# mean.
LANDMARKS = {
    "asis": (10_947, 10_991, 10_987),
    "psis": (10_831,),
    "lateral_epicondyle": (11_267,),
    "medial_epicondyle": (11_236, 13_003),
    "lateral_malleolus": (12_836,),
    "medial_malleolus": (12_939, 12_940),
    "lateral_elbow": (10_039,),
    "medial_elbow": (10_079,),
}
# Soft tissue between skin and bone (m), inward: sideways and forward at the ASIS, forward at the PSIS.
ASIS_TISSUE = np.array([0.006, 0.0, 0.008])
PSIS_TISSUE = np.array([0.0, 0.0, -0.006])

# smplx reads extra joints from these vertex numbers; the vertex of the free body named here is put there.
# The exchanges are made in this order; another order would give another numbering.
# name: (SMPL-X vertex, vertex of this body before the exchange).
# fmt: off
SMPLX_SLOTS = {
    "nose": (9120, 5054), "left_eye": (9448, 13389), "left_ear": (6, 12038),
    "left_thumb": (5361, 9348), "left_index": (4933, 8595), "left_middle": (5058, 8787),
    "left_ring": (5169, 8979), "left_pinky": (5286, 9171),
    "left_big_toe": (5770, 11551), "left_small_toe": (5780, 13182), "left_heel": (8846, 12442),
    "right_eye": (9929, 13461), "right_ear": (616, 5439),
    "right_thumb": (8079, 2680), "right_index": (7669, 1927), "right_middle": (7794, 2119),
    "right_ring": (7905, 2311), "right_pinky": (8022, 2503),
    "right_big_toe": (8463, 4933), "right_small_toe": (8474, 6586), "right_heel": (8635, 5845),
}
# fmt: on


def find_landmarks(source: MakeHuman, vertices: Float[np.ndarray, "vertices 3"]) -> dict[str, Float[np.ndarray, "2 3"]]:
    """Each landmark's place, left then right."""
    sides = {name: (list(ids), source.mirror[list(ids)]) for name, ids in LANDMARKS.items()}
    return {name: np.stack([vertices[side].mean(0) for side in both]) for name, both in sides.items()}


def anatomical_joints(
    source: MakeHuman, vertices: Float[np.ndarray, "vertices 3"]
) -> dict[str, Float[np.ndarray, "2 3"]]:
    """Centres, left then right (m): hips from the pelvis, the others midway between both sides of the joint."""
    points = find_landmarks(source, vertices)
    return {
        "hip": hip_centers(points["asis"], points["psis"]),
        "knee": (points["lateral_epicondyle"] + points["medial_epicondyle"]) / 2,
        "ankle": (points["lateral_malleolus"] + points["medial_malleolus"]) / 2,
        "elbow": (points["lateral_elbow"] + points["medial_elbow"]) / 2,
    }


def hip_centers(asis: Float[np.ndarray, "2 3"], psis: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "2 3"]:
    """Hip joint centres from the four spines of the pelvis (Harrington et al. 2007, J Biomech 40:595).

    With pelvis width W between the ASIS and depth D from mid-PSIS to mid-ASIS, both of bone and in metres, the
    centres lie 0.24 D + 9.9 mm behind, 0.30 W + 10.9 mm below and 0.33 W + 7.3 mm beside the middle of the ASIS.
    """
    sides = np.array([[1.0, 1, 1], [-1, 1, 1]])
    front, back = asis - sides * ASIS_TISSUE, psis - sides * PSIS_TISSUE
    middle = front.mean(0)
    left = unit(front[0] - front[1])
    ahead = middle - back.mean(0)
    ahead = ahead - left * (ahead @ left)
    width, depth = np.linalg.norm(front[0] - front[1]), np.linalg.norm(ahead)
    forward = unit(ahead)
    up = np.cross(forward, left)
    center = middle - (0.24 * depth + 0.0099) * forward - (0.30 * width + 0.0109) * up
    aside = (0.33 * width + 0.0073) * left
    return np.stack([center + aside, center - aside])


def vertex_order(count: int) -> Int[np.ndarray, " vertices"]:
    """Which body vertex stands at each place of the finished file, after the exchanges of SMPLX_SLOTS."""
    order, place = np.arange(count), np.arange(count)
    for slot, vertex in SMPLX_SLOTS.values():
        here, other = place[vertex], order[slot]
        order[slot], order[here] = vertex, other
        place[vertex], place[other] = slot, here
    return order
