"""What the commands `odah-gen` and `odah-net` share: sub-commands that load when wanted, and errors as one sentence."""

import argparse
import importlib
import importlib.metadata
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from odah_gen.errors import InputError
from odah_gen.lock import hold_run


@dataclass(frozen=True)
class Command:
    """A sub-command.

    Attributes:
        module: it offers `add_arguments(parser)` and `main(arguments)`.
        help: one line.
        writes: whether it writes to the folder of --run, and so counts as a writer of it (odah_gen.lock).
    """

    module: str
    help: str
    writes: bool = True


@dataclass(frozen=True)
class Program:
    """A command with sub-commands.

    Attributes:
        name: as it is typed.
        description, epilog: of its help.
        commands: by name.
        stopped: what it says when the user stops it.
    """

    name: str
    description: str
    commands: Mapping[str, Command]
    stopped: str
    epilog: str | None = None


def run_program(program: Program, arguments: Sequence[str] | None = None) -> None:
    """Run one sub-command; a user's mistake gives one sentence and exit code 2."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        parsed = build_parser(program, arguments).parse_args(arguments)
        if parsed.writes and getattr(parsed, "run", None) and parsed.run.is_dir():
            hold_run(parsed.run)
        parsed.main(parsed)
    except InputError as error:
        stop(program, str(error), 2)
    except BrokenPipeError:
        raise SystemExit(0) from None
    except OSError as error:
        stop(program, describe(error), 2)
    except KeyboardInterrupt:
        stop(program, program.stopped, 130)


def stop(program: Program, sentence: str, code: int) -> None:
    """End with a sentence."""
    sys.stderr.write(f"{program.name}: {sentence}\n")
    raise SystemExit(code) from None


def describe(error: OSError) -> str:
    """What the system refused, in one sentence."""
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}. Check the path, its rights and the free space."


def build_parser(program: Program, arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser with only the wanted command loaded, so that `--help` and short commands start fast."""
    parser = argparse.ArgumentParser(prog=program.name, description=program.description, epilog=program.epilog)
    parser.add_argument("--version", action="version", version=f"{program.name} {version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    for name, command in program.commands.items():
        sub = commands.add_parser(name, help=command.help, description=command.help.capitalize() + ".")
        if name == wanted:
            module = importlib.import_module(command.module)
            module.add_arguments(sub)
            sub.set_defaults(main=module.main, writes=command.writes)
    return parser


def version() -> str:
    """The version of the installed package, "unknown" where only its sources are there."""
    try:
        return importlib.metadata.version("odah-gen")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
