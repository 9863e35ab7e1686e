"""What a run's configuration offers as motion: one entry per clip, read without the motion itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from odah_gen.body.model import find_body_model
from odah_gen.config import Config
from odah_gen.errors import InputError
from odah_gen.motion.amass import MotionHeader, read_header
from odah_gen.motion.procedural import ACTIONS, RATE_HZ, procedural_frames
from odah_gen.motion.pybullet_clips import clip_file, clip_length

NO_MOTION = ("shape.npz", "neutral_stagei.npz")
SUFFIXES = ("_poses", "_stageii")


@dataclass(frozen=True)
class Entry:
    """One clip as its source offers it.

    Attributes:
        subject: lower-case letters and digits.
        gender: female, male or neutral.
        action: lower-case letters and digits.
        number: the clip's number, unique among the subject's clips of that action.
        source: procedural, pybullet or amass.
        source_file: the file, or the procedural action.
        frames: of the source.
        fps: of the source.
        betas_source: "file" or "drawn".
    """

    subject: str
    gender: str
    action: str
    number: int
    source: str
    source_file: str
    frames: int
    fps: float
    betas_source: str = "drawn"


def list_entries(config: Config) -> list[Entry]:
    """Every clip that the configuration asks for, in the catalogue's order.

    Raises:
        InputError: an unknown action, or a folder or file that cannot be used.
    """
    if config.motion.source == "amass":
        return amass_entries(config)
    return list(library_entries(config))


def library_entries(config: Config) -> Iterator[Entry]:
    """Subjects in turn through genders and actions, of the procedural library or the pybullet clips.

    Each round through the actions starts one later, so that in time every gender does every action.
    """
    motion = config.motion
    width = max(2, len(str(motion.subjects)))
    for subject in range(motion.subjects):
        for clip in range(motion.clips_per_subject):
            turn = subject * motion.clips_per_subject + clip
            action = motion.actions[(turn + turn // len(motion.actions)) % len(motion.actions)]
            file, frames, fps = library_clip(config, action)
            yield Entry(
                subject=f"s{subject + 1:0{width}d}",
                gender=motion.genders[subject % len(motion.genders)],
                action=action,
                number=clip + 1,
                source=motion.source,
                source_file=file,
                frames=frames,
                fps=fps,
            )


def library_clip(config: Config, action: str) -> tuple[str, int, float]:
    """Source file, frames and rate of an action of a library.

    Raises:
        InputError: the library has no such action.
    """
    if config.motion.source == "pybullet":
        path = clip_file(action)
        return path.name, *clip_length(path)
    if action not in ACTIONS:
        raise InputError(
            f"motion.actions: there is no procedural action {action!r}; there are {', '.join(ACTIONS)}. "
            "Choose among them, or set motion.source."
        )
    return f"procedural:{action}", procedural_frames(config.motion.duration_s), RATE_HZ


def amass_entries(config: Config) -> list[Entry]:
    """The motion files of an AMASS folder: the first subjects and clips, in natural order of their names.

    Raises:
        InputError: there is no folder, no motion in it, a file that is no motion, or subjects that cannot be told apart.
    """
    folder = amass_folder(config)
    subjects = group_by_subject(folder)
    entries = []
    for subject, files in list(subjects.items())[: config.motion.subjects]:
        headers = {path: read_header(path) for path in files[: config.motion.clips_per_subject]}
        gender = common_gender(headers)
        for path, header in headers.items():
            action, number = action_of(path)
            entries.append(
                Entry(
                    subject=subject,
                    gender=gender,
                    action=action,
                    number=number,
                    source="amass",
                    source_file=str(path),
                    frames=header.frames,
                    fps=header.fps,
                    betas_source="file" if uses_betas(config, header) else "drawn",
                )
            )
    return entries


def amass_folder(config: Config) -> Path:
    """The folder of motion.amass_dir.

    Raises:
        InputError: it is not set, or is no folder.
    """
    if config.motion.amass_dir is None:
        raise InputError(
            "motion.amass_dir: is not set and motion.source is amass; a folder with one folder per subject was "
            "expected. Set it in the configuration."
        )
    folder = Path(config.motion.amass_dir)
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; motion.amass_dir names one with a folder per subject. Correct it.")
    return folder


def group_by_subject(folder: Path) -> dict[str, list[Path]]:
    """Motion files by subject; a subject is the folder that a file lies in, below `folder`.

    Raises:
        InputError: there are no motion files, or two folders give one subject.
    """
    found = sorted((path for path in folder.rglob("*.npz") if is_motion(path)), key=lambda path: natural(str(path)))
    if not found:
        raise InputError(
            f"{folder}: holds no motion files; SUBJECT/NAME.npz was expected (shape.npz and *_stagei.npz are no "
            "motions). Point motion.amass_dir at the unpacked AMASS subset."
        )
    folders: dict[str, Path] = {}
    groups: dict[str, list[Path]] = {}
    for path in found:
        subject = clean(str(path.parent.relative_to(folder))) or clean(folder.resolve().name) or "subject"
        first = folders.setdefault(subject, path.parent)
        if first != path.parent:
            raise InputError(
                f"{first} and {path.parent}: both give the subject {subject!r}. Rename one of the folders."
            )
        groups.setdefault(subject, []).append(path)
    return groups


def is_motion(path: Path) -> bool:
    """Whether a file name is that of a motion; AMASS keeps shapes beside them."""
    return path.name not in NO_MOTION and not path.stem.endswith("_stagei")


def common_gender(headers: dict[Path, MotionHeader]) -> str:
    """The gender of a subject's files.

    Raises:
        InputError: they disagree.
    """
    first = next(iter(headers))
    other = next((path for path, header in headers.items() if header.gender != headers[first].gender), None)
    if other is not None:
        raise InputError(
            f"{first} and {other}: are of one subject and give two genders, {headers[first].gender} and "
            f"{headers[other].gender}. Correct one, or use a folder per subject."
        )
    return headers[first].gender


def action_of(path: Path) -> tuple[str, int]:
    """Action and number of a motion file by its name: Walk_03_poses.npz is walk, 3; without a number it is 0."""
    stem = path.stem
    for suffix in SUFFIXES:
        stem = stem.removesuffix(suffix)
    digits = re.search(r"(\d+)\D*$", stem)
    trailing = digits is not None and not re.search("[a-zA-Z]", stem[digits.end(1) :])
    name = stem[: digits.start(1)] if digits and trailing else stem
    return clean(name) or "motion", int(digits.group(1)) if digits and trailing else 0


def uses_betas(config: Config, header: MotionHeader) -> bool:
    """Whether a file's shape may be used: betas belong to one shape space, of one model and gender."""
    if config.motion.betas == "ignore" or config.body.model_dir is None or header.flavour != "smplx":
        return False
    model = find_body_model(config.body, header.gender)
    return header.has_betas and model.name == "smplx" and model.gender == header.gender


def clean(text: str) -> str:
    """Lower-case letters and digits only."""
    return re.sub("[^a-z0-9]", "", text.lower())


def natural(text: str) -> list[tuple[int, int | str]]:
    """A sort key by which file 2 comes before file 10."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", text.lower())]
