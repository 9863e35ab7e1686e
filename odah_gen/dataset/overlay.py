"""The projected skeleton drawn over a clip's videos: transparent drawings by PIL, put over and tiled by ffmpeg."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
from jaxtyping import Bool, Float
from PIL import Image, ImageDraw, ImageFont

from odah_gen.dataset.labels import Arrays
from odah_gen.ffmpeg_job import ffmpeg_job
from odah_gen.scene.cameras import Camera
from odah_gen.storage import atomic

RIGHT, LEFT, MIDDLE = (255, 140, 0, 255), (0, 190, 255, 255), (255, 255, 255, 255)
EDGE = (0, 0, 0, 200)
LEG = ("hip", "walker_knee", "ankle", "subtalar", "mtp", "toes")
ARM = ("acromial", "elbow", "radioulnar", "radius_hand", "hand")
LINES_PER_HEIGHT = 170
LEAST_HEIGHT_PX = 480
CURE = "Check the clip's videos with odah-gen verify, and the free space."
SHEET_COLUMNS, SHEET_ROWS, SHEET_CAMERA_PX = 2, 3, 360
ONE_ROW = 3
"""So many cameras stand side by side; more stand in rows of about as many."""


def segments() -> list[tuple[str, str]]:
    """Lines of the skeleton as pairs of names: joints, and bodies (their mass centres) for toes and hands."""
    lines = [("ground_pelvis", "back")]
    for side in ("_r", "_l"):
        lines += [("ground_pelvis", f"hip{side}"), ("back", f"acromial{side}")]
        for chain in (LEG, ARM):
            names = [name + side for name in chain]
            lines += itertools.pairwise(names)
    return lines


def color_of(name: str) -> tuple[int, int, int, int]:
    """Orange for the subject's right, blue for the left, white for the middle."""
    return {"_r": RIGHT, "_l": LEFT}.get(name[-2:], MIDDLE)


def draw_skeleton(
    picture: Image.Image,
    places: Mapping[str, Float[np.ndarray, "2"]],
    visible: Mapping[str, bool],
) -> None:
    """Draw the skeleton of one camera; points that the body hides are small.

    Args:
        picture: RGBA picture of the camera's size, drawn upon.
        places: picture positions (px) by name; the skeleton's lines are drawn where both ends are known.
        visible: which points nothing hides.
    """
    width = max(1, round(picture.height / LINES_PER_HEIGHT))
    draw = ImageDraw.Draw(picture)
    known = {name: tuple(place) for name, place in places.items() if np.isfinite(place).all()}
    lines = [(start, end) for start, end in segments() if start in known and end in known]
    for start, end in lines:
        draw.line([known[start], known[end]], fill=EDGE, width=width + 2)
    for start, end in lines:
        draw.line([known[start], known[end]], fill=color_of(end), width=width)
    for name in dict.fromkeys(name for line in lines for name in line):
        (x, y), radius = known[name], width * (1.6 if visible.get(name, False) else 0.6)
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=color_of(name), outline=EDGE)


def columns_of(cameras: int) -> int:
    """How many cameras stand side by side: up to three in one row, more in a grid about as high as wide."""
    return cameras if cameras <= ONE_ROW else math.ceil(math.sqrt(cameras))


def grid_size(cameras: int, size: tuple[int, int]) -> tuple[int, int]:
    """Width and height (px) of all cameras together, each of `size`."""
    columns = columns_of(cameras)
    return columns * size[0], math.ceil(cameras / columns) * size[1]


def cell(number: int, cameras: int, size: tuple[int, int]) -> tuple[int, int]:
    """Left and top (px) of a camera's picture among all."""
    row, column = divmod(number, columns_of(cameras))
    return column * size[0], row * size[1]


def drawn_frames(labels: Arrays, cameras: Sequence[str], size: tuple[int, int], scale: int) -> Iterator[Image.Image]:
    """One transparent picture per frame: the cameras side by side, each with the skeleton and its name, and the time.

    Args:
        labels: the arrays of labels.npz.
        cameras: names of the cameras.
        size: width and height of one camera's drawing (px).
        scale: how much larger that is than the camera's picture.
    """
    names = [*map(str, labels["joint_names"]), *map(str, labels["body_names"])]
    edge = size[1] // 40
    for frame, time in enumerate(labels["time_s"]):
        whole = Image.new("RGBA", grid_size(len(cameras), size))
        for number, camera in enumerate(cameras):
            part = Image.new("RGBA", size)
            places, visible = points_of(labels, camera, frame)
            draw_skeleton(part, dict(zip(names, scale * places)), dict(zip(names, map(bool, visible))))
            write_text(part, camera, (edge, size[1] - edge), "ld", size[1] // 24)
            whole.paste(part, cell(number, len(cameras), size))
        write_text(whole, f"{time:.2f} s", (edge, edge), "la", size[1] // 18)
        yield whole


def write_text(picture: Image.Image, text: str, place: tuple[int, int], anchor: str, height: int) -> None:
    """Write words that can be read on any picture: white with a dark edge, `height` px high."""
    font = ImageFont.load_default(size=max(10, height))
    draw = ImageDraw.Draw(picture)
    draw.text(place, text, fill=MIDDLE, font=font, anchor=anchor, stroke_width=1, stroke_fill=EDGE)


def points_of(
    labels: Arrays, camera: str, frame: int
) -> tuple[Float[np.ndarray, "points 2"], Bool[np.ndarray, " points"]]:
    """Places (px) and visibility of joint centres, then of mass centres."""
    kinds = ("joint_centers", "mass_centers")
    places = np.concatenate([labels[f"{camera}_{kind}_px"][frame] for kind in kinds])
    return places, np.concatenate([labels[f"{camera}_{kind}_visible"][frame] for kind in kinds])


def write_overlay(folder: Path, labels: Arrays, cameras: Mapping[str, Camera], fps: float) -> None:
    """Write overlay.mp4 of a clip: its videos side by side with the skeleton over them, small ones enlarged.

    Args:
        folder: the clip's folder with its videos.
        labels: the arrays of labels.npz.
        cameras: by name; their pictures have one size.
        fps: frames per second.

    Raises:
        InputError: a video cannot be read or the overlay cannot be written.
    """
    first = next(iter(cameras.values()))
    scale = math.ceil(LEAST_HEIGHT_PX / first.height)
    size = (scale * first.width, scale * first.height)
    width, height = grid_size(len(cameras), size)
    drawing = ffmpeg.input("pipe:", format="rawvideo", pix_fmt="rgba", s=f"{width}x{height}", framerate=fps)
    whole = ffmpeg.overlay(side_by_side(folder, tuple(cameras), size), drawing)
    path = folder / "overlay.mp4"
    with atomic(path) as temporary:
        job = ffmpeg.output(whole, str(temporary), vcodec="libx264", pix_fmt="yuv420p", crf=20, movflags="+faststart")
        with ffmpeg_job(job, path, CURE) as encoder:
            for picture in drawn_frames(labels, tuple(cameras), size, scale):
                encoder.add(picture.tobytes())
            encoder.finish()


def side_by_side(folder: Path, cameras: Sequence[str], size: tuple[int, int]) -> Any:
    """The cameras' videos, each brought to `size` (px), in one picture; a place without a camera is black."""
    videos = [ffmpeg.input(str(folder / f"{camera}.mp4")).filter("scale", *size) for camera in cameras]
    if len(videos) == 1:
        return videos[0]
    places = [cell(number, len(videos), size) for number in range(len(videos))]
    layout = "|".join(f"{left}_{top}" for left, top in places)
    return ffmpeg.filter(videos, "xstack", inputs=len(videos), layout=layout, fill="black")


def write_contact_sheet(folder: Path, frames: int, cameras: int) -> None:
    """Write contact_sheet.png: frames of overlay.mp4, evenly spaced, in rows of two.

    Args:
        folder: the clip's folder, which holds overlay.mp4.
        frames: how many frames it has.
        cameras: how many cameras it shows.

    Raises:
        InputError: overlay.mp4 cannot be read or the sheet cannot be written.
    """
    width = SHEET_CAMERA_PX * columns_of(cameras)
    write_sheet(folder / "overlay.mp4", folder / "contact_sheet.png", sheet_frames(frames), CURE, width)


def write_sheet(video: Path, path: Path, chosen: Sequence[int], cure: str, tile_px: int = 2 * SHEET_CAMERA_PX) -> None:
    """Write frames of a video as one picture, in rows of two.

    Args:
        video: the video.
        path: the picture, .png.
        chosen: which frames, ascending, counted from 0.
        cure: what the user can do when it cannot be made, a sentence.
        tile_px: width of a frame.

    Raises:
        InputError: the video cannot be read or the picture cannot be written.
    """
    columns = min(SHEET_COLUMNS, len(chosen))
    layout = f"{columns}x{math.ceil(len(chosen) / columns)}"
    tiles = (
        ffmpeg.input(str(video))
        .filter("select", "+".join(f"eq(n,{frame})" for frame in chosen))
        .filter("scale", tile_px, -2)
        .filter("tile", layout, nb_frames=len(chosen), padding=4)
    )
    with (
        atomic(path) as temporary,
        ffmpeg_job(ffmpeg.output(tiles, str(temporary), vframes=1, update=1), path, cure) as job,
    ):
        job.finish()


def sheet_frames(frames: int, most: int = SHEET_COLUMNS * SHEET_ROWS) -> list[int]:
    """Evenly spaced frames of a clip, first and last included, each once."""
    wanted = np.linspace(0, frames - 1, min(frames, most))
    return [int(frame) for frame in wanted.round()]
