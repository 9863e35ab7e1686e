# SPDX-License-Identifier: GPL-3.0-or-later
"""The person of a clip with another shape: coefficients, height at the same mass, mass at the same height. numpy only."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..description import read_arrays
from ..subject import Subject, below

DENSITY_KG_PER_M3 = 1010.0
COEFFICIENTS = 10


class ShapeTrial:
    """A person whose shape is moved from that of its clip; clothes follow the skin below them.

    Attributes:
        mass_direction: [S], coefficients of one sd towards more mass at the same height, as shape.bmi_offsets counts it.
        height_direction: [S], coefficients for one metre more height at the same mass.
    """

    def __init__(self, subject: Subject, model: Path, betas: np.ndarray) -> None:
        """Read the shape space.

        Raises:
            SceneError: the body model cannot be read.
        """
        arrays = read_arrays(model, ("v_template", "shapedirs", "J_regressor"))
        self._subject, self._betas = subject, np.asarray(betas, np.float64)
        self._directions = arrays["shapedirs"][:, :, : len(self._betas)].astype(np.float64)
        self._regressor = arrays["J_regressor"].astype(np.float64)
        mass, height = gradients(arrays["v_template"].astype(np.float64), self._directions, subject.body.faces)
        level = mass - mass @ height / max(float(height @ height), 1e-12) * height
        self.mass_direction = level / max(float(np.linalg.norm(level)), 1e-12)
        even = height - height @ mass / max(float(mass @ mass), 1e-12) * mass
        self.height_direction = even / max(float(even @ height), 1e-12)

    def betas(self, offsets: Sequence[float], height_m: float, mass_sd: float) -> np.ndarray:
        """Shape coefficients [S] with the first ones moved by `offsets`, then taller and heavier by so much."""
        moved = self._betas + height_m * self.height_direction + mass_sd * self.mass_direction
        count = min(len(offsets), len(moved))
        moved[:count] += np.asarray(offsets, np.float64)[:count]
        return moved

    def subject(self, betas: np.ndarray) -> Subject:
        """The person with these coefficients [S]."""
        body = self._subject.body
        shift = self._directions @ (betas - self._betas)
        vertices = body.vertices + shift
        moved = replace(
            body,
            vertices=vertices.astype(np.float32),
            joints=(body.joints + self._regressor @ shift).astype(np.float32),
        )
        garments = {
            name: replace(garment, vertices=(garment.vertices + below(garment, shift)).astype(np.float32))
            for name, garment in self._subject.garments.items()
        }
        return replace(self._subject, body=moved, garments=garments)


def size(subject: Subject) -> tuple[float, float]:
    """Height (m) of the skin at rest and mass (kg) of its volume, holes taken for closed by flat lids."""
    vertices = subject.body.vertices.astype(np.float64)
    first, second, third = (vertices[subject.body.faces[:, corner]] - vertices.mean(0) for corner in range(3))
    volume = np.einsum("fc,fc->", first, np.cross(second, third)) / 6
    return float(np.ptp(vertices[:, 1])), DENSITY_KG_PER_M3 * float(volume)


def gradients(template: np.ndarray, directions: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How volume (m³) and height (m) of the mean shape [V, 3] grow with each coefficient [S].

    The gradient of the volume is a sixth of b × c for a corner of a triangle with the others b and c.
    """
    areas = np.zeros_like(template)
    for corner in range(3):
        after, last = (template[faces[:, (corner + step) % 3]] for step in (1, 2))
        np.add.at(areas, faces[:, corner], np.cross(after, last) / 6)
    height = directions[template[:, 1].argmax(), 1] - directions[template[:, 1].argmin(), 1]
    return np.einsum("vc,vcs->s", areas, directions), height
