"""Where a model's markers sit in their bodies, read from the text of an .osim without opensim."""

from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float

from odah_gen.errors import InputError


@dataclass(frozen=True)
class MarkerPlaces:
    """Markers as they are fixed to rigid frames.

    Attributes:
        names: [M] markers, in the model's order.
        frames: [M] last name of the path of the frame that carries each (a body, unless an own model uses offset frames).
        locations_m: [M, 3] in that frame.
    """

    names: tuple[str, ...]
    frames: tuple[str, ...]
    locations_m: Float[np.ndarray, "markers 3"]


def read_places(text: str, called: str) -> MarkerPlaces:
    """The markers of a model.

    Raises:
        InputError: the text is no .osim, or a marker has no frame or place.
    """
    try:
        found = list(ElementTree.fromstring(text).iter("Marker"))
        rows = [(str(entry.attrib["name"]), *place(entry)) for entry in found]
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise InputError(f"{called}: OpenSim cannot read this model's markers. Run the scale stage again.") from error
    names, frames, locations = zip(*rows) if rows else ((), (), ())
    return MarkerPlaces(names, frames, np.array(locations, dtype=float).reshape(-1, 3))


def place(marker: ElementTree.Element) -> tuple[str, list[float]]:
    """The frame that carries a marker, and its place there."""
    frame, location = marker.findtext("socket_parent_frame"), marker.findtext("location")
    if frame is None or location is None or len(location.split()) != 3:
        raise ValueError(marker.attrib["name"])
    return frame.strip().rsplit("/", 1)[-1], [float(value) for value in location.split()]
