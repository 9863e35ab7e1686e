"""`odah-gen regressor`: train the joint regressor of a body model, or apply one to a motion file."""

import argparse
import dataclasses
import sys
from pathlib import Path

from odah_gen.config import Config, Regressor
from odah_gen.registration.regressor_stage import apply_to_motion, body_section, train
from odah_gen.registration.store import SHIPPED, regressor_file, regressor_name
from odah_gen.run import open_run

TRAIN_HELP = """\
A joint regressor gives the 22 joint centres of the OpenSim skeleton as weighted sums of body vertices. It is trained
once per body model, skeleton and marker list, on a seeded bank of bodies and poses that are no subjects of any run:
each body is scaled and solved as a subject is. The free body's regressor is shipped; for an own SMPL-X model the
workflow runs this command once. Takes some minutes. Prints the error on bodies left out of the training.
"""
APPLY_HELP = """\
Gives the joint centres [T, 22, 3] of any motion file in AMASS format, in metres and in the frame of that file. The
file's shape coefficients must belong to the body model.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`train` and `apply`."""
    actions = parser.add_subparsers(metavar="train | apply", required=True)
    add_train(actions.add_parser("train", help="train a joint regressor", description=TRAIN_HELP))
    add_apply(actions.add_parser("apply", help="joint centres of a motion file", description=APPLY_HELP))


def add_train(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-gen regressor train`."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--run", type=Path, metavar="DIR", help="run whose body model, skeleton and markers are used")
    which.add_argument("--body-model", metavar="DIR|free", help="folder with SMPL-X models, or the free body")
    parser.add_argument("--out", type=Path, metavar="FILE", help="file to write; by default where the fit looks for it")
    parser.add_argument("--bodies", type=int, metavar="N", help="bodies of the bank; by default the configuration's")
    parser.add_argument("--poses", type=int, metavar="M", help="poses of each body")
    parser.add_argument("--seed", type=int, metavar="S", help="seed of the bank")
    parser.set_defaults(action=train_action)


def add_apply(parser: argparse.ArgumentParser) -> None:
    """Arguments of `odah-gen regressor apply`."""
    parser.add_argument("--regressor", type=Path, required=True, metavar="FILE", help="a trained regressor (.npz)")
    parser.add_argument(
        "--body-model", required=True, metavar="FILE|DIR|free", help="model file, folder with SMPL-X models, or free"
    )
    parser.add_argument("--motion", type=Path, required=True, metavar="FILE", help="motion in AMASS format (.npz)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="joint centres to write (.npz)")
    parser.set_defaults(action=apply_action)


def main(arguments: argparse.Namespace) -> None:
    """Run the chosen action."""
    arguments.action(arguments)


def train_action(arguments: argparse.Namespace) -> None:
    """Train and write a regressor."""
    if arguments.run is not None:
        run = open_run(arguments.run)
        config, place = run.config, regressor_file(run)
    else:
        config = Config(body=body_section(arguments.body_model))
        folder = SHIPPED if config.body.model_dir is None else Path("results") / "regressor"
        place = folder / regressor_name(config)
    config = dataclasses.replace(config, regressor=bank_section(config.regressor, arguments))
    path = arguments.out or place
    train(config, path, tell)
    tell(f"wrote {path}")


def bank_section(section: Regressor, arguments: argparse.Namespace) -> Regressor:
    """The bank's size and seed, as configured unless the command line says otherwise."""
    given = {name: getattr(arguments, name) for name in ("bodies", "poses", "seed")}
    return dataclasses.replace(section, **{name: value for name, value in given.items() if value is not None})


def apply_action(arguments: argparse.Namespace) -> None:
    """Write the joint centres of a motion file."""
    apply_to_motion(arguments.regressor, arguments.body_model, arguments.motion, arguments.out)


def tell(line: str) -> None:
    """A line of progress."""
    sys.stderr.write(f"{line}\n")
