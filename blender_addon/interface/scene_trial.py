# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip in a scratch run with another seed or kind of room, and parts of its scene taken over. Standard library only."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..description import SceneError

PARTS = ("everything", "wardrobe", "room")
PLACE = ("room", "props", "lights", "ambient_linear", "hdri")
SHELL = ("floor", "walls", "ceiling")


def start_trial(folder: Path, clip: str, subject: str, scratch: Path, seed: int, kind: str) -> None:
    """Copy what the scene stage reads of a clip into a new run `scratch`, with another configuration.

    Raises:
        SceneError: the folder is no run.
    """
    if not (folder / "clips.parquet").is_file() or not (folder / "clips" / clip / "body.npz").is_file():
        raise SceneError(f"{folder}: is no run with a fitted body of {clip}. Open a run to try another scene.")
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(folder / "clips" / clip, scratch / "clips" / clip, ignore=shutil.ignore_patterns("*.mp4", "*.mkv"))
    shutil.copytree(folder / "subjects" / subject, scratch / "subjects" / subject)
    shutil.copy(folder / "clips.parquet", scratch)
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    (scratch / "config.yaml").write_text(changed(config, seed, kind), encoding="utf-8")


def changed(config: str, seed: int, kind: str) -> str:
    """A resolved configuration with another seed and, unless it is empty, one kind of room.

    Raises:
        SceneError: it is not as odah-gen writes it.
    """
    config, seeds = re.subn(r"^seed: .*$", f"seed: {seed}", config, count=1, flags=re.MULTILINE)
    kinds = 1
    if kind:
        pattern = r"(^room:\n(?:  .*\n)*?  kinds:)(?: .*\n|\n(?:  - .*\n)*)"
        config, kinds = re.subn(pattern, lambda found: f"{found[1]} [{kind}]\n", config, count=1, flags=re.MULTILINE)
    if not seeds or not kinds:
        raise SceneError("config.yaml: has no seed or no room.kinds. Write the run again with: odah-gen index.")
    return config


def take_over(before: Mapping[str, Any], after: Mapping[str, Any], part: str) -> dict[str, Any]:
    """scene.json with one part of `after` and the rest of `before`."""
    if part == "everything":
        return dict(after)
    worn, stays = (after, before) if part == "wardrobe" else (before, after)
    of_person = {name for parts in worn["wear"].values() for name in parts} | set(worn["regions"]) | {"skin"}
    place = {name: stays[name] for name in PLACE if name in stays}
    standing = {name for name in stays["materials"] if name not in persons(stays)}
    materials = {name: stays["materials"][name] for name in standing}
    materials |= {name: worn["materials"][name] for name in of_person if name in worn["materials"]}
    rest = {name: value for name, value in worn.items() if name not in (*PLACE, "materials")}
    return {**rest, **place, "materials": materials, "cameras": before["cameras"]}


def persons(scene: Mapping[str, Any]) -> set[str]:
    """Names of the materials that only the person has."""
    parts = {part["material"] for prop in scene["props"] for part in prop["parts"]} | set(SHELL)
    return set(scene["materials"]) - parts


def finish_trial(folder: Path, clip: str, scratch: Path, part: str) -> None:
    """Leave in the scratch run's clip only the part that is tried; cameras stay unless everything is."""
    before, after = folder / "clips" / clip, scratch / "clips" / clip
    old, new = (json.loads((place / "scene.json").read_text(encoding="utf-8")) for place in (before, after))
    if "hdri" in old:
        old["hdri"]["file"] = str((before / old["hdri"]["file"]).resolve())
    scene = {**take_over(old, new, part), "body": new["body"]}
    scene.pop("cloth", None)  # What is tried was not simulated.
    if part != "everything":
        shutil.copy(before / "cameras.json", after)
    if part == "room":
        shutil.copy(before / "clothes.npz", after)
    (after / "scene.json").write_text(json.dumps(scene, indent=1), encoding="utf-8")


def snippet(clip: str, seed: int | None, kind: str, mass_sd: float, betas: list[float] | None) -> str:
    """What to write into a configuration for what was tried; shape coefficients have no key and are a remark."""
    lines = [f"# Tried in Blender on {clip}."]
    if seed is not None:
        lines.append(f"seed: {seed}")
    if kind:
        lines += ["room:", f"  kinds: [{kind}]"]
    if mass_sd:
        lines += ["shape:", f"  bmi_offsets: [0.0, {mass_sd:.2f}]"]
    if betas:
        lines.append(f"# betas: [{', '.join(f'{value:.3f}' for value in betas)}] (no key: give them in a motion file)")
    return "\n".join(lines) + "\n"
