"""Motion files in AMASS's .npz format, in both flavours: SMPL-H (156 columns) and SMPL-X (165 columns).

SMPL-H: root 3, body 63, hands 90; the rate is `mocap_framerate`.
SMPL-X: root 3, body 63, jaw 3, eyes 6, hands 90; the rate is `mocap_frame_rate`.
The hand columns hold the full pose, the hand model's mean included (flat_hand_mean=True, no PCA in smplx's words).
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from odah_gen.config import GENDERS
from odah_gen.errors import InputError
from odah_gen.motion.clip import MotionClip
from odah_gen.storage import missing, objects, read_npz, write_npz

FLAVOUR_BY_COLUMNS = {156: "smplh", 165: "smplx"}
RATE_KEYS = ("mocap_frame_rate", "mocap_framerate")
BODY_COLUMNS = 66
FACE_COLUMNS = 9
SMPLX_COLUMNS = 165
STAGE_OF_FILE = {"motion.npz": "motion", "body.npz": "fit"}
MAX_ANGLE_RAD = 4 * np.pi
"""Rotation vectors of files in radians stay below 2 pi, a little above where one has wound up; degrees exceed 4 pi."""


@dataclass(frozen=True)
class MotionHeader:
    """What the catalogue needs to know of a file, read without its long arrays."""

    frames: int
    fps: float
    gender: str
    flavour: str
    has_betas: bool


def read_amass(path: Path) -> MotionClip:
    """Read a motion file of either flavour; the poses come back in SMPL-X's order of 165 columns.

    Raises:
        InputError: the file is missing or unreadable, lacks an array, or an array is not what AMASS holds.
    """
    path = Path(path)
    arrays = read_npz(path, required=("poses", "trans", "gender"), optional=(*RATE_KEYS, "betas"))
    poses, trans = arrays["poses"], arrays["trans"]
    flavour = check_layout(path, poses.shape, trans.shape)
    check_numbers(path, "poses", poses)
    check_numbers(path, "trans", trans)
    check_radians(path, poses)
    fps = parse_rate(path, arrays)
    return MotionClip(
        poses=to_smplx_columns(poses.astype(np.float64)),
        trans=trans.astype(np.float64),
        fps=fps,
        gender=parse_gender(path, arrays["gender"]),
        betas=parse_betas(path, arrays.get("betas", np.zeros(0))),
        flavour=flavour,
        source_file=str(path),
        source_frame=np.arange(len(poses), dtype=np.float64),
        source_rate_hz=fps,
    )


def read_world_motion(path: Path, further: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Read the arrays of a motion.npz or body.npz of a run: poses [T,165] (rad), trans [T,3] (m, world) and all others.

    Args:
        path: the file.
        further: arrays that must be there besides poses, trans, betas and gender.

    Raises:
        InputError: the file is missing, lacks an array, has no frame, or its numbers are not finite or not of one length.
    """
    motion = read_npz(path, ("poses", "trans", "betas", "gender", *further))
    poses, trans = motion["poses"].shape, motion["trans"].shape
    cure = f"Run the {STAGE_OF_FILE[path.name]} stage again."
    if len(poses) != 2 or poses[0] == 0 or poses[1] != SMPLX_COLUMNS or trans != (poses[0], 3):
        raise InputError(
            f"{path}: poses has shape {list(poses)} and trans {list(trans)}; "
            f"[T, {SMPLX_COLUMNS}] and [T, 3] with at least one frame were expected. {cure}"
        )
    for name in ("poses", "trans", "betas"):
        if not np.isfinite(motion[name]).all():
            raise InputError(f"{path}: {name} holds NaN or infinite values. {cure}")
    return motion


def write_amass(path: Path, clip: MotionClip, **extra: Any) -> None:
    """Write a clip in its flavour's layout, with further arrays beside it; `read_amass` gives the same clip back.

    SMPL-H has no columns for jaw and eyes; a clip of that flavour must not move them.

    Raises:
        ValueError: a clip of flavour "smplh" moves the jaw or the eyes.
    """
    shared = {"trans": clip.trans, "betas": clip.betas, "gender": clip.gender, **extra}
    if clip.flavour == "smplx":
        arrays = {"poses": clip.poses, "mocap_frame_rate": clip.fps, "surface_model_type": "smplx"}
    else:
        face = clip.poses[:, BODY_COLUMNS : BODY_COLUMNS + FACE_COLUMNS]
        if face.any():
            raise ValueError("an SMPL-H file has no columns for jaw and eyes")
        poses = np.delete(clip.poses, np.s_[BODY_COLUMNS : BODY_COLUMNS + FACE_COLUMNS], axis=1)
        arrays = {"poses": poses, "mocap_framerate": clip.fps}
    write_npz(path, **arrays, **shared)


def read_header(path: Path) -> MotionHeader:
    """Read frames, rate, gender and flavour of a file without its long arrays.

    Raises:
        InputError: as `read_amass`, but numbers inside `poses` and `trans` are not looked at.
    """
    path = Path(path)
    layouts = read_layouts(path)
    arrays = read_npz(path, required=("gender",), optional=RATE_KEYS)
    absent = [name for name in ("poses", "trans") if name not in layouts]
    if absent:
        raise InputError(
            f"{path}: lacks {', '.join(absent)}; it has {', '.join(layouts)}. Only motion files belong in motion.amass_dir."
        )
    for name in ("poses", "trans"):
        if layouts[name][1].hasobject:
            raise objects(path, name)
    shapes = {name: shape for name, (shape, _) in layouts.items()}
    flavour = check_layout(path, shapes["poses"], shapes["trans"])
    rate = parse_rate(path, arrays)
    betas = shapes.get("betas", (0,))
    return MotionHeader(shapes["poses"][0], rate, parse_gender(path, arrays["gender"]), flavour, 0 not in betas)


def read_layouts(path: Path) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Shape and type of every array of an .npz, from the headers alone.

    Raises:
        InputError: the file is missing or is no .npz.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy"): read_layout(archive, name) for name in archive.namelist()}
    except FileNotFoundError as error:
        raise missing(path) from error
    except (zipfile.BadZipFile, OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: is not a readable .npz file ({error}). Copy or make it again.") from error


def read_layout(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type in the header of one array."""
    with archive.open(name) as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
        return shape, dtype


def check_layout(path: Path, poses: tuple[int, ...], trans: tuple[int, ...]) -> str:
    """Check the shapes of poses and trans; return the flavour that the number of columns stands for.

    Raises:
        InputError: wrong columns, fewer than two frames, or different lengths.
    """
    if len(poses) != 2 or poses[1] not in FLAVOUR_BY_COLUMNS:
        found = f"{poses[1]} columns" if len(poses) == 2 else f"shape {list(poses)}"
        raise InputError(
            f"{path}: poses has {found}; AMASS has 156 columns (SMPL-H) or 165 (SMPL-X). "
            "Re-export the file in one of the two."
        )
    if trans != (poses[0], 3):
        raise InputError(
            f"{path}: trans has shape {list(trans)} and poses has {poses[0]} frames; trans must be "
            f"[{poses[0]}, 3]. Re-export the file with both from the same take."
        )
    if poses[0] < 2:
        raise InputError(
            f"{path}: has {poses[0]} frame{'' if poses[0] == 1 else 's'}; a motion needs at least 2. Leave the file out."
        )
    return FLAVOUR_BY_COLUMNS[poses[1]]


def check_numbers(path: Path, name: str, values: np.ndarray) -> None:
    """Refuse text, NaN and infinite values.

    Raises:
        InputError: naming the array and the first bad frame.
    """
    if values.dtype.kind not in "fiu":
        raise InputError(f"{path}: {name} holds {values.dtype} values; numbers were expected. Re-export the file.")
    bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
    if len(bad):
        raise InputError(
            f"{path}: {name} holds NaN or infinite values, first in frame {bad[0]}; every value must be finite. "
            "Cut out or repair those frames."
        )


def check_radians(path: Path, poses: Float[np.ndarray, "frames columns"]) -> None:
    """Refuse rotation vectors so long that they can only be degrees.

    Raises:
        InputError: telling the largest angle.
    """
    largest = np.linalg.norm(poses.reshape(len(poses), -1, 3), axis=2).max()
    if largest > MAX_ANGLE_RAD:
        raise InputError(
            f"{path}: poses has rotation vectors up to {largest:.1f}; AMASS has radians, below {MAX_ANGLE_RAD:.1f}, "
            "so these look like degrees. Convert them with numpy.deg2rad."
        )


def parse_rate(path: Path, arrays: dict[str, np.ndarray]) -> float:
    """The frame rate, under either flavour's key; it need not be a whole number.

    Raises:
        InputError: the rate is missing, is no single number, or is not positive.
    """
    key = next((key for key in RATE_KEYS if key in arrays), None)
    if key is None:
        raise InputError(
            f"{path}: has no frame rate; {' or '.join(RATE_KEYS)} was expected. Add it in frames per second."
        )
    rate = arrays[key]
    if rate.size != 1 or rate.dtype.kind not in "fiu" or not np.isfinite(rate).all() or rate.item() <= 0:
        shown = rate.item() if rate.size == 1 else f"an array of shape {list(rate.shape)}"
        raise InputError(f"{path}: {key} is {shown}; a positive number of frames per second was expected. Correct it.")
    return float(rate.item())


def parse_gender(path: Path, value: np.ndarray) -> str:
    """The gender, which files hold as text, as bytes, or as the text of bytes (b'male').

    Raises:
        InputError: the gender is none of the three.
    """
    entry = value.item() if value.size == 1 else value
    text = entry.decode("utf-8", "replace") if isinstance(entry, bytes) else str(entry)
    gender = text.removeprefix("b'").removesuffix("'").strip().lower()
    if gender not in GENDERS:
        raise InputError(f"{path}: gender is {text!r}; {', '.join(GENDERS)} were expected. Correct it in the file.")
    return gender


def parse_betas(path: Path, betas: np.ndarray) -> Float[np.ndarray, " betas"]:
    """The shape coefficients as one row; some files repeat them in a leading axis of length 1.

    Raises:
        InputError: they are no row of finite numbers.
    """
    if betas.ndim == 2 and len(betas) == 1:
        betas = betas[0]
    if betas.ndim != 1 or betas.dtype.kind not in "fiu" or not np.isfinite(betas).all():
        holes = " with NaN or infinite values" if betas.dtype.kind == "f" and not np.isfinite(betas).all() else ""
        raise InputError(
            f"{path}: betas has shape {list(betas.shape)} and type {betas.dtype}{holes}; one row of finite numbers was "
            "expected. Correct it, or leave it out."
        )
    return betas.astype(np.float64)


def to_smplx_columns(poses: Float[np.ndarray, "frames columns"]) -> Float[np.ndarray, "frames 165"]:
    """Put jaw and eyes at rest between body and hands where the flavour has none."""
    if poses.shape[1] == 165:
        return poses
    face = np.zeros((len(poses), FACE_COLUMNS))
    return np.concatenate([poses[:, :BODY_COLUMNS], face, poses[:, BODY_COLUMNS:]], axis=1)
