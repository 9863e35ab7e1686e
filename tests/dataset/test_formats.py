"""docs/formats.md and the specs say the same, and the specs find what is wrong."""

import numpy as np
import pytest

from odah_gen.config import load_config
from odah_gen.dataset.schema import (
    BOX_ARRAYS,
    CATALOGUE,
    CLOTH_ARRAYS,
    CLOTHES_ARRAYS,
    JSON_FILES,
    KEYPOINT_ARRAYS,
    LABEL_ARRAYS,
    POSE_ARRAYS,
    RECORDING_ARRAYS,
    SUBJECT_BODY_ARRAYS,
    SUBJECT_FIT_ARRAYS,
    array_problems,
    expand_cameras,
    json_problems,
    spec,
)
from odah_gen.motion.catalogue import create_run
from odah_gen.paths import ROOT

FORMATS = (ROOT / "docs" / "formats.md").read_text()
TABLES = (
    KEYPOINT_ARRAYS,
    RECORDING_ARRAYS,
    LABEL_ARRAYS,
    POSE_ARRAYS,
    SUBJECT_BODY_ARRAYS,
    SUBJECT_FIT_ARRAYS,
    CLOTHES_ARRAYS,
    CLOTH_ARRAYS,
    BOX_ARRAYS,
)
POINTS = (spec("valid", "T", "bool", "", "", ""), spec("points_m", "T M 3", "float", "m", "world", ""))


def markdown_table(specs) -> str:
    """The table of docs/formats.md for one .npz."""
    lines = ["| array | shape | kind | unit | frame | meaning |", "|---|---|---|---|---|---|"]
    for entry in specs:
        shape = f"[{', '.join(map(str, entry.shape))}]" if entry.shape else "one value"
        meaning = entry.meaning + ("; NaN where there is none" if entry.may_be_nan else "")
        cells = (f"`{entry.name}`", shape, entry.kind, entry.unit or "–", entry.frame or "–", meaning)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


@pytest.mark.parametrize("specs", TABLES)
def test_the_document_holds_the_table_of_every_file(specs):
    assert markdown_table(specs) in FORMATS


def test_the_document_describes_no_array_that_has_no_spec():
    tables = [line for line in FORMATS.splitlines() if line.startswith("| `") and line.count("|") == 7]
    assert len(tables) == sum(map(len, TABLES))


def test_the_catalogue_has_the_columns_of_the_document(tmp_path):
    run = create_run(load_config([ROOT / "config" / "demo.yaml"]), tmp_path / "demo")
    assert list(run.clips.columns) == list(CATALOGUE)
    for name, meaning in CATALOGUE.items():
        assert f"| `{name}` | {meaning} |" in FORMATS


@pytest.mark.parametrize("name", JSON_FILES)
def test_every_json_file_is_in_the_document_and_has_a_schema(name):
    assert f"`{name}` ({name.replace('.json', '.schema.yaml')})" in FORMATS
    assert json_problems([], name), "an empty list is none of these files"


def test_camera_arrays_stand_for_every_camera():
    names = [entry.name for entry in expand_cameras(LABEL_ARRAYS, ("front", "top-left", "no_2"))]
    assert {"front_markers_px", "top-left_markers_px", "no_2_markers_px"} <= set(names)
    assert not any("<" in name for name in names)


def test_agreeing_arrays_have_no_problems():
    arrays = {"valid": np.array([True, False]), "points_m": np.zeros((2, 5, 3)), "more": np.zeros(9)}
    arrays["points_m"][1] = np.nan
    assert array_problems(arrays, POINTS, {"T": 2}) == []


@pytest.mark.parametrize(
    ("arrays", "clause"),
    [
        ({"valid": np.ones(2, bool)}, "lacks points_m"),
        ({"valid": np.ones(2, bool), "points_m": np.zeros((3, 5, 3))}, "[3, 5, 3], [T = 2, M, 3] was expected"),
        ({"valid": np.ones(2, bool), "points_m": np.zeros((2, 5, 3), int)}, "of type int64, float was expected"),
        ({"valid": np.ones(2, bool), "points_m": np.full((2, 5, 3), np.nan)}, "NaN or infinite values in valid frames"),
    ],
)
def test_each_kind_of_problem_is_named(arrays, clause):
    assert [clause in problem for problem in array_problems(arrays, POINTS)] == [True]
