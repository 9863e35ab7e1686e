"""Cuts of garments: where each ends on the body, how far it stands off, and where its seams run. Rest pose, metres."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from odah_gen.scene.rest_body import RestBody

Points = Float[np.ndarray, "points 3"]
Values = Float[np.ndarray, " points"]
ARMHOLE_SLOPE = 0.5
"""An armhole leans outward downwards, so that it leaves the trunk above the waist."""
SHOULDER_TOP_M = 0.13
WAIST_ABOVE_PELVIS_M = 0.06


@dataclass(frozen=True)
class UpperCut:
    """A garment of the trunk.

    Attributes:
        sleeve: where it ends: 0 at the shoulder (no sleeve), 1 at the elbow, 2 at the wrist.
        neck_half_width_m: half the neckline's width.
        neck_front_m, neck_back_m: height of the neckline over the neck joint, 0.1 m before and behind it.
        hem_m: height of the hem over the hip joints.
    """

    sleeve: float
    neck_half_width_m: float = 0.085
    neck_front_m: float = -0.045
    neck_back_m: float = 0.025
    hem_m: float = 0.0

    def field(self, body: RestBody, points: Points) -> Values:
        """Distance inside the borders: sleeve ends, hem and neckline; negative outside."""
        return np.minimum.reduce(
            [
                armhole(body, points) * -1 - 0.012 if self.sleeve == 0 else along_arm(body, self.sleeve, points),
                points[:, 1] - (body.joint("left_hip")[1] + self.hem_m),
                self.neckline(body, points),
            ]
        )

    def neckline(self, body: RestBody, points: Points) -> Values:
        """Distance below the neckline: a plane that slopes down to the front, cut off at both sides of the neck."""
        neck, outward = body.joint("neck"), np.abs(points[:, 0])
        height = np.interp(points[:, 2] - neck[2], [-0.1, 0, 0.1], [self.neck_back_m, -0.005, self.neck_front_m])
        plane = neck[1] + height - points[:, 1]
        beside = np.minimum(outward - self.neck_half_width_m, plane + 0.05 - self.neck_front_m)
        return np.where(outward < SHOULDER_TOP_M, np.maximum(plane, beside), 1.0)

    def thickness(self, body: RestBody, points: Points) -> Values:
        """Distance from the suit: close at the shoulders, loose below the chest and towards the sleeves' ends."""
        shoulder, chest, elbow = body.joint("left_shoulder"), body.joint("spine3"), body.joint("left_elbow")
        below = np.clip((chest[1] - points[:, 1]) / 0.35, 0, 1) * (armhole(body, points) < 0)
        down_sleeve = np.clip((np.abs(points[:, 0]) - shoulder[0]) / (elbow[0] - shoulder[0]), 0, 1)
        return 0.006 + 0.014 * below + 0.009 * down_sleeve


@dataclass(frozen=True)
class LowerCut:
    """A garment of the legs: `leg` says where it ends, 0 at the hip, 1 at the knee, 2 at the ankle."""

    leg: float

    def field(self, body: RestBody, points: Points) -> Values:
        """Distance inside the borders: waist and leg ends; negative outside."""
        heights = [body.joint(f"left_{name}")[1] for name in ("hip", "knee", "ankle")]
        leg_end = points[:, 1] - np.interp(self.leg, [0, 1, 2], heights)
        waist = body.joint("pelvis")[1] + WAIST_ABOVE_PELVIS_M - points[:, 1]
        shoulder, elbow = body.joint("left_shoulder"), body.joint("left_elbow")
        on_arm = np.abs(points[:, 0]) > (shoulder[0] + elbow[0]) / 2
        return np.where(on_arm, -1.0, np.minimum(waist, leg_end))

    def thickness(self, body: RestBody, points: Points) -> Values:
        """Distance from the suit: close at the waist, wider down the leg, widest over the shoes."""
        hip, ankle = body.joint("left_hip"), body.joint("left_ankle")
        down = np.clip((hip[1] - points[:, 1]) / (hip[1] - ankle[1]), 0, 1)
        return 0.004 + 0.022 * np.sqrt(down) + 0.012 * np.clip((down - 0.8) / 0.15, 0, 1)


UPPER_CUTS = {
    "vest": UpperCut(0.0, neck_half_width_m=0.095, neck_front_m=-0.085, neck_back_m=-0.02),
    "t_shirt": UpperCut(0.62),
    "elbow_sleeve": UpperCut(1.15, neck_half_width_m=0.09, neck_front_m=-0.055),
    "long_sleeve": UpperCut(1.94, neck_half_width_m=0.08, neck_front_m=-0.035),
}
LOWER_CUTS = {
    "shorts": LowerCut(0.58),
    "knee_shorts": LowerCut(0.95),
    "cropped": LowerCut(1.5),
    "trousers": LowerCut(1.96),
}


def along_arm(body: RestBody, place: float, points: Points) -> Values:
    """Distance inward from a place on the arm: 0 at the shoulder, 1 at the elbow, 2 at the wrist."""
    reach = [abs(body.joint(f"left_{name}")[0]) for name in ("shoulder", "elbow", "wrist")]
    return np.interp(place, [0, 1, 2], reach) - np.abs(points[:, 0])


def armhole(body: RestBody, points: Points) -> Values:
    """Distance outward from the planes that part arms from trunk; positive on the arms."""
    shoulder = body.joint("left_shoulder")
    return np.abs(points[:, 0]) - shoulder[0] - 0.01 + ARMHOLE_SLOPE * (points[:, 1] - shoulder[1])


def before_side_seam(body: RestBody, points: Points) -> Values:
    """Distance to the front of the surface through the joints of arms and legs, on which the side seams lie."""
    arm = np.array([body.joint(f"left_{name}") for name in ("shoulder", "elbow", "wrist")])
    leg = np.array([body.joint(f"left_{name}") for name in ("ankle", "knee", "hip", "shoulder")])
    of_arm = np.interp(np.abs(points[:, 0]), np.abs(arm[:, 0]), arm[:, 2])
    of_leg = np.interp(points[:, 1], leg[:, 1], leg[:, 2])
    on_arm = np.clip(armhole(body, points) / 0.02 + 0.5, 0, 1)
    return points[:, 2] - (on_arm * of_arm + (1 - on_arm) * of_leg)
