"""`odah-gen scene`: clothes, room, lights and cameras of clips."""

import argparse

from odah_gen.cli import add_clip_arguments
from odah_gen.run import open_run
from odah_gen.scene.stage import write_scene

EPILOG = """\
Reads body.npz of each clip and writes scene.json (everything that Blender needs), cameras.json (K, R, t of every camera
of camera.views) and clothes.npz (what the subject wears, cut to its body). Everything random is drawn from the run's
seed and the clip's name: the same on any machine. Next stage: odah-gen render.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run folder and the clips."""
    add_clip_arguments(parser)
    parser.epilog = EPILOG


def main(arguments: argparse.Namespace) -> None:
    """Describe the scene of every clip."""
    run = open_run(arguments.run)
    for clip_id in arguments.clips:
        write_scene(run, clip_id)
