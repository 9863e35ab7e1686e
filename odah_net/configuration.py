"""Sizes of the network: the paper's, and two that smaller machines can train."""

from dataclasses import dataclass

from odah_gen.errors import InputError

ANGLES, BODIES = 36, 22
FEATURES = ANGLES + 3 * BODIES
"""Length of a frame feature: the angles, then three scale factors per body. The feature is the frame's prediction."""
VIEWS = ("front", "side")
"""Cameras that a network sees, if nothing else is said: the paper's."""
TEMPORAL_STEPS = (2, 4)
"""Factors by which the U-Net shortens time, level by level; a sequence is a multiple of their product."""


@dataclass(frozen=True)
class NetworkSize:
    """How large the network is.

    Attributes:
        image_px: side of the square crop that the encoder sees.
        stacks: hourglasses, one after another.
        stem_channels: channels after the first convolution; the hourglasses have four times as many.
        head_channels: channels of the local feature that each stack gives to a point.
        points: points in space per frame.
        rays: pixels of each mask through which they are looked for.
        points_by_height: whether the encoder takes them from the highest down, not in random order.
        point_hidden, point_features: widths of the MLP that is shared by all points.
        frame_hidden: width of the MLP from all points of a frame to the frame feature.
        temporal_channels: channels of the U-Net's first level; twice and eight times as many below.
        temporal_blocks: transformer blocks of each level.
        temporal_heads: attention heads of each level.
        frames: length of a sequence.
    """

    image_px: int = 256
    stacks: int = 4
    stem_channels: int = 64
    head_channels: int = 128
    points: int = 500
    rays: int = 500
    points_by_height: bool = False
    point_hidden: int = 512
    point_features: int = 32
    frame_hidden: int = 128
    temporal_channels: int = 48
    temporal_blocks: tuple[int, int, int] = (2, 4, 6)
    temporal_heads: tuple[int, int, int] = (1, 2, 4)
    frames: int = 64

    @property
    def hourglass_channels(self) -> int:
        """Channels of the hourglasses."""
        return 4 * self.stem_channels

    @property
    def point_inputs(self) -> int:
        """Length of a point feature: its place, then the local features of every stack and both views."""
        return 3 + 2 * self.stacks * self.head_channels


SIZES = {
    "paper": NetworkSize(),
    "code": NetworkSize(temporal_blocks=(4, 6, 6)),
    "medium": NetworkSize(
        image_px=128,
        stacks=2,
        stem_channels=32,
        head_channels=64,
        points_by_height=True,
        temporal_blocks=(2, 2, 2),
    ),
    "small": NetworkSize(
        image_px=64,
        stacks=1,
        stem_channels=8,
        head_channels=32,
        points=200,
        rays=100,
        points_by_height=True,
        point_hidden=128,
        temporal_channels=8,
        temporal_blocks=(1, 1, 2),
        frames=32,
    ),
}
"""`paper` as published, `code` with the blocks of the authors' program, and two that need less."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained where no option says otherwise.

    Attributes:
        learning_rate: of Adam, at the first step.
        schedule: one of SCHEDULES.
        from_mean: whether a new network says the mean pose of its training set.
    """

    learning_rate: float = 5e-5
    schedule: str = "constant"
    from_mean: bool = False


SCHEDULES = ("constant", "cosine")
RECIPES = {name: Recipe() for name in ("paper", "code")}
"""The paper's; every other size takes SMALL_DATA, for fewer steps and fewer people than the paper had."""
SMALL_DATA = Recipe(1e-3, "cosine", True)


def recipe_of(name: str) -> Recipe:
    """How a network of a configuration is trained."""
    return RECIPES.get(name, SMALL_DATA)


def size_called(name: str) -> NetworkSize:
    """The sizes of a configuration.

    Raises:
        InputError: there is none of this name.
    """
    if name not in SIZES:
        raise InputError(f"--config {name}: there is no such network. Choose one of: {', '.join(SIZES)}.")
    return SIZES[name]
