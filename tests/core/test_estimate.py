import dataclasses

import pytest

from odah_gen.config import Camera, Config, Render, View
from odah_gen.estimate import describe_estimate, estimate_seconds, render_seconds
from odah_gen.motion.catalogue import plan_run


def test_more_of_anything_takes_longer():
    config = Config()
    base = estimate_seconds(config, 1, 100)
    sharper = dataclasses.replace(config, render=Render(samples=16))
    plain = dataclasses.replace(config, render=Render(shadows=False))
    alone = dataclasses.replace(config, camera=Camera(views={"front": View(0.0)}))
    assert estimate_seconds(alone, 1, 100) < base
    assert estimate_seconds(config, 2, 200) == pytest.approx(2 * base)
    assert estimate_seconds(sharper, 1, 100) > base > estimate_seconds(plain, 1, 100)


def test_engines_cost_what_they_draw():
    """Workbench draws flat; Cycles follows every ray of light."""
    flat, plain, traced = (
        estimate_seconds(dataclasses.replace(Config(), render=Render(engine=engine)), 1, 100)
        for engine in ("workbench", "eevee", "cycles")
    )
    assert flat < plain < traced


def test_finished_clips_are_not_counted(tmp_path):
    run = plan_run(Config(), tmp_path)
    assert "8 of 8 clips to make, 960 frames" in describe_estimate(run)
    done = run.clip("s01-walking-01")
    done.mkdir(parents=True)
    (done / "quality.json").touch()
    assert "7 of 8 clips to make, 840 frames" in describe_estimate(run)


def test_a_clip_of_the_demo_s_size_takes_what_was_measured():
    """docs/benchmarks.md: 30 processor seconds once and 2.3 for a frame of both cameras; 0.55 s on two idle cores each."""
    small = dataclasses.replace(Config(), camera=Camera(width=360, height=240))
    assert render_seconds(small, 1, 120) == pytest.approx(0.55 * (30 + 2.3 * 120), rel=0.05)
