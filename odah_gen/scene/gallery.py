"""A gallery: the people and places that a configuration draws, one moment of each, without skeleton or fit."""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from odah_gen.config import Config
from odah_gen.dataset.video import read_frames
from odah_gen.motion.amass import read_world_motion
from odah_gen.motion.catalogue import create_run
from odah_gen.motion.stage import write_motion
from odah_gen.run import Run
from odah_gen.scene.drape_stage import drape_clips
from odah_gen.scene.render_stage import Progress, render_clips
from odah_gen.scene.stage import write_scene
from odah_gen.storage import atomic, write_npz

GAP_PX = 4


def write_gallery(config: Config, path: Path, columns: int, report: Callable[[Progress], None]) -> int:
    """Draw every clip of a configuration at the middle of its source motion, all cameras, as one picture.

    Body, clothes, room and cameras are drawn as the run draws them, but the cameras frame one moment only and so
    stand nearer than in the clip.

    Args:
        config: the run; each of its clips is a tile, with its cameras side by side.
        path: the picture, .png or .jpg.
        columns: tiles in a row.
        report: called after each picture.

    Returns:
        How many tiles there are.

    Raises:
        InputError: a source of motion or Blender cannot be used, or the picture cannot be written.
    """
    still = dataclasses.replace(config, render=dataclasses.replace(config.render, outputs=()))
    with tempfile.TemporaryDirectory(prefix="odah-gallery-") as folder:
        run = create_run(still, Path(folder))
        clips = [str(clip) for clip in run.clips.index]
        for clip in clips:
            write_moment(run, clip)
            write_scene(run, clip)
        if config.clothes.simulation:
            drape_clips(run, clips)
        render_clips(run, clips, report)
        tiles = [tile(run, clip) for clip in clips]
    with atomic(path) as temporary:
        Image.fromarray(in_rows(tiles, columns)).save(temporary)
    return len(tiles)


def write_moment(run: Run, clip_id: str) -> None:
    """Write body.npz with the middle frame of the source motion: the body before any fit."""
    motion = read_world_motion(write_motion(run, clip_id))
    middle = slice(len(motion["poses"]) // 2, len(motion["poses"]) // 2 + 1)
    write_npz(
        run.clip(clip_id) / "body.npz",
        poses=motion["poses"][middle],
        trans=motion["trans"][middle],
        betas=motion["betas"],
        gender=motion["gender"],
    )


def tile(run: Run, clip_id: str) -> UInt8[np.ndarray, "height width 3"]:
    """A clip's first frame from all its cameras, side by side."""
    return np.concatenate(
        [next(read_frames(run.clip(clip_id) / f"{camera}.mp4")) for camera in run.config.camera.names], axis=1
    )


def in_rows(tiles: list[UInt8[np.ndarray, "height width 3"]], columns: int) -> UInt8[np.ndarray, "rows columns 3"]:
    """Tiles of one size in rows, white between them; the last row may be shorter."""
    height, width, _ = tiles[0].shape
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + GAP_PX) - GAP_PX, columns * (width + GAP_PX) - GAP_PX, 3), 255, np.uint8)
    for number, picture in enumerate(tiles):
        row, column = divmod(number, columns)
        top, left = row * (height + GAP_PX), column * (width + GAP_PX)
        sheet[top : top + height, left : left + width] = picture
    return sheet
