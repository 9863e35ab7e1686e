# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip in a scratch run with another seed or kind of room, and parts of its scene taken over. Standard library only."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..description import SceneError

PARTS = ("everything", "wardrobe", "room", "light")
LIGHT = ("lights", "ambient_linear", "hdri")
LAMP = "lamp"
"""Name of the bright panels above lights among the props."""
PLACE = ("room", "props", "lights", "ambient_linear", "hdri")
SHELL = ("floor", "walls", "ceiling")


def start_trial(folder: Path, clip: str, subject: str, scratch: Path, seed: int, kind: str) -> None:
    """Copy what the scene stage reads of a clip into a new run `scratch`, with another configuration.

    Raises:
        SceneError: the folder is no run, or is this trial itself.
    """
    if not (folder / "clips.parquet").is_file() or not (folder / "clips" / clip / "body.npz").is_file():
        raise SceneError(f"{folder}: is no run with a fitted body of {clip}. Open a run to try another scene.")
    if scratch == folder:
        raise SceneError("This is what is shown already. Choose another seed, part or room.")
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
    if part == "light":
        lit = in_room(after, before["room"])
        things = [prop for prop in before["props"] if prop["name"] != LAMP]
        lamps = [prop for prop in lit["props"] if prop["name"] == LAMP]
        return {**before, **{name: lit[name] for name in LIGHT if name in lit}, "props": things + lamps}
    worn, stays = (after, before) if part == "wardrobe" else (before, after)
    of_person = {name for parts in worn["wear"].values() for name in parts} | set(worn["regions"]) | {"skin"}
    place = {name: stays[name] for name in PLACE if name in stays}
    standing = {name for name in stays["materials"] if name not in persons(stays)}
    materials = {name: stays["materials"][name] for name in standing}
    materials |= {name: worn["materials"][name] for name in of_person if name in worn["materials"]}
    rest = {name: value for name, value in worn.items() if name not in (*PLACE, "materials")}
    return {**rest, **place, "materials": materials, "cameras": before["cameras"]}


def in_room(scene: Mapping[str, Any], room: Mapping[str, Any]) -> dict[str, Any]:
    """A scene whose lights and lamps hang in another room: as far below its ceiling, at the same shares of its floor.

    Powers go with the floors' areas, as the scene stage draws them.
    """
    drawn = scene["room"]
    sides = [[place["max_m"][axis] - place["min_m"][axis] for axis in (0, 1)] for place in (drawn, room)]
    growth = [there / here for here, there in zip(*sides)]

    def moved(place_m: list[float]) -> list[float]:
        across = [room["min_m"][i] + growth[i] * (place_m[i] - drawn["min_m"][i]) for i in (0, 1)]
        return [*across, room["max_m"][2] - drawn["max_m"][2] + place_m[2]]

    area = growth[0] * growth[1]
    lights = [
        {**light, "position_m": moved(light["position_m"]), "power_w": light["power_w"] * area}
        for light in scene["lights"]
    ]
    props = [
        {**prop, "parts": [{**part, "center_m": moved(part["center_m"])} for part in prop["parts"]]}
        for prop in scene["props"]
    ]
    return {**scene, "lights": lights, "props": props}


def trial_folder(trials: Path, clip: str, part: str, seed: int, kind: str) -> Path:
    """Where a trial's scratch run lies; its name tells what was tried."""
    return trials / "-".join((clip, part, str(seed), kind))


def tried(folder: Path) -> tuple[str, int, str]:
    """Part, seed and kind of room of a trial by its folder."""
    _, part, seed, kind = folder.name.rsplit("-", 3)
    return part, int(seed), kind


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
    if part in ("room", "light"):
        shutil.copy(before / "clothes.npz", after)
    (after / "scene.json").write_text(json.dumps(scene, indent=1), encoding="utf-8")


def snippet(clip: str, trial: tuple[str, int, str] | None, mass_sd: float, betas: list[float] | None) -> str:
    """What to write into a configuration for what was tried; what has no key is a remark.

    Args:
        clip: what it was tried on.
        trial: part, seed and kind of room; None where the scene is the clip's own.
        mass_sd: as shape.bmi_offsets counts it.
        betas: shape coefficients, where they were moved.
    """
    lines = [f"# Tried in Blender on {clip}."]
    if trial is not None:
        part, seed, kind = trial
        if part == "light":
            lines.append("# Light has no seed of its own: with this one, room and wardrobe are others, too.")
        lines.append(f"seed: {seed}")
        if kind:
            lines += ["room:", f"  kinds: [{kind}]"]
    if mass_sd:
        lines += ["shape:", f"  bmi_offsets: [0.0, {mass_sd:.2f}]"]
    if betas:
        lines.append(f"# betas: [{', '.join(f'{value:.3f}' for value in betas)}] (no key: give them in a motion file)")
    return "\n".join(lines) + "\n"
