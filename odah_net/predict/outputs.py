"""Files of a prediction: motion, scaled model, and both videos with the skeleton over them."""

import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from odah_gen.body.layout import load_layout
from odah_gen.dataset.overlay import write_overlay
from odah_gen.frames import ground_to_world
from odah_gen.scene.cameras import in_picture, project
from odah_gen.skeleton.mot import write_mot
from odah_gen.skeleton.worker import call
from odah_gen.storage import atomic
from odah_net.configuration import VIEWS
from odah_net.kinematics import Kinematics
from odah_net.predict.kinematics import Motion
from odah_net.predict.recording import Recording


def write_outputs(folder: Path, kinematics: Kinematics, recording: Recording, motion: Motion) -> None:
    """Write kinematics.mot, model.osim and overlay.mp4."""
    time_s = np.arange(recording.frames) / recording.fps
    names = kinematics.forward.skeleton.coordinate_names
    write_mot(folder / "kinematics.mot", names, time_s, motion.coordinates)
    with atomic(folder / "model.osim") as temporary:
        temporary.write_text(scaled_model(kinematics, motion.scales))
    draw_over(folder, kinematics, recording, motion, time_s)


def scaled_model(kinematics: Kinematics, scales: Float[np.ndarray, "bodies 3"]) -> str:
    """The generic model at these sizes, as the text of an .osim; its mass grows with the volume of its bodies."""
    skeleton, layout = kinematics.forward.skeleton, load_layout()
    text = call("generic_model", names=layout.names, bodies=layout.bodies, locations_m=layout.locations_m, locked=())
    sizes = np.abs(scales)
    factors = {name: size.tolist() for name, size in zip(skeleton.body_names, sizes)}
    mass_kg = float((skeleton.mass_kg * sizes.prod(1)).sum())
    return call("apply_scales", text=text, factors=factors, mass_kg=mass_kg, names=(), offsets_m=np.zeros((0, 3)))


def draw_over(
    folder: Path, kinematics: Kinematics, recording: Recording, motion: Motion, time_s: Float[np.ndarray, " frames"]
) -> None:
    """Write overlay.mp4; both pictures stand in it at the first one's size."""
    forward = kinematics.forward
    coordinates, factors = (
        torch.as_tensor(each, dtype=forward.dtype, device=forward.device)
        for each in (motion.coordinates, np.abs(motion.scales)[None])
    )
    pose = forward.move(coordinates, factors)
    points = {"joint_centers": pose.joint_centers_m, "mass_centers": forward.mass_centers(pose, factors)}
    labels = {
        "time_s": time_s,
        "joint_names": np.array(forward.skeleton.joint_names),
        "body_names": np.array(forward.skeleton.body_names),
    }
    cameras = {view: recording.cameras[view] for view in VIEWS}
    sizes = {view: np.array([camera.width, camera.height]) for view, camera in cameras.items()}
    for view, camera in cameras.items():
        for kind, places in points.items():
            seen_px = project(camera, ground_to_world(places.double().cpu().numpy()))
            labels |= {
                f"{view}_{kind}_px": seen_px * sizes[VIEWS[0]] / sizes[view],
                f"{view}_{kind}_visible": in_picture(camera, seen_px),
            }
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        # The overlay is drawn for a clip's folder, where the videos have the cameras' names.
        for view in VIEWS:
            (Path(scratch) / f"{view}.mp4").symlink_to(recording.videos[view].resolve())
        write_overlay(Path(scratch), labels, cameras, recording.fps)
        os.replace(Path(scratch) / "overlay.mp4", folder / "overlay.mp4")
