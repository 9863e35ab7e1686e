"""Simulating loose clothes: Blender finds where they hang in every frame, before anything is drawn."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from odah_gen.errors import InputError
from odah_gen.run import Run
from odah_gen.scene.blender import DRAPE, Blender, blender_running
from odah_gen.scene.render_stage import Progress, check_scene
from odah_gen.scene.rendered import CLOTH
from odah_gen.storage import PART, read_json, write_npz

DRAPED = ("upper", "lower")
SCRATCH = ".drape-"  # In the clip's folder; one that a killed job left is removed by the next.


def drape_clips(
    run: Run,
    clip_ids: Sequence[str],
    report: Callable[[Progress], None] = lambda progress: None,
    warn: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Simulate the clothes of clips with one Blender: `C/scene.json` and what it names in; `C/cloth.npz` out.

    A garment whose simulation fails moves with the body, as it does without simulation; the file says so too.

    Args:
        run: the run, with `clothes.simulation`.
        clip_ids: which clips.
        report: called after each step.
        warn: is told, in a sentence, of a garment whose simulation fails.

    Raises:
        InputError: the run simulates no clothes, a file is missing or not as expected, or Blender breaks off.
    """
    scenes = {clip_id: run.clip(clip_id) / "scene.json" for clip_id in clip_ids}
    for path in scenes.values():
        check_simulated(run, path)
    log = run.folder / f".blender.{os.getpid()}{PART}.log"
    with blender_running(run.config.render.blender, "auto", log, DRAPE) as blender:
        for clip_id, path in scenes.items():
            for leftover in path.parent.glob(f"{SCRATCH}*"):
                shutil.rmtree(leftover, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=SCRATCH) as scratch:
                failed = drape_clip(blender, clip_id, path, Path(scratch), report)
                for garment, reason in failed.items():
                    warn(
                        f"{clip_id}: the simulation of the {garment} garment failed ({reason}); it moves with the body."
                    )
                places = {f"{name}_m": np.load(Path(scratch) / f"{name}.npy") for name in DRAPED}
                simulated = {f"{name}_simulated": name not in failed for name in DRAPED}
                write_npz(path.with_name(CLOTH), **places, **simulated)


def check_simulated(run: Run, path: Path) -> None:
    """See that a run simulates clothes, and that a scene was written for it.

    Raises:
        InputError: it is not so.
    """
    if not run.config.clothes.simulation:
        raise InputError(
            f"{run.folder / 'config.yaml'}: clothes.simulation is false, so clothes move with the body. "
            "Start a run with it set to true, or go on with: odah-gen render."
        )
    scene = read_json(path)
    check_scene(path, scene)
    if "cloth" not in scene:
        raise InputError(f"{path}: was written without clothes.simulation. Run `odah-gen scene` again.")


def drape_clip(
    blender: Blender, clip_id: str, scene: Path, scratch: Path, report: Callable[[Progress], None]
) -> dict[str, str]:
    """Simulate a clip's clothes into the scratch folder; returns the garments that failed, with the reasons."""
    failed: dict[str, str] = {}
    total, done, start_s = 0, 0, time.monotonic()
    for event in blender.drape(scene, scratch):
        if event["event"] == "start":
            total = int(event["steps"])
        elif event["event"] == "skinned":
            failed[event["garment"]] = event["reason"]
        else:
            done += 1
            left_s = (time.monotonic() - start_s) / done * (total - done)
            report(Progress(clip_id, done, total, left_s, ""))
    return failed
