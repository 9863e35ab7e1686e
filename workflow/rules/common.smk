# Names shared by all rules. The catalogue is refreshed here, before the graph is built, so no checkpoint is needed.
import os
import re
import sys
from pathlib import Path

from odah_gen.config import from_mapping, to_mapping
from odah_gen.dataset.schema import PICTURES, PREVIEWS, SUBJECT_FILES, finished_clip_files
from odah_gen.errors import InputError
from odah_gen.estimate import describe_estimate
from odah_gen.lock import hold_alone, wait_for_writers
from odah_gen.paths import ASSETS
from odah_gen.motion.catalogue import create_run, plan_run
from odah_gen.registration.store import regressor_file
from odah_gen.run import RESULTS as RUNS, open_run
from odah_gen.scene.rendered import CLOTH, rendered_files


def tell(sentence):
    print(f"odah-gen: {sentence}", file=sys.stderr)


def is_dry_run():
    """Whether the user only wants to see the plan; Snakemake itself tells the rules nothing of it."""
    return any(re.fullmatch(r"--dry-?run|-[a-zA-Z]*n[a-zA-Z]*", word) for word in sys.argv[1:])


def start_run():
    """Open this run; in the process that the user started also clear up after a killed one and refresh the catalogue."""
    plan = from_mapping(config, ", ".join(map(str, workflow.overwrite_configfiles)) or "config/config.yaml")
    folder = RUNS / plan.run
    if not workflow.is_main_process:
        return open_run(folder)
    if is_dry_run():
        return plan_run(plan, folder)
    hold_alone(Path(".snakemake") / "odah.lock")
    wait_for_writers(folder, tell)
    for stale in Path(".snakemake/locks").glob("*.lock"):
        stale.unlink()
    return create_run(plan, folder)


try:
    RUN = start_run()
    REGRESSOR = os.path.relpath(regressor_file(RUN))
except InputError as error:
    tell(error)
    sys.exit(2)

RESULTS = str(RUN.folder)
CLIPS = list(RUN.clips.index)
SUBJECTS = list(dict.fromkeys(RUN.clips["subject"]))
SHARDS = {key: list(shard.index) for key, shard in RUN.clips.groupby(["subject", "shard"], sort=False)}
SETTINGS = to_mapping(RUN.config)
CAMERAS = RUN.config.camera.names
RENDERED = rendered_files(CAMERAS, RUN.config.render.outputs)
SIMULATED = [CLOTH] if RUN.config.clothes.simulation else []
C = RESULTS + "/clips/{clip}/"
S = RESULTS + "/subjects/{subject}/"

MARKER_LIST = SETTINGS["skeleton"]["markers"] or os.path.relpath(ASSETS / "markers.yaml")
SKELETON_TABLE = SETTINGS["skeleton"]["model"] or os.path.relpath(ASSETS / "skeleton.yaml")


wildcard_constraints:
    clip="[a-z0-9]+-[a-z0-9]+-[0-9]+",
    subject="[a-z0-9]+",


# Stages are commands of this environment; pipefail keeps their exit status behind tee.
shell.executable("/bin/bash")
shell.prefix(f"set -euo pipefail; export PATH={Path(sys.executable).parent}:$PATH; ")


def settings(*keys):
    """What a stage takes from the configuration, sections or single keys: when it changes, the stage runs again."""
    found = {}
    for key in ("seed", "fps", *keys):
        section, _, name = key.partition(".")
        found[key] = SETTINGS[section][name] if name else SETTINGS[section]
    return found


def clip_entry(wildcards):
    """What the catalogue says of a clip's motion; its split and shard change nothing in it."""
    row = RUN.row(wildcards.clip)
    return [str(row[name]) for name in ("gender", "source", "source_file", "frames", "seed", "betas_source", "bmi_offset")]


def subject_entry(wildcards):
    """What the catalogue says of a subject's body; a file's name counts where the body comes from it."""
    row = RUN.row(RUN.clips_of(wildcards.subject)[0])
    file = row["source_file"] if row["betas_source"] == "file" else ""
    return [str(row["gender"]), str(row["betas_source"]), str(row["bmi_offset"]), str(file)]


def subject_file(name):
    """A file of the subject that moves in a clip."""
    return lambda wildcards: f"{RESULTS}/subjects/{RUN.row(wildcards.clip)['subject']}/{name}"


def kept_scales(wildcards):
    """The scale factors that a subject's skeleton takes over from the subject that it is a variant of."""
    first = RUN.skeleton_of(wildcards.subject)
    return [] if first == wildcards.subject else [f"{RESULTS}/subjects/{first}/scales.json"]


def clip_files(*names):
    """Files of every clip of the run."""
    return [f"{RESULTS}/clips/{clip}/{name}" for clip in CLIPS for name in names]


def subject_files(*names):
    """Files of every subject of the run."""
    return [f"{RESULTS}/subjects/{subject}/{name}" for subject in SUBJECTS for name in names]


def clip_files_of_subject(name):
    """A file of every clip of a subject."""
    return lambda wildcards: [f"{RESULTS}/clips/{clip}/{name}" for clip in RUN.clips_of(wildcards.subject)]


def surroundings(wildcards):
    """The user's pictures of surroundings: with another one, other scenes draw it."""
    folder = SETTINGS["room"]["hdri_dir"]
    return sorted(path.name for path in Path(folder).glob("*")) if folder else []


def source_motion(wildcards):
    """The motion file of a clip, where it comes from one."""
    row = RUN.row(wildcards.clip)
    return [row["source_file"]] if row["source"] == "amass" else []


def unlimited_pace(scheduling):
    """Take away Snakemake's default limit of 100 jobs a second; one that the user sets stays.

    Under a limit Snakemake 9.27 starts a timer each time that it looks for jobs, and each timer makes it look again: it
    looks ever more often, which after some hundred jobs keeps half a core busy.
    """
    limit = scheduling and scheduling.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        scheduling.max_jobs_per_timespan = None


unlimited_pace(workflow.scheduling_settings)


onstart:
    tell(describe_estimate(RUN))
