"""Reading and writing files so that a killed job leaves nothing that looks finished.

Every file is written under a temporary name beside its final place and then renamed.
"""

import contextlib
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from odah_gen.errors import InputError

PART = ".part"


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends well.

    The temporary name is `.<stem>.<pid>.part<suffix>`, so tools that look at the suffix still work.
    When the block fails the temporary file is removed and `path` keeps its old content.

    Raises:
        InputError: the folder cannot be written or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{PART}{path.suffix}")
    try:
        with writable(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def writable(path: Path) -> Iterator[None]:
    """Turn a failure to write into one sentence about `path`.

    Raises:
        InputError: the folder cannot be written or the disk is full.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}). Free space or change the folder."
        ) from error


def remove_leftovers(folder: Path) -> int:
    """Delete the temporary files that killed jobs left anywhere below `folder`; return how many."""
    leftovers = list(folder.rglob(f".*{PART}*"))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return len(leftovers)


def read_text(path: Path) -> str:
    """Read a text file (UTF-8).

    Raises:
        InputError: the file is missing, cannot be read, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise missing(path) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is no text file ({error}). Copy or make it again.") from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}). Check the path and its rights."
        ) from error


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON; NaN is refused because other languages cannot read it."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: the file is missing or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: is not valid JSON ({error}). Delete it and run the stage again.") from error


def write_yaml(path: Path, content: Any) -> None:
    """Write `content` as YAML with its keys in the given order."""
    with atomic(path) as temporary:
        temporary.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        InputError: the file is missing or is not YAML.
    """
    try:
        return yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: is not valid YAML ({reason}). Correct the file.") from error


def write_npz(path: Path, **arrays: Any) -> None:
    """Write arrays as a compressed .npz without pickles.

    Raises:
        TypeError: an array has dtype object.
    """
    plain = {name: np.asarray(array) for name, array in arrays.items()}
    pickled = [name for name, array in plain.items() if array.dtype == object]
    if pickled:
        raise TypeError(f"object arrays cannot be stored without pickle: {', '.join(pickled)}")
    with atomic(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **plain)  # type: ignore[arg-type]


def read_npz(path: Path, required: Sequence[str] = (), optional: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Read the arrays of an .npz, never unpickling anything.

    Args:
        path: the file.
        required: arrays that must be there.
        optional: further arrays to read when they are there; None reads every array.

    Raises:
        InputError: the file is missing, is no .npz, lacks a required array, or an array to read holds Python objects.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            absent = [name for name in required if name not in archive.files]
            if absent:
                raise InputError(
                    f"{path}: lacks {', '.join(absent)}; it has {', '.join(archive.files)}. Write the file again with all of them."
                )
            wanted = archive.files if optional is None else [n for n in archive.files if n in (*required, *optional)]
            return {name: read_array(path, archive, name) for name in wanted}
    except FileNotFoundError as error:
        raise missing(path) from error
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: is not a readable .npz file ({reason}). Copy or make it again.") from error


def read_array(path: Path, archive: Any, name: str) -> np.ndarray:
    """Read one array of an open .npz, naming file and array when it holds pickled objects."""
    try:
        return archive[name]
    except ValueError as error:
        raise objects(path, name) from error


def objects(path: Path, name: str) -> InputError:
    """The error for an array that holds pickled objects."""
    return InputError(
        f"{path}: {name} is an array of Python objects; a plain array was expected. Save it again with a plain dtype."
    )


def missing(path: Path) -> InputError:
    """The error for a file that is not there."""
    return InputError(f"{path}: there is no such file. Check the path, or run the stage that makes it.")
