"""`odah-net ablate`: what data and losses are worth, each variant trained and evaluated."""

import argparse
import sys
from pathlib import Path

from odah_net.training.ablation import ablate, ablation_table
from odah_net.training.command import add_plan_arguments, check_numbers, check_stages, chosen_device, plan_of
from odah_net.training.plan import Length
from odah_net.training.samples import Machine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-net ablate`."""
    parser.epilog = (
        "Trains everything, then fewer subjects, then without key points and without limits, and evaluates each as "
        "sequence and as frames by themselves. The same command goes on where it was stopped."
    )
    parser.add_argument("--test", type=Path, required=True, metavar="DIR", help="data set to evaluate on")
    parser.add_argument("--counts", type=int, nargs="*", default=(), metavar="N", help="numbers of training subjects")
    parser.add_argument(
        "--steps", type=int, nargs=2, required=True, metavar=("FRAME", "SEQUENCE"), help="of each stage"
    )
    add_plan_arguments(parser, "results/net/ablation")


def main(arguments: argparse.Namespace) -> None:
    """Train and evaluate all variants, and print the table."""
    check_numbers(arguments)
    check_stages(arguments.steps)
    machine = Machine(chosen_device(arguments.device), arguments.workers, arguments.at_once, arguments.save_every)
    found = ablate(
        arguments.data,
        arguments.test,
        arguments.out,
        plan_of(arguments),
        Length(arguments.steps[0], arguments.steps[1], in_steps=True),
        machine,
        arguments.counts,
        arguments.val,
    )
    sys.stdout.write(ablation_table(found))
