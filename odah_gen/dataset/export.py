"""Writing a self-contained data set of one split: all of it or nothing."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from odah_gen.config import to_mapping
from odah_gen.dataset.schema import EXPORTED_SUBJECT_FILES, exported_clip_files
from odah_gen.dataset.verify import MANIFEST, sha256_of, verify_clip, verify_subject
from odah_gen.errors import InputError
from odah_gen.run import RESULTS, Run
from odah_gen.scene.rendered import optional_files
from odah_gen.storage import PART, read_json, write_yaml


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        folder: where the data set lies.
        clips: ids of the exported clips.
        left_out: reason per clip that failed and was left out.
    """

    folder: Path
    clips: tuple[str, ...]
    left_out: dict[str, str]


def find_run(results: Path = RESULTS) -> Path:
    """The run that is meant when none is named: results/default, or the only one there is.

    Raises:
        InputError: there is no run, or several.
    """
    runs = sorted(path.parent for path in results.glob("*/config.yaml"))
    default = results / "default"
    if default in runs or len(runs) == 1:
        return default if default in runs else runs[0]
    if not runs:
        raise InputError(f"{results}: holds no run. Make one with: snakemake --cores N render_all.")
    raise InputError(f"{results}: holds several runs ({', '.join(path.name for path in runs)}). Choose one with --run.")


def export_split(run: Run, split: str, out: Path, include_failed: bool = False) -> Export:
    """Write the clips of a split and their subjects to `out`, with a manifest; an older export there is replaced.

    Clips whose verdict is fail are left out unless `include_failed`. Every file is read and checked first.

    Raises:
        InputError: the split has no clips to export, one is unfinished or damaged, or `out` is something else or
            cannot be written. Nothing is written then.
    """
    wanted = clips_of_split(run, split)
    verdicts = finished_verdicts(run, wanted)
    left_out = {} if include_failed else {clip: reason for clip, reason in verdicts.items() if reason}
    clips = [clip for clip in wanted if clip not in left_out]
    if not clips:
        raise InputError(
            f"{run.folder}: every clip of split {split} has failed ({next(iter(left_out.values()))}). "
            "Export them with --include-failed."
        )
    check_files(run, clips)
    with replaced_folder(out) as folder:
        copy_files(run, clips, folder)
        write_catalogue(run, clips, verdicts, folder)
        (folder / "README.md").write_text(readme(run, split, clips, left_out))
        write_manifest(folder)
    return Export(out, tuple(clips), left_out)


def clips_of_split(run: Run, split: str) -> list[str]:
    """The clip ids of a split.

    Raises:
        InputError: the split has no subject.
    """
    clips = [str(clip) for clip in run.clips.index[run.clips["split"] == split]]
    if not clips:
        subjects = run.clips.groupby("split")["subject"].nunique()
        there = ", ".join(f"{name} ({count})" for name, count in subjects.items())
        raise InputError(
            f"{run.folder}: split {split} has no subject; subjects are in {there}. Choose one of these, or change split "
            "or motion.subjects in the configuration."
        )
    return clips


def finished_verdicts(run: Run, clips: Sequence[str]) -> dict[str, str]:
    """Why each clip failed; empty text for a clip that passed.

    Raises:
        InputError: a clip is not finished.
    """
    gaps = {clip: missing_files(run, clip) for clip in clips}
    unfinished = [clip for clip, names in gaps.items() if names]
    if unfinished:
        first = unfinished[0]
        more = f" and {len(unfinished) - 1} more clips are" if len(unfinished) > 1 else " is"
        raise InputError(
            f"{run.folder}: {first}{more} not finished ({first} lacks {', '.join(gaps[first])}). Run the workflow, then export."
        )
    qualities = {clip: read_json(run.clip(clip) / "quality.json") for clip in clips}
    return {
        clip: "" if quality["verdict"] == "pass" else " ".join(quality["reasons"])
        for clip, quality in qualities.items()
    }


def missing_files(run: Run, clip: str) -> list[str]:
    """Which of the files to export a clip and its subject lack."""
    subject = run.subject(str(run.row(clip)["subject"]))
    gaps = [name for name in exported_clip_files(run.config.camera.names) if not (run.clip(clip) / name).is_file()]
    return gaps + [name for name in EXPORTED_SUBJECT_FILES if not (subject / name).is_file()]


def check_files(run: Run, clips: Sequence[str]) -> None:
    """Read every file that will be exported.

    Raises:
        InputError: one is damaged or does not agree with the others.
    """
    findings = [verify_subject(run, subject, EXPORTED_SUBJECT_FILES) for subject in subjects_of(run, clips)]
    findings += [verify_clip(run, clip, exported_clip_files(run.config.camera.names)) for clip in clips]
    problems = [problem.sentence for entry in findings for problem in entry.problems]
    if problems:
        more = f" ({len(problems) - 1} more problems: odah-gen verify lists them.)" if len(problems) > 1 else ""
        raise InputError(problems[0] + more)


def subjects_of(run: Run, clips: Sequence[str]) -> list[str]:
    """The subjects of clips, each once."""
    return [str(subject) for subject in dict.fromkeys(run.clips.loc[list(clips), "subject"])]


@contextlib.contextmanager
def replaced_folder(out: Path) -> Iterator[Path]:
    """Give an empty folder beside `out` that takes its place when the block ends well, and vanishes when it does not.

    Raises:
        InputError: `out` is something other than an export, or the disk cannot be written.
    """
    if out.exists() and not (out / MANIFEST).is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"{out}: is there already and is no export. Choose another folder with --out, or remove it.")
    fresh, old = (out.with_name(f".{out.name}.{os.getpid()}{kind}{PART}") for kind in ("", ".old"))
    try:
        fresh.mkdir(parents=True)
        yield fresh
        if out.exists():
            os.replace(out, old)
        os.replace(fresh, out)
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written ({error.strerror or error}). Free space or choose another --out."
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def copy_files(run: Run, clips: Sequence[str], folder: Path) -> None:
    """Copy the files of clips and subjects, optional ones where they are, in the layout of a run."""
    sources = [run.subject(subject) / name for subject in subjects_of(run, clips) for name in EXPORTED_SUBJECT_FILES]
    cameras = run.config.camera.names
    sources += [run.clip(clip) / name for clip in clips for name in exported_clip_files(cameras)]
    optional = [run.clip(clip) / name for clip in clips for name in optional_files(cameras)]
    for source in (*sources, *filter(Path.is_file, optional)):
        target = folder / source.relative_to(run.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def write_catalogue(run: Run, clips: Sequence[str], verdicts: dict[str, str], folder: Path) -> None:
    """clips.parquet of the exported clips, with verdict and reasons, and the configuration."""
    table = run.clips.loc[list(clips)].reset_index(drop=True)
    table["reasons"] = [verdicts[clip] for clip in clips]
    table["verdict"] = ["fail" if verdicts[clip] else "pass" for clip in clips]
    table.to_parquet(folder / "clips.parquet")
    write_yaml(folder / "config.yaml", to_mapping(run.config))


def write_manifest(folder: Path) -> None:
    """manifest.parquet: path, bytes and sha256 of every other file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [
        {"path": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in files
    ]
    pd.DataFrame(rows).to_parquet(folder / MANIFEST)


def readme(run: Run, split: str, clips: Sequence[str], left_out: dict[str, str]) -> str:
    """What is in the data set, for someone who finds only this folder."""
    table, subjects = run.clips.loc[list(clips)], subjects_of(run, clips)
    frames, cameras = int(table["frames"].sum()), run.config.camera.names
    lines = [
        f"# Split {split} of run {run.config.run}",
        "",
        f"{counted(len(clips), 'clip')} of {counted(len(subjects), 'subject')}, {frames} frames at {run.config.fps:g} per second, seen by",
        f"{counted(len(cameras), 'camera')}: {', '.join(f'`{camera}`' for camera in cameras)}. No subject of this split is in another one.",
        "",
        "| file | what it is |",
        "|---|---|",
        "| `clips.parquet` | one row per clip: clip_id, subject, action, source, frames, fps, verdict |",
        "| `clips/<clip_id>/<camera>.mp4` | video (H264) |",
        "| `clips/<clip_id>/<camera>_mask.mkv` | mask (FFV1, gray, 255 = person) |",
        "| `clips/<clip_id>/<camera>_depth.mkv`, `_normals.mkv`, `_parts.mkv`, `boxes.npz` | where they were asked for |",
        "| `clips/<clip_id>/labels.npz` | joint angles, scales, joint and mass centres, markers, their places in the pictures |",
        "| `clips/<clip_id>/cameras.json` | the cameras: x_px = K (R X + t), axes as in OpenCV, metres |",
        "| `clips/<clip_id>/kinematics.mot` | joint coordinates for OpenSim, played on the subject's `model.osim` |",
        "| `clips/<clip_id>/body.npz` | body parameters in AMASS format (SMPL-X flavour), world frame |",
        "| `clips/<clip_id>/quality.json` | measured figures and verdict |",
        "| `subjects/<subject>/model.osim`, `scales.json`, `body.npz` | scaled model, scales of its 22 bodies, body shape |",
        "| `config.yaml` | the configuration that made the run |",
        "| `manifest.parquet` | path, bytes and sha256 of every other file |",
        "",
        "Units are SI (angles in rad; `.mot` in degrees, its `_beta` columns in rad). World: metres, Z up, X the heading,",
        "floor at z = 0; OpenSim ground: Y up, (x, y, z)_world = (x, −z, y)_ground. Every array, and what the angles do not",
        "say: docs/formats.md and docs/conventions.md of odah-gen. Check this folder with `odah-gen verify FOLDER`.",
        "",
    ]
    if left_out:
        lines += [f"Left out because they failed: {', '.join(left_out)}.", ""]
    return "\n".join(lines)


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it needs one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
