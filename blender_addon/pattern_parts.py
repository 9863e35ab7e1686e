# SPDX-License-Identifier: GPL-3.0-or-later
"""What patterns are made of: noise, bands and blends on a square that repeats. numpy only."""

import numpy as np


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """The sRGB transfer function (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def noise(size: int, across: int, along: int, random: np.random.Generator) -> np.ndarray:
    """Smooth noise [size, size] from 0 to 1 that repeats: random numbers on a lattice of across × along cells."""
    lattice = random.uniform(size=(along, across))
    row, column = (np.arange(size) + 0.5) / size * along, (np.arange(size) + 0.5) / size * across
    (low, down), (left, right) = (neighbours(row, along), neighbours(column, across))
    rows = lattice[low[0]] * (1 - down[:, None]) + lattice[low[1]] * down[:, None]
    return rows[:, left[0]] * (1 - right) + rows[:, left[1]] * right


def neighbours(place: np.ndarray, count: int) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Lattice points before and after each place, and the smooth share of the latter."""
    before = np.floor(place).astype(int)
    share = place - before
    return (before % count, (before + 1) % count), share * share * (3 - 2 * share)


def rough(size: int, across: int, along: int, random: np.random.Generator) -> np.ndarray:
    """Noise of three octaves, from 0 to 1."""
    octaves = [noise(size, across * 2**i, along * 2**i, random) / 2**i for i in range(3)]
    return sum(octaves) / 1.75


def mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Two colours [3] or pictures [N, N, 3], `share` [N, N] of the second."""
    return first + share[..., None] * (second - first)


def ridge(phase: np.ndarray) -> np.ndarray:
    """Round threads: from 0 to 1 and back over each unit of phase."""
    return np.sqrt(np.abs(np.sin(np.pi * phase)))


def inside(distance: np.ndarray, width: float = 0.008) -> np.ndarray:
    """1 where the distance is negative, 0 where it is positive, `width` soft."""
    return np.clip(0.5 - distance / width, 0, 1)


def band(place: np.ndarray, middle: float, width: float) -> np.ndarray:
    """1 within a band of the repeating place."""
    return inside(np.abs((place - middle + 0.5) % 1 - 0.5) - width / 2)


def cloudy(color: np.ndarray, size: int, random: np.random.Generator, depth: float = 0.06) -> np.ndarray:
    """A colour [3] or picture, a little darker and lighter from place to place."""
    return color * (1 + depth * (2 * rough(size, 4, 4, random) - 1))[..., None]
