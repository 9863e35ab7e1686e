"""Losses vanish at the truth, mean what the paper says, and have exact gradients."""

import dataclasses

import pytest
import torch

from odah_gen.errors import InputError
from odah_net.losses import LossTerms, angle_loss, limit_loss, losses, point_loss
from odah_net.network.model import Prediction
from tests.odah_net.conftest import random_angles


@pytest.fixture
def truth(kinematics) -> Prediction:
    factors = 0.9 + 0.2 * torch.rand(4, 22, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    return Prediction(random_angles(kinematics, 4, seed=3), factors)


def test_the_truth_costs_nothing(kinematics, truth):
    assert all(float(loss) == 0.0 for loss in losses(kinematics, truth, truth).values())


def test_whole_turns_of_free_angles_cost_nothing_and_of_others_do(kinematics, truth):
    turned = truth.angles_rad + 2 * torch.pi * kinematics.free.to(truth.angles_rad)
    assert float(angle_loss(kinematics, turned, truth.angles_rad)) < 1e-12
    assert float(angle_loss(kinematics, truth.angles_rad + 2 * torch.pi, truth.angles_rad)) == pytest.approx(
        2 * torch.pi
    )


def test_limits_count_radians_outside_the_range(kinematics, truth):
    beyond = torch.where(kinematics.free, truth.angles_rad, kinematics.upper + 0.2)
    assert float(limit_loss(kinematics, beyond)) == pytest.approx(0.2)
    assert float(limit_loss(kinematics, truth.angles_rad)) == 0.0


def test_limits_on_the_circle_vanish_in_the_same_place(kinematics, truth):
    assert float(limit_loss(kinematics, truth.angles_rad, on_circle=True)) == 0.0
    beyond = torch.where(kinematics.free, truth.angles_rad, kinematics.lower - 0.2)
    assert float(limit_loss(kinematics, beyond, on_circle=True)) > 0.0


def test_points_see_what_angles_do_to_the_hand(kinematics, truth):
    bent = truth.angles_rad.clone()
    bent[:, kinematics.columns(["elbow_flex_r"])] += 0.1
    moved = dataclasses.replace(truth, angles_rad=bent)
    gap = kinematics.key_points(bent, truth.scales) - kinematics.key_points(truth.angles_rad, truth.scales)
    assert float(point_loss(kinematics, moved, truth)) == pytest.approx(float(gap.abs().mean()))
    assert 0.01 < float(gap.norm(dim=-1).max()) < 0.06


def test_terms_can_be_switched_off(kinematics, truth):
    other = dataclasses.replace(truth, angles_rad=truth.angles_rad + 0.1)
    names = {"angles", "scales", "limits", "points"}
    for name in names:
        assert set(losses(kinematics, other, truth, LossTerms(**{name: False}))) == names - {name}
    with pytest.raises(InputError, match="no loss is left"):
        LossTerms(**dict.fromkeys(names, False))


def test_gradient_of_the_whole_loss(kinematics, truth):
    angles = (truth.angles_rad + 0.3).requires_grad_()
    scales = (truth.scales + 0.05).requires_grad_()

    def total(angles, scales):
        return sum(losses(kinematics, Prediction(angles, scales), truth).values())

    assert torch.autograd.gradcheck(total, (angles, scales), eps=1e-7, atol=1e-4, fast_mode=True)
