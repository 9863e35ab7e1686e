"""The files that the render stage makes of a clip."""

from odah_gen.run import CAMERAS

FACTS = "render.json"


def video_files() -> dict[str, str]:
    """File of each video of a clip, by the video's name: a camera's, or that with what else it shows."""
    pictures = {camera: f"{camera}.mp4" for camera in CAMERAS}
    return pictures | {f"{camera}_mask": f"{camera}_mask.mkv" for camera in CAMERAS}


def rendered_files() -> list[str]:
    """All files that the render stage makes of a clip."""
    return [*video_files().values(), FACTS]
