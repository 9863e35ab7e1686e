"""Does the network learn a few clips by heart? Trained on the clips of one subject and evaluated on the same.

    python benchmarks/overfit.py --data dataset/learn/train [--subjects s01] [--steps 1500 300] [--out DIR]

Prints the evaluation's table, processor seconds, and whether the goals are met: angles within 3° and PA-MPJPE below
25 mm. Goes on where it was stopped; the seconds are then those of the last part.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from machine import Stopwatch, processor

from odah_net.configuration import SIZES, recipe_of
from odah_net.data.clips import open_clips
from odah_net.evaluation.evaluate import evaluate, table
from odah_net.training.checkpoint import read_checkpoint
from odah_net.training.plan import Length, Plan
from odah_net.training.run import CHECKPOINT, train
from odah_net.training.samples import Machine

GOALS = {"mae_all_deg": 3.0, "pa_mpjpe_mm": 25.0}


def main() -> None:
    """Train, evaluate and print."""
    arguments = parsed()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    subjects = tuple(arguments.subjects or [open_clips(arguments.data)[0].subject])
    plan = Plan(arguments.config, *arguments.batch, **vars(recipe_of(arguments.config)), subjects=subjects)
    with Stopwatch() as watch:
        resume = (arguments.out / CHECKPOINT).is_file()
        length, machine = Length(*arguments.steps, in_steps=True), Machine(device, save_every=100)
        checkpoint = train(arguments.data, arguments.out, plan, length, machine, resume)
    report = evaluate(read_checkpoint(checkpoint), arguments.data, arguments.out, subjects, device)
    where = (
        torch.cuda.get_device_name() if device.type == "cuda" else f"{processor()}, {torch.get_num_threads()} thread(s)"
    )
    print(f"{report['clips']} clips, {report['frames']} frames; {arguments.config}; {where}")
    print(f"training: {watch.cpu_s:.0f} processor seconds, {watch.wall_s:.0f} s of wall clock")
    print(table(report["methods"]), end="")
    for name, goal in GOALS.items():
        found = report["methods"]["sequence"][name]
        print(f"{name}: {found:.3g}, goal below {goal:g}: {'met' if found < goal else 'missed'}")


def parsed() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("dataset/learn/train"), help="default: dataset/learn/train")
    parser.add_argument("--subjects", nargs="+", help="default: that of the first clip")
    parser.add_argument("--config", choices=SIZES, default="small")
    parser.add_argument("--steps", type=int, nargs=2, default=(1500, 300), help="of each stage; default: 1500 300")
    parser.add_argument("--batch", type=int, nargs=2, default=(8, 4), help="of each stage; default: 8 4")
    parser.add_argument("--out", type=Path, default=Path("results/net/overfit"), help="default: results/net/overfit")
    return parser.parse_args()


if __name__ == "__main__":
    main()
