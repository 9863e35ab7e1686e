"""The clip catalogue of a run: which clips there are, who moves in them, and which split they belong to."""

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from odah_gen.config import SPLITS, Config, Split, to_mapping
from odah_gen.errors import InputError
from odah_gen.motion.resample import resampled_frames
from odah_gen.motion.sources import Entry, list_entries
from odah_gen.run import RESULTS, Run
from odah_gen.storage import atomic, read_yaml, write_yaml


def create_run(config: Config, folder: Path | None = None) -> Run:
    """Write a run's configuration and clip catalogue, and open the run.

    The same configuration and motion folder give the same files; files that would not change are not touched, so
    that nothing that depends on them runs again.

    Args:
        config: the whole configuration.
        folder: the run folder; results/<run> by default.

    Raises:
        InputError: the motion source cannot be used, two files give one clip, or the folder cannot be written.
    """
    run = plan_run(config, folder)
    table = run.clips.to_parquet(index=False)
    catalogue, settings = run.folder / "clips.parquet", run.folder / "config.yaml"
    if not catalogue.exists() or catalogue.read_bytes() != table:
        with atomic(catalogue) as temporary:
            temporary.write_bytes(table)
    if not settings.exists() or read_yaml(settings) != to_mapping(config):
        write_yaml(settings, to_mapping(config))
    return run


def plan_run(config: Config, folder: Path | None = None) -> Run:
    """The run that `create_run` would write, without writing anything (for dry runs).

    Raises:
        InputError: as create_run.
    """
    run = Run(RESULTS / config.run if folder is None else Path(folder), config)
    run.remember_clips(build_catalogue(config, list_entries(config)))
    return run


def build_catalogue(config: Config, entries: Sequence[Entry]) -> pd.DataFrame:
    """One row per clip; see docs/formats.md for the columns.

    Raises:
        InputError: two sources give one clip, a clip has fewer than two frames at the run's rate, or variants should
            keep a skeleton that no subject of the run has.
    """
    if config.shape.variant_skeleton == "kept" and 0 not in config.shape.bmi_offsets:
        raise InputError(
            "shape.variant_skeleton: kept needs the subjects whose skeletons are kept; shape.bmi_offsets has no 0. "
            "Add 0, or set rescaled."
        )
    width = max(2, *(len(str(entry.number)) for entry in entries))
    splits = split_subjects(list(dict.fromkeys(entry.subject for entry in entries)), config.split, config.seed)
    rows: dict[str, dict[str, object]] = {}
    clips_of: Counter[str] = Counter()
    for entry, subject, offset in variants(entries, config.shape.bmi_offsets):
        motion = f"{entry.action}-{entry.number:0{width}d}"
        clip_id = f"{subject}-{motion}"
        if clip_id in rows:
            raise InputError(
                f"{rows[clip_id]['source_file']} and {entry.source_file}: both give the clip {clip_id!r}. "
                "Rename one of the files."
            )
        rows[clip_id] = {
            "clip_id": clip_id,
            "subject": subject,
            "gender": entry.gender,
            "action": entry.action,
            "index": entry.number,
            "source": entry.source,
            "source_file": entry.source_file,
            "frames": clip_frames(config, entry),
            "fps": float(config.fps),
            "source_fps": float(entry.fps),
            "split": splits[entry.subject],
            "seed": clip_seed(config.seed, f"{entry.subject}-{motion}"),
            "betas_source": entry.betas_source,
            "variant_of": entry.subject,
            "bmi_offset": offset,
            "shard": clips_of[subject] // config.render.shard_clips,
        }
        clips_of[subject] += 1
    return pd.DataFrame(list(rows.values()))


def variants(entries: Sequence[Entry], offsets: Sequence[float]) -> Iterator[tuple[Entry, str, float]]:
    """Every entry with each body that does it: its name, `<subject>b<n>` for the n-th offset but 0, and the offset."""
    for number, offset in enumerate(offsets, start=1):
        for entry in entries:
            yield entry, entry.subject if offset == 0 else f"{entry.subject}b{number}", float(offset)


def clip_frames(config: Config, entry: Entry) -> int:
    """Frames of a clip at the run's rate, within motion.max_frames.

    Raises:
        InputError: there are fewer than two.
    """
    frames = resampled_frames(entry.frames, entry.fps, config.fps)
    if entry.source == "procedural":
        frames = min(frames, round(config.motion.duration_s * config.fps))
    if frames < 2:
        raise InputError(
            f"{entry.source_file}: lasts {(entry.frames - 1) / entry.fps:.3f} s, which gives {frames} frame at "
            f"{config.fps:g} Hz; at least 2 are needed. Raise fps, or use a longer motion."
        )
    return min(frames, config.motion.max_frames or frames)


def split_subjects(subjects: Sequence[str], shares: Split, seed: int) -> dict[str, str]:
    """Give every subject one split, by shares of the subjects, in an order drawn from the seed.

    Whole numbers by largest remainder; where remainders are equal train comes first, then val, then test.

    Raises:
        InputError: the shares are all zero.
    """
    weights = np.array([getattr(shares, name) for name in SPLITS])
    if weights.sum() <= 0:
        raise InputError("split: train, val and test are all 0; at least one must be above. Correct the configuration.")
    exact = weights / weights.sum() * len(subjects)
    counts = np.floor(exact + 1e-9).astype(int)
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[: len(subjects) - counts.sum()]] += 1
    shuffled = np.random.default_rng([seed, zlib.crc32(b"split")]).permutation(sorted(subjects))
    names = np.repeat(SPLITS, counts)
    return {str(subject): str(name) for subject, name in zip(shuffled, names)}


def clip_seed(seed: int, clip_id: str) -> int:
    """The seed of a clip, from the run's seed and the clip's name alone."""
    return int(np.random.SeedSequence([seed, zlib.crc32(clip_id.encode())]).generate_state(1)[0])
