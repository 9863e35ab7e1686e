"""What the network learns from config/learn.yaml: trained on five people, chosen by a sixth, held against two others.

    snakemake --cores 2 render_all --configfile config/learn.yaml
    python benchmarks/learning.py [--run results/learn] [--also FILE ...] [--docs]

Exports the splits (to dataset/learn), trains, runs the baselines on the test subjects (Pose2Sim where its environment is,
./odah setup --with pose2sim), evaluates on the same, prints the table and whether the goals are met: 30 % below the mean
pose in angles and PA-MPJPE, and a smaller velocity error of the sequence than of its frames. `--also` takes
evaluation.json of further methods on the same clips. `--docs` puts the table into docs/network.md and the curve into
docs/images/learning.png. Goes on where it was stopped.
"""

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from matplotlib.figure import Figure

from odah_gen.config import SPLITS
from odah_gen.dataset.export import export_split
from odah_gen.dataset.verify import MANIFEST
from odah_gen.errors import InputError
from odah_gen.run import open_run
from odah_net.baseline import inverse_kinematics, pose2sim
from odah_net.baseline.command import column_name
from odah_net.baseline.detections import Detector
from odah_net.baseline.report import clips_with_labels, report_of
from odah_net.configuration import SIZES, recipe_of
from odah_net.data.clips import ClipData, open_clips
from odah_net.evaluation.evaluate import ROWS, evaluate, table, table_cells
from odah_net.evaluation.methods import FRAMES, MEAN, SEQUENCE, Track
from odah_net.training.checkpoint import read_checkpoint
from odah_net.training.plan import FRAME, Length, Plan
from odah_net.training.plan import SEQUENCE as SEQUENCE_STAGE
from odah_net.training.run import CHECKPOINT, train
from odah_net.training.samples import Machine

ROOT = Path(__file__).resolve().parents[1]
LEAST_GAIN = 0.3
GAINS = ("mae_all_deg", "pa_mpjpe_mm")
VELOCITY = "pa_mpjve_mm_per_s"
FEATURE_NOISE_RAD = 0.05
NOISE_PX = (0.0, 1.0)
LOW_PASS_HZ = (None, 6.0)
"""Baseline (a) gets exact key points as they are, and smooths noisy ones as Pose2Sim does anyhow."""
BEGIN, END = "<!-- begin: benchmarks/learning.py -->", "<!-- end: benchmarks/learning.py -->"
PICTURE = ROOT / "docs" / "images" / "learning.png"
LINK = "![Losses of both stages over steps, of training and of validation](images/learning.png)"


def main() -> None:
    """Export, train, evaluate and tell."""
    arguments = parsed()
    splits = exported(arguments.run, arguments.data)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    plan = Plan(
        arguments.config,
        *arguments.batch,
        **vars(recipe_of(arguments.config)),
        augment=True,
        mirror=arguments.mirror,
        feature_noise_rad=FEATURE_NOISE_RAD,
    )
    machine = Machine(device, arguments.workers, save_every=arguments.save_every)
    length, resume = Length(*arguments.steps, in_steps=True), (arguments.out / CHECKPOINT).is_file()
    best = train(splits["train"], arguments.out, plan, length, machine, resume, unseen=splits["val"])
    beside, notes = baselines(splits["test"], arguments.out / "test" / "baselines")
    beside += arguments.also
    report = evaluate(read_checkpoint(best), splits["test"], arguments.out / "test", device=device, beside=beside)
    methods = report["methods"]
    told = f"{report['clips']} clips, {report['frames']} frames of people never seen in training; {arguments.config}."
    print("\n".join([told, table(methods) + "\n".join(goals(methods)), *notes]))
    write_curve(arguments.out / "learning.png", arguments.out)
    if arguments.docs:
        put_into_document(
            ROOT / "docs" / "network.md", [told, markdown(methods), bullets([*goals(methods), *notes]), LINK]
        )
        write_curve(PICTURE, arguments.out)


def exported(run: Path, data: Path) -> dict[str, Path]:
    """The data sets of all splits, written where they are missing or older than the run."""
    found = {split: data / split for split in SPLITS}
    for split, folder in found.items():
        if is_older(folder, run):
            export_split(open_run(run), split, folder)
    return found


def is_older(export: Path, run: Path) -> bool:
    """Whether an export is missing or older than a file of the run."""
    manifest = export / MANIFEST
    files = (path for kind in ("clips", "subjects") for path in run.glob(f"{kind}/*/*.*"))
    return not manifest.is_file() or any(path.stat().st_mtime > manifest.stat().st_mtime for path in files)


def baselines(data: Path, out: Path) -> tuple[list[Path], list[str]]:
    """Evaluations of baselines on a data set, and notes about those that cannot be run here."""
    clips = clips_with_labels(open_clips(data))
    solved = {
        column_name(inverse_kinematics.CALLED, noise_px, low_pass_hz=low_pass_hz): inverse_kinematics.tracks(
            clips, Detector(noise_px), low_pass_hz
        )
        for noise_px, low_pass_hz in zip(NOISE_PX, LOW_PASS_HZ)
    }
    others, notes = by_pose2sim(clips, out / "pose2sim")
    found = {"triangulated": solved, "pose2sim": others}
    files = []
    for name, tracks in found.items():
        if tracks:
            report_of(clips, tracks, out / name, 0, ())
            files.append(out / name / "evaluation.json")
    return files, notes


def by_pose2sim(clips: Sequence[ClipData], kept: Path) -> tuple[dict[str, list[Track]], list[str]]:
    """What Pose2Sim finds, by column, and why columns are missing."""
    if not pose2sim.PYTHON.is_file():
        return {}, ["Pose2Sim was not run: it needs ./odah setup --with pose2sim."]
    found, notes = {}, []
    for noise_px in NOISE_PX:
        try:
            found[column_name(pose2sim.CALLED, noise_px)] = pose2sim.tracks(clips, Detector(noise_px), kept)
        except InputError as error:
            print(error, file=sys.stderr)
            notes.append(f"Pose2Sim failed on a clip with noise of {noise_px:g} px, which has no column.")
    return found, notes


def goals(methods: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Each goal, and whether it is met."""
    lines = []
    for score in GAINS:
        gain = 1 - methods[SEQUENCE][score] / methods[MEAN][score]
        lines.append(
            f"{ROWS[score]}: {100 * gain:.0f} % below the mean pose; goal {100 * LEAST_GAIN:.0f} %: {met(gain >= LEAST_GAIN)}."
        )
    sequence, frames = (methods[name][VELOCITY] for name in (SEQUENCE, FRAMES))
    lines.append(
        f"{ROWS[VELOCITY]}: sequence {sequence:.3g}, frames {frames:.3g}; goal: less: {met(sequence < frames)}."
    )
    return lines


def met(reached: bool) -> str:
    """In words."""
    return "met" if reached else "missed"


def write_curve(path: Path, out: Path) -> None:
    """Losses of both stages over steps: of the training set, a mean over steps, and of people never seen."""
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for part, stage in zip(figure.subplots(1, 2), (FRAME, SEQUENCE_STAGE)):
        steps, totals = column(out / "losses.csv", stage)
        width = max(1, len(totals) // 50)
        smooth = np.convolve(totals, np.full(width, 1 / width), "valid")
        part.plot(steps[width - 1 :], smooth, color="#0072b2", label="training, mean of recent steps")
        part.plot(*column(out / "validation.csv", stage), "o-", color="#d55e00", label="validation, another person")
        part.set(title=f"{stage} stage", xlabel="step", ylabel="loss", ylim=(0, None))
        part.grid(alpha=0.3)
        part.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def column(path: Path, stage: str) -> tuple[np.ndarray, np.ndarray]:
    """Steps and total losses of a stage."""
    with path.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["stage"] == stage]
    return np.array([int(row["step"]) for row in rows]), np.array([float(row["total"]) for row in rows])


def markdown(methods: Mapping[str, Mapping[str, Any]]) -> str:
    """The scores as a table of a document."""
    first, *rest = (f"| {' | '.join(text.strip() for text in cells)} |" for cells in table_cells(methods))
    return "\n".join([first, "|---" * (1 + len(methods)) + "|", *rest])


def bullets(lines: list[str]) -> str:
    """Lines as a list of a document."""
    return "\n".join(f"- {line}" for line in lines)


def put_into_document(path: Path, parts: list[str]) -> None:
    """Replace what stands between the marks of a document."""
    before, rest = path.read_text().split(BEGIN)
    after = rest.split(END)[1]
    path.write_text("\n\n".join([f"{before}{BEGIN}", *parts, f"{END}{after}"]))


def parsed() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("results/learn"), help="finished run; default: results/learn")
    parser.add_argument(
        "--data", type=Path, default=Path("dataset/learn"), help="of the splits; default: dataset/learn"
    )
    parser.add_argument("--out", type=Path, default=Path("results/net/learn"), help="default: results/net/learn")
    parser.add_argument("--config", choices=SIZES, default="small")
    parser.add_argument("--steps", type=int, nargs=2, default=(700, 500), help="of each stage; default: 700 500")
    parser.add_argument("--batch", type=int, nargs=2, default=(8, 4), help="of each stage; default: 8 4")
    parser.add_argument("--save-every", type=int, default=200, help="steps between validations; default: 200")
    parser.add_argument("--mirror", action="store_true", help="exchange left and right in half of the frames")
    parser.add_argument("--workers", type=int, default=0, help="processes that read; default: 0")
    parser.add_argument("--also", type=Path, nargs="*", default=[], metavar="FILE", help="evaluation.json of others")
    parser.add_argument("--docs", action="store_true", help="write docs/network.md and docs/images/learning.png")
    return parser.parse_args()


if __name__ == "__main__":
    main()
