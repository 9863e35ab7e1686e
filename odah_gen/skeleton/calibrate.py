"""Put the generic model's markers where they lie on the mean body: `python -m odah_gen.skeleton.calibrate`.

Taking the published marker places, or the skin point nearest to them, is wrong by 20 mm on average, because the free
body's landmarks are defined on its own skin. So the generic skeleton is put into the mean body: scaled until its joint
centres are the body's, stood in the static pose, and every skin landmark is written down in the frame of its bone,
divided by the bone's scale. Done for the mean female and the mean male; their average goes into assets/markers.yaml.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from odah_gen.body.layout import MarkerLayout, load_layout, write_layout
from odah_gen.body.model import load_body_model
from odah_gen.paths import ASSETS
from odah_gen.skeleton.kinematics import Replay, Solution
from odah_gen.skeleton.scaling import JOINTS_OF_CENTERS, mean_body_measurements
from odah_gen.skeleton.static import static_with_centers
from odah_gen.skeleton.table import skeleton_table
from odah_gen.skeleton.trc import MarkerTrajectories
from odah_gen.skeleton.worker import call

REFERENCE: Mapping[str, tuple[str, tuple[float, float, float]]] = {
    "RASI": ("pelvis", (0.00953, 0.01808, 0.12846)),
    "LASI": ("pelvis", (0.00953, 0.01808, -0.12846)),
    "RPSI": ("pelvis", (-0.155, 0.035, 0.045)),
    "LPSI": ("pelvis", (-0.155, 0.035, -0.045)),
    "RCAL": ("calcn_r", (-0.015, 0.02, -0.005)),
    "LCAL": ("calcn_l", (-0.015, 0.02, 0.005)),
    "RTOE": ("calcn_r", (0.1788, 0.03, -0.03)),
    "LTOE": ("calcn_l", (0.1788, 0.03, 0.03)),
}
"""Landmarks of the published skeleton that tell its size: pelvis as published; the heel's skin 10 mm inside the
published marker's centre, and the ball of the big toe above the published toe joint."""

POSE_WEIGHTS = dict.fromkeys((*JOINTS_OF_CENTERS, "MHJC"), 1.0)
"""The pose is read from joint centres."""
QUIET_LEGS = ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle")
DECLARED = {
    "pelvis_list": 0.0,
    "pelvis_rotation": 0.0,
    "lumbar_bending": 0.0,
    "lumbar_rotation": 0.0,
    **{f"{name}_{side}": 0.0 for name in QUIET_LEGS for side in "rl"},
    **{f"{name}_{side}": 0.0 for name in ("subtalar_angle", "mtp_angle", "wrist_flex", "wrist_dev") for side in "rl"},
}
"""What quiet standing means by definition (rad). The tilt of the pelvis follows from the legs: at hip angles of zero."""
STYLOIDS = (0.0225, 0.072)
"""Direction from the ulnar to the radial styloid marker in the published radius (x, z; m)."""
ANKLE_RANGE_RAD = np.deg2rad(np.linspace(-20, 20, 41))
MEAN_MASS_KG = 75.0


def calibrated_locations(layout: MarkerLayout, statics: Sequence[MarkerTrajectories]) -> Float[np.ndarray, "markers 3"]:
    """Marker places on the generic model (body frame, m), averaged over mean bodies and made symmetric.

    Args:
        layout: the marker list; its old places are not used.
        statics: one static trial of a mean body each, with virtual markers (m, OpenSim ground).
    """
    places = np.mean([locations_on(layout, static) for static in statics], axis=0)
    mirrored = places[[layout.names.index(mirror_name(name)) for name in layout.names]] * [1, 1, -1]
    return (places + mirrored) / 2


def mirror_name(name: str) -> str:
    """The marker of the other side; a midline marker is its own."""
    if name[0] in "RL" and name not in ("L3",):
        return {"R": "L", "L": "R"}[name[0]] + name[1:]
    return name


def locations_on(layout: MarkerLayout, static: MarkerTrajectories) -> Float[np.ndarray, "markers 3"]:
    """Where the skin landmarks of one body lie on the generic model (body frame, m)."""
    replay, scales = skeleton_in(static)
    bodies = [replay.body_names.index(body) for body in layout.bodies]
    points = static.points_m[0, [static.names.index(name) for name in layout.names]]
    local = np.einsum("mij,mi->mj", replay.body_rotations[0, bodies], points - replay.body_origins_m[0, bodies])
    return local / np.array([scales[body] for body in layout.bodies])


def skeleton_in(static: MarkerTrajectories) -> tuple[Replay, dict[str, list[float]]]:
    """The generic skeleton scaled to a mean body and standing in it, and the scales by body."""
    names, rows = list(REFERENCE), list(REFERENCE.values())
    text = call(
        "generic_model",
        names=names,
        bodies=[body for body, _ in rows],
        locations_m=np.array([place for _, place in rows]),
        locked=(),
    )
    text, scales = call(
        "scale_model", text=text, static=static, measurements=mean_body_measurements(), mass_kg=MEAN_MASS_KG
    )
    elbow = skeleton_table()["joints"]["elbow_r"]["parent"]["orientation_rad"]
    hinge = Rotation.from_euler("XYZ", elbow).as_matrix()[:, 2]
    still = {"arm_rot": 0.0, "pro_sup": np.pi / 2}
    still["arm_rot"] += twist(text, static, still, "humerus_r", ("RMEL", "RLEL"), (hinge[0], hinge[2]))
    still["pro_sup"] += twist(text, static, still, "radius_r", ("RFAulna", "RFAradius"), STYLOIDS)
    pose = pose_of(solve_arms(text, static, still))
    pose |= flat_feet(text, pose)
    return call("replay", text=text, names=list(pose), coordinates=np.array([list(pose.values())])), scales


def solve_arms(text: str, static: MarkerTrajectories, still: Mapping[str, float]) -> Solution:
    """The pose from joint centres, with arm_rot and pro_sup (rad) held on both sides."""
    held = {f"{name}_{side}": value for name, value in still.items() for side in "rl"}
    return call("solve", text=text, trial=static, weights=POSE_WEIGHTS, accuracy=1e-9, locked=DECLARED | held)


def pose_of(solution: Solution) -> dict[str, float]:
    """The coordinates (rad, m) of the first frame."""
    return dict(zip(solution.coordinate_names, solution.coordinates[0]))


def twist(
    text: str,
    static: MarkerTrajectories,
    still: Mapping[str, float],
    body: str,
    markers: tuple[str, str],
    axis_xz: tuple[float, float],
) -> float:
    """How far a bone must turn about its length (rad) to bring an axis of it along a line of two landmarks.

    The elbow's hinge goes along the epicondyles, so that the forearm swings in the plane in which the body's does.
    """
    replay = solve_arms(text, static, still).replay
    rotation = replay.body_rotations[0, replay.body_names.index(body)]
    x, _, z = rotation.T @ (static.column(markers[1])[0] - static.column(markers[0])[0])
    return float(np.arctan2(x, z) - np.arctan2(*axis_xz))


def flat_feet(text: str, pose: Mapping[str, float]) -> dict[str, float]:
    """Ankle angles (rad) at which the soles are level, because the mean body stands on a floor."""
    names = list(pose)
    rows = np.tile(np.array(list(pose.values())), (len(ANKLE_RANGE_RAD), 1))
    for side in "rl":
        rows[:, names.index(f"ankle_angle_{side}")] = ANKLE_RANGE_RAD
    replay = call("replay", text=text, names=names, coordinates=rows)
    angles = {}
    for side in "rl":
        rise = replay.body_rotations[:, replay.body_names.index(f"calcn_{side}"), 1, 0]
        angles[f"ankle_angle_{side}"] = float(np.interp(0.0, rise, ANKLE_RANGE_RAD))
    return angles


def mean_statics(layout: MarkerLayout) -> list[MarkerTrajectories]:
    """The static trials of the mean female and the mean male free body."""
    models = [load_body_model(ASSETS / "body" / f"free_{gender}.npz", torch.float64) for gender in ("female", "male")]
    return [static_with_centers(model, np.zeros(model.num_betas), layout) for model in models]


def main() -> None:
    """Rewrite the locations in assets/markers.yaml."""
    layout = load_layout()
    locations = calibrated_locations(layout, mean_statics(layout))
    write_layout(layout.path, dataclasses.replace(layout, locations_m=locations))


if __name__ == "__main__":
    main()
