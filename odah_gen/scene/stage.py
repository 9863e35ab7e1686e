"""The scene of a clip as plain data: clothes, room, lights, cameras, and how to render it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.body.model import BodyModel, find_body_model
from odah_gen.body.skinning import posed_vertices, shape_body
from odah_gen.config import Render, paper_views
from odah_gen.errors import InputError
from odah_gen.motion.amass import read_world_motion
from odah_gen.paths import ROOT, SCENE_SCHEMA
from odah_gen.run import Run
from odah_gen.scene.appearance import draw_skin
from odah_gen.scene.cameras import DRAWS_OF_A_CAMERA, outline, place_cameras, write_cameras
from odah_gen.scene.dressing import dress, write_clothes
from odah_gen.scene.place import Place, choose_kind, draw_place
from odah_gen.scene.rendered import CLOTH
from odah_gen.scene.wardrobe import choose_clothes, draw_wardrobe
from odah_gen.schemas import schema_problems
from odah_gen.storage import write_json

SCHEMA = 2
WEAR = {
    "upper": ("upper",),
    "lower": ("lower",),
    "shoes": ("shoe", "sole", "lace"),
    "hair": ("hair",),
    "eyes": ("eyeball", "iris", "pupil"),
    "hat": ("hat",),
}
"""Materials of the parts of whatever is worn."""
AMBIENT_LINEAR = (0.15, 0.15, 0.155)


def write_scene(run: Run, clip_id: str) -> None:
    """Describe a clip's scene: `C/body.npz` in; `C/clothes.npz`, `C/cameras.json` and `C/scene.json` out.

    Skin, eyes, hair, shoes and the whole wardrobe are drawn per subject; what of it is worn, room and every camera per
    clip, each from its own seed.

    Raises:
        InputError: `body.npz` is missing, or holds NaN or no frame, or a camera cannot stand where it should.
    """
    folder, subject = run.clip(clip_id), str(run.row(clip_id)["subject"])
    motion = read_world_motion(folder / "body.npz")
    model = find_body_model(run.config.body, str(motion["gender"]))
    points = clip_outline(model, motion)
    cameras = place_cameras(run.config.camera, points, lambda name: camera_generator(run, clip_id, name))
    kind = choose_kind(run.config.room, run.generator(clip_id, "room kind"))
    place = draw_place(run.config.room, kind, points, cameras, run.generator(clip_id, "room"))
    skin = draw_skin(run.generator(subject, "skin"))
    wardrobe = draw_wardrobe(run.generator(subject, "wardrobe"), skin["hair"])
    outfit, worn = choose_clothes(wardrobe, run.generator(clip_id, "clothes"))
    looks = {**skin, **worn, **place.surfaces}
    simulated = run.config.clothes.simulation
    clothes = dress(model, motion["betas"], outfit, simulated)
    write_clothes(folder / "clothes.npz", clothes)
    write_cameras(folder / "cameras.json", run.config.fps, cameras)
    scene = {
        "schema": SCHEMA,
        "clip": clip_id,
        "fps": run.config.fps,
        "frames": len(motion["poses"]),
        **describe_files(folder, model.path),
        **({"cloth": CLOTH} if simulated else {}),
        "wear": {name: list(WEAR[name]) for name in clothes.garments},
        "regions": list(clothes.regions),
        **describe_place(place, folder),
        "materials": {name: look.as_json() for name, look in looks.items()},
        "render": describe_render(run.config.render),
    }
    check_scene(folder / "scene.json", scene)
    write_json(folder / "scene.json", scene)


def camera_generator(run: Run, clip_id: str, name: str) -> np.random.Generator:
    """What decides the height and shift of a camera in a clip; other cameras change nothing in it.

    The paper's two take their numbers from one seed, one after the other.
    """
    paper = list(paper_views())
    if name not in paper:
        return run.generator(clip_id, f"camera {name}")
    generator = run.generator(clip_id, "cameras")
    generator.random(DRAWS_OF_A_CAMERA * paper.index(name))
    return generator


def clip_outline(model: BodyModel, motion: Mapping[str, np.ndarray]) -> Float[np.ndarray, "corners 3"]:
    """Corners of the convex hull of everything the skin sweeps over the clip (world frame, metres)."""
    shaped = shape_body(model, torch.as_tensor(motion["betas"]))
    corners = np.zeros((0, 3))
    for vertices in posed_vertices(shaped, motion["poses"], motion["trans"]):
        corners = outline(np.concatenate([corners, vertices.numpy().reshape(-1, 3).astype(np.float64)]))
    return corners


def describe_files(folder: Path, model: Path) -> dict[str, Any]:
    """The files that a scene names, relative to its own folder where they move with it."""
    return {
        "body": {"model": portable(model, folder), "motion": "body.npz"},
        "clothes": "clothes.npz",
        "cameras": "cameras.json",
    }


def portable(path: Path, folder: Path) -> str:
    """A path relative to `folder` when both lie in this clone, which may be moved as a whole; otherwise absolute."""
    path, folder = path.resolve(), folder.resolve()
    if path.is_relative_to(ROOT) and folder.is_relative_to(ROOT):
        return Path(os.path.relpath(path, folder)).as_posix()
    return str(path)


def describe_place(place: Place, folder: Path) -> dict[str, Any]:
    """Room, props and lights as plain data."""
    plain: dict[str, Any] = {
        "room": {"kind": place.kind, "min_m": rounded(place.room.min_m), "max_m": rounded(place.room.max_m)},
        "props": [prop.as_json() for prop in place.props],
        "lights": [light.as_json() for light in place.lights],
        "ambient_linear": list(AMBIENT_LINEAR),
    }
    if place.hdri is not None:
        plain["hdri"] = {"file": portable(place.hdri.file, folder), "turn_rad": round(place.hdri.turn_rad, 4)}
    return plain


def describe_render(render: Render) -> dict[str, Any]:
    """How Blender draws, as plain data."""
    return {"engine": render.engine, "samples": render.drawn_samples, "shadows": render.drawn_shadows}


def rounded(point: Float[np.ndarray, "3"]) -> list[float]:
    """A point to a tenth of a millimetre."""
    return [round(float(part), 4) for part in point]


def check_scene(path: Path, scene: Any) -> None:
    """Check a scene against its schema, which lies beside the code that reads it.

    Raises:
        InputError: an entry is missing, unknown, or of another kind.
    """
    problems = schema_problems(scene, SCENE_SCHEMA)
    if problems:
        raise InputError(f"{path}: {problems[0]}. Run `odah-gen scene` again.")
