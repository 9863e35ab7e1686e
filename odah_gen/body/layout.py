"""The marker list (assets/markers.yaml): names, places on the skeleton and on the skin, weights, held-out points."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jaxtyping import Float, Int

from odah_gen.body.model import TOPOLOGIES, BodyModel
from odah_gen.errors import InputError
from odah_gen.paths import ASSETS
from odah_gen.storage import atomic, read_yaml

MARKERS = ASSETS / "markers.yaml"
OFFSET_SD_M = {"bony": 0.005, "soft": 0.020}
"""How far a marker on a subject may sit from its place on the skeleton (standard deviation, m)."""
MARKER_KEYS = {"body", "location_m", "weight", "kind", "vertex"}
HELD_OUT_KEYS = {"body", "vertex"}


@dataclass(frozen=True)
class MarkerLayout:
    """The markers of the generic skeleton and their vertices on the body models.

    Attributes:
        path: the file they come from.
        names: M marker names, each once.
        bodies: the OpenSim body each marker is fixed to.
        locations_m: [M, 3] place on the generic skeleton, in the frame of its body (m).
        weights: [M] weight in inverse kinematics; 0 shows a marker without using it.
        kinds: "bony" where bone lies under the skin, otherwise "soft".
        vertices: for each topology ("free", "smplx") the vertex of every marker, -1 where it has none.
        held_out_names: H further skin points, used by nothing but checks.
        held_out_bodies: the OpenSim body under each held-out point.
        held_out_vertices: as `vertices`, for the held-out points.
    """

    path: Path
    names: tuple[str, ...]
    bodies: tuple[str, ...]
    locations_m: Float[np.ndarray, "markers 3"]
    weights: Float[np.ndarray, " markers"]
    kinds: tuple[str, ...]
    vertices: Mapping[str, Int[np.ndarray, " markers"]]
    held_out_names: tuple[str, ...]
    held_out_bodies: tuple[str, ...]
    held_out_vertices: Mapping[str, Int[np.ndarray, " points"]]

    @property
    def offset_sd_m(self) -> Float[np.ndarray, " markers"]:
        """[M] standard deviation of a marker's offset on a subject (m), by kind."""
        return np.array([OFFSET_SD_M[kind] for kind in self.kinds])

    def on(self, model: BodyModel) -> "MarkerLayout":
        """The layout with only the markers and held-out points that have a vertex on the model's topology.

        Raises:
            InputError: the topology is unknown, or a vertex lies beyond the model.
        """
        topology = self.topology(model)
        kept = self.vertices[topology] >= 0
        held_out = self.held_out_vertices[topology] >= 0
        return dataclasses.replace(
            self,
            names=select(self.names, kept),
            bodies=select(self.bodies, kept),
            locations_m=self.locations_m[kept],
            weights=self.weights[kept],
            kinds=select(self.kinds, kept),
            vertices={key: ids[kept] for key, ids in self.vertices.items()},
            held_out_names=select(self.held_out_names, held_out),
            held_out_bodies=select(self.held_out_bodies, held_out),
            held_out_vertices={key: ids[held_out] for key, ids in self.held_out_vertices.items()},
        )

    def vertex_ids(self, model: BodyModel) -> Int[np.ndarray, " markers"]:
        """The vertex of every marker on a body model, in the order of `names`.

        Raises:
            InputError: the topology is unknown, a vertex lies beyond the model, or a marker has none (see `on`).
        """
        return self.complete(model, self.names, self.vertices[self.topology(model)])

    def held_out_ids(self, model: BodyModel) -> Int[np.ndarray, " points"]:
        """The vertex of every held-out point on a body model, in the order of `held_out_names`.

        Raises:
            InputError: as for `vertex_ids`.
        """
        return self.complete(model, self.held_out_names, self.held_out_vertices[self.topology(model)])

    def topology(self, model: BodyModel) -> str:
        """The key of the vertex table that fits a body model, by its number of vertices.

        Raises:
            InputError: no table fits, or the table has a vertex beyond the model.
        """
        count = len(model.v_template)
        if count not in TOPOLOGIES:
            known = " or ".join(f"{vertices} ({name})" for vertices, name in TOPOLOGIES.items())
            raise InputError(
                f"{model.path}: has {count} vertices; marker vertices are known for {known}. "
                "Use such a model, or add its topology to the marker list."
            )
        topology = TOPOLOGIES[count]
        for names, table in ((self.names, self.vertices), (self.held_out_names, self.held_out_vertices)):
            beyond = [f"{name} ({vertex})" for name, vertex in zip(names, table[topology]) if vertex >= count]
            if beyond:
                raise InputError(
                    f"{self.path}: vertex of {beyond[0]} lies beyond the {topology} body, which has {count} vertices "
                    "counted from 0. Correct the number."
                )
        return topology

    def complete(
        self, model: BodyModel, names: Sequence[str], ids: Int[np.ndarray, " points"]
    ) -> Int[np.ndarray, " points"]:
        """The ids, once every name has one."""
        absent = [name for name, vertex in zip(names, ids) if vertex < 0]
        if absent:
            raise InputError(
                f"{self.path}: {', '.join(absent)} have no vertex on {model.path.name} ({model.name}). "
                "Add the vertices, or leave these markers out."
            )
        return ids


def load_layout(path: Path | str | None = None) -> MarkerLayout:
    """Read a marker list; without a path the one of assets/.

    Raises:
        InputError: the file is missing or malformed; a name occurs twice; a key or kind is unknown; a vertex is used twice.
    """
    path = MARKERS if path is None else Path(path)
    content = read_yaml(path)
    sections = list(content.values()) if isinstance(content, dict) else []
    if not sections or set(content) != {"markers", "held_out"} or not all(isinstance(part, dict) for part in sections):
        raise InputError(
            f"{path}: is no marker list; lines of markers under the two keys markers and held_out were expected. "
            "Start from assets/markers.yaml."
        )
    check_names_once(path)
    markers, held_out = content["markers"], content["held_out"]
    check_entries(path, markers, MARKER_KEYS)
    check_entries(path, held_out, HELD_OUT_KEYS)
    check_markers(path, markers)
    check_vertices(path, {**markers, **held_out})
    entries = list(markers.values())
    return MarkerLayout(
        path=path,
        names=tuple(markers),
        bodies=tuple(entry["body"] for entry in entries),
        locations_m=np.array([entry["location_m"] for entry in entries], dtype=float).reshape(-1, 3),
        weights=np.array([entry["weight"] for entry in entries], dtype=float),
        kinds=tuple(entry["kind"] for entry in entries),
        vertices=vertex_tables(entries),
        held_out_names=tuple(held_out),
        held_out_bodies=tuple(entry["body"] for entry in held_out.values()),
        held_out_vertices=vertex_tables(list(held_out.values())),
    )


def write_layout(path: Path, layout: MarkerLayout) -> None:
    """Write a marker list in the form of assets/markers.yaml: the comments at its top, then one line per marker."""
    rows = ["markers:"]
    for i, name in enumerate(layout.names):
        entry = {
            "body": layout.bodies[i],
            "location_m": [round(float(value), 5) for value in layout.locations_m[i]],
            "weight": float(layout.weights[i]),
            "kind": layout.kinds[i],
            "vertex": vertex_entry(layout.vertices, i),
        }
        rows.append(flow_line(name, entry))
    rows.append("held_out:")
    for i, name in enumerate(layout.held_out_names):
        rows.append(
            flow_line(name, {"body": layout.held_out_bodies[i], "vertex": vertex_entry(layout.held_out_vertices, i)})
        )
    with atomic(path) as temporary:
        temporary.write_text("\n".join([*head_comments(layout.path), *rows]) + "\n")


def head_comments(path: Path) -> list[str]:
    """The comment lines at the top of a marker list; none when the file is new."""
    if not path.exists():
        return []
    lines = path.read_text().splitlines()
    return lines[: next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))]


def flow_line(name: str, entry: Mapping[str, Any]) -> str:
    """One marker on one line."""
    return f"  {name}: " + yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=10_000).strip()


def vertex_entry(tables: Mapping[str, Int[np.ndarray, " points"]], index: int) -> dict[str, int | None]:
    """The vertices of one marker by topology; null where there is none."""
    return {topology: int(ids[index]) if ids[index] >= 0 else None for topology, ids in tables.items()}


def vertex_tables(entries: Sequence[Mapping[str, Any]]) -> dict[str, Int[np.ndarray, " points"]]:
    """Vertex ids by topology; -1 stands for null."""
    rows = [entry["vertex"] for entry in entries]
    return {
        topology: np.array([-1 if row.get(topology) is None else row[topology] for row in rows], dtype=int)
        for topology in TOPOLOGIES.values()
    }


def select(items: Sequence[str], kept: np.ndarray) -> tuple[str, ...]:
    """The items whose flag is set."""
    return tuple(item for item, keep in zip(items, kept) if keep)


def check_names_once(path: Path) -> None:
    """Refuse a name that occurs twice; YAML would silently keep the last one."""
    root = yaml.compose(path.read_text())
    sections = [value for _, value in root.value] if isinstance(root, yaml.MappingNode) else []
    names = [key.value for section in sections for key, _ in section.value]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: {', '.join(twice)} stands there twice; each marker once was expected. Rename one.")


def check_entries(path: Path, entries: Mapping[str, Any], keys: set[str]) -> None:
    """Every entry has exactly the keys of its section, and vertices of known topologies."""
    for name, entry in entries.items():
        if not isinstance(entry, dict) or set(entry) != keys:
            raise InputError(f"{path}: {name} must have exactly {', '.join(sorted(keys))}. Correct the line.")
        vertex = entry["vertex"]
        whole = isinstance(vertex, dict) and all(v is None or (isinstance(v, int) and v >= 0) for v in vertex.values())
        if not whole or not set(vertex) <= set(TOPOLOGIES.values()):
            known = ", ".join(TOPOLOGIES.values())
            raise InputError(f"{path}: vertex of {name} must give a vertex number or null for {known}. Correct it.")


def check_markers(path: Path, markers: Mapping[str, Any]) -> None:
    """Locations are three numbers, weights are not negative, kinds are known."""
    for name, entry in markers.items():
        location, weight, kind = entry["location_m"], entry["weight"], entry["kind"]
        if not (isinstance(location, list) and len(location) == 3 and all(map(is_number, location))):
            raise InputError(
                f"{path}: location_m of {name} is {location}; three numbers (m) were expected. Correct it."
            )
        if not is_number(weight) or weight < 0:
            raise InputError(f"{path}: weight of {name} is {weight}; a number from 0 upwards was expected. Correct it.")
        if kind not in OFFSET_SD_M:
            raise InputError(
                f"{path}: kind of {name} is {kind!r}; {' or '.join(OFFSET_SD_M)} was expected. Correct it."
            )


def is_number(value: Any) -> bool:
    """Whether a YAML value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def check_vertices(path: Path, entries: Mapping[str, Any]) -> None:
    """No two markers share a vertex: one of them would be a copying mistake."""
    for topology in TOPOLOGIES.values():
        owner: dict[int, str] = {}
        for name, entry in entries.items():
            vertex = entry["vertex"].get(topology)
            if vertex is not None and owner.setdefault(vertex, name) != name:
                raise InputError(
                    f"{path}: {owner[vertex]} and {name} both have {topology} vertex {vertex}. Correct one of them."
                )
