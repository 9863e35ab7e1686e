import dataclasses

import pytest

from odah_gen.config import Camera, Clothes, Config, Render, View
from odah_gen.estimate import describe_estimate, estimate_seconds, render_seconds
from odah_gen.motion.catalogue import plan_run


def test_more_of_anything_takes_longer():
    config = Config()
    base = estimate_seconds(config, 1, 100)
    sharper = dataclasses.replace(config, render=Render(samples=16))
    plain = dataclasses.replace(config, render=Render(shadows=False))
    alone = dataclasses.replace(config, camera=Camera(views={"front": View(0.0)}))
    draped = dataclasses.replace(config, clothes=Clothes(simulation=True))
    assert estimate_seconds(alone, 1, 100) < base < estimate_seconds(draped, 1, 100)
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


@pytest.mark.parametrize(("width", "once", "picture"), [(360, 26.4, 1.62), (540, 39.9, 2.53), (1080, 84.2, 4.60)])
def test_a_clip_takes_what_was_measured(width: int, once: float, picture: float):
    """docs/benchmarks.md, "Rendering": processor seconds once and of a picture, means of two runs; 0.55 s on two cores each."""
    config = dataclasses.replace(Config(), camera=Camera(width=width, height=width * 2 // 3))
    assert render_seconds(config, 1, 120) == pytest.approx(0.55 * (once + picture * 2 * 120), rel=0.1)
