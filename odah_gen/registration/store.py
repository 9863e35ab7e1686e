"""Which joint regressor belongs to a body model, a skeleton and a marker list; cheap to ask, torch is not imported.

A regressor is found by hashes of the three. That of the free body is shipped in assets/regressor/; another one lies
in results/regressor/, where the workflow puts it once.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path

from odah_gen.body.files import body_files
from odah_gen.config import Config
from odah_gen.errors import InputError
from odah_gen.paths import ASSETS
from odah_gen.run import Run
from odah_gen.storage import read_text, read_yaml

SHIPPED = ASSETS / "regressor"
METHOD = "3"
"""Raised when a change of the code makes older regressors stale."""
MEMBERS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")


def regressor_file(run: Run) -> Path:
    """The regressor of a run: a shipped one when it fits, otherwise its place in results/regressor/.

    Raises:
        InputError: the run's body model, skeleton or marker list is not there.
    """
    name = regressor_name(run.config)
    shipped = SHIPPED / name
    return shipped if shipped.exists() else run.folder.parent / "regressor" / name


def regressor_name(config: Config) -> str:
    """`<body model>-<hash>.npz` for a configuration."""
    keys = regressor_keys(config)
    label = "free" if config.body.model_dir is None else "user"
    return f"{label}-{digest([*keys.values(), METHOD])}.npz"


def regressor_keys(config: Config) -> dict[str, str]:
    """Hashes of the body models of all genders, of the skeleton and of the marker list."""
    return {
        "body_model": digest(content_key(path) for path in body_files(config.body)),
        "skeleton": digest([skeleton_key(config)]),
        "markers": digest([marker_key(Path(config.skeleton.markers or ASSETS / "markers.yaml"))]),
    }


def content_key(path: Path) -> str:
    """What a body model file holds, from the checksums in its directory: nothing is unpacked.

    Raises:
        InputError: the file is no .npz.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: is not a readable .npz file ({error}). Download or make it again.") from error
    return " ".join(f"{name}:{entries[name].CRC:08x}:{entries[name].file_size}" for name in MEMBERS if name in entries)


def skeleton_key(config: Config) -> str:
    """The content of the skeleton: the table without its comments, or the text of an own .osim.

    Raises:
        InputError: the file is missing.
    """
    if config.skeleton.model is None:
        return json.dumps(read_yaml(ASSETS / "skeleton.yaml"), sort_keys=True)
    return read_text(Path(config.skeleton.model))


def marker_key(path: Path) -> str:
    """The markers of a list; its held-out points play no part in scaling and inverse kinematics.

    Raises:
        InputError: the file is missing or is no marker list.
    """
    content = read_yaml(path)
    if not isinstance(content, dict) or "markers" not in content:
        raise InputError(f"{path}: has no key markers, as a marker list has. Start from assets/markers.yaml.")
    return json.dumps(content["markers"], sort_keys=True)


def digest(parts: Iterable[str]) -> str:
    """Ten hexadecimal digits of the SHA-256 of some texts."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.encode() + b"\0")
    return total.hexdigest()[:10]
