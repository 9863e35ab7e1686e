"""The `odah-net` command: one sub-command per task, each a plain function of paths and options."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from odah_gen.cli import Command, describe
from odah_gen.errors import InputError

COMMANDS = {
    "describe": Command("odah_net.describe_command", "print the size of a network and what it computes"),
    "train": Command("odah_net.training.command", "train a network on an exported data set"),
    "ablate": Command("odah_net.training.ablate_command", "train and evaluate with less data or fewer losses"),
    "evaluate": Command("odah_net.evaluation.command", "hold a trained network against the labels of a data set"),
    "predict": Command("odah_net.predict.command", "joint angles of a person from two videos"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one sub-command; a user's mistake gives one sentence and exit code 2."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        parsed = build_parser(arguments).parse_args(arguments)
        parsed.main(parsed)
    except InputError as error:
        stop(str(error), 2)
    except OSError as error:
        stop(describe(error), 2)
    except KeyboardInterrupt:
        stop("stopped; what was saved last is whole.", 130)


def stop(sentence: str, code: int) -> None:
    """End with a sentence."""
    sys.stderr.write(f"odah-net: {sentence}\n")
    raise SystemExit(code)


def build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser with only the wanted command loaded, so that `--help` starts fast."""
    parser = argparse.ArgumentParser(prog="odah-net", description="Two videos in; joint angles and body scales out.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.help, description=command.help.capitalize() + ".")
        if name == wanted:
            module = importlib.import_module(command.module)
            module.add_arguments(sub)
            sub.set_defaults(main=module.main)
    return parser


if __name__ == "__main__":
    main()
