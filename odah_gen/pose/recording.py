"""A recorded motion of any OpenSim model: a .mot or .sto in, and what the model does in every frame out."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from odah_gen.errors import InputError
from odah_gen.pose.coordinates import unit_sizes, units
from odah_gen.pose.skeleton_poser import SkeletonPoser, names_of_parts
from odah_gen.skeleton.mot import CoordinateTrajectories, Table, read_table
from odah_gen.skeleton.skeleton import Skeleton
from odah_gen.storage import write_npz

CURE = "Export the motion again, with OpenSim's inverse kinematics or odah-gen ik."
MOST_TURN_RAD = 8 * np.pi
"""Angles above this in a file that is said to be in radians are degrees: nobody turns four times about one axis."""


def read_recording(path: Path, skeleton: Skeleton) -> CoordinateTrajectories:
    """The coordinates of a model over time (rad, m), in its order.

    Columns are named after coordinates, as in a .mot, or after their states, as in a .sto (`/jointset/hip_r/
    hip_flexion_r/value`). What else the file holds is passed over. Angles are converted as OpenSim does it, from degrees
    where the header says inDegrees=yes, but for those whose unit is `rad` (odah_gen.pose.coordinates.units). Coupled
    coordinates are left at their defaults: SkeletonPoser lets them follow, whatever the file says. A locked one keeps its
    default where the file has none.

    Raises:
        InputError: the file is missing or no .mot, is of another model, lacks a coordinate, or holds NaN or degrees that
            are called radians.
    """
    table = read_table(path, CURE)
    columns = coordinate_columns(path, table, skeleton)
    check_finite(path, table, columns)
    values = np.tile(skeleton.defaults, (len(table.time_s), 1))
    sizes = unit_sizes(skeleton) if table.degrees else np.ones(len(skeleton.coordinate_names))
    for index, column in columns.items():
        values[:, index] = table.values[:, column] * sizes[index]
    if not table.degrees:
        check_radians(path, values, skeleton)
    return CoordinateTrajectories(skeleton.coordinate_names, table.time_s, values)


def coordinate_columns(path: Path, table: Table, skeleton: Skeleton) -> dict[int, int]:
    """Coordinate → column of the file, without followers.

    Raises:
        InputError: the file has no coordinate of the model, or lacks one that is neither locked nor coupled.
    """
    places = {coordinate_of(name): column for column, name in enumerate(table.names)}
    names, followers = skeleton.coordinate_names, set(skeleton.coupled.tolist())
    found = {i: places[name] for i, name in enumerate(names) if name in places and i not in followers}
    if not found:
        raise InputError(
            f"{path}: has no coordinate of the model; its columns begin with {', '.join(table.names[:3])} and the "
            f"model's coordinates with {', '.join(names[:3])}. Choose the .osim that the motion was made with."
        )
    absent = [
        name for i, name in enumerate(names) if i not in found | dict.fromkeys(followers) and not skeleton.locked[i]
    ]
    if absent:
        more = f" and {len(absent) - 1} more of the model's coordinates" if absent[1:] else ""
        raise InputError(
            f"{path}: has no column {absent[0]}{more}; every coordinate that is neither locked nor coupled was "
            "expected. Choose the .osim that the motion was made with, or add the columns."
        )
    return found


def coordinate_of(column: str) -> str:
    """The coordinate that a column is named after: itself, or `…/<coordinate>/value`; speeds are no coordinates."""
    parts = column.split("/")
    return parts[-2] if len(parts) > 2 and parts[-1] == "value" else column


def check_finite(path: Path, table: Table, columns: dict[int, int]) -> None:
    """Refuse NaN and infinite values, naming the first.

    Raises:
        InputError: there is one.
    """
    used = list(columns.values())
    bad = np.argwhere(~np.isfinite(table.values[:, used]))
    if not np.isfinite(table.time_s).all():
        raise InputError(f"{path}: time holds NaN or infinite values. {CURE}")
    if len(bad):
        row, column = bad[0]
        raise InputError(
            f"{path}: {table.names[used[column]]} holds NaN or infinite values, first in row {row + 1}; numbers were "
            f"expected. {CURE}"
        )


def check_radians(path: Path, values: Float[np.ndarray, "frames coordinates"], skeleton: Skeleton) -> None:
    """Refuse angles that are too large to be radians.

    Raises:
        InputError: there is one.
    """
    angles = np.array([unit != "m" for unit in units(skeleton)])
    largest = np.abs(values[:, angles]).max(initial=0.0)
    if largest > MOST_TURN_RAD:
        raise InputError(
            f"{path}: has angles up to {largest:.0f} and its header does not say inDegrees=yes, so they would be radians; "
            "they look like degrees. Write inDegrees=yes into the header."
        )


def write_recording(path: Path, poser: SkeletonPoser, recording: CoordinateTrajectories) -> None:
    """Write what the model does in every frame, as `FILE.npz` of docs/formats.md.

    Raises:
        InputError: the file cannot be written.
    """
    skeleton, pose = poser.skeleton, poser.pose(recording.values)
    frames, markers = pose.markers_m.shape[:2]
    write_npz(
        path,
        time_s=recording.time_s - recording.time_s[0],
        coordinate_names=np.array(skeleton.coordinate_names),
        coordinates=pose.coordinates,
        joint_centers_m=pose.joint_centers_m,
        mass_centers_m=pose.mass_centers_m,
        markers_m=pose.markers_m,
        body_rotations=pose.body_rotations,
        body_origins_m=pose.body_origins_m,
        marker_error_m=np.full((frames, markers), np.nan),
        valid=np.ones(frames, dtype=bool),
        **{name: np.array(parts, dtype=str) for name, parts in names_of_parts(skeleton).items()},
    )
