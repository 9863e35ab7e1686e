"""The configuration of a run: frozen sections with their defaults, checked against the JSON schema.

The schema (workflow/schemas/config.schema.yaml) holds types, bounds and prose; the defaults stand here.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin

from odah_gen.errors import InputError
from odah_gen.paths import SCHEMAS
from odah_gen.schemas import schema_problems
from odah_gen.storage import read_yaml

GENDERS = ("female", "male", "neutral")
SPLITS = ("train", "val", "test")
PATHS = ("Motion.amass_dir", "Body.model_dir", "Skeleton.model", "Skeleton.markers", "Room.hdri_dir")
"""Keys that name a file or folder; a leading ~ in them is the user's home."""
CAMERA_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
TAKEN_NAMES, TAKEN_ENDINGS = ("overlay", "preview"), ("_mask", "_depth", "_normals", "_parts")
"""Cameras name their files (`<camera>.mp4`, `<camera>_mask.mkv`), beside a clip's overlay.mp4 and preview.mp4."""
HDRI = "hdri"
"""The kind of place that is a floor in surroundings of the user's own."""


@dataclass(frozen=True)
class Motion:
    """Where motion comes from, and who moves."""

    source: str = "procedural"
    amass_dir: str | None = None
    betas: str = "auto"
    actions: tuple[str, ...] = ("walking", "sitting", "waving", "jumping")
    subjects: int = 4
    clips_per_subject: int = 2
    genders: tuple[str, ...] = ("female", "male")
    duration_s: float = 2.0
    max_frames: int | None = None
    shape_sd: float = 1.0


@dataclass(frozen=True)
class Body:
    """Which body model carries the motion; without a folder the free body of assets/."""

    model_dir: str | None = None
    num_betas: int = 16


@dataclass(frozen=True)
class Shape:
    """Further bodies for the same motion: heavier and lighter variants of every subject."""

    bmi_offsets: tuple[float, ...] = (0.0,)
    variant_skeleton: str = "rescaled"


@dataclass(frozen=True)
class Skeleton:
    """Which OpenSim model and which of its joints may move."""

    model: str | None = None
    markers: str | None = None
    locked: tuple[str, ...] = ()


@dataclass(frozen=True)
class InverseKinematics:
    """How marker trajectories become joint angles, and how that is checked."""

    engine: str = "fast"
    accuracy: float = 1e-7
    low_pass_hz: float | None = None
    check_frames: int = 20


@dataclass(frozen=True)
class Regressor:
    """The seeded bank of bodies and poses that trains the joint regressor of a user's body model."""

    bodies: int = 24
    poses: int = 40
    seed: int = 7


@dataclass(frozen=True)
class Fit:
    """The body fit: shape once per subject, pose for all frames of a clip."""

    shape_frames: int = 12
    joint_weight: float = 1.0
    smoothness: float = 0.02
    iterations: int = 30


@dataclass(frozen=True)
class View:
    """One camera: where it stands, where it looks, and what of it differs from the settings of all (None: nothing)."""

    azimuth_deg: float
    distance_m: float | None = None
    look_at_m: tuple[float, float, float] | None = None
    lens_mm: float | None = None
    sensor_width_mm: float | None = None
    height_m: float | None = None
    height_spread_m: float | None = None
    position_spread_m: float | None = None


def paper_views() -> dict[str, View]:
    """The paper's cameras: one in front of the subject, one on the right."""
    return {"front": View(0.0), "side": View(-90.0)}


@dataclass(frozen=True)
class Camera:
    """All cameras: the paper's lens, height and spread, and the views by name, in their order in pictures."""

    width: int = 1080
    height: int = 720
    lens_mm: float = 33.0
    sensor_width_mm: float = 36.0
    height_m: float = 1.1
    height_spread_m: float = 0.1
    position_spread_m: float = 0.1
    margin: float = 1.1
    views: Mapping[str, View] = field(default_factory=paper_views)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the cameras."""
        return tuple(self.views)


@dataclass(frozen=True)
class Clothes:
    """How clothes move."""

    simulation: bool = False


@dataclass(frozen=True)
class Room:
    """Where a clip plays."""

    kinds: tuple[str, ...] = ("lab", "gym", "corridor", "living room", "clinic", "studio")
    props: bool = True
    hdri_dir: str | None = None


RENDER_QUALITIES = {"preview": (1, False), "standard": (4, True), "high": (16, True)}
"""Samples per pixel and shadows."""
CYCLES_SAMPLES = 4
"""Samples of Cycles for one of EEVEE: its light is drawn at random."""


@dataclass(frozen=True)
class Render:
    """How Blender draws a clip."""

    quality: str = "standard"
    engine: str = "eevee"
    samples: int | None = None
    shadows: bool | None = None
    device: str = "auto"
    blender: str = "module"
    shard_clips: int = 8
    outputs: tuple[str, ...] = ()

    @property
    def drawn_samples(self) -> int:
        """Samples per pixel: the given ones, or those of the quality."""
        if self.samples is not None:
            return self.samples
        return RENDER_QUALITIES[self.quality][0] * (CYCLES_SAMPLES if self.engine == "cycles" else 1)

    @property
    def drawn_shadows(self) -> bool:
        """Whether there are shadows: as given, or as the quality has it."""
        return RENDER_QUALITIES[self.quality][1] if self.shadows is None else self.shadows


@dataclass(frozen=True)
class Quality:
    """What a clip must reach to pass; a clip that fails is marked and left out of exports."""

    marker_rms_mm: float = 20.0
    opensim_difference_deg: float = 0.1
    at_limit_fraction: float = 0.5
    valid_fraction: float = 0.9
    in_frame_fraction: float = 0.98
    in_mask_fraction: float = 0.98
    penetration_mm: float = 40.0
    skate_m_per_s: float = 0.25


@dataclass(frozen=True)
class ByClass:
    """A limit for each class of action; `default` holds for every action that no class names."""

    default: float
    locomotion: float
    arms: float
    acrobatic: float


@dataclass(frozen=True)
class Fidelity:
    """How well the fitted body must show the label: which actions form a class, and each figure's limits.

    docs/fidelity.md tells what true clips reach and what planted faults give; a limit lies between the two.
    """

    locomotion: tuple[str, ...] = ("walking", "walk", "run")
    arms: tuple[str, ...] = ("waving", "punch")
    acrobatic: tuple[str, ...] = (
        "backflip",
        "cartwheel",
        "crawl",
        "dancea",
        "danceb",
        "getupfacedown",
        "getupfaceup",
        "roll",
        "spin",
        "spinkick",
    )
    stance_deg: ByClass = ByClass(7.0, 7.0, 7.0, 7.0)
    angle_deg: ByClass = ByClass(1.2, 1.0, 1.0, 1.5)
    leg_angle_deg: ByClass = ByClass(0.8, 0.6, 0.7, 1.0)
    held_out_angle_deg: ByClass = ByClass(2.5, 1.6, 2.0, 4.0)
    held_out_mm: ByClass = ByClass(8.0, 7.0, 8.0, 11.0)
    segment_deg: ByClass = ByClass(5.0, 4.5, 5.0, 6.0)
    joint_center_mm: ByClass = ByClass(6.0, 5.5, 6.0, 7.0)
    leg_center_mm: ByClass = ByClass(9.0, 8.0, 8.0, 10.0)
    landmark_center_mm: ByClass = ByClass(12.0, 11.0, 12.0, 18.0)
    landmark_turn_deg: ByClass = ByClass(8.0, 7.0, 8.0, 15.0)
    landmark_shift_mm: ByClass = ByClass(10.0, 9.0, 9.0, 11.0)
    source_vertex_mm: ByClass = ByClass(25.0, 15.0, 18.0, 45.0)
    frame_factor: float = 3.0


@dataclass(frozen=True)
class Split:
    """Shares of the subjects; a subject belongs to one split only."""

    train: float = 0.75
    val: float = 0.11
    test: float = 0.14


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run produces."""

    run: str = "default"
    seed: int = 1
    fps: float = 60.0
    motion: Motion = field(default_factory=Motion)
    body: Body = field(default_factory=Body)
    shape: Shape = field(default_factory=Shape)
    skeleton: Skeleton = field(default_factory=Skeleton)
    ik: InverseKinematics = field(default_factory=InverseKinematics)
    regressor: Regressor = field(default_factory=Regressor)
    fit: Fit = field(default_factory=Fit)
    camera: Camera = field(default_factory=Camera)
    clothes: Clothes = field(default_factory=Clothes)
    room: Room = field(default_factory=Room)
    render: Render = field(default_factory=Render)
    quality: Quality = field(default_factory=Quality)
    fidelity: Fidelity = field(default_factory=Fidelity)
    split: Split = field(default_factory=Split)


def load_config(files: Sequence[Path]) -> Config:
    """Read configuration files, later ones over earlier ones, section by section.

    Raises:
        InputError: a file is missing, is not YAML, or holds an unknown key or a value out of bounds.
    """
    merged: dict[str, Any] = {}
    for path in files:
        content = read_yaml(path) or {}
        validate(content, str(path))
        merged = overlay(merged, content)
    return from_mapping(merged, ", ".join(map(str, files)))


def from_mapping(content: Mapping[str, Any], name: str = "configuration") -> Config:
    """Build a Config from plain data, for instance Snakemake's `config`.

    Raises:
        InputError: an unknown key, a value out of bounds, or settings that do not fit together.
    """
    validate(content, name)
    # Laid over all defaults, so that a file may set one limit of a class and keep the others.
    defaults = to_mapping(Config())
    if "views" in (content.get("camera") or {}):
        del defaults["camera"]["views"]  # Cameras that are named are all there are.
    config = build(Config, overlay(defaults, content))
    check_cameras(config.camera, name)
    check_room(config.room, name)
    return config


def to_mapping(config: Config) -> dict[str, Any]:
    """The configuration as plain data that YAML and JSON can hold."""
    return plain(dataclasses.asdict(config))


def validate(content: Mapping[str, Any], name: str) -> None:
    """Check plain data against the schema; the error names the key, what was found and what is allowed."""
    problems = schema_problems(plain(content), SCHEMAS / "config.schema.yaml")
    if problems:
        raise InputError(f"{name}: {problems[0]}. See config/README.md for the keys.")


def check_cameras(camera: Camera, name: str) -> None:
    """See that there are cameras, with names that no other file of a clip has, above the floor.

    Raises:
        InputError: it is not so.
    """
    if not camera.views:
        raise InputError(
            f"{name}: camera.views names no camera. Name one, or take camera.views out for the paper's two."
        )
    for view_name, view in camera.views.items():
        key = f"{name}: camera.views.{view_name}"
        if not CAMERA_NAME.fullmatch(view_name):
            raise InputError(
                f"{key}: is no name for a camera. Take letters, digits, - and _, beginning with a letter or digit."
            )
        if view_name.lower() in TAKEN_NAMES or view_name.lower().endswith(TAKEN_ENDINGS):
            raise InputError(
                f"{key}: other files of a clip are named so ({', '.join(TAKEN_NAMES)}, …{', …'.join(TAKEN_ENDINGS)}). "
                "Choose another name."
            )
        spread = camera.height_spread_m if view.height_spread_m is None else view.height_spread_m
        height = camera.height_m if view.height_m is None else view.height_m
        if spread >= height:
            raise InputError(
                f"{key}: at a height of {height:g} m with a spread of {spread:g} m the camera may stand below the floor. "
                "Raise height_m, or lower height_spread_m."
            )
    if len({view_name.lower() for view_name in camera.views}) < len(camera.views):
        raise InputError(f"{name}: camera.views: two names differ in capitals only. Rename one of the cameras.")


def check_room(room: Room, name: str) -> None:
    """See that surroundings of the user's own would be used.

    Raises:
        InputError: they would not.
    """
    if room.hdri_dir is not None and HDRI not in room.kinds:
        raise InputError(
            f"{name}: room.hdri_dir is set, but room.kinds has no hdri, so no clip would use it. "
            "Add hdri to room.kinds, or take room.hdri_dir out."
        )


def overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two nested mappings; `above` wins."""
    merged = dict(below)
    for key, value in above.items():
        nested = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = overlay(merged[key], value) if nested else value
    return merged


def build(section: type, content: Mapping[str, Any]) -> Any:
    """Fill a dataclass from a mapping, going down into nested sections."""
    values = {}
    for entry in dataclasses.fields(section):
        if entry.name not in content:
            continue
        value = content[entry.name]
        if f"{section.__name__}.{entry.name}" in PATHS and value is not None:
            value = str(Path(value).expanduser())
        if dataclasses.is_dataclass(entry.type):
            value = build(entry.type, value or {})  # type: ignore[arg-type]
        elif get_origin(entry.type) is Mapping:
            value = {str(name): build(get_args(entry.type)[1], part) for name, part in value.items()}
        values[entry.name] = tuple(value) if isinstance(value, list) else value
    return section(**values)


def plain(value: Any) -> Any:
    """Turn tuples into lists, so that data reads back as it was written."""
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value
