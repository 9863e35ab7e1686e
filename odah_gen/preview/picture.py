"""One frame of a preview: body, skeleton and markers from two sides, with figures and a legend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image, ImageDraw, ImageFont

from odah_gen.dataset.overlay import LEFT, MIDDLE, RIGHT, draw_skeleton
from odah_gen.dataset.visibility import ON_SKIN_MARGIN_M
from odah_gen.preview.mesh import Surface, draw_surface
from odah_gen.preview.view import View

Color = tuple[int, int, int, int]
BACKGROUND, FLOOR, TEXT = (34, 38, 44), (120, 126, 136), (235, 235, 235)
SKIN, SKIN_OPACITY, DARKEST = np.array([196.0, 170.0, 150.0]), 0.75, 0.25
MEASURED, MODEL, BODY, RESIDUAL = (255, 255, 255, 255), (255, 235, 60, 255), (70, 230, 110, 255), (255, 60, 70, 255)
HIDDEN_ALPHA = 90
RESIDUAL_FACTOR = 5
TICK_M, TICK_PX = 0.5, 8
DOT_PX = 2.5
TEXT_PX = 17
ABOVE_PX, BELOW_PX = 76, 64
LEGEND: Mapping[str, Color] = {
    "fitted body": (*map(int, SKIN), 255),  # type: ignore[dict-item]
    "skeleton: right": RIGHT,
    "left": LEFT,
    "middle": MIDDLE,
    "markers: measured": MEASURED,
    "model": MODEL,
    "fitted body's": BODY,
    f"from model to body, x {RESIDUAL_FACTOR}": RESIDUAL,
}


@dataclass(frozen=True)
class Frame:
    """What is drawn of one frame; positions in m, world; NaN where there is none.

    Attributes:
        vertices_m: the fitted body.
        skeleton_m: the label's joint and mass centres by name.
        measured_m, model_m, body_m: the markers that inverse kinematics was given, the model's, the fitted body's.
        middle_m: place on the floor that stands in the middle.
        lines: text above the pictures.
    """

    vertices_m: Float[np.ndarray, "vertices 3"]
    skeleton_m: Mapping[str, Float[np.ndarray, "3"]]
    measured_m: Float[np.ndarray, "markers 3"]
    model_m: Float[np.ndarray, "markers 3"]
    body_m: Float[np.ndarray, "markers 3"]
    middle_m: Float[np.ndarray, "2"]
    lines: Sequence[str]


def draw_frame(frame: Frame, views: Mapping[str, View], faces: Int[np.ndarray, "faces 3"]) -> Image.Image:
    """The views side by side with text above and the legend below, RGB."""
    pictures = [draw_view(frame, view, faces) for view in views.values()]
    whole = Image.new("RGB", (sum(picture.width for picture in pictures), pictures[0].height))
    left = 0
    for name, picture in zip(views, pictures):
        whole.paste(picture, (left, 0))
        write(whole, (left + picture.width // 2, ABOVE_PX - 6), name, "ms")
        left += picture.width
    for row, line in enumerate(frame.lines):
        write(whole, (10, 6 + row * (TEXT_PX + 4)), line, "la")
    draw_legend(whole)
    return whole


def draw_view(frame: Frame, view: View, faces: Int[np.ndarray, "faces 3"]) -> Image.Image:
    """One view without text."""
    places, depths = view.project(frame.vertices_m, frame.middle_m)
    surface = draw_surface(places, depths, view.px_per_m, faces, (view.width, view.height))
    picture = Image.fromarray(over(np.asarray(draw_floor(view, frame.middle_m)), surface)).convert("RGBA")
    skeleton = Image.new("RGBA", picture.size)
    joints = {name: view.project(place, frame.middle_m)[0] for name, place in frame.skeleton_m.items()}
    draw_skeleton(skeleton, joints, {})
    markers = Image.new("RGBA", picture.size)
    draw_markers(markers, frame, view, surface)
    picture.alpha_composite(skeleton)
    picture.alpha_composite(markers)
    return picture.convert("RGB")


def draw_floor(view: View, middle_m: Float[np.ndarray, "2"]) -> Image.Image:
    """The empty view: a line for the floor with a tick every half metre, at fixed places of the world."""
    picture = Image.new("RGB", (view.width, view.height), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    row = round(view.floor_px)
    draw.line([(0, row), (view.width, row)], fill=FLOOR)
    at = view.rotation[0, :2] @ middle_m
    reach = view.width / view.px_per_m / 2
    for tick in range(int(np.ceil((at - reach) / TICK_M)), int((at + reach) // TICK_M) + 1):
        column = round(view.width / 2 + view.px_per_m * (tick * TICK_M - at))
        draw.line([(column, row), (column, row + TICK_PX)], fill=FLOOR)
    return picture


def over(background: UInt8[np.ndarray, "height width 3"], surface: Surface) -> UInt8[np.ndarray, "height width 3"]:
    """The shaded body, translucent, over a picture."""
    picture = background.copy()
    covered = surface.covered
    shade = DARKEST + (1 - DARKEST) * surface.shade[covered, None]
    picture[covered] = SKIN_OPACITY * shade * SKIN + (1 - SKIN_OPACITY) * background[covered]
    return picture


def draw_markers(layer: Image.Image, frame: Frame, view: View, surface: Surface) -> None:
    """Of every marker the measured place, the model's and the body's, with the lengthened way between these two.

    The nearest come last; those behind the body are faint.
    """
    far = frame.model_m + RESIDUAL_FACTOR * (frame.body_m - frame.model_m)
    measured, model, end = (view.project(p, frame.middle_m)[0] for p in (frame.measured_m, frame.model_m, far))
    body, depths = view.project(frame.body_m, frame.middle_m)
    hidden = surface.hides(body, depths, ON_SKIN_MARGIN_M)
    for marker in np.argsort(-depths):
        draw_marker(layer, [places[marker] for places in (measured, model, body, end)], bool(hidden[marker]))


def draw_marker(layer: Image.Image, places_px: Sequence[Float[np.ndarray, "2"]], faint: bool) -> None:
    """One marker: a ring where it was measured, dots for model and body, and the line; what is NaN is left out."""
    draw, (measured, model, body, end) = ImageDraw.Draw(layer), places_px
    if np.isfinite([model, end]).all():
        draw.line([*map(tuple, (model, end))], fill=dim(RESIDUAL, faint), width=2)
    if np.isfinite(measured).all():
        draw.ellipse(box(measured, DOT_PX + 2), outline=dim(MEASURED, faint))
    for place, color in ((model, MODEL), (body, BODY)):
        if np.isfinite(place).all():
            draw.ellipse(box(place, DOT_PX), fill=dim(color, faint))


def box(place_px: Float[np.ndarray, "2"], radius_px: float) -> tuple[float, float, float, float]:
    """The square about a place."""
    x, y = place_px
    return (x - radius_px, y - radius_px, x + radius_px, y + radius_px)


def dim(color: Color, faint: bool) -> Color:
    """The colour, or a faint one."""
    return (*color[:3], HIDDEN_ALPHA) if faint else color


def draw_legend(picture: Image.Image) -> None:
    """Colours and what they mean, in two rows below everything."""
    entries = list(LEGEND.items())
    for row, part in enumerate((entries[:4], entries[4:])):
        left, top = 10, picture.height - 8 - (1 - row) * (TEXT_PX + 3)
        for meaning, color in part:
            ImageDraw.Draw(picture).rectangle([left, top - 9, left + 10, top + 1], fill=color[:3])
            left = write(picture, (left + 16, top), meaning, "ls") + 22


def write(picture: Image.Image, place: tuple[int, int], text: str, anchor: str) -> int:
    """Write a line (anchor as in PIL); returns the column where it ends."""
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=TEXT_PX)
    draw.text(place, text, fill=TEXT, font=font, anchor=anchor)
    return int(draw.textbbox(place, text, font=font, anchor=anchor)[2])
