"""What `odah-gen pose` is asked and what it answers (docs/formats.md, "The pose child")."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Float

from odah_gen.errors import InputError

PROTOCOL = 1
KINDS: Mapping[str, Sequence[str]] = {
    "pose": ("coordinates", "near", "vertices"),
    "default": ("near", "vertices"),
    "row": ("file", "row", "near", "vertices"),
    "limits": (),
}
"""What can be asked for, and the fields of each request beside `do` and `id`."""


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        kind: one of KINDS.
        coordinates: by name, in the units of a .mot.
        file, row: a .mot and a row of it, counted from 0.
        near: clip and frame from which the body's pose starts.
        vertices: whether the body is wanted.
    """

    kind: str
    coordinates: Mapping[str, float]
    file: Path | None
    row: int
    near: tuple[str, int] | None
    vertices: bool


def parse_line(line: bytes) -> dict[str, Any]:
    """One line as a JSON object.

    Raises:
        InputError: it is none.
    """
    try:
        content = json.loads(line)
    except ValueError as error:
        raise InputError(f"The request is not valid JSON ({error}). Send one object a line.") from error
    if not isinstance(content, dict):
        raise InputError('The request is no JSON object. Send one a line, for instance {"do": "limits"}.')
    return content


def parse_request(content: Mapping[str, Any]) -> Request:
    """A request from its JSON.

    Raises:
        InputError: it asks for something unknown, or a field is unknown or of another kind.
    """
    kind = content.get("do")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(f"do: is {kind!r}; one of {', '.join(KINDS)} was expected.")
    unknown = [name for name in content if name not in ("do", "id", *KINDS[kind])]
    if unknown:
        raise InputError(f"{unknown[0]}: {kind} has no such field; it has {', '.join(KINDS[kind]) or 'none'}.")
    file = content.get("file")
    if kind == "row" and not isinstance(file, str):
        raise InputError("file: is missing or no text; the path of a .mot was expected.")
    return Request(
        kind=kind,
        coordinates=parse_coordinates(content.get("coordinates", {})),
        file=Path(file) if isinstance(file, str) else None,
        row=parse_count("row", content.get("row", 0)),
        near=parse_near(content.get("near")),
        vertices=parse_switch("vertices", content.get("vertices", False)),
    )


def parse_coordinates(value: Any) -> dict[str, float]:
    """Coordinates by name, all finite numbers.

    Raises:
        InputError: they are not.
    """
    if not isinstance(value, dict):
        raise InputError("coordinates: is no JSON object; names with numbers were expected.")
    for name, number in value.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise InputError(f"{name}: is {number!r}; a finite number was expected.")
    return {name: float(number) for name, number in value.items()}


def parse_count(name: str, value: Any) -> int:
    """A whole number from 0.

    Raises:
        InputError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"{name}: is {value!r}; a whole number from 0 was expected.")
    return value


def parse_near(value: Any) -> tuple[str, int] | None:
    """Clip and frame, or nothing.

    Raises:
        InputError: it is neither.
    """
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[0], str):
        raise InputError(f"near: is {value!r}; a list of clip id and frame was expected.")
    return value[0], parse_count("near", value[1])


def parse_switch(name: str, value: Any) -> bool:
    """True or false.

    Raises:
        InputError: it is neither.
    """
    if not isinstance(value, bool):
        raise InputError(f"{name}: is {value!r}; true or false was expected.")
    return value


def write_answer(
    stream: BinaryIO, header: Mapping[str, Any], vertices: Float[np.ndarray, "vertices 3"] | None = None
) -> None:
    """Write one answer: a line of JSON whose `bytes` says how many bytes of vertices follow (float32, little-endian)."""
    body = b"" if vertices is None else np.ascontiguousarray(vertices, dtype="<f4").tobytes()
    line = json.dumps({**header, "bytes": len(body)}, allow_nan=False)
    stream.write(line.encode() + b"\n" + body)
    stream.flush()
