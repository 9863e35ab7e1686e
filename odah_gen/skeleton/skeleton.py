"""An OpenSim skeleton as plain arrays: all that kinematics needs, read once from the model, without opensim."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from odah_gen.storage import read_npz, write_npz

GROUND = -1
"""The body index of ground."""
SLOTS = 6
"""Axes of a joint in their order: three translations in the parent frame, then three body-fixed rotations."""
NO_COORDINATE = -1


@dataclass(frozen=True)
class Skeleton:
    """Bodies, joints, coordinates, couplers and markers of an OpenSim model.

    Every joint is written as three translations along axes of its parent frame followed by three rotations about
    body-fixed axes, each driven by a function of one coordinate; OpenSim's Custom, Pin, Slider, Universal, Gimbal,
    Ball, Free, Planar and Weld joints all are of this form. Functions are piecewise polynomials: those of the axes
    (joint by joint, slot by slot), then those of the couplers.

    Attributes:
        body_names, mass_kg, mass_centers_m: [B], [B], [B, 3] in the body's frame.
        joint_names: [J], in the model's order.
        joint_parents, joint_children: [J] bodies; GROUND for ground. A joint may stand before that of its parent.
        parent_rotations, child_rotations: [J, 3, 3] body from joint frame.
        parent_offsets_m, child_offsets_m: [J, 3, 3]; times the body's scale factors they give the joint frame's origin
            in the body (diagonal, unless offset frames are nested).
        axis_directions: [J, 6, 3] unit vectors.
        axis_coordinates: [J, 6]; NO_COORDINATE for an axis that does not move.
        axis_growth: [J, 3, 3] sizes of the translations' axes, as the model has them, not of unit length; times the
            parent's scale factors they give what a translation is multiplied by. Zero for one that does not grow.
        slopes, intercepts: [6 J + C] of functions that are lines; zero for the others.
        curves: [P] which functions are no lines.
        curve_breaks: [P, S - 1] where their pieces meet, rising, padded with infinity.
        curve_centers, curve_widths: [P, S]; a piece is a polynomial in (x - center) / width.
        curve_coefficients: [P, S, D], constant term first.
        coordinate_names: [N].
        defaults, lower, upper: [N] in rad and m.
        clamped, locked: [N].
        rotational: [N] coordinates in rad.
        coupled, drivers: [C] coordinates that follow another, and those that they follow.
        coupler_bodies: [C] bodies whose mean scale factor multiplies a shift that follows; GROUND where none does.
        marker_names, marker_bodies: [M] each; GROUND for a marker that stands still.
        marker_offsets_m: [M, 3, 3]; times the body's scale factors they give the place in the body, as for joints.
    """

    body_names: tuple[str, ...]
    mass_kg: Float[np.ndarray, " bodies"]
    mass_centers_m: Float[np.ndarray, "bodies 3"]
    joint_names: tuple[str, ...]
    joint_parents: Int[np.ndarray, " joints"]
    joint_children: Int[np.ndarray, " joints"]
    parent_rotations: Float[np.ndarray, "joints 3 3"]
    child_rotations: Float[np.ndarray, "joints 3 3"]
    parent_offsets_m: Float[np.ndarray, "joints 3 3"]
    child_offsets_m: Float[np.ndarray, "joints 3 3"]
    axis_directions: Float[np.ndarray, "joints 6 3"]
    axis_coordinates: Int[np.ndarray, "joints 6"]
    axis_growth: Float[np.ndarray, "joints 3 3"]
    slopes: Float[np.ndarray, " functions"]
    intercepts: Float[np.ndarray, " functions"]
    curves: Int[np.ndarray, " curves"]
    curve_breaks: Float[np.ndarray, "curves breaks"]
    curve_centers: Float[np.ndarray, "curves pieces"]
    curve_widths: Float[np.ndarray, "curves pieces"]
    curve_coefficients: Float[np.ndarray, "curves pieces terms"]
    coordinate_names: tuple[str, ...]
    defaults: Float[np.ndarray, " coordinates"]
    lower: Float[np.ndarray, " coordinates"]
    upper: Float[np.ndarray, " coordinates"]
    clamped: Bool[np.ndarray, " coordinates"]
    locked: Bool[np.ndarray, " coordinates"]
    rotational: Bool[np.ndarray, " coordinates"]
    coupled: Int[np.ndarray, " couplers"]
    drivers: Int[np.ndarray, " couplers"]
    coupler_bodies: Int[np.ndarray, " couplers"]
    marker_names: tuple[str, ...]
    marker_bodies: Int[np.ndarray, " markers"]
    marker_offsets_m: Float[np.ndarray, "markers 3 3"]

    @property
    def marker_locations_m(self) -> Float[np.ndarray, "markers 3"]:
        """Where the markers are in the frames of their bodies, not scaled."""
        return self.marker_offsets_m.sum(axis=-1)

    @property
    def limits(self) -> tuple[Float[np.ndarray, " coordinates"], Float[np.ndarray, " coordinates"]]:
        """Lowest and highest value of each coordinate (rad, m), infinite where it is not clamped."""
        return np.where(self.clamped, self.lower, -np.inf), np.where(self.clamped, self.upper, np.inf)

    @property
    def root(self) -> int:
        """The first body that a joint ties to ground."""
        return int(self.joint_children[self.joint_parents.tolist().index(GROUND)])

    def with_listed(self, names: Sequence[str]) -> "Skeleton":
        """The same skeleton with some of its markers only, in the order of `names`."""
        rows = [self.marker_names.index(name) for name in names]
        return self.with_markers(tuple(names), self.marker_bodies[rows], self.marker_locations_m[rows])

    def with_markers(
        self, names: tuple[str, ...], bodies: Int[np.ndarray, " markers"], locations_m: Float[np.ndarray, "markers 3"]
    ) -> "Skeleton":
        """The same skeleton with other markers, at places in the frames of their bodies."""
        offsets = locations_m[..., None] * np.eye(3)
        return dataclasses.replace(self, marker_names=names, marker_bodies=bodies, marker_offsets_m=offsets)

    def with_locked(self, values: Mapping[str, float]) -> "Skeleton":
        """The same skeleton with some coordinates held at values (rad, m)."""
        defaults, locked = self.defaults.copy(), self.locked.copy()
        for name, value in values.items():
            index = self.coordinate_names.index(name)
            defaults[index], locked[index] = value, True
        return dataclasses.replace(self, defaults=defaults, locked=locked)


def write_skeleton(path: Path, skeleton: Skeleton) -> None:
    """Write a skeleton to an .npz, one array per attribute."""
    write_npz(path, **{name: np.asarray(value) for name, value in vars(skeleton).items()})


def read_skeleton(path: Path) -> Skeleton:
    """Read what `write_skeleton` wrote.

    Raises:
        InputError: the file is missing or cannot be read.
    """
    arrays = read_npz(path)
    return Skeleton(
        **{entry.name: field_value(entry.type, arrays[entry.name]) for entry in dataclasses.fields(Skeleton)}
    )


def field_value(kind: Any, array: np.ndarray) -> Any:
    """An array, or a tuple of names."""
    return tuple(str(name) for name in array) if kind == tuple[str, ...] else array
