"""A user's own segmentation network as an ONNX file: pictures in, where the person is out."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from odah_gen.errors import InputError
from odah_gen.storage import missing

CHANNELS = 3
LIKELY = 0.5


class Segmenter:
    """Runs an ONNX network by onnxruntime on the CPU.

    The convention (docs/network.md): one input [N, 3, H, W], float32, RGB from 0 to 1; the first output [N, 1, H, W] or
    [N, H, W], the probability of the person from 0 to 1, above 0.5 is the person. Where H and W are fixed, pictures are
    resized to them, and the answer back.
    """

    def __init__(self, path: Path) -> None:
        """Load the network.

        Raises:
            InputError: onnxruntime is not installed, or the file is missing, no network, or has another input.
        """
        self.path, self.session = path, open_session(path)
        inputs = self.session.get_inputs()
        shape = inputs[0].shape if inputs else []
        if len(inputs) != 1 or len(shape) != 4 or shape[1] != CHANNELS or inputs[0].type != "tensor(float)":
            found = ", ".join(f"{entry.name} {entry.type} {entry.shape}" for entry in inputs)
            raise InputError(
                f"{path}: has input {found or 'none'}; one of float32 [N, 3, H, W] was expected. Export it so (docs/network.md)."
            )
        self.name = inputs[0].name
        height, width = shape[2:]
        self.size = (width, height) if isinstance(width, int) and isinstance(height, int) else None
        self.fixed_batch = isinstance(shape[0], int)

    def masks(self, pictures: UInt8[np.ndarray, "count height width 3"]) -> Bool[np.ndarray, "count height width"]:
        """Where the person is.

        Raises:
            InputError: the network fails, or its output is not a probability for each pixel.
        """
        height, width = pictures.shape[1:3]
        likely = self.probabilities(np.stack([resized(picture, self.size) for picture in pictures]))
        return np.stack([resized(each, (width, height)) > LIKELY for each in likely])

    def probabilities(self, pictures: UInt8[np.ndarray, "count h w 3"]) -> Float[np.ndarray, "count h w"]:
        """The network's answer in its own size."""
        given = np.moveaxis(pictures, -1, 1).astype(np.float32) / 255
        batches = np.split(given, len(given)) if self.fixed_batch else [given]
        likely = np.concatenate([self.answer(batch) for batch in batches])
        wanted = pictures.shape[:3]
        if likely.shape not in (wanted, (wanted[0], 1, *wanted[1:])):
            raise InputError(
                f"{self.path}: its output is {list(likely.shape)}; {[wanted[0], 1, *wanted[1:]]} was expected, the person's "
                "probability at each pixel. Export it so (docs/network.md)."
            )
        likely = likely.reshape(wanted)
        if not (likely.min() >= 0 and likely.max() <= 1):
            raise InputError(
                f"{self.path}: its output runs from {likely.min():.3g} to {likely.max():.3g}; probabilities from 0 to 1 "
                "were expected. Let the network end with a sigmoid."
            )
        return likely

    def answer(self, given: Float[np.ndarray, "count 3 h w"]) -> np.ndarray:
        """The first output of a batch."""
        try:
            return np.asarray(self.session.run(None, {self.name: given})[0])
        except Exception as error:  # onnxruntime's errors have no class in common
            raise InputError(f"{self.path}: fails on pictures of {given.shape[2:]} px: {first_line(error)}.") from error


def open_session(path: Path) -> Any:
    """A session of onnxruntime.

    Raises:
        InputError: onnxruntime is not installed, or the file is missing or no network.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            "--segmenter: needs onnxruntime, which is not installed. Run ./odah setup --with segmenter, or leave "
            "--segmenter out for background subtraction."
        ) from error
    if not path.is_file():
        raise missing(path)
    try:
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # as above
        raise InputError(f"{path}: is no ONNX network that onnxruntime opens ({first_line(error)}).") from error


def first_line(error: Exception) -> str:
    """What an error says, on one line."""
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


def resized(picture: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """A picture in another size (width, height); itself where it has it."""
    if size is None or picture.shape[1::-1] == size:
        return picture
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
