import pytest

from odah_gen.scene.render_command import ProgressLine
from odah_gen.scene.render_stage import Progress


def test_the_first_line_says_what_draws_and_how_long_a_clip_takes(capsys: pytest.CaptureFixture[str]) -> None:
    line = ProgressLine(clip_s=lambda frames: 10.0 * frames, cameras=2)
    for done in (1, 2):
        line.show(Progress("s01-walking-01", done, 120, None, "llvmpipe (LLVM 15)"))
    told = capsys.readouterr().err.splitlines()
    assert told[0] == (
        "render: no GPU, llvmpipe (LLVM 15) draws in software; a clip of 60 frames takes about 10 min on two idle cores"
    )
    assert told[1:] == ["render s01-walking-01: picture 1 of 120"]


def test_a_gpu_is_named_without_a_guess(capsys: pytest.CaptureFixture[str]) -> None:
    ProgressLine(clip_s=lambda frames: 1.0).show(Progress("a", 1, 120, None, "NVIDIA L4"))
    assert capsys.readouterr().err.splitlines()[0] == "render: NVIDIA L4 draws"
