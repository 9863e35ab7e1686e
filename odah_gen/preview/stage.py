"""Preview of a clip: fitted body, skeleton and markers from two sides, before anything is rendered."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import ffmpeg
import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from odah_gen.body.layout import load_layout
from odah_gen.body.model import BodyModel, find_body_model
from odah_gen.body.skinning import ShapedBody, posed_vertices, shape_body
from odah_gen.dataset.overlay import sheet_frames, write_sheet
from odah_gen.errors import InputError
from odah_gen.ffmpeg_job import ffmpeg_job
from odah_gen.fidelity.measure import COUNTS
from odah_gen.frames import ground_to_world
from odah_gen.motion.amass import read_world_motion
from odah_gen.preview.picture import ABOVE_PX, BELOW_PX, Frame, draw_frame
from odah_gen.preview.view import extent_of, place_views
from odah_gen.registration.fit_stage import pick
from odah_gen.run import Run
from odah_gen.scene.render_stage import Clock, Progress
from odah_gen.skeleton.trc import read_trc
from odah_gen.storage import atomic, read_npz

VIEW_SIZE = (480, 640)
SHEET_FRAMES = 8
CURE = "Free space or change the folder."
KEYPOINTS = (
    "time_s",
    "joint_names",
    "joint_centers_m",
    "body_names",
    "mass_centers_m",
    "marker_names",
    "markers_m",
    "valid",
)


@dataclass(frozen=True)
class MovingBody:
    """The fitted body of a clip.

    Attributes:
        faces: triangles of its vertices.
        shaped: its vertices at rest, then its markers as displaced points.
        poses, trans: rad; m, world.
    """

    faces: Int[np.ndarray, "faces 3"]
    shaped: ShapedBody
    poses: Float[np.ndarray, "frames 165"]
    trans: Float[np.ndarray, "frames 3"]

    @property
    def middles_m(self) -> Float[np.ndarray, "frames 2"]:
        """Where over the floor (X, Y) the pelvis is: the root joint turns about itself."""
        return np.asarray(self.shaped.joints[0, :2].double().numpy() + self.trans[:, :2])

    def parts(self) -> Iterator[tuple[Float[np.ndarray, "some points 3"], Float[np.ndarray, "some 2"]]]:
        """Vertices, then markers (m, world), with the middles, some frames at a time."""
        done = 0
        for part in posed_vertices(self.shaped, self.poses, self.trans):
            yield part.double().numpy(), self.middles_m[done : done + len(part)]
            done += len(part)


@dataclass(frozen=True)
class Shown:
    """What is shown beside the body, in every frame (m, world); NaN where inverse kinematics found no pose.

    Attributes:
        time_s: time of each frame.
        skeleton_names, skeleton_m: joint and mass centres.
        measured_m, model_m: the body's markers as inverse kinematics was given them, and on the model.
        counted: the markers whose distances count in a mean.
    """

    time_s: Float[np.ndarray, " frames"]
    skeleton_names: Sequence[str]
    skeleton_m: Float[np.ndarray, "frames points 3"]
    measured_m: Float[np.ndarray, "frames markers 3"]
    model_m: Float[np.ndarray, "frames markers 3"]
    counted: Bool[np.ndarray, " markers"]

    def frame(self, clip_id: str, number: int, points_m: Float[np.ndarray, "points 3"], middle_m: np.ndarray) -> Frame:
        """One frame, with the body's vertices and markers in it."""
        body_m = points_m[-len(self.counted) :]
        measured, model = self.measured_m[number], self.model_m[number]
        heading = f"{clip_id}   frame {number + 1} of {len(self.time_s)}   {self.time_s[number]:.2f} s"
        fitted = mean_mm(body_m - model, self.counted)
        given = mean_mm(measured - model, self.counted)
        known = np.isfinite(fitted)
        figures = f"markers, mean: model to fitted body's {fitted:.1f} mm, model to measured {given:.1f} mm"
        return Frame(
            vertices_m=points_m[: -len(self.counted)],
            skeleton_m=dict(zip(self.skeleton_names, self.skeleton_m[number])),
            measured_m=measured,
            model_m=model,
            body_m=body_m,
            middle_m=middle_m,
            lines=(heading, figures if known else "no label in this frame"),
        )


def write_preview(run: Run, clip_id: str, path: Path, report: Callable[[Progress], None]) -> int:
    """Write a video (H264) of fitted body, skeleton and markers from the front and the side; returns its frames.

    Args:
        run: the run, with the stages up to `fit` done for the clip.
        clip_id: the clip.
        path: the video.
        report: told about progress.

    Raises:
        InputError: a file of an earlier stage is missing or does not fit the others, or the video cannot be written.
    """
    body, shown = read_clip(run, clip_id)
    views = place_views(extent_of(body.parts()), VIEW_SIZE, ABOVE_PX, BELOW_PX)
    size = f"{sum(view.width for view in views.values())}x{VIEW_SIZE[1]}"
    pictures = ffmpeg.input("pipe:", format="rawvideo", pix_fmt="rgb24", s=size, framerate=run.row(clip_id)["fps"])
    clock = Clock(clip_id, len(shown.time_s), report)
    with atomic(path) as temporary:
        job = ffmpeg.output(
            pictures, str(temporary), vcodec="libx264", pix_fmt="yuv420p", crf=20, movflags="+faststart"
        )
        with ffmpeg_job(job, path, CURE) as encoder:
            for frame in frames_of(clip_id, body, shown):
                encoder.add(draw_frame(frame, views, body.faces).tobytes())
                clock.tick()
            encoder.finish()
    return len(shown.time_s)


def write_preview_sheet(video: Path, path: Path, frames: int) -> None:
    """Write evenly spaced frames of a preview as one picture, in rows of two.

    Raises:
        InputError: the video cannot be read or the sheet cannot be written.
    """
    write_sheet(video, path, sheet_frames(frames, SHEET_FRAMES), CURE)


def frames_of(clip_id: str, body: MovingBody, shown: Shown) -> Iterator[Frame]:
    """Every frame of a clip."""
    number = 0
    for part, middles in body.parts():
        for points, middle in zip(part, middles):
            yield shown.frame(clip_id, number, points, middle)
            number += 1


def mean_mm(offsets_m: Float[np.ndarray, "markers 3"], counted: Bool[np.ndarray, " markers"]) -> float:
    """Mean length (mm) of the counted offsets that are known; NaN where none is."""
    lengths = np.linalg.norm(offsets_m[counted], axis=1)
    known = np.isfinite(lengths)
    return 1000 * float(lengths[known].mean()) if known.any() else float("nan")


def read_clip(run: Run, clip_id: str) -> tuple[MovingBody, Shown]:
    """Read what a preview shows.

    Raises:
        InputError: a file is missing, lacks an array, marker or joint, or has another number of frames.
    """
    folder, subject = run.clip(clip_id), run.subject(str(run.row(clip_id)["subject"]))
    motion = read_world_motion(folder / "body.npz")
    fit = read_npz(subject / "fit.npz", ("marker_names", "marker_vertices", "marker_offsets_m"))
    model = find_body_model(run.config.body, str(motion["gender"]))
    shaped = shape_with_markers(model, motion["betas"], fit["marker_vertices"], fit["marker_offsets_m"])
    body = MovingBody(model.faces, shaped, motion["poses"], motion["trans"])
    return body, read_shown(run, folder, [str(name) for name in fit["marker_names"]], len(body.poses))


def shape_with_markers(
    model: BodyModel,
    betas: Float[np.ndarray, " betas"],
    vertex_ids: Int[np.ndarray, " markers"],
    offsets_m: Float[np.ndarray, "markers 3"],
) -> ShapedBody:
    """All vertices of a body, and after them its markers, displaced at rest from their vertices (m)."""
    count = len(model.v_template)
    shaped = shape_body(model, torch.as_tensor(betas), np.concatenate([np.arange(count), vertex_ids]))
    moved = shaped.vertices.clone()
    moved[count:] += torch.as_tensor(offsets_m).to(moved)
    return dataclasses.replace(shaped, vertices=moved)


def read_shown(run: Run, folder: Path, marker_names: Sequence[str], frames: int) -> Shown:
    """Read skeleton and markers of a clip; frames without a label have none.

    Raises:
        InputError: as for `read_clip`.
    """
    label = read_npz(folder / "keypoints.npz", KEYPOINTS)
    trial = read_trc(folder / "markers.trc")
    for name, count in (("keypoints.npz", len(label["time_s"])), ("markers.trc", len(trial.time_s))):
        if count != frames:
            raise InputError(
                f"{folder / name}: has {count} frames; body.npz has {frames}. "
                "Run the markers, ik and fit stages of this clip again."
            )
    holes = ~label["valid"].astype(bool)[:, None, None]
    skeleton = np.concatenate([label["joint_centers_m"], label["mass_centers_m"]], axis=1)
    names = [*map(str, label["joint_names"]), *map(str, label["body_names"])]
    model_m = pick(folder, label["markers_m"], label["marker_names"], marker_names)
    unseen = np.full((frames, 3), np.nan)
    measured = [trial.column(name) if name in trial.names else unseen for name in marker_names]
    return Shown(
        time_s=label["time_s"],
        skeleton_names=names,
        skeleton_m=np.where(holes, np.nan, skeleton),
        measured_m=ground_to_world(np.stack(measured, axis=1)),
        model_m=np.where(holes, np.nan, model_m),
        counted=counted_markers(run, marker_names),
    )


def counted_markers(run: Run, names: Sequence[str]) -> Bool[np.ndarray, " markers"]:
    """Which markers count in errors: those that inverse kinematics follows (odah_gen.fidelity.measure.COUNTS).

    Raises:
        InputError: the run's marker list cannot be read.
    """
    layout = load_layout(run.config.skeleton.markers)
    weights = dict(zip(layout.names, layout.weights))
    return np.array([weights.get(name, 0.0) > COUNTS for name in names])
