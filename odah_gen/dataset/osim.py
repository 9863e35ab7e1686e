"""What labels and checks need to know of an .osim: its bodies and the ranges of its coordinates, read as XML."""

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from odah_gen.errors import InputError
from odah_gen.storage import missing


@dataclass(frozen=True)
class CoordinateRange:
    """The range of a coordinate (rad or m), whether a solver keeps to it, and whether it may move at all."""

    low: float
    high: float
    clamped: bool
    locked: bool


@dataclass(frozen=True)
class ModelOutline:
    """Names of a model's bodies and the ranges of its coordinates."""

    bodies: tuple[str, ...]
    coordinates: dict[str, CoordinateRange]


def read_outline(path: Path) -> ModelOutline:
    """Read bodies and coordinates of an .osim; what the file leaves out has OpenSim's defaults (not clamped, free).

    Raises:
        InputError: the file is missing, is no XML, or has no bodies or coordinates.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except FileNotFoundError as error:
        raise missing(path) from error
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: is not a readable .osim ({error}). Run the scale stage again.") from error
    bodies = tuple(body.get("name", "") for body in root.iter("Body"))
    coordinates = {entry.get("name", ""): coordinate_range(entry) for entry in root.iter("Coordinate")}
    if not bodies or not coordinates:
        raise InputError(
            f"{path}: names no bodies or no coordinates; an OpenSim model was expected. Run the scale stage again."
        )
    return ModelOutline(bodies, coordinates)


def coordinate_range(entry: ElementTree.Element) -> CoordinateRange:
    """One <Coordinate> element."""
    low, high = (float(part) for part in entry.findtext("range", "-1e9 1e9").split())
    return CoordinateRange(low, high, flag(entry, "clamped"), flag(entry, "locked"))


def flag(entry: ElementTree.Element, name: str) -> bool:
    """A boolean property; absent is false."""
    return entry.findtext(name, "false").strip() == "true"
