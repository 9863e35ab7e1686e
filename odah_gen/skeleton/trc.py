"""Marker trajectories as .trc files: OpenSim ground (Y up, X forward, Z right), metres in memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from odah_gen.errors import InputError
from odah_gen.storage import atomic, read_text

METRES_PER_UNIT = {"m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001}
UNIT_NAMES = {"m": "metres", "dm": "decimetres", "cm": "centimetres", "mm": "millimetres"}
PERSON_M = 1.7
LARGEST_BODY_M = 10.0
SMALLEST_BODY_M = 0.02
HEADER_ROWS = 5


@dataclass(frozen=True)
class MarkerTrajectories:
    """Marker positions over time.

    Attributes:
        names: marker names, M of them, each once.
        time_s: [T] increasing times (s).
        points_m: [T, M, 3] positions in OpenSim ground (m); NaN where a marker was not seen.
    """

    names: tuple[str, ...]
    time_s: Float[np.ndarray, " frames"]
    points_m: Float[np.ndarray, "frames markers 3"]

    def column(self, name: str) -> Float[np.ndarray, "frames 3"]:
        """The positions of one marker (m).

        Raises:
            KeyError: there is no such marker.
        """
        if name not in self.names:
            raise KeyError(name)
        return self.points_m[:, self.names.index(name)]


def write_trc(path: Path, trajectories: MarkerTrajectories) -> None:
    """Write a .trc in metres; a missing marker (NaN) becomes an empty field."""
    frames, markers = trajectories.points_m.shape[:2]
    rate = rate_hz(trajectories.time_s)
    rows = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate:.6g}\t{rate:.6g}\t{frames}\t{markers}\tm\t{rate:.6g}\t1\t{frames}",
        "Frame#\tTime\t" + "\t\t\t".join(trajectories.names) + "\t\t",
        "\t\t" + "\t".join(f"X{i}\tY{i}\tZ{i}" for i in range(1, markers + 1)),
        "",
    ]
    for index, (time, points) in enumerate(zip(trajectories.time_s, trajectories.points_m)):
        fields = ("" if np.isnan(value) else f"{value:.8f}" for value in points.ravel())
        # OpenSim drops an empty field at the end of a row; the tab behind the last one keeps it.
        rows.append(f"{index + 1}\t{time:.8f}\t" + "\t".join(fields) + "\t")
    with atomic(path) as temporary:
        temporary.write_text("\n".join(rows) + "\n")


def read_trc(path: Path) -> MarkerTrajectories:
    """Read a .trc, converting its unit to metres.

    Raises:
        InputError: the file is missing, no .trc, cut off, in an unknown unit, or in another unit than it says.
    """
    rows = read_rows(path)
    header = dict(zip(rows[1].split("\t"), rows[2].split("\t")))
    factor = unit_factor(path, header)
    names = marker_names(path, rows[3])
    body = [row for row in rows[HEADER_ROWS:] if row.strip()]
    if not body:
        raise InputError(f"{path}: holds no frames; at least one was expected. Export the trial again.")
    if header.get("NumFrames", "").strip() not in ("", str(len(body))):
        raise InputError(
            f"{path}: has {len(body)} frames and its third line says {header['NumFrames']}; it was cut off. "
            "Export the trial again."
        )
    table = np.array([parse_row(path, row, 2 + 3 * len(names)) for row in body])
    trajectories = MarkerTrajectories(names, table[:, 1], factor * table[:, 2:].reshape(len(table), len(names), 3))
    check_times(path, trajectories.time_s)
    check_extent(path, trajectories.points_m, header["Units"].strip())
    return trajectories


def read_rows(path: Path) -> list[str]:
    """The lines of a .trc, once its header has been recognised."""
    rows = read_text(path).splitlines()
    if len(rows) < HEADER_ROWS or "Units" not in rows[1].split("\t") or not rows[3].startswith("Frame#"):
        raise InputError(
            f"{path}: is no .trc; five header lines with DataRate … Units and Frame# were expected. Export it again."
        )
    return rows


def unit_factor(path: Path, header: dict[str, str]) -> float:
    """Metres per unit of the file."""
    unit = header.get("Units", "").strip()
    if unit not in METRES_PER_UNIT:
        known = ", ".join(METRES_PER_UNIT)
        raise InputError(f"{path}: Units is {unit!r}; one of {known} was expected. Correct the third line of the file.")
    return METRES_PER_UNIT[unit]


def marker_names(path: Path, row: str) -> tuple[str, ...]:
    """The marker names of the fourth header line, each once."""
    names = tuple(field.strip() for field in row.split("\t")[2:] if field.strip())
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not names:
        wrong = f"names {', '.join(twice)} twice" if twice else "names no markers"
        raise InputError(f"{path}: {wrong}; each marker once was expected. Rename the columns of the fourth line.")
    return names


def parse_row(path: Path, row: str, columns: int) -> list[float]:
    """The numbers of one frame; empty fields are NaN."""
    fields = row.rstrip("\r\n").split("\t")
    fields = fields + [""] * (columns - len(fields))
    try:
        if any(field.strip() for field in fields[columns:]):
            raise ValueError
        return [float(field) if field.strip() else np.nan for field in fields[:columns]]
    except ValueError as error:
        raise InputError(
            f"{path}: frame {fields[0] or '?'} has other than {columns} numbers (number, time, three per marker). "
            "Export the trial again."
        ) from error


def check_times(path: Path, time_s: Float[np.ndarray, " frames"]) -> None:
    """Refuse times that are missing or do not increase."""
    if np.isnan(time_s).any() or (np.diff(time_s) <= 0).any():
        raise InputError(f"{path}: its times do not increase from frame to frame. Export the trial again.")


def check_extent(path: Path, points_m: Float[np.ndarray, "frames markers 3"], unit: str) -> None:
    """Refuse a body too large or too small to be one: the usual sign of a wrong unit in the header.

    Raises:
        InputError: the markers of a frame span more than 10 m, or ten markers and more span less than 2 cm; no marker was
            seen in any frame.
    """
    if np.isnan(points_m).any(axis=2).all():
        raise InputError(f"{path}: no marker was seen in any frame. Export the trial again.")
    if np.isinf(points_m).any():
        raise InputError(f"{path}: holds infinite positions. Export the trial again.")
    low = np.where(np.isnan(points_m), np.inf, points_m).min(axis=1)
    high = np.where(np.isnan(points_m), -np.inf, points_m).max(axis=1)
    extent = max(float((high - low).max()), 0.0)
    if extent > LARGEST_BODY_M or (points_m.shape[1] >= 10 and extent < SMALLEST_BODY_M):
        likely = likely_unit(extent / METRES_PER_UNIT[unit])
        raise InputError(
            f"{path}: says its unit is {unit}, but then the markers of one frame span {extent:.3g} m; a person spans "
            f"about 2 m, so it is probably in {UNIT_NAMES[likely]}. Correct Units in the third line of the file ({likely})."
        )


def likely_unit(extent: float) -> str:
    """The unit in which a person may measure `extent`."""
    return min(METRES_PER_UNIT, key=lambda unit: abs(np.log(max(extent, 1e-9) * METRES_PER_UNIT[unit] / PERSON_M)))


def rate_hz(time_s: Float[np.ndarray, " frames"]) -> float:
    """Frames per second of evenly spaced times; one frame counts as 60 Hz, because the header needs a rate."""
    return float((len(time_s) - 1) / (time_s[-1] - time_s[0])) if len(time_s) > 1 else 60.0
