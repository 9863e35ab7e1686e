"""The `odah-gen` command: one sub-command per stage, each a plain function of paths and configuration."""

import argparse
import importlib
import importlib.metadata
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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


COMMANDS = {
    "index": Command("odah_gen.motion.index_command", "write the clip catalogue of a run"),
    "motion": Command("odah_gen.motion.command", "put source motion on the subject's body, in the world frame"),
    "markers": Command("odah_gen.body.markers_command", "virtual markers on the skin, as .trc"),
    "scale": Command("odah_gen.skeleton.scale_command", "scale the OpenSim model to a subject"),
    "ik": Command("odah_gen.skeleton.ik_command", "inverse kinematics: .trc to .mot and key points"),
    "regressor": Command("odah_gen.registration.regressor_command", "train or apply the joint regressor"),
    "fit": Command("odah_gen.registration.fit_command", "fit the body to the skeleton's motion"),
    "fidelity": Command("odah_gen.fidelity.command", "hold the fitted body against its label"),
    "pose": Command("odah_gen.pose.command", "put a model, and a subject's body, into any pose", writes=False),
    "preview": Command("odah_gen.preview.command", "show fitted body, skeleton and markers without rendering"),
    "scene": Command("odah_gen.scene.command", "clothes, lights, room and cameras"),
    "render": Command("odah_gen.scene.render_command", "render a clip with Blender"),
    "labels": Command("odah_gen.dataset.labels_command", "labels and quality of a clip"),
    "report": Command("odah_gen.dataset.report_command", "pictures and figures of a run for the report"),
    "verify": Command("odah_gen.dataset.verify_command", "re-read a finished run and check every file", writes=False),
    "export": Command("odah_gen.dataset.export_command", "write a self-contained data set of one split"),
    "import": Command("odah_gen.motion.import_command", "put an AMASS file on a body, without a run", writes=False),
    "body": Command("odah_gen.body.build_command", "build the free body from its CC0 source"),
    "addon": Command("odah_gen.scene.addon_command", "build the Blender add-on"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one sub-command; a user's mistake gives one sentence and exit code 2."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        parsed = build_parser(arguments).parse_args(arguments)
        if parsed.writes and getattr(parsed, "run", None) and parsed.run.is_dir():
            hold_run(parsed.run)
        parsed.main(parsed)
    except InputError as error:
        print(f"odah-gen: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:
        raise SystemExit(0) from None
    except OSError as error:
        print(f"odah-gen: {describe(error)}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("odah-gen: stopped; no file is left half-written.", file=sys.stderr)
        raise SystemExit(130) from None


def describe(error: OSError) -> str:
    """What the system refused, in one sentence."""
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}. Check the path, its rights and the free space."


def build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser with only the wanted command loaded, so that `--help` and short commands start fast."""
    parser = argparse.ArgumentParser(
        prog="odah-gen",
        description="Body motion in; two-camera video with OpenSim kinematics out.",
        epilog="The stages run in this order: index, motion, markers, scale, ik, fit, fidelity, scene, render, labels. "
        "`snakemake --cores N render_all` runs them all; `odah-gen COMMAND --help` tells what one needs.",
    )
    parser.add_argument("--version", action="version", version=f"odah-gen {version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    for name, command in COMMANDS.items():
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


def add_run_argument(parser: argparse.ArgumentParser) -> None:
    """The option every stage shares."""
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="run folder, for instance results/demo")


def add_clip_arguments(parser: argparse.ArgumentParser) -> None:
    """The run folder and the clips to work on."""
    add_run_argument(parser)
    parser.add_argument("clips", nargs="+", metavar="CLIP", help="clip ids, as in clips.parquet")


if __name__ == "__main__":
    main()
