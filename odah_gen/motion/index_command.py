"""`odah-gen index`: write the clip catalogue of a run."""

import argparse
import sys
from pathlib import Path

from odah_gen.cli import add_config_argument
from odah_gen.config import load_config
from odah_gen.motion.catalogue import create_run

EPILOG = """\
Reads the configuration (keys: config/README.md) and lists its motion: the built-in actions, the files of an AMASS folder
or the pybullet clips (docs/motion.md). Writes config.yaml and clips.parquet into the run folder, and only where they
change. Next stage: odah-gen motion, or all stages at once: snakemake --cores N render_all --configfile FILE.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which configuration, and which run folder."""
    parser.epilog = EPILOG
    add_config_argument(parser)
    parser.add_argument(
        "--run",
        type=Path,
        metavar="DIR",
        help="run folder; the default is results/<run>, with the name that the configuration gives",
    )


def main(arguments: argparse.Namespace) -> None:
    """Write config.yaml and clips.parquet, and tell what is in them."""
    run = create_run(load_config(arguments.config), arguments.run)
    clips = run.clips
    sys.stderr.write(
        f"{run.folder}: {len(clips)} clips of {clips['subject'].nunique()} subjects, "
        f"{int(clips['frames'].sum())} frames at {run.config.fps:g} Hz\n"
    )
