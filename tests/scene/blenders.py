"""The Blenders that the scene is drawn with: the module of ./odah setup, and those of the groups of ./odah test."""

import json
import os
import subprocess
from typing import Any

import pytest

from odah_gen.paths import ROOT
from odah_gen.scene.blender import MODULE, blender_command, blender_python

LTS, DEBIAN = "4.2 LTS", "Debian's"
OTHERS = [
    pytest.param(LTS, marks=pytest.mark.blender_lts),
    pytest.param(DEBIAN, marks=pytest.mark.blender_debian),
]
EACH = [MODULE, *OTHERS]
LTS_PYTHON = ROOT / ".venv-blender-lts" / "bin" / "python"
PREPARE = "import sys; sys.path.insert(0, {root!r}); sys.argv = ['', *sys.argv[sys.argv.index('--') + 1:]]\n"


def setting(blender: str) -> str:
    """What render.blender is for a Blender."""
    return "blender" if blender == DEBIAN else MODULE


def environment(blender: str) -> dict[str, str]:
    """Variables with which render.blender: module is this Blender's module."""
    return {"ODAH_BLENDER_PYTHON": str(LTS_PYTHON)} if blender == LTS else {}


def run_lines(blender: str, lines: str, *arguments: object, **variables: str) -> Any:
    """Run lines of Python, which find the arguments in sys.argv from 1 on, in a Blender.

    Returns:
        The last line that they print in JSON.
    """
    script = PREPARE.format(root=str(ROOT)) + lines
    if blender == DEBIAN:
        command = blender_command("blender")
        command[command.index("--python-expr") + 1] = script
    else:
        command = [str(LTS_PYTHON if blender == LTS else blender_python()), "-c", script, "--"]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | variables,
        timeout=600,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return json.loads([line for line in done.stdout.splitlines() if line[:1] in ("{", "[", '"')][-1])
