"""The `odah-gen` command: one sub-command per stage, each a plain function of paths and configuration."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from odah_gen.command_line import Command, Program, run_program

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
    "drape": Command("odah_gen.scene.drape_command", "simulate loose clothes with Blender"),
    "gallery": Command(
        "odah_gen.scene.gallery_command", "show the people and rooms that a configuration draws", writes=False
    ),
    "render": Command("odah_gen.scene.render_command", "render a clip with Blender"),
    "labels": Command("odah_gen.dataset.labels_command", "labels and quality of a clip"),
    "report": Command("odah_gen.dataset.report_command", "pictures and figures of a run for the report"),
    "verify": Command("odah_gen.dataset.verify_command", "re-read a finished run and check every file", writes=False),
    "export": Command("odah_gen.dataset.export_command", "write a self-contained data set of one split"),
    "import": Command("odah_gen.motion.import_command", "put an AMASS file on a body, without a run", writes=False),
    "body": Command("odah_gen.body.build_command", "build the free body from its CC0 source"),
    "addon": Command("odah_gen.scene.addon_command", "build the Blender add-on"),
}

PROGRAM = Program(
    name="odah-gen",
    description="Body motion in; video of several cameras with OpenSim kinematics out.",
    epilog="The stages run in this order: index, motion, markers, scale, ik, fit, fidelity, scene, drape (only with clothes.simulation), render, labels. "
    "`snakemake --cores N render_all` runs them all; `odah-gen COMMAND --help` tells what one needs.",
    commands=COMMANDS,
    stopped="stopped; no file is left half-written.",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one sub-command; a user's mistake gives one sentence and exit code 2."""
    run_program(PROGRAM, arguments)


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """The option of commands that begin from a configuration."""
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help="configuration, for instance config/demo.yaml; may be given again, later files go over earlier ones",
    )


def add_run_argument(parser: argparse.ArgumentParser) -> None:
    """The option every stage shares."""
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="run folder, for instance results/demo")


def add_clip_arguments(parser: argparse.ArgumentParser) -> None:
    """The run folder and the clips to work on."""
    add_run_argument(parser)
    parser.add_argument("clips", nargs="+", metavar="CLIP", help="clip ids, as in clips.parquet")


if __name__ == "__main__":
    main()
