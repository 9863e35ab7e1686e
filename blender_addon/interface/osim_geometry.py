# SPDX-License-Identifier: GPL-3.0-or-later
"""Bone meshes of an OpenSim installation's Geometry folder, as a model.osim attaches them to its bodies. numpy only."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..description import SceneError

Mesh = tuple[np.ndarray, np.ndarray]
"""Vertices [N, 3] (m) and triangles [F, 3]."""


def bone_meshes(model: Path, geometry: Path) -> dict[str, Mesh]:
    """The bones of each body that has any in the folder: vertices from the body's mass centre, in its axes.

    Files of other kinds than .vtp (ascii) and .obj are passed over.

    Raises:
        SceneError: the model or a mesh is damaged.
    """
    found = {}
    for body in parse(model).iter("Body"):
        center, parts = numbers(body.findtext("mass_center", "0 0 0")), []
        for mesh in body.findall("attached_geometry/Mesh"):
            file = geometry / mesh.findtext("mesh_file", "").strip()
            if file.is_file() and file.suffix.lower() in READERS:
                vertices, faces = READERS[file.suffix.lower()](file)
                parts.append((vertices * numbers(mesh.findtext("scale_factors", "1 1 1")) - center, faces))
        if parts:
            found[body.get("name", "")] = joined(parts)
    return found


def joined(parts: list[Mesh]) -> Mesh:
    """Several meshes as one."""
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in parts)])
    return (
        np.concatenate([vertices for vertices, _ in parts]),
        np.concatenate([faces + start for (_, faces), start in zip(parts, starts)]),
    )


def parse(path: Path) -> ET.Element:
    """The root of an XML file, with one sentence for whatever is wrong."""
    try:
        return ET.parse(path).getroot()
    except (OSError, ET.ParseError) as error:
        raise SceneError(f"{path}: cannot be read ({error}). Choose the Geometry folder of an OpenSim 4.") from error


def numbers(text: str | None) -> np.ndarray:
    """The numbers of a text."""
    return np.array((text or "").split(), dtype=np.float64)


def read_vtp(path: Path) -> Mesh:
    """A mesh of VTK's PolyData in XML, as text; faces of more corners are cut into fans."""
    piece = parse(path).find("PolyData/Piece")
    points = None if piece is None else piece.find("Points/DataArray")
    polys = {} if piece is None else {each.get("Name"): each for each in piece.findall("Polys/DataArray")}
    if points is None or not {"connectivity", "offsets"} <= polys.keys() or points.get("format") != "ascii":
        raise SceneError(f"{path}: is no .vtp of text. Choose the Geometry folder of an OpenSim 4.")
    corners, ends = (numbers(polys[name].text).astype(int) for name in ("connectivity", "offsets"))
    return numbers(points.text).reshape(-1, 3), fans(np.split(corners, ends[:-1]))


def read_obj(path: Path) -> Mesh:
    """A mesh of a Wavefront file."""
    rows = [row.split() for row in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    vertices = np.array([row[1:4] for row in rows if row[:1] == ["v"]], dtype=np.float64)
    faces = [np.array([int(corner.split("/")[0]) - 1 for corner in row[1:]]) for row in rows if row[:1] == ["f"]]
    return vertices, fans(faces)


def fans(polygons: list[np.ndarray]) -> np.ndarray:
    """Triangles [F, 3] of polygons."""
    triangles = [(each[0], each[i], each[i + 1]) for each in polygons for i in range(1, len(each) - 1)]
    return np.array(triangles, dtype=np.int64).reshape(-1, 3)


READERS: dict[str, Callable[[Path], Mesh]] = {".vtp": read_vtp, ".obj": read_obj}
