"""The functions of an OpenSim model, all at once: lines and piecewise polynomials of one coordinate each, in torch."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from odah_gen.skeleton.skeleton import Skeleton


@dataclass(frozen=True)
class Values:
    """Values of functions and their first and second derivatives, [..., functions] each."""

    value: Float[Tensor, "*batch functions"]
    slope: Float[Tensor, "*batch functions"]
    bend: Float[Tensor, "*batch functions"]


class Functions:
    """Functions of a skeleton: those of the axes, joint by joint and slot by slot, then those of the couplers."""

    def __init__(
        self,
        skeleton: Skeleton,
        dtype: torch.dtype,
        device: torch.device,
        chosen: Int[np.ndarray, " functions"] | None = None,
    ) -> None:
        """Put the tables of `skeleton` on a device: of all functions, or of those that are chosen, in their order."""
        if chosen is None:
            chosen = np.arange(len(skeleton.slopes))
        tables = skeleton.curves.tolist()
        curves = [place for place, function in enumerate(chosen.tolist()) if function in tables]
        rows = [tables.index(chosen[place]) for place in curves]

        def tensor(array: np.ndarray) -> Tensor:
            return torch.as_tensor(array, dtype=dtype, device=device)

        self.slopes, self.intercepts = tensor(skeleton.slopes[chosen]), tensor(skeleton.intercepts[chosen])
        self.curves = torch.tensor(curves, dtype=torch.long, device=device)
        self.breaks, self.centers = tensor(skeleton.curve_breaks[rows]), tensor(skeleton.curve_centers[rows])
        self.widths, self.coefficients = tensor(skeleton.curve_widths[rows]), tensor(skeleton.curve_coefficients[rows])
        self.rows = torch.arange(len(rows), device=device)

    def __call__(self, inputs: Float[Tensor, "*batch functions"]) -> Float[Tensor, "*batch functions"]:
        """Values at one input per function; differentiable."""
        lines = inputs * self.slopes + self.intercepts
        if not len(self.curves):
            return lines
        place, coefficients, _ = self._pieces(inputs)
        return lines.index_copy(-1, self.curves, horner(place, coefficients))

    def derivatives(self, inputs: Float[Tensor, "*batch functions"]) -> Values:
        """Values and the first two derivatives at one input per function."""
        lines = inputs * self.slopes + self.intercepts
        slopes = self.slopes.expand_as(inputs)
        bends = torch.zeros_like(lines)
        if not len(self.curves):
            return Values(lines, slopes, bends)
        place, coefficients, width = self._pieces(inputs)
        value, slope, bend = horner_derivatives(place, coefficients)
        return Values(
            lines.index_copy(-1, self.curves, value),
            slopes.index_copy(-1, self.curves, slope / width),
            bends.index_copy(-1, self.curves, bend / width**2),
        )

    def _pieces(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of every curve: the place within its piece, the piece's coefficients [..., curves, terms] and width."""
        x = inputs.index_select(-1, self.curves)
        by_curve = x.detach().movedim(-1, 0).contiguous()
        found = torch.searchsorted(self.breaks, by_curve.reshape(len(self.curves), -1), right=True)
        piece = found.view_as(by_curve).movedim(0, -1)
        width = self.widths[self.rows, piece]
        return (x - self.centers[self.rows, piece]) / width, self.coefficients[self.rows, piece], width


def horner(place: Float[Tensor, "*batch"], coefficients: Float[Tensor, "*batch terms"]) -> Float[Tensor, "*batch"]:
    """A polynomial, its constant term first."""
    value = coefficients[..., -1]
    for term in range(coefficients.shape[-1] - 2, -1, -1):
        value = value * place + coefficients[..., term]
    return value


def horner_derivatives(
    place: Float[Tensor, "*batch"], coefficients: Float[Tensor, "*batch terms"]
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    """A polynomial and its first two derivatives."""
    value = coefficients[..., -1]
    slope = bend = torch.zeros_like(value)
    for term in range(coefficients.shape[-1] - 2, -1, -1):
        bend = bend * place + 2 * slope
        slope = slope * place + value
        value = value * place + coefficients[..., term]
    return value, slope, bend
