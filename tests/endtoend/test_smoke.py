"""One true run of the whole chain on the smallest configuration: killed in the middle, finished, re-read."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from blender_addon.skinning import blend, correctives, load_body, pose_joints
from odah_gen.paths import ASSETS, ROOT
from odah_gen.scene.blender import blender_python

pytestmark = pytest.mark.endtoend
CLIP = "results/smoke/clips/s01-walking-01"
FRAMES = 8
BIN = Path(sys.executable).parent


SMOKE = ROOT / "config" / "smoke.yaml"


def snakemake(folder: Path, *words: str, config: Path = SMOKE) -> list[str]:
    command = [str(BIN / "snakemake"), "-s", str(ROOT / "Snakefile"), "--directory", str(folder), "--cores", "2"]
    return [*command, *words, "--configfile", str(config)]


def finish(command: Sequence[str], folder: Path) -> str:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    output = result.stdout + result.stderr
    assert result.returncode == 0, output[-4000:]
    return output


def kill_while_rendering(folder: Path) -> None:
    """Start the workflow, kill -9 its main process when Blender is at work, and leave the children alone."""
    with (folder / "killed.log").open("w") as log:
        main = subprocess.Popen(snakemake(folder, "render_all"), cwd=folder, stdout=log, stderr=log)
    deadline = time.monotonic() + 400
    while not (folder / "results/smoke/subjects/s01/logs/render_0.log").exists():
        assert main.poll() is None, (folder / "killed.log").read_text()[-4000:]
        assert time.monotonic() < deadline
        time.sleep(0.2)
    time.sleep(2)
    os.kill(main.pid, signal.SIGKILL)
    main.wait()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smoke")
    kill_while_rendering(folder)
    assert not (folder / CLIP / "front.mp4").exists()
    (folder / "finished.log").write_text(finish(snakemake(folder, "render_all"), folder))
    return folder


def test_a_killed_run_finishes_and_leaves_no_half_written_file(run: Path):
    assert not list((run / "results").rglob("*.part*"))
    assert (run / "results/smoke/report.html").stat().st_size > 1000


def test_the_default_profile_was_used_and_the_time_told(run: Path):
    log = (run / "finished.log").read_text()
    assert "profiles/default" in log
    assert "1 of 1 clips to make" in log


def test_a_second_run_has_nothing_to_do(run: Path):
    assert "Nothing to be done" in finish(snakemake(run, "render_all"), run)


def test_a_lost_video_makes_only_its_clip_again(run: Path):
    video = run / CLIP / "side.mp4"
    content = video.read_bytes()
    video.unlink()
    plan = finish(snakemake(run, "render_all", "--dry-run", "--quiet", "host"), run)
    video.write_bytes(content)
    assert "rule render_s01_0:" in plan
    assert all(
        f"rule {stage}:" not in plan for stage in ("motion", "markers", "scale", "ik", "fit", "fidelity_s01", "scene")
    )


def test_a_lost_overlay_needs_no_new_rendering(run: Path):
    overlay = run / CLIP / "overlay.mp4"
    content = overlay.read_bytes()
    overlay.unlink()
    plan = finish(snakemake(run, "render_all", "--dry-run", "--quiet", "host"), run)
    overlay.write_bytes(content)
    assert "rule pictures:" in plan
    assert "rule render_s01" not in plan


def test_a_run_that_grows_makes_only_what_is_new(run: Path):
    more = run / "more.yaml"
    more.write_text(SMOKE.read_text().replace("subjects: 1", "subjects: 2"))
    plan = finish(snakemake(run, "render_all", "--dry-run", "--quiet", "host", config=more), run)
    assert "wildcards: clip=s02-walking-01" in plan
    assert "wildcards: clip=s01-walking-01" not in plan
    assert "wildcards: subject=s01" not in plan


def test_a_changed_setting_runs_what_depends_on_it_and_a_dry_run_writes_nothing(run: Path):
    before = {path: path.stat().st_mtime_ns for path in (run / "results").rglob("*")}
    changed = run / "changed.yaml"
    changed.write_text(SMOKE.read_text() + "ik: {accuracy: 1.0e-6}\n")
    plan = finish(snakemake(run, "render_all", "--dry-run", "--quiet", "host", config=changed), run)
    assert "rule ik:" in plan
    assert "rule markers:" not in plan
    assert {path: path.stat().st_mtime_ns for path in (run / "results").rglob("*")} == before


def test_videos_have_every_frame_at_the_run_s_rate(run: Path):
    for camera in ("front", "side"):
        for name in (f"{camera}.mp4", f"{camera}_mask.mkv"):
            with av.open(str(run / CLIP / name)) as container:
                frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
                assert container.streams.video[0].average_rate == 12
            assert len(frames) == FRAMES
            assert frames[0].shape == (160, 240)


def test_the_quality_figures_are_within_the_limits(run: Path):
    quality = json.loads((run / CLIP / "quality.json").read_text())
    assert quality["verdict"] == "pass", quality["reasons"]
    assert quality["ik"]["marker_rms_mm"] <= 20
    assert quality["joint_centers"]["mean_mm"] <= 5
    assert quality["closed_loop"]["angle_mean_deg"] <= 1


def test_the_subject_has_the_size_of_its_body(run: Path):
    scaling = json.loads((run / "results/smoke/subjects/s01/scaling.json").read_text())
    assert 1.4 < scaling["height_m"] < 2.1
    assert 15 < scaling["mass_kg"] / scaling["height_m"] ** 2 < 40
    scales = json.loads((run / "results/smoke/subjects/s01/scales.json").read_text())
    assert len(scales) == 22
    assert np.mean(list(scales.values())) == pytest.approx(scaling["height_m"] / 1.70, rel=0.1)


REPLAY = """
import sys, numpy as np, opensim
opensim.Logger.setLevelString("Error")
model = opensim.Model(sys.argv[1])
table = opensim.TimeSeriesTable(sys.argv[2])
state = model.initSystem()
coordinates = [model.getCoordinateSet().get(i) for i in range(model.getNumCoordinates())]
labels = list(table.getColumnLabels())
joints = [model.getJointSet().get(i) for i in range(model.getNumJoints())]
centers = []
for row in range(table.getNumRows()):
    values = table.getRowAtIndex(row)
    for coordinate in coordinates:
        name = coordinate.getName()
        value = values[labels.index(name)]
        degrees = coordinate.getMotionType() == 1 and not name.endswith("_beta")
        coordinate.setValue(state, np.radians(value) if degrees else value, False)
    model.realizePosition(state)
    points = [joint.getChildFrame().getPositionInGround(state) for joint in joints]
    centers.append([[point[0], -point[2], point[1]] for point in points])
np.savez(sys.argv[3], centers=np.array(centers), names=[joint.getName() for joint in joints])
"""


def test_model_and_motion_replay_to_the_labels_in_a_fresh_opensim_process(run: Path):
    subject = run / "results/smoke/subjects/s01"
    command = [
        sys.executable,
        "-c",
        REPLAY,
        str(subject / "model.osim"),
        str(run / CLIP / "kinematics.mot"),
        "replay.npz",
    ]
    finish(command, run)
    replay, labels = np.load(run / "replay.npz"), np.load(run / CLIP / "labels.npz")
    order = [list(replay["names"]).index(name) for name in labels["joint_names"]]
    assert np.abs(replay["centers"][:, order] - labels["joint_centers_m"]).max() < 1e-4


def test_verify_and_export_work_on_the_run(run: Path):
    finish([str(BIN / "odah-gen"), "verify", "--run", "results/smoke"], run)
    finish([str(BIN / "odah-gen"), "export", "--split", "train", "--run", "results/smoke"], run)
    manifest = pd.read_parquet(run / "dataset/train/manifest.parquet")
    assert {"front.mp4", "labels.npz", "kinematics.mot"} <= {Path(path).name for path in manifest["path"]}
    finish([str(BIN / "odah-gen"), "verify", "--run", "dataset/train"], run)


def test_an_empty_split_says_so_and_writes_nothing(run: Path):
    command = [str(BIN / "odah-gen"), "export", "--split", "test", "--run", "results/smoke"]
    result = subprocess.run(command, cwd=run, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert not (run / "dataset/test").exists()


ADDON = """
import json, sys, time
import bpy, numpy as np
sys.path.insert(0, sys.argv[1])
import blender_addon
from blender_addon.interface import owned, posing, showing

run, clip, pictures = sys.argv[2:]
bpy.ops.wm.read_factory_settings(use_empty=True)
blender_addon.register()
settings, ops, told = bpy.context.scene.odah, bpy.ops.odah, {}
count = lambda: {kind: len(getattr(bpy.data, kind)) for kind in owned.KINDS}

def vertices(name):
    mesh = bpy.data.objects[name].data
    places = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", places)
    return places.reshape(-1, 3)

def answered(done):
    end = time.monotonic() + 300
    while not done() and time.monotonic() < end:
        posing.poll()
        time.sleep(0.05)

before = count()
settings.folder, settings.pictures = run, pictures
told["verdict"] = settings.clips[0].verdict
told["load"] = sorted(ops.load())
told["program"] = sorted(ops.check_program())
settings.mass_sd = 2.0
told["size"] = settings.shape_told
told["saved"] = sorted(ops.save_configuration())
ops.reset_shape()
told["pose"] = sorted(ops.pose_start())
posed = posing.POSINGS["ODAH " + clip]
answered(lambda: posed.asked or posed.client.problem)
told["problem"] = posed.client.problem
part = posing.posed_part(showing.active_clip(bpy.context))
told["as fitted"] = vertices("posed body")[::500].tolist()
part["knee_angle_r"] = 100.0
posing.poll()
answered(lambda: not posed.client.busy)
told["knee"] = [part["knee_angle_r"], float(part["knee_angle_r_beta"])]
told["moved"] = float(np.abs(vertices("posed body")[::500] - told["as fitted"]).max())
told["reset"], told["paste"] = sorted(ops.pose_reset()), sorted(ops.pose_paste(own=True))
told["stop"] = sorted(ops.pose_stop())
settings.try_seed = 5
told["try"] = sorted(ops.try_scene())
told["tried"] = settings.active
settings.try_part, settings.try_seed = "light", 6
told["light"] = sorted(ops.try_scene())
told["lights"] = [item.location[:] for item in bpy.data.objects if item.type == "LIGHT" and item["odah_clip"] == settings.active]
settings.osim, settings.mot = f"{run}/subjects/s01/model.osim", f"{run}/clips/{clip}/kinematics.mot"
told["osim"] = sorted(ops.import_opensim())
settings.amass = f"{run}/clips/{clip}/motion.npz"
told["amass"] = sorted(ops.import_amass())
told["clips"] = [each.name for each in owned.loaded_clips()]
ops.unload()
told["left"] = {kind: n for kind, n in count().items() if n != before[kind]}
blender_addon.unregister()
print(json.dumps(told))
"""


def test_the_addon_tries_poses_and_imports(run: Path, tmp_path: Path):
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    words = [str(blender_python()), "-c", ADDON, str(ROOT), str(run / "results/smoke"), Path(CLIP).name, str(tmp_path)]
    done = subprocess.run(words, cwd=run, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.strip().splitlines()[-1])
    finished = ("load", "program", "saved", "pose", "reset", "paste", "stop", "try", "light", "osim", "amass")
    assert {name: told[name] for name in finished} == {name: ["FINISHED"] for name in finished}
    assert told["verdict"] in ("pass", "fail")
    assert "kg" in told["size"]
    assert "bmi_offsets: [0.0, 2.00]" in (tmp_path / f"{Path(CLIP).name}.yaml").read_text()
    assert told["problem"] == ""
    assert np.allclose(told["as fitted"], fitted_body(run)[::500], atol=1e-4)
    assert np.allclose(told["knee"], [100.0, np.deg2rad(100.0)], atol=1e-4)
    assert told["moved"] > 0.05
    assert told["tried"] == f"ODAH {Path(CLIP).name}.001"
    room = json.loads((run / CLIP / "scene.json").read_text())["room"]
    assert told["lights"]
    assert all(np.all(np.less(room["min_m"], place) & np.less(place, room["max_m"])) for place in told["lights"])
    assert len(told["clips"]) == 5
    assert told["left"] == {}


def fitted_body(run: Path) -> np.ndarray:
    """Vertices [V, 3] (m, world) of the fitted body in frame 1, where a new Blender scene stands."""
    motion = np.load(run / CLIP / "body.npz")
    body = load_body(ASSETS / "body" / "free_female.npz", motion["betas"])
    pose = pose_joints(body, motion["poses"][1], motion["trans"][1])
    return blend(body.vertices + correctives(body, pose), body.weights, pose)
