"""Checks of one clip's files against the specs and against each other; each check gives one sentence per problem."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from odah_gen.config import Config
from odah_gen.dataset.labels import Arrays
from odah_gen.dataset.masks import count_in_video
from odah_gen.dataset.osim import read_outline
from odah_gen.dataset.quality import fraction
from odah_gen.dataset.schema import CLIP_ARRAYS, LABEL_POINTS, array_problems, expand_cameras, json_problems
from odah_gen.dataset.video import inspect_video, read_frames
from odah_gen.errors import InputError
from odah_gen.scene.boxes import mask_box
from odah_gen.scene.cameras import Camera, in_picture, pinhole, project, read_cameras
from odah_gen.scene.rendered import BOXES, MEASURED, SEGMENTS, WORN, WORN_STEP
from odah_gen.skeleton.mot import read_mot
from odah_gen.skeleton.trc import read_trc
from odah_gen.storage import read_json, read_npz

PLACE_PX = 0.05
LENS_PX = 0.01
ORTHONORMAL = 1e-5
ANGLE_RAD = 1e-6
SCALE = 1e-6
TIME_S = 1e-4
RATE = 1e-3
STRUCTURED = (".npz", ".json")


@dataclass(frozen=True)
class ClipFiles:
    """One clip of a run or of an export, as the catalogue announces it.

    Attributes:
        folder, subject: folders of the clip and of its subject.
        frames, fps: what the catalogue says.
        config: the run's configuration.
    """

    folder: Path
    subject: Path
    frames: int
    fps: float
    config: Config

    @cached_property
    def labels(self) -> Arrays:
        """The arrays of labels.npz."""
        return read_npz(self.folder / "labels.npz")

    @cached_property
    def cameras(self) -> dict[str, Camera]:
        """The cameras of the configuration, by name."""
        return read_cameras(self.folder / "cameras.json", self.config.camera.names)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, in a sentence; `unreadable` when a file could not be read at all."""

    sentence: str
    unreadable: bool = False


Check = Callable[[ClipFiles], Iterator[str]]


def check_structure(clip: ClipFiles, name: str) -> Iterator[str]:
    """One .npz or .json can be read, and agrees with its spec or schema where it has one."""
    path = clip.folder / name
    if path.suffix == ".npz":
        specs = expand_cameras(CLIP_ARRAYS.get(name, ()), clip.config.camera.names)
        problems = array_problems(read_npz(path), specs, {"T": clip.frames})
    else:
        problems = json_problems(read_json(path), name)
    yield from (f"{path}: {problem}." for problem in problems)


def check_cameras(clip: ClipFiles) -> Iterator[str]:
    """Rotations are rotations, and K is the lens that the file names."""
    for name, camera in clip.cameras.items():
        for problem in camera_problems(camera):
            yield f"{clip.folder / 'cameras.json'}: {name}: {problem}."


def camera_problems(camera: Camera) -> list[str]:
    """What is wrong with a camera: R no rotation, or K another lens than stated; one clause each."""
    problems = []
    product = camera.rotation @ camera.rotation.T
    if not np.allclose(product, np.eye(3), atol=ORTHONORMAL) or np.linalg.det(camera.rotation) < 0:
        problems.append("R is no rotation matrix")
    if not np.allclose(camera.intrinsics, pinhole(camera), atol=LENS_PX):
        problems.append(f"K is not that of a {camera.lens_mm:g} mm lens on a {camera.sensor_width_mm:g} mm sensor")
    return problems


def check_video(clip: ClipFiles, camera_name: str, ending: str) -> Iterator[str]:
    """Every frame of a video or mask can be read, and their number, size and rate are the clip's."""
    path, camera = clip.folder / f"{camera_name}{ending}", clip.cameras[camera_name]
    found = inspect_video(path)
    if found.frames != clip.frames:
        yield f"{path}: has {found.frames} frames; the clip has {clip.frames}."
    if (found.width, found.height) != (camera.width, camera.height):
        yield f"{path}: is {found.width} x {found.height} px; its camera is {camera.width} x {camera.height} px."
    if abs(found.fps - clip.fps) > RATE * clip.fps or not found.steady:
        yield f"{path}: runs at {found.fps:g} frames per second, or not evenly; {clip.fps:g} was expected."


def check_mask_values(clip: ClipFiles, camera_name: str) -> Iterator[str]:
    """A mask holds 0 and 255 alone."""
    path = clip.folder / f"{camera_name}_mask.mkv"
    for number, mask in enumerate(read_frames(path, "gray")):
        if not np.isin(mask, (0, 255)).all():
            yield f"{path}: frame {number} holds values other than 0 and 255: it is damaged, or was not written lossless."
            return


def check_parts(clip: ClipFiles, camera_name: str) -> Iterator[str]:
    """Parts are numbered as specified, and lie on the mask's pixels alone."""
    path, masks = clip.folder / f"{camera_name}_parts.mkv", clip.folder / f"{camera_name}_mask.mkv"
    for number, (parts, mask) in enumerate(zip(read_frames(path, "gray16le"), read_frames(masks, "gray"))):
        known = (parts % WORN_STEP <= SEGMENTS) & (parts // WORN_STEP <= len(WORN))
        if not known.all() or not np.array_equal(parts % WORN_STEP > 0, mask > 0):
            yield f"{path}: frame {number} holds an unknown part, or does not agree with {masks.name}: it is damaged."
            return


def check_depth(clip: ClipFiles, camera_name: str) -> Iterator[str]:
    """Every pixel of the person has a depth."""
    path, masks = clip.folder / f"{camera_name}_depth.mkv", clip.folder / f"{camera_name}_mask.mkv"
    for number, (depth_mm, mask) in enumerate(zip(read_frames(path, "gray16le"), read_frames(masks, "gray"))):
        if (depth_mm[mask > 0] == 0).any():
            yield f"{path}: frame {number} has no depth on pixels of {masks.name}: it is damaged."
            return


def check_boxes(clip: ClipFiles, camera_name: str) -> Iterator[str]:
    """Boxes are those of the masks."""
    path, masks = clip.folder / BOXES, clip.folder / f"{camera_name}_mask.mkv"
    boxes = read_npz(path)[f"{camera_name}_box_px"]
    for number, (box, mask) in enumerate(zip(boxes, read_frames(masks, "gray"))):
        if tuple(box) != mask_box(mask):
            yield f"{path}: {camera_name}_box_px of frame {number} is not the box of {masks.name}."
            return


def check_centers_in_masks(clip: ClipFiles) -> Iterator[str]:
    """Visible joint centres lie on the person; in a clip that has failed already they need not."""
    counts = np.zeros(2, dtype=int)
    for name, camera in clip.cameras.items():
        points = clip.labels[f"{name}_joint_centers_px"]
        seen = clip.labels[f"{name}_joint_centers_visible"] & in_picture(camera, points) & clip.labels["valid"][:, None]
        counts += count_in_video(clip.folder / f"{name}_mask.mkv", camera, points, seen)
    share, needed = fraction(int(counts[0]), int(counts[1])), clip.config.quality.in_mask_fraction
    verdict = read_json(clip.folder / "quality.json")["verdict"]
    if verdict == "pass" and (share is None or share < needed):
        found = "none is visible" if share is None else f"{100 * share:.1f} % do"
        yield f"{clip.folder}: {100 * needed:g} % of the visible joint centres should lie inside the masks; {found}."


def check_places(clip: ClipFiles) -> Iterator[str]:
    """Points in the pictures are the projections of the points in the world, and time runs at the clip's rate."""
    labels, path = clip.labels, clip.folder / "labels.npz"
    for name, camera in clip.cameras.items():
        for kind in LABEL_POINTS:
            wanted, found = project(camera, labels[f"{kind}_m"]), labels[f"{name}_{kind}_px"]
            agree = np.isclose(found, wanted, rtol=0, atol=PLACE_PX, equal_nan=True)
            if not agree[labels["valid"]].all():
                yield f"{path}: {name}_{kind}_px is not the projection of {kind}_m."
    if not np.allclose(labels["time_s"], np.arange(clip.frames) / clip.fps, atol=TIME_S):
        yield f"{path}: time_s is not that of {clip.fps:g} frames per second."


def check_kinematics(clip: ClipFiles) -> Iterator[str]:
    """The .mot has the label's coordinates, name by name and frame by frame."""
    path = clip.folder / "kinematics.mot"
    motion, names = read_mot(path), [str(name) for name in clip.labels["coordinate_names"]]
    if len(motion.time_s) != clip.frames:
        yield f"{path}: has {len(motion.time_s)} rows; the clip has {clip.frames} frames."
        return
    absent = [name for name in names if name not in motion.names]
    if absent:
        yield f"{path}: lacks {', '.join(absent)}."
        return
    values = motion.values[:, [motion.names.index(name) for name in names]]
    if not np.allclose(values, clip.labels["coordinates_rad"], atol=ANGLE_RAD, equal_nan=True):
        yield f"{path}: differs from coordinates_rad of labels.npz."


def check_markers(clip: ClipFiles, name: str) -> Iterator[str]:
    """A marker file has a row for every frame."""
    rows = len(read_trc(clip.folder / name).time_s)
    if rows != clip.frames:
        yield f"{clip.folder / name}: has {rows} frames; the clip has {clip.frames}."


def check_subject(clip: ClipFiles) -> Iterator[str]:
    """The scaled model has the label's bodies and coordinates, and scales.json is the label's."""
    path = clip.subject / "scales.json"
    content = read_json(path)
    problems = json_problems(content, path.name)
    for problem in problems:
        yield f"{path}: {problem}."
    bodies = [str(name) for name in clip.labels["body_names"]]
    if not problems and not same_scales(content, bodies, clip.labels["scales"]):
        yield f"{path}: differs from scales of {clip.folder / 'labels.npz'}."
    outline = read_outline(clip.subject / "model.osim")
    absent = set(bodies) - set(outline.bodies)
    absent |= {str(name) for name in clip.labels["coordinate_names"]} - set(outline.coordinates)
    if absent:
        yield f"{clip.subject / 'model.osim'}: lacks {', '.join(sorted(absent))}."


def same_scales(content: dict[str, list[float]], bodies: list[str], scales: np.ndarray) -> bool:
    """Whether scales.json says what the label says, for every body."""
    return set(bodies) == set(content) and np.allclose([content[body] for body in bodies], scales, atol=SCALE)


def picture_checks(camera: str) -> tuple[tuple[tuple[str, ...], Check], ...]:
    """The checks of one camera's files."""
    video, mask = f"{camera}.mp4", f"{camera}_mask.mkv"
    return (
        (("cameras.json", video), partial(check_video, camera_name=camera, ending=".mp4")),
        (("cameras.json", mask), partial(check_video, camera_name=camera, ending="_mask.mkv")),
        ((mask,), partial(check_mask_values, camera_name=camera)),
        *(
            (("cameras.json", f"{camera}_{kind}.mkv"), partial(check_video, camera_name=camera, ending=f"_{kind}.mkv"))
            for kind in MEASURED
        ),
        ((mask, f"{camera}_depth.mkv"), partial(check_depth, camera_name=camera)),
        ((mask, f"{camera}_parts.mkv"), partial(check_parts, camera_name=camera)),
        ((mask, BOXES), partial(check_boxes, camera_name=camera)),
    )


def checks_of(cameras: Sequence[str]) -> list[tuple[tuple[str, ...], Check]]:
    """The files that a check needs, and the check. It runs when they are there and sound; the last one is what it judges."""
    masks = [f"{camera}_mask.mkv" for camera in cameras]
    return [
        *(entry for camera in cameras for entry in picture_checks(camera)),
        (("cameras.json", "labels.npz", "quality.json", *masks), check_centers_in_masks),
        (("cameras.json", "labels.npz"), check_places),
        (("labels.npz", "kinematics.mot"), check_kinematics),
        (("markers.trc",), partial(check_markers, name="markers.trc")),
        (("held_out.trc",), partial(check_markers, name="held_out.trc")),
        (("labels.npz",), check_subject),
        (("cameras.json",), check_cameras),
    ]


def clip_problems(clip: ClipFiles, wanted: Sequence[str]) -> list[Problem]:
    """Everything that is wrong with a clip: files that are missing, unreadable, not as specified, or at odds."""
    sound: set[str] = set()
    problems: list[Problem] = []
    for name in wanted:
        path = clip.folder / name
        if not path.is_file():
            problems.append(Problem(f"{path}: is missing. Run the workflow again."))
            continue
        found = run_check(partial(check_structure, name=name), clip) if path.suffix in STRUCTURED else []
        problems += found
        sound |= set() if found else {name}
    for needed, check in checks_of(clip.config.camera.names):
        if sound >= set(needed):
            found = run_check(check, clip)
            problems += found
            sound -= set(needed[-1:]) if found else set()
    return list(dict.fromkeys(problems))


def run_check(check: Check, clip: ClipFiles) -> list[Problem]:
    """The problems that a check finds; a file that cannot be read ends it."""
    problems = []
    try:
        for sentence in check(clip):
            problems.append(Problem(sentence))
    except InputError as error:
        problems.append(Problem(str(error), unreadable=True))
    return problems
