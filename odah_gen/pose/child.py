"""The long-lived child: reads requests, poses skeleton and body, answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Float

from odah_gen.errors import InputError
from odah_gen.pose.coordinates import describe, to_model, to_units, unit_sizes
from odah_gen.pose.mesh_poser import MeshPoser
from odah_gen.pose.protocol import PROTOCOL, Request, parse_line, parse_request, write_answer
from odah_gen.pose.recording import read_recording
from odah_gen.pose.skeleton_poser import SkeletonPose, SkeletonPoser, names_of_parts
from odah_gen.skeleton.mot import CoordinateTrajectories

DECIMALS = 7
"""Of positions (m) and rotations in answers: a tenth of a micrometre."""


class Child:
    """Answers requests for one model."""

    def __init__(self, poser: SkeletonPoser, mesh: MeshPoser | None, no_mesh: str, version: str) -> None:
        """Take what is posed.

        Args:
            poser: the skeleton.
            mesh: the body, where there is one.
            no_mesh: why there is none; empty where there is.
            version: of odah-gen.
        """
        self.poser, self.mesh, self.no_mesh, self.version = poser, mesh, no_mesh, version
        self.recordings: dict[tuple[Path, int], CoordinateTrajectories] = {}

    def serve(self, requests: BinaryIO, answers: BinaryIO) -> None:
        """Say that it is ready, then answer line by line until the requests end."""
        write_answer(answers, self.ready())
        for line in requests:
            if line.strip():
                self.respond(line, answers)

    def ready(self) -> dict[str, Any]:
        """The first message."""
        return {
            "ready": True,
            "protocol": PROTOCOL,
            "version": self.version,
            **names_of_parts(self.poser.skeleton),
            "coordinates": describe(self.poser.skeleton),
            "vertices": 0 if self.mesh is None else self.mesh.vertices,
            "no_mesh": self.no_mesh,
        }

    def respond(self, line: bytes, answers: BinaryIO) -> None:
        """Answer one request; a mistake in it is answered by one sentence."""
        content: Mapping[str, Any] = {}
        try:
            content = parse_line(line)
            header, vertices = self.answer(parse_request(content))
        except InputError as error:
            header, vertices = {"ok": False, "error": str(error)}, None
        write_answer(answers, {"id": content.get("id"), **header}, vertices)

    def answer(self, request: Request) -> tuple[dict[str, Any], Float[np.ndarray, "vertices 3"] | None]:
        """Header and vertices of an answer.

        Raises:
            InputError: the request cannot be met.
        """
        skeleton = self.poser.skeleton
        if request.kind == "limits":
            return {"ok": True, "coordinates": describe(skeleton)}, None
        given = request.coordinates if request.file is None else self.row(request.file, request.row)
        values, notes = to_model(skeleton, given)
        pose = self.poser.pose(values[None])
        header = {"ok": True, "coordinates": to_units(skeleton, pose.coordinates[0]), "notes": notes, **places(pose)}
        if not request.vertices:
            return header, None
        if self.mesh is None:
            return {**header, "notes": [*notes, self.no_mesh]}, None
        return header, self.mesh.pose(pose.coordinates[0], request.near)

    def row(self, path: Path, row: int) -> dict[str, float]:
        """The coordinates in a row of a .mot, by name, in its units.

        Raises:
            InputError: the file cannot be read, is of another model, or has fewer rows.
        """
        recording = self.recording(path)
        if row >= len(recording.time_s):
            raise InputError(f"{path}: has {len(recording.time_s)} rows; row {row} (from 0) was asked for.")
        values = recording.values[row] / unit_sizes(self.poser.skeleton)
        return dict(zip(recording.names, values.tolist()))

    def recording(self, path: Path) -> CoordinateTrajectories:
        """A .mot, read once as long as it does not change.

        Raises:
            InputError: it cannot be read or is of another model.
        """
        key = path, path.stat().st_mtime_ns if path.exists() else 0
        if key not in self.recordings:
            self.recordings = {key: read_recording(path, self.poser.skeleton)}
        return self.recordings[key]


def places(pose: SkeletonPose) -> dict[str, Any]:
    """Where everything is in the first frame, as lists."""
    arrays = {
        "body_rotations": pose.body_rotations,
        "body_origins_m": pose.body_origins_m,
        "joint_centers_m": pose.joint_centers_m,
        "mass_centers_m": pose.mass_centers_m,
        "markers_m": pose.markers_m,
    }
    return {name: array[0].round(DECIMALS).tolist() for name, array in arrays.items()}
