"""Coordinate trajectories as .mot files: degrees and metres in the file, radians and metres in memory.

OpenSim reads the columns of coupled coordinates (`knee_angle_r_beta`, `knee_angle_l_beta`) as radians even when the
header says inDegrees=yes, because it converts independent rotational coordinates only; they are written so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from odah_gen.errors import InputError
from odah_gen.storage import atomic, read_text

TRANSLATIONS = ("_tx", "_ty", "_tz")
COUPLED = "_beta"


@dataclass(frozen=True)
class CoordinateTrajectories:
    """Generalised coordinates over time.

    Attributes:
        names: coordinate names, N of them.
        time_s: [T] times (s).
        values: [T, N] in rad, translations in m.
    """

    names: tuple[str, ...]
    time_s: Float[np.ndarray, " frames"]
    values: Float[np.ndarray, "frames coordinates"]


def in_degrees(names: Sequence[str]) -> Bool[np.ndarray, " coordinates"]:
    """Which columns OpenSim reads as degrees: all but translations and coupled coordinates."""
    return np.array([not name.endswith((*TRANSLATIONS, COUPLED)) for name in names], dtype=bool)


def write_mot(
    path: Path,
    names: Sequence[str],
    time_s: Float[np.ndarray, " frames"],
    values: Float[np.ndarray, "frames coordinates"],
    degrees: bool = True,
) -> None:
    """Write coordinates (rad, m) as a .mot that OpenSim replays, its angles in degrees or all in radians."""
    columns = np.where(in_degrees(names), np.rad2deg(values), values) if degrees else values
    angles = "degrees" if degrees else "radians"
    rows = [
        "Coordinates",
        "version=1",
        f"nRows={len(columns)}",
        f"nColumns={len(names) + 1}",
        f"inDegrees={'yes' if degrees else 'no'}",
        f"Rotations are in {angles}, translations in metres, coupled coordinates (_beta) in radians.",
        "endheader",
        "\t".join(["time", *names]),
    ]
    rows += ["\t".join(f"{value:.10f}" for value in (time, *row)) for time, row in zip(time_s, columns)]
    with atomic(path) as temporary:
        temporary.write_text("\n".join(rows) + "\n")


def read_mot(path: Path) -> CoordinateTrajectories:
    """Read a .mot into radians and metres.

    Raises:
        InputError: the file is missing, has no endheader, no time column, or a row of another length.
    """
    rows = read_text(path).splitlines()
    ends = [index for index, row in enumerate(rows) if row.strip() == "endheader"]
    if not ends or len(rows) < ends[0] + 3 or not rows[ends[0] + 1].startswith("time"):
        raise InputError(f"{path}: is no .mot (endheader, a line with time …, numbers). Run the ik stage again.")
    names = tuple(rows[ends[0] + 1].split()[1:])
    table = parse_rows(path, [row for row in rows[ends[0] + 2 :] if row.strip()], len(names) + 1)
    degrees = any(row.replace(" ", "").lower() == "indegrees=yes" for row in rows[: ends[0]])
    values = np.where(in_degrees(names), np.deg2rad(table[:, 1:]), table[:, 1:]) if degrees else table[:, 1:]
    return CoordinateTrajectories(names, table[:, 0], values)


def parse_rows(path: Path, rows: Sequence[str], columns: int) -> Float[np.ndarray, "frames columns"]:
    """The numbers of a .mot."""
    try:
        return np.array([[float(field) for field in row.split()] for row in rows]).reshape(len(rows), columns)
    except ValueError as error:
        raise InputError(
            f"{path}: has a row with other than {columns} numbers; it was cut off. Run the ik stage again."
        ) from error
