"""The fidelity stage: the fitted body of a clip against its label."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from odah_gen.body.layout import MARKERS, load_layout
from odah_gen.body.model import find_body_model
from odah_gen.config import to_mapping
from odah_gen.errors import InputError
from odah_gen.fidelity.measure import FinalBody, Label, measure
from odah_gen.fidelity.mesh import Watched, watch
from odah_gen.fidelity.standing import Standing, stand
from odah_gen.registration.fit_stage import pick, read_regressor
from odah_gen.registration.store import regressor_file, regressor_keys
from odah_gen.run import Run
from odah_gen.skeleton.ik_stage import marker_weights, model_skeleton
from odah_gen.storage import missing, read_json, read_npz, read_text, write_json

LABEL_ARRAYS = (
    "coordinate_names",
    "joint_names",
    "body_names",
    "coordinates",
    "joint_centers_m",
    "body_rotations",
    "marker_names",
    "markers_m",
    "marker_error_m",
    "valid",
)
BODY_ARRAYS = ("poses", "trans", "betas", "gender")
SUBJECT_INPUTS = ("model.osim", "scales.json", "scaling.json", "body.npz", "fit.npz")
CLIP_INPUTS = ("keypoints.npz", "body.npz")
METHOD = "1"
"""Raised when a change of the code makes older figures stale."""


def measure_clips(run: Run, clips: Sequence[str], tell: Callable[[str], None]) -> None:
    """Measure clips, those apart whose fidelity.json was made from the files and settings of today.

    Args:
        run: the run.
        clips: their ids.
        tell: is told of each clip.

    Raises:
        InputError: as `measure_clip`.
    """
    for number, clip_id in enumerate(clips, 1):
        path, current = run.clip(clip_id) / "fidelity.json", fingerprint(run, clip_id)
        if made_from(path) == current:
            # Snakemake takes a file that is older than its inputs for stale.
            os.utime(path)
            did = "nothing has changed"
        else:
            write_json(path, figures_of_clip(run, clip_id) | {"made_from": current})
            did = "measured"
        tell(f"{clip_id}: {did} ({number} of {len(clips)})")


def fingerprint(run: Run, clip_id: str) -> str:
    """A hash of all that a clip's figures depend on: files by content, settings, and METHOD.

    Raises:
        InputError: a file is missing.
    """
    folder, subject = run.clip(clip_id), run.subject(str(run.row(clip_id)["subject"]))
    settings = to_mapping(run.config)
    wanted = [settings["body"], settings["skeleton"], settings["ik"]["engine"]]
    total = hashlib.sha256(json.dumps([METHOD, wanted, regressor_keys(run.config)]).encode())
    shared = [Path(run.config.skeleton.markers or MARKERS), regressor_file(run)]
    for path in (*shared, *(subject / name for name in SUBJECT_INPUTS), *(folder / name for name in CLIP_INPUTS)):
        try:
            total.update(hashlib.sha256(path.read_bytes()).digest())
        except FileNotFoundError as error:
            raise missing(path) from error
    return total.hexdigest()


def made_from(path: Path) -> str | None:
    """The fingerprint that a fidelity.json names; None where there is no such file."""
    return read_json(path).get("made_from") if path.exists() else None


def measure_clip(run: Run, clip_id: str) -> None:
    """Write C/fidelity.json, also where nothing has changed.

    Raises:
        InputError: a file of an earlier stage is missing or does not fit the others.
    """
    write_json(run.clip(clip_id) / "fidelity.json", figures_of_clip(run, clip_id))


def figures_of_clip(run: Run, clip_id: str) -> dict[str, Any]:
    """The figures of C/keypoints.npz, C/body.npz and the subject's model, shape and marker offsets.

    Raises:
        InputError: a file of an earlier stage is missing or does not fit the others.
    """
    folder, subject = run.clip(clip_id), run.subject(str(run.row(clip_id)["subject"]))
    watched = watched_points(run, clip_id)
    label, body = read_label(folder, watched), read_body(folder, subject)
    if len(body.poses) != len(label.valid):
        raise InputError(
            f"{folder / 'body.npz'}: has {len(body.poses)} frames; keypoints.npz has {len(label.valid)}. "
            "Run the fit stage of this clip again."
        )
    return measure(watched, read_standing(run, subject, watched), label, body)


def watched_points(run: Run, clip_id: str) -> Watched:
    """What is looked at on the body model of a clip.

    Raises:
        InputError: body.npz, the body model, the marker list or the regressor is missing or does not fit.
    """
    gender = str(read_npz(run.clip(clip_id) / "body.npz", BODY_ARRAYS)["gender"])
    model = find_body_model(run.config.body, gender)
    layout = load_layout(run.config.skeleton.markers).on(model)
    return watch(model, layout, read_regressor(regressor_file(run), model))


def read_body(folder: Path, subject: Path) -> FinalBody:
    """The fitted body of a clip.

    Raises:
        InputError: body.npz or the subject's fit.npz is missing or lacks an array.
    """
    fitted = read_npz(folder / "body.npz", BODY_ARRAYS)
    offsets_m = read_npz(subject / "fit.npz", ("marker_offsets_m",))["marker_offsets_m"]
    return FinalBody(fitted["betas"], offsets_m, fitted["poses"], fitted["trans"])


def read_standing(run: Run, subject: Path, watched: Watched) -> Standing | None:
    """The subject's static trial, or None for an own model that only OpenSim can move.

    Raises:
        InputError: a file is missing, or the fast engine is wanted and cannot read the model.
    """
    path = subject / "model.osim"
    text = read_text(path)
    betas = read_npz(subject / "body.npz", ("betas",))["betas"]
    try:
        skeleton = model_skeleton(text, str(path))
    except InputError:
        if run.config.ik.engine == "fast":
            raise
        return None
    return stand(watched, betas, skeleton, marker_weights(run, subject), read_json(subject / "scales.json"))


def read_label(folder: Path, watched: Watched) -> Label:
    """The label of a clip, its markers in the order of the watched layout.

    Raises:
        InputError: keypoints.npz is missing, lacks an array, or lacks a marker.
    """
    return label_of(folder, read_npz(folder / "keypoints.npz", LABEL_ARRAYS), watched)


def label_of(folder: Path, arrays: Mapping[str, np.ndarray], watched: Watched) -> Label:
    """A label from the arrays of keypoints.npz, as `read_label`; `folder` is for messages.

    Raises:
        InputError: a marker is missing.
    """
    names = {kind: tuple(map(str, arrays[f"{kind}_names"])) for kind in ("coordinate", "joint", "body")}
    wanted = watched.layout.names
    errors = pick(folder, arrays["marker_error_m"][..., None], arrays["marker_names"], wanted)
    return Label(
        coordinate_names=names["coordinate"],
        joint_names=names["joint"],
        body_names=names["body"],
        coordinates=arrays["coordinates"],
        joint_centers_m=arrays["joint_centers_m"],
        body_rotations=arrays["body_rotations"],
        markers_m=pick(folder, arrays["markers_m"], arrays["marker_names"], wanted),
        source_error_m=errors[..., 0],
        valid=arrays["valid"].astype(bool),
    )
