"""Joint angles of a recording, and where its pelvis is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8

from odah_gen.errors import InputError
from odah_gen.frames import world_to_ground
from odah_net.configuration import FEATURES, VIEWS
from odah_net.data.crop import Crop, crop_about, normalised
from odah_net.data.space_points import View, places_in_crop, space_points
from odah_net.kinematics import PELVIS_SHIFTS, Kinematics
from odah_net.network.model import Network
from odah_net.predict.recording import Recording
from odah_net.refinement import filled, refined


@dataclass(frozen=True)
class Motion:
    """What a recording shows.

    Attributes:
        coordinates: all of the skeleton's, in its order (rad, m; OpenSim ground).
        scales: factors of each body.
        seen: frames with the person in both views; the others lie between their neighbours.
    """

    coordinates: Float[np.ndarray, "frames coordinates"]
    scales: Float[np.ndarray, "bodies 3"]
    seen: Bool[np.ndarray, " frames"]


def motion_of(
    network: Network, kinematics: Kinematics, recording: Recording, device: torch.device | str, seed: int = 0
) -> Motion:
    """The motion of a recording.

    The network says nothing about where the pelvis is: it is put so that the body's mass centre stands in the middle of
    the points in space that both masks show.

    Raises:
        InputError: no frame shows the person in both views, in one place for both.
    """
    features, middles = observed(network, recording, device, seed)
    seen = np.isfinite(features).all(1)
    if not seen.any():
        raise InputError(
            f"{recording.videos['front']}: no frame shows a person in both views, in one place for both. Give masks by "
            "--masks or a recording of which the person does not stand still; see that --cameras are its own and do not "
            "look along one line, and that the videos start together."
        )
    free = kinematics.free.cpu().numpy()
    angles, scales = refined(network.sequence, features, free, device)
    angles[:, free] = np.unwrap(angles[:, free], axis=0)
    return Motion(placed(kinematics, angles, scales, world_to_ground(filled(middles))), scales, seen)


def observed(
    network: Network, recording: Recording, device: torch.device | str, seed: int
) -> tuple[Float[np.ndarray, "frames features"], Float[np.ndarray, "frames 3"]]:
    """Features of all frames, and the middle of their points in space (m, world).

    NaN where a view shows nobody, or where the views show a person in different places.
    """
    features = np.full((recording.frames, FEATURES), np.nan, dtype=np.float32)
    middles = np.full((recording.frames, 3), np.nan)
    network.eval()
    for frame, pair in enumerate(zip(*(recording.shown(camera) for camera in VIEWS))):
        crops = [crop for view in pair if (crop := cropped(view, network.size.image_px))]
        if len(crops) == len(VIEWS):
            found = frame_feature(network, recording, crops, device, np.random.default_rng([seed, frame]))
            if found:
                features[frame], middles[frame] = found
    return features, middles


@dataclass(frozen=True)
class CutOut:
    """A person cut out of a frame: where, the picture, and the mask."""

    crop: Crop
    picture: UInt8[np.ndarray, "side side 3"]
    mask: Bool[np.ndarray, "side side"]


def cropped(view: tuple[np.ndarray, np.ndarray], pixels: int) -> CutOut | None:
    """The person of a picture with its mask; None where nobody is."""
    picture, mask = view
    crop = crop_about(mask, pixels)
    if crop is None:
        return None
    return CutOut(crop, crop.cut(picture), crop.cut(mask.astype(np.uint8) * 255, smooth=False) > 0)


@torch.no_grad()
def frame_feature(
    network: Network,
    recording: Recording,
    crops: Sequence[CutOut],
    device: torch.device | str,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray] | None:
    """The feature of a frame, and the middle of its points in space (m, world).

    None where the views do not show one person, because something else was taken for it in one of them.
    """
    cameras = [recording.cameras[camera] for camera in VIEWS]
    views = [
        View(cut.mask, cut.crop.matrix @ camera.intrinsics, camera.rotation, camera.translation_m)
        for cut, camera in zip(crops, cameras)
    ]
    try:
        points = space_points(views, network.size.points, generator, network.size.rays)
    except ValueError:
        return None
    middle = points.mean(0)
    pictures = normalised(np.stack([cut.picture for cut in crops]), np.stack([cut.mask for cut in crops]))
    places = np.stack([places_in_crop(view, points) for view in views])
    inputs = (
        torch.from_numpy(np.array(each, dtype=np.float32))[None].to(device)
        for each in (pictures, points - middle, places)
    )
    return network.frame(*inputs)[0].float().cpu().numpy(), middle


def placed(
    kinematics: Kinematics,
    angles: Float[np.ndarray, "frames angles"],
    scales: Float[np.ndarray, "bodies 3"],
    middles_m: Float[np.ndarray, "frames 3"],
) -> Float[np.ndarray, "frames coordinates"]:
    """All coordinates, coupled ones set, with the mass centre at places (m, OpenSim ground)."""
    forward, skeleton = kinematics.forward, kinematics.forward.skeleton
    coordinates = np.zeros((len(angles), len(skeleton.coordinate_names)))
    coordinates[:, kinematics.kept.cpu().numpy()] = angles
    factors = torch.as_tensor(np.abs(scales), dtype=forward.dtype, device=forward.device)
    whole = forward.complete(torch.as_tensor(coordinates, dtype=forward.dtype, device=forward.device), factors[None])
    masses = forward.mass_centers(forward.move(whole, factors[None]), factors[None]).double().cpu().numpy()
    centres = np.average(masses, axis=1, weights=skeleton.mass_kg)
    found = whole.double().cpu().numpy()
    found[:, [skeleton.coordinate_names.index(name) for name in PELVIS_SHIFTS]] = middles_m - centres
    return found
