"""A run: one folder of results, its configuration, and where every file of it lies."""

import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from odah_gen.config import Config, load_config
from odah_gen.errors import InputError
from odah_gen.storage import missing

RESULTS = Path("results")
"""Where runs lie, each in a folder of its name."""


@dataclass(frozen=True)
class Run:
    """A run folder with its resolved configuration.

    Attributes:
        folder: results/<run>.
        config: read from <folder>/config.yaml, which `odah-gen index` wrote.
    """

    folder: Path
    config: Config

    @cached_property
    def clips(self) -> pd.DataFrame:
        """The clip catalogue (clips.parquet), indexed by clip_id.

        Raises:
            InputError: the catalogue is missing, cannot be read, or has no column clip_id.
        """
        path = self.folder / "clips.parquet"
        if not path.exists():
            raise InputError(f"{path}: there is no clip catalogue. Make it with: odah-gen index --config FILE.")
        return indexed(read_table(path))

    def remember_clips(self, catalogue: pd.DataFrame) -> None:
        """Use this catalogue instead of reading clips.parquet."""
        # A cached property keeps its value in the instance's dictionary, also in a frozen dataclass.
        vars(self)["clips"] = indexed(catalogue)

    def clip(self, clip_id: str) -> Path:
        """The folder of a clip.

        Raises:
            InputError: the catalogue has no such clip.
        """
        self.row(clip_id)
        return self.folder / "clips" / clip_id

    def subject(self, subject: str) -> Path:
        """The folder of a subject.

        Raises:
            InputError: the catalogue has no such subject.
        """
        self.clips_of(subject)
        return self.folder / "subjects" / subject

    def row(self, clip_id: str) -> pd.Series:
        """The catalogue's row of a clip.

        Raises:
            InputError: the catalogue has no such clip.
        """
        if clip_id not in self.clips.index:
            known = ", ".join(list(self.clips.index)[:5]) + (", …" if len(self.clips) > 5 else "")
            raise InputError(f"{self.folder}: has no clip {clip_id!r}; it has {known}. Choose one of clips.parquet.")
        return self.clips.loc[clip_id]  # type: ignore[return-value]

    def clips_of(self, subject: str) -> list[str]:
        """The clip ids of a subject, in the catalogue's order.

        Raises:
            InputError: the catalogue has no such subject.
        """
        found = [str(clip) for clip in self.clips.index[self.clips["subject"] == subject]]
        if not found:
            known = ", ".join(list(dict.fromkeys(self.clips["subject"]))[:5])
            raise InputError(f"{self.folder}: has no subject {subject!r}; it has {known}. Choose one of clips.parquet.")
        return found

    def variant(self, subject: str) -> tuple[str, float]:
        """The subject that a subject is a variant of, itself where it is none, and its offset (sd of shape).

        A catalogue from before there were variants has none.

        Raises:
            InputError: the catalogue has no such subject.
        """
        row = self.row(self.clips_of(subject)[0])
        return str(row.get("variant_of", subject)), float(row.get("bmi_offset", 0.0))

    def skeleton_of(self, subject: str) -> str:
        """The subject whose scale factors a subject's skeleton has: its own, or those of the one it is a variant of.

        Raises:
            InputError: the catalogue has no such subject.
        """
        return self.variant(subject)[0] if self.config.shape.variant_skeleton == "kept" else subject

    def generator(self, name: str, purpose: str) -> np.random.Generator:
        """One random generator per (run seed, clip or subject, purpose): the same on any machine, in any order."""
        return np.random.default_rng([self.config.seed, zlib.crc32(name.encode()), zlib.crc32(purpose.encode())])


def read_table(path: Path) -> pd.DataFrame:
    """Read a .parquet file.

    Raises:
        InputError: the file is missing or is not a readable .parquet.
    """
    if not path.is_file():
        raise missing(path)
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not a readable .parquet file ({error}). Make it again.") from error


def indexed(catalogue: pd.DataFrame) -> pd.DataFrame:
    """The catalogue with clip_id as its index, and still as a column."""
    return catalogue.set_index("clip_id", drop=False)


def open_run(folder: Path) -> Run:
    """Open a run that `odah-gen index` has started.

    Raises:
        InputError: the folder has no config.yaml or it is not valid.
    """
    path = Path(folder) / "config.yaml"
    if not path.exists():
        raise InputError(f"{folder}: is no run (no config.yaml). Start one with: odah-gen index --config FILE.")
    return Run(Path(folder), load_config([path]))
