"""What the network learns from config/learn.yaml: trained on five people, chosen by a sixth, held against two others.

    snakemake --cores 2 render_all --configfile config/learn.yaml
    python benchmarks/learning.py [--run results/learn] [--also FILE ...] [--docs]

Exports the splits (to dataset/learn), trains, evaluates on the test subjects, prints the table and whether the goals are
met: 30 % below the mean pose in angles and PA-MPJPE, and a smaller velocity error of the sequence than of its frames.
`--also` takes evaluation.json of other methods on the same clips (`odah-net baseline`). `--docs` puts the table into
docs/network.md and the curve into docs/images/learning.png. Goes on where it was stopped.
"""

import argparse
import csv
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from matplotlib.figure import Figure

from odah_gen.config import SPLITS
from odah_gen.dataset.export import export_split
from odah_gen.run import open_run
from odah_gen.storage import read_json
from odah_net.configuration import SIZES, recipe_of
from odah_net.evaluation.evaluate import ROWS, evaluate, table
from odah_net.evaluation.methods import FRAMES, MEAN, SEQUENCE
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
BEGIN, END = "<!-- begin: benchmarks/learning.py -->", "<!-- end: benchmarks/learning.py -->"
PICTURE = ROOT / "docs" / "images" / "learning.png"


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
    report = evaluate(read_checkpoint(best), splits["test"], arguments.out / "test", device=device)
    methods = report["methods"] | others(arguments.also)
    told = f"{report['clips']} clips, {report['frames']} frames of people never seen in training; {arguments.config}\n"
    told += table(methods) + goals(report["methods"])
    print(told, end="")
    write_curve(arguments.out / "learning.png", arguments.out)
    if arguments.docs:
        put_into_document(ROOT / "docs" / "network.md", told)
        write_curve(PICTURE, arguments.out)


def exported(run: Path, data: Path) -> dict[str, Path]:
    """The data sets of all splits, written where they are missing."""
    found = {split: data / split for split in SPLITS}
    for split, folder in found.items():
        if not (folder / "clips.parquet").is_file():
            export_split(open_run(run), split, folder)
    return found


def others(files: list[Path]) -> dict[str, Any]:
    """Scores of other methods, from their evaluation.json."""
    found = {name: scores for file in files for name, scores in read_json(file)["methods"].items()}
    return {name: scores for name, scores in found.items() if name not in (SEQUENCE, FRAMES, MEAN)}


def goals(methods: Mapping[str, Mapping[str, float]]) -> str:
    """Each goal, and whether it is met."""
    lines = []
    for score in GAINS:
        gain = 1 - methods[SEQUENCE][score] / methods[MEAN][score]
        lines.append(
            f"{ROWS[score]}: {100 * gain:.0f} % below the mean pose; goal {100 * LEAST_GAIN:.0f} %: {met(gain >= LEAST_GAIN)}"
        )
    sequence, frames = (methods[name][VELOCITY] for name in (SEQUENCE, FRAMES))
    lines.append(
        f"{ROWS[VELOCITY]}: sequence {sequence:.3g}, frames {frames:.3g}; goal: less: {met(sequence < frames)}"
    )
    return "\n".join(lines) + "\n"


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


def put_into_document(path: Path, text: str) -> None:
    """Replace what stands between the marks of a document."""
    before, rest = path.read_text().split(BEGIN)
    after = rest.split(END)[1]
    indented = "".join(f"    {line}\n" for line in text.splitlines())
    path.write_text(f"{before}{BEGIN}\n\n{indented}\n{END}{after}")


def parsed() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("results/learn"), help="finished run; default: results/learn")
    parser.add_argument(
        "--data", type=Path, default=Path("dataset/learn"), help="of the splits; default: dataset/learn"
    )
    parser.add_argument("--out", type=Path, default=Path("results/net/learn"), help="default: results/net/learn")
    parser.add_argument("--config", choices=SIZES, default="small")
    parser.add_argument("--steps", type=int, nargs=2, default=(3000, 600), help="of each stage; default: 3000 600")
    parser.add_argument("--batch", type=int, nargs=2, default=(8, 4), help="of each stage; default: 8 4")
    parser.add_argument("--save-every", type=int, default=200, help="steps between validations; default: 200")
    parser.add_argument("--mirror", action="store_true", help="exchange left and right in half of the frames")
    parser.add_argument("--workers", type=int, default=0, help="processes that read; default: 0")
    parser.add_argument("--also", type=Path, nargs="*", default=[], metavar="FILE", help="evaluation.json of others")
    parser.add_argument("--docs", action="store_true", help="write docs/network.md and docs/images/learning.png")
    return parser.parse_args()


if __name__ == "__main__":
    main()
