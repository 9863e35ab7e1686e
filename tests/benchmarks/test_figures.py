"""Figures of benchmarks survive what could not be measured."""

import json
import math

from figures import Figure, Report, at_most


def test_what_could_not_be_measured_misses_its_goal_and_is_null_in_the_file(tmp_path):
    report = Report("test")
    report.add("section", [Figure("unknown", math.nan, "mm", at_most(1.0)), Figure("known", 0.5, "mm", at_most(1.0))])
    report.add_table("table", [{"clip": "a", "distance": math.nan, "worst": math.inf, "verdict": True}])
    report.finish(tmp_path / "figures.json")
    sections = json.loads((tmp_path / "figures.json").read_text())["sections"]
    assert [(row["value"], row["met"]) for row in sections["section"]] == [(None, False), (0.5, True)]
    assert sections["table"] == [{"clip": "a", "distance": None, "worst": None, "verdict": True}]
