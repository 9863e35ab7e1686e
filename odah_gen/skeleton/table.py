"""The table of the generic skeleton (assets/skeleton.yaml) and the names that an own model must have too."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from odah_gen.errors import InputError
from odah_gen.paths import ASSETS
from odah_gen.storage import read_yaml


@cache
def skeleton_table() -> Mapping[str, Any]:
    """The table as plain data: bodies, splines, joints, coordinates, couplers, display_geometry; units in the names."""
    return read_yaml(ASSETS / "skeleton.yaml")


def body_names() -> tuple[str, ...]:
    """The 22 bodies, in the order of every array of bodies."""
    return tuple(skeleton_table()["bodies"])


def joint_names() -> tuple[str, ...]:
    """The 22 joints, in the order of every array of joint centres."""
    return tuple(skeleton_table()["joints"])


def coordinate_names() -> tuple[str, ...]:
    """The 39 coordinates, in the order of every array of coordinates."""
    return tuple(skeleton_table()["coordinates"])


def coordinates_of_group(group: str) -> tuple[str, ...]:
    """The coordinates that `skeleton.locked: [group]` keeps at zero; none when there is no such group."""
    return tuple(name for name, row in skeleton_table()["coordinates"].items() if row.get("group") == group)


def groups() -> tuple[str, ...]:
    """The groups of coordinates that may be locked."""
    rows = skeleton_table()["coordinates"].values()
    return tuple(dict.fromkeys(row["group"] for row in rows if "group" in row))


SINGULAR = {"bodies": "body", "joints": "joint", "coordinates": "coordinate"}


def require_names(called: str, found: Mapping[str, Collection[str]], table: Mapping[str, Any], cure: str) -> None:
    """Refuse a model that lacks a body, joint or coordinate of the table.

    Args:
        called: what messages call the model.
        found: its bodies, joints and coordinates.
        table: those that are needed.
        cure: how the message ends.

    Raises:
        InputError: names the first thing that is missing.
    """
    for kind, singular in SINGULAR.items():
        absent = [name for name in table[kind] if name not in found[kind]]
        if absent:
            raise InputError(
                f"{called}: has no {singular} {absent[0]}"
                + (f" (and {len(absent) - 1} more of the {len(table[kind])} {kind} are absent)" if absent[1:] else "")
                + f"; a model of the Rajagopal family was expected. {cure}"
            )
