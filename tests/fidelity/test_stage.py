"""The stage on a true walk: what must be zero is zero, files are as specified, mistakes are told."""

import dataclasses
import shutil

import numpy as np
import pytest

from odah_gen.cli import main
from odah_gen.dataset.schema import json_problems
from odah_gen.errors import InputError
from odah_gen.fidelity.held_out import solve_held_out
from odah_gen.fidelity.measure import FinalBody, measure
from odah_gen.fidelity.mesh import pose_watched
from odah_gen.fidelity.stage import measure_clip, measure_clips
from odah_gen.frames import WORLD_FROM_GROUND, ground_to_world, world_to_ground
from odah_gen.run import open_run
from odah_gen.skeleton import fast_ik
from odah_gen.skeleton.forward import ForwardKinematics
from odah_gen.skeleton.trc import MarkerTrajectories
from odah_gen.storage import read_json, read_npz, write_npz


def test_the_command_writes_what_the_schema_wants(walk):
    main(["fidelity", "--run", str(walk.run.folder), "--subject", walk.subject])
    content = read_json(walk.run.clip(walk.clip_id) / "fidelity.json")
    assert json_problems(content, "fidelity.json") == []
    assert len(content["frame_angle_deg"]) == len(content["frame_held_out_mm"]) == walk.run.clips["frames"].iloc[0]
    assert content["held_out"]["points"] == 39


def test_a_clip_is_measured_again_only_when_what_it_was_made_from_changes(walk, tmp_path):
    folder, told = tmp_path / "walk", []
    shutil.copytree(walk.run.folder, folder)
    run = open_run(folder)
    path, scales = run.clip(walk.clip_id) / "fidelity.json", run.subject(walk.subject) / "scales.json"
    path.unlink(missing_ok=True)
    measure_clips(run, [walk.clip_id], told.append)
    measured = path.stat().st_mtime_ns
    measure_clips(run, [walk.clip_id], told.append)
    assert path.stat().st_mtime_ns > measured
    scales.write_text(scales.read_text() + " ")
    measure_clips(run, [walk.clip_id], told.append)
    assert [line.split(": ")[1] for line in told] == [
        "measured (1 of 1)",
        "nothing has changed (1 of 1)",
        "measured (1 of 1)",
    ]


def test_the_command_wants_a_clip_or_a_subject(walk, capsys):
    with pytest.raises(SystemExit):
        main(["fidelity", "--run", str(walk.run.folder)])
    assert "names no clip" in capsys.readouterr().err


def standing_label(label, standing, angles):
    """The label of one frame in which the skeleton stands as in the static trial."""
    coordinates = np.tile(label.coordinates[:1], (1, 1))
    coordinates[0] = angles
    replay = fast_ik.replay(ForwardKinematics(standing.skeleton), coordinates)
    return dataclasses.replace(
        label,
        coordinates=coordinates,
        joint_centers_m=ground_to_world(replay.joint_centers_m),
        body_rotations=WORLD_FROM_GROUND @ replay.body_rotations,
        markers_m=label.markers_m[:1],
        source_error_m=label.source_error_m[:1],
        valid=np.ones(1, bool),
    )


def test_standing_as_in_the_static_trial_leaves_no_drift_and_no_turn(walk, watched, standing):
    label, body = walk.label(watched), walk.body()
    betas = read_npz(walk.run.subject(walk.subject) / "body.npz")["betas"]
    still = FinalBody(betas, np.zeros_like(body.offsets_m), standing.poses, standing.trans)
    mesh = pose_watched(watched, betas, None, standing.poses, standing.trans)
    held_out = solve_held_out(standing.carrying, trial_of(watched, mesh))
    figures = measure(watched, standing, standing_label(label, standing, held_out.coordinates[0]), still)
    assert figures["held_out"]["distance_worst_mm"] < 0.5
    assert figures["held_out"]["angle_p95_deg"] < 0.01
    assert figures["segments"]["rotation_p95_deg"] < 0.5


def trial_of(watched, mesh):
    return MarkerTrajectories(watched.layout.held_out_names, np.zeros(1), world_to_ground(mesh.held_out_m))


def test_the_closed_loop_is_zero_where_the_label_was_read_off_the_mesh(walk, watched, standing):
    """The loop on its own label: only rounding remains, so whatever it shows on a clip is the fit's doing."""
    label, body = walk.label(watched), walk.body()
    mesh = pose_watched(watched, body.betas, body.offsets_m, body.poses, body.trans)
    trial = MarkerTrajectories(
        watched.layout.names, np.arange(float(len(label.valid))), world_to_ground(mesh.markers_m)
    )
    read = fast_ik.solve(standing.skeleton, trial, standing.weights)
    order = [read.coordinate_names.index(name) for name in label.coordinate_names]
    own = dataclasses.replace(label, coordinates=read.coordinates[:, order])
    assert measure(watched, standing, own, body)["closed_loop"]["angle_p95_deg"] < 1e-3


def with_points(watched, standing, names):
    """The same with some of the held-out points only."""
    layout = watched.layout
    kept = np.array([name in names for name in layout.held_out_names])
    fewer = dataclasses.replace(
        layout,
        held_out_names=tuple(names),
        held_out_bodies=tuple(np.array(layout.held_out_bodies)[kept]),
        held_out_vertices={key: ids[kept] for key, ids in layout.held_out_vertices.items()},
    )
    carrying = standing.carrying.with_listed(names)
    return dataclasses.replace(watched, layout=fewer), dataclasses.replace(standing, carrying=carrying)


def test_a_marker_list_without_held_out_points_is_measured_without_them(walk, watched, standing):
    figures = measure(*with_points(watched, standing, []), walk.label(watched), walk.body())
    assert figures["held_out"] is None
    assert json_problems(figures, "fidelity.json") == []


def test_points_that_do_not_place_the_pelvis_give_no_angles(walk, watched, standing):
    few = [name for name in watched.layout.held_out_names if "ILC" not in name]
    found = measure(*with_points(watched, standing, few), walk.label(watched), walk.body())["held_out"]
    assert found["angle_mean_deg"] is None
    assert found["points"] == 37
    assert 0 < found["distance_mean_mm"] < 10


def test_without_a_skeleton_as_arrays_only_positions_are_measured(walk, watched):
    figures = measure(watched, None, walk.label(watched), walk.body())
    assert figures["closed_loop"] is None
    assert figures["joint_centers"]["mean_mm"] > 0
    assert json_problems(figures, "fidelity.json") == []


def test_another_number_of_frames_is_told(walk, tmp_path):
    folder = tmp_path / "walk"
    shutil.copytree(walk.run.folder, folder)
    run = open_run(folder)
    path = run.clip(walk.clip_id) / "body.npz"
    arrays = read_npz(path)
    write_npz(path, **arrays | {"poses": arrays["poses"][:5], "trans": arrays["trans"][:5]})
    with pytest.raises(InputError, match=r"body\.npz: has 5 frames; keypoints\.npz has 24"):
        measure_clip(run, walk.clip_id)
