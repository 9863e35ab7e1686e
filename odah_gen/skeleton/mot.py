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


@dataclass(frozen=True)
class Table:
    """The columns of a .mot as they stand in the file.

    Attributes:
        names: of the columns after time.
        time_s: [T] times (s).
        values: [T, N].
        degrees: whether the header says inDegrees=yes; OpenSim takes radians where it says nothing.
    """

    names: tuple[str, ...]
    time_s: Float[np.ndarray, " frames"]
    values: Float[np.ndarray, "frames columns"]
    degrees: bool


def read_mot(path: Path) -> CoordinateTrajectories:
    """Read a .mot of a run into radians and metres.

    Raises:
        InputError: the file is missing, has no endheader, no time column, or a row of another length.
    """
    table = read_table(path, "Run the ik stage again.")
    values = np.where(in_degrees(table.names), np.deg2rad(table.values), table.values)
    return CoordinateTrajectories(table.names, table.time_s, values if table.degrees else table.values)


def read_table(path: Path, cure: str) -> Table:
    """Read the columns of any .mot or .sto.

    Args:
        path: the file.
        cure: how messages end.

    Raises:
        InputError: the file is missing, has no endheader, no time column, no row, or a row of another length.
    """
    rows = read_text(path).splitlines()
    ends = [index for index, row in enumerate(rows) if row.strip() == "endheader"]
    if not ends or len(rows) < ends[0] + 3 or not rows[ends[0] + 1].startswith("time"):
        raise InputError(f"{path}: is no .mot (endheader, a line with time …, numbers). {cure}")
    names = tuple(rows[ends[0] + 1].split()[1:])
    numbers = parse_rows(path, [row for row in rows[ends[0] + 2 :] if row.strip()], len(names) + 1, cure)
    degrees = any(row.replace(" ", "").lower() == "indegrees=yes" for row in rows[: ends[0]])
    return Table(names, numbers[:, 0], numbers[:, 1:], degrees)


def parse_rows(path: Path, rows: Sequence[str], columns: int, cure: str) -> Float[np.ndarray, "frames columns"]:
    """The numbers of a .mot."""
    try:
        return np.array([[float(field) for field in row.split()] for row in rows]).reshape(len(rows), columns)
    except ValueError as error:
        raise InputError(f"{path}: has a row with other than {columns} numbers; it was cut off. {cure}") from error
