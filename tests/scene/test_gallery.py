"""The gallery of people: what is drawn, and what a user can get wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from odah_gen.cli import main
from odah_gen.scene.gallery import GAP_PX, in_rows
from odah_gen.storage import write_yaml

GAP = GAP_PX


def command(folder: Path, *further: str) -> list[str]:
    """The command for two people drawn by Workbench."""
    config = folder / "people.yaml"
    write_yaml(
        config, {"run": "people", "fps": 12, "motion": {"actions": ["walking"]}, "render": {"engine": "workbench"}}
    )
    return ["gallery", "--config", str(config), "--subjects", "2", "--out", str(folder / "people.png"), *further]


def test_two_people_stand_side_by_side_and_differ(tmp_path: Path) -> None:
    main(command(tmp_path, "--size", "64x96", "--columns", "1"))

    picture = np.asarray(Image.open(tmp_path / "people.png")).astype(float)

    assert picture.shape == (2 * 96 + GAP, 2 * 64, 3)
    first, second = picture[:96], picture[-96:]
    assert np.all(picture[96 : 96 + GAP] == 255)
    assert np.abs(first - second).mean() > 5
    # The person fills most of a picture's height: columns through the middle vary from top to bottom.
    assert first[10:86, 28:36].std() > 20


def test_a_short_last_row_is_white_where_nobody_stands() -> None:
    tiles = [np.full((4, 6, 3), shade, np.uint8) for shade in (1, 2, 3)]

    sheet = in_rows(tiles, 2)

    assert sheet.shape == (8 + GAP, 12 + GAP, 3)
    assert np.all(sheet[:4, :6] == 1)
    assert np.all(sheet[:4, -6:] == 2)
    assert np.all(sheet[-4:, :6] == 3)
    assert np.all(sheet[-4:, 6:] == 255)


@pytest.mark.parametrize(
    ("further", "sentence"),
    [
        (["--size", "63x96"], "two even numbers"),
        (["--subjects", "0"], "at least 1"),
        (["--out", "people.gif"], "neither in .png nor in .jpg"),
    ],
)
def test_a_mistake_gets_one_sentence(
    tmp_path: Path, further: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(command(tmp_path, *further))

    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1
