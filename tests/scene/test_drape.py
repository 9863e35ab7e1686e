"""Simulated cloth falls, hangs and swings as cloth does, keeps off the skin, and is there only when asked for."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blender_addon.description import SceneError, read_description
from blender_addon.drape_mesh import LEG_DRAW, coarse_mesh, edges_of, fault, follow, held_share, lengths
from blender_addon.drape_motion import quaternion_to_rotvec, rotvec_to_quaternion, simulated_steps
from blender_addon.many_frames import Mover
from blender_addon.skinning import rotvec_to_matrix
from blender_addon.subject import DRAPED, load_subject, posed_vertices
from odah_gen.body.model import BodyModel
from odah_gen.errors import InputError
from odah_gen.paths import ROOT
from odah_gen.run import Run
from odah_gen.scene.drape_stage import drape_clips
from odah_gen.scene.render_stage import made_from, read_scene
from odah_gen.scene.stage import write_scene
from odah_gen.storage import read_npz, write_npz, write_yaml
from tests.scene.scene_clip import CLIP, FRAMES, SQUAT_DEG, make_run, pose_of, squat_run

UNLIMITED_M = 100.0
SIMULATED = {"clothes": {"simulation": True}}


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory, model: BodyModel) -> Run:
    """A run with clothes to simulate: three frames of bending the knees."""
    poses = np.stack([pose_of(SQUAT_DEG, share) for share in np.linspace(0.1, 0.2, FRAMES)])
    betas = np.random.default_rng(3).normal(size=16)
    made = make_run(tmp_path_factory.mktemp("simulated"), model, poses, betas, **SIMULATED)
    write_scene(made, CLIP)
    return made


@pytest.fixture(scope="module")
def draped(described: Run) -> Run:
    """The run with its clothes simulated."""
    told: list[Any] = []
    warnings: list[str] = []
    drape_clips(described, [CLIP], told.append, warnings.append)
    assert not warnings
    assert [progress.done for progress in told] == list(range(1, told[-1].total + 1))
    return described


@pytest.mark.parametrize("fps", [15.0, 24.0, 29.97, 60.0, 120.0])
def test_frames_are_among_the_steps_and_the_body_gets_there_smoothly(fps: float) -> None:
    rng = np.random.default_rng(1)
    poses = np.linspace(rng.normal(size=165), rng.normal(size=165), 5) * 0.4
    trans = np.linspace([0, 0, 1.0], [0.2, 0, 1], 5)
    steps = simulated_steps(poses, trans, fps)
    assert 60 <= steps.rate_hz == fps * steps.per_frame < 60 + fps
    frames = steps.first + steps.per_frame * np.arange(5)
    assert np.allclose(steps.trans[frames], trans)
    wanted, found = (rotvec_to_matrix(part.reshape(-1, 3)) for part in (poses, steps.poses[frames]))
    assert np.allclose(wanted, found, atol=1e-9)
    assert np.allclose(steps.poses[0, 3:], 0)
    speed = np.diff(steps.trans[:, 0]) * steps.rate_hz
    assert speed[steps.first - 1] == pytest.approx(speed[-1], rel=0.1)
    assert np.abs(np.diff(speed)).max() < 0.2 * speed[-1]


def test_one_frame_has_a_lead_in_too() -> None:
    steps = simulated_steps(np.zeros((1, 165)), np.zeros((1, 3)), 60.0)
    assert len(steps.poses) == steps.first + 1 > 40


def test_rotations_keep_through_quaternions() -> None:
    rotvec = np.random.default_rng(2).uniform(-1.8, 1.8, (50, 3))
    assert np.allclose(quaternion_to_rotvec(rotvec_to_quaternion(rotvec)), rotvec)


def test_a_coarse_garment_is_even_and_carries_the_whole_one(run: Run) -> None:
    subject = load_subject(read_description(run.clip(CLIP) / "scene.json"))
    for name in DRAPED:
        garment = subject.garments[name]
        mesh = coarse_mesh(garment.vertices, garment.faces, 0.025)
        edges = lengths(garment.vertices[mesh.chosen], edges_of(mesh.faces))
        fine = lengths(garment.vertices, edges_of(garment.faces))
        assert len(mesh.chosen) < 0.4 * len(garment.vertices)
        assert np.percentile(edges, 1) > 0.015 > np.percentile(fine, 25)
        assert np.percentile(edges, 99) < 0.06
        assert np.allclose(mesh.shares.sum(1), 1)
        used = np.unique(garment.faces)
        shift = np.array([0.1, -0.2, 0.3])
        moved = follow(garment, mesh, garment.vertices, garment.vertices[mesh.chosen] + shift, UNLIMITED_M)
        assert np.allclose(moved[used], garment.vertices[used] + shift, atol=1e-5)
        bent = follow(garment, mesh, garment.vertices, garment.vertices[mesh.chosen] @ turn(0.3).T, UNLIMITED_M)
        assert np.percentile(np.linalg.norm(bent - garment.vertices @ turn(0.3).T, axis=1)[used], 99) < 0.006
        far = follow(garment, mesh, garment.vertices, garment.vertices[mesh.chosen] + shift, 0.05) - garment.vertices
        assert 0.04 < np.linalg.norm(far, axis=1)[used].max() <= 0.05


def turn(angle_rad: float) -> np.ndarray:
    """A turn about the X axis."""
    return rotvec_to_matrix(np.array([[angle_rad, 0, 0]]))[0]


def test_waistband_and_shoulders_are_held_and_hems_are_free(run: Run) -> None:
    subject = load_subject(read_description(run.clip(CLIP) / "scene.json"))
    for name in DRAPED:
        garment = subject.garments[name]
        used = np.unique(garment.faces)
        held, height = held_share(name, garment)[used], garment.vertices[used, 1]
        assert held[height < height.min() + 0.05].max() < (0.2 if name == "upper" else LEG_DRAW + 0.01)
        assert (held > 0.99).sum() > 20
        if name == "lower":
            assert held[height > height.max() - 0.03].min() > 0.99


def test_a_simulation_that_bursts_is_found() -> None:
    rest = np.full(100, 0.02)
    assert fault(1.2 * rest, rest) is None
    assert "10%" in str(fault(np.where(np.arange(100) < 10, 0.05, 0.02), rest))
    assert "no numbers" in str(fault(np.where(np.arange(100) < 1, np.nan, 0.02), rest))


STRIP = """
import json, sys, tempfile
from pathlib import Path
import bpy, numpy as np
from blender_addon import drape
from blender_addon.drape_mesh import Coarse
from blender_addon.drape_motion import Steps

x, z = np.meshgrid(np.arange(4) * 0.02, -np.arange(16) * 0.02)
strip = np.stack([x.ravel(), 0 * x.ravel(), 2 + z.ravel()], 1)
corner = (np.arange(15)[:, None] * 4 + np.arange(3)).ravel()
faces = np.concatenate([np.stack([corner, corner + 1, corner + 5], 1), np.stack([corner, corner + 5, corner + 4], 1)])

def simulate(rate, held, motion):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene, places = bpy.context.scene, strip + motion[:, None]
    steps = Steps(np.zeros((len(motion), 165)), np.zeros((len(motion), 3)), 0, 1, rate)
    mesh = Coarse(np.arange(len(strip)), faces, None, None)
    with tempfile.TemporaryDirectory() as folder:
        item = drape.add_moving(scene, "strip", places, mesh, Path(folder))
        drape.make_cloth(item, held, 1.0, steps)
        scene.frame_start, scene.frame_end = 0, len(motion) - 1
        found = []
        for step in range(len(motion)):
            scene.frame_set(step)
            found.append(drape.vertices_of(item))
    return np.array(found)

def still(count):
    return np.zeros((count, 3))

falls = {}
for rate in (60.0, 75.0, 120.0):
    fallen = simulate(rate, np.zeros(len(strip)), still(round(0.2 * rate) + 1))[:, :, 2].mean(1)
    falls[rate] = float(fallen[0] - fallen[-1])
top = np.repeat(np.arange(16) < 2, 4).astype(float)
time_s = np.arange(120) / 60
walk = np.stack([0 * time_s, np.minimum(time_s, 0.5) * 2, 0 * time_s], 1)
first, second = simulate(60.0, top, walk), simulate(60.0, top, walk)
edges = drape.edges_of(faces)
stretch = [drape.lengths(places, edges) / drape.lengths(strip, edges) for places in first]
print(json.dumps({
    "fallen_m": falls, "hem_m": (first[:, -4:, 1].mean(1) - walk[:, 1]).tolist(),
    "stretch": float(np.percentile(stretch, 99)), "same": first.tobytes() == second.tobytes(),
    "held_m": float(np.abs(first[:, :8] - (strip + walk[:, None])[:, :8]).max()),
}))
"""


def test_cloth_falls_as_fast_as_stones_and_swings_on_after_a_stop(blender: Callable[..., Any]) -> None:
    """A strip of cloth: let go, it falls g t² / 2 at any rate; drawn along at 2 m/s, it lags, and swings past a stop."""
    found = blender(STRIP)
    for fallen in found["fallen_m"].values():
        assert fallen == pytest.approx(9.81 * 0.2**2 / 2, rel=0.15)
    hem = np.array(found["hem_m"])
    assert hem[5:25].min() < -0.03
    assert hem[31:60].max() > 0.05
    assert abs(hem[-1]) < 0.5 * hem.max()
    assert found["stretch"] < 1.1
    assert found["held_m"] < 1e-3
    assert found["same"]


KEPT_OFF = """
import json, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from blender_addon import description, drape, push_out, subject
told = description.read_description(Path(sys.argv[1]))
hung = subject.load_subject(told)
bare = subject.load_subject(replace(told, cloth=None))
skin_faces, off = drape.touched_faces(hung), {}
for frame in range(hung.frames):
    vertices = subject.posed_vertices(hung, frame)
    skin = push_out.Surface([(vertices["body"], skin_faces)])
    for name in subject.DRAPED:
        used = np.zeros(len(vertices[name]), bool)
        used[hung.garments[name].faces] = True
        distances, _ = skin.distances(vertices[name], used)
        least = np.clip(hung.garments[name].hold_m, 0, drape.LEAST_M)
        off.setdefault(name, []).extend((distances - least)[used].tolist())
meshes = {name: drape.coarse_mesh(bare.garments[name].vertices, bare.garments[name].faces, 0.05) for name in subject.DRAPED}
failed = drape.Finish(bare, meshes).vertices(1, {})
skinned = subject.posed_vertices(bare, 1)
print(json.dumps({
    "short_m": {name: np.percentile(entry, [0, 1]).tolist() for name, entry in off.items()},
    "fallback_m": max(float(np.abs(failed[name] - skinned[name]).max()) for name in subject.DRAPED),
}))
"""


def test_clothes_of_a_clip_hang_below_skinned_ones_and_keep_off_the_skin(
    draped: Run, blender: Callable[..., Any]
) -> None:
    folder = draped.clip(CLIP)
    told = read_description(folder / "scene.json")
    hung, skinned = load_subject(told), load_subject(dataclasses.replace(told, cloth=None))
    arrays = read_npz(folder / "cloth.npz")
    for name in DRAPED:
        assert arrays[f"{name}_simulated"]
        used = np.unique(hung.garments[name].faces)
        for frame in range(FRAMES):
            places, stiff = (posed_vertices(each, frame)[name][used] for each in (hung, skinned))
            assert np.array_equal(places, arrays[f"{name}_m"][frame][used])
            assert name == "lower" or places[:, 2].mean() < stiff[:, 2].mean()
            assert 0.005 < np.linalg.norm(places - stiff, axis=1).max() < 0.3
            assert np.array_equal(
                Mover(hung).vertices(range(frame, frame + 1))[name][0], posed_vertices(hung, frame)[name]
            )
    found = blender(KEPT_OFF, folder / "scene.json")
    for least, nearly_least in found["short_m"].values():
        assert least > -0.01, "where thighs meet, or arm and trunk, one push is against the other"
        assert nearly_least > -0.002
    assert found["fallback_m"] < 1e-4


def test_pictures_count_as_made_from_the_cloth(draped: Run) -> None:
    folder, scene = draped.clip(CLIP), read_scene(draped.clip(CLIP) / "scene.json")
    before = made_from(folder, scene, draped.config.render)
    arrays = read_npz(folder / "cloth.npz")
    kept = (folder / "cloth.npz").read_bytes()
    write_npz(folder / "cloth.npz", **arrays | {"upper_m": arrays["upper_m"] + np.float32(1e-3)})
    assert made_from(folder, scene, draped.config.render) != before
    write_npz(folder / "cloth.npz", **arrays | {"upper_m": arrays["upper_m"][:, 1:]})
    with pytest.raises(SceneError, match=r"other clothes.*odah-gen drape"):
        load_subject(read_description(folder / "scene.json"))
    (folder / "cloth.npz").write_bytes(kept)


def test_without_the_setting_there_is_no_cloth_and_no_word_of_it(run: Run) -> None:
    assert "cloth" not in read_scene(run.clip(CLIP) / "scene.json")
    with pytest.raises(InputError, match=r"clothes\.simulation is false"):
        drape_clips(run, [CLIP])


def test_cloth_that_is_not_there_names_its_stage(tmp_path: Path, model: BodyModel) -> None:
    made = squat_run(tmp_path, model, **SIMULATED)
    write_scene(made, CLIP)
    with pytest.raises(InputError, match=r"cloth\.npz, which is not there.*odah-gen drape"):
        read_scene(made.clip(CLIP) / "scene.json")


@pytest.mark.parametrize("simulation", [False, True])
def test_the_workflow_drapes_only_when_asked(tmp_path: Path, simulation: bool) -> None:
    command = [Path(sys.executable).parent / "snakemake", "-s", ROOT / "Snakefile", "--directory", tmp_path, "-n"]
    write_yaml(tmp_path / "clothes.yaml", {"clothes": {"simulation": simulation}})
    files = ["--configfile", ROOT / "config" / "smoke.yaml", tmp_path / "clothes.yaml"]
    done = subprocess.run(
        [*command, "render_all", "--quiet", "host", *files], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert ("rule drape" in done.stdout + done.stderr) == simulation
