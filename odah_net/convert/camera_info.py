"""Cameras as the authors' program keeps them: a pickled dictionary of matrices, read without running what it holds."""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from odah_gen.errors import InputError
from odah_gen.scene.cameras import Camera
from odah_gen.storage import atomic, missing
from odah_net.configuration import VIEWS

HALF_PIXEL = np.array([[0.0, 0.0, 0.5], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0]])
"""Their pixels are OpenCV's: the first pixel's centre is (0, 0), where it is (0.5, 0.5) here."""
SENSOR_WIDTH_MM = 36.0
"""Blender's; only the ratio to the lens means something."""
PARTS = {"matrix": (3, 3), "rot_trans": (3, 4)}
"""What the file holds of each camera."""
PARTS_OF_ARRAYS = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
}


def write_camera_info(path: Path, cameras: Mapping[str, Camera]) -> None:
    """Write K (px) and R | t (m, world to camera) of both cameras."""
    content: dict[str, np.ndarray] = {}
    for name in VIEWS:
        camera = cameras[name]
        content[f"{name}_camera_matrix"] = camera.intrinsics - HALF_PIXEL
        content[f"{name}_camera_rot_trans"] = np.concatenate([camera.rotation, camera.translation_m[:, None]], 1)
    with atomic(path) as temporary:
        np.save(temporary, np.array(content, dtype=object), allow_pickle=True)


def read_camera_info(path: Path, sizes: Mapping[str, tuple[int, int]]) -> dict[str, Camera]:
    """Read what `write_camera_info` writes.

    Args:
        path: the file.
        sizes: width and height of each camera's video (px), which the file does not hold.

    Raises:
        InputError: the file is missing, or holds something else.
    """
    content = read_dictionary(path)
    wanted = {f"{name}_camera_{part}": shape for name in VIEWS for part, shape in PARTS.items()}
    for key, shape in wanted.items():
        if np.shape(content.get(key, ())) != shape:
            raise InputError(f"{path}: {key} is no {shape[0]} × {shape[1]} matrix. Write the cameras again.")
    found = {}
    for name in VIEWS:
        matrix, rot_trans = (np.asarray(content[f"{name}_camera_{part}"], dtype=float) for part in PARTS)
        found[name] = camera_of(matrix, rot_trans, sizes[name])
    return found


def camera_of(matrix: Float[np.ndarray, "3 3"], rot_trans: Float[np.ndarray, "3 4"], size: tuple[int, int]) -> Camera:
    """A camera from K, R | t, and the size of its pictures (px)."""
    width, height = size
    lens_mm = float(matrix[0, 0]) * SENSOR_WIDTH_MM / width
    return Camera(width, height, matrix + HALF_PIXEL, rot_trans[:, :3], rot_trans[:, 3], lens_mm, SENSOR_WIDTH_MM)


class ArraysOnly(pickle.Unpickler):
    """Reads numpy arrays and plain data; refuses whatever else a pickle may call."""

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle names."""
        if (module, name) not in PARTS_OF_ARRAYS:
            raise pickle.UnpicklingError(f"it holds {module}.{name}")
        return super().find_class(module, name)


def read_dictionary(path: Path) -> dict[str, Any]:
    """The dictionary in an .npy file.

    Raises:
        InputError: the file is missing, or holds something else.
    """
    try:
        stream = io.BytesIO(path.read_bytes())
        np.lib.format.read_magic(stream)
        np.lib.format.read_array_header_1_0(stream)
        content = ArraysOnly(stream).load()
        found = content.item() if isinstance(content, np.ndarray) and content.ndim == 0 else content
    except FileNotFoundError as error:
        raise missing(path) from error
    except (ValueError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{path}: is no dictionary of cameras ({error}). Write the cameras again.") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds no dictionary of cameras. Write the cameras again.")
    return found
