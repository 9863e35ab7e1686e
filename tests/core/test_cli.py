import subprocess
import sys
from pathlib import Path

import pytest

from odah_gen.cli import COMMANDS


def odah_gen(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "odah_gen.cli", *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches(command: str):
    result = odah_gen(command, "--help")
    assert result.returncode == 0
    assert COMMANDS[command].help.split()[0].lower() in result.stdout.lower()


def test_a_mistake_is_one_sentence_and_exit_code_2(tmp_path: Path):
    result = odah_gen("ik", "--run", str(tmp_path), "s01-walking-01")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "config.yaml" in result.stderr
    assert result.stdout == ""
