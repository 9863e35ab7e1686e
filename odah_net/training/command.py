"""`odah-net train`: both stages of a network on an exported data set."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from odah_gen.errors import InputError
from odah_net.arguments import add_views_argument, check_at_least
from odah_net.configuration import SCHEDULES, SIZES, recipe_of, size_called
from odah_net.losses import LossTerms
from odah_net.training.plan import Length, Plan
from odah_net.training.ranks import join_ranks, leave_ranks
from odah_net.training.run import train
from odah_net.training.samples import Machine

STAGES = ("FRAME", "SEQUENCE")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-net train`."""
    parser.epilog = (
        "Writes checkpoint.pt, losses.csv, with --val also best.pt and validation.csv, and, to be fast from the second epoch on, crops/ and features.npz. The same "
        "command with --resume goes on exactly where the checkpoint is."
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--epochs", type=int, nargs=2, metavar=STAGES, help="of each stage (default: 14 5, the paper's)"
    )
    length.add_argument("--steps", type=int, nargs=2, metavar=STAGES, help="of each stage, instead of epochs")
    add_plan_arguments(parser, "results/net")
    parser.add_argument("--tensorboard", action="store_true", help="write figures to OUT/tensorboard, too")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")


def add_plan_arguments(parser: argparse.ArgumentParser, out: str) -> None:
    """What is trained, on what, and where; written to `out` if nothing else is said."""
    parser.add_argument("--config", default="small", help=f"size of the network: {', '.join(SIZES)} (default: small)")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="data set by odah-gen export")
    parser.add_argument("--subjects", nargs="+", default=(), metavar="SUBJECT", help="only these of the data set")
    add_views_argument(parser)
    parser.add_argument("--val", type=Path, metavar="DIR", help="data set for validation at each checkpoint")
    parser.add_argument("--out", type=Path, default=Path(out), metavar="DIR", help=f"where to write (default: {out})")
    parser.add_argument("--batch", type=int, nargs=2, default=(8, 2), metavar=STAGES, help="per step (default: 8 2)")
    parser.add_argument(
        "--learning-rate",
        type=float,
        metavar="RATE",
        help="at the first step (default: 5e-5, 1e-3 for small and medium)",
    )
    parser.add_argument(
        "--schedule", choices=SCHEDULES, help="of the rate (default: constant, cosine for small and medium)"
    )
    parser.add_argument(
        "--from-mean",
        action=argparse.BooleanOptionalAction,
        help="begin with the mean pose of the data (default: for small and medium)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of first weights, order and points (default: 0)")
    parser.add_argument("--no-angles", action="store_true", help="do not train on the angles themselves")
    parser.add_argument("--no-scales", action="store_true", help="do not train on the scale factors themselves")
    parser.add_argument("--no-limits", action="store_true", help="do not penalise angles outside their range")
    parser.add_argument(
        "--limits-on-circle", action="store_true", help="penalise them as the paper's equation 4 prints"
    )
    parser.add_argument("--no-points", action="store_true", help="do not train on key points")
    parser.add_argument("--augment", action="store_true", help="vary squares and colours and hide parts in stage one")
    parser.add_argument("--mirror", action="store_true", help="exchange left and right in half of the frames")
    parser.add_argument(
        "--feature-noise",
        type=float,
        default=0.0,
        metavar="RAD",
        help="standard deviation of what is added to the features that stage two learns from (default: 0)",
    )
    parser.add_argument(
        "--window-step",
        type=int,
        default=8,
        metavar="FRAMES",
        help="windows of stage two begin every so many (default: 8; the paper's program: 32)",
    )
    parser.add_argument("--unfreeze", action="store_true", help="let the encoder learn on in stage two")
    parser.add_argument("--workers", type=int, default=0, help="processes that read videos (default: 0, none)")
    parser.add_argument("--at-once", type=int, default=64, metavar="FRAMES", help="per forward pass (default: 64)")
    parser.add_argument("--save-every", type=int, default=500, metavar="STEPS", help="default: 500")
    add_device_argument(parser)


def add_device_argument(parser: argparse.ArgumentParser) -> None:
    """Where to compute."""
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: CUDA where it is")


def chosen_device(name: str) -> torch.device:
    """The device of an option.

    Raises:
        InputError: there is no such device here.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: torch sees no CUDA device here. Choose cpu, or install a CUDA build of torch.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def main(arguments: argparse.Namespace) -> None:
    """Train, and say where the checkpoint is."""
    size_called(arguments.config)
    check_numbers(arguments)
    check_stages(arguments.steps or arguments.epochs)
    frame, sequence = arguments.steps or arguments.epochs or (14, 5)
    length = Length(frame, sequence, in_steps=arguments.steps is not None)
    device = chosen_device(arguments.device)
    ranks = join_ranks(device.type == "cuda")
    if ranks.count > 1 and device.type == "cuda":
        device = torch.device("cuda", ranks.local)
    machine = Machine(device, arguments.workers, arguments.at_once, arguments.save_every, ranks, arguments.tensorboard)
    plan = plan_of(arguments)
    checkpoint = train(arguments.data, arguments.out, plan, length, machine, arguments.resume, unseen=arguments.val)
    if ranks.is_first:
        sys.stdout.write(f"{checkpoint}\n")
    leave_ranks()


def plan_of(arguments: argparse.Namespace) -> Plan:
    """The plan of the options, and of the configuration where they say nothing."""
    recipe = recipe_of(arguments.config)
    given = {name: getattr(arguments, name) for name in ("learning_rate", "schedule", "from_mean")}
    return Plan(
        config=arguments.config,
        frame_batch=arguments.batch[0],
        sequence_batch=arguments.batch[1],
        **{name: getattr(recipe, name) if value is None else value for name, value in given.items()},
        seed=arguments.seed,
        terms=LossTerms(
            limits=not arguments.no_limits,
            limits_on_circle=arguments.limits_on_circle,
            points=not arguments.no_points,
            angles=not arguments.no_angles,
            scales=not arguments.no_scales,
        ),
        subjects=tuple(arguments.subjects),
        augment=arguments.augment,
        mirror=arguments.mirror,
        feature_noise_rad=arguments.feature_noise,
        unfreeze=arguments.unfreeze,
        views=tuple(arguments.views),
        window_step=arguments.window_step,
    )


def check_numbers(arguments: argparse.Namespace) -> None:
    """See that no number is too small.

    Raises:
        InputError: one is.
    """
    check_at_least(1, arguments, "batch", "at_once", "save_every", "window_step")
    check_at_least(0, arguments, "seed", "workers", "feature_noise")
    if arguments.learning_rate is not None and arguments.learning_rate <= 0:
        raise InputError(f"--learning-rate {arguments.learning_rate:g}: must be above 0.")


def check_stages(counts: Sequence[int] | None) -> None:
    """See that the first stage has steps; the second one needs none.

    Raises:
        InputError: it has none, or one of both is negative.
    """
    if counts and (counts[0] < 1 or counts[1] < 0):
        raise InputError(
            f"--steps or --epochs {counts[0]} {counts[1]}: at least 1 of the first stage and 0 of the second were expected."
        )
