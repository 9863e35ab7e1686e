"""Re-reading a finished run or an exported data set and checking every file against the specs and the others."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odah_gen.dataset.clip_checks import ClipFiles, Problem, clip_problems
from odah_gen.dataset.osim import read_outline
from odah_gen.dataset.schema import (
    CATALOGUE,
    EXPORTED_SUBJECT_FILES,
    MANIFEST_COLUMNS,
    SUBJECT_ARRAYS,
    SUBJECT_FILES,
    array_problems,
    exported_clip_files,
    finished_clip_files,
)
from odah_gen.errors import InputError
from odah_gen.run import Run, open_run, read_table
from odah_gen.scene.rendered import CLOTH, optional_files
from odah_gen.skeleton.trc import read_trc
from odah_gen.storage import read_json, read_npz

MANIFEST = "manifest.parquet"
READ_BYTES = 1 << 20
SUBJECT_READERS: Mapping[str, Callable[[Path], Any]] = {".osim": read_outline, ".json": read_json, ".trc": read_trc}


@dataclass(frozen=True)
class Findings:
    """What was found at one place.

    Attributes:
        name: clip id, subject, or `files` for what concerns the whole folder.
        checked: how many files were looked for.
        frames: frames of the clip; None for other places.
        verdict: what quality.json says; None for other places or when it cannot be read.
        problems: everything that is wrong there.
    """

    name: str
    checked: int
    frames: int | None
    verdict: str | None
    problems: tuple[Problem, ...]


def verify_folder(folder: Path) -> list[Findings]:
    """Check a run, or an export (a folder with a manifest), place by place.

    Raises:
        InputError: the folder is neither, or its catalogue cannot be read.
    """
    run = open_run(folder)
    exported = (folder / MANIFEST).is_file()
    catalogue = check_catalogue(run)
    if catalogue.problems:
        return [catalogue]
    subject_files = EXPORTED_SUBJECT_FILES if exported else SUBJECT_FILES
    subjects = [verify_subject(run, name, subject_files) for name in dict.fromkeys(run.clips["subject"])]
    clip_files = (exported_clip_files if exported else finished_clip_files)(run.config.camera.names)
    if run.config.clothes.simulation and not exported:
        clip_files = [*clip_files, CLOTH]
    clips = [verify_clip(run, str(clip_id), clip_files) for clip_id in run.clips.index]
    return [catalogue, *([verify_manifest(folder)] if exported else []), *subjects, *clips]


def check_catalogue(run: Run) -> Findings:
    """clips.parquet has its columns, at least one clip, each clip once, and every subject in one split."""
    path = run.folder / "clips.parquet"
    table = read_table(path)
    sentences = [f"{path}: lacks the column {name}." for name in CATALOGUE if name not in table]
    if not sentences:
        twice = sorted(set(table["clip_id"][table["clip_id"].duplicated()]))
        sentences += [f"{path}: names {clip} twice." for clip in twice]
        splits = table.groupby("subject")["split"].nunique()
        sentences += [f"{path}: has subject {name} in more than one split." for name in splits.index[splits > 1]]
        sentences += [] if len(table) else [f"{path}: names no clip."]
    return Findings("clips.parquet", 1, None, None, tuple(map(Problem, sentences)))


def verify_clip(run: Run, clip_id: str, wanted: Sequence[str]) -> Findings:
    """All checks of one clip."""
    row = run.row(clip_id)
    clip = ClipFiles(
        run.clip(clip_id), run.subject(str(row["subject"])), int(row["frames"]), float(row["fps"]), run.config
    )
    optional = optional_files(run.config.camera.names)
    there = [*wanted, *(name for name in optional if (clip.folder / name).is_file())]
    problems = clip_problems(clip, there)
    return Findings(clip_id, len(there), clip.frames, read_verdict(clip.folder / "quality.json"), tuple(problems))


def verify_subject(run: Run, subject: str, wanted: Sequence[str]) -> Findings:
    """The files of a subject are there and can be read; clips check what is in them against their labels."""
    paths = [run.subject(subject) / name for name in wanted]
    problems = [problem for path in paths for problem in subject_problems(path)]
    return Findings(subject, len(wanted), None, None, tuple(problems))


def subject_problems(path: Path) -> list[Problem]:
    """What is wrong with one file of a subject."""
    if not path.is_file():
        return [Problem(f"{path}: is missing. Run the workflow again.")]
    try:
        if path.suffix == ".npz":
            specs = SUBJECT_ARRAYS.get(path.name, ())
            return [Problem(f"{path}: {clause}.") for clause in array_problems(read_npz(path), specs)]
        SUBJECT_READERS[path.suffix](path)
    except InputError as error:
        return [Problem(str(error), unreadable=True)]
    return []


def verify_manifest(folder: Path) -> Findings:
    """Every file of an export has the bytes and the sha256 that the manifest says, and none is unknown to it."""
    path = folder / MANIFEST
    table = read_table(path)
    absent = [name for name in MANIFEST_COLUMNS if name not in table]
    if absent:
        return Findings(MANIFEST, 0, None, None, (Problem(f"{path}: lacks the column {absent[0]}."),))
    problems = [
        problem
        for row in table.to_dict("records")
        if (problem := manifest_problem(folder, str(row["path"]), int(row["bytes"]), str(row["sha256"])))
    ]
    listed = set(table["path"])
    there = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} - {MANIFEST}
    problems += [Problem(f"{folder / name}: is not in the manifest.") for name in sorted(there - listed)]
    return Findings(MANIFEST, len(table), None, None, tuple(problems))


def manifest_problem(folder: Path, name: str, size: int, digest: str) -> Problem | None:
    """What is wrong with one file of the manifest."""
    path = folder / name
    if not path.is_file():
        return Problem(f"{path}: is missing; the manifest lists it. Export the split again.")
    if path.stat().st_size != size:
        return Problem(f"{path}: has {path.stat().st_size} bytes, the manifest says {size}. Export the split again.")
    if sha256_of(path) != digest:
        return Problem(f"{path}: its sha256 is not the manifest's; it was changed. Export the split again.")
    return None


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in lower-case hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def read_verdict(path: Path) -> str | None:
    """The verdict of a clip, or None when it cannot be read."""
    try:
        content = read_json(path)
    except InputError:
        return None
    return content.get("verdict") if isinstance(content, dict) else None


def findings_table(findings: Sequence[Findings]) -> str:
    """One line per place: what was checked and how many problems there are."""
    width = max(len(entry.name) for entry in findings)
    lines = [f"{'place':<{width}}  files  frames  verdict  problems"]
    for entry in findings:
        frames = "–" if entry.frames is None else entry.frames
        cells = f"{entry.checked:>5}  {frames:>6}  {entry.verdict or '–':>7}  {len(entry.problems):>8}"
        lines.append(f"{entry.name:<{width}}  {cells}")
    return "\n".join(lines)
