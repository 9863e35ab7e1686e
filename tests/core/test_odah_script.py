import subprocess

import pytest

from odah_gen.paths import ROOT


def odah(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ROOT / "odah"), *words], capture_output=True, text=True, check=False)


def test_help_names_every_command_and_group():
    text = odah("--help").stdout
    assert all(
        word in text
        for word in (
            "setup",
            "demo",
            "test",
            "mocap",
            "models",
            "blender-lts",
            "blender-debian",
            "pose2sim",
            "segmenter",
            "ODAH_TORCH",
        )
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["setup", "--with", "nothing"],
            "no group nothing; the groups are: mocap models blender-lts blender-debian pose2sim segmenter",
        ),
        (["setup", "--with"], "--with needs a name"),
        (["setup", "--fast"], "unknown option --fast"),
        (["demo", "--fast"], "demo takes no options"),
        (["test", "--fast"], "unknown option --fast"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(words: list[str], sentence: str):
    result = odah(*words)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_locked_requirements_carry_hashes_and_no_index():
    for lock in (ROOT / "requirements").glob("*.lock"):
        text = lock.read_text()
        assert text.count("==") <= text.count("--hash=sha256:")
        assert "index-url" not in text
        assert "file:" not in text
