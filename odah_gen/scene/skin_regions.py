"""Where skin has another colour: hair, brows, lips, flushed places, palms, soles, socks. No vertex is named.

Places on the head are given from between the eyes, in distances between the eyes.
"""

import numpy as np
from jaxtyping import Float

from odah_gen.body.model import JOINT_NAMES
from odah_gen.geometry import vertex_normals
from odah_gen.scene.rest_body import RestBody

Share = Float[np.ndarray, " vertices"]
HAIRLINE = np.array(
    [
        [-4.0, -1.6],
        [-2.9, -1.35],
        [-2.45, -0.7],
        [-2.25, 0.25],
        [-1.45, 0.35],
        [-1.2, 0.15],
        [-1.05, -0.1],
        [-0.8, 1.0],
        [0.5, 1.25],
    ]
)
"""Height of the hairline over the eyes against the place behind them, nape to brow."""
BROW_HEIGHT, BROW_WIDTH, BROW_THICKNESS = 0.36, 0.34, 0.07
SCALP_EDGE, BROW_EDGE = 0.3, 0.12
MOUTH_BELOW_NOSE, LIP_HALF_WIDTH, LIP_HALF_HEIGHT = 0.53, 0.42, 0.13
FLUSHED_JOINT = 0.55
SOCK_HEIGHT_M = 0.06
"""Height of a sock over the ankle joint."""


def skin_regions(body: RestBody) -> dict[str, Share]:
    """How much each vertex has the colour of hair, lips, flush, palm or sock: 0 to 1, soft at the edges.

    Later regions cover earlier ones.
    """
    return {
        "palm": palms(body),
        "flush": flushed(body),
        "lip": lips(body),
        "hair": hair(body),
        "sock": socks(body),
    }


def on_head(body: RestBody) -> Share:
    """1 on the head, 0 from the neck down."""
    return np.clip(2 * body.held_by("head", "jaw") - 0.5, 0, 1)


def above_hairline(across: np.ndarray, up: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """Height over the hairline (distances between the eyes); its arch leaves the ears free."""
    return up - np.interp(forward, *HAIRLINE.T)


def ears(across: np.ndarray, up: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """1 on the ears: they stand out from the head, between the eyes' height and the mouth's."""
    return step(np.abs(across) - 1.28, SCALP_EDGE) * (np.abs(up + 0.35) < 0.9) * (np.abs(forward + 1.7) < 0.7)


def hair(body: RestBody) -> Share:
    """Hair: 1 on the scalp, most on the brows."""
    across, up, forward = body.on_face(body.vertices)
    scalp = step(above_hairline(across, up, forward), SCALP_EDGE) * (1 - ears(across, up, forward))
    off_middle = (np.abs(across) - 0.52) / BROW_WIDTH
    off_brow = np.abs(up - BROW_HEIGHT + 0.06 * off_middle**2)
    brow = step(BROW_THICKNESS - off_brow, BROW_EDGE) * (np.abs(off_middle) < 1) * (forward > 0)
    return on_head(body) * np.maximum(scalp, 0.7 * brow)


def lips(body: RestBody) -> Share:
    """Lips: a lens below the nose's tip."""
    across, up, forward = body.on_face(body.vertices)
    face = (body.held_by("head", "jaw") > 0.5) & (np.abs(across) < 0.3) & (up < -0.2) & (up > -1.2)
    nose = up[face][np.argmax(forward[face])] if face.any() else -0.8
    lens = (across / LIP_HALF_WIDTH) ** 2 + ((up - nose + MOUTH_BELOW_NOSE) / LIP_HALF_HEIGHT) ** 2
    return on_head(body) * step(1 - lens, 0.7) * (forward > 0)


def flushed(body: RestBody) -> Share:
    """Where blood shines through: cheeks, nose, ears, knees, elbows, knuckles."""
    across, up, forward = body.on_face(body.vertices)
    cheek = np.exp(-(((np.abs(across) - 0.75) / 0.35) ** 2) - ((up + 0.75) / 0.35) ** 2) * (forward > -0.6)
    nose = np.exp(-((across / 0.25) ** 2) - ((up + 0.75) / 0.3) ** 2) * (forward > 0)
    head = on_head(body) * np.maximum.reduce([0.8 * cheek, 0.7 * nose, 0.8 * ears(across, up, forward)])
    joints = {"knee": 0.06, "elbow": 0.05, "middle1": 0.03, "index1": 0.03, "ring1": 0.03}
    places = [(body.joint(f"{side}_{name}"), size) for name, size in joints.items() for side in ("left", "right")]
    spots = [
        FLUSHED_JOINT * np.exp(-((np.linalg.norm(body.vertices - place, axis=1) / size) ** 2)) for place, size in places
    ]
    return np.maximum.reduce([head, *spots])


def palms(body: RestBody) -> Share:
    """Palms and soles: skin of hands and feet that faces down at rest."""
    fingers = [name for name in JOINT_NAMES if name[-1].isdigit() and "spine" not in name]
    own = body.held_by("left_wrist", "right_wrist", "left_foot", "right_foot", "left_ankle", "right_ankle", *fingers)
    return np.clip(2 * own - 1, 0, 1) * step(-vertex_normals(body.vertices, body.faces)[:, 1] - 0.3, 0.6)


def socks(body: RestBody) -> Share:
    """Socks: feet and ankles."""
    top = body.joint("left_ankle")[1] + SOCK_HEIGHT_M - body.vertices[:, 1]
    return step(top, 0.008) * (body.held_by("left_hip", "right_hip") < 0.5)


def step(distance: np.ndarray, width: float) -> np.ndarray:
    """A step from 0 to 1 around distance 0, `width` wide, in the unit of `distance`."""
    return np.clip(distance / width + 0.5, 0, 1)
