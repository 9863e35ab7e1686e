"""What the procedural actions need to know of a body: its joints at rest, its soles, and how wide it is."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.body.model import BodyModel
from odah_gen.body.skinning import shape_body
from odah_gen.motion.kinematics import Limb
from odah_gen.motion.world import leg_length

HIPS, KNEES, ANKLES, TOES = (1, 2), (4, 5), (7, 8), (10, 11)
SHOULDERS, ELBOWS, WRISTS = (16, 17), (18, 19), (20, 21)
SIDES = (1.0, -1.0)
"""Sign of X for left and right, in the order in which pairs are stored everywhere."""
FORWARD, BACKWARD = np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0])
HEEL_INSET_M = 0.015
THIGH_BAND_M = 0.12


@dataclass(frozen=True)
class Physique:
    """A shaped body at rest (model frame: X left, Y up, Z forward; m).

    Attributes:
        joints: centres of the 55 joints.
        sole_m: height of the soles.
        heels: where each heel touches the floor (left, right).
        toe_tips: the foremost point of each sole.
        half_width_m: half the width over hips and thighs, the arms left out.
        thigh_radius_m: from the line hip to knee to the front of the thigh, at its middle.
    """

    joints: Float[np.ndarray, "55 3"]
    sole_m: float
    heels: Float[np.ndarray, "2 3"]
    toe_tips: Float[np.ndarray, "2 3"]
    half_width_m: float
    thigh_radius_m: float

    @property
    def leg_m(self) -> float:
        """Hip to knee to ankle, m."""
        return leg_length(self.joints)

    @property
    def ankle_height_m(self) -> float:
        """Height of the ankle joints above the soles, m."""
        return float(self.joints[list(ANKLES), 1].mean() - self.sole_m)

    def leg(self, side: int) -> Limb:
        """The left (0) or right (1) leg; knees point forward."""
        hip, knee, ankle = (self.joints[pair[side]] for pair in (HIPS, KNEES, ANKLES))
        return Limb(knee - hip, ankle - knee, FORWARD)


def measure(model: BodyModel, betas: Float[np.ndarray, " betas"]) -> Physique:
    """Measure a body model with a shape."""
    shaped = shape_body(model, torch.as_tensor(betas))
    joints, skin = shaped.joints.double().numpy(), shaped.vertices.double().numpy()
    owner = model.weights.argmax(dim=1).numpy()
    feet = [skin[np.isin(owner, (ANKLES[side], TOES[side]))] for side in (0, 1)]
    sole = float(np.mean([foot[:, 1].min() for foot in feet]))
    heels = np.array([heel_of(foot, joints[ANKLES[side]], sole) for side, foot in enumerate(feet)])
    tips = np.array([[joints[TOES[side], 0], sole, foot[:, 2].max()] for side, foot in enumerate(feet)])
    thighs = skin[np.isin(owner, (0, *HIPS))]
    middle = joints[[HIPS[0], KNEES[0]]].mean(axis=0)
    band = skin[np.isin(owner, HIPS) & (np.abs(skin[:, 1] - middle[1]) < THIGH_BAND_M / 2)]
    return Physique(joints, sole, heels, tips, float(np.abs(thighs[:, 0]).max()), float(band[:, 2].max() - middle[2]))


def heel_of(
    foot: Float[np.ndarray, "vertices 3"], ankle: Float[np.ndarray, "3"], sole: float
) -> Float[np.ndarray, "3"]:
    """The point on which a heel rolls: under the ankle sideways, a little before the rearmost skin."""
    return np.array([ankle[0], sole, foot[:, 2].min() + HEEL_INSET_M])
