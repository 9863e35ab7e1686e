"""What inverse kinematics reads from skin points that neither scaling nor fit has seen."""

from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.kinematics import Solution
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.skeleton.table import coordinates_of_group
from odah_gen.skeleton.trc import MarkerTrajectories

ARMS = ("humerus", "ulna", "radius", "hand")
ARM_WEIGHT = 0.1
"""As in the marker list: a raised collar bone, which the skeleton lacks, must not bend the trunk. All others weigh 1."""
ON_PELVIS = 3
"""Fewer points on the pelvis do not place it, so there are no angles (SMPL-X has one)."""


def solve_held_out(carrying: Skeleton, trial: MarkerTrajectories) -> Solution | None:
    """Inverse kinematics of held-out points alone, toes held; None where they do not place the pelvis.

    Args:
        carrying: the subject's model with these points as markers.
        trial: the points (m, OpenSim ground).
    """
    if (carrying.marker_bodies == carrying.root).sum() < ON_PELVIS:
        return None
    on = [carrying.body_names[body] for body in carrying.marker_bodies]
    weights = {name: ARM_WEIGHT if body.startswith(ARMS) else 1.0 for name, body in zip(carrying.marker_names, on)}
    return fast_ik.solve(carrying, trial, weights, dict.fromkeys(coordinates_of_group("mtp"), 0.0))
