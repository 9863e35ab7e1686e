"""`odah-gen addon build`: the Blender add-on as an installable zip."""

import argparse
import sys
import zipfile
from pathlib import Path

from odah_gen.paths import BLENDER_ADDON
from odah_gen.storage import atomic

SUFFIXES = (".py", ".toml", ".json")
EPILOG = """\
Install the zip in Blender 4.2 or later by Edit > Preferences > Get Extensions > Install from Disk (before 4.2:
Add-ons > Install). The panel is in the 3D view's sidebar (key N), tab ODAH.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The action and the folder."""
    parser.add_argument("action", choices=["build"], help="what to do")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the zip")
    parser.epilog = EPILOG


def main(arguments: argparse.Namespace) -> None:
    """Build the zip and say where it is."""
    path = build_addon(arguments.out)
    sys.stderr.write(f"{path}\n")


def build_addon(out: Path) -> Path:
    """Zip the add-on with its licence; the same sources give the same bytes.

    Raises:
        InputError: the folder cannot be written.
    """
    path = out / "odah-addon.zip"
    sources = sorted(file for file in BLENDER_ADDON.rglob("*") if file.suffix in SUFFIXES or file.name == "LICENSE")
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sources:
            entry = zipfile.ZipInfo(f"odah/{file.relative_to(BLENDER_ADDON).as_posix()}")
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    return path
