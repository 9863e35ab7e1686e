"""Losses of the ODAH paper (section 3.3). Equations 2, 3 and 6 print sums; the weights only fit means, taken here."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from odah_gen.errors import InputError
from odah_net.kinematics import Kinematics
from odah_net.network.model import Prediction

POINT_WEIGHT = 100.0


@dataclass(frozen=True)
class LossTerms:
    """Which terms are trained with.

    Attributes:
        angles, scales: the labels themselves.
        limits: penalise angles outside their range.
        limits_on_circle: measure how far in sine and cosine, as equation 4 prints it, not in radians.
        points: key point positions.
    """

    limits: bool = True
    limits_on_circle: bool = False
    points: bool = True
    angles: bool = True
    scales: bool = True

    def __post_init__(self) -> None:
        """See that something is left.

        Raises:
            InputError: nothing is.
        """
        if not (self.limits or self.points or self.angles or self.scales):
            raise InputError(
                "--no-angles --no-scales --no-limits --no-points: no loss is left. Leave out one of these."
            )


def losses(
    kinematics: Kinematics, found: Prediction, truth: Prediction, terms: LossTerms | None = None
) -> dict[str, Float[Tensor, ""]]:
    """Every term, weighted, by its name; their sum is the loss."""
    terms = terms or LossTerms()
    named = {}
    if terms.angles:
        named["angles"] = angle_loss(kinematics, found.angles_rad, truth.angles_rad)
    if terms.scales:
        named["scales"] = (found.scales - truth.scales).abs().mean()
    if terms.limits:
        named["limits"] = limit_loss(kinematics, found.angles_rad, terms.limits_on_circle)
    if terms.points:
        named["points"] = POINT_WEIGHT * point_loss(kinematics, found, truth)
    return named


def angle_loss(
    kinematics: Kinematics, found: Float[Tensor, "*batch angles"], truth: Float[Tensor, "*batch angles"]
) -> Float[Tensor, ""]:
    """Equations 2 and 3: free angles on the unit circle, so that whole turns count nothing, the others in radians."""
    free = kinematics.free
    return circle_distance(found[..., free], truth[..., free]).mean() + (found - truth)[..., ~free].abs().mean()


def circle_distance(left: Float[Tensor, "*batch"], right: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """|cos a − cos b| + |sin a − sin b|."""
    return (left.cos() - right.cos()).abs() + (left.sin() - right.sin()).abs()


def limit_loss(
    kinematics: Kinematics, found: Float[Tensor, "*batch angles"], on_circle: bool = False
) -> Float[Tensor, ""]:
    """Equation 4: how far constrained angles are outside their range; nothing inside it."""
    bound = ~kinematics.free
    angles = found[..., bound]
    inside = angles.clamp(kinematics.lower[bound], kinematics.upper[bound])
    away = circle_distance(angles, inside) if on_circle else (angles - inside).abs()
    return away.mean()


def point_loss(kinematics: Kinematics, found: Prediction, truth: Prediction) -> Float[Tensor, ""]:
    """Equation 6: mean distance along each axis between key points, both from their pelvis (m)."""
    ours = kinematics.key_points(found.angles_rad, found.scales)
    return (ours - kinematics.key_points(truth.angles_rad, truth.scales)).abs().mean()
