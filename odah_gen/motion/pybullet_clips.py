"""Real motion-captured clips out of the `pybullet` package (DeepMimic's format), converted when they are read.

The package is under the zlib licence, but the origin of the captures is not recorded: the clips are read where the
package was unpacked and never redistributed. They stand in `.odah/mocap/` (`./odah setup --with mocap`) or in an
installed `pybullet`.

A frame has 44 numbers: duration; root position and quaternion; quaternions of chest and neck; then right and left leg
and arm (hip and ankle, shoulder as quaternions; knee and elbow as one angle). Quaternions are w, x, y, z. DeepMimic's
axes are X forward, Y up, Z right, and the body at rest stands with its arms down.
"""

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from odah_gen.body.collar import collar_rise_rad
from odah_gen.errors import InputError
from odah_gen.motion.clip import MotionClip
from odah_gen.motion.resample import interpolate_rows, slerp_rows
from odah_gen.paths import ROOT
from odah_gen.storage import missing

CURE = "Get the clips with: ./odah setup --with mocap."
PREFIX = "humanoid3d_"
MOTIONS = Path("pybullet_data/data/motions")
COLUMNS = 44
LEG_LENGTH_M = 0.421546 + 0.409870
"""Thigh and shank of DeepMimic's humanoid."""
MODEL_FROM_DEEPMIMIC = Rotation.from_matrix([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
"""X forward, Y up, Z right → X left, Y up, Z forward."""
WORLD_FROM_MODEL_UP = Rotation.from_rotvec([np.pi / 2, 0.0, 0.0])
"""Y up → Z up, as in AMASS."""
PELVIS_REST_M = np.array([0.003, -0.351, 0.012])
"""SMPL-X's pelvis at rest; only a constant shift of the clip, which the world frame takes out again."""
ROOT_COLUMNS, ROOT_TURN, CHEST, NECK = slice(1, 4), 4, 8, 12
SIDE_COLUMNS = {"right": (16, 20, 21, 25, 29), "left": (30, 34, 35, 39, 43)}
"""First columns of hip, knee, ankle, shoulder and elbow."""
JOINTS = {"left": (1, 4, 7, 13, 16, 18), "right": (2, 5, 8, 14, 17, 19)}
SPINE, NECK_AND_HEAD = (3, 6, 9), (12, 15)
UNEVEN = 0.02
"""Frames whose places differ by less than this share of a frame are evenly spaced; files round durations."""
SIGNS = {"left": 1.0, "right": -1.0}
FOOT_TURN_RAD = np.deg2rad(8.0)
"""The most that an ankle turns the foot about the shank, to either side."""


def motions_folder() -> Path:
    """The folder with the clips: of `./odah setup --with mocap`, otherwise of an installed pybullet.

    Raises:
        InputError: neither is there.
    """
    unpacked = ROOT / ".odah" / "mocap" / MOTIONS
    if unpacked.is_dir():
        return unpacked
    package = importlib.util.find_spec("pybullet_data")
    if package is None or package.origin is None:
        raise InputError(f"{unpacked}: the clips of the pybullet package are not there. {CURE}")
    installed = Path(package.origin).parents[1] / MOTIONS
    if not installed.is_dir():
        raise InputError(f"{installed}: the installed pybullet package has no motion clips. {CURE}")
    return installed


def clip_files(folder: Path) -> dict[str, Path]:
    """The clips of a folder by action: lower-case letters and digits of the name ("dance_a" is "dancea")."""
    files = sorted(folder.glob(f"{PREFIX}*.txt"))
    return {re.sub("[^a-z0-9]", "", path.stem.removeprefix(PREFIX).lower()): path for path in files}


def clip_file(action: str) -> Path:
    """The file of an action.

    Raises:
        InputError: the clips are not there, or none has that name.
    """
    folder = motions_folder()
    files = clip_files(folder)
    if action not in files:
        raise InputError(
            f"{folder}: has no clip {action!r}; it has {', '.join(files)}. Choose motion.actions among them."
        )
    return files[action]


def read_pybullet(path: Path) -> MotionClip:
    """Read and convert a clip, Z up.

    Raises:
        InputError: the file is missing or is no clip.
    """
    frames = read_frames(path)
    fps, places = timing(path, frames)
    turns = conjugate(quaternions(frames, ROOT_TURN))
    pelvis = WORLD_FROM_MODEL_UP.apply(MODEL_FROM_DEEPMIMIC.apply(frames[:, ROOT_COLUMNS]))
    poses = np.zeros((len(frames), 55, 3))
    poses[:, 0] = (WORLD_FROM_MODEL_UP * turns).as_rotvec()
    poses[:, SPINE] = conjugate(quaternions(frames, CHEST)).as_rotvec()[:, None] / len(SPINE)
    poses[:, NECK_AND_HEAD] = conjugate(quaternions(frames, NECK)).as_rotvec()[:, None] / len(NECK_AND_HEAD)
    for side, joints in JOINTS.items():
        poses[:, joints] = limbs(frames, side)
    return MotionClip(
        poses=slerp_rows(poses, places).reshape(len(places), 165),
        trans=interpolate_rows(pelvis - PELVIS_REST_M, places),
        fps=fps,
        gender="neutral",
        betas=np.zeros(0),
        flavour="smplx",
        source_file=path.name,
        source_frame=places,
        source_rate_hz=fps,
        leg_length_m=LEG_LENGTH_M,
        height_wanders=True,
    )


def read_frames(path: Path) -> Float[np.ndarray, "frames 44"]:
    """The numbers of a clip.

    Raises:
        InputError: the file is missing, or is no clip of at least two frames of 44 finite numbers.
    """
    try:
        frames = np.array(json.loads(path.read_text())["Frames"], dtype=float)
    except FileNotFoundError as error:
        raise missing(path) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no DeepMimic clip ({error}). {CURE}") from error
    if frames.ndim != 2 or frames.shape[1] != COLUMNS or len(frames) < 2 or not np.isfinite(frames).all():
        raise InputError(
            f"{path}: Frames has shape {list(frames.shape)}; at least two rows of {COLUMNS} finite numbers were "
            f"expected. {CURE}"
        )
    return frames


def timing(path: Path, frames: Float[np.ndarray, "frames 44"]) -> tuple[float, Float[np.ndarray, " even"]]:
    """Frames per second, and where evenly spaced frames lie among those of the file.

    Each frame carries its duration, the last one's meaning nothing. All but one clip are evenly spaced; there the places
    are 0, 1, 2 …

    Raises:
        InputError: a duration is not positive.
    """
    durations = frames[:-1, 0]
    if durations.min() <= 0:
        raise InputError(f"{path}: a frame lasts {durations.min()} s; a positive duration was expected. {CURE}")
    step = float(np.median(durations))
    time_s = np.concatenate([[0.0], np.cumsum(durations)])
    count = int(np.floor(time_s[-1] / step + UNEVEN)) + 1
    places = np.interp(np.arange(count) * step, time_s, np.arange(len(frames)))
    whole = np.round(places)
    return nice_rate(1 / step), whole if np.abs(places - whole).max() < UNEVEN else places


def clip_length(path: Path) -> tuple[int, float]:
    """Frames and frames per second of what `read_pybullet` gives.

    Raises:
        InputError: the file is missing or is no clip.
    """
    fps, places = timing(path, read_frames(path))
    return len(places), fps


def nice_rate(rate: float) -> float:
    """The whole number that a rate was rounded from in the file (0.016667 s is 60 Hz), where it is one."""
    return float(round(rate)) if abs(rate - round(rate)) < 1e-3 * rate else rate


def quaternions(frames: Float[np.ndarray, "frames 44"], first: int) -> Rotation:
    """Rotations from four columns w, x, y, z; normalised, for two clips are off by up to 0.5 %."""
    return Rotation.from_quat(frames[:, [first + 1, first + 2, first + 3, first]])


def hinge(angle_rad: Float[np.ndarray, " frames"]) -> Rotation:
    """Knee and elbow turn about DeepMimic's Z."""
    return Rotation.from_rotvec(np.outer(angle_rad, [0.0, 0.0, 1.0]))


def conjugate(rotation: Rotation) -> Rotation:
    """The same rotation in the model frame."""
    return MODEL_FROM_DEEPMIMIC * rotation * MODEL_FROM_DEEPMIMIC.inv()


def limbs(frames: Float[np.ndarray, "frames 44"], side: str) -> Float[np.ndarray, "frames 6 3"]:
    """Rotation vectors of hip, knee, ankle, collar bone, shoulder and elbow of one side.

    DeepMimic's arms hang at rest and the model's are spread: the shoulder takes the quarter turn between the two, and
    the elbow is expressed in the turned arm. The shoulder is turned back by what the collar bone turns, so that the arm
    keeps its direction.
    """
    hip, knee, ankle, shoulder, elbow = SIDE_COLUMNS[side]
    lowered = Rotation.from_rotvec([0.0, 0.0, -SIGNS[side] * np.pi / 2])
    arm = conjugate(quaternions(frames, shoulder))
    collar = collar_bone(arm, side)
    parts = (
        conjugate(quaternions(frames, hip)),
        conjugate(hinge(frames[:, knee])),
        human_ankle(conjugate(quaternions(frames, ankle))),
        collar,
        collar.inv() * arm * lowered,
        lowered.inv() * conjugate(hinge(frames[:, elbow])) * lowered,
    )
    return np.stack([part.as_rotvec() for part in parts], axis=1)


def human_ankle(ball: Rotation) -> Rotation:
    """An ankle that bends and tilts the foot as the given one does, and turns it about the shank within FOOT_TURN_RAD.

    DeepMimic's knee is a hinge and its ankle a ball, which takes up what thigh and shank of the captured person turned about
    their length. A subtalar joint turns the foot only along with a tilt.

    Args:
        ball: rotations of the foot against the shank (model frame).
    """
    turn, bend, tilt = ball.as_euler("YXZ").T
    return Rotation.from_euler("YXZ", np.stack([np.clip(turn, -FOOT_TURN_RAD, FOOT_TURN_RAD), bend, tilt], axis=1))


def collar_bone(arm: Rotation, side: str) -> Rotation:
    """The turn of a collar bone, which DeepMimic's skeleton lacks.

    Args:
        arm: rotations of the upper arm against the chest, from hanging (model frame).
        side: left or right.
    """
    hangs = arm.apply([0.0, -1.0, 0.0])
    rise = collar_rise_rad(np.arccos(np.clip(-hangs[:, 1], -1.0, 1.0)))
    return Rotation.from_rotvec(np.outer(SIGNS[side] * rise, [0.0, 0.0, 1.0]))
