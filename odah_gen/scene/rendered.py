"""The files that the render stage makes of a clip, the optional ones of `render.outputs` included."""

from collections.abc import Sequence

FACTS, BOXES = "render.json", "boxes.npz"
CLOTH = "cloth.npz"
"""Where simulated clothes are: made before a clip is rendered, and only with `clothes.simulation`."""
MEASURED = ("depth", "normals", "parts")
"""Optional videos that hold numbers, not colours."""


OUTPUTS = (*MEASURED, "boxes")
SEGMENTS = 55
WORN, WORN_STEP = ("upper", "lower", "shoes", "hair", "eyes", "hat"), 256
"""A pixel of `parts`: segment of the skin, counted from 1, plus 256 times what is worn, counted from 1."""


def videos(cameras: Sequence[str], outputs: Sequence[str]) -> dict[str, str]:
    """Every video of a clip by name, a camera's or that with what else it shows, and its kind: picture, mask, or one of
    MEASURED."""
    kinds = ["mask", *(kind for kind in MEASURED if kind in outputs)]
    pictures = {camera: "picture" for camera in cameras}
    return pictures | {f"{camera}_{kind}": kind for camera in cameras for kind in kinds}


def camera_of(name: str, kind: str) -> str:
    """The camera of a video."""
    return name if kind == "picture" else name.removesuffix(f"_{kind}")


def video_file(name: str, kind: str) -> str:
    """The file of a video."""
    return f"{name}.mp4" if kind == "picture" else f"{name}.mkv"


def rendered_files(cameras: Sequence[str], outputs: Sequence[str]) -> list[str]:
    """All files that the render stage makes of a clip."""
    boxes = [BOXES] if "boxes" in outputs else []
    return [*(video_file(*entry) for entry in videos(cameras, outputs).items()), *boxes, FACTS]


def optional_files(cameras: Sequence[str]) -> list[str]:
    """The files that only `render.outputs` asks for."""
    always = rendered_files(cameras, ())
    return [name for name in rendered_files(cameras, OUTPUTS) if name not in always]
