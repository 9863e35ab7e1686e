"""Scale factors of a model's bodies as the authors' program reads them: from the meshes that draw the bones."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from jaxtyping import Float

from odah_gen.errors import InputError
from odah_gen.storage import read_text


def body_scales(model: Path, generic: Path, bodies: Sequence[str]) -> Float[np.ndarray, "bodies 3"]:
    """Factors of `<body>_geom_1` in a model, against those in the generic one.

    Raises:
        InputError: a file is missing or no model, or a body has no such mesh.
    """
    return mesh_factors(model, bodies) / mesh_factors(generic, bodies)


def mesh_factors(path: Path, bodies: Sequence[str]) -> Float[np.ndarray, "bodies 3"]:
    """The factors of each body's first mesh.

    Raises:
        InputError: the file is missing or no model, or a body has no such mesh.
    """
    try:
        root = ElementTree.fromstring(read_text(path).encode())
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: is no readable .osim ({error}). Export it again.") from error
    found = {mesh.get("name"): mesh.findtext("scale_factors", "1 1 1").split() for mesh in root.iter("Mesh")}
    absent = [body for body in bodies if f"{body}_geom_1" not in found]
    if absent:
        raise InputError(f"{path}: has no mesh {absent[0]}_geom_1, which tells its size. Export it again.")
    return np.array([found[f"{body}_geom_1"] for body in bodies], dtype=float)
